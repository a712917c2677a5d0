"""Who must approve a plan, who has, and who is still needed: for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ordain.render.escaping import escape
from ordain.render.findings import until_text
from ordain.render.lines import Line, Style, TerminalOptions, line, paint
from ordain.render.words import clean, count, cut, listed, seconds_text
from ordain.values.approval import ApprovalRule, Approved, Override
from ordain.values.plan import Plan

_PEOPLE = 6
_DAY = 86_400
_Part = tuple[str, str]
"""The first words of a line, which are loud, and the rest."""


def approvals_text(plan: Plan, approved: Approved | None, options: TerminalOptions) -> str:
    """Return how far a plan is approved as lines for a terminal; "" where nobody is asked.

    ``approved`` None: nobody knows yet, and what will be asked is told instead.
    """
    return paint(approval_lines(plan, approved), options)


def approval_lines(plan: Plan, approved: Approved | None) -> Iterator[Line]:
    """Yield what ``approvals_text`` consists of."""
    for number, (name, rest) in enumerate(_parts(plan, approved)):
        style = Style.STRONG if not number else Style.LOUD if name in _LOUD else Style.PLAIN
        yield line((name, style), rest, indent=2 if number else 0)


def approvals_markdown(plan: Plan, approved: Approved | None) -> str:
    """Return how far a plan is approved as one paragraph of Markdown; "" where nobody is asked."""
    parts = [f"**{escape(name)}** {escape(rest.strip(), 1_000)}" for name, rest in _parts(plan, approved)]
    return "<br>".join(parts) + "\n" if parts else ""


_STILL, _NOT = "Still needed:", "Does not count:"
_LOUD = (_STILL, _NOT)


def approved_enough(plan: Plan, approved: Approved | None) -> bool:
    """Whether a plan may be applied as far as approvals go: nobody is asked, or nobody is missing any more."""
    return not plan.program.rules or (approved is not None and not approved.missing)


def _parts(plan: Plan, approved: Approved | None) -> Iterator[_Part]:
    rules = plan.program.rules
    if not rules:
        return
    name = f"Approvals for {clean(plan.program.environment)}:"
    if approved is None:
        yield from _asked(plan, name, rules)
        return
    people = listed([clean(one) for one in approved.people])
    wanted = max(rule.count for rule in rules)
    had = f" {len(approved.people)} of {wanted}{f' ({people})' if people else ''}"
    yield name, f"{had}." if approved.missing else f"{had}: all that is asked for."
    if approved.missing:
        yield _STILL, f" {'; '.join(_sentence(one) for one in approved.missing)}."
    for refused in approved.refused:
        whose = "" if refused.why.startswith(refused.person) else f"{clean(refused.person)}: "
        yield _NOT, f" {whose}{_sentence(refused.why)}."
    for override in approved.overrides:
        yield "Overrides", f" {_overridden(override)}"


def _sentence(text: str) -> str:
    return clean(text).rstrip(". ")


def _overridden(one: Override) -> str:
    found = count(len(one.violations), "violation")
    return f"{one.policy} ({found}) by {clean(one.by)} {until_text(one.until)}: {clean(one.reason)}"


def _asked(plan: Plan, name: str, rules: Sequence[ApprovalRule]) -> Iterator[_Part]:
    before, now = plan.program.approvals_before, plan.program.approvals
    if before is None or now is None or _same(before, now):
        yield name, f" {_rule_text(rules[-1], plan.envelope.authors)}."
        return
    yield name, " what was asked for at the last apply and what is asked for now, both."
    yield "Before:", f" {_rule_text(before, plan.envelope.authors)}."
    yield "Now:", f" {_rule_text(now, plan.envelope.authors)}."


def _same(one: ApprovalRule, other: ApprovalRule) -> bool:
    """Whether two rules ask for the same; which keys count is told with the settings."""
    return replace(one, signers=()) == replace(other, signers=())


def _rule_text(rule: ApprovalRule, authors: Sequence[str]) -> str:
    must = f"{'one person' if rule.count == 1 else f'{rule.count} different people'} must sign"
    for number, role in enumerate(rule.roles):
        people = f" ({_some(rule.people.get(role, ()))})"
        must += f"{' and' if number else ', among them'} somebody with the role {clean(role)}{people}"
    if rule.not_author:
        wrote = f" ({_some(authors)})" if authors else ""
        must += f"; nobody who wrote part of it{wrote}"
    if rule.expires is not None:
        must += f"; good for {_lasting(rule.expires)}"
    return must


def _lasting(seconds: float) -> str:
    return count(int(seconds // _DAY), "day") if seconds >= _DAY and not seconds % _DAY else seconds_text(seconds)


def _some(people: Sequence[str]) -> str:
    named = [cut(clean(one), 80) for one in people]
    if not named:
        return "nobody"
    return listed(named if len(named) <= _PEOPLE + 1 else [*named[:_PEOPLE], f"{len(named) - _PEOPLE:,} more"])
