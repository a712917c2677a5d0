"""Files as data sources, and their rows as datasets."""

from __future__ import annotations

from ordain.api import ProviderEntry, hookimpl

_PROVIDERS = (
    ProviderEntry(
        kind="DataSource",
        name="csv",
        target="ordain_files.csv_source:Csv",
        options="ordain_files.options:CsvOptions",
        summary="a CSV file, also gzipped; types are inferred from all of its rows",
    ),
    ProviderEntry(
        kind="DataSource",
        name="parquet",
        target="ordain_files.parquet_source:Parquet",
        options="ordain_files.options:ParquetOptions",
        summary="a Parquet file",
    ),
    ProviderEntry(
        kind="Dataset",
        name="duckdb",
        target="ordain_files.preparer:DuckDb",
        summary="expressions and SQL run by DuckDB, in memory and without access to anything outside",
    ),
)


@hookimpl
def register_providers() -> tuple[ProviderEntry, ...]:
    """Register the data providers and the preparer."""
    return _PROVIDERS
