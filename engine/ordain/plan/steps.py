"""Steps and what each rests on: named transforms over the changes, each a pure function (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ordain.plan.request import PlanRequest
from ordain.values.address import BY_ADDRESS, Address
from ordain.values.change import Action, Change
from ordain.values.fingerprint import digest
from ordain.values.plan import Read, Step
from ordain.values.record import Recorded, ResourceRecord

Operations = Mapping[Address, tuple[tuple[str, bool], ...]]
ABSENT = "absent"


def add_steps(changes: Iterable[Change], operations: Operations, recorded: Recorded) -> dict[Address, list[Step]]:
    """Give each acting change its chain of steps; what is only written down gets one ``record`` step."""
    out: dict[Address, list[Step]] = {}
    for change in changes:
        if not change.acts:
            continue
        chain: list[Step] = []
        wanted = operations.get(change.address) or (("record", False),)
        for index, (operation, heavy) in enumerate(wanted):
            chain.append(
                Step(
                    id=f"{change.address}:{operation}",
                    address=change.address,
                    operation=operation,
                    key=_key(change, operation, recorded),
                    needs=(chain[-1].id,) if chain else (),
                    heavy=heavy,
                    last=index == len(wanted) - 1,
                )
            )
        out[change.address] = chain
    return out


def _key(change: Change, operation: str, recorded: Recorded) -> str:
    # The serial makes a step of a later plan another step, even where it asks for the same.
    head = recorded.head
    what = [head.lineage, head.serial, recorded.environment, str(change.address), operation, change.recipe]
    return digest([*what, change.after, change.inputs, change.depends_on]).removeprefix("sha256:")[:40]


def order(
    changes: Mapping[Address, Change], chains: Mapping[Address, list[Step]], recorded: Recorded
) -> tuple[Step, ...]:
    """Let first steps wait for the last steps of what they need: creates forward, deletes backward.

    A delete waits for every step of what was recorded as depending on it, so that nothing is taken away from under a
    resource that is still there or is about to be moved off it.
    """
    waits: dict[Address, list[Address]] = {}
    for address in chains:
        change = changes[address]
        if change.action not in (Action.DELETE, Action.FORGET):
            waits.setdefault(address, []).extend(other for other in change.depends_on if _forward(changes, other))
    for address, record in recorded.resources.items():
        if address in chains:
            for other in record.depends_on:
                if other in chains and changes[other].action in (Action.DELETE, Action.FORGET):
                    waits.setdefault(other, []).append(address)
    out: list[Step] = []
    for address in sorted(chains, key=BY_ADDRESS):
        first, *rest = chains[address]
        needs = sorted({chains[other][-1].id for other in waits.get(address, ()) if other in chains})
        out.append(_with_needs(first, tuple(needs)))
        out.extend(rest)
    return tuple(out)


def _forward(changes: Mapping[Address, Change], address: Address) -> bool:
    change = changes.get(address)
    return change is not None and change.action not in (Action.DELETE, Action.FORGET)


def _with_needs(step: Step, needs: tuple[str, ...]) -> Step:
    return Step(
        id=step.id,
        address=step.address,
        operation=step.operation,
        key=step.key,
        needs=(*needs, *step.needs),
        heavy=step.heavy,
        last=step.last,
    )


def reads(changes: Mapping[Address, Change], request: PlanRequest) -> tuple[Read, ...]:
    """Return the version of each object these changes rest on, absences included, sorted.

    Objects have the names they have in the state; nothing may be there under the new name of what is moved.
    """
    recorded, evidence = request.recorded, request.evidence
    out: dict[str, str] = {}
    for address, change in changes.items():
        for other in (address, *change.depends_on):
            record, former = recorded.resources.get(other), request.former.get(other)
            if former is not None and record is not None:
                out[f"state:{other}"] = ABSENT
            if record is not None:
                out[f"state:{former or other}"] = digest(_as_in_state(record, former))
            else:
                out[f"state:{other}"] = ABSENT
            if other in evidence:
                out[f"world:{other}"] = digest(evidence[other].facts)
        source, former = recorded.source.get(address), request.former_source.get(address)
        if source is not None and _promoted(change, request):
            out[f"source:{former or address}"] = digest(_as_in_state(source, former))
    return tuple(Read(object=name, version=out[name]) for name in sorted(out))


def _promoted(change: Change, request: PlanRequest) -> bool:
    """Say whether a change is of a kind whose versions come from the environment promoted from."""
    kinds = request.registry.kinds
    return change.kind in kinds and request.registry.kind(change.kind).judged


def _as_in_state(record: ResourceRecord, former: Address | None) -> ResourceRecord:
    """Return a moved record as the state has it: ``moves`` gave it the new name, and the place of the old one."""
    if former is None:
        return record
    return replace(record, address=former, place="" if record.place == former.slug else record.place)
