"""The lineage of columns: what a change of one moves, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from ordain.kinds.dataset_outline import Outline, OutlineError, outline, without_gone
from ordain.kinds.sql_reads import columns_read

NAMES = ("age", "job", "balance", "contact", "duration")
FACTS: dict[str, Any] = {
    "content": "c",
    "rows": 100,
    "columns": {name: {"digest": f"sha256:{name}", "type": "integer", "personal": name == "contact"} for name in NAMES},
}
STEPS: list[dict[str, Any]] = [
    {"drop": ["duration"]},
    {"filter": "age >= 18"},
    {"derive": {"per_year": "balance / age"}},
    {"rename": {"job": "work"}},
]


PREPARER = {"recipe": 1, "duckdb": "1.4"}


def moved(name: str, rows: int = 100) -> dict[str, Any]:
    columns = {**FACTS["columns"], name: {**FACTS["columns"][name], "digest": "sha256:other"}}
    return {**FACTS, "rows": rows, "columns": columns}


def of(steps: list[dict[str, Any]], facts: dict[str, Any] = FACTS, **split: Any) -> Outline:
    return outline({"prepare": steps, "split": split or {"by": "order", "test": 0.2}}, facts, PREPARER)


def digests(outlined: Outline) -> dict[str, Any]:
    assert outlined.columns is not None
    return {name: column["digest"] for name, column in outlined.columns.items()}


def test_what_it_says() -> None:
    outlined = of(STEPS)
    assert outlined.columns is not None and outlined.count is None
    assert list(outlined.columns) == ["age", "work", "balance", "contact", "per_year"]
    assert outlined.columns["work"] == {"digest": "sha256:job", "type": "integer", "personal": False, "reads": ["job"]}
    assert outlined.columns["per_year"]["reads"] == ["age", "balance"]
    assert outlined.columns["contact"]["personal"] is True and outlined.personal is True
    assert of([*STEPS, {"drop": ["contact"]}]).personal is False
    assert of([{"derive": {"x": "contact + 1"}}, {"drop": ["contact"]}]).personal is True
    assert of([{"drop": ["age"]}]).count == 100


@pytest.mark.parametrize(
    ("name", "rows_move", "columns_move"),
    [
        ("duration", False, set()),
        ("job", False, {"work"}),
        ("contact", False, {"contact"}),
        ("balance", False, {"balance", "per_year"}),
        ("age", True, {"age", "per_year"}),
    ],
)
def test_a_column_moves_what_reads_it_and_nothing_else(name: str, rows_move: bool, columns_move: set[str]) -> None:
    before, after = of(STEPS), of(STEPS, moved(name))
    assert (before.rows != after.rows) is rows_move
    assert {one for one, digest in digests(before).items() if digests(after)[one] != digest} == columns_move


@given(st.sampled_from(NAMES), st.lists(st.sampled_from(STEPS), max_size=4, unique_by=str))
def test_the_scope_of_columns_is_a_law(name: str, steps: list[dict[str, Any]]) -> None:
    try:
        before, after = of(steps), of(steps, moved(name))
    except OutlineError:
        return
    assert before.columns is not None and after.columns is not None
    for one, column in before.columns.items():
        if name not in column["reads"] and before.rows == after.rows:  # type: ignore[operator]
            assert after.columns[one] == column
        if column["reads"] == [name]:
            assert after.columns[one]["digest"] != column["digest"]


def test_rows_and_splits_show() -> None:
    rows = {
        of(STEPS).rows,
        of(STEPS, {**FACTS, "rows": 101}).rows,
        of([]).rows,
        of(STEPS, by="order", test=0.3).rows,
        of(STEPS, by="random", test=0.2, seed=0).rows,
        of(STEPS, by="random", test=0.2, seed=1).rows,
        of(STEPS, by="group", test=0.2, seed=0, column="work").rows,
        of(STEPS, by="group", test=0.2, seed=0, column="contact").rows,
    }
    assert len(rows) == 8
    grouped = [of([], facts, by="group", test=0.2, seed=0, column="job").rows for facts in (FACTS, moved("job"))]
    assert grouped[0] != grouped[1]


def test_sql_makes_everything_hang_on_everything() -> None:
    steps = [{"sql": "SELECT age FROM source"}, {"drop": ["age"]}, {"filter": "x > 1"}, {"derive": {"y": "x"}}]
    outlined = of(steps)
    assert outlined.columns is None and outlined.count is None and outlined.personal
    assert all(of(steps, moved(name)).rows != outlined.rows for name in NAMES)
    assert len({of(steps[:count]).rows for count in range(1, 5)}) == 4


@pytest.mark.parametrize(
    ("steps", "path", "says"),
    [
        ([{"drop": ["ages"]}], ("prepare", 0, "drop", 0), "did you mean age?"),
        ([{"drop": ["age"]}, {"drop": ["age"]}], ("prepare", 1, "drop", 0), "no column age at this point"),
        ([{"drop": list(NAMES)}], ("prepare", 0, "drop"), "no column would be left"),
        ([{"rename": {"age": "job"}}], ("prepare", 0, "rename"), "two columns would be called job"),
        ([{"rename": {"nope": "x"}}], ("prepare", 0, "rename", "nope"), "no column nope"),
        ([{"derive": {"x": "age", "y": "x + 1"}}], ("prepare", 0, "derive", "y"), "use a later step"),
        ([{"derive": {"AGE": "1"}}], ("prepare", 0, "derive", "AGE"), "differ only in case"),
        ([{"derive": {"x": "random()"}}], ("prepare", 0, "derive", "x"), "random() gives another answer"),
        ([{"filter": "age < now ()"}], ("prepare", 0, "filter"), "now() gives"),
        ([{"filter": "age < current_date"}], ("prepare", 0, "filter"), "current_date gives"),
        ([{"filter": "age(balance) > 3"}], ("prepare", 0, "filter"), "counts from today"),
        ([{"sql": "FROM source USING SAMPLE 10"}], ("prepare", 0, "sql"), "sample gives"),
        ([{"rename": {"age": "JOB"}}, {"filter": "true"}], ("prepare", 1, "filter"), "apart"),
    ],
)
def test_steps_that_cannot_work(steps: list[dict[str, Any]], path: tuple[Any, ...], says: str) -> None:
    with pytest.raises(OutlineError, match=None) as caught:
        of(steps)
    assert caught.value.path == path and says in str(caught.value)


def test_a_group_that_does_not_exist() -> None:
    with pytest.raises(OutlineError) as caught:
        of(STEPS, by="group", column="job", test=0.2)
    assert caught.value.path == ("split", "column")


def test_swapping_names_is_a_rename() -> None:
    outlined = of([{"rename": {"age": "job", "job": "age"}}])
    assert digests(outlined)["age"] == "sha256:job"
    assert digests(of([{"derive": {"age": "age + 1"}}]))["age"] != "sha256:age"
    assert of([{"filter": "age(balance, job) > 3"}]).rows


ALL = ("age", "Age Group", "größe", "balance", 'q"t')


@pytest.mark.parametrize(
    ("expression", "reads"),
    [
        ("age >= 18", {"age"}),
        ("AGE >= 18", {"age"}),
        ('"Age Group" = 1', {"age", "Age Group"}),
        ('"AGE GROUP" = 1', {"age", "Age Group"}),
        ("GRÖSSE > 1 or größe > 2", {"größe"}),
        ('"q""t" = 1', {'q"t'}),
        ("ages > 1", set()),
        ("age * balance", {"age", "balance"}),
        ("(age)*2 + 3 ** 2", {"age"}),
        ("extract(year from balance)", {"balance"}),
        ("replace(balance, 'a', 'b')", {"balance"}),
        ("'age' = balance", {"age", "balance"}),
        ("count(*) over ()", set(ALL)),
        ("struct_pack(1, *)", set(ALL)),
        ("source.*", set(ALL)),
        ("source", set(ALL)),
        ("COLUMNS('a.*') > 1", set(ALL)),
        ("columns (c -> true)", set(ALL)),
        ("(SELECT max(x) FROM source)", set(ALL)),
        ("(FROM Source)", set(ALL)),
        ("#1 > 3", set(ALL)),
        ('U&"\\0061ge" > 3', set(ALL)),
        ("count(DISTINCT *)", set(ALL)),
        ("true", set()),
    ],
)
def test_what_an_expression_reads(expression: str, reads: set[str]) -> None:
    assert set(columns_read(expression, ALL)) == reads


def test_what_runs_the_expressions_counts_where_they_decide() -> None:
    newer = {**PREPARER, "duckdb": "1.5"}
    split = {"by": "order", "test": 0.2}

    def both(*steps: dict[str, Any]) -> tuple[Outline, Outline]:
        spec: Any = {"prepare": steps, "split": split}
        return outline(spec, FACTS, PREPARER), outline(spec, FACTS, newer)

    before, after = both({"derive": {"per_year": "balance / age"}})
    assert before.rows == after.rows
    assert {name for name, one in digests(after).items() if one != digests(before)[name]} == {"per_year"}
    before, after = both({"filter": "age >= 18"})
    assert before.rows != after.rows and digests(before) == digests(after)
    before, after = both({"sql": "SELECT age FROM source"})
    assert before.rows != after.rows
    before, after = both({"drop": ["duration"]})
    assert before.rows == after.rows and digests(before) == digests(after)


def test_drops_of_columns_that_were_there_once() -> None:
    spec: Any = {"prepare": [{"drop": ["age", "old"]}, {"drop": ["older"]}]}
    outlined = outline(spec, FACTS, PREPARER, frozenset({"old", "older"}))
    assert outlined.gone == ((("prepare", 0, "drop", 1), "old"), (("prepare", 1, "drop", 0), "older"))
    assert without_gone(spec, outlined)["prepare"] == [{"drop": ["age"]}, {"drop": []}]
    with pytest.raises(OutlineError, match="no column old"):
        outline(spec, FACTS, PREPARER, frozenset({"older"}))


def test_few_levels_are_told_until_a_filter_may_take_some() -> None:
    job = {"digest": "j", "type": "category", "personal": False, "categories": {"b": 1, "a": 2}}
    many = {**job, "categories": {str(n): 1 for n in range(30)}}
    facts = {"content": "c", "rows": 3, "columns": {"job": job, "many": many}}
    columns = of([{"rename": {"job": "work"}}], facts).columns
    assert columns is not None and columns["work"]["levels"] == ["a", "b"] and "levels" not in columns["many"]
    columns = of([{"filter": "job = 'a'"}], facts).columns
    assert columns is not None and "levels" not in columns["job"]
