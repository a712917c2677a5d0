"""Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ordain.api import Json
from ordain_files.source import FileSource, fault

if TYPE_CHECKING:
    import pyarrow as pa


class Parquet(FileSource):
    """Reads one Parquet file."""

    format: ClassVar[str] = "parquet"

    def parse(self, data: bytes, spec: Mapping[str, Json]) -> pa.Table:
        """Return the rows in file order. Raises ``OrdainError`` for bytes that are no such file."""
        import pyarrow as pa
        from pyarrow import parquet

        if not data:
            raise fault("source-empty", "the file is empty", "write the Parquet file again")
        try:
            file = parquet.ParquetFile(pa.BufferReader(data))
            names = file.schema_arrow.names
            wanted = spec.get("columns")
            chosen = [str(name) for name in wanted] if isinstance(wanted, list | tuple) else names
            absent = [name for name in chosen if name not in names]
            if absent:
                raise fault("source-column", f"the file has no column {absent[0]!r}", f"it has {', '.join(names)}")
            if len(set(names)) < len(names):
                raise fault("source-header", "two columns have the same name", "give each column a name of its own")
            return file.read(columns=chosen).select(chosen)
        except (pa.ArrowException, OSError, EOFError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise fault(
                "source-no-parquet",
                f"the file is no Parquet: {reason}",
                "name a Parquet file (a CSV file has provider: csv), or write it again",
            ) from None
