"""The changes of a plan as lines of a terminal: one by one with their details, or many in few rows."""

from __future__ import annotations

from collections.abc import Iterator

from ordain.render import durations, reasons, view
from ordain.render.folding import MANY, Row, group, rows
from ordain.render.lines import BLANK, Line, Piece, Style, TerminalOptions, line
from ordain.render.sections import STYLES, at, field_line, field_lines
from ordain.render.words import clean, count, cut, pad, where
from ordain.values.change import TRAINS, Branch, Cause, CauseCode, Change, Effect, FieldChange, Nested
from ordain.values.plan import Plan

_NESTED = 20
_LABEL = len("otherwise")
_WIDEST = 44
"""Columns that the names may take."""
_WORD = 13
"""Columns that what happens may take; one longer word does not push all the rest to the right."""
_NAMED, _GRAVE = 5, 400
"""How many of those that share a row are named: of what destroys, breaks or is blocked, all but in the extreme."""
_LEAST = 20
"""Characters that a reason gets at least in a folded plan."""
_SAID = 110
"""Characters of a reason in a folded plan whose width is not known."""


def change_lines(plan: Plan, options: TerminalOptions) -> Iterator[Line]:
    """Return the changes: what destroys first, then what trains, the rest, what waits."""
    changes = view.shown(plan.program, no_ops=options.show_no_ops)
    if not changes:
        return
    if len(changes) > MANY and not options.verbose:
        yield from _folded(changes, options)
        return
    names = min(max(len(str(change.address)) for change in changes), _WIDEST)
    words = min(max(len(view.word(change)) for change in changes), _WORD)
    for before, change in zip((None, *changes), changes, strict=False):
        details = tuple(_details(plan, change, options))
        if before is not None and (details or group(before) != group(change)):
            yield BLANK
        yield _headline(change, names, words)
        yield from details
        if details:
            yield BLANK


def _folded(changes: tuple[Change, ...], options: TerminalOptions) -> Iterator[Line]:
    found = rows(changes)
    names = min(max(len(row.label) for row in found), _WIDEST)
    words = min(max(len(view.word(row.first)) for row in found), _WORD)
    for before, row in zip((None, *found), found, strict=False):
        if before is not None and group(before.first) != group(row.first):
            yield BLANK
        yield from _row(row, (names, words), options)
    yield BLANK
    told = f"{count(len(changes), 'change')} in {count(len(found), 'row')}" if len(found) < len(changes) else ""
    yield line((f"{told or count(len(changes), 'change')}; fields and branches are folded. --verbose shows every one.",
                Style.DIM))  # fmt: skip


def _row(row: Row, columns: tuple[int, int], options: TerminalOptions) -> Iterator[Line]:
    names, words = columns
    change = row.first
    sign, word = view.symbol(change), view.word(change)
    style = STYLES[sign]
    many = len(row.changes) > 1
    causes = () if change.deferred or change.blocked else reasons.roots(change)
    place = where(causes[0].at) if causes and row.same else ""
    more = ""
    if many and place:
        more = f" and {count(len(row.changes) - 1, 'more place')}"
    elif not many and len(causes) > 1:
        more = f"  and {count(len(causes) - 1, 'more cause')}"
    room = options.width - 4 - names - 2 - max(words, len(word)) - 2 if options.width else _SAID + len(place + more)
    if room - len(place + more) - 2 < _LEAST:
        place = more = ""  # the reason says more than where it stands
    said = clean(row.because)
    text = said if change.blocked or change.deferred else _fit(said, max(room - len(place + more) - 2, _LEAST), row)
    yield Line(
        head=(
            (f"  {sign} ", style),
            (f"{row.label:{names}}  ", Style.STRONG),
            (f"{word:{words}}  ", style if style is not Style.DIM else Style.PLAIN),
        ),
        body=((text, Style.PLAIN), *at(place), (more, Style.DIM)),
    )
    if many:
        addresses = [one.address for one in row.changes]
        if view.is_grave(change):
            width = min(options.width or 100, 100) - 8
            yield from (line((text, Style.PLAIN), indent=6) for text in view.name_rows(addresses[:_GRAVE], width))
            if addresses[_GRAVE:]:
                yield line((f"… {len(addresses) - _GRAVE:,} more", Style.PLAIN), indent=6)
        else:
            yield line((view.names_text(addresses, _NAMED), Style.DIM), indent=6)


def _fit(said: str, room: int, row: Row) -> str:
    """Cut a reason; where it begins with a name and room is short, what happened says more than the name."""
    root = next(iter(reasons.roots(row.first)), None)
    if len(said) > room and row.same and root is not None:
        said = said.removeprefix(f"{root.address}: ").removeprefix(f"{root.address.kind}.*: ")
    return cut(said, room)


