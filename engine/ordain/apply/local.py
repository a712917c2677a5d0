"""The local executor: threads for light steps, a process of its own for each heavy one.

A process has its own session and a folder (see ``folder``), so it survives the engine, however that ends, and the
next engine attaches to it. A step with a timeout or limits gets a process too: a thread cannot be held to them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ordain.api.executor import Executor, Report, StepOutcome, StepRequest
from ordain.api.providers import Progress
from ordain.apply import folder
from ordain.apply.worker import perform
from ordain.values.codec import decode, dumps, loads
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 5.0
"""Between asking a process to end and ending it."""


class LocalExecutor(Executor):
    """Runs steps on this machine. ``home`` is the folder of Ordain's own files."""

    def __init__(self, home: Path, *, parallelism: int = 10, python: str = sys.executable) -> None:
        self._home = home
        self._python = python
        self._pool = ThreadPoolExecutor(parallelism, thread_name_prefix="ordain-step")
        self._light: dict[str, Future[StepOutcome]] = {}
        self._cancelled: set[str] = set()

    def submit(self, request: StepRequest, secrets: Mapping[str, str], report: Report) -> Future[StepOutcome]:
        if not needs_process(request):
            future = self._light[request.step.key] = self._pool.submit(perform, request, secrets, report)
            return future
        try:
            return self._spawn(request, secrets, report)
        except OSError as error:
            raise OrdainError(_problem(request, "step-process", f"cannot start a process: {error}")) from error

    def _spawn(self, request: StepRequest, secrets: Mapping[str, str], report: Report) -> Future[StepOutcome]:
        key = request.step.key
        place = folder.work(self._home, key)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = folder.hold(place)
        if lock is None:
            raise OrdainError(_problem(request, "step-running", "it is running already, from an earlier run"))
        try:
            folder.prepare(place, request)
            log = folder.open_log(self._home, key)
            try:
                process = subprocess.Popen(
                    # -P: the folder it runs in must not lend it modules.
                    [self._python, "-P", "-m", "ordain.apply.process", str(place), str(lock)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    cwd=place,
                    pass_fds=(lock,),
                    start_new_session=True,
                )
            finally:
                os.close(log)
        finally:
            os.close(lock)  # the process holds it now
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin:  # it died at once: its watcher says so
            process.stdin.write(dumps(dict(secrets)))
        return self._watch(_Watched(place=place, request=request, report=report, process=process))

    def _watch(self, watched: _Watched) -> Future[StepOutcome]:
        future: Future[StepOutcome] = Future()
        future.set_running_or_notify_cancel()
        key = watched.request.step.key

        def follow() -> None:
            try:
                future.set_result(watched.follow(lambda: key in self._cancelled))
            except Exception as error:
                future.set_exception(error)
            finally:
                self._cancelled.discard(key)

        # A daemon: the engine may leave while the step runs on.
        threading.Thread(target=follow, name=f"ordain-watch-{key[:8]}", daemon=True).start()
        return future

    def attach(self, key: str, report: Report) -> Future[StepOutcome] | None:
        place = folder.work(self._home, key)
        request = folder.read_request(place)
        if request is None:
            return None
        if folder.is_held(place):
            return self._watch(_Watched(place=place, request=request, report=report))
        outcome = folder.read_outcome(place)
        if outcome is None:
            return None
        future: Future[StepOutcome] = Future()
        future.set_result(outcome)
        return future

    def request(self, key: str) -> StepRequest | None:
        return folder.read_request(folder.work(self._home, key))

    def cancel(self, key: str) -> None:
        future = self._light.get(key)
        if future is not None:
            future.cancel()
        elif folder.is_held(folder.work(self._home, key)):
            self._cancelled.add(key)

    def forget(self, key: str) -> None:
        if self._light.pop(key, None) is None:
            folder.remove(folder.work(self._home, key))

    def logs(self, key: str) -> str:
        return folder.read_log(self._home, key)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        folder.prune(self._home)


def needs_process(request: StepRequest) -> bool:
    """Say whether a step gets a process of its own."""
    run = request.change.run
    return request.step.heavy or run.timeout is not None or run.cpu is not None or run.memory is not None


@dataclass(slots=True, kw_only=True)
class _Watched:
    """A process at work in a folder: our child, or (``process`` is None) one that an earlier engine started."""

    place: Path
    request: StepRequest
    report: Report
    process: subprocess.Popen[bytes] | None = None
    heard: int = 0
    ended_for: str = ""
    deadline: float | None = field(init=False)

    def __post_init__(self) -> None:
        timeout = self.request.change.run.timeout
        begun = (self.place / folder.REQUEST).stat().st_mtime  # the same for an engine that attaches later
        self.deadline = None if timeout is None else begun + timeout

    def follow(self, is_cancelled: Callable[[], bool]) -> StepOutcome:
        """Wait until the process has ended, passing on its words, and return what it came to."""
        while not self._has_ended(_POLL_SECONDS):
            self._listen()
            if is_cancelled():
                self._end("cancelled")
            elif self.deadline is not None and time.time() > self.deadline:
                self._end("timeout")
        self._listen()
        outcome = folder.read_outcome(self.place)
        return outcome if outcome is not None else StepOutcome(result=None, diagnostics=(self._why(),))

    def _has_ended(self, seconds: float) -> bool:
        if self.process is None:
            time.sleep(seconds)
            return not folder.is_held(self.place)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _listen(self) -> None:
        """Pass on whole lines only: the last may still be under way."""
        try:
            with (self.place / folder.PROGRESS).open("rb") as file:
                file.seek(self.heard)
                lines = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return
        self.heard += len(lines[0]) + len(lines[1])
        for line in lines[0].splitlines():
            self.report(decode(Progress, loads(line)))

    def _end(self, why: str) -> None:
        self.ended_for = why
        self._signal(signal.SIGTERM)
        patience = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < patience:
            if self._has_ended(_POLL_SECONDS / 2):
                break
        self._signal(signal.SIGKILL)  # also whoever of the group is left

    def _signal(self, number: int) -> None:
        group = self.process.pid if self.process is not None else folder.process_of(self.place)
        if group is not None:
            with suppress(ProcessLookupError):
                os.killpg(group, number)

    def _why(self) -> Diagnostic:
        step, run = self.request.step, self.request.change.run
        # Another engine that watches the same process may have ended it first.
        late = not self.ended_for and self.deadline is not None and time.time() >= self.deadline
        if self.ended_for == "timeout" or late:
            return _problem(
                self.request,
                "step-timeout",
                f"it took longer than {run.timeout:g} seconds and was ended",
                fix="give it more time under run.timeout, or less to do",
                exit=ExitCode.TIMEOUT,
            )
        if self.ended_for:
            return _problem(
                self.request, "step-cancelled", "it was cancelled", fix="apply again", exit=ExitCode.INTERRUPTED
            )
        code = self.process.returncode if self.process is not None else None
        told = folder.read_log(self.place.parent.parent, step.key).splitlines()[-3:]
        how = "its process ended without a result"
        if code is not None and code < 0:
            how = f"its process was ended by {signal.Signals(-code).name}"
        return _problem(
            self.request,
            "step-died",
            how,
            detail="\n".join(told) or "it wrote nothing; a machine that runs out of memory ends processes so",
            fix=f"see {folder.log_name(self.place.parent.parent, step.key)}, then apply again",
        )


def _problem(
    request: StepRequest,
    code: str,
    what: str,
    *,
    detail: str = "",
    fix: str = "",
    exit: ExitCode = ExitCode.STEP_FAILED,
) -> Diagnostic:
    step = request.step
    return Diagnostic(
        code=code,
        summary=f"{step.operation} of {step.address}: {what}",
        detail=detail,
        fix=fix or "apply again",
        blame=Blame.WORLD,
        exit=exit,
        address=step.address,
        at=request.change.at,
    )
