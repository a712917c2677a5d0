"""Regular expressions of people's own, in an engine whose time grows with the text alone: none can hang a plan.

It is that of pydantic (Rust's), which has no look-around and no references back to a group.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache


def fault(pattern: str) -> str:
    """Return what is wrong with a pattern, "" where it can be used."""
    try:
        _matcher(pattern)
    except ValueError as error:
        return str(error)
    return ""


def matches(pattern: str, text: str) -> bool:
    """Say whether the whole of ``text`` is as a pattern without ``fault`` says."""
    return _matcher(pattern)(text)


@lru_cache(maxsize=4096)
def wildcards(text: str, *, one: str = ".") -> re.Pattern[str]:
    """Return what a text means in which ``*`` stands for any characters and ``?`` for ``one``; the rest for itself.

    What lies between two stars is taken where it comes first and never tried again: time grows with pattern times text.
    """
    first, *rest = (re.escape(part).replace(r"\?", one) for part in text.split("*"))
    middle = "".join(f"(?>.*?{part})" for part in rest[:-1] if part)
    return re.compile(f"{first}{middle}.*{rest[-1]}" if rest else first)


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> Callable[[str], bool]:
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        SchemaValidator(
            core_schema.str_schema(pattern=pattern)
        )  # alone: ")(" is not to be mended by what is put around
        found = SchemaValidator(core_schema.str_schema(pattern=rf"\A(?:{pattern})\z"))
    except SchemaError as error:
        raise ValueError(str(error).strip().rpartition("error: ")[2].removeprefix("SchemaError: ")) from error
    return found.isinstance_python