def _headline(change: Change, names: int, words: int) -> Line:
    sign = view.symbol(change)
    style = STYLES[sign]
    head: tuple[Piece, ...] = (
        (f"  {sign} ", style),
        (f"{change.address!s:{names}}  ", Style.STRONG),
        (f"{view.word(change):{words}}  ", style if style is not Style.DIM else Style.PLAIN),
    )
    if change.deferred or change.blocked:
        return Line(head=head, body=((clean(change.deferred or change.blocked), Style.PLAIN),))
    causes = reasons.roots(change)
    place = where(causes[0].at) if causes else ""
    return Line(head=head, body=((reasons.headline_cause(change), Style.PLAIN), *at(place)))


def _details(plan: Plan, change: Change, options: TerminalOptions) -> Iterator[Line]:
    headline = reasons.headline_cause(change)
    if change.previous_address is not None and str(change.previous_address) not in headline:
        by = next((cause.at for cause in change.causes if _is_own_move(cause, change)), None)
        yield _detail("moved from", str(change.previous_address), *at(where(by)))
    if change.importing and reasons.import_text(change) not in headline:
        yield _detail("imports", reasons.import_text(change))
    if change.effect is Effect.RETRAIN_INCOMPATIBLE:
        yield _detail("BREAKS", (reasons.broken_text(plan.program, change), Style.LOUD))
    yield from _more_causes(change, options)
    if not change.blocked:
        yield from field_lines(_fields_of(change, options), options)
    yield from _nested(change.nested, options)
    for branch in change.branches:
        yield from branch_lines(branch)
    if change.acts and (change.effect in TRAINS or options.verbose):
        yield _detail("takes", durations.estimate_text(durations.estimate_of(plan, change)))
    if reasons.loses_protection(change):
        yield _detail("WEAKENED", ("it is no longer protected against deletion", Style.LOUD))
    yield from (_detail("note", clean(note)) for note in change.notes if clean(note) != headline)


def branch_lines(branch: Branch) -> Iterator[Line]:
    """Show both ways a change may go, and how often its gates let one pass lately."""
    yield _detail("if", clean(branch.condition), (reasons.lately_text(branch), Style.NOTE))
    yield _detail("then", clean(branch.then))
    yield _detail("otherwise", clean(branch.otherwise))


def _more_causes(change: Change, options: TerminalOptions) -> Iterator[Line]:
    if (change.deferred or change.blocked) and not options.verbose:
        return
    told = () if change.deferred or change.blocked else reasons.roots(change)[:1]
    headline = reasons.headline_cause(change) if told else ""
    rest = [
        cause
        for cause in (change.causes if options.verbose else reasons.roots(change))
        if cause not in told and not _is_own_move(cause, change)
        if reasons.cause_text(cause, change.address) != headline
    ]
    limit = len(rest) if options.verbose else 4
    for cause in rest[:limit]:
        text = reasons.cause_text(cause, change.address) if options.verbose else reasons.short_cause(change, cause)
        yield _detail("because", text, *at(where(cause.at)))
    if len(rest) > limit:
        yield _detail("because", f"… {count(len(rest) - limit, 'more cause')}: ordain why {_quoted(change)}")


def _is_own_move(cause: Cause, change: Change) -> bool:
    """Say whether a cause is no more than the name a change had, which is told by itself."""
    return cause.code is CauseCode.MOVED and cause.address == change.address


def _quoted(change: Change) -> str:
    return f"'{change.address}'" if change.address.key else str(change.address)


def _fields_of(change: Change, options: TerminalOptions) -> tuple[FieldChange, ...]:
    return change.fields if options.verbose else reasons.untold_fields(change)


def _nested(nested: tuple[Nested, ...], options: TerminalOptions) -> Iterator[Line]:
    limit = len(nested) if options.verbose else _NESTED
    width = min(max((len(clean(one.address)) for one in nested[:limit]), default=0), 48)
    for one in nested[:limit]:
        sign = {"create": "+", "delete": "-", "replace": "±"}.get(one.action, "~")
        yield Line(
            head=((f"      {sign} ", STYLES[sign]), (f"{pad(clean(one.address), width)}  ", Style.PLAIN)),
            body=((clean(one.action), Style.DIM),),
        )
        if options.verbose or one.action not in ("create", "delete"):
            yield from (line(field_line(field), indent=10) for field in one.fields[:limit])
    if len(nested) > limit:
        yield line((f"… {len(nested) - limit} more; --verbose shows them", Style.DIM), indent=6)


def _detail(name: str, *pieces: Piece | str) -> Line:
    return Line(head=((f"      {name:{_LABEL}}  ", Style.DIM),), body=line(*pieces).body)
