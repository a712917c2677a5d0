"""The laws of digests: every change of a cell shows; chunks, row groups and formats do not."""

from __future__ import annotations

import datetime
import hashlib
import io
import struct
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st
from pyarrow import parquet

from ordain.api import OrdainError
from ordain_files.content import column_digest, content_digest
from ordain_files.profile import describe
from ordain_files.table import normalise

KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "integer": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "big": (pa.decimal128(38, 0), st.integers(-(10**30), 10**30)),
    "number": (pa.float64(), st.floats(allow_nan=False)),
    "boolean": (pa.bool_(), st.booleans()),
    "text": (pa.string(), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)),
    "date": (pa.date32(), st.dates()),
    "datetime": (pa.timestamp("us"), st.datetimes()),
    "nanoseconds": (pa.timestamp("ns"), st.integers(-(2**60), 2**60)),
    "zoned": (pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(datetime.UTC))),
}


@st.composite
def typed_column(draw: st.DrawFn) -> tuple[pa.DataType, list[Any], st.SearchStrategy[Any]]:
    kind, cells = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    cell = st.none() | cells
    return kind, draw(st.lists(cell, min_size=1, max_size=30)), cell


def chunked(kind: pa.DataType, values: list[Any], cuts: list[int]) -> pa.ChunkedArray:
    places = sorted({0, len(values), *(cut % (len(values) + 1) for cut in cuts)})
    whole = pa.array(values, kind)
    pieces = [whole.slice(a, b - a) for a, b in pairwise(places)]
    return normalise(pa.table({"x": pa.chunked_array(pieces, kind)})).column("x")


def digest(kind: pa.DataType, values: list[Any]) -> str:
    return column_digest(normalise(pa.table({"x": pa.array(values, kind)})).column("x"))


def same(one: object, other: object) -> bool:
    return one == other and type(one) is type(other)


@given(typed_column(), st.data())
@settings(max_examples=150, deadline=None)
def test_any_changed_cell_shows(column: tuple[pa.DataType, list[Any], Any], data: st.DataObject) -> None:
    kind, values, cell = column
    place = data.draw(st.integers(0, len(values) - 1))
    changed = [*values[:place], data.draw(cell.filter(lambda new: not same(new, values[place]))), *values[place + 1 :]]
    assert digest(kind, changed) != digest(kind, values)


@given(typed_column(), st.lists(st.integers(0, 30), max_size=4))
@settings(max_examples=150, deadline=None)
def test_chunks_do_not_show(column: tuple[pa.DataType, list[Any], Any], cuts: list[int]) -> None:
    kind, values, _ = column
    assert column_digest(chunked(kind, values, cuts)) == digest(kind, values)


@given(typed_column(), st.integers(1, 7), st.booleans())
@settings(max_examples=80, deadline=None)
def test_row_groups_and_dictionaries_do_not_show(
    column: tuple[pa.DataType, list[Any], Any], group: int, dictionary: bool
) -> None:
    kind, values, _ = column
    file = io.BytesIO()
    parquet.write_table(pa.table({"x": pa.array(values, kind)}), file, row_group_size=group, use_dictionary=dictionary)
    back = parquet.read_table(io.BytesIO(file.getvalue()), read_dictionary=["x"] if dictionary else None)
    assert column_digest(normalise(back).column("x")) == digest(kind, values)


