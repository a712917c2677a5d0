"""CSV files: types, profile, and what is said of files that are none."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pyarrow import parquet

from ordain.api import ExitCode, Json, OrdainError, load_provider

BANK = Path(__file__).parents[3] / "examples" / "bank-marketing" / "data" / "bank-marketing.csv.gz"
Columns = Callable[[object], Mapping[str, Mapping[str, Json]]]


def test_bank_marketing(looker, columns: Columns) -> None:
    seen = looker.csv(BANK.read_bytes(), "bank.csv.gz")
    facts = columns(seen)
    integers = {"age", "balance", "day", "duration", "campaign", "pdays", "previous"}
    assert seen.facts["rows"] == 45_211
    assert {name: one["type"] for name, one in facts.items()} == {
        name: "integer" if name in integers else "category" for name in facts
    }
    assert [*facts][:2] == ["age", "job"] and [*facts][-1] == "deposit"
    assert facts["deposit"]["categories"] == {"no": 39_922, "yes": 5_289}
    assert facts["age"] | {"digest": "", "values": "", "categories": "", "ranks": ""} == {
        "values": "",
        "ranks": "",
        "digest": "",
        "categories": "",
        "type": "integer",
        "nulls": 0,
        "distinct": 77,
        "min": 18,
        "max": 95,
        "mean": 40.93621021,
        "std": 10.6186446,
        "quantiles": [18, 29, 32, 34, 36, 39, 42, 46, 51, 56, 95],
    }
    assert "categories" not in facts["balance"]
    assert (facts["pdays"]["quantiles"][8], facts["pdays"]["ranks"][8]) == (-1, 36_954)  # type: ignore[index]


@pytest.mark.parametrize(
    ("cells", "type_", "least"),
    [
        (["1", "-20", "0"], "integer", -20),
        (["9007199254740993", "1"], "integer", 1),
        (["99999999999999999999999999999999999999", "2"], "integer", 2),
        (["1.5", "-2", ".5", "1e3", "2."], "number", -2.0),
        (["true", "False", "TRUE"], "boolean", None),
        (["2024-01-31", "2024-02-29"], "date", "2024-01-31"),
        (["2024-01-31T10:00:00", "2024-01-31 09:59"], "datetime", "2024-01-31T09:59:00"),
        (["2024-01-31T10:00:00.25Z", "2024-01-31T10:00:00+02:00"], "datetime", "2024-01-31T08:00:00Z"),
        (["2024-01-31T10:00:00.123456789", "2024-02-01T00:00"], "datetime", "2024-01-31T10:00:00.123456789"),
        (["007", "12"], "category", None),
        (["+49123", "12"], "category", None),
        (["1" * 50, "12"], "category", None),
        (["1e999", "2"], "category", None),
        (["2024-02-30", "2024-01-01"], "category", None),
        (["2024-01-31T10:00Z", "2024-01-31T10:00"], "category", None),
        (["2024-01-31", "2024-01-31T10:00"], "category", None),
        (["yes", "no"], "category", None),
        (["0x1F", "1"], "category", None),
        ([" 5", "6"], "category", None),
        (["1", "2", "three"], "category", None),
        (["inf", "1"], "category", None),
        (["", "NA"], "text", None),
        ([f"t{number}" for number in range(100)], "text", None),
        ([f"t{number % 40}" for number in range(100)], "category", None),
    ],
)
def test_types(looker, columns: Columns, cells: list[str], type_: str, least: Json) -> None:
    facts = columns(looker.csv("n,x\n" + "".join(f"1,{cell}\n" for cell in cells)))["x"]
    assert (facts["type"], facts.get("min")) == (type_, least)


def test_one_late_cell_decides_the_type_of_the_whole_column(looker, columns: Columns) -> None:
    rows = "".join(f"{number},a\n" for number in range(5_000))
    assert columns(looker.csv("x,y\n" + rows))["x"]["type"] == "integer"
    assert columns(looker.csv("x,y\n" + rows + "1.5,a\n"))["x"]["type"] == "number"
    assert columns(looker.csv("x,y\n" + rows + "5001st,a\n"))["x"]["type"] == "text"


def test_null_and_empty_text_differ_and_quotes_keep_what_they_hold(looker, columns: Columns) -> None:
    null, empty = (columns(looker.csv(f"x,y\n1,{cell}\n2,b\n"))["y"] for cell in ("", '""'))
    assert (null["nulls"], empty["nulls"], empty["categories"]) == (1, 0, {"": 1, "b": 1})
    assert null["digest"] != empty["digest"]
    quoted = columns(looker.csv('x,y\n1,"NA"\n2,NA\n'))["y"]
    assert (quoted["nulls"], quoted["categories"]) == (1, {"NA": 1})
    number = columns(looker.csv('x,y\n1,""\n2,5\n'))["y"]
    assert (number["type"], number["nulls"]) == ("integer", 1)


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ("x,y\n1,é\n", {}),
        ("\ufeffx,y\n1,é\n", {}),
        ("x,y\r\n1,é\r\n", {}),
        ("x,y\r1,é\r", {}),
        ('"x","y"\n1,"é"\n', {}),
        ("x;y\n1;é\n", {"delimiter": ";"}),
        ("x\ty\n1\té", {"delimiter": "\t"}),
    ],
)
def test_the_way_it_is_written_does_not_show(looker, data: str, options: dict[str, Json]) -> None:
    plain = looker.csv("x,y\n1,é\n").facts
    assert looker.csv(data.encode(), **options).facts == plain
    for encoding in ("latin-1", "utf-16"):
        if "\ufeff" not in data:
            assert looker.csv(data.encode(encoding), encoding=encoding, **options).facts == plain
    assert looker.csv(gzip.compress(data.encode()), **options).facts == plain


def test_a_cell_may_hold_lines(looker, columns: Columns) -> None:
    assert columns(looker.csv('x,y\n1,"a\nb"\n2,"c ""d"""\n'))["y"]["categories"] == {"a\nb": 1, 'c "d"': 1}


