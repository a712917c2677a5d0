"""The types that columns have in Ordain, whatever file they came from; a missing number and NaN are both null."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ordain.api import Blame, Diagnostic, OrdainError

if TYPE_CHECKING:
    import pyarrow as pa


def normalise(table: pa.Table) -> pa.Table:
    """Return the table in int64 (decimal where they do not fit), float64, bool, string, date32 and timestamp (us, ns
    where needed; zoned ones in UTC). Raises ``OrdainError`` for columns of other types. Order and names stay."""
    import pyarrow as pa

    wrong = [
        (name, kind) for name, kind in zip(table.schema.names, table.schema.types, strict=True) if not _usable(kind)
    ]
    if wrong:
        raise OrdainError(*(_unusable(name, str(kind)) for name, kind in wrong))
    return pa.table({name: _column(table.column(name)) for name in table.column_names})


def type_of(kind: pa.DataType) -> str:
    """Return the word for a normalised type: integer, number, boolean, date, datetime or text."""
    import pyarrow as pa

    words = (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_decimal, "integer"),
        (pa.types.is_floating, "number"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "datetime"),
    )
    return next((word for test, word in words if test(kind)), "text")


def _usable(kind: pa.DataType) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _usable(kind.value_type)
    tests = (
        types.is_boolean,
        types.is_integer,
        types.is_floating,
        types.is_decimal,
        types.is_date,
        types.is_timestamp,
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_time,
        types.is_null,
    )
    return any(test(kind) for test in tests)


def _column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        return _column(pc.cast(column, kind.value_type))
    if types.is_boolean(kind):
        return column
    if types.is_floating(kind) or (types.is_decimal(kind) and kind.scale > 0):
        numbers = pc.cast(column, pa.float64(), safe=False)
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    if types.is_integer(kind) or types.is_decimal(kind):
        narrow = _try(column, pa.int64())
        return narrow if narrow is not None else pc.cast(column, pa.decimal128(38, 0))
    if types.is_date(kind):
        return pc.cast(column, pa.date32())
    if types.is_timestamp(kind):
        zone = "UTC" if kind.tz else None
        coarse = _try(column, pa.timestamp("us", zone))
        return coarse if coarse is not None else pc.cast(column, pa.timestamp("ns", zone))
    narrow = _try(column, pa.string())
    return narrow if narrow is not None else pc.cast(column, pa.large_string())


def _try(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.cast(column, kind)
    except pa.ArrowInvalid:
        return None


def _unusable(name: str, kind: str) -> Diagnostic:
    return Diagnostic(
        code="source-type",
        summary=f"column {name} has the type {kind}, which Ordain does not read",
        detail="columns are integers, numbers, booleans, texts, dates or datetimes",
        fix="list the columns to read under columns, or write the file with plain types",
        blame=Blame.WORLD,
        path=("spec", "path"),
    )
