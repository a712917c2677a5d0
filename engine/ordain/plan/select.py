"""Selectors: which part of a plan is wanted (dbt's grammar, Terraform's care for what a change rests on).

``model.churn`` names a resource (with ``*`` and ``?`` several; without its key all of a ``for_each``), ``label:k=v``,
``kind:Model`` and ``owner:text`` others; ``+x`` also means all that x needs, ``x+`` all that needs x; ``!x`` leaves
out. Several are joined; where all leave out, the rest is wanted.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from ordain.plan.request import Draft, PlanRequest
from ordain.values.address import BY_ADDRESS, Address
from ordain.values.change import Action, Change
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError
from ordain.values.plan import Step
from ordain.values.record import ResourceRecord
from ordain.values.resource import Resource

NOT_SELECTED = "not selected"
_GOES = (Action.DELETE, Action.FORGET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The addresses that are wanted, all they need, and those that a ``!x`` leaves out whoever needs them."""

    wanted: frozenset[Address]
    needed: frozenset[Address]
    barred: frozenset[Address]


def select(request: PlanRequest) -> Selection:
    """Return what the selectors of a request mean; raise ``OrdainError`` (exit 6) for one that matches nothing."""
    subjects: dict[Address, Resource | ResourceRecord] = {**request.recorded.resources, **request.desired.resources}
    needs = {address: tuple(one.depends_on) for address, one in subjects.items()}
    wanted: set[Address] = set()
    barred: set[Address] = set()
    for text in request.select:
        matched = _expanded(text, subjects, needs)
        if text.startswith("!"):
            barred |= matched
        else:
            wanted |= matched
    if all(text.startswith("!") for text in request.select):
        wanted = set(subjects)
    wanted -= barred
    return Selection(wanted=frozenset(wanted), needed=frozenset(_reach(wanted, needs)), barred=frozenset(barred))


def _expanded(
    text: str, subjects: Mapping[Address, Resource | ResourceRecord], needs: Mapping[Address, tuple[Address, ...]]
) -> set[Address]:
    inner = text.removeprefix("!")
    atom = inner.removeprefix("+").removesuffix("+")
    found = {address for address, one in subjects.items() if _matches(atom, address, one)}
    if not found:
        raise OrdainError(_nothing(text, atom, subjects))
    out = set(found)
    if inner.startswith("+"):
        out |= _reach(found, needs)
    if inner.endswith("+"):
        dependents: dict[Address, list[Address]] = {}
        for address, others in needs.items():
            for other in others:
                dependents.setdefault(other, []).append(address)
        out |= _reach(found, dependents)
    return out


def _matches(atom: str, address: Address, one: Resource | ResourceRecord) -> bool:
    word, colon, rest = atom.partition(":")
    if colon and word == "label":
        name, equals, value = rest.partition("=")
        return name in one.labels and (not equals or fnmatchcase(one.labels[name], value))
    if colon and word == "kind":
        return fnmatchcase(one.kind, rest) or fnmatchcase(address.kind, rest)
    if colon and word == "owner":
        return fnmatchcase(one.owner, rest)
    plain = re.sub(r"""\[(["'])(.*)\1\]$""", r"[\2]", atom)  # a key may stand in quotes of either kind, or in none
    names = (str(address.base), f"{address.base}[{address.key}]") if address.key else (str(address),)
    if any(sign in atom for sign in "*?"):
        return any(fnmatchcase(name, plain.replace("[", "[[]")) for name in names)
    return plain in names


def _reach(start: Iterable[Address], edges: Mapping[Address, Iterable[Address]]) -> set[Address]:
    out: set[Address] = set()
    waiting = list(start)
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in out:
                out.add(other)
                waiting.append(other)
    return out


def _nothing(text: str, atom: str, subjects: Mapping[Address, Resource | ResourceRecord]) -> Diagnostic:
    word, colon, rest = atom.partition(":")
    if colon and word in ("label", "owner"):
        known = sorted({_spelled(word, one) for one in subjects.values()} - {""})
    elif colon and word == "kind":
        known = sorted({one.kind for one in subjects.values()})
    else:
        known = sorted({str(one) for address in subjects for one in (address, address.base)})
    near = [name for name in known if name.partition(".")[2] == atom][:1]  # the kind was left out
    near = near or difflib.get_close_matches(rest if colon else atom, known, n=1)
    forms = "kind.name, *.name, label:key=value, kind:Kind or owner:text, with + before or behind, ! to leave out"
    return Diagnostic(
        code="select-nothing",
        summary=f"--select {text} matches nothing in this environment",
        detail=f"a selector is {forms}",
        fix=f"did you mean {near[0]}?" if near else "see the addresses there are: ordain graph",
        exit=ExitCode.SPEC,
    )


