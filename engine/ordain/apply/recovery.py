"""Settles what an earlier run began and could not record: the first thing an apply does with the lock in hand.

A step whose process finished is recorded as if nothing had happened; one whose process still runs is waited for; of
any other it is certain that it neither runs nor left a result, and the next plan asks for it again where it is still
needed (operations repeat under the same state of the world without doing more).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue

from ordain.api.executor import StepOutcome, StepRequest
from ordain.api.providers import Progress
from ordain.api.store import Mutation
from ordain.apply.run import RunContext, StepReport, StepStatus
from ordain.values.diagnostic import Diagnostic
from ordain.values.event import Event, EventType
from ordain.values.record import JournalEntry

_POLL_SECONDS = 0.2


def settle(run: RunContext, interrupted: Sequence[JournalEntry]) -> tuple[StepReport, ...]:
    """Bring every step that was begun and never ended to an end; return what became of each, in order.

    Afterwards nothing is interrupted, unless ``run.stop`` was set while a process was waited for: such a step runs
    on and is reported ``interrupted``. The state has changed: read it again before planning. Raises ``OrdainError``
    where the store refuses.
    """
    return tuple(_settle(run, entry) for entry in interrupted)


def _settle(run: RunContext, entry: JournalEntry) -> StepReport:
    words: SimpleQueue[Progress] = SimpleQueue()
    request = run.executor.request(entry.key)
    future = run.executor.attach(entry.key, words.put)
    if future is None or request is None:
        return _end(run, entry, StepStatus.ABANDONED, message="it left nothing; planned again where it is needed")
    outcome = _wait(run, entry, future, words)
    if outcome is None:
        return _reported(entry, StepStatus.INTERRUPTED, "it is still running")
    return _fold(run, entry, request, outcome)


def _wait(
    run: RunContext, entry: JournalEntry, future: Future[StepOutcome], words: SimpleQueue[Progress]
) -> StepOutcome | None:
    """Return the outcome, passing on progress while there is none; None where the user would not wait."""
    while True:
        if future.done() and words.empty():
            return future.result()
        if run.stop.is_set():
            return None
        try:
            said = words.get(timeout=_POLL_SECONDS)
        except Empty:
            continue
        data = {} if said.fraction is None else {"fraction": said.fraction}
        _emit(run, entry, EventType.STEP_PROGRESS, said.message, data)


def _fold(run: RunContext, entry: JournalEntry, request: StepRequest, outcome: StepOutcome) -> StepReport:
    result = outcome.result
    if result is None:
        message = outcome.diagnostics[0].summary if outcome.diagnostics else ""
        return _end(run, entry, StepStatus.FAILED, message=message, diagnostics=outcome.diagnostics)
    written = run.live.mutations(outcome.change or request.change, request.step, result, entry.run)
    status = StepStatus.REJECTED if result.rejected else StepStatus.DONE
    return _end(run, entry, status, message=result.rejected or result.message, mutations=written)


def _end(
    run: RunContext,
    entry: JournalEntry,
    status: StepStatus,
    *,
    message: str = "",
    mutations: tuple[Mutation, ...] = (),
    diagnostics: tuple[Diagnostic, ...] = (),
) -> StepReport:
    ended = JournalEntry(
        run=entry.run,
        step=entry.step,
        key=entry.key,
        address=entry.address,
        operation=entry.operation,
        outcome=status.value,
    )
    run.store.end_step(run.environment, ended, run.clock(), mutations, run.token)
    run.live.fold(mutations)
    run.executor.forget(entry.key)
    if status in _EVENTS:
        _emit(run, entry, _EVENTS[status], message, {})
    return _reported(entry, status, message, diagnostics)


_EVENTS = {
    StepStatus.DONE: EventType.STEP_RECOVERED,
    StepStatus.REJECTED: EventType.STEP_REJECTED,
    StepStatus.FAILED: EventType.STEP_FAILED,
}


def _reported(
    entry: JournalEntry, status: StepStatus, message: str, diagnostics: tuple[Diagnostic, ...] = ()
) -> StepReport:
    return StepReport(
        step=entry.step,
        address=entry.address,
        operation=entry.operation,
        status=status,
        message=message,
        diagnostics=diagnostics,
    )


def _emit(run: RunContext, entry: JournalEntry, type: EventType, message: str, data: dict[str, float]) -> None:
    run.emit(
        Event(
            type=type,
            time=run.clock(),
            run=run.run,
            step=entry.step,
            address=entry.address,
            operation=entry.operation,
            message=message,
            data=data,
        )
    )
