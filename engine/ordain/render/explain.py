"""Why: the shortest chain of causes of one address, root first, with the numbers behind it, and what it sets off."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ordain.render import reasons, view
from ordain.render.lines import BLANK, Line, Style, TerminalOptions, line, paint
from ordain.render.tables import table
from ordain.render.words import clean, cut, field_name, number_text, value_text, where
from ordain.values.address import BY_ADDRESS, Address
from ordain.values.change import Action, Cause, CauseCode, Change, FieldChange
from ordain.values.codec import dumps
from ordain.values.data import Json
from ordain.values.plan import Plan, Program
from ordain.values.record import ResourceRecord

_ROWS = 60
_PAIRS = frozenset(("type", "null_share", "min", "max", "mean"))
"""What a data delta gives as ``[before, after]``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known of an address beside the plan: its record, and what each resource needs."""

    record: ResourceRecord | None = None
    needs: Mapping[Address, Sequence[Address]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A root cause, and the changes it passes on its shortest way to an address, that of the address included."""

    root: Cause
    passes: tuple[Address, ...]


def why_text(plan: Plan, address: Address, options: TerminalOptions, about: About | None = None) -> str:
    """Return why the plan does what it does to ``address``; for one that stays, why it stays and what it rests on."""
    change = _change(plan.program, address)
    about = about or About()
    if change is None or not _moves(change):
        return paint(_staying(plan, address, change, about), options)
    return paint(_moving(plan, change, about), options)


def why_json(plan: Plan, address: Address, about: About | None = None) -> str:
    """Return the same as JSON: ``address``, ``change`` (None where nothing changes), ``chains`` (each root with the
    addresses it passes), ``triggers``, ``upstream`` (what moves up there), ``suppressed``, ``rests_on``."""
    change = _change(plan.program, address)
    about = about or About()
    found = {
        "address": address,
        "environment": plan.program.environment,
        "change": change,
        "chains": [{"root": one.root, "passes": one.passes} for one in _chains(plan.program, change, about.needs)],
        "triggers": [
            {"address": other.address, "effect": other.effect} for other in _triggered(plan.program.changes, address)
        ],
        "upstream": [{"address": one.address, "effect": one.effect} for one in _upstream(plan.program, address, about)],
        "suppressed": [one for one in (change.fields if change is not None else ()) if one.suppressed],
        "drift": [one for one in plan.program.drift if one.address == address],
        "rests_on": about.record.inputs if about.record is not None else {},
    }
    return dumps(found, indent=True).decode()


def _change(program: Program, address: Address) -> Change | None:
    return next((change for change in program.changes if change.address == address), None)


def _moves(change: Change) -> bool:
    return change.action is not Action.NO_OP or bool(change.deferred or change.blocked)


def _chains(program: Program, change: Change | None, needs: Mapping[Address, Sequence[Address]]) -> tuple[Chain, ...]:
    """Return the shortest way of each root cause, in the order of the causes."""
    if change is None or not _moves(change):
        return ()
    moving = {one.address: one for one in program.changes if _moves(one)}
    links = {cause.address for cause in change.causes if cause.code is CauseCode.UPSTREAM}
    way = _shortest(change.address, moving, needs)
    found = []
    for cause in reasons.roots(change):
        if cause.address == change.address or cause.code is CauseCode.UPSTREAM:
            passes: tuple[Address, ...] = ()
        else:  # where the plan does not tell who needs whom, the links in their order
            passes = way.get(cause.address, tuple(c.address for c in change.causes if c.code is CauseCode.UPSTREAM))
        found.append(Chain(root=cause, passes=(*(one for one in passes if one in links or one in moving),
                                               change.address)))  # fmt: skip
    return tuple(found)


def _shortest(
    address: Address, moving: Mapping[Address, Change], needs: Mapping[Address, Sequence[Address]]
) -> Mapping[Address, tuple[Address, ...]]:
    """Return, for each change that ``address`` rests on, the shortest way down from it, both ends left out but the
    first: against the arrows, breadth first."""
    ways: dict[Address, tuple[Address, ...]] = {address: ()}
    waiting = deque([address])
    while waiting:
        one = waiting.popleft()
        others = {*moving[one].depends_on, *needs.get(one, ())} if one in moving else set(needs.get(one, ()))
        for other in sorted(others, key=BY_ADDRESS):
            if other in moving and other not in ways:
                ways[other] = (other, *ways[one])
                waiting.append(other)
    return ways


