"""A long plan in few rows: changes that are alike are told once, with a few of their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ordain.render import reasons, view
from ordain.render.findings import verdict_word
from ordain.render.words import where
from ordain.values.address import ADDRESS_PATTERN
from ordain.values.change import TRAINS, Action, Change
from ordain.values.plan import Finding
from ordain.values.span import Span

_ADDRESS = re.compile(rf"(?<![\w/.-]){ADDRESS_PATTERN}")  # no part of the name of a file
MANY = 40
"""With more changes than this, details are folded and what is alike is told once."""
_ALIKE = 4
"""From this many on, changes with the same reason share a row."""
_PLACED = 20
"""Up to this many resources that a policy says the same of are named with their places."""
_ROOM = 64
"""Rows that a folded plan should not exceed."""
_SINGLES: tuple[int | None, ...] = (None, 12, 6, 3, 1)
"""How many changes of one sort, each with a reason of its own, get a row of their own: the most that fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: a change, or several of one kind to which the same happens. ``reason`` is why.

    ``same`` says that all have this very reason; where it is False, they have one of the same sort each.
    """

    changes: tuple[Change, ...]
    reason: str
    same: bool = True

    @property
    def first(self) -> Change:
        return self.changes[0]

    @property
    def because(self) -> str:
        """Why, for the whole row."""
        return self.reason if self.same else f"each its own, such as {self.reason}"

    @property
    def label(self) -> str:
        """What the row is about: an address, or how many of which kind (``model.* (57)``)."""
        if len(self.changes) == 1:
            return str(self.first.address)
        bases = {change.address.base for change in self.changes}
        shared = f"{self.first.address.base}[*]" if len(bases) == 1 else f"{self.first.address.kind}.*"
        return f"{shared} ({len(self.changes):,}{'' if self.same else ' more'})"


def group(change: Change) -> str:
    """Return the part of the plan that a change stands in."""
    if change.deferred or change.blocked:
        return "waits"
    if view.destroys(change) or change.action is Action.FORGET:
        return "destroys"
    return "trains" if change.effect in TRAINS else "changes"


def rows(changes: Iterable[Change]) -> tuple[Row, ...]:
    """Return the rows of a long plan, in the order of its changes; what is grave is always named, row by row or all."""
    changes = tuple(changes)
    kinds = frozenset(change.address.kind for change in changes)
    sorts: dict[tuple[object, ...], dict[str, list[Change]]] = {}
    for change in changes:
        sort = (group(change), change.address.kind, view.symbol(change), view.word(change), _sort_of(change))
        sorts.setdefault(sort, {}).setdefault(_unnamed(_why(change), kinds), []).append(change)
    for limit in _SINGLES:
        found = tuple(row for by_reason in sorts.values() for row in _told(by_reason, limit))
        if len(found) <= _ROOM:
            break
    order = {"destroys": 0, "trains": 1, "changes": 2, "waits": 3}
    return tuple(sorted(found, key=lambda row: order[group(row.first)]))  # stable: the rest keeps its order


def _sort_of(change: Change) -> object:
    if change.deferred or change.blocked or change.action is Action.NO_OP:
        return ()
    root = next(iter(reasons.roots(change)), None)
    return () if root is None else (root.code, root.path, root.address.kind, root.address == change.address)


def _why(change: Change) -> str:
    """Return the reason as a row of its own would say it."""
    return change.deferred or change.blocked or reasons.headline_cause(change)


def _unnamed(text: str, kinds: frozenset[str]) -> str:
    """Return the text with every address in it as ``kind.*``: what differs in the name alone is alike."""
    return _ADDRESS.sub(lambda found: f"{found[1]}.*" if found[1] in kinds else found[0], text)


def _told(by_reason: Mapping[str, list[Change]], limit: int | None) -> Iterator[Row]:
    singles: list[Change] = []
    for unnamed, found in by_reason.items():
        if len(found) >= _ALIKE:
            why = _why(found[0])
            yield Row(changes=tuple(found), reason=why if all(_why(one) == why for one in found) else unnamed)
        else:
            singles += found
    keep = len(singles) if limit is None or len(singles) <= limit + 1 or view.is_grave(singles[0]) else limit
    for change in singles[:keep]:
        yield Row(changes=(change,), reason=_why(change))
    if singles[keep:]:
        yield Row(changes=tuple(singles[keep:]), reason=_why(singles[keep]), same=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """Findings of one policy that say the same of several resources; ``message`` is theirs, without their names."""

    findings: tuple[Finding, ...]
    message: str

    @property
    def first(self) -> Finding:
        return self.findings[0]

    @property
    def at(self) -> Span | None:
        """Where all of them are shown; None where they have places of their own."""
        return self.first.at if len({one.at for one in self.findings}) == 1 else None

    @property
    def names(self) -> tuple[str, ...]:
        """What they are about, each with its place while they are few and have places of their own."""
        placed = self.at is None and len(self.findings) <= _PLACED
        places = [where(one.at, column=True) if placed else "" for one in self.findings]
        return tuple(
            f"{one.address} ({at})" if at else f"{one.address}" for one, at in zip(self.findings, places, strict=True)
        )


def verdicts(found: Iterable[Finding]) -> tuple[Verdicts, ...]:
    """Return the findings, those that are alike (policy, verdict, excuse, the message but for the name) as one."""
    alike: dict[tuple[object, ...], list[Finding]] = {}
    for one in found:
        message = one.message.replace(str(one.address), "").strip(" :") if one.address else one.message
        beside = (one.severity, one.remedy, one.owner, one.link, one.excuse, one.lapsed)
        alike.setdefault((message, one.policy, verdict_word(one), one.level, beside), []).append(one)
    return tuple(part for key, ones in alike.items() for part in _parts(str(key[0]), ones))


def _parts(message: str, ones: list[Finding]) -> Iterator[Verdicts]:
    if len(ones) >= _ALIKE and all(one.address for one in ones):
        yield Verdicts(findings=tuple(ones), message=message)
    else:
        yield from (Verdicts(findings=(one,), message=one.message) for one in ones)
