"""The plan as a person reads it in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ordain.render import view
from ordain.render.diagnostics import diagnostic_lines
from ordain.render.lines import BLANK, Line, Piece, Style, TerminalOptions, line, paint
from ordain.render.words import clean, count, field_name, seconds_text, where
from ordain.values.change import Action, Change, FieldChange, Nested
from ordain.values.plan import Finding, Plan, Program, SettingChange

_MANY = 40
"""With more changes than this, their details are folded unless asked for."""
_TOO_MANY = 300
"""With more than this, those that are alike are told as one after the first few."""
_FIRST, _FIRST_GRAVE = 10, 100
"""How many of them are listed: of what destroys, trains or waits, more."""
_FIELDS = 12
_NESTED = 20
_LABEL = len("otherwise")

_STYLES = {"+": Style.ADD, "~": Style.CHANGE, "±": Style.LOUD, "-": Style.LOUD, "↻": Style.TRAIN, "⇧": Style.NOTE,
           "≈": Style.NOTE, "·": Style.DIM, "✗": Style.LOUD, "⏸": Style.NOTE, "=": Style.DIM}  # fmt: skip


def plan_text(plan: Plan, options: TerminalOptions) -> str:
    """Return the plan as text: changed settings, summary, changes with their causes, verdicts, what to type next."""
    if view.has_nothing_to_say(plan.program) and not options.show_no_ops and not options.verbose:
        return no_changes_text(plan.program)
    return paint(_plan(plan, options), options)


def no_changes_text(program: Program) -> str:
    """Return the whole of an empty plan; rich is not needed for it."""
    still = view.unchanged(program)
    are = "is" if still == 1 else "are"
    what = f"{count(still, 'resource')} {are} as specified" if still else "There is nothing here yet"
    return f"No changes. {what} (environment {program.environment}, state serial {program.serial}).\n"


def _plan(plan: Plan, options: TerminalOptions) -> Iterator[Line]:
    program = plan.program
    yield from _settings(program.settings, options)
    yield BLANK
    yield from _summary(program)
    yield BLANK
    yield from _changes(plan, options)
    yield BLANK
    yield from _policy(program)
    yield BLANK
    yield from _drift(program)
    yield BLANK
    for diagnostic in program.diagnostics:
        yield BLANK
        yield from diagnostic_lines(diagnostic)
    yield BLANK
    yield from _ending(plan, options)
    if options.verbose:
        yield BLANK
        yield from (line((f"{sign}  {meaning}", Style.DIM), indent=2) for sign, meaning in view.LEGEND)


def _settings(settings: tuple[SettingChange, ...], options: TerminalOptions) -> Iterator[Line]:
    if not settings:
        return
    if not options.verbose and all(setting.action == "create" and not setting.weakened for setting in settings):
        yield line(("Settings to record: ", Style.STRONG), ", ".join(str(setting.address) for setting in settings))
        return
    yield line(("Changed settings", Style.STRONG))
    width = max(len(str(setting.address)) for setting in settings)
    for setting in sorted(settings, key=lambda s: (not s.weakened, s.address)):
        style = Style.LOUD if setting.weakened else Style.CHANGE
        sign = "!" if setting.weakened else {"create": "+", "delete": "-"}.get(setting.action, "~")
        fields = setting.fields if setting.action == "update" or options.verbose else ()
        told = len(fields) == 1
        body: list[Piece] = [(view.setting_text(setting), style)]
        if told:
            body.append((f"  {_field(fields[0])}", Style.PLAIN))
        yield Line(
            head=((f"  {sign} ", style), (f"{setting.address!s:{width}}  ", Style.STRONG)),
            body=(*body, *_at(where(setting.at))),
        )
        if not told:
            yield from _fields(fields, options)


def _summary(program: Program) -> Iterator[Line]:
    still = view.unchanged(program)
    rest = f" {still:,} unchanged." if still else ""
    said = view.summary_text(program)
    place = f"  environment {program.environment}, state serial {program.serial}"
    kind = "" if program.mode == "normal" else f"{clean(program.mode).capitalize()}: "
    if not said:
        empty = "This plan has errors." if program.status.errored else "No changes to resources."
        yield line((empty, Style.STRONG), rest, (place, Style.DIM))
        return
    yield line((f"{kind}{said}.", Style.STRONG), rest, (place, Style.DIM))


def _changes(plan: Plan, options: TerminalOptions) -> Iterator[Line]:
    changes = view.shown(plan.program, no_ops=options.show_no_ops)
    if not changes:
        return
    folded = len(changes) > _MANY and not options.verbose
    listed, rest = _gathered(changes) if len(changes) > _TOO_MANY and folded else (changes, {})
    names = max(len(str(change.address)) for change in listed)
    words = max(len(view.word(change)) for change in listed)
    for before, change in zip((None, *listed), listed, strict=False):
        details = () if folded else tuple(_details(plan, change, options))
        if before is not None and (details or _group(before) != _group(change)):
            yield from _rest(rest.pop(_group(before), ()), min(names, 44), words)
            yield BLANK
        yield _headline(change, min(names, 44), words, folded=folded)
        yield from details
        if details:
            yield BLANK
    yield from _rest(rest.pop(_group(listed[-1]), ()), min(names, 44), words)
    if folded:
        yield BLANK
        more = f" {len(changes) - len(listed):,} that are alike," if len(changes) > len(listed) else ""
        yield line(
            (f"{count(len(changes), 'change')}:{more} fields and branches are folded; --verbose shows them.", Style.DIM)
        )


_Alike = list[tuple[Change, int]]


def _gathered(changes: tuple[Change, ...]) -> tuple[list[Change], dict[str, _Alike]]:
    """Return the changes to list, and for each group one of each sort that has more, and how many more."""
    seen: Counter[tuple[object, ...]] = Counter()
    first: dict[tuple[object, ...], Change] = {}
    listed: list[Change] = []
    for change in changes:
        key = (_group(change), *view.alike(change))
        seen[key] += 1
        if seen[key] <= (_FIRST if key[0] == "changes" else _FIRST_GRAVE):
            listed.append(change)
        first.setdefault(key, change)
    rest: dict[str, _Alike] = {}
    for key, number in seen.items():
        more = number - (_FIRST if key[0] == "changes" else _FIRST_GRAVE)
        if more > 0:
            rest.setdefault(str(key[0]), []).append((first[key], more))
    return listed, rest


def _rest(alike: Iterable[tuple[Change, int]], names: int, words: int) -> Iterator[Line]:
    for change, more in alike:
        head = _headline(change, names, words, folded=True).head
        text = f"… {more:,} more"
        yield Line(
            head=(head[0], (f"{text:{names}}  ", Style.STRONG), head[2]),
            body=((f"{change.kind}, for the same reason as {change.address}", Style.PLAIN),),
        )


def _group(change: Change) -> str:
    if change.deferred or change.blocked:
        return "waits"
    if view.destroys(change) or change.action is Action.FORGET:
        return "destroys"
    return "trains" if change.effect in view.TRAINS else "changes"


def _headline(change: Change, names: int, words: int, *, folded: bool) -> Line:
    sign = view.symbol(change)
    style = _STYLES[sign]
    head: tuple[Piece, ...] = (
        (f"  {sign} ", style),
        (f"{change.address!s:{names}}  ", Style.STRONG),
        (f"{view.word(change):{words}}  ", style if style is not Style.DIM else Style.PLAIN),
    )
    if change.deferred or change.blocked:
        return Line(head=head, body=((clean(change.deferred or change.blocked), Style.PLAIN),))
    causes = view.roots(change)
    if not causes:
        return Line(head=head, body=())
    more = f"  and {count(len(causes) - 1, 'more cause')}" if folded and len(causes) > 1 else ""
    text = view.headline_cause(change)
    return Line(head=head, body=((text, Style.PLAIN), (more, Style.DIM), *_at(where(causes[0].at))))


def _details(plan: Plan, change: Change, options: TerminalOptions) -> Iterator[Line]:
    if change.previous_address is not None:
        yield _detail("moved from", str(change.previous_address))
    yield from _more_causes(change, options)
    if not change.blocked:
        yield from _fields(_fields_of(change, options), options)
    yield from _nested(change.nested, options)
    for branch in change.branches:
        yield _detail("if", clean(branch.condition))
        yield _detail("then", clean(branch.then))
        yield _detail("otherwise", clean(branch.otherwise))
    if change.acts and (change.effect in view.TRAINS or options.verbose):
        yield _detail("takes", view.estimate_text(view.estimate_of(plan, change)))
    if view.loses_protection(change):
        yield _detail("WEAKENED", ("it is no longer protected against deletion", Style.LOUD))
    yield from (_detail("note", clean(note)) for note in change.notes)


def _more_causes(change: Change, options: TerminalOptions) -> Iterator[Line]:
    if (change.deferred or change.blocked) and not options.verbose:
        return
    told = () if change.deferred or change.blocked else view.roots(change)[:1]
    headline = view.headline_cause(change) if told else ""
    rest = [
        cause
        for cause in (change.causes if options.verbose else view.roots(change))
        if cause not in told and view.cause_text(cause, change.address) != headline
    ]
    limit = len(rest) if options.verbose else 4
    for cause in rest[:limit]:
        text = view.cause_text(cause, change.address) if options.verbose else view.short_cause(change, cause)
        yield _detail("because", text, *_at(where(cause.at)))
    if len(rest) > limit:
        yield _detail("because", f"… {count(len(rest) - limit, 'more cause')}: ordain why {change.address}")


def _fields_of(change: Change, options: TerminalOptions) -> tuple[FieldChange, ...]:
    if not options.verbose:
        return view.untold_fields(change)
    return change.fields


def _fields(fields: tuple[FieldChange, ...], options: TerminalOptions) -> Iterator[Line]:
    limit = len(fields) if options.verbose else _FIELDS
    width = min(max((len(field_name(field.path)) for field in fields[:limit]), default=0), 32)
    width = max(width, _LABEL)
    for field in fields[:limit]:
        why = f"  (ignored: {clean(field.suppressed)})" if field.suppressed else ""
        yield Line(
            head=((f"      {field_name(field.path):{width}}  ", Style.PLAIN),),
            body=((view.field_text(field), Style.DIM if why else Style.PLAIN), (why, Style.DIM)),
        )
    if len(fields) > limit:
        yield line((f"… {count(len(fields) - limit, 'more field')}; --verbose shows them", Style.DIM), indent=6)


def _field(field: FieldChange) -> str:
    return f"{field_name(field.path)}: {view.field_text(field)}"


def _nested(nested: tuple[Nested, ...], options: TerminalOptions) -> Iterator[Line]:
    limit = len(nested) if options.verbose else _NESTED
    width = min(max((len(clean(one.address)) for one in nested[:limit]), default=0), 48)
    for one in nested[:limit]:
        sign = {"create": "+", "delete": "-", "replace": "±"}.get(one.action, "~")
        yield Line(
            head=((f"      {sign} ", _STYLES[sign]), (f"{clean(one.address):{width}}  ", Style.PLAIN)),
            body=((clean(one.action), Style.DIM),),
        )
        if options.verbose or one.action not in ("create", "delete"):
            yield from (line(_field(field), indent=10) for field in one.fields[:limit])
    if len(nested) > limit:
        yield line((f"… {len(nested) - limit} more; --verbose shows them", Style.DIM), indent=6)


def _detail(name: str, *pieces: Piece | str) -> Line:
    return Line(head=((f"      {name:{_LABEL}}  ", Style.DIM),), body=line(*pieces).body)


def _at(place: str) -> tuple[Piece, ...]:
    return ((f"  {place}", Style.DIM),) if place else ()


def _policy(program: Program) -> Iterator[Line]:
    found = view.findings(program)
    if not found:
        return
    yield line(("Policy: ", Style.STRONG), view.policy_summary(found))
    for finding in found:
        yield from _finding(finding)


def _finding(finding: Finding) -> Iterator[Line]:
    word = view.verdict_word(finding)
    sign, style = ("✗", Style.LOUD) if finding.denies else ("?" if word == "unknown" else "!", Style.CHANGE)
    about = f"{finding.address}: " if finding.address and str(finding.address) not in finding.message else ""
    message = clean(finding.message) or ("not known before apply" if word == "unknown" else "the rule does not hold")
    yield Line(
        head=((f"  {sign} ", style), (f"{word:7}  ", style)),
        body=((f"{finding.policy}", Style.STRONG), (f" ({finding.level})  {about}{message}", Style.PLAIN),
              *_at(where(finding.at))),
    )  # fmt: skip
    if finding.remedy and word != "unknown":
        yield Line(head=(("             remedy  ", Style.DIM),), body=((clean(finding.remedy), Style.PLAIN),))


def _drift(program: Program) -> Iterator[Line]:
    if not program.drift:
        return
    yield line(("Drift: ", Style.STRONG), "the world is no longer as it was recorded")
    for drift in program.drift:
        yield Line(head=(("  ≠ ", Style.CHANGE), (f"{drift.address}  ", Style.STRONG)),
                   body=((clean(drift.detail), Style.PLAIN),))  # fmt: skip
        yield from (line(_field(field), indent=6) for field in drift.fields[:_FIELDS])


def _ending(plan: Plan, options: TerminalOptions) -> Iterator[Line]:
    program = plan.program
    digest = view.short_digest(plan.digest)
    if program.diagnostics and program.status.errored:
        yield line((f"Plan {digest} is for reading only: {view.why_not(program)}.", Style.LOUD))
        return
    if not program.status.applyable:
        yield line((f"Plan {digest} cannot be applied: {view.why_not(program) or 'see above'}.", Style.LOUD))
        return
    if program.is_empty:
        yield line("Nothing to apply.")
        return
    blocked = sum(bool(change.blocked) for change in program.changes)
    if blocked and not program.steps:
        yield line((f"Plan {digest} cannot be applied: {blocked:,} blocked, and nothing else to do.", Style.LOUD))
        return
    if not program.status.complete:
        later = sum(bool(change.deferred) for change in program.changes)
        yield line(f"Not the whole plan yet: {later:,} deferred. An apply does the rest, then plans and shows the next"
                   " round.")  # fmt: skip
    seconds = [e.p50 for e in plan.envelope.estimates.values() if e.p50 is not None]
    takes = f", ≈ {seconds_text(sum(seconds))} of work" if sum(seconds) >= 0.1 else ""
    if options.apply_command:
        yield line(f"Plan {digest}{takes}. To make these changes: ", (options.apply_command, Style.STRONG))
    else:
        yield line(f"Plan {digest}{takes}.")


__all__ = ["TerminalOptions", "no_changes_text", "plan_text"]
