"""From a Parquet table, or from rows of JSON, to the matrix a pipeline takes. Nothing here is fitted.

Numbers, booleans and parts of dates become floats (missing: NaN), categories become texts (missing: their own level).
Times with a zone are taken in UTC.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from ordain.api import Json
from ordain_sklearn.problems import refuse
from ordain_sklearn.schema import MISSING, InputType, Schema, label

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


def input_types(table: pa.Table, names: Iterable[str], columns: Mapping[str, Json]) -> Mapping[str, InputType]:
    """Return how each column is read, from its type in the table and the type its data contract gave it."""
    return {name: _input_type(name, table.schema.field(name).type, columns.get(name)) for name in sorted(names)}


def _input_type(name: str, kind: pa.DataType, known: Json) -> InputType:
    import pyarrow as pa

    is_ = pa.types
    written = known.get("type") if isinstance(known, Mapping) else None
    if is_.is_dictionary(kind) or is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind):
        return InputType.CATEGORY
    if written == "category" and not is_.is_temporal(kind):
        return InputType.CATEGORY
    if is_.is_boolean(kind):
        return InputType.BOOLEAN
    if is_.is_integer(kind) or is_.is_floating(kind) or is_.is_decimal(kind):
        return InputType.NUMBER
    if is_.is_timestamp(kind):
        return InputType.DATETIME
    if is_.is_date(kind):
        return InputType.DATE
    if is_.is_null(kind):
        return InputType.NUMBER
    raise refuse(
        "model-column-type",
        f"column {name} has the type {kind}, which no model reads",
        "exclude it under features, or derive a number, a category or a date from it in the dataset",
        path=("spec", "features"),
    )


def matrix_of_table(schema: Schema, table: pa.Table) -> pd.DataFrame:
    """Return the matrix of a table's rows."""
    return _matrix(schema, {name: _values_of(table.column(name), kind) for name, kind in schema.inputs.items()})


def _values_of(column: pa.ChunkedArray, kind: InputType) -> np.ndarray[Any, Any]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind is InputType.CATEGORY:
        return np.array([MISSING if one is None else label(one) for one in column.to_pylist()], dtype=object)
    if kind in (InputType.DATE, InputType.DATETIME):
        # A cast drops the zone and keeps UTC.
        return np.asarray(pc.cast(column, pa.timestamp("us"), safe=False).to_numpy(), dtype="datetime64[us]")
    values = pc.cast(column, pa.float64(), safe=False)
    return np.asarray(pc.fill_null(values, math.nan).to_numpy(), dtype=np.float64)


def matrix_of_rows(schema: Schema, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the matrix of rows as they come in a request.

    Raises ``ValueError`` naming the row and the column for one that is missing or has the wrong type; other columns
    than the model's inputs are not looked at. None is a missing value.
    """
    import numpy as np

    out: dict[str, np.ndarray[Any, Any]] = {}
    for name, kind in schema.inputs.items():
        values = [_cell(index, row, name, kind) for index, row in enumerate(rows)]
        if kind is InputType.CATEGORY:
            out[name] = np.array(values, dtype=object)
        elif kind.parts:
            out[name] = np.array(values, dtype="datetime64[us]")
        else:
            out[name] = np.array(values, dtype=np.float64)
    return _matrix(schema, out)


def _cell(index: int, row: Mapping[str, Any], name: str, kind: InputType) -> Any:
    if name not in row:
        raise ValueError(f"row {index}: column {name} is missing")
    value = row[name]
    if kind is InputType.CATEGORY:
        if value is None:
            return MISSING
        if isinstance(value, str | int | float):
            return label(value)
    elif kind.parts:
        if value is None:
            return None
        moment = _moment(value)
        if moment is not None:
            return moment
    elif value is None:
        return math.nan
    elif kind is InputType.BOOLEAN:
        if isinstance(value, bool) or value in (0, 1):
            return float(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if abs(value) <= _LARGEST and math.isfinite(value):
            return float(value)
        raise ValueError(f"row {index}: column {name}: {value} is out of range")
    raise ValueError(f"row {index}: column {name}: expected {_EXPECTED[kind]}, found {_shown(value)}")


_LARGEST = 3e38  # what still fits the 32 bits trees read
_EXPECTED = {
    InputType.NUMBER: "a number",
    InputType.BOOLEAN: "true or false",
    InputType.CATEGORY: "a text",
    InputType.DATE: "a date as 2026-01-31",
    InputType.DATETIME: "a time as 2026-01-31T13:00:00",
}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _moment(value: Any) -> datetime | None:
    """Return the time a text spells, in UTC without a zone; None where it spells none."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value
    except OverflowError:
        return None


def _matrix(schema: Schema, values: Mapping[str, np.ndarray[Any, Any]]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    out: dict[str, Any] = {}
    for name, kind in schema.inputs.items():
        columns = schema.matrix_columns(name)
        if kind.parts:
            parts = _parts(values[name])
            out |= {column: parts[part] for column, part in zip(columns, kind.parts, strict=True)}
        elif kind is InputType.CATEGORY:
            out[columns[0]] = pd.Series(values[name], dtype=object)
        else:
            numbers = values[name]
            out[columns[0]] = np.where(np.isinf(numbers), np.nan, numbers)
    return pd.DataFrame(out)


def _parts(moments: np.ndarray[Any, Any]) -> Mapping[str, np.ndarray[Any, Any]]:
    """Return year, month (1-12), day (1-31), weekday (0: Monday) and hour of times; NaN where there is none."""
    import numpy as np

    gone = np.isnat(moments)
    days = moments.astype("datetime64[D]")
    months = moments.astype("datetime64[M]")
    numbers = {
        "year": moments.astype("datetime64[Y]").astype(np.int64) + 1970,
        "month": months.astype(np.int64) % 12 + 1,
        "day": (days - months.astype("datetime64[D]")).astype(np.int64) + 1,
        "weekday": (days.astype(np.int64) + 3) % 7,  # 1970-01-01 was a Thursday
        "hour": (moments - days.astype(moments.dtype)).astype("timedelta64[h]").astype(np.int64),
    }
    return {part: np.where(gone, np.nan, value.astype(np.float64)) for part, value in numbers.items()}
