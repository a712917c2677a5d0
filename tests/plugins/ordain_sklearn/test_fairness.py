"""Group fairness: against tables worked out by hand, and through training and measuring again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ordain.api import GROUP_METRICS, OrdainError
from ordain_sklearn.measuring import Answers, measure
from ordain_sklearn.schema import InputType, Schema, Task
from ordain_sklearn.trainer import Sklearn

PARITY, ODDS = "demographic_parity_ratio", "equalized_odds_ratio"
SCHEMA = Schema(task=Task.CLASSIFICATION, target="t", inputs={"a": InputType.NUMBER}, classes=("no", "yes"), positive=1)
ROLES = {"roles": {"sensitive": ["c"]}, "features": ("a", "b")}

TABLE: list[tuple[str | None, int, int, int]] = [
    # group, truth, said, rows
    ("f", 1, 1, 5), ("f", 1, 0, 15), ("f", 0, 1, 3), ("f", 0, 0, 17),  # selected 8/40, true 5/20, false 3/20
    ("m", 1, 1, 20), ("m", 1, 0, 20), ("m", 0, 1, 4), ("m", 0, 0, 16),  # selected 24/60, true 20/40, false 4/20
    ("x", 1, 1, 0), ("x", 0, 0, 29),  # one row short of counting; nothing is selected
    (None, 0, 0, 50),  # names no group
]  # fmt: skip


def answers(table: list[tuple[str | None, int, int, int]], column: str = "sex") -> Answers:
    rows = [(group, truth, said) for group, truth, said, count in table for _ in range(count)]
    return Answers(
        truth=np.array([one[1] for one in rows]),
        said=np.array([one[2] for one in rows]),
        groups={column: [one[0] for one in rows]},
    )


def value(name: str, given: Answers, schema: Schema = SCHEMA) -> float:
    return float(str(measure([name], schema, given)[name]))


def test_a_table_worked_out_by_hand() -> None:
    given = answers(TABLE)
    assert value(PARITY, given) == pytest.approx((8 / 40) / (24 / 60))
    assert value(ODDS, given) == pytest.approx(min((5 / 20) / (20 / 40), (3 / 20) / (4 / 20)))
    first = answers([("a", 1, 0, 5), *TABLE])  # too small to count, whichever place its name has
    assert (value(PARITY, first), value(ODDS, first)) == (value(PARITY, given), value(ODDS, given))
    thirty = answers([*TABLE, ("x", 0, 0, 1)])
    assert (value(PARITY, thirty), value(ODDS, thirty)) == (0.0, 0.0)  # now it counts


def test_the_negative_class_may_be_the_positive_one() -> None:
    assert value(PARITY, answers(TABLE), replace(SCHEMA, positive=0)) == pytest.approx((32 / 40) ** -1 * (36 / 60))


def test_the_least_over_the_columns_counts() -> None:
    given = answers([("f", 1, 1, 10), ("f", 0, 0, 30), ("m", 1, 1, 20), ("m", 0, 0, 20)])
    halves = {"half": [str(number % 2) for number in range(80)]}
    assert (value(PARITY, replace(given, groups=halves)), value(PARITY, given)) == (1.0, 0.5)
    assert value(PARITY, replace(given, groups={**halves, **given.groups})) == 0.5
    assert value(PARITY, replace(given, groups={**given.groups, **halves})) == 0.5


def test_nobody_selected_is_alike() -> None:
    none = answers([("f", 1, 0, 20), ("f", 0, 0, 20), ("m", 1, 0, 20), ("m", 0, 0, 20)])
    assert (value(PARITY, none), value(ODDS, none)) == (1.0, 1.0)


def test_a_group_without_positive_rows_has_no_true_positive_rate() -> None:
    table = [("f", 1, 1, 20), ("f", 0, 0, 20), ("m", 1, 1, 20), ("m", 0, 0, 20), ("x", 0, 0, 40)]
    assert value(ODDS, answers(table)) == 1.0
    one = [("f", 1, 1, 20), ("f", 0, 0, 20), ("m", 0, 0, 40)]
    with pytest.raises(OrdainError, match="held-out part, with rows of both classes"):
        value(ODDS, answers(one))


@pytest.mark.parametrize("table", [[("f", 1, 1, 90)], [("f", 1, 1, 90), ("m", 0, 0, 29)], [(None, 1, 1, 90)]])
def test_one_group_cannot_be_compared(table: Any) -> None:
    for name in (PARITY, ODDS):
        with pytest.raises(OrdainError, match="fewer than two groups of sex have 30 rows"):
            value(name, answers(table))


def held_out(table: pa.Table, model: Any, schema: Any = None) -> float:
    """Return the parity of the rows held out of the small table, from what the loaded model says of each."""
    rows = table.slice(int(table.num_rows * 0.8)).to_pylist()
    said = [one["prediction"] == "yes" for one in model.predict(rows)]
    rates = []
    for group in "xy":
        of = [hit for hit, row in zip(said, rows, strict=True) if row["c"] == group]
        rates.append(sum(of) / len(of))
    return min(rates) / max(rates)


def test_training_and_measuring_again_give_what_the_model_says(bench: Any, small: pa.Table) -> None:
    table = pa.concat_tables([small] * 3)
    trained = bench.train("linear_model.LogisticRegression", table, metrics=[PARITY, "accuracy"], **ROLES)
    model = Sklearn().load(trained.artifact, trained.facts, ())
    assert trained.metrics[PARITY] == pytest.approx(held_out(table, model))
    plain = bench.train("linear_model.LogisticRegression", table, metrics=["accuracy"], features=("a", "b"))
    assert plain.artifact.read_bytes() == trained.artifact.read_bytes()  # no model learns from it
    spec = {"estimator": "sklearn.linear_model.LogisticRegression", "metrics": [PARITY], "roles": ROLES["roles"]}
    again = Sklearn().evaluate(plain.artifact, bench.request(table, ("a", "b"), spec))
    assert again[PARITY] == trained.metrics[PARITY]


@pytest.mark.parametrize("name", sorted(GROUP_METRICS))
def test_without_a_sensitive_column_it_is_refused_before_anything_runs(bench: Any, name: str) -> None:
    spec = {"estimator": "sklearn.linear_model.LogisticRegression", "metrics": ["accuracy", name], "roles": {}}
    (problem,) = Sklearn().check(spec)
    assert (problem.code, problem.path) == ("metric-groups", ("spec", "metrics", 1))
    assert "roles: {sensitive: [COLUMN]}" in problem.fix
    assert Sklearn().check({**spec, "roles": {"sensitive": ["c"]}}) == ()
    assert Sklearn().check({**spec, "metrics": ["accuracy"]}) == ()
    with pytest.raises(OrdainError, match="no column says which"):
        bench.train("linear_model.LogisticRegression", metrics=[name], features=("a",))
    assert not any("fitting" in one for one in bench.said)


@pytest.mark.parametrize(
    ("estimator", "target", "says"),
    [("linear_model.LogisticRegression", "k", "is for two classes, and the target has 3"),
     ("linear_model.Ridge", "num", "does not measure a regression")],
)  # fmt: skip
def test_only_two_classes_are_compared(bench: Any, estimator: str, target: str, says: str) -> None:
    with pytest.raises(OrdainError, match=says):
        bench.train(estimator, metrics=[PARITY], target=target, **ROLES)
    assert not any("fitting" in one for one in bench.said)


def test_a_sensitive_column_that_is_not_there_is_named(bench: Any) -> None:
    with pytest.raises(OrdainError, match="the dataset has no column sex"):
        bench.train("linear_model.LogisticRegression", metrics=[PARITY], features=("a",), roles={"sensitive": ["sex"]})