def test_without_header_and_without_rows(looker, columns: Columns) -> None:
    assert list(columns(looker.csv("1,a\n2,b\n", header=False))) == ["column_1", "column_2"]
    for data in ("x,y\n", "x,y"):
        seen = looker.csv(data)
        assert seen.facts["rows"] == 0 and list(columns(seen)) == ["x", "y"]


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "source-empty", "empty"),
        (b" \n\n", "source-empty", "empty"),
        (gzip.compress(b"x,y\n1,2\n", mtime=0)[:-6], "source-gzip-broken", "gzip"),
        (gzip.compress(b"x,y\n1,2\n", mtime=0)[:12] + b"\xff" * 20, "source-gzip-broken", "gzip"),
        (gzip.compress(b"", mtime=0), "source-empty", "empty"),
        (b"x,y\n1,caf\xe9\n", "source-encoding", "utf-8"),
        (b"x,y\n1,\x00\n", "source-not-text", "NUL"),
        (b"PAR1\x15\x04\x00\x00PAR1", "source-not-text", "NUL"),
        (bytes(range(256)), "source-encoding", "utf-8"),
        (b"x,y\n1,2\n3\n4,5\n6,7,8\n", "source-ragged", "row 3 has 1 cell, not 2"),
        (b"# made today\nx,y\n1,2\n", "source-ragged", "row 2 has 2 cells, not 1"),
        (b'x,y\n1,"open\n2,3\n', "source-quote-open", "never closed"),
        (b"x,,y\n1,2,3\n", "source-header", "column 2 has no name"),
        (b"x,x\n1,2\n", "source-header", "two columns are called 'x'"),
    ],
)
def test_files_that_are_no_csv(looker, data: bytes, code: str, says: str) -> None:
    seen = looker.csv(data)
    (problem,) = seen.problems
    assert (problem.code, problem.exit, str(problem.address)) == (code, ExitCode.SPEC, "data_source.bank")
    assert says in problem.summary and problem.fix and problem.path == ("spec", "path")
    assert not seen.facts and not seen.witness
    with pytest.raises(OrdainError):
        load_provider("ordain_files.csv_source:Csv").read(looker.spec("csv", {"path": "data.csv"}), looker.root)


