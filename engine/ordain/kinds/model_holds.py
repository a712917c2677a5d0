"""Rollback: a model goes back to a version that stood, and is held there (DESIGN §4).

The record keeps the spec and the fingerprints it had, so that nothing moves it until what makes the model changes: a
hold needs no clock and no list. What it keeps from standing is there all the time, and comes back with ``--release``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ordain.api.kind import Decision, Operation, Situation
from ordain.kinds.model_judging import find
from ordain.kinds.model_outline import Outline, columns_of
from ordain.kinds.model_signature import signature_change
from ordain.kinds.model_work import outputs_of
from ordain.values.change import Effect
from ordain.values.data import Tree
from ordain.values.record import Hold

_RESTORE = Operation(name="restore")


def roll_back(situation: Situation, hold: Hold) -> Decision:
    """Return the decision to let a version stand again that was accepted once; it is not judged anew."""
    version = find(situation.versions, hold.recipe)
    if version is None:
        return Decision(
            effect=Effect.BLOCKED, blocked=f"the artifact of {hold.version} is no longer there: --to names another"
        )
    outputs: Mapping[str, Tree] = outputs_of(version)
    changed = signature_change(situation.record, situation.spec or {}, columns_of(version.facts.get("columns")))
    return Decision(
        effect=Effect.ROLL_BACK,
        operations=(_RESTORE,),
        outputs=outputs,
        notes=(
            f"it is held at {version.name} until what it is made of changes, or: {_release(situation)}",
            *((f"signature: {changed}",) if changed else ()),
        ),
        recipe=version.recipe,
        spec_recipe=version.spec_recipe,
        hold=hold,
    )


def judged_at(situation: Situation, outlined: Outline) -> Outline:
    """Return the outline of what stands, where that is held at another version than the one desired."""
    hold = situation.record.hold if situation.record is not None else None
    return replace(outlined, recipe=hold.recipe, promoted=False) if hold is not None else outlined


def held(situation: Situation) -> tuple[str, ...]:
    """Return what there is to say of a hold that is in force."""
    hold = situation.record.hold if situation.record is not None else None
    if hold is None:
        return ()
    return (f"held at {hold.version} by {hold.actor}: {hold.reason} ({_release(situation)} ends it)",)


def ended(situation: Situation) -> tuple[str, ...]:
    """Return what there is to say of a hold that the change would end, where nobody asked for its end."""
    hold = situation.record.hold if situation.record is not None else None
    if hold is None or situation.release:
        return ()
    return (f"this ends the hold at {hold.version} by {hold.actor}: {hold.reason}",)


def _release(situation: Situation) -> str:
    where = f" --env {situation.environment}" if situation.promotes_from is not None else ""
    return f"ordain rollback {situation.resource.address}{where} --release"
