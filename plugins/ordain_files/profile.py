"""What the plan knows of a table: digests, types, nulls, ranges, categories. Facts of the data, no clock in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ordain.api import Json, digest
from ordain_files.content import column_digest, content_digest
from ordain_files.table import type_of

if TYPE_CHECKING:
    import pyarrow as pa

MOST_LEVELS = 1_000
"""Levels of a column that are counted one by one; a text with more is never a category."""

FEW_LEVELS = 30
"""A text with so few levels is a category, however few rows there are."""

INTEGER_LEVELS = 100
"""Levels of an integer column that are counted one by one."""


def describe(table: pa.Table, recorded: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the facts of a normalised table (see ``DataProvider``).

    Where the facts ``recorded`` are of another content, ``since`` says how this one came of it: ``appended`` (the
    recorded rows stand unchanged before the new ones) or ``rewritten``.
    """
    columns = {name: _column(table.column(name)) for name in table.column_names}
    content = content_digest(table.num_rows, {name: str(facts["digest"]) for name, facts in columns.items()})
    facts: dict[str, Json] = {"content": content, "rows": table.num_rows, "columns": columns}
    before, rows = recorded.get("content"), recorded.get("rows")
    if isinstance(before, str) and isinstance(rows, int) and before != content:
        facts["since"] = "appended" if _starts_with(table, rows, before) else "rewritten"
    return facts


def _starts_with(table: pa.Table, rows: int, content: str) -> bool:
    if rows >= table.num_rows:
        return False
    head = table.slice(0, rows)
    return content == content_digest(rows, {name: column_digest(head.column(name)) for name in head.column_names})


def _column(column: pa.ChunkedArray) -> dict[str, Json]:
    word = type_of(column.type)
    facts: dict[str, Json] = {"digest": column_digest(column), "type": word, "nulls": column.null_count}
    some = column.drop_null() if column.null_count else column
    if word in ("integer", "number"):
        facts |= _numbers(some)
    elif word in ("date", "datetime"):
        facts |= _times(some)
    else:
        facts |= _levels(some, word, len(column))
    return {**facts, "values": _values(some, facts)}


def _values(some: pa.ChunkedArray, facts: Mapping[str, Json]) -> str:
    """Return a digest of the cells in no order: the same cells in other rows have the same one."""
    import pyarrow.compute as pc

    counted = facts.get("categories")
    if counted is not None:
        return digest({"levels": counted, "nulls": facts["nulls"]})
    ordered = some.take(pc.sort_indices(some))
    return digest({"sorted": column_digest(ordered), "nulls": facts["nulls"]})


def _levels(some: pa.ChunkedArray, word: str, rows: int) -> dict[str, Json]:
    import pyarrow.compute as pc

    counts = pc.value_counts(some.combine_chunks() if some.num_chunks != 1 else some.chunk(0))
    distinct = len(counts)
    out: dict[str, Json] = {"distinct": distinct}
    few = distinct <= MOST_LEVELS and (distinct <= FEW_LEVELS or distinct * 2 <= rows)
    if word == "text" and few and distinct:
        out["type"] = "category"
    if distinct <= MOST_LEVELS:
        pairs = zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True)
        out["categories"] = dict(sorted((_level(value), count) for value, count in pairs))
    return out


def _level(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _times(some: pa.ChunkedArray) -> dict[str, Json]:
    import pyarrow as pa
    import pyarrow.compute as pc

    out: dict[str, Json] = {"distinct": pc.count_distinct(some).as_py()}
    if len(some):
        ends = pc.min_max(some)
        for end in ("min", "max"):
            text = ends[end].cast(pa.string()).as_py().replace(" ", "T")
            whole, dot, rest = text.partition(".")
            zone = "Z" if text.endswith("Z") else ""
            fraction = rest.removesuffix("Z").rstrip("0")
            out[end] = f"{whole}.{fraction}{zone}" if dot and fraction else f"{whole.removesuffix('Z')}{zone}"
    return out


def _numbers(some: pa.ChunkedArray) -> dict[str, Json]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_decimal(some.type):
        ends = pc.min_max(some)
        out: dict[str, Json] = {"distinct": pc.count_distinct(some).as_py()}
        return {**out, "min": int(ends["min"].as_py()), "max": int(ends["max"].as_py())} if len(some) else out
    values = np.sort(some.to_numpy())
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    changes = np.flatnonzero(values[1:] != values[:-1]) if len(values) else values
    distinct = len(changes) + 1 if len(values) else 0
    out = {"distinct": distinct}
    if len(finite) < len(values):
        out["infinite"] = len(values) - len(finite)
    if not len(finite):
        return out
    last = len(finite) - 1
    deciles = [finite[max(0, -(-last * step // 10))] for step in range(11)]
    out |= {"min": _plain(finite[0]), "max": _plain(finite[-1]), "mean": _mean(finite), "std": _deviation(finite)}
    out["quantiles"] = [_plain(value) for value in deciles]
    out["ranks"] = np.searchsorted(finite, deciles, side="right").tolist()  # values up to each: ties are exact
    if values.dtype.kind == "i" and distinct <= INTEGER_LEVELS:
        ends = np.concatenate((changes + 1, [len(values)]))
        counts = np.diff(np.concatenate(([0], ends)))
        out["categories"] = {str(values[end - 1]): int(count) for end, count in zip(ends, counts, strict=True)}
    return out


def _plain(value: Any) -> int | float:
    number: int | float = value.item()
    return number + 0.0 if isinstance(number, float) else number  # no -0.0


def _mean(values: Any) -> float:
    """Return the mean, to ten significant digits: sums differ in the last ones from one processor to the next."""
    scale = _scale(values)
    return float(f"{float((values / scale).mean()) * scale:.10g}") + 0.0


def _deviation(values: Any) -> float:
    """Return the standard deviation (of a population), to ten significant digits as the mean."""
    scale = _scale(values)
    return float(f"{float((values / scale).std()) * scale:.10g}") + 0.0


def _scale(values: Any) -> float:
    """Return the largest size among sorted values, so that no square leaves the range of numbers."""
    return float(max(abs(float(values[0])), abs(float(values[-1])), 1.0))
