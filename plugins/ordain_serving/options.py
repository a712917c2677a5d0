"""The options of ``provider: http`` and ``provider: batch``."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ordain.api import Duration, Facet, Json, Size, Spec, seconds, size
from ordain_serving.generation import Bounds


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


_MOST_BODY, _LONGEST = "256MiB", "1h"


def _body(text: str) -> str:
    if size(text) > size(_MOST_BODY):
        raise ValueError(f"a body is held in memory: write at most {_MOST_BODY}")
    return text


def _timeout(text: str) -> str:
    if seconds(text) > seconds(_LONGEST):
        raise ValueError(f"nobody waits that long on a connection: write at most {_LONGEST}")
    return text


class Limits(Spec):
    """What a server takes on at most; for the questions about its health there is no limit."""

    body: Annotated[Size, AfterValidator(_body)] = Field(
        default="1MiB", description="of one request's body; a larger one is refused with 413"
    )
    rows: int = Field(default=1000, ge=1, le=1_000_000, description="of one request; more are refused with 413")
    timeout: Annotated[Duration, AfterValidator(_timeout)] = Field(
        default="5s",
        description="from a request's headers to its answer, waiting for others included: 504, or 408 where its body"
        " has not come by then",
    )
    concurrency: int = Field(
        default=64, ge=1, le=10_000, description="requests at once; one more is refused with 503 and Retry-After"
    )


def bounds(limits: Json) -> Bounds:
    """Return the limits that a normalised spec writes (None: the defaults) in bytes and seconds."""
    one = Limits.model_validate(limits or {})
    return Bounds(body=size(one.body), rows=one.rows, timeout=seconds(one.timeout), concurrency=one.concurrency)


def _unwritten(value: object) -> bool:
    return value is None


class HttpOptions(Spec):
    """Where a server answers, what it takes on, and how long it may take to come up."""

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
    limits: Annotated[Limits | None, Facet.SERVE] = Field(
        default=None,
        exclude_if=_unwritten,
        description="what one request and all of them may ask of it; where left out, and for each limit that is left "
        "out: body 1MiB, rows 1000, timeout 5s, concurrency 64",
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
