"""From what a step came to to what changes in the state; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from ordain.api.providers import StepResult
from ordain.api.store import Mutation, PutResource, PutSettings, PutVersion, RemoveResource
from ordain.values.change import Action, Change
from ordain.values.codec import decode
from ordain.values.data import Json, has_unknown
from ordain.values.fingerprint import Fingerprint
from ordain.values.plan import Step
from ordain.values.record import ResourceRecord, SettingRecord, VersionRecord, place_of

RECORD = "record"
REMOVALS = (Action.DELETE, Action.FORGET)


def mutations(change: Change, step: Step, result: StepResult, run: str, before: Before) -> tuple[Mutation, ...]:
    """Return what a step changes in the state.

    ``change`` is complete: for a last step that makes something, its spec, inputs and fingerprint are known.
    Versions are always written; the resource only by its last step, and not where a gate refused. What is moved leaves
    its former name with the step that writes it down under the new one, and its versions are known under both.
    """
    return tuple(_mutations(change, step, result, run, before))


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was recorded of a resource, under its former name if it moves, and the versions made under that name."""

    record: ResourceRecord | None = None
    versions: tuple[VersionRecord, ...] = ()


def _mutations(change: Change, step: Step, result: StepResult, run: str, before: Before) -> Iterator[Mutation]:
    if change.action not in REMOVALS:  # before any this step made: the order in which they are recorded is their age
        made = {version.recipe for version in result.versions}
        yield from (PutVersion(version=one) for one in before.versions if one.recipe not in made)
    yield from (PutVersion(version=version) for version in result.versions)
    if not step.last or result.rejected:
        return
    if change.previous_address is not None and change.previous_address != change.address:
        yield RemoveResource(address=change.previous_address)
    if change.action in REMOVALS:
        yield RemoveResource(address=change.address)
    else:
        yield PutResource(record=_record(change, step, result, run, before.record))


def _record(
    change: Change, step: Step, result: StepResult, run: str, previous: ResourceRecord | None
) -> ResourceRecord:
    # What is only written down was made earlier: what is known of it from then still holds.
    kept = previous if step.operation == RECORD else None
    return ResourceRecord(
        address=change.address,
        kind=change.kind,
        provider=change.provider,
        spec=change.after,
        fingerprint=_fingerprint(change),
        inputs=change.inputs,
        facts=_facts(change, result, kept),
        outputs={**kept.outputs, **result.outputs} if kept else result.outputs,
        private={**kept.private, **result.private} if kept else result.private,
        description=change.description,
        owner=change.owner,
        labels=change.labels,
        depends_on=change.depends_on,
        protect=change.lifecycle.protect,
        keep_on_remove=change.lifecycle.keep_on_remove,
        replace_when=change.lifecycle.replace_when,
        hold=change.hold,
        run=run,
        place=_place(change, previous),
        options=change.run,
    )


def _facts(change: Change, result: StepResult, kept: ResourceRecord | None) -> Mapping[str, Json]:
    """Return what is known of the resource now; of one that is held at another version, what is known of that."""
    if kept is not None and change.hold is not None:
        return {**change.facts, **kept.facts, **result.facts}
    return {**(kept.facts if kept is not None else {}), **change.facts, **result.facts}


def _place(change: Change, previous: ResourceRecord | None) -> str:
    """Return the name of the private folder where it is not the address's own: that of a former address."""
    place = place_of(change.address, previous, change.place)
    return "" if place == change.address.slug else place


def _fingerprint(change: Change) -> Fingerprint:
    if change.fingerprint is None:
        raise ValueError(f"{change.address} is not complete: it has no fingerprint")
    return change.fingerprint


def is_written(step: Step, change: Change | None) -> bool:
    """Say whether a step has no effect outside the state, and all that it writes is known already."""
    if change is None:
        return True
    return step.operation == RECORD and change.fingerprint is not None and not has_unknown(change.outputs)


def settings(after: Sequence[Mapping[str, Json]]) -> PutSettings:
    """Return the mutation that records the settings a plan was made under (``Program.settings_after``)."""
    # Decoding revives leaves in place, and the program stays as it is.
    return PutSettings(settings=tuple(decode(SettingRecord, deepcopy(data)) for data in after))
