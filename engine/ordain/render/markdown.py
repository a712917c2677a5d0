"""The plan as a comment on a pull request: summary first, details folded, never longer than its budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ordain.render import durations, findings, reasons, view
from ordain.render.approvals import approvals_markdown, approved_enough
from ordain.render.escaping import code, escape, name
from ordain.render.folding import MANY, Row, rows, verdicts
from ordain.render.graph import mermaid_text
from ordain.render.settings import setting_fields
from ordain.render.words import clean, count, field_name, where
from ordain.values.address import Address
from ordain.values.approval import Approved
from ordain.values.change import TRAINS, Action, Change, Effect
from ordain.values.diagnostic import Diagnostic
from ordain.values.plan import Finding, Plan, Program, SettingChange

_LEAST = 4_000
_NODES = 60
_NAMED, _GRAVE = 5, 400
_WARNINGS = 3
_FIELDS = 8
_APPROVE = "ordain approve FILE --as YOUR-EMAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """Whole parts between a beginning and an end: what does not fit is left out part by part and counted."""

    begin: str
    parts: tuple[str, ...]
    end: str = "\n"
    what: str = "row"

    def fit(self, room: int) -> str:
        left = room - _size(self.begin) - _size(self.end) - 120  # room for the note below
        kept: list[str] = []
        for part in self.parts:
            if (left := left - _size(part)) < 0:
                break
            kept.append(part)
        missing = len(self.parts) - len(kept)
        if not kept:
            return f"\n_{count(missing, self.what)} left out here: see `ordain show`._\n" if missing else ""
        note = f"\n_… and {count(missing, f'more {self.what}')}: see `ordain show`._\n" if missing else ""
        return self.begin + "".join(kept) + self.end + note


def plan_markdown(plan: Plan, budget: int = 60_000, *, approved: Approved | None = None) -> str:
    """Return the plan as GitHub-flavoured Markdown of at most ``budget`` bytes of UTF-8 (never under 4,000).

    What does not fit is left out in whole rows or blocks, and counted; the summary and the verdict always fit.
    ``approved`` is how far the plan is approved; None where nobody knows yet.
    """
    room = max(budget, _LEAST)
    head, tail = _head(plan, approved, room // 4), _tail(plan)
    room -= _size(head) + _size(tail)
    # In the order of what a reviewer must see; the page has an order of its own.
    changes = view.shown(plan.program)
    folded = rows(changes) if len(changes) > MANY else _one_by_one(changes)
    sections = {
        "settings": _settings(plan.program.settings),
        "policy": _policy(findings.findings(plan.program)),
        "diagnostics": _diagnostics(plan.program.diagnostics),
        "changes": _changes(folded),
        "drift": _drift(plan.program),
        "not selected": _not_selected(plan.program),
        "graph": _graph(changes),
        "details": _details(plan, folded),
    }
    texts: dict[str, str] = {}
    for part, section in sections.items():
        texts[part] = section.fit(room) if section.parts and room > 200 else ""
        room -= _size(texts[part])
    order = ("settings", "changes", "not selected", "policy", "diagnostics", "drift", "details", "graph")
    return head + "".join(texts[part] for part in order) + tail


def _size(text: str) -> int:
    return len(text.encode())


def _head(plan: Plan, approved: Approved | None, room: int) -> str:
    """What is read first: weakened settings, why it cannot be applied, what to do then, notes, counts."""
    program = plan.program
    weakened = [setting for setting in program.settings if setting.weakened]
    table = [f"| {escape(what)} | {number:,} |\n" for what, number in view.counts(program).items()]
    still = view.unchanged(program)
    out = f"### Plan for {escape(program.project)}, environment {name(program.environment)}\n\n"
    if program.mode != "normal":
        out += f"Mode: **{escape(program.mode)}**\n\n"
    if program.selection:
        out += f"Selected: {escape(view.selection_text(program), 600)}\n\n"
    if weakened:
        out += _box("WARNING", f"{count(len(weakened), 'setting')} weakened by this change.")
    reason = view.why_not(program)
    if reason:
        out += _box("CAUTION", f"Cannot be applied: {escape(reason, 300)}.", *_way_out(program))
    out += _Section(begin="", parts=tuple(_notes(plan, approved)), end="", what="note").fit(room)
    if not table and program.mode == "refresh-only":
        return out + f"Nothing to take in ({still:,} left as recorded; the project was not compared).\n"
    if not table:
        return out + f"No changes to resources{f' ({still:,} unchanged)' if still else ''}.\n"
    return (
        out + "| what | how many |\n|---|---:|\n" + "".join(table) + (f"| unchanged | {still:,} |\n" if still else "")
    )


def _box(kind: str, said: str, *more: str) -> str:
    rest = "".join(f">\n> {one}\n" for one in more)
    return f"> [!{kind}]\n> **{said}**\n{rest}\n"


def _way_out(program: Program) -> Iterator[str]:
    hard, soft = findings.hard_text(program), findings.soft_options(program)
    if hard:
        yield escape(hard, 300)
    if soft:
        command = _APPROVE if program.rules else "ordain apply"
        yield f"What is soft may be overridden: {code(findings.with_options(command, soft))}"


def _notes(plan: Plan, approved: Approved | None) -> Iterator[str]:
    program = plan.program
    warnings = [one for one in program.diagnostics if not one.is_error]
    for one in warnings[:_WARNINGS]:
        yield _box("WARNING", f"{escape(one.summary.rstrip('.'), 200)}.")
    if len(warnings) > _WARNINGS:
        yield f"{count(len(warnings) - _WARNINGS, 'more warning')} below.\n\n"
    breaks = [c for c in program.changes if c.acts and c.effect is Effect.RETRAIN_INCOMPATIBLE]
    for change in breaks[:20]:
        broken = escape(reasons.broken_text(program, change), 600)
        yield _box("CAUTION", f"{name(change.address)} gets another signature. It breaks: {broken}.")
    asked = approvals_markdown(plan, approved)
    if asked:
        yield f"{asked}\n"
        if program.status.applyable and not approved_enough(plan, approved):
            yield f"To approve it: {code(_APPROVE)}\n\n"


def _tail(plan: Plan) -> str:
    later = "" if plan.program.status.complete else "Not the whole plan yet: an apply does the rest in further rounds. "
    takes = durations.plan_time_text(plan)
    time = f"{escape(takes[0].upper() + takes[1:])}. " if takes else ""
    digest = view.short_digest(plan.digest)
    return f"\n{later}{time}<sub>Plan `{digest}`, state serial {plan.program.serial}</sub>\n"


def _table(title: str, headers: Sequence[str], rows: Iterable[Sequence[str]], what: str) -> _Section:
    begin = f"\n#### {title}\n\n| {' | '.join(headers)} |\n|{'---|' * len(headers)}\n"
    return _Section(begin=begin, parts=tuple(f"| {' | '.join(row)} |\n" for row in rows), what=what)


def _settings(settings: tuple[SettingChange, ...]) -> _Section:
    def rows() -> Iterator[Sequence[str]]:
        for one in sorted(settings, key=lambda s: (not s.weakened, s.address)):
            fields = setting_fields(one, 80)
            said = "; ".join(f"{label}: {text}" for label, text in fields[:_FIELDS])
            said += f"; and {len(fields) - _FIELDS} more" if len(fields) > _FIELDS else ""
            word = f"**{view.setting_text(one)}**" if one.weakened else view.setting_text(one)
            yield name(one.address), word, escape(said, 1_500), escape(where(one.at))

    return _table("Changed settings", ("setting", "", "fields", "at"), rows(), "setting")


def _one_by_one(changes: Iterable[Change]) -> tuple[Row, ...]:
    return tuple(Row(changes=(one,), reason=one.deferred or one.blocked or reasons.headline_cause(one))
                 for one in changes)  # fmt: skip


def _changes(folded: Sequence[Row]) -> _Section:
    def cells() -> Iterator[Sequence[str]]:
        for row in folded:
            change, number = row.first, len(row.changes)
            waits = change.deferred or change.blocked
            causes = () if waits else reasons.roots(change)
            place = escape(where(causes[0].at)) if causes and row.same else ""
            more = f" (+{len(causes) - 1})" if len(causes) > 1 and number == 1 else ""
            text = escape(row.because) + more
            if number > 1:
                named = [one.address for one in row.changes]
                limit = _GRAVE if view.is_grave(change) else _NAMED
                text += f"<br><sub>{_names(named, limit)}</sub>"
                place += f" and {count(number - 1, 'more place')}" if place else ""
            label = name(row.label) if number == 1 else escape(row.label)
            yield _sign(change), label, _said(change), text, place

    return _table("Changes", ("", "resource", "what", "because", "at"), cells(), "change")


def _said(change: Change) -> str:
    word = view.word(change)
    return f"**{word}**" if view.is_grave(change) else word


def _names(addresses: Sequence[Address | str], limit: int) -> str:
    return escape(view.names_text(addresses, limit), 20_000)


def _not_selected(program: Program) -> _Section:
    def cells() -> Iterator[Sequence[str]]:
        left = view.not_selected(program)
        for (_, word), found in groupby(left, key=lambda change: (view.symbol(change), view.word(change))):
            changes = list(found)
            limit = _GRAVE if changes[0].action in (Action.DELETE, Action.FORGET) else _NAMED
            named = _names([change.address for change in changes], limit)
            yield _sign(changes[0]), word, f"{len(changes):,}", named

    return _table("Not selected", ("", "what", "how many", "resources"), cells(), "row")


def _sign(change: Change) -> str:
    return escape(view.symbol(change))


def _policy(found: tuple[Finding, ...]) -> _Section:
    def cells() -> Iterator[Sequence[str]]:
        for part in verdicts(found):
            one = part.first
            word = findings.verdict_word(one)
            verdict = f"**{word}**" if one.denies else word
            about, place = name(one.address) if one.address else "", escape(where(part.at, column=True))
            if len(part.findings) > 1:
                about = _names(part.names, _GRAVE if one.denies else _NAMED)
            said = escape(findings.message_text(one, part.message)) + "".join(_beside(one))
            yield verdict, name(one.policy), one.level.value, escape(one.severity.value), about, said, place

    summary = findings.policy_summary(found)
    headers = ("verdict", "policy", "level", "severity", "resource", "", "at")
    return _table(f"Policy{f': {summary}' if summary else ''}", headers, cells(), "finding")


def _beside(one: Finding) -> Iterator[str]:
    remedy, excuse = findings.remedy_text(one), findings.excuse_text(one)
    if remedy:
        yield f"<br>Remedy: {escape(remedy)}"
    if excuse:
        word, space, rest = excuse.partition(" ")
        yield f"<br>**{escape(word)}**{space}{escape(rest)}"
    link = f"[more]({one.link})" if findings.is_url(one.link) else escape(one.link)
    more = ", ".join(part for part in (f"owner {escape(one.owner)}" if one.owner else "", link) if part)
    if more:
        yield f"<br><sub>{more}</sub>"


def _diagnostics(found: tuple[Diagnostic, ...]) -> _Section:
    rows = (
        (one.severity.value, escape(f"{one.summary}. {one.detail} {one.fix}"), escape(where(one.at))) for one in found
    )
    return _table("Problems", ("", "what", "at"), rows, "problem")


def _drift(program: Program) -> _Section:
    ours, others = view.drift_of(program)
    cells = [(name(one.address), escape(one.detail)) for one in ours]
    if others:
        number = count(len({one.address for one in others}), "more resource" if ours else "resource")
        cells.append(("", f"{number} drifted, but not in what this plan touches: `ordain plan --verbose` lists them"))
    return _table("Drift", ("resource", "the world is no longer as recorded"), cells, "drift")


def _details(plan: Plan, folded: Sequence[Row]) -> _Section:
    blocks = (_block(plan, row.first) for row in folded if len(row.changes) == 1)
    return _Section(begin="\n#### Details\n", parts=tuple(block for block in blocks if block), what="folded block")


def _block(plan: Plan, change: Change) -> str:
    lines = [*_origin(change), *_causes(change), *_fields(change), *_rest(change)]
    estimate = durations.estimate_of(plan, change)
    if change.acts and (change.effect in TRAINS or (estimate is not None and estimate.p50 is not None)):
        lines.append(f"takes&#58; {escape(durations.estimate_text(estimate))}")
    if not lines:
        return ""
    body = "".join(f"<li>{text}</li>\n" for text in lines)
    return (
        f"\n<details><summary><code>{escape(str(change.address))}</code> {escape(view.word(change))}</summary>\n"
        f"<ul>\n{body}</ul>\n</details>\n"
    )


def _origin(change: Change) -> Iterator[str]:
    headline = reasons.headline_cause(change)
    if change.previous_address is not None and str(change.previous_address) not in headline:
        yield f"moved from <code>{escape(str(change.previous_address))}</code>"
    if change.importing and reasons.import_text(change) not in headline:
        yield f"imports {escape(reasons.import_text(change))}"


def _causes(change: Change) -> Iterator[str]:
    if len(change.causes) < 2 and not change.deferred and not change.blocked:
        return
    for cause in change.causes[:12]:
        at = where(cause.at, column=True)
        yield f"because {escape(reasons.cause_text(cause, change.address))}{f' <sub>{escape(at)}</sub>' if at else ''}"


def _fields(change: Change) -> Iterator[str]:
    fields = reasons.untold_fields(change)
    for field in fields[:20]:
        why = f" (ignored: {escape(field.suppressed)})" if field.suppressed else ""
        yield f"<code>{escape(field_name(field.path))}</code>: {escape(reasons.field_text(field, 120))}{why}"
    if len(fields) > 20:
        yield f"{count(len(fields) - 20, 'more field')}"


def _rest(change: Change) -> Iterator[str]:
    for nested in change.nested[:30]:
        yield f"<code>{escape(nested.address)}</code> {escape(nested.action)}"
    if len(change.nested) > 30:
        yield f"{len(change.nested) - 30} more inside"
    for branch in change.branches:
        yield (f"if {escape(branch.condition)}{escape(reasons.lately_text(branch))}: {escape(branch.then)};"
               f" otherwise {escape(branch.otherwise)}")  # fmt: skip
    yield from (escape(note) for note in change.notes if clean(note) != reasons.headline_cause(change))


def _graph(changes: tuple[Change, ...]) -> _Section:
    """The changes and what they wait for, as mermaid text; left out where it would not be readable any more."""
    numbers = {change.address: f"n{number}" for number, change in enumerate(changes)}
    edges = [(numbers[needed], numbers[change.address]) for change in changes for needed in change.depends_on
             if needed in numbers]  # fmt: skip
    if not edges or len(changes) > _NODES:
        return _Section(begin="", parts=())
    nodes = [f'  {numbers[c.address]}["{mermaid_text(str(c.address))}<br/>{view.word(c)}"]' for c in changes]
    lines = [*nodes, *(f"  {one} --> {other}" for one, other in edges[: 4 * _NODES])]
    text = (
        "\n<details><summary>Graph of the changes</summary>\n\n```mermaid\ngraph LR\n"
        + "\n".join(lines)
        + "\n```\n\n</details>\n"
    )
    return _Section(begin="", parts=(text,), what="graph")