def _moving(plan: Plan, change: Change, about: About) -> Iterator[Line]:
    sign, word = view.symbol(change), view.word(change)
    yield line((f"{sign} {change.address}", Style.STRONG), f": {word}", (f"  environment {plan.program.environment}",
               Style.DIM))  # fmt: skip
    if change.deferred or change.blocked:
        yield line(clean(change.deferred or change.blocked), indent=2)
    if change.unselected:
        yield line(f"left out: {clean(change.unselected)}", indent=2)
    yield BLANK
    yield line(("Because, root first", Style.STRONG))
    chains = _chains(plan.program, change, about.needs)
    for number, chain in enumerate(chains, 1):
        yield from _chain(number, chain, plan.program, change)
    if not chains:
        yield line("no cause was recorded", indent=2)
    yield BLANK
    for branch in change.branches:
        yield line(("If ", Style.STRONG), f"{clean(branch.condition)}{reasons.lately_text(branch)}: "
                   f"{clean(branch.then)}; otherwise {clean(branch.otherwise)}")  # fmt: skip
    yield from (line(clean(note)) for note in change.notes)
    yield BLANK
    yield from _ignored(change.fields)
    yield BLANK
    triggered = _triggered(plan.program.changes, change.address)
    if triggered:
        yield line(("It sets off", Style.STRONG))
        width = max(len(str(other.address)) for other in triggered)
        for other in triggered:
            yield line(f"{view.symbol(other)} {other.address!s:{width}}  {view.word(other)}", indent=2)


def _chain(number: int, chain: Chain, program: Program, change: Change) -> Iterator[Line]:
    cause, own = chain.root, change.address
    text = reasons.cause_text(cause, own, limit=200)
    if cause.code is CauseCode.NEW and cause.detail:
        text = f"new: {clean(cause.detail)}"
        text = text if cause.address == own else f"{cause.address}: {text}"
    at = where(cause.at, column=True)
    yield Line(
        head=((f"  {number:>2}. ", Style.DIM),),
        body=((text, Style.PLAIN), *(((f"  {at}", Style.DIM),) if at else ())),
    )
    yield from _numbers(cause.data)
    said = {c.address: c.detail for c in change.causes if c.code is CauseCode.UPSTREAM}
    for address in chain.passes if cause.address != own else ():
        passed = _change(program, address)
        word = view.word(passed) if passed is not None else ""
        link = clean(said.get(address, "")) or f"{address}: {word}"
        yield Line(head=(("      → ", Style.DIM),), body=((link, Style.STRONG if address == own else Style.PLAIN),))


def _ignored(fields: Sequence[FieldChange]) -> Iterator[Line]:
    told = {one.path: one for one in fields if one.suppressed}
    if told:
        yield line(("Differs, and is not acted on", Style.STRONG))
    for one in told.values():
        yield line(f"{field_name(one.path)}: {reasons.field_text(one, 120)}", (f"  {clean(one.suppressed)}", Style.DIM),
                   indent=2)  # fmt: skip


def _upstream(program: Program, address: Address, about: About) -> tuple[Change, ...]:
    """Return the changes above an address that stays: what it needs, and what that needs."""
    moving = {one.address: one for one in program.changes if _moves(one) and not one.blocked}
    needs = {**({address: about.record.depends_on} if about.record is not None else {}), **about.needs}
    seen: set[Address] = set()
    waiting = list(needs.get(address, ()))
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += needs.get(one, ()) or (moving[one].depends_on if one in moving else ())
    return tuple(moving[one] for one in sorted(seen & moving.keys(), key=BY_ADDRESS))


def _numbers(data: Mapping[str, Json]) -> Iterator[Line]:
    """Show the numbers of a cause: mappings of mappings as tables, the rest one a line; what is empty is left out."""
    for name, value in data.items():
        if value in (None, "", [], {}):
            continue
        if isinstance(value, Mapping) and all(isinstance(item, Mapping) for item in value.values()):
            yield from _table(name, {key: item for key, item in value.items() if isinstance(item, Mapping)})
        else:
            yield Line(head=((f"      {_spoken(name)}  ", Style.DIM),), body=((_cell(name, value), Style.PLAIN),))


