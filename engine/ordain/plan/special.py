"""What the engine itself adds to a kind's decision: moves, imports, protection, and changes of how a resource runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ordain.api.kind import Decision, Situation
from ordain.values.address import Address
from ordain.values.change import WRITTEN_DOWN, Cause, CauseCode, Effect
from ordain.values.record import Hold

if TYPE_CHECKING:
    from ordain.plan.assess import Asked


def adjusted(decision: Decision, situation: Situation, asked: Asked) -> Decision:
    """Return the decision where nothing protected is replaced, and a mere change of name is written down."""
    record = situation.record
    if record is not None and record.protect and decision.replaces and not decision.blocked:
        return Decision(
            effect=Effect.BLOCKED,
            blocked="protected: it would be replaced; set lifecycle.protect: false and apply before that",
            protected=True,
        )
    if decision.effect in WRITTEN_DOWN and asked.former is not None:
        return replace(decision, effect=Effect.MOVE)
    if decision.effect is Effect.CREATE and situation.importing and record is None:
        return replace(decision, effect=Effect.IMPORT)
    return decision


def named(decision: Decision, causes: tuple[Cause, ...]) -> Decision:
    """Return the decision with the word for a change that only concerns how steps run."""
    written = [cause for cause in causes if cause.code is CauseCode.SPEC]
    if decision.effect is Effect.COSMETIC and written and all(cause.path[:1] == ("run",) for cause in written):
        return replace(decision, effect=Effect.ENV_ONLY)
    return decision


def standing_hold(decision: Decision, situation: Situation) -> Hold | None:
    """Return the hold that goes on: over whatever leaves the version that stands where it is."""
    stays = decision.effect in WRITTEN_DOWN or decision.effect is Effect.RE_EVALUATE
    return situation.record.hold if situation.record is not None and stays else None


def rooted(decision: Decision, *causes: Cause) -> tuple[Cause, ...]:
    """Return the causes with new names last, where there is more: a name alone makes nothing again."""
    if decision.effect is Effect.MOVE:
        return causes
    return tuple(sorted(causes, key=lambda cause: cause.code is CauseCode.MOVED))


def called(old: Address, new: Address) -> str:
    return f"{old} is called {new} now"


def causes(situation: Situation, asked: Asked) -> Iterator[Cause]:
    """Yield the causes that lie in Moved and Import documents."""
    address = situation.resource.address
    if asked.former is not None and asked.moved is not None:
        yield Cause(
            code=CauseCode.MOVED,
            address=address,
            before=str(asked.former),
            after=str(address),
            detail=called(asked.former, address),
            at=asked.locate(asked.moved.written, ("spec", "from")),
        )
    for one in asked.imports if situation.record is None else ():
        yield Cause(
            code=CauseCode.IMPORTED,
            address=address,
            after=one.id,
            detail=f"the world has {one.id} already",
            at=asked.locate(one.written, ("spec", "id")),
        )