@given(st.lists(st.none() | st.text(alphabet="ab", max_size=2), max_size=6))
def test_borders_between_cells_show(values: list[str | None]) -> None:
    seen: dict[str, list[str | None]] = {}
    for other in (values, [*values, None], [*values, ""], ["".join(v or "" for v in values)]):
        before = seen.setdefault(digest(pa.string(), other), other)
        assert before == other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([None, ""]), pa.array(["", None])),
        (pa.array(["1"]), pa.array([1])),
        (pa.array([1]), pa.array([1.0])),
        (pa.array([True]), pa.array([1])),
        (pa.array([0], pa.timestamp("us")), pa.array([0], pa.timestamp("us", "UTC"))),
        (pa.array([0], pa.timestamp("us")), pa.array([0], pa.date32())),
        (pa.array([None], pa.int64()), pa.array([0], pa.int64())),
        (pa.array([False, None]), pa.array([None, False])),
    ],
)
def test_types_and_nulls_show(one: pa.Array, other: pa.Array) -> None:
    assert column_digest(pa.chunked_array([one])) != column_digest(pa.chunked_array([other]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([0.0, 1.0]), pa.array([-0.0, 1.0])),
        (pa.array([float("nan"), 1.0]), pa.array([None, 1.0])),
        (pa.array([1, 2], pa.int8()), pa.array([1, 2], pa.uint64())),
        (pa.array([1, 2], pa.decimal128(20, 0)), pa.array([1, 2])),
        (pa.array([2**63], pa.uint64()), pa.array([2**63], pa.decimal128(38, 0))),
        (pa.array([1.5], pa.float32()), pa.array([1.5])),
        (pa.array([1], pa.timestamp("ms")), pa.array([1_000_000], pa.timestamp("ns"))),
        (pa.array([0], pa.timestamp("s", "Europe/Berlin")), pa.array([0], pa.timestamp("us", "UTC"))),
        (pa.array(["a", None], pa.large_string()), pa.array(["a", None]).dictionary_encode()),
        (pa.array(["a", "longer than the twelve bytes of a view"], pa.string_view()), None),
    ],
)
def test_the_same_content_in_another_type_of_storage(one: pa.Array, other: pa.Array | None) -> None:
    other = one.cast(pa.string()) if other is None else other
    first, second = (normalise(pa.table({"x": array})).column("x") for array in (one, other))
    assert column_digest(first) == column_digest(second)


def test_bytes_under_a_null_do_not_show() -> None:
    valid = pa.array([True, False, True])
    offsets, data = pa.array([0, 1, 3, 4], pa.int32()), b"axxb"
    dirty = pa.Array.from_buffers(
        pa.string(), 3, [valid.buffers()[1], offsets.buffers()[1], pa.py_buffer(data)], null_count=1
    )
    assert dirty.to_pylist() == ["a", None, "b"]
    assert column_digest(pa.chunked_array([dirty])) == digest(pa.string(), ["a", None, "b"])


def test_a_renamed_or_moved_column_shows_in_the_content() -> None:
    assert content_digest(2, {"a": "x", "b": "y"}) != content_digest(2, {"a": "x", "c": "y"})
    assert content_digest(2, {"a": "x", "b": "y"}) != content_digest(2, {"b": "y", "a": "x"})
    assert content_digest(2, {"a": "x"}) != content_digest(3, {"a": "x"})


def test_the_form_is_what_it_says() -> None:
    def sha(*parts: bytes) -> str:
        return f"sha256:{hashlib.sha256(b''.join(parts)).hexdigest()}"

    whole, text = pa.chunked_array([[1, None]]), pa.chunked_array([["é", ""]])
    assert column_digest(whole) == sha(b"ordain-column/1\ninteger\n2\n1\n", b"\x01", struct.pack("<qq", 1, 0))
    assert column_digest(text) == sha(b"ordain-column/1\ntext\n2\n0\n", struct.pack("<qq", 2, 0), "é".encode())


def test_the_form_is_frozen() -> None:
    """Digests stand in states: another form needs another number in it, and a migration."""
    table = pa.table({"i": [1, None], "t": ["é", ""], "b": [True, False], "f": [1.5, -0.0]})
    facts = describe(normalise(table), {})
    assert facts["content"] == "sha256:07887b21cf048007d8eb4211e097f89783b8d498d165c920e8be1919af8791e6"


@given(st.lists(st.integers(0, 9), min_size=2, max_size=20), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_since_tells_appending_from_rewriting(values: list[int], added: int) -> None:
    old = describe(normalise(pa.table({"x": values})), {})
    longer = describe(normalise(pa.table({"x": [*values, *([1] * added)]})), old)
    assert longer["since"] == "appended"
    rewritten = describe(normalise(pa.table({"x": [values[0] + 1, *values[1:], *([1] * added)]})), old)
    assert rewritten["since"] == "rewritten"
    assert "since" not in describe(normalise(pa.table({"x": values})), old)


def test_an_unreadable_type_is_refused() -> None:
    with pytest.raises(OrdainError) as caught:
        normalise(pa.table({"x": [1], "tags": [["a"]], "raw": [b"a"]}))
    assert [one.code for one in caught.value.diagnostics] == ["source-type", "source-type"]
    assert "tags" in caught.value.diagnostics[0].summary
