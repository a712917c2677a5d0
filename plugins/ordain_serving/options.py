"""The options of ``provider: http`` and ``provider: batch``."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ordain.api import Facet, Spec


def _loopback(text: str) -> str:
    if text == "localhost":
        return "127.0.0.1"
    try:
        address = IPv4Address(text)
    except ValueError:
        raise ValueError(f"{text!r} is no IPv4 address: write 127.0.0.1") from None
    if not address.is_loopback:
        raise ValueError(f"{text} is not on this host's loopback, and there is no authentication yet: write 127.0.0.1")
    return str(address)


class HttpOptions(Spec):
    """Where a server answers, and how long it may take to come up."""

    host: Annotated[str, AfterValidator(_loopback), Facet.SERVE] = Field(
        default="127.0.0.1", description="the loopback address it listens on"
    )
    port: Annotated[int, Facet.SERVE] = Field(
        default=0, ge=0, le=65535, description="0: a free one, chosen once and kept from then on"
    )
    startup_timeout: Annotated[str, Facet.RECORD] = Field(
        default="20s",
        pattern=r"^[1-9][0-9]{0,5}(ms|s|m)$",
        description="how long until it must answer with its new version: 500ms, 20s, 2m",
    )
    log_level: Annotated[Literal["critical", "error", "warning", "info", "debug"], Facet.SERVE] = Field(
        default="info", description="of the server's own log; requests are never logged"
    )


def _inside(text: str) -> str:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or not path.name or "\0" in text:
        raise ValueError(f"{text!r} must be a path inside the project, as in data/scores.csv")
    return str(path)


def _writable(text: str) -> str:
    if not text.endswith((".csv", ".parquet")):
        raise ValueError("write a name that ends in .csv or .parquet")
    return _inside(text)


class BatchOptions(Spec):
    """Which rows are scored, and where the scores go."""

    input: Annotated[str, AfterValidator(_inside), Facet.SERVE] = Field(
        description="a CSV file (also .gz) or Parquet file, relative to the project, with the columns the model reads"
    )
    output: Annotated[str, AfterValidator(_writable), Facet.SERVE] = Field(
        description="the CSV or Parquet file to write, relative to the project"
    )
    keep: Annotated[tuple[str, ...] | None, Facet.SERVE] = Field(
        default=None, description="columns of the input to write beside the prediction; all of them if left out"
    )

    @model_validator(mode="after")
    def _two_files(self) -> Self:
        if self.input == self.output:
            raise ValueError("`output` is the input itself")
        return self
