"""The plan as a comment on a pull request: summary first, details folded, never longer than its budget."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ordain.render import view
from ordain.render.words import clean, count, cut, field_name, where
from ordain.values.change import Change
from ordain.values.diagnostic import Diagnostic
from ordain.values.plan import Finding, Plan, SettingChange

_CELL = 300
_LEAST = 4_000
_NODES = 60
_SPECIAL = re.compile(r"[\\`*_\[\]<>&|~$:@#]|(?i:(?<=www)\.)")


def escape(text: str, limit: int = _CELL) -> str:
    """Return ``text`` so that Markdown shows it as it is: no markup, HTML, mention, link or table cell in it acts.

    Special characters become numeric entities, which survive in table cells and raw HTML alike. Mentions and issue
    numbers are looked for after entities are decoded, so these get a zero-width space as well.
    """
    return _SPECIAL.sub(_entity, cut(clean(text), limit))


def _entity(match: re.Match[str]) -> str:
    return f"{match[0]}&#8203;" if match[0] in "@#" else f"&#{ord(match[0])};"


def _name(text: object) -> str:
    """Addresses hold nothing but letters, digits, dots, underscores and hyphens: safe as code."""
    plain = str(text)
    return f"`{plain}`" if re.fullmatch(r"[a-z0-9._-]+", plain) else escape(plain)


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


def plan_markdown(plan: Plan, budget: int = 60_000) -> str:
    """Return the plan as GitHub-flavoured Markdown of at most ``budget`` bytes of UTF-8 (never under 4,000).

    What does not fit is left out in whole rows or blocks, and counted; the summary and the verdict always fit.
    """
    room = max(budget, _LEAST)
    head, tail = _head(plan), _tail(plan)
    room -= _size(head) + _size(tail)
    # In the order of what a reviewer must see; the page has an order of its own.
    sections = {
        "settings": _settings(plan.program.settings),
        "policy": _policy(view.findings(plan.program)),
        "diagnostics": _diagnostics(plan.program.diagnostics),
        "changes": _changes(plan),
        "drift": _drift(plan),
        "graph": _graph(view.shown(plan.program)),
        "details": _details(plan),
    }
    texts: dict[str, str] = {}
    for name, section in sections.items():
        texts[name] = section.fit(room) if section.parts and room > 200 else ""
        room -= _size(texts[name])
    order = ("settings", "changes", "policy", "diagnostics", "drift", "details", "graph")
    return head + "".join(texts[name] for name in order) + tail


def _size(text: str) -> int:
    return len(text.encode())


def _head(plan: Plan) -> str:
    program = plan.program
    weakened = [setting for setting in program.settings if setting.weakened]
    rows = [f"| {escape(name)} | {number:,} |\n" for name, number in view.counts(program).items()]
    still = view.unchanged(program)
    out = f"### Plan for {escape(program.project)}, environment {_name(program.environment)}\n\n"
    if weakened:
        out += f"> [!WARNING]\n> **{count(len(weakened), 'setting')} weakened by this change.**\n\n"
    reason = view.why_not(program)
    if reason:
        out += f"> [!CAUTION]\n> **Cannot be applied: {escape(reason, 600)}.**\n\n"
    if not rows:
        return out + f"No changes to resources{f' ({still:,} unchanged)' if still else ''}.\n"
    return out + "| what | how many |\n|---|---:|\n" + "".join(rows) + (f"| unchanged | {still:,} |\n" if still else "")


def _tail(plan: Plan) -> str:
    later = "" if plan.program.status.complete else "Not the whole plan yet: an apply does the rest in further rounds. "
    return f"\n{later}<sub>Plan `{view.short_digest(plan.digest)}`, state serial {plan.program.serial}</sub>\n"


def _table(title: str, headers: Sequence[str], rows: Iterable[Sequence[str]], what: str) -> _Section:
    begin = f"\n#### {title}\n\n| {' | '.join(headers)} |\n|{'---|' * len(headers)}\n"
    return _Section(begin=begin, parts=tuple(f"| {' | '.join(row)} |\n" for row in rows), what=what)


def _settings(settings: tuple[SettingChange, ...]) -> _Section:
    def rows() -> Iterator[Sequence[str]]:
        for one in sorted(settings, key=lambda s: (not s.weakened, s.address)):
            said = "; ".join(f"{field_name(f.path)}: {view.field_text(f, 80)}" for f in one.fields[:6])
            word = f"**{view.setting_text(one)}**" if one.weakened else view.setting_text(one)
            yield _name(one.address), word, escape(said), escape(where(one.at))

    return _table("Changed settings", ("setting", "", "fields", "at"), rows(), "setting")


def _changes(plan: Plan) -> _Section:
    def rows() -> Iterator[Sequence[str]]:
        for change in view.shown(plan.program):
            if change.deferred or change.blocked:
                yield (
                    _sign(change),
                    _name(change.address),
                    view.word(change),
                    escape(change.deferred or change.blocked),
                    "",
                )
                continue
            causes = view.roots(change)
            text = view.headline_cause(change) if causes else ""
            more = f" (+{len(causes) - 1})" if len(causes) > 1 else ""
            at = where(causes[0].at) if causes else ""
            yield _sign(change), _name(change.address), view.word(change), escape(text) + more, escape(at)

    return _table("Changes", ("", "resource", "what", "because", "at"), rows(), "change")


def _sign(change: Change) -> str:
    return escape(view.symbol(change))


def _policy(found: tuple[Finding, ...]) -> _Section:
    def rows() -> Iterator[Sequence[str]]:
        for one in found:
            about = _name(one.address) if one.address else ""
            remedy = f" Remedy: {escape(one.remedy)}" if one.remedy and view.verdict_word(one) != "unknown" else ""
            word = view.verdict_word(one)
            verdict = f"**{word}**" if one.denies else word
            yield (
                verdict,
                _name(one.policy),
                one.level.value,
                about,
                escape(one.message) + remedy,
                escape(where(one.at)),
            )

    return _table("Policy", ("verdict", "policy", "level", "resource", "", "at"), rows(), "finding")


def _diagnostics(found: tuple[Diagnostic, ...]) -> _Section:
    rows = (
        (one.severity.value, escape(f"{one.summary}. {one.detail} {one.fix}"), escape(where(one.at))) for one in found
    )
    return _table("Problems", ("", "what", "at"), rows, "problem")


def _drift(plan: Plan) -> _Section:
    rows = ((_name(one.address), escape(one.detail)) for one in plan.program.drift)
    return _table("Drift", ("resource", "the world is no longer as recorded"), rows, "drift")


def _details(plan: Plan) -> _Section:
    blocks = (_block(plan, change) for change in view.shown(plan.program))
    return _Section(begin="\n#### Details\n", parts=tuple(block for block in blocks if block), what="folded block")


def _block(plan: Plan, change: Change) -> str:
    lines = [*_causes(change), *_fields(change), *_rest(change)]
    if not lines:
        return ""
    estimate = view.estimate_of(plan, change)
    if estimate is not None and estimate.p50 is not None:
        lines.append(f"takes {escape(view.estimate_text(estimate))}")
    body = "".join(f"<li>{text}</li>\n" for text in lines)
    return (
        f"\n<details><summary><code>{escape(str(change.address))}</code> {escape(view.word(change))}</summary>\n"
        f"<ul>\n{body}</ul>\n</details>\n"
    )


def _causes(change: Change) -> Iterator[str]:
    if len(change.causes) < 2 and not change.deferred and not change.blocked:
        return
    for cause in change.causes[:12]:
        at = where(cause.at, column=True)
        yield f"because {escape(view.cause_text(cause, change.address))}{f' <sub>{escape(at)}</sub>' if at else ''}"


def _fields(change: Change) -> Iterator[str]:
    fields = view.untold_fields(change)
    for field in fields[:20]:
        why = f" (ignored: {escape(field.suppressed)})" if field.suppressed else ""
        yield f"<code>{escape(field_name(field.path))}</code>: {escape(view.field_text(field, 120))}{why}"
    if len(fields) > 20:
        yield f"{count(len(fields) - 20, 'more field')}"


def _rest(change: Change) -> Iterator[str]:
    for nested in change.nested[:30]:
        yield f"<code>{escape(nested.address)}</code> {escape(nested.action)}"
    if len(change.nested) > 30:
        yield f"{len(change.nested) - 30} more inside"
    for branch in change.branches:
        yield (f"if {escape(branch.condition)}: {escape(branch.then)}; otherwise {escape(branch.otherwise)}")
    yield from (escape(note) for note in change.notes)


def _graph(changes: tuple[Change, ...]) -> _Section:
    """The changes and what they wait for, as mermaid text; left out where it would not be readable any more."""
    numbers = {change.address: f"n{number}" for number, change in enumerate(changes)}
    edges = [(numbers[needed], numbers[change.address]) for change in changes for needed in change.depends_on
             if needed in numbers]  # fmt: skip
    if not edges or len(changes) > _NODES:
        return _Section(begin="", parts=())
    nodes = [f'  {numbers[c.address]}["{c.address}<br/>{view.word(c)}"]' for c in changes]
    lines = [*nodes, *(f"  {one} --> {other}" for one, other in edges[: 4 * _NODES])]
    text = (
        "\n<details><summary>Graph of the changes</summary>\n\n```mermaid\ngraph LR\n"
        + "\n".join(lines)
        + "\n```\n\n</details>\n"
    )
    return _Section(begin="", parts=(text,), what="graph")
