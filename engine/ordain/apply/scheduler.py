"""Runs the steps of a program: in order, side by side, each journalled before and after (DESIGN §5).

One thread, the caller's, writes the journal and emits events; executors answer through a queue. Everything that
finished while the last write was under way is written together with the next, so many short steps cost few writes.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue

from ordain.api.executor import StepOutcome, StepRequest
from ordain.api.providers import Progress, StepResult
from ordain.api.store import Mutation, StepEnd
from ordain.apply import fold
from ordain.apply.run import RunContext, RunReport, StepReport, StepStatus
from ordain.values.change import Change
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError
from ordain.values.event import Event, EventType
from ordain.values.plan import Program, Step
from ordain.values.record import JournalEntry

AHEAD_SECONDS = 0.05
"""Light steps are begun ahead of a free thread, as many as end in this time: fewer, larger writes."""
_MOST_AHEAD = 1000
_QUICKEST = 1e-6
_LONGEST_DELAY = 60.0
_FINAL = (ExitCode.STALE, ExitCode.NOT_PERMITTED, ExitCode.BUG, ExitCode.INTERRUPTED)
"""Failures that another attempt cannot mend."""

_Answer = tuple[str, "Future[StepOutcome] | Progress"]
_Asked = tuple[StepRequest, Mapping[str, str]]


@dataclass(slots=True, kw_only=True)
class _Ended:
    """One step's end, before it is durable."""

    step: Step
    status: StepStatus
    mutations: tuple[Mutation, ...] = ()
    result: StepResult | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    seconds: float = 0.0
    skipped: frozenset[str] = frozenset()


def execute(run: RunContext, program: Program) -> RunReport:
    """Do what a program says and report on every step; raises nothing for what goes wrong with a step."""
    return _Run(run, program).play()


