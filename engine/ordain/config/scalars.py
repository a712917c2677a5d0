"""What a plain scalar means: YAML 1.2's core schema, and nothing of YAML 1.1.

``no``, ``on``, ``y``, dates, ``1_000``, ``12:30:45`` and ``=`` are text; ``012`` is twelve, ``0o14`` too.
"""

from __future__ import annotations

import re

from ordain.values.data import Scalar

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TAGGED: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}
_STARTS = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", re.ASCII)
_DIGITS = 1000

CORE = "tag:yaml.org,2002:"


class ScalarError(ValueError):
    """A scalar that has no value in a spec; the message says why."""


def plain(text: str) -> Scalar:
    """Return what an unquoted scalar means; raise ``ScalarError`` for what has no place in a spec."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _STARTS:
        return text
    if len(text) > _DIGITS and (_INTEGER.fullmatch(text) or _RADIX.fullmatch(text)):
        raise ScalarError(f"a number of {len(text):,} digits is too long; quote it to make it text")
    if _INTEGER.fullmatch(text):
        return int(text)
    if _RADIX.fullmatch(text):
        return int(text[2:], 8 if text[1] == "o" else 16)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise ScalarError(f"{text} is too large for a number; quote it to make it text")
        return number
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(f"{text} is not a finite number, and has no place in a spec; quote it to make it text")
    return text


def tagged(tag: str, text: str) -> Scalar:
    """Return what a scalar with a tag means ("" for none); raise ``ScalarError`` for a tag outside the core."""
    if tag in ("!", CORE + "str"):
        return text
    value = plain(text)
    if not tag:
        return value
    name = tag.removeprefix(CORE)
    wanted = _TAGGED.get(name)
    if wanted is None or name == tag:
        raise ScalarError(f"the tag {shown(tag)} is foreign: only the core tags (!!str, !!int, !!map …) are read")
    if not isinstance(value, wanted) or (isinstance(value, bool) and name in ("int", "float")):
        raise ScalarError(f"{text!r} is no {name}, which its tag says it is")
    return float(value) if name == "float" and isinstance(value, int) else value


def shown(tag: str) -> str:
    """Spell a tag as it stands in a file."""
    return f"!!{tag.removeprefix(CORE)}" if tag.startswith(CORE) else tag
