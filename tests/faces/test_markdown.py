"""The Markdown face: golden pictures, the budget, and text of strangers."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st
from syrupy.assertion import SnapshotAssertion

from ordain.render.escaping import escape
from ordain.render.markdown import plan_markdown
from ordain.values.address import Address
from ordain.values.approval import ApprovalRule
from ordain.values.change import Cause, CauseCode, Change
from ordain.values.diagnostic import Diagnostic, Severity
from ordain.values.plan import Drift, Excuse, ExcuseKind, Finding, Plan
from ordain.values.record import Outcome
from ordain.values.setting import Level

Plans = Mapping[str, Callable[[], Plan]]
HOSTILE = [
    *("|", "`", "```", "\n", "</details>", "<script>", "@everyone", "#12", "<!--", "[a](http://x)", "~~~", "\\", "&"),
    *("_", "*", "www.evil.example", "| --- |", "</table>", "::", "\x1b[31m", "\u202e", "$$", "a"),
]


def test_face(plan: Plan, snapshot: SnapshotAssertion) -> None:
    lines = plan_markdown(plan).splitlines()
    if len(lines) > 100:
        lines = [*lines[:16], f"[{len(lines) - 24} more lines]", *lines[-8:]]
    assert lines == snapshot


def _assert_whole(text: str) -> None:
    """Tags are balanced, fences are closed, every row of a table has the columns of its header."""
    for tag in ("details", "summary", "ul", "li", "code", "sub"):
        opened = len(re.findall(rf"<{tag}>", text))
        assert opened == len(re.findall(rf"</{tag}>", text)), tag
    assert not set(re.findall(r"</?([a-z]+)[^>]*>", text)) - {"details", "summary", "ul", "li", "code", "sub", "br"}
    assert text.count("```") % 2 == 0
    columns = 0
    for line in text.splitlines():
        columns = 0 if not line.startswith("|") else columns or line.count("|")
        assert line.count("|") == columns or not columns, line


@pytest.mark.parametrize("budget", [0, 5_000, 8_000, 20_000, 60_000])
def test_the_budget_is_kept_and_nothing_is_cut_open(plan: Plan, budget: int) -> None:
    text = plan_markdown(plan, budget)
    assert len(text.encode()) <= max(budget, 4_000)
    _assert_whole(text)


def test_what_is_left_out_is_said_and_the_summary_survives(plans: Plans) -> None:
    plan = plans["many"]()
    plan = replace(plan, program=replace(plan.program, changes=tuple(map(_talkative, plan.program.changes[:40]))))
    text = plan_markdown(plan, 4_000)
    assert "| to update | 40 |" in text
    listed = len(re.findall(r"^\| &#126; \|", text, re.MULTILINE))
    assert 0 < listed < 40
    assert f"and {40 - listed} more changes: see `ordain show`" in text


def _talkative(change: Change) -> Change:
    return replace(change, causes=(replace(change.causes[0], after="and so on " * 10),))


def test_a_long_plan_is_told_in_few_rows(plans: Plans) -> None:
    text = plan_markdown(plans["many"]())
    rows = re.findall(r"^\| &#126; \|.*", text, re.MULTILINE)
    assert len(rows) == 13 and "value.&#42; (188 more)" in rows[-1] and "and 183 more" in rows[-1]


def test_selectors_what_breaks_and_what_is_left_out_are_told(plans: Plans) -> None:
    text = plan_markdown(plans["language"]())
    assert "Selected: model.&#42; infrastructure.bucket !deployment.shadow" in text
    assert text.index("It breaks: deployment.subscriber-api") < text.index("#### Changes")
    assert "| - | delete | 1 | value.gone |" in text
    assert '`model.churn["north"]`' in text
    assert "(none of the last 3 did)" in text and "Takes at least 1 min 35 s" in text


def test_denials_stand_before_the_changes_table(plans: Plans) -> None:
    text = plan_markdown(plans["denied"]())
    assert text.index("Cannot be applied") < text.index("#### Changes")
    assert "**denied** | `policy.no-personal-data`" in text


def test_secrets_do_not_show(plans: Plans) -> None:
    text = plan_markdown(plans["secrets"]())
    assert "must-not-show" not in text and "nor-this" not in text


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=8), max_size=30).map("".join))
def test_text_of_strangers_stays_text(hostile: str) -> None:
    plan = _hostile(hostile)
    text = plan_markdown(plan)
    _assert_whole(text)
    assert len(text.splitlines()) == len(plan_markdown(_hostile("x")).splitlines())
    shown = escape(hostile)
    assert not re.search(r"[`<>|*_\[\]\n]|@(?!&#8203;)|(?<!&)#(?!&#8203;)", shown)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=100))
def test_escaped_text_reads_as_it_was_written(text: str) -> None:
    assert html.unescape(escape(text)).replace("\u200b", "") == text


def _hostile(text: str) -> Plan:
    plan = _BASE
    cause = Cause(code=CauseCode.DATA, address=Address.parse("data_source.a"), detail=f"x{text}")
    change = replace(plan.program.changes[0], causes=(cause, cause), notes=(f"n{text}",))
    drift = Drift(address=change.address, detail=f"d{text}")
    finding = Finding(
        policy=Address.parse("policy.a"), outcome=Outcome.FAIL, level=Level.HARD, address=change.address,
        message=f"m{text}", remedy=f"r{text}", owner=f"o{text}", link=f"https://l{text}",
    )  # fmt: skip
    excuse = Excuse(kind=ExcuseKind.OVERRIDE, reason=f"e{text}", by=f"b{text}", until=f"u{text}")
    warning = Diagnostic(code="w", severity=Severity.WARNING, summary=f"s{text}")
    rule = ApprovalRule(count=2, roles=(f"r{text}",), people={f"r{text}": (f"p{text}",)})
    program = replace(
        plan.program, changes=(change,), drift=(drift,), policy=(finding, replace(finding, excuse=excuse)),
        diagnostics=(warning,), approvals=rule, status=replace(plan.program.status, applyable=False),
    )  # fmt: skip
    return replace(plan, program=program)


def _base() -> Plan:
    from ordain.values.change import Action, Effect
    from ordain.values.plan import Envelope, Program, Status

    change = Change(
        address=Address.parse("model.a"), kind="Model", provider=None, action=Action.UPDATE, effect=Effect.RETRAIN
    )
    program = Program(
        project="p", environment="dev", mode="normal", lineage="l", serial=1, spec_digest="d", changes=(change,),
        status=Status(applyable=True, complete=True, errored=False), summary={},
    )  # fmt: skip
    return Plan(
        program=program, digest="sha256:" + "0" * 64, envelope=Envelope(id="", created_at="", engine_version="")
    )


_BASE = _base()
