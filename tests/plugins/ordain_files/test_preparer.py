"""Datasets through DuckDB: the same bytes from the same request, and nothing reached outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st
from pyarrow import parquet

from ordain.api import Json, OrdainError, Prepared, PrepareRequest
from ordain.kinds.sql_reads import volatile
from ordain_files.preparer import DuckDb
from ordain_files.split import parts

ROWS = pa.table(
    {
        "age": [17, 25, 40, None, 61, 33],
        "job": ["a", "b", None, "a", "c", "b"],
        "Größe m": [1.5, 1.6, 1.7, 1.8, 1.9, 2.0],
        "big": pa.array([10**20, 1, 2, 3, 4, 5], pa.decimal128(38, 0)),
    }
)
Prepare = Callable[..., Prepared]


@pytest.fixture
def prepare(tmp_path: Path) -> Prepare:
    def run(steps: list[Json], split: Json = None, table: pa.Table = ROWS, folder: str = "out") -> Prepared:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        spec = {"prepare": steps, "split": split or {"by": "order", "test": 0.5}}
        return DuckDb().prepare(PrepareRequest(spec=spec, source=table, folder=place, report=lambda _: None))

    return run


def whole(prepared: Prepared) -> pa.Table:
    return pa.concat_tables([parquet.read_table(prepared.train), parquet.read_table(prepared.test)])


def test_steps_in_order(prepare: Prepare) -> None:
    steps: list[Json] = [
        {"rename": {"Größe m": "height", "age": "years"}},
        {"filter": "years > 20 -- of age"},
        {"derive": {"years": "years + 1", "ratio": "years / height", "half": "big / 2"}},
        {"drop": ["job"]},
        {"sql": "SELECT *, count(*) OVER () AS n FROM source ORDER BY years DESC"},
    ]
    table = whole(prepare(steps))
    assert table.column_names == ["years", "height", "big", "ratio", "half", "n"]
    assert table.column("years").to_pylist() == [62, 41, 34, 26]
    assert table.column("ratio")[0].as_py() == pytest.approx(61 / 1.9)  # of the years before the step
    assert table.column("n").to_pylist() == [4] * 4
    assert {str(kind) for kind in table.schema.types} <= {"int64", "double", "string"}


def test_without_steps_every_cell_is_kept(prepare: Prepare) -> None:
    assert whole(prepare([])).equals(ROWS)


def test_the_same_bytes_each_time(prepare: Prepare) -> None:
    steps: list[Json] = [{"derive": {"m": "avg(age) OVER (PARTITION BY job)"}}, {"filter": "big > 0"}]
    one, other = (prepare(steps, {"by": "random", "test": 0.3, "seed": 5}, folder=name) for name in ("a", "b"))
    assert one.train.read_bytes() == other.train.read_bytes()
    assert one.test.read_bytes() == other.test.read_bytes()
    assert one.facts == other.facts
    assert one.facts["schema"] == {
        "age": "integer",
        "job": "text",
        "Größe m": "number",
        "big": "integer",
        "m": "number",
    }


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"filter": "agee > 1"}, "agee"),
        ({"filter": "age >"}, "syntax"),
        ({"derive": {"x": "nope(age)"}}, "nope"),
        ({"derive": {"x": "[age]"}}, "does not read"),
        ({"sql": "SELECT age, age AS AGE, big AS age FROM source"}, "two columns"),
        ({"sql": "SELECT age, job AS AGE FROM source"}, "two columns"),
        ({"sql": "SELECT 1; SELECT 2"}, "not one SELECT"),
        ({"sql": "CREATE TABLE x AS SELECT 1"}, "not one SELECT"),
        ({"filter": "true); DROP TABLE source; SELECT (1"}, "not one SELECT"),
        ({"drop": ["nope"]}, "no column nope"),
        ({"filter": "CAST(job AS INTEGER) > 1"}, "Could not convert"),
    ],
)
def test_a_step_that_fails_is_named(prepare: Prepare, step: Json, says: str) -> None:
    with pytest.raises(OrdainError) as caught:
        prepare([{"drop": ["Größe m"]}, step])
    (problem,) = caught.value.diagnostics
    assert problem.summary.startswith("prepare[1]: ") and says in problem.summary + problem.detail
    assert problem.path == ("spec", "prepare", 1, *step)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM ROWS",
        "SELECT * FROM request",
        "SELECT getenv('HOME') FROM source",
        "COPY source TO '/tmp/ordain-leak.csv'",
        "SELECT * FROM read_parquet('https://example.com/x.parquet')",
        "ATTACH '/tmp/ordain-leak.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ],
)
def test_the_sandbox_holds(prepare: Prepare, sql: str) -> None:
    with pytest.raises(OrdainError) as caught:
        prepare([{"sql": sql}])
    assert caught.value.diagnostics[0].summary.startswith("prepare[0]: ")
    assert not list(Path("/tmp").glob("ordain-leak*"))


def test_every_volatile_function_of_this_duckdb_is_refused_by_plans() -> None:
    """The list is written down in the engine, where DuckDB is not asked; a new DuckDB must not slip one past it."""
    unsteady = "stability <> 'CONSISTENT' AND function_type = 'scalar'"
    functions = duckdb.sql(f"SELECT DISTINCT function_name FROM duckdb_functions() WHERE {unsteady}").fetchall()
    passed = [name for (name,) in functions if name != "error" and volatile(f"{name}(x)", ()) is None]
    assert functions and passed == []


def test_duckdb_counts_only_where_it_decides() -> None:
    assert DuckDb().recipe({"prepare": [{"drop": ["x"]}, {"rename": {"y": "z"}}]}) == {"recipe": 1}
    assert DuckDb().recipe({"prepare": [{"filter": "x > 1"}]}).keys() == {"recipe", "duckdb"}


@given(
    st.integers(2, 200),
    st.sampled_from(["order", "random", "group"]),
    st.floats(0.01, 0.99),
    st.integers(0, 2**63 - 1),
)
@settings(max_examples=120, deadline=None)
def test_splits_are_disjoint_exhaustive_and_repeatable(rows: int, by: str, share: float, seed: int) -> None:
    table = pa.table({"row": range(rows), "group": [None if n % 7 == 6 else n % 7 for n in range(rows)]})
    split: dict[str, Json] = {"by": by, "test": share, "seed": seed, "column": "group"}
    train, test = parts(table, split)
    ids = [part.column("row").to_pylist() for part in (train, test)]
    assert sorted(ids[0] + ids[1]) == list(range(rows)) and not set(ids[0]) & set(ids[1])
    assert ids[0] == sorted(ids[0]) and ids[1] == sorted(ids[1]) and ids[0] and ids[1]
    assert [part.column("row").to_pylist() for part in parts(table, split)] == ids
    if by == "group":
        assert not set(train.column("group").to_pylist()) & set(test.column("group").to_pylist())
    else:
        assert len(ids[1]) == pytest.approx(rows * share, abs=1)
    if by == "order":
        assert max(ids[0]) < min(ids[1])


def test_another_seed_draws_other_rows() -> None:
    table = pa.table({"row": range(1_000)})
    drawn = {
        tuple(parts(table, {"by": "random", "test": 0.5, "seed": seed})[1].column(0).to_pylist()) for seed in (1, 2, 3)
    }
    assert len(drawn) == 3


def test_the_draw_is_frozen() -> None:
    """Versions are made the same again years later: another draw needs another recipe."""
    table = pa.table({"row": range(12), "g": [f"g{n % 4}" for n in range(12)]})
    random = parts(table, {"by": "random", "test": 0.25, "seed": 7})[1].column("row").to_pylist()
    group = parts(table, {"by": "group", "test": 0.25, "seed": 7, "column": "g"})[1].column("g").unique().to_pylist()
    assert (random, group) == ([3, 6, 11], ["g1"])


@pytest.mark.parametrize(
    ("table", "split"),
    [
        (pa.table({"g": [1]}), {"by": "order", "test": 0.2}),
        (pa.table({"g": pa.array([], pa.int64())}), {"by": "random", "test": 0.2}),
        (pa.table({"g": [1, 1, 1]}), {"by": "group", "test": 0.2, "column": "g"}),
    ],
)
def test_an_empty_part_is_refused(table: pa.Table, split: dict[str, Json]) -> None:
    with pytest.raises(OrdainError) as caught:
        parts(table, split)
    assert caught.value.diagnostics[0].code == "dataset-too-small"
