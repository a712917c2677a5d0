"""What happens during an apply, one value an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ordain.values.address import Address
from ordain.values.data import Json


class EventType(StrEnum):
    RUN_STARTED = "run-started"
    STEP_STARTED = "step-started"
    STEP_PROGRESS = "step-progress"
    STEP_DONE = "step-done"
    STEP_REJECTED = "step-rejected"
    STEP_FAILED = "step-failed"
    STEP_SKIPPED = "step-skipped"
    STEP_RECOVERED = "step-recovered"
    RUN_FINISHED = "run-finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event; ``time`` is seconds since the epoch; ``data`` holds numbers (fraction done, seconds taken)."""

    type: EventType
    time: float
    run: str
    step: str | None = None
    address: Address | None = None
    operation: str = ""
    message: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)
