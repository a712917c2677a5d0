"""What a terminal shows around the changes: settings, what is not selected, verdicts, drift."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ordain.render import findings, reasons, view
from ordain.render.folding import Verdicts, verdicts
from ordain.render.lines import Line, Piece, Style, TerminalOptions, line
from ordain.render.settings import setting_fields
from ordain.render.words import clean, count, field_name, pad, where
from ordain.values.change import Action, FieldChange
from ordain.values.plan import Drift, Finding, Program

_FIELDS = 12
_LABEL = len("otherwise")
_NAMED = 4
STYLES = {"+": Style.ADD, "~": Style.CHANGE, "±": Style.LOUD, "-": Style.LOUD, "!": Style.LOUD, "↻": Style.TRAIN,
          "⇧": Style.NOTE, "↶": Style.CHANGE, "⇠": Style.NOTE, "→": Style.NOTE, "≈": Style.NOTE, "·": Style.DIM,
          "✗": Style.LOUD, "⏸": Style.NOTE, "=": Style.DIM}  # fmt: skip


def setting_lines(program: Program, options: TerminalOptions) -> Iterator[Line]:
    """Show the changed settings, weakened ones first and loud; where all are new, only their names."""
    settings, narrowed = program.settings, bool(program.selection)
    if not settings:
        return
    if not options.verbose and all(setting.action == "create" and not setting.weakened for setting in settings):
        what = "Settings left for a whole plan to record: " if narrowed else "Settings to record: "
        yield line((what, Style.STRONG), ", ".join(str(setting.address) for setting in settings))
        return
    yield line(("Changed settings", Style.STRONG), "; a plan of everything records them" if narrowed else "")
    width = max(len(str(setting.address)) for setting in settings)
    for setting in sorted(settings, key=lambda s: (not s.weakened, s.address)):
        style = Style.LOUD if setting.weakened else Style.CHANGE
        sign = "!" if setting.weakened else {"create": "+", "delete": "-"}.get(setting.action, "~")
        fields = setting_fields(setting)
        told = len(fields) == 1
        body: list[Piece] = [(view.setting_text(setting), style)]
        if told:
            body.append((f"  {fields[0][0]}: {fields[0][1]}", Style.PLAIN))
        yield Line(
            head=((f"  {sign} ", style), (f"{setting.address!s:{width}}  ", Style.STRONG)),
            body=(*body, *at(where(setting.at))),
        )
        if not told:
            yield from _named_lines(tuple((*one, "") for one in fields), options)


def field_lines(fields: tuple[FieldChange, ...], options: TerminalOptions) -> Iterator[Line]:
    """Show fields below each other; those that are not acted on with the reason."""
    found = ((field_name(one.path), reasons.field_text(one), clean(one.suppressed)) for one in fields)
    return _named_lines(tuple(found), options)


def _named_lines(fields: tuple[tuple[str, str, str], ...], options: TerminalOptions) -> Iterator[Line]:
    """Show names, what to say of each, and why it is not acted on, below each other."""
    limit = len(fields) if options.verbose else _FIELDS
    width = min(max((len(name) for name, *_ in fields[:limit]), default=0), 32)
    width = max(width, _LABEL)
    for name, text, ignored in fields[:limit]:
        why = f"  (ignored: {ignored})" if ignored else ""
        yield Line(
            head=((f"      {pad(name, width)}  ", Style.PLAIN),),
            body=((text, Style.DIM if why else Style.PLAIN), (why, Style.DIM)),
        )
    if len(fields) > limit:
        yield line((f"… {count(len(fields) - limit, 'more field')}; --verbose shows them", Style.DIM), indent=6)


def field_line(field: FieldChange) -> str:
    """Show a field in one line."""
    return f"{field_name(field.path)}: {reasons.field_text(field)}"


def at(place: str) -> tuple[Piece, ...]:
    """Return the position that ends a line."""
    return ((f"  {place}", Style.DIM),) if place else ()


def not_selected_lines(program: Program, options: TerminalOptions) -> Iterator[Line]:
    """Count what a selector leaves out, by what would happen to it; what would be destroyed by name."""
    left = view.not_selected(program)
    if not left:
        return
    yield line(("Not selected: ", Style.STRONG), f"{count(len(left), 'change')} left for another plan")
    width = max(len(view.word(change)) for change in left)
    for (sign, word), group in groupby(left, key=lambda change: (view.symbol(change), view.word(change))):
        found = list(group)
        whole = options.verbose or any(change.action in (Action.DELETE, Action.FORGET) for change in found)
        addresses = [change.address for change in found]
        named = view.names_text(addresses, len(addresses) if whole else _NAMED)
        head = ((f"  {sign} ", STYLES[sign]), (f"{word:{width}}  ", Style.PLAIN))
        if not options.verbose:
            yield Line(head=(*head, (f"{len(found):>3}  ", Style.PLAIN)), body=((named, Style.PLAIN),))
            continue
        for change in found:
            body: tuple[Piece, ...] = (
                (f"{change.address}", Style.STRONG),
                (f"  {clean(change.unselected)}", Style.DIM),
            )
            yield Line(head=head, body=body)


def policy_lines(program: Program, options: TerminalOptions) -> Iterator[Line]:
    """Show the verdicts that are no passes; of several resources at once where a policy says the same of them."""
    found = findings.findings(program)
    if not found:
        return
    yield line(("Policy: ", Style.STRONG), findings.policy_summary(found))
    width = max(7, *(len(findings.verdict_word(one)) for one in found))
    for one in verdicts(found):
        yield from _verdict(one, width, options)


_SIGNS = {"unknown": "?", "excepted": "○", "overridden": "○"}


def _verdict(one: Verdicts, width: int, options: TerminalOptions) -> Iterator[Line]:
    first = one.first
    word = findings.verdict_word(first)
    sign, style = ("✗", Style.LOUD) if first.denies else (_SIGNS.get(word, "!"), Style.CHANGE)
    alone = len(one.findings) == 1
    if alone:
        about = f"{first.address}: " if first.address and str(first.address) not in first.message else ""
    else:
        about = f"{count(len(one.findings), 'resource')}: "
    message = f"{about}{findings.message_text(first, one.message)}"
    yield Line(
        head=((f"  {sign} ", style), (f"{word:{width}}  ", style)),
        body=((f"{first.policy}", Style.STRONG), (f" ({findings.grade_text(first)})  {message}", Style.PLAIN),
              *at(where(one.at, column=True))),
    )  # fmt: skip
    indent = 6 + width
    if not alone:
        whole = options.verbose or first.denies
        for row in view.name_rows(one.names) if whole else [view.names_text(one.names, _NAMED)]:
            yield line((row, Style.DIM), indent=indent)
    excuse = findings.excuse_text(first)
    if excuse:
        yield line((excuse, Style.CHANGE), indent=indent)
    for name, text in _beside(first):
        yield Line(head=((f"{' ' * indent}{name:7} ", Style.DIM),), body=((text, Style.PLAIN),))


def _beside(one: Finding) -> Iterator[tuple[str, str]]:
    """What to do, and whom to ask or where to read more."""
    remedy, owner, link = findings.remedy_text(one), clean(one.owner), clean(one.link)
    if remedy:
        yield "remedy", remedy
    if owner:
        yield "owner", f"{owner}, see {link}" if link else owner
    elif link:
        yield "see", link


def drift_lines(program: Program, options: TerminalOptions) -> Iterator[Line]:
    """Show the drift that matters to this plan; the rest is counted, and listed where all is asked for."""
    ours, others = view.drift_of(program)
    if ours:
        yield line(("Drift: ", Style.STRONG), "the world is no longer as it was recorded")
        for one in ours:
            yield from _drifted(one)
    if not others:
        return
    more = "more resource" if ours else "resource"
    what = f"{count(len({one.address for one in others}), more)} drifted, but not in what this plan touches"
    yield line(("  " if ours else "Drift: ", Style.STRONG), what, "" if options.verbose else " (-v lists them)")
    if options.verbose:
        for one in others:
            yield from _drifted(one)


def _drifted(one: Drift) -> Iterator[Line]:
    yield Line(head=(("  ≠ ", Style.CHANGE), (f"{one.address}  ", Style.STRONG)),
               body=((clean(one.detail), Style.PLAIN),))  # fmt: skip
    yield from (line(field_line(field), indent=6) for field in one.fields[:_FIELDS])
