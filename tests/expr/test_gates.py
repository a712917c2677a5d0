"""Gates: what passes, what does not, what is said of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from ordain.expr.gates import check_gates, compares, judge
from ordain.values.record import Outcome

METRICS = ("roc_auc", "log_loss", "rows")
MINE = {"roc_auc": 0.7931, "log_loss": 0.4, "rows": 1000}
PASS, FAIL, UNKNOWN, ERROR = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR


@pytest.mark.parametrize(
    ("gate", "champion", "outcome", "detail"),
    [
        ("roc_auc >= 0.70", None, PASS, "roc_auc 0.7931 ≥ 0.70"),
        ("roc_auc >= 1", None, FAIL, "roc_auc 0.7931 < 1"),
        ("log_loss < 0.4", None, FAIL, "log_loss 0.4000 ≥ 0.4"),
        ("rows >= 100 && roc_auc > 0.1", None, PASS, "roc_auc 0.7931, rows 1000"),
        ("candidate.roc_auc > 0.7", None, PASS, "roc_auc 0.7931 > 0.7"),
        ('not_worse("roc_auc", 0.01)', None, PASS, "no champion yet: passes"),
        ('not_worse("roc_auc", 0.01)', {"roc_auc": 0.7}, PASS, "roc_auc 0.7931, champion 0.7000: not worse"),
        (
            'not_worse("roc_auc", 0.01)',
            {"roc_auc": 0.8},
            PASS,
            "roc_auc 0.7931, champion 0.8000: worse by 0.0069, at most 0.01 allowed",
        ),
        (
            'not_worse("roc_auc", 0)',
            {"roc_auc": 0.8},
            FAIL,
            "roc_auc 0.7931, champion 0.8000: worse by 0.0069, more than 0",
        ),
        ('not_worse("log_loss", 0.05)', {"log_loss": 0.5}, PASS, "log_loss 0.4000, champion 0.5000: not worse"),
        (
            'not_worse("log_loss", 0.05)',
            {"log_loss": 0.3},
            FAIL,
            "log_loss 0.4000, champion 0.3000: worse by 0.1000, more than 0.05",
        ),
        ('not_worse("roc_auc", 0.01)', {"log_loss": 0.3}, UNKNOWN, "roc_auc of the champion was not measured"),
        ("roc_auc >= champion.roc_auc - 0.01", None, PASS, "no champion yet: passes"),
        ("roc_auc >= champion.roc_auc - 0.01", {"roc_auc": 0.8}, PASS, "roc_auc 0.7931, champion's 0.8000"),
        ("roc_auc >= champion.roc_auc", {"roc_auc": 0.8}, FAIL, "roc_auc 0.7931, champion's 0.8000"),
        ("roc_auc >= champion.roc_auc", {}, UNKNOWN, "roc_auc of the champion was not measured"),
        ("!has_champion || roc_auc > 0.9", None, PASS, "roc_auc 0.7931"),
        ("!has_champion || roc_auc > 0.9", {"roc_auc": 0.1}, FAIL, "roc_auc 0.7931"),
        ('roc_auc > 0.9 && not_worse("roc_auc", 0.01)', None, FAIL, "roc_auc 0.7931"),
        ("rows / 0 > 1", None, PASS, "rows 1000"),
        ("roc_auc", None, ERROR, "a gate says yes or no; this one does not"),
    ],
)
def test_verdicts(gate: str, champion: dict[str, float] | None, outcome: Outcome, detail: str) -> None:
    (verdict,) = judge((gate,), METRICS, MINE, champion)
    assert (verdict.rule, verdict.outcome, verdict.detail) == (gate, outcome, detail)


def test_a_metric_nobody_measured_is_unknown_and_never_passes() -> None:
    (verdict,) = judge(("roc_auc >= 0",), METRICS, {"rows": 3}, None)
    assert (verdict.outcome, verdict.detail) == (UNKNOWN, "roc_auc was not measured")


def test_numbers_are_told_apart_where_rounding_would_hide_it() -> None:
    (verdict,) = judge(("roc_auc >= 0.7",), METRICS, {"roc_auc": 0.69999}, None)
    assert verdict.detail == "roc_auc 0.69999 < 0.7"


@pytest.mark.parametrize(
    ("gate", "message", "offset"),
    [
        ("roc_auk >= 0.7", "there is no metric roc_auk; did you mean roc_auc?", 0),
        ("roc_auc > 0 && zzz > 1", "there is no metric zzz; metrics lists: roc_auc, log_loss, rows", 15),
        ("champion.roc_uc > 1", "there is no metric roc_uc; did you mean roc_auc?", 9),
        ('not_worse("log_los", 0.1)', "there is no metric log_los; did you mean log_loss?", 11),
        (
            'not_worse("roc_auc", 0.1, 0.95)',
            "not_worse with a confidence is not supported in this version: leave the third argument out",
            0,
        ),
        ('not_worse("roc_auc")', 'not_worse takes a metric and a number, as in not_worse("roc_auc", 0.01)', 0),
        ("roc_auc", "a gate says yes or no; this one gives a double", 0),
        ("roc_auc >", "this is not CEL: it ends too early", 9),
        ("better(roc_auc)", "there is no function better with these arguments", 0),
    ],
)
def test_a_wrong_gate_is_found_before_anything_trains(gate: str, message: str, offset: int) -> None:
    assert check_gates(("rows > 0", gate), METRICS) == ((1, message, offset),)


def test_right_gates_have_no_faults() -> None:
    gates = ("roc_auc >= 1", 'not_worse("roc_auc", 1)', "!has_champion || candidate.roc_auc > champion.roc_auc")
    assert check_gates(gates, METRICS) == ()


def test_which_gates_look_at_the_champion() -> None:
    assert [compares(gate) for gate in ("roc_auc > 0.7", 'not_worse("roc_auc", 0)', "champion.rows > 1")] == [
        False,
        True,
        True,
    ]
    assert not compares('roc_auc > 0 || "champion" == "x"')


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5))
@settings(max_examples=40, deadline=None)
def test_whoever_is_better_is_not_worse(mine: float, theirs: float, by: float) -> None:
    higher = judge((f'not_worse("roc_auc", {by:.17f})',), METRICS, {"roc_auc": mine}, {"roc_auc": theirs})[0]
    lower = judge((f'not_worse("log_loss", {by:.17f})',), METRICS, {"log_loss": mine}, {"log_loss": theirs})[0]
    if mine >= theirs:
        assert higher.outcome is PASS
    if mine <= theirs:
        assert lower.outcome is PASS
    if abs(mine - theirs) > by + 1e-9:
        assert {higher.outcome, lower.outcome} == {PASS, FAIL}
