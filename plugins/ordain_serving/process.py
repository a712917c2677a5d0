"""Processes that outlive the program that started them: told apart for sure, started, stopped.

A process id alone names nothing: ids are used again. A process is known by its id, the moment it started and the
boot of the host it started in.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TERMINATE = 8.0
"""Seconds a server has to end on its own after SIGTERM before it is killed."""
_TICK = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process for sure: id, start (text, as the system spells it), boot of the host."""

    pid: int
    started: str
    boot: str

    @staticmethod
    def of(data: Mapping[str, object]) -> Process | None:
        """Return the process that ``{"pid", "started", "boot"}`` name, or None where they name none."""
        pid, started, boot = data.get("pid"), data.get("started"), data.get("boot")
        if isinstance(pid, int) and pid > 1 and isinstance(started, str) and started and isinstance(boot, str):
            return Process(pid=pid, started=started, boot=boot)
        return None

    @property
    def alive(self) -> bool:
        """Whether exactly this process still runs (a zombie does not)."""
        return self.boot == boot_id() and start_of(self.pid) == self.started


def host_name() -> str:
    return socket.gethostname()


@cache
def boot_id() -> str:
    """Return what tells this boot of the host from every other, "" where the system has no word for it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        asked = subprocess.run(["sysctl", "-n", "kern.boottime"], capture_output=True, text=True, check=False)
        return asked.stdout.split("}")[0].strip("{ ") if asked.returncode == 0 else ""


def start_of(pid: int) -> str | None:
    """Return when the process with this id started; None where there is none, or only a zombie."""
    _reap(pid)
    if not Path("/proc/self/stat").exists():
        asked = subprocess.run(
            ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        state, _, started = asked.stdout.strip().partition(" ")
        return started.strip() if state and not state.startswith("Z") else None
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and parentheses
    threads, started = fields[16], fields[18]  # fields 20 and 22 of proc(5); the start in clock ticks since boot
    ended = state in ("Z", "X") and threads in ("0", "1")  # a leader's other threads hold its port a moment longer
    return None if ended else started


def _reap(pid: int) -> None:
    """Collect a child of ours that ended, which would stay a zombie while this program runs."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # not a child of ours: nothing to collect
        return


def current() -> Process:
    """Return this process."""
    return Process(pid=os.getpid(), started=start_of(os.getpid()) or "", boot=boot_id())


_KEPT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_KEPT_PREFIXES = ("LC_", "OMP_", "OPENBLAS_", "MKL_")


def spawn(module: str, folder: Path, log: Path) -> Process:
    """Start ``python -m MODULE FOLDER`` on its own: own session, no terminal, no open files, output into ``log``.

    The environment is cut down to what a Python program needs: secrets of ours are none of its business.
    """
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}
    if "PYTHONPATH" in kept:  # its working directory is another one
        kept["PYTHONPATH"] = os.pathsep.join(
            os.path.abspath(one) for one in kept["PYTHONPATH"].split(os.pathsep) if one
        )
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd=folder,
            env=kept,
            umask=0o077,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    process.returncode = 0  # it lives on by intention: Popen is not to warn of it, nor to wait for it
    return Process(pid=process.pid, started=start_of(process.pid) or "", boot=boot_id())


def stop(process: Process) -> None:
    """End exactly this process: SIGTERM, ``TERMINATE`` seconds, SIGKILL. Nothing where it has ended already."""
    for number, seconds in ((signal.SIGTERM, TERMINATE), (signal.SIGKILL, 5.0)):
        if not process.alive:
            return
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return
        _await_end(process, time.monotonic() + seconds)


def _await_end(process: Process, deadline: float) -> None:
    while process.alive and time.monotonic() < deadline:
        time.sleep(_TICK)
