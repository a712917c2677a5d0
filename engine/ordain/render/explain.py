"""Why: the causal chain of one address, root first, with the numbers behind it, and what it sets off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ordain.render import reasons, view
from ordain.render.lines import BLANK, Line, Style, TerminalOptions, line, paint
from ordain.render.tables import table
from ordain.render.words import clean, cut, field_name, number_text, value_text, where
from ordain.values.address import Address
from ordain.values.change import Action, Cause, CauseCode, Change
from ordain.values.codec import dumps
from ordain.values.data import Json
from ordain.values.plan import Plan
from ordain.values.record import ResourceRecord

_ROWS = 60
_PAIRS = frozenset(("type", "null_share", "min", "max", "mean"))
"""What a data delta gives as ``[before, after]``."""


def why_text(plan: Plan, address: Address, options: TerminalOptions, record: ResourceRecord | None = None) -> str:
    """Return why the plan does what it does to ``address``; for one that stays, what it rests on (``record``)."""
    change = next((change for change in plan.program.changes if change.address == address), None)
    if change is None or not (change.acts or change.deferred or change.blocked):
        return paint(_stays(plan, address, record), options)
    return paint(_moves(plan, change), options)


def why_json(plan: Plan, address: Address, record: ResourceRecord | None = None) -> str:
    """Return the same as JSON: ``address``, ``change`` (None where nothing changes), ``triggers``, ``rests_on``."""
    change = next((change for change in plan.program.changes if change.address == address), None)
    found = {
        "address": address,
        "environment": plan.program.environment,
        "change": change,
        "triggers": [
            {"address": other.address, "effect": other.effect} for other in _triggered(plan.program.changes, address)
        ],
        "rests_on": record.inputs if record is not None else {},
    }
    return dumps(found, indent=True).decode()


def _moves(plan: Plan, change: Change) -> Iterator[Line]:
    sign, word = view.symbol(change), view.word(change)
    yield line((f"{sign} {change.address}", Style.STRONG), f": {word}", (f"  environment {plan.program.environment}",
               Style.DIM))  # fmt: skip
    if change.deferred or change.blocked:
        yield line(clean(change.deferred or change.blocked), indent=2)
    yield BLANK
    yield line(("Because, root first", Style.STRONG))
    for number, cause in enumerate(change.causes, 1):
        yield from _cause(number, cause, change.address)
    if not change.causes:
        yield line("no cause was recorded", indent=2)
    yield BLANK
    for branch in change.branches:
        yield line(("If ", Style.STRONG), f"{clean(branch.condition)}: {clean(branch.then)}; otherwise "
                   f"{clean(branch.otherwise)}")  # fmt: skip
    yield from (line(clean(note)) for note in change.notes)
    yield BLANK
    triggered = _triggered(plan.program.changes, change.address)
    if triggered:
        yield line(("It sets off", Style.STRONG))
        width = max(len(str(other.address)) for other in triggered)
        for other in triggered:
            yield line(f"{view.symbol(other)} {other.address!s:{width}}  {view.word(other)}", indent=2)


def _cause(number: int, cause: Cause, own: Address) -> Iterator[Line]:
    text = reasons.cause_text(cause, own, limit=200)
    if cause.code is CauseCode.NEW and cause.detail:
        text = f"new: {clean(cause.detail)}"
    at = where(cause.at, column=True)
    yield Line(
        head=((f"  {number:>2}. ", Style.DIM),),
        body=((text, Style.PLAIN), *(((f"  {at}", Style.DIM),) if at else ())),
    )
    yield from _numbers(cause.data)


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


def _stays(plan: Plan, address: Address, record: ResourceRecord | None) -> Iterator[Line]:
    yield line((f"= {address}", Style.STRONG), ": no change", (f"  environment {plan.program.environment}", Style.DIM))
    drift = [drift for drift in plan.program.drift if drift.address == address]
    yield from (line(f"drift: {clean(one.detail)}", indent=2) for one in drift)
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
