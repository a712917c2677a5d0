"""Moved documents: what the state knows under a former name is planned under its new one; nothing is destroyed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ordain.values.address import BY_ADDRESS, Address
from ordain.values.diagnostic import Diagnostic
from ordain.values.record import Recorded, ResourceRecord, VersionRecord, place_of
from ordain.values.resource import Locate
from ordain.values.setting import Move


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What is recorded, under the names of now. ``former`` and ``source`` give the name in the state of each resource
    (of the environment promoted from, for ``source``) that has another there; ``by`` the document that moved it."""

    recorded: Recorded
    former: Mapping[Address, Address] = field(default_factory=dict)
    source: Mapping[Address, Address] = field(default_factory=dict)
    by: Mapping[Address, Move] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()


def move(recorded: Recorded, moves: tuple[Move, ...], locate: Locate) -> Moved:
    """Return what is recorded as if it had always been called what it is called now.

    A resource is never moved onto another that is there: that is a problem, and both stay where they are.
    """
    if not moves:
        return Moved(recorded=recorded)
    known = {one.source: one for one in moves}
    problems: list[Diagnostic] = []
    former, by = _renamed(recorded.resources, known, problems, locate)
    source, _ = _renamed(recorded.source, known, [], locate)
    versions = dict(recorded.versions)
    for new, old in sorted({**source, **former}.items()):
        if old in recorded.versions:
            versions[new] = renamed_versions(recorded.versions[old], versions.get(new, ()), new)
    durations = dict(recorded.durations)
    names = {str(old): new for new, old in former.items()}
    for step, seconds in recorded.durations.items():
        address, _, operation = step.rpartition(":")
        if address in names:
            durations.setdefault(f"{names[address]}:{operation}", seconds)
    return Moved(
        recorded=replace(
            recorded,
            resources=_under_new_names(recorded.resources, former),
            source=_under_new_names(recorded.source, source),
            versions=versions,
            durations=durations,
        ),
        former=former,
        source=source,
        by=by,
        problems=tuple(problems),
    )


def renamed(
    record: ResourceRecord, desired: Container[Address], known: Mapping[Address, Move]
) -> dict[Address, Address]:
    """Return what a record rests on under a former name, and is ``desired`` under its new one: old to new."""
    ends = {old: follow(old, known)[0] for old in record.depends_on}
    return {old: new for old, new in ends.items() if new != old and new in desired}


def renamed_versions(
    old: Iterable[VersionRecord], own: tuple[VersionRecord, ...], address: Address
) -> tuple[VersionRecord, ...]:
    """Return the versions made under a former address as those of ``address``, older than its own."""
    recipes = {version.recipe for version in own}
    return (*(replace(one, address=address) for one in old if one.recipe not in recipes), *own)


def _renamed(
    records: Mapping[Address, ResourceRecord],
    known: Mapping[Address, Move],
    problems: list[Diagnostic],
    locate: Locate,
) -> tuple[dict[Address, Address], dict[Address, Move]]:
    """Return the former name by the new one, and the document that says so."""
    former: dict[Address, Address] = {}
    by: dict[Address, Move] = {}
    for address in sorted(records, key=BY_ADDRESS):
        new, last = follow(address, known)
        if last is None:
            continue
        taken = former.get(new, new if new in records else None)
        if taken is not None:
            problems.append(_both(address, new, taken, last, locate))
            continue
        former[new], by[new] = address, last
    return former, by


def follow(address: Address, known: Mapping[Address, Move]) -> tuple[Address, Move | None]:
    """Return where a chain of moves leads, and its last document. (That it does not go round, config has checked.)"""
    last: Move | None = None
    seen: set[Address] = set()
    while address not in seen:
        seen.add(address)
        one = known.get(address)
        if one is not None:
            address = one.target
        else:
            one = known.get(address.base)  # the name with all its keys
            if one is None or one.target.key:
                break
            address = replace(one.target, key=address.key)
        last = one
    return address, last


def _under_new_names(
    records: Mapping[Address, ResourceRecord], former: Mapping[Address, Address]
) -> Mapping[Address, ResourceRecord]:
    if not former:
        return records
    names = {old: new for new, old in former.items()}
    out = {}
    for address, record in records.items():
        new = names.get(address)
        out[new or address] = (
            replace(record, address=new, place=place_of(address, record)) if new is not None else record
        )
    return out


def _both(address: Address, new: Address, taken: Address, last: Move, locate: Locate) -> Diagnostic:
    there = "is in the state already" if taken == new else f"is what {taken} becomes"
    return Diagnostic(
        code="moved-occupied",
        summary=f"{address} cannot become {new}: that {there}",
        detail="nothing is ever moved onto another resource, for one of the two would be lost",
        fix="remove this Moved document, or destroy or forget (kind: Removed) one of the two first",
        address=new,
        at=locate(last.written, ("spec", "to")),
    )
