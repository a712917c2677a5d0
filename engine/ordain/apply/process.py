"""The process of one step: reads its folder, performs, writes the result there. It needs no engine to finish."""

from __future__ import annotations

import faulthandler
import math
import os
import resource
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path

from ordain.api.executor import Report, StepRequest
from ordain.api.providers import Progress
from ordain.apply import folder
from ordain.apply.scrub import Scrub
from ordain.apply.worker import perform
from ordain.values.codec import decode, dumps, loads
from ordain.values.data import Secret, leaves

_LAST_WORDS = 2.0
"""Seconds to wait for what is still in the pipe to the log; a process left behind may hold it open for ever."""


def main(place: Path, lock: int) -> None:
    """Do the step of a folder; ``lock`` is the descriptor that says this process lives.

    Secrets come through standard input, as JSON. Where it ends too early the engine was killed before it had handed
    them over: then nothing is done.
    """
    os.set_inheritable(lock, False)  # what this process starts may outlive it
    folder.write(place / folder.PROCESS, str(os.getpid()).encode())
    try:
        secrets = decode(dict[str, str], loads(sys.stdin.buffer.read()))
    except ValueError:
        return
    request = folder.read_request(place)
    if request is None:
        return
    _limit(request)
    scrub = Scrub(secrets.values())
    with _log(request, secrets, scrub), (place / folder.PROGRESS).open("ab", buffering=0) as words:
        outcome = perform(request, secrets, _reporter(words), scrub)
    folder.write(place / folder.RESULT, dumps(outcome))


def _reporter(words: RawIOBase) -> Report:
    def report(progress: Progress) -> None:
        words.write(dumps(progress) + b"\n")

    return report


def _limit(request: StepRequest) -> None:
    """Hold the process to what ``run.resources`` allows: bytes of memory of its own, a number of cores."""
    memory, cpu = request.change.run.memory, request.change.run.cpu
    if memory is not None:
        # Not the address space: libraries reserve a multiple of what they use.
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        limit = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    if cpu is not None and sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        first = os.getpid() % len(cores)  # so that several such processes do not share the first core
        os.sched_setaffinity(0, {*(cores[first:] + cores[:first])[: max(1, math.ceil(cpu))]})


@contextmanager
def _log(request: StepRequest, secrets: Mapping[str, str], scrub: Scrub) -> Iterator[None]:
    """Let what is printed go to the log, through ``scrub`` where there may be secrets.

    Standard output and error are the log file already. Only where there may be secrets is there a pipe in between:
    without one nothing is lost when the process dies.
    """
    log = os.dup(2)
    faulthandler.enable(log)
    trees = (request.change.after, *(record.outputs for record in request.upstream))
    if not secrets and not any(isinstance(leaf, Secret) for tree in trees for _, leaf in leaves(tree)):
        yield
        return
    source, sink = os.pipe()
    pump = threading.Thread(target=_pump, args=(source, log, scrub), daemon=True)
    pump.start()
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    os.close(sink)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(log, 1)
        os.dup2(log, 2)
        pump.join(_LAST_WORDS)


def _pump(source: int, log: int, scrub: Scrub) -> None:
    with open(source, "rb") as lines:
        for line in lines:
            os.write(log, scrub.text(line.decode(errors="replace")).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
