"""Digests of columns: SHA-256 over a canonical form of the cells in row order.

The canonical form is ours: a tag with the type, the counts of rows and nulls, which rows are null (one bit a row,
least significant first), then the values, little-endian, with zeros (or empty texts) where there is none; texts as
their lengths in bytes and then their UTF-8. It does not depend on chunks, row groups, dictionaries, offsets, the file
format or the version of a library. -0.0 is 0.0; NaN does not occur (it is null).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ordain.api import digest

if TYPE_CHECKING:
    import pyarrow as pa

_FORM = 1


def content_digest(rows: int, columns: Mapping[str, str]) -> str:
    """Return the digest of a table: its rows, and the names and digests of its columns in order."""
    return digest({"form": _FORM, "rows": rows, "columns": list(columns.items())})


def column_digest(column: pa.ChunkedArray) -> str:
    """Return ``sha256:`` and the digest of a column in one of the types of ``table.normalise``."""
    sha = hashlib.sha256()
    for part in _canonical(column):
        sha.update(part)
    return f"sha256:{sha.hexdigest()}"


def _canonical(column: pa.ChunkedArray) -> Iterator[Any]:
    import numpy as np
    import pyarrow as pa
    from pyarrow import types

    tag = "integer"
    if types.is_boolean(column.type):
        tag = "boolean"
    elif types.is_floating(column.type):
        tag = "number"
    elif types.is_date(column.type):
        tag = "date"
    elif types.is_timestamp(column.type):
        tag = "datetime-utc" if column.type.tz else "datetime"
    elif not (types.is_integer(column.type) or types.is_decimal(column.type)):
        tag = "text"
    yield f"ordain-column/{_FORM}\n{tag}\n{len(column)}\n{column.null_count}\n".encode()
    if column.null_count:
        yield np.packbits(_flat(column.is_valid()), bitorder="little")
    if types.is_decimal(column.type):
        yield from _texts(column.cast(pa.string()))
    elif tag == "text":
        yield from _texts(column)
    elif tag == "boolean":
        yield np.packbits(_flat(_filled(column, False)), bitorder="little")
    elif tag == "number":
        for chunk in _filled(column, 0.0).chunks:
            yield chunk.to_numpy(zero_copy_only=False).astype("<f8", copy=False) + 0.0  # -0.0 + 0.0 is 0.0
    else:
        yield from _whole(column)


def _whole(column: pa.ChunkedArray) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import types

    fine = types.is_timestamp(column.type) and column.type.unit == "ns"
    plain = column.cast(pa.int32()).cast(pa.int64()) if types.is_date(column.type) else column.cast(pa.int64())
    filled = [chunk.to_numpy(zero_copy_only=False).astype("<i8", copy=False) for chunk in _filled(plain, 0).chunks]
    if fine:  # microseconds as everywhere else, and then what is left of the nanoseconds
        yield from (chunk // 1000 for chunk in filled)
        yield b"ns"
        yield from (chunk % 1000 for chunk in filled)
    else:
        yield from filled


def _texts(column: pa.ChunkedArray) -> Iterator[Any]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    filled = _filled(column, "")
    for chunk in filled.chunks:
        yield pc.binary_length(chunk).to_numpy(zero_copy_only=False).astype("<i8")
    for chunk in filled.chunks:
        width = np.dtype("int64" if pa.types.is_large_string(chunk.type) else "int32")
        _, offsets, data = chunk.buffers()
        if data is not None and len(chunk):
            ends = np.frombuffer(offsets, width)[[chunk.offset, chunk.offset + len(chunk)]]
            yield memoryview(data)[int(ends[0]) : int(ends[1])]


def _filled(column: pa.ChunkedArray, value: object) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.fill_null(column, value) if column.null_count else column


def _flat(column: pa.ChunkedArray) -> Any:
    return column.to_numpy()