def test_paths_that_are_no_file(looker) -> None:
    (looker.root / "folder").mkdir()
    (looker.root / "campaigns.csv").write_text("x\n1\n")
    os.mkfifo(looker.root / "pipe")
    found = {
        path: looker.look("csv", {"path": path}).problems[0]
        for path in ("campaign.csv", "no/such.csv", "folder", "pipe", "x" * 5_000)
    }
    assert {path: one.code for path, one in found.items()} == {
        "campaign.csv": "source-missing",
        "no/such.csv": "source-missing",
        "folder": "source-is-folder",
        "pipe": "source-not-a-file",
        "x" * 5_000: "source-unreadable",
    }
    assert "campaigns.csv" in found["campaign.csv"].detail
    assert all(one.exit is ExitCode.SPEC and one.fix and len(one.summary) < 400 for one in found.values())


@pytest.mark.parametrize(
    "options",
    [
        {"path": "~/data.csv"},
        {"path": "s3://bucket/data.csv"},
        {"path": ""},
        {"path": "x", "delimiter": ",,"},
        {"path": "x", "delimiter": '"'},
        {"path": "x", "encoding": "utf-9"},
        {"path": "x", "encoding": "base64"},
        {"path": "x", "types": {}},
    ],
)
def test_options_that_are_refused(looker, options: dict[str, Json]) -> None:
    with pytest.raises(AssertionError):
        looker.spec("csv", options)


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_bytes_there_is_an_answer(looker, data: bytes) -> None:
    seen = looker.csv(data)
    assert bool(seen.problems) != bool(seen.facts)


def test_a_parquet_file_of_the_same_content_has_the_same_facts(looker) -> None:
    seen = looker.csv(
        'i,f,b,t,d,m\n1,1.5,true,a,2024-01-31,2024-01-31T10:00:00Z\n,,,"",,\n3,-0.0,false,c,1999-01-01,\n'
    )
    table = load_provider("ordain_files.csv_source:Csv").read(looker.spec("csv", {"path": "data.csv"}), looker.root)
    parquet.write_table(table, looker.root / "data.parquet", row_group_size=2)
    assert looker.look("parquet", {"path": "data.parquet"}).facts == seen.facts
    frame = table.set_column(0, "i", table.column("i").cast(pa.int16()))
    parquet.write_table(frame, looker.root / "small.parquet")
    assert looker.look("parquet", {"path": "small.parquet"}).facts == seen.facts


def test_parquet_files_that_are_none(looker) -> None:
    whole = looker.root / "whole.parquet"
    parquet.write_table(pa.table({"x": [1, 2], "tags": [["a"], []]}), whole)
    cut = {"cut": whole.read_bytes()[:-9], "empty": b"", "csv": b"x\n1\n", "short": b"PAR1"}
    for name, data in cut.items():
        (looker.root / name).write_bytes(data)
    problems = {name: looker.look("parquet", {"path": name}).problems for name in (*cut, "whole.parquet")}
    assert {name: found[0].code for name, found in problems.items()} == {
        "cut": "source-no-parquet",
        "empty": "source-empty",
        "csv": "source-no-parquet",
        "short": "source-no-parquet",
        "whole.parquet": "source-type",
    }
    assert looker.look("parquet", {"path": "whole.parquet", "columns": ["x"]}).facts["rows"] == 2
    absent = looker.look("parquet", {"path": "whole.parquet", "columns": ["y"]}).problems[0]
    assert absent.code == "source-column" and "x, tags" in absent.fix
