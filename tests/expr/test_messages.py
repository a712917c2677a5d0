"""Policies as they are written: what their rules and messages may read."""

from __future__ import annotations

import pytest

from ordain.expr.messages import check_policy

ABOUT_EACH = "resource.owner != ''"
ABOUT_ALL = "plan.summary.delete <= 3"


def _problems(message: str, require: str = ABOUT_EACH, *, gate: bool = False) -> list[tuple[str, str, int]]:
    found = check_policy({"match": "true", "require": require, "message": message}, gate=gate)
    return [(key, problem.message, problem.offset) for key, problem in found]


@pytest.mark.parametrize(
    ("message", "words", "offset"),
    [
        ("${{ resorce.name }}", "there is no resorce here; there are candidate, champion", 4),
        ("${{ resource.nam }} has no owner", "resource has no nam; did you mean name?", 4),
        ("ünï ${{ resource.nam | upper }}", "resource has no nam", 8),
        ("a ${{ env.name }} b ${{ plan.duration.p99 }}", "plan.duration has no p99", 24),
        ("${{ var.limit }}", "a message cannot read var.limit", 4),
        ("${{ 'x' ~ secret.KEY }}", "a message cannot read secret.KEY", 10),
        ("${{ model.m.outputs.version }}", "a message cannot read model.m.outputs.version", 4),
        ("${{ resource.name", "never closed", 0),
        ("${{ resource.name | }}", "this is not an expression", 4),
        ("${{ resource.name | nothing }}", "this is not an expression", 4),
        ("${{ change.effect ~ thing }}", "there is no thing here", 20),
    ],
)
def test_a_message_is_checked_where_it_is_written(message: str, words: str, offset: int) -> None:
    ((key, found, at),) = _problems(message)
    assert key == "message"
    assert words in found
    assert at == offset


@pytest.mark.parametrize(
    "message",
    [
        "",
        "no owner",
        "$${{ not.an.expression }}",
        "${{ resource.address }} of ${{ resource.labels.tier }} in ${{ env.name }}",
        "${{ resource.labels.get('tier', 'none') | upper }}, ${{ 'resource.nam' }}",
        "${{ change.causes | join(', ') }}, ${{ plan.summary['refresh-data'] }}, ${{ now }}",
        "${{ change.duration.p90 }} of ${{ plan.duration.p90 }}",
        "${{ resource.spec.params.max_iter * 2 }}",
    ],
)
def test_nothing_is_said_of_a_good_message(message: str) -> None:
    assert _problems(message) == []


def test_a_rule_about_the_whole_plan_has_no_resource_to_tell_of() -> None:
    ((_, found, at),) = _problems("${{ resource.name }} goes", ABOUT_ALL)
    assert (found, at) == ("there is no resource here; there are env, now, plan", 4)
    assert _problems("${{ plan.summary.delete }} deletes in ${{ env.name }}", ABOUT_ALL) == []
    assert _problems("${{ resource.name }}", "candidate.roc_auc > 0.7", gate=True) == []


def test_a_gate_has_no_durations() -> None:
    rule = 'change.duration.p90 < duration("1h")'
    assert _problems("", rule) == []
    late = "change.duration.p90 is there at stage plan, not at stage gate"
    assert _problems("${{ change.duration.p90 }}", rule, gate=True) == [("require", late, 0), ("message", late, 4)]


def test_everything_wrong_with_a_policy_is_said() -> None:
    found = check_policy(
        {"match": "resource.kin == ''", "require": "1 +", "message": "${{ resource.nam }}"}, gate=False
    )
    assert [key for key, _ in found] == ["match", "require", "message"]
