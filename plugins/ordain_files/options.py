"""What a document may say to the csv and parquet providers."""

from __future__ import annotations

import codecs

from pydantic import Field, field_validator

from ordain.api import Spec

NULLS = ("", "NA", "NaN", "nan", "null", "NULL")
"""What stands for a missing value in a CSV file unless ``na`` says otherwise; never inside quotes."""


class _FileOptions(Spec):
    path: str = Field(min_length=1, description="the file; relative to the project's folder, or absolute")

    @field_validator("path")
    @classmethod
    def _local(cls, path: str) -> str:
        if path.startswith("~"):
            raise ValueError("~ means another folder for each user: write a path relative to the project's folder")
        if "://" in path:
            raise ValueError("this provider reads local files: write a path, not a URL")
        if "\0" in path:
            raise ValueError("a path holds no NUL character")
        return path


class CsvOptions(_FileOptions):
    """Where a CSV file lies and how it is written; types come from its cells, not from here."""

    delimiter: str = Field(default=",", description="the character between two cells")
    encoding: str = Field(default="utf-8", description="the text encoding, by its Python name")
    header: bool = Field(default=True, description="whether the first row names the columns; else column_1, column_2 …")
    na: tuple[str, ...] = Field(default=NULLS, description="unquoted cells that mean: no value")

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, delimiter: str) -> str:
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
            raise ValueError('the delimiter is one ASCII character, and neither a quote nor a line end: ";" or "\\t"')
        return delimiter

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            known = codecs.lookup(encoding)
        except LookupError:
            raise ValueError(f"Python knows no encoding {encoding!r}: try utf-8, latin-1, cp1252, utf-16") from None
        if not _is_text(known.name):
            raise ValueError(f"{encoding} is no text encoding: try utf-8, latin-1, cp1252, utf-16")
        return known.name


class ParquetOptions(_FileOptions):
    """Where a Parquet file lies."""

    columns: tuple[str, ...] | None = Field(default=None, description="the columns to read; all where left out")


def _is_text(encoding: str) -> bool:
    try:
        return bool("a".encode(encoding))
    except (LookupError, UnicodeError):
        return False