def _spelled(word: str, one: Resource | ResourceRecord) -> str:
    return one.owner if word == "owner" else next((f"{key}={value}" for key, value in one.labels.items()), "")


def narrow(draft: Draft, selection: Selection, *, urgent: bool = False) -> Draft:
    """Return the draft with what is not wanted left out, and said so.

    What a wanted change rests on is taken along (its steps need those steps); a change that rests on a barred one
    waits for another day. Nothing is lost: every change of the whole plan is in it, acting or ``unselected``. An
    ``urgent`` one (a rollback) does not mind what is wrong above what is wanted.
    """
    needs = {**_between(draft.steps), **_awaited(draft.changes)}
    stuck = _stuck(needs, selection.barred)
    start = {c.address for c in draft.changes if c.address in selection.wanted and c.address not in stuck}
    kept = start | {address for address in _reach(start, needs) if address not in selection.barred}
    readers = {address: why for address in kept - start for why in _readers(address, needs, kept)}
    gone = frozenset(change.address for change in draft.changes if change.action in _GOES)
    changes = tuple(_marked(change, kept, stuck, (readers, gone)) for change in draft.changes)
    concerned = (selection.wanted | selection.needed | kept) - selection.barred
    if urgent:
        concerned &= selection.wanted | kept
    return replace(
        draft,
        changes=changes,
        steps=tuple(step for step in draft.steps if step.address in kept),
        reads=tuple(read for read in draft.reads if read.object in _objects(changes)),
        diagnostics=tuple(one for one in draft.diagnostics if one.address is None or one.address in concerned),
    )


def _objects(changes: Iterable[Change]) -> frozenset[str]:
    found = []
    for change in changes:
        if not change.unselected:
            for other in (change.address, *change.depends_on, *filter(None, (change.previous_address,))):
                found += [f"state:{other}", f"source:{other}", f"world:{other}"]
    return frozenset(found)


def _between(steps: Iterable[Step]) -> Mapping[Address, tuple[Address, ...]]:
    """Return, for each address with steps, the addresses whose steps its own wait for."""
    owner = {step.id: step.address for step in steps}
    out: dict[Address, dict[Address, None]] = {}
    for step in steps:
        mine = out.setdefault(step.address, {})
        for need in step.needs:
            if owner[need] != step.address:
                mine[owner[need]] = None
    return {address: tuple(others) for address, others in out.items()}


def _awaited(changes: Iterable[Change]) -> Mapping[Address, tuple[Address, ...]]:
    """Return, for each deferred change, the changes before it: it has no steps yet that could wait for theirs."""
    coming = {change.address: change for change in changes if change.acts or change.deferred}
    return {
        address: tuple(other for other in change.depends_on if other in coming)
        for address, change in coming.items()
        if change.deferred
    }


def _stuck(needs: Mapping[Address, tuple[Address, ...]], barred: frozenset[Address]) -> Mapping[Address, Address]:
    """Return what rests on something barred, with that."""
    if not barred:
        return {}
    dependents: dict[Address, list[Address]] = {}
    for address, others in needs.items():
        for other in others:
            dependents.setdefault(other, []).append(address)
    out: dict[Address, Address] = {}
    for root in sorted(barred & needs.keys(), key=BY_ADDRESS):
        for address in _reach((root,), dependents) - barred:
            out.setdefault(address, root)
    return out


def _readers(address: Address, needs: Mapping[Address, tuple[Address, ...]], kept: set[Address]) -> Iterator[Address]:
    yield from sorted((one for one in kept if address in needs.get(one, ())), key=BY_ADDRESS, reverse=True)


def _marked(
    change: Change,
    kept: set[Address],
    stuck: Mapping[Address, Address],
    along: tuple[Mapping[Address, Address], frozenset[Address]],
) -> Change:
    readers, gone = along
    if change.address in readers:
        reader = readers[change.address]
        why = f"it stands on {reader}" if reader in gone else f"{reader} needs it"
        return replace(change, notes=(*change.notes, f"taken along: {why}"))
    if change.address in kept:
        return change
    root = stuck.get(change.address)
    if root is None:
        return replace(change, unselected=NOT_SELECTED)
    verb = "waits for" if change.address in gone else "needs"  # what goes needs nothing: others must go first
    return replace(change, unselected=f"it {verb} {root}, which is left out")
