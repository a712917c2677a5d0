"""What an expression reads, found without running it: cautious, so that it may name too much and never too little."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_CALL = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(")
_WHOLE_ROW = re.compile(r"\b(?:columns|source|distinct\s*\*)|#|\bu&", re.IGNORECASE)
"""Ways to read columns without spelling them: COLUMNS(…), the table itself (also in a subquery), #1, U&"escapes"."""

_VOLATILE = re.compile(
    r"\b(random|uuid|uuidv4|uuidv7|gen_random_uuid|setseed|nextval|currval|setval|sleep_ms|write_log|stats|vector_type"
    r"|now|today|get_current_time|get_current_timestamp|transaction_timestamp|current_localtime|current_localtimestamp"
    r"|txid_current|current_transaction_id|current_connection_id|current_query_id|current_query|current_setting"
    r"|getvariable|current_database|current_schema|current_schemas|in_search_path"
    r"|current_date|current_time|current_timestamp|localtime|localtimestamp)\s*\(",
    re.IGNORECASE,
)
"""Calls that answer differently from one time or place to the next."""

CLOCK = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})
"""The clock under names that need no brackets."""


def columns_read(expression: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Return those of ``columns`` that an expression may read, in their order; all where that cannot be told."""
    names = tuple(columns)
    if _may_read_all(expression):
        return names
    words = {word.lower() for word in _WORD.findall(expression)}
    text = expression.lower()
    return tuple(name for name in names if _occurs(name.lower(), words, text))


def volatile(expression: str, columns: Iterable[str]) -> str | None:
    """Return the function of an expression that answers differently each time, or None."""
    called = _VOLATILE.search(expression)
    if called is not None:
        return f"{called[1]}()"
    own = {name.lower() for name in columns}
    words: list[str] = _WORD.findall(expression)
    bare = [word for word in words if word.lower() in CLOCK - own]
    if bare:
        return bare[0]
    if re.search(r"\b(?:using\s+sample|tablesample)\b", expression, re.IGNORECASE):
        return "sample"
    for match in _CALL.finditer(expression):
        if match[1].lower() == "age" and _arguments(expression[match.end() :]) == 1:
            return "age() of one date, which counts from today,"
    return None


def _occurs(name: str, words: set[str], text: str) -> bool:
    if _WORD.fullmatch(name):
        return name in words
    return name in text or name.replace('"', '""') in text


def _may_read_all(expression: str) -> bool:
    if _WHOLE_ROW.search(expression):
        return True
    return any(not _multiplies(expression, match.start()) for match in re.finditer(r"\*", expression))


def _multiplies(expression: str, star: int) -> bool:
    """Say whether a star stands behind an operand (or is the second of ``**``), and so means no columns."""
    before = expression[:star].rstrip()[-1:]
    return before.isalnum() or before in tuple("_)]\"'*")


def _arguments(rest: str) -> int:
    """Count the arguments of a call, from what stands behind its opening bracket."""
    depth, count = 1, 1
    for character in rest:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
        if depth == 0:
            break
        count += character == "," and depth == 1
    return count