@dataclass(slots=True)
class _Run:
    run: RunContext
    program: Program
    steps: dict[str, Step] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)
    waits: dict[str, int] = field(default_factory=dict)
    dependents: dict[str, list[str]] = field(default_factory=dict)
    light: list[str] = field(default_factory=list)
    heavy: list[str] = field(default_factory=list)
    later: list[tuple[float, str]] = field(default_factory=list)
    running: dict[str, Future[StepOutcome]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    retrying: dict[str, StepOutcome] = field(default_factory=dict)
    reports: dict[str, StepReport] = field(default_factory=dict)
    answers: SimpleQueue[_Answer] = field(default_factory=SimpleQueue)
    ended: set[str] = field(default_factory=set)
    heavy_busy: int = 0
    light_busy: int = 0
    pace: float = AHEAD_SECONDS
    failed: bool = False
    broken: tuple[Diagnostic, ...] = ()

    def play(self) -> RunReport:
        self._arrange()
        self._emit(EventType.RUN_STARTED, data={"steps": len(self.steps)})
        ended: list[_Ended] = []
        try:
            while True:
                requests = self._turn(ended)
                self._write(ended, requests)
                for one in ended:
                    self._tell(one)
                for request, secrets in requests:
                    self._submit(request, secrets)
                if not self.running and not self.later:
                    break
                ended = self._answered()
        except OrdainError as error:  # the store refuses: another holder took over, or the disk is full
            self.broken = error.diagnostics
        report = RunReport(
            steps=tuple(self._report(step) for step in self.program.steps),
            diagnostics=self.broken,
            stopped=self.run.stop.is_set(),
        )
        counts = {status.value: number for status in StepStatus if (number := report.count(status))}
        self._emit(EventType.RUN_FINISHED, data={**counts, "exit": int(report.exit)})
        return report

    def _arrange(self) -> None:
        changes = {change.address: change for change in self.program.changes}
        for step in self.program.steps:
            self.steps[step.id] = step
            if step.address in changes:
                self.changes[step.id] = changes[step.address]
            self.waits[step.id] = len(step.needs)
            for need in step.needs:
                self.dependents.setdefault(need, []).append(step.id)
        for step in self.program.steps:
            if not step.needs:
                self._ready(step)

    def _ready(self, step: Step) -> None:
        heapq.heappush(self.heavy if step.heavy else self.light, step.id)

    @property
    def _stopping(self) -> bool:
        return self.run.stop.is_set() or (self.failed and self.run.fail_fast)

    def _turn(self, ended: list[_Ended]) -> list[_Asked]:
        """Work out what follows from what ended, and return what is to be submitted; nothing is durable yet.

        What ends on the way without being submitted is added to ``ended``.
        """
        requests: list[_Asked] = []
        settled = 0
        while True:
            for one in ended[settled:]:
                self._settle(one)
            settled = len(ended)
            if self._stopping:
                self._halt(ended)
                return requests
            while self.later and self.later[0][0] <= time.monotonic():
                self._ready(self.steps[heapq.heappop(self.later)[1]])
            chosen = [self.steps[id] for id in self._take()]
            if not chosen:
                return requests
            for step in chosen:
                self._prepare(step, ended, requests)

    def _halt(self, ended: list[_Ended]) -> None:
        """Let nothing more begin: what waits for another attempt has failed, what was begun ahead is taken back."""
        self.later.clear()
        for id in sorted(self.retrying):
            ended.append(self._failed(self.steps[id], self.retrying[id]))
            self._settle(ended[-1])
        for future in tuple(self.running.values()):
            future.cancel()

    def _take(self) -> Iterator[str]:
        """Take ready steps in sorted order while there is room."""
        ahead = min(_MOST_AHEAD, int(AHEAD_SECONDS / self.pace))
        while self.heavy and self.heavy_busy < self.run.heavy:
            self.heavy_busy += 1
            yield heapq.heappop(self.heavy)
        while self.light and self.light_busy < self.run.parallelism + ahead:
            self.light_busy += 1
            yield heapq.heappop(self.light)

    def _leave(self, step: Step) -> None:
        if step.heavy:
            self.heavy_busy -= 1
        else:
            self.light_busy -= 1

    def _prepare(self, step: Step, ended: list[_Ended], requests: list[_Asked]) -> None:
        """Make a step's request, or end it at once: it is only written down, or something it needs is refused."""
        change = self.changes.get(step.id)
        if change is None or fold.is_written(step, change):
            ended.append(self._written(step, change))
            self._leave(step)
            return
        try:
            requests.append((self.run.request_for(step, change), self.run.secrets_for(change)))
        except OrdainError as error:
            ended.append(_Ended(step=step, status=StepStatus.FAILED, diagnostics=error.diagnostics))
            self._leave(step)

    def _written(self, step: Step, change: Change | None) -> _Ended:
        if change is None:
            settings = (fold.settings(self.program.settings_after),)
            return _Ended(step=step, status=StepStatus.DONE, mutations=settings)
        result = StepResult(outputs=change.outputs)
        mutations = self.run.live.mutations(change, step, result, self.run.run)
        return _Ended(step=step, status=StepStatus.DONE, mutations=mutations, result=result)

    def _submit(self, request: StepRequest, secrets: Mapping[str, str]) -> None:
        step = request.step
        self._emit(EventType.STEP_STARTED, step)
        self.attempts[step.id] = self.attempts.get(step.id, 0) + 1
        self.retrying.pop(step.id, None)
        try:
            future = self.run.executor.submit(request, secrets, partial(self._progress, step.id))
        except OrdainError as error:
            future = Future()
            future.set_result(StepOutcome(result=None, diagnostics=error.diagnostics))
        self.running[step.id] = future
        future.add_done_callback(partial(self._done, step.id))

    def _progress(self, id: str, progress: Progress) -> None:
        self.answers.put((id, progress))

    def _done(self, id: str, future: Future[StepOutcome]) -> None:
        self.answers.put((id, future))

    def _answered(self) -> list[_Ended]:
        """Wait for the next answer, a moment where a stop may end the wait for another attempt; take all there are."""
        wait = max(0.0, min(0.2, self.later[0][0] - time.monotonic())) if self.later else None
        begun = time.monotonic()
        ended: list[_Ended] = []
        answers = 0
        try:
            id, what = self.answers.get(timeout=wait)
            while True:
                if isinstance(what, Progress):
                    self._emit(EventType.STEP_PROGRESS, self.steps[id], what.message, _fraction(what))
                else:
                    answers += 1
                    one = self._outcome(self.steps[id], what)
                    ended += (one,) if one is not None else ()
                id, what = self.answers.get_nowait()
        except Empty:
            if answers:
                self.pace = max(time.monotonic() - begun, _QUICKEST) / answers
            return ended

    def _outcome(self, step: Step, future: Future[StepOutcome]) -> _Ended | None:
        """Return how a step ended; None where it is tried again."""
        del self.running[step.id]
        self._leave(step)
        if future.cancelled():
            return _Ended(step=step, status=StepStatus.NOT_STARTED)
        outcome = future.result()
        result = outcome.result
        change = outcome.change or self.changes[step.id]
        if result is None:
            return None if self._again(step, change, outcome) else self._failed(step, outcome)
        if result.versions and not result.rejected:
            result = self.run.review(change, result)
        return _Ended(
            step=step,
            status=StepStatus.REJECTED if result.rejected else StepStatus.DONE,
            mutations=self.run.live.mutations(change, step, result, self.run.run),
            result=result,
            diagnostics=outcome.diagnostics,
            seconds=outcome.seconds,
        )

    def _failed(self, step: Step, outcome: StepOutcome) -> _Ended:
        self.retrying.pop(step.id, None)
        seconds, diagnostics = outcome.seconds, outcome.diagnostics
        return _Ended(step=step, status=StepStatus.FAILED, diagnostics=diagnostics, seconds=seconds)

    def _again(self, step: Step, change: Change, outcome: StepOutcome) -> bool:
        tried = self.attempts[step.id]
        final = any(diagnostic.exit in _FINAL for diagnostic in outcome.diagnostics)
        if tried > change.run.retries or final or self._stopping:
            return False
        delay = min(self.run.retry_delay * 2 ** (tried - 1), _LONGEST_DELAY)
        self.retrying[step.id] = outcome
        heapq.heappush(self.later, (time.monotonic() + delay, step.id))
        why = outcome.diagnostics[0].summary if outcome.diagnostics else "it failed"
        message = f"attempt {tried} of {change.run.retries + 1}: {why}"
        self._emit(EventType.STEP_PROGRESS, step, message, {"attempt": tried})
        return True

    def _settle(self, one: _Ended) -> None:
        """Let what waits for a step go on, or skip it; the state in memory is ahead of the store until ``_write``."""
        self.ended.add(one.step.id)
        self.run.live.fold(one.mutations)
        if one.status is StepStatus.DONE:
            for dependent in self.dependents.get(one.step.id, ()):
                self.waits[dependent] -= 1
                if not self.waits[dependent] and dependent not in self.ended:
                    self._ready(self.steps[dependent])
        elif one.status in (StepStatus.FAILED, StepStatus.REJECTED):
            self.failed = self.failed or one.status is StepStatus.FAILED
            one.skipped = self._hanging_on(one.step.id)
            self.ended |= one.skipped

    def _hanging_on(self, id: str) -> frozenset[str]:
        found: set[str] = set()
        waiting = [id]
        while waiting:
            for dependent in self.dependents.get(waiting.pop(), ()):
                if dependent not in found and dependent not in self.ended:
                    found.add(dependent)
                    waiting.append(dependent)
        return frozenset(found)

    def _write(self, ended: list[_Ended], requests: list[_Asked]) -> None:
        """Make ends and begins durable in one transaction, before anybody hears of them and anything is called."""
        now = self.run.clock()
        ends = [
            StepEnd(
                entry=self._entry(one.step, _word(one.status)),
                at=now,
                mutations=one.mutations,
                seconds=one.seconds,  # since a step that was begun ahead waited for a thread
            )
            for one in ended
        ]
        begins = [self._entry(request.step) for request, _ in requests if request.step.id not in self.attempts]
        if ends or begins:
            self.run.store.end_and_begin(self.run.environment, ends, begins, now, self.run.token)

    def _tell(self, one: _Ended) -> None:
        step, result = one.step, one.result
        message = (result.rejected or result.message) if result is not None else ""
        if one.status is StepStatus.FAILED and one.diagnostics:
            message = one.diagnostics[0].summary
        self.reports[step.id] = StepReport(
            step=step.id,
            address=step.address,
            operation=step.operation,
            status=one.status,
            message=message,
            diagnostics=one.diagnostics,
            seconds=one.seconds,
        )
        if step.id in self.attempts:
            self.run.executor.forget(step.key)
        if one.status in _EVENTS:
            self._emit(_EVENTS[one.status], step, message, {"seconds": round(one.seconds, 6)})
        verb = "was rejected" if one.status is StepStatus.REJECTED else "failed"
        for id in sorted(one.skipped):
            self._tell_skipped(self.steps[id], step, f"{step.address} {verb} ({step.operation})")

    def _tell_skipped(self, step: Step, root: Step, message: str) -> None:
        self.reports[step.id] = StepReport(
            step=step.id,
            address=step.address,
            operation=step.operation,
            status=StepStatus.SKIPPED,
            message=message,
            root=root.id,
        )
        self._emit(EventType.STEP_SKIPPED, step, message)

    def _report(self, step: Step) -> StepReport:
        found = self.reports.get(step.id)
        if found is not None:
            return found
        begun = step.id in self.attempts
        return StepReport(
            step=step.id,
            address=step.address,
            operation=step.operation,
            status=StepStatus.INTERRUPTED if begun else StepStatus.NOT_STARTED,
        )

    def _entry(self, step: Step, outcome: str | None = None) -> JournalEntry:
        return JournalEntry(
            run=self.run.run,
            step=step.id,
            key=step.key,
            address=step.address,
            operation=step.operation,
            outcome=outcome,
        )

    def _emit(
        self, type: EventType, step: Step | None = None, message: str = "", data: dict[str, float | int] | None = None
    ) -> None:
        self.run.emit(
            Event(
                type=type,
                time=self.run.clock(),
                run=self.run.run,
                step=step.id if step else None,
                address=step.address if step else None,
                operation=step.operation if step else "",
                message=message,
                data=data or {},
            )
        )


_EVENTS = {
    StepStatus.DONE: EventType.STEP_DONE,
    StepStatus.REJECTED: EventType.STEP_REJECTED,
    StepStatus.FAILED: EventType.STEP_FAILED,
}


def _word(status: StepStatus) -> str:
    """Return the journal's word; a step that was begun ahead and never ran is as good as never begun."""
    return StepStatus.ABANDONED.value if status is StepStatus.NOT_STARTED else status.value


def _fraction(progress: Progress) -> dict[str, float | int] | None:
    return None if progress.fraction is None else {"fraction": progress.fraction}
