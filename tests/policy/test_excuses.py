"""Why a finding denies nothing, until when, and what is said after."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ordain.policy.excuses import excused, excused_again, violation
from ordain.values.address import Address
from ordain.values.approval import Override
from ordain.values.plan import ExcuseKind, Finding
from ordain.values.record import Outcome
from ordain.values.setting import Exemption, Level, Policy, PolicyStage

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OWNER = Address(kind="policy", name="owner")
CHURN = Address(kind="model", name="churn", key="north")


def policy(*resources: str, until: timedelta | None = None, level: Level = Level.SOFT) -> Policy:
    end = (NOW + until).isoformat() if until is not None else None
    spared = (Exemption(resources=resources, reason="legacy", until=end),) if resources else ()
    return Policy(address=OWNER, stage=PolicyStage.PLAN, level=level, match="true", require="false", exceptions=spared)


def finding(outcome: Outcome = Outcome.FAIL, level: Level = Level.SOFT) -> Finding:
    return Finding(policy=OWNER, outcome=outcome, level=level, address=CHURN, violation="sha256:1")


def override(until: timedelta = timedelta(days=1)) -> Override:
    return Override(
        policy=OWNER,
        violations=("sha256:1",),
        reason="soon",
        by="ann",
        at=NOW.isoformat(),
        until=(NOW + until).isoformat(),
    )


@pytest.mark.parametrize(
    ("pattern", "spared"),
    [
        ('model.churn["north"]', True),
        ("model.*", True),
        ('model.chur?["north"]', True),
        ("*.*", True),
        ("model.churn", False),
        ("model.churn[n]", False),
        ('xmodel.churn["north"]', False),
        ('model.churn["north"].x', False),
    ],
)
def test_an_exception_names_addresses_and_nothing_else(pattern: str, spared: bool) -> None:
    found = excused(finding(), policy("data_source.a", pattern), (), NOW)
    assert found.denies is not spared
    assert (found.excuse is not None and found.excuse.reason == "legacy") is spared


def test_an_exception_spares_at_every_level() -> None:
    assert not excused(finding(level=Level.HARD), policy("*.*", level=Level.HARD), (), NOW).denies


def test_an_exception_that_ran_out_spares_nothing_and_is_told() -> None:
    assert not excused(finding(), policy("*.*", until=timedelta(seconds=1)), (), NOW).denies
    found = excused(finding(), policy("*.*", until=timedelta(0)), (), NOW)
    assert found.denies
    assert found.lapsed is not None
    assert found.lapsed.kind is ExcuseKind.EXCEPTION


def test_an_override_is_of_soft_policies_and_of_what_it_names() -> None:
    assert not excused(finding(), policy(), (override(),), NOW).denies
    assert excused(finding(level=Level.HARD), policy(level=Level.HARD), (override(),), NOW).denies
    assert excused(replace(finding(), violation="sha256:2"), policy(), (override(),), NOW).denies
    assert excused(replace(finding(), policy=CHURN), policy(), (override(),), NOW).denies
    late = excused(finding(), policy(), (override(timedelta(0)),), NOW)
    assert late.denies
    assert late.lapsed is not None
    assert late.lapsed.by == "ann"


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.PASS])
def test_what_would_stop_nothing_needs_no_excuse(outcome: Outcome) -> None:
    assert excused(finding(outcome), policy("*.*"), (override(),), NOW) == finding(outcome)
    assert excused_again(finding(outcome), (override(),), NOW) == finding(outcome)


def test_an_exception_is_named_before_an_override_and_what_ran_out_last_before_what_ran_out_first() -> None:
    both = excused(finding(), policy("*.*"), (override(),), NOW)
    assert both.excuse is not None
    assert both.excuse.kind is ExcuseKind.EXCEPTION
    for first, last in ((2, 1), (1, 2)):
        spared, borne = policy("*.*", until=timedelta(days=-first)), override(timedelta(days=-last))
        lapsed = excused(finding(), spared, (borne,), NOW).lapsed
        assert lapsed is not None
        assert lapsed.until == (NOW - timedelta(days=1)).isoformat()


def test_later_an_excuse_may_have_run_out_or_come() -> None:
    spared = excused(finding(), policy("*.*", until=timedelta(hours=1)), (), NOW)
    assert excused_again(spared, (), NOW) == spared
    later = NOW + timedelta(hours=1)
    assert excused_again(spared, (), later).denies
    assert not excused_again(excused_again(spared, (), later), (), NOW).denies
    assert not excused_again(spared, (override(),), later).denies
    borne = excused(finding(), policy(), (override(),), NOW)
    assert excused_again(borne, (), NOW).denies, "an override that was revoked counts no more"


def test_a_violation_is_the_same_while_the_rule_and_the_resource_are() -> None:
    one = violation(OWNER, "true", "a < 1", CHURN)
    assert one == violation(OWNER, "true", "a < 1", CHURN)
    others = {
        violation(CHURN, "true", "a < 1", CHURN),
        violation(OWNER, "false", "a < 1", CHURN),
        violation(OWNER, "true", "a < 2", CHURN),
        violation(OWNER, "true", "a < 1", OWNER),
        violation(OWNER, "true", "a < 1", None),
        violation(OWNER, "true", "a < 1", CHURN, goes=True),
    }
    assert len(others | {one}) == 7
