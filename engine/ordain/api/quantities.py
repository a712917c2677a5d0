"""Durations, sizes and moments as people write them in a spec."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {
    "B": 1,
    **{f"{p}B": 1000**n for n, p in enumerate("kMGT", 1)},
    **{f"{p}iB": 1024**n for n, p in enumerate("KMGT", 1)},
}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([smhd])", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s?([kKMGT]i?B|B)", re.ASCII)

_AS_IN = "write a duration such as 30s, 5m, 2h or 1d"
_AT = "write a day such as 2027-03-01, or a time with its zone, as in 2027-03-01T12:00:00Z"
_SO_MUCH = "write a size such as 512MiB or 2GB"


def seconds(text: Any) -> float:
    """Return the seconds that ``30s``, ``5m``, ``2h`` or ``1d`` are; raise ``ValueError``."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError(_AS_IN)
    return float(match[1]) * _SECONDS[match[2]]


def size(text: Any) -> int:
    """Return the bytes that ``512MiB`` or ``2GB`` are; raise ``ValueError``."""
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[2] not in _BYTES or float(match[1]) == 0:
        raise ValueError(_SO_MUCH)
    return int(float(match[1]) * _BYTES[match[2]])


def moment(text: Any) -> str:
    """Return the moment (ISO, UTC) that ``2027-03-01`` (its last) or a time with a zone is; raise ``ValueError``."""
    try:
        if isinstance(text, str) and _DAY.fullmatch(text):
            end = datetime.combine(date.fromisoformat(text) + timedelta(days=1), datetime.min.time(), UTC)
            return end.isoformat()
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(_AT)
    return found.astimezone(UTC).isoformat()


def _kept(check: Any) -> Any:
    def checked(text: Any) -> Any:
        check(text)
        return text

    return checked


# What they are in a file, for its JSON Schema.
_DurationText = Annotated[
    str, Field(pattern=f"^{_DURATION.pattern}$", json_schema_extra={"patternErrorMessage": _AS_IN})
]
_SizeText = Annotated[str, Field(pattern=f"^{_SIZE.pattern}$", json_schema_extra={"patternErrorMessage": _SO_MUCH})]

Seconds = Annotated[float, BeforeValidator(seconds, json_schema_input_type=_DurationText)]
"""A duration, in seconds once it is read."""
Bytes = Annotated[int, BeforeValidator(size, json_schema_input_type=_SizeText)]
"""A size, in bytes once it is read."""
Duration = Annotated[str, BeforeValidator(_kept(seconds), json_schema_input_type=_DurationText)]
"""A duration that stays as it was written, for specs that are compared and shown."""
Size = Annotated[str, BeforeValidator(_kept(size), json_schema_input_type=_SizeText)]
"""A size that stays as it was written."""
Moment = Annotated[str, BeforeValidator(_kept(moment), json_schema_input_type=str)]
"""A day or a time with its zone, as it was written."""
