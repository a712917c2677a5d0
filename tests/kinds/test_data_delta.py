"""How data moved, in words and in numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from ordain.kinds.data_delta import data_delta
from ordain.kinds.distribution import psi, wasserstein
from ordain_files.profile import describe


def facts(rows: int, since: str = "", **columns: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"content": str(rows), "rows": rows, "columns": columns}
    return {**out, "since": since} if since else out


def numbers(digest: str, deciles: list[float], mean: float, nulls: int = 0) -> dict[str, Any]:
    ends = {"min": deciles[0], "max": deciles[-1]}
    ranks = [max(10 * place, 1) for place in range(11)]
    ranks = [max(rank for rank, other in zip(ranks, deciles, strict=True) if other == value) for value in deciles]
    profile = {"digest": digest, "type": "number", "nulls": nulls, "mean": mean, **ends}
    return {**profile, "quantiles": deciles, "ranks": ranks}


def levels(digest: str, **counts: int) -> dict[str, Any]:
    return {"digest": digest, "type": "category", "nulls": 0, "distinct": len(counts), "categories": counts}


SMALL = [float(n) for n in range(0, 110, 10)]
LARGE = [n + 80.0 for n in SMALL]


def test_rows_added_and_columns_moved() -> None:
    before = facts(
        45_211, balance=numbers("a", SMALL, 1362.27), month=levels("b", may=9, jun=9), age=numbers("c", SMALL, 40)
    )
    after = facts(
        46_411,
        since="appended",
        balance=numbers("A", LARGE, 2510.4),
        month=levels("B", may=9, jun=9, jul=1, aug=1),
        age=numbers("C", SMALL, 40.1),
    )
    moved = data_delta(before, after)
    assert moved.sentence == (
        "1,200 rows added (45,211 → 46,411), those before unchanged; "
        "moved: balance (PSI 6.80, mean 1,362 → 2,510), month (PSI 0.63, 2 new levels)"
    )
    assert moved.data["rows"] == {"before": 45_211, "after": 46_411, "added": 1_200}
    assert moved.data["columns"]["month"]["new"] == ["aug", "jul"]  # type: ignore[index, call-overload]
    assert moved.data["columns"]["age"]["moved"] is False  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (facts(3, a=levels("a", x=3)), facts(2, a=levels("b", x=2)), "1 row removed (3 → 2)"),
        (facts(3, a=levels("a", x=3)), facts(3, b=levels("b", x=3)), "3 rows as before; new column: b; column gone: a"),
        (facts(3, a=levels("a", x=3)), facts(3, b=levels("a", x=3)), "3 rows as before; column renamed: a to b"),
        (
            facts(9, a=levels("a", x=5, y=4)),
            facts(9, a=levels("b", x=3, y=6)),
            "9 rows as before; moved: a (PSI 0.20)",
        ),
        (
            facts(99, a=levels("a", x=51, y=48)),
            facts(99, a=levels("b", x=50, y=49)),
            "99 rows as before; values changed in: a (at least 1)",
        ),
        (
            facts(99, a=levels("a", x=51, y=48)),
            facts(99, a=levels("b", x=51, z=48)),
            "99 rows as before; moved: a (y renamed to z?)",
        ),
        (
            facts(99, a=levels("a", x=39, y=30, z=30)),
            facts(99, a=levels("b", x=39, v=30, w=30)),  # either could be the other
            "99 rows as before; moved: a (PSI 9.71, 2 new levels, 2 vanished levels)",
        ),
        (
            facts(100, a=numbers("a", SMALL, 1)),
            facts(100, a=numbers("b", SMALL, 1.1)),
            "100 rows as before; values changed in: a",
        ),
        (
            facts(100, a=numbers("a", SMALL, 1), b=levels("b", x=1)),
            facts(100, b=levels("b", x=1), a=numbers("a", SMALL, 1)),
            "100 rows as before; columns in another order",
        ),
        (
            facts(100, a=levels("a", x=100)),
            facts(100, a={"digest": "b", "type": "text", "nulls": 0}),
            "100 rows as before; moved: a (category → text)",
        ),
        (
            facts(100, a=numbers("a", SMALL, 1)),
            facts(100, a=numbers("b", SMALL, 1, nulls=5)),
            "100 rows as before; moved: a (null 0.0% → 5.0%)",
        ),
        (
            facts(100, a=levels("a", x=99, y=1)),
            facts(100, a=levels("b", x=100)),
            "100 rows as before; moved: a (1 vanished level)",
        ),
        (
            facts(1, a=levels("a", x=1)),
            facts(3, since="rewritten", a=levels("b", x=3)),
            "2 rows added (1 → 3), those before rewritten",
        ),
    ],
)
def test_sentences(before: dict[str, Any], after: dict[str, Any], says: str) -> None:
    assert data_delta(before, after).sentence == says


def test_columns_of_the_same_content_are_left_out() -> None:
    same = numbers("a", SMALL, 1)
    moved = data_delta(facts(3, a=same, b=levels("b", x=3)), facts(4, a=same, b=levels("c", x=4)))
    assert list(moved.data["columns"]) == ["b"]  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12))
def test_psi_is_zero_for_equals_symmetric_and_not_negative(shares: list[tuple[float, float]]) -> None:
    one, other = [a for a, _ in shares], [b for _, b in shares]
    assert psi(one, one) == 0
    assert psi(one, other) >= 0
    assert psi(one, other) == pytest.approx(psi(other, one))


def test_psi_of_a_known_example() -> None:
    """By hand: 0.2 · ln(0.7 / 0.5) − 0.2 · ln(0.3 / 0.5)."""
    assert psi([0.5, 0.5], [0.7, 0.3]) == pytest.approx(0.16946, abs=1e-5)


@given(
    st.lists(st.integers(0, 30) | st.just(0), min_size=30, max_size=300),
    st.lists(st.integers(0, 30) | st.just(0), min_size=30, max_size=300),
)
@settings(deadline=None)
def test_psi_from_deciles_is_zero_for_equals_and_not_negative(one: list[int], other: list[int]) -> None:
    profiles: list[Any] = [describe(pa.table({"x": [float(v) for v in values]}), {}) for values in (one, other)]
    x = profiles[0]["columns"]["x"]
    same = data_delta(profiles[0], {**profiles[0], "columns": {"x": {**x, "digest": "other", "values": "other"}}})
    assert same.data["columns"]["x"]["psi"] == 0  # type: ignore[index, call-overload]
    assert same.data["columns"]["x"].get("wasserstein", 0) == 0  # type: ignore[index, call-overload, union-attr]
    moved = data_delta(*profiles).data["columns"]
    assert isinstance(moved, dict)
    for column in moved.values():
        assert column.get("reordered") or (column["psi"] >= 0 and column.get("wasserstein", 0) >= 0)


def test_an_atom_that_crosses_a_decile_moves_by_what_it_lost() -> None:
    """82 % → 79 % of one value: deciles alone would call it ten points."""
    shares = []
    for atoms in (820, 790):
        cells = [-1.0] * atoms + [float(n) for n in range(1_000 - atoms)]
        shares.append(describe(pa.table({"x": cells}), {}))
    column = data_delta(*shares).data["columns"]["x"]  # type: ignore[index, call-overload]
    assert 0 < column["psi"] < 0.02  # type: ignore[index, call-overload, operator]


def test_integers_that_are_counted_give_the_index_that_counting_gives() -> None:
    """Calls a campaign: a decile lies at 6 before, at 5 after; between 5 and 43 a straight line would be wrong."""
    counts = {1: 1000, 2: 900, 3: 400, 4: 250, 5: 145, 6: 100, **dict.fromkeys(range(7, 48), 5)}
    before = [calls for calls, rows in counts.items() for _ in range(rows)]
    cells = [before, before + [5] * 100]
    moved = data_delta(*(describe(pa.table({"x": one}), {}) for one in cells)).data["columns"]
    shares = []
    for one in cells:
        upto = [0.0, *(sum(cell <= edge for cell in one) / len(one) for edge in (1, 2, 3, 4, 6)), 1.0]
        shares.append([high - low for low, high in pairwise(upto)])
    assert moved["x"]["psi"] == pytest.approx(psi(*shares), abs=6e-5)  # type: ignore[index, call-overload]


def profiled(*tables: dict[str, list[Any]]) -> list[Any]:
    return [describe(pa.table(table), {}) for table in tables]


@given(st.lists(st.integers(0, 50), min_size=2, max_size=60), st.lists(st.integers(0, 50), min_size=2, max_size=60))
@settings(deadline=None, max_examples=40)
def test_the_distance_of_counted_numbers_is_that_of_scipy(one: list[int], other: list[int]) -> None:
    from scipy.stats import wasserstein_distance

    old, new = (facts["columns"]["x"] for facts in profiled({"x": one}, {"x": other}))
    found = wasserstein(old, new)
    if len({*one}) == 1:
        assert found is None  # nothing to measure it in
    else:
        assert found == pytest.approx(wasserstein_distance(one, other) / old["std"], abs=1e-9)


def test_the_distance_of_other_numbers_is_near_that_of_scipy() -> None:
    import numpy as np
    from scipy.stats import wasserstein_distance

    random = np.random.default_rng(1)
    before = random.normal(0, 1, 5_000)
    for after in (before + 0.5, before * 1.5, random.normal(0, 1, 5_000), random.exponential(1, 5_000)):
        old, new = (facts["columns"]["x"] for facts in profiled({"x": before.tolist()}, {"x": after.tolist()}))
        exact = wasserstein_distance(before, after) / old["std"]
        assert 0.5 * exact <= wasserstein(old, new) <= 1.01 * exact + 0.01


def test_numbers_that_are_carried_far_have_moved() -> None:
    numbers = [float(n) for n in range(1_000)]
    before, after = profiled({"x": numbers}, {"x": [*numbers[:-1], 1e9]})
    assert "moved: x (Wasserstein " in data_delta(before, after).sentence  # one cell, and it carries the mean away


def test_rows_in_another_order_are_told_apart_from_values_that_changed() -> None:
    table = {"id": list(range(300)), "name": [f"n{n}" for n in range(300)], "sex": ["f", "m", "f"] * 100}
    table |= {"when": [float(n) / 7 for n in range(300)], "country": ["nl"] * 300}
    turned = {name: cells[::-1] for name, cells in table.items()}
    turned["sex"] = ["m", "f", "f"] * 100
    before, after = profiled(table, turned)
    moved = data_delta(before, after)
    assert moved.sentence == "300 rows as before; the same rows in another order" and moved.data["reordered"] is True
    (after,) = profiled({**table, "name": turned["name"], "sex": ["m", *table["sex"][1:]]})
    assert data_delta(before, after).sentence == (
        "300 rows as before; values changed in: sex (at least 1); the same values in another order in: name"
    )


def test_rows_removed() -> None:
    assert data_delta(facts(5, a=levels("a", x=5)), facts(3, a=levels("b", x=3))).data["rows"] == {
        "before": 5,
        "after": 3,
        "removed": 2,
    }
