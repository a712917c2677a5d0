"""From text cells to types: each column gets the narrowest type that fits every one of its cells.

The rules are ours, not a library's, so that the same file has the same types after an upgrade. Numbers with a leading
zero or a plus sign are names of things (postcodes, phone numbers) and stay text; integers keep every digit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLE = 64
"""Cells tried before the whole column is; a shortcut that decides nothing."""

_BOOLEAN = r"true|false|True|False|TRUE|FALSE"
_INTEGER = r"-?(?:0|[1-9][0-9]*)"
_NUMBER = r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_NAIVE = _DATE + r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
_ZONED = _NAIVE + r"(?:Z|[+-][0-9]{2}:?[0-9]{2})"


def infer(table: pa.Table) -> pa.Table:
    """Return the table of text columns with each column cast to its type; order and names stay."""
    import pyarrow as pa

    return pa.table({name: _typed(table.column(name)) for name in table.column_names})


def _typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    # A quoted empty cell is a text; in a column of numbers it can only mean that there is none.
    blank = pc.equal(column, "")
    some = pc.if_else(blank, pa.scalar(None, pa.string()), column) if pc.any(blank).as_py() else column
    sample = some.slice(0, 8 * _SAMPLE).drop_null().slice(0, _SAMPLE).to_pylist()
    if some.null_count == len(some):
        return column
    for pattern, cast in _ATTEMPTS:
        if all(re.fullmatch(pattern, cell) for cell in sample) and _all_match(some, pattern):
            typed = cast(some)
            if typed is not None:
                return typed
    return column


def _all_match(column: pa.ChunkedArray, pattern: str) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(pc.match_substring_regex(column, rf"\A(?:{pattern})\z")).as_py())


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.cast(column, kind)
    except pa.ArrowInvalid:
        return None


def _boolean(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    import pyarrow.compute as pc

    return pc.equal(pc.utf8_lower(column), "true")


def _integer(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    import pyarrow as pa

    narrow = _cast(column, pa.int64())
    if narrow is not None or not _all_match(column, r"-?[0-9]{1,38}"):  # beyond 38 digits the cast wraps around
        return narrow
    return _cast(column, pa.decimal128(38, 0))


def _number(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if _all_match(column, _INTEGER):
        return None  # integers of more than 38 digits: as numbers they would not stay exact
    numbers = _cast(column, pa.float64())
    return numbers if numbers is not None and pc.all(pc.is_finite(numbers)).as_py() else None


def _date(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    import pyarrow as pa

    return _cast(column, pa.date32())


def _datetime(zone: str | None) -> Callable[[pa.ChunkedArray], pa.ChunkedArray | None]:
    def cast(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
        import pyarrow as pa

        coarse = _cast(column, pa.timestamp("us", zone))
        return coarse if coarse is not None else _cast(column, pa.timestamp("ns", zone))

    return cast


_ATTEMPTS: tuple[tuple[str, Callable[[pa.ChunkedArray], pa.ChunkedArray | None]], ...] = (
    (_BOOLEAN, _boolean),
    (_INTEGER, _integer),
    (_NUMBER, _number),
    (_DATE, _date),
    (_NAIVE, _datetime(None)),
    (_ZONED, _datetime("UTC")),
)
