"""CSV files, also gzipped."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ordain.api import Json, OrdainError
from ordain_files.infer import infer
from ordain_files.source import FileSource, fault

if TYPE_CHECKING:
    import pyarrow as pa

_GZIP = b"\x1f\x8b"


class Csv(FileSource):
    """Reads a CSV file: cells as text first, then each column as the narrowest type that fits every cell."""

    format: ClassVar[str] = "csv"

    def parse(self, data: bytes, spec: Mapping[str, Json]) -> pa.Table:
        """Return typed rows in file order. Raises ``OrdainError`` for bytes that are no such file."""
        text = _utf8(_unpacked(data), str(spec.get("encoding", "utf-8")))
        na = spec.get("na")
        nulls = [str(one) for one in na] if isinstance(na, list | tuple) else [""]
        delimiter, header = str(spec.get("delimiter", ",")), spec.get("header", True) is not False
        names = _names(text, delimiter, header)
        return infer(_cells(text, names, delimiter, (header, nulls)))


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(_GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise fault(
            "source-gzip-broken",
            f"the gzip file is broken: {error}",
            "copy or download the file again (gzip -t tells whether it is whole)",
        ) from None


def _utf8(data: bytes, encoding: str) -> bytes:
    """Return the text as UTF-8 without a byte order mark."""
    if not data.strip():
        raise fault("source-empty", "the file is empty", "put data there, at least a row of column names")
    try:
        text = data.decode(encoding)
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = data.count(b"\n", 0, start) + 1
        raise fault(
            "source-encoding",
            f"the file is not {encoding}: {_reason(error)}",
            "say how it is encoded (encoding: cp1252, latin-1, utf-16 …), or name a CSV file",
            f"the first byte that does not fit is in line {line} (byte {start})",
        ) from None
    if "\0" in text:
        raise fault(
            "source-not-text",
            "the file is not text: it holds NUL characters",
            "name a CSV file (a Parquet file has provider: parquet; UTF-16 text needs encoding: utf-16)",
        )
    out = data if encoding in ("utf-8", "utf-8-sig", "ascii") else text.encode()
    out = out.removeprefix(b"\xef\xbb\xbf")
    return out if b"\n" in out or b"\r" in out else out + b"\n"  # a row of names alone is a table without rows


def _reason(error: UnicodeError) -> str:
    return error.reason if isinstance(error, UnicodeDecodeError) else str(error)


def _names(text: bytes, delimiter: str, header: bool) -> list[str]:
    lines = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
    try:
        first = next((row for row in csv.reader(lines, delimiter=delimiter) if row), [])
    except csv.Error as error:
        raise fault("source-no-csv", f"the file is no CSV: {error}", "name a CSV file") from None
    if not first:
        raise fault("source-empty", "the file has no rows", "put data there, at least a row of column names")
    if not header:
        return [f"column_{number}" for number in range(1, len(first) + 1)]
    twice = [name for name, count in Counter(first).items() if count > 1]
    if "" in first:
        raise fault(
            "source-header",
            f"column {first.index('') + 1} has no name",
            "name each column in the first row, or say header: false where there is no such row",
        )
    if twice:
        raise fault("source-header", f"two columns are called {twice[0]!r}", "give each column a name of its own")
    return first


def _cells(text: bytes, names: list[str], delimiter: str, how: tuple[bool, list[str]]) -> pa.Table:
    """Return every cell as text; unquoted nulls are null, a quoted empty cell is an empty text."""
    import pyarrow as pa
    from pyarrow import csv as reader

    header, nulls = how
    bad: list[tuple[int, int, int]] = []

    def keep(row: object) -> str:
        bad.append(
            (getattr(row, "number", None) or 0, getattr(row, "expected_columns", 0), getattr(row, "actual_columns", 0))
        )
        return "skip"

    convert = reader.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=nulls,
    )
    read = {"column_names": None if header else names, "block_size": 8 << 20}

    def rows(threads: bool) -> pa.Table:
        parse = reader.ParseOptions(
            delimiter=delimiter, newlines_in_values=b'"' in text, invalid_row_handler=None if threads else keep
        )
        options = reader.ReadOptions(use_threads=threads, **read)
        return reader.read_csv(pa.BufferReader(text), options, parse, convert)

    try:
        table = rows(threads=True)
    except pa.ArrowInvalid as error:
        raise _malformed(error, rows, bad) from None
    if table.column_names != names:
        raise fault("source-header", "the first row cannot be read as column names", "quote names that need it")
    _closed(text, table)
    return table


def _malformed(error: Exception, rows: object, bad: list[tuple[int, int, int]]) -> OrdainError:
    import pyarrow as pa

    try:
        rows(threads=False)  # type: ignore[operator]  # again in order, to learn which rows
    except pa.ArrowInvalid:
        bad.clear()
    if not bad:
        return fault("source-no-csv", f"the file is no CSV: {error}", "name a CSV file, or say its delimiter")
    number, expected, actual = bad[0]
    more = f" ({len(bad):,} rows are of another length)" if len(bad) > 1 else ""
    return fault(
        "source-ragged",
        f"row {number} has {actual} {'cell' if actual == 1 else 'cells'}, not {expected}{more}",
        "quote cells that hold the delimiter, or say which delimiter the file has",
        "rows are counted from 1, the row of column names included",
    )


def _closed(text: bytes, table: pa.Table) -> None:
    """Refuse a quote that is never closed: it would swallow the rest of the file as one cell."""
    if text.count(b'"') % 2 == 0 or not table.num_rows:
        return
    last = [column[-1].as_py() for column in table.columns]
    if any("\n" in cell or "\r" in cell for cell in last if cell is not None):
        raise fault(
            "source-quote-open",
            "a quote is opened and never closed",
            f"close it, or double it where it is meant: the row that begins {(last[0] or '')[:40]!r} runs to the end",
        )