def _table(name: str, items: Mapping[str, Mapping[str, Json]]) -> Iterator[Line]:
    """Show one row a column of the data, what moved furthest first."""
    ordered = sorted(items.items(), key=lambda pair: (not pair[1].get("moved"), -_number(pair[1].get("psi"))))
    columns = dict.fromkeys(column for _, item in ordered for column in item)
    cells = {c: [_cell(c, item.get(c)) for _, item in ordered[:_ROWS]] for c in columns}
    told = [column for column in columns if any(cells[column])]
    rows = [[cut(key, 32), *(cells[c][i] for c in told)] for i, (key, _) in enumerate(ordered[:_ROWS])]
    for row in table(rows, [_spoken(name.removesuffix("s")), *map(_spoken, told)]).splitlines():
        yield Line(head=((f"      {row}", Style.PLAIN),))
    if len(ordered) > _ROWS:
        yield line((f"… {len(ordered) - _ROWS} more", Style.DIM), indent=6)


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _cell(name: str, value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, Mapping) and set(value) >= {"before", "after"}:
        rest = [f"{_spoken(key)} {_cell(key, item)}" for key, item in value.items() if key not in ("before", "after")]
        both = f"{_cell('', value['before'])} → {_cell('', value['after'])}"
        return f"{both} ({', '.join(rest)})" if rest else both
    if isinstance(value, list | tuple):
        said = [_cell("", item) or value_text(item) for item in value]
        return " → ".join(said) if name in _PAIRS and len(said) == 2 else cut(", ".join(said), 40)
    if isinstance(value, int | float):
        return number_text(value)
    return value_text(value, 60) if value is not None else ""


def _spoken(name: str) -> str:
    return clean(name.replace("_", " "))


def _triggered(changes: tuple[Change, ...], address: Address) -> tuple[Change, ...]:
    """Return the changes that have this address among their causes."""
    return tuple(
        other
        for other in changes
        if other.address != address
        and other.action is not Action.NO_OP
        and any(cause.address == address for cause in other.causes)
    )


def _staying(plan: Plan, address: Address, change: Change | None, about: About) -> Iterator[Line]:
    yield line((f"= {address}", Style.STRONG), ": no change", (f"  environment {plan.program.environment}", Style.DIM))
    drift = [drift for drift in plan.program.drift if drift.address == address]
    yield from (line(f"drift: {clean(one.detail)}", indent=2) for one in drift)
    if change is not None:
        yield from (line(clean(note), indent=2) for note in change.notes)
    yield BLANK
    moved = _upstream(plan.program, address, about)
    if moved:
        yield line((f"What it rests on moves; nothing of that concerns {address}", Style.STRONG))
        for one in moved:
            yield Line(head=((f"  {view.symbol(one)} ", Style.DIM), (f"{one.address}  ", Style.PLAIN)),
                       body=((f"{view.word(one)}: {reasons.headline_cause(one)}", Style.PLAIN),))  # fmt: skip
        yield BLANK
    yield from _ignored(change.fields if change is not None else ())
    yield BLANK
    yield from _resting(about.record)


def _resting(record: ResourceRecord | None) -> Iterator[Line]:
    if record is None:
        return
    inputs = [(f"{facet}.{name}", value) for facet, group in record.inputs.items() if isinstance(group, Mapping)
              for name, value in group.items()]  # fmt: skip
    if inputs:
        yield BLANK
        yield line(("It rests on what was recorded at its last apply", Style.STRONG))
        for name, value in inputs:
            yield Line(head=((f"  {clean(name)}  ", Style.DIM),), body=((value_text(value, 120), Style.PLAIN),))
    if record.outputs:
        yield BLANK
        yield line(("and gives", Style.STRONG))
        for key, output in record.outputs.items():
            yield Line(head=((f"  {field_name((key,))}  ", Style.DIM),), body=((value_text(output, 120), Style.PLAIN),))
