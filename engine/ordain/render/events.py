"""What an apply says while it runs, and when it ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ordain.render.words import clean, count, seconds_text
from ordain.values.event import Event, EventType

_DOING = {
    "create": ("creating", "created"),
    "update": ("updating", "updated"),
    "delete": ("deleting", "deleted"),
    "destroy": ("destroying", "destroyed"),
    "train": ("training", "trained"),
    "evaluate": ("evaluating", "evaluated"),
    "judge": ("judging", "judged"),
    "promote": ("promoting", "promoted"),
    "deploy": ("deploying", "deployed"),
    "restart": ("restarting", "restarted"),
    "restore": ("going back", "went back"),
    "prepare": ("preparing", "prepared"),
    "apply": ("applying", "applied"),
    "build": ("building", "built"),
    "register": ("reading", "registered"),
    "write": ("writing", "written"),
    "record": ("recording", "recorded"),
    "settings": ("recording the settings", "settings recorded"),
    "forget": ("forgetting", "forgotten"),
}


_MANY = 200
"""With more steps than this, those that end soon and well are counted, not told."""
_LONG_SECONDS = 1.0
_EVERY_SECONDS = 0.5


@dataclass(slots=True)
class Progress:
    """Tells a run of very many steps in few lines: a count now and then, and what takes long or goes wrong."""

    steps: int
    ended: int = 0
    told: float = 0.0

    @staticmethod
    def of(started: Event) -> Progress | None:
        """Return what tells the run that begins; None where it is short enough for a line an event."""
        steps = started.data.get("steps")
        return Progress(steps=steps, told=started.time) if isinstance(steps, int) and steps > _MANY else None

    def line(self, event: Event) -> str | None:
        """Return the line for an event, None for one that says nothing now."""
        if event.type is EventType.STEP_STARTED:
            return None
        if event.type in (EventType.STEP_DONE, EventType.STEP_SKIPPED):
            self.ended += 1
            if (_number(event, "seconds") or 0.0) >= _LONG_SECONDS:
                return event_line(event)
            if event.time < self.told + _EVERY_SECONDS:
                return None
            self.told = event.time
            return f"{self.ended:,} of {count(self.steps, 'step')} ended"
        self.ended += event.type in (EventType.STEP_FAILED, EventType.STEP_REJECTED, EventType.STEP_RECOVERED)
        return event_line(event)


def event_line(event: Event) -> str | None:
    """Return the line for an event, None for one that says nothing: ``model.subscriber: trained in 3.2 s``."""
    what = _said(event)
    if what is None:
        return None
    step = event.step.rpartition(":")[0] if event.step else ""
    name = str(event.address) if event.address is not None else clean(step)
    return f"{name}: {what}" if name else what


def _said(event: Event) -> str | None:
    doing, done = _DOING.get(event.operation, (clean(event.operation) or "working", f"{clean(event.operation)} done"))
    message = clean(event.message)
    after = f": {message}" if message else ""
    match event.type:
        case EventType.RUN_STARTED:
            return message or None
        case EventType.STEP_STARTED:
            return f"{doing} …"
        case EventType.STEP_PROGRESS:
            fraction = _number(event, "fraction")
            share = f" {fraction * 100:.0f} %" if fraction is not None else ""
            return f"{doing}{share}{after}" if share or after else None
        case EventType.STEP_DONE:
            return f"{done}{_taken(event)}{after}"
        case EventType.STEP_REJECTED:
            return f"rejected{_taken(event)}{after}"
        case EventType.STEP_FAILED:
            return f"failed{_taken(event)}{after}"
        case EventType.STEP_SKIPPED:
            if message.startswith(f"{event.address} "):  # a later step of what just said that it failed
                return None
            return f"skipped{after}"
        case EventType.STEP_RECOVERED:
            return f"{done}, by the run before this one{after}"
        case EventType.RUN_FINISHED:
            return None


def _taken(event: Event) -> str:
    seconds = _number(event, "seconds")
    return "" if seconds is None or seconds < 0.05 else f" in {seconds_text(seconds)}"


def _number(event: Event, name: str) -> float | None:
    value = event.data.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


_ENDS = (
    (EventType.STEP_DONE, "done"),
    (EventType.STEP_RECOVERED, "recovered"),
    (EventType.STEP_REJECTED, "rejected by a gate"),
    (EventType.STEP_FAILED, "failed"),
    (EventType.STEP_SKIPPED, "skipped"),
)


def run_text(events: Iterable[Event]) -> str:
    """Return how a run ended: counts and time, then what failed or was rejected; what was skipped is only counted."""
    events = tuple(events)
    numbers = {kind: sum(event.type is kind for event in events) for kind, _ in _ENDS}
    said = [count(numbers[kind], f"step {word}", f"steps {word}") for kind, word in _ENDS if numbers[kind]]
    left = next((event.data.get("not-started") for event in events if event.type is EventType.RUN_FINISHED), None)
    said += [f"{count(left, 'step')} not started"] if isinstance(left, int) and left else []
    times = [event.time for event in events]
    taken = f" in {seconds_text(max(times) - min(times))}" if len(times) > 1 else ""
    bad = (EventType.STEP_FAILED, EventType.STEP_REJECTED)
    lines = [f"{', '.join(said) or 'No steps'}{taken}."]
    lines += [f"  ✗ {line}" for event in events if event.type in bad for line in [event_line(event)] if line]
    lines += ["  ordain apply goes on from here"] if left else []
    return "\n".join(lines) + "\n"
