"""The options of ``provider: http``."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

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
