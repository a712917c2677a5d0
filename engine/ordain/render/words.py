"""Values in words: what the faces share when they show a value, a position, a duration or a text of a stranger."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from ordain.values.data import Path, Secret, Tree, Unknown, path_text
from ordain.values.span import Span

KNOWN_LATER = "(known after apply)"
SECRET = "(secret)"
ABSENT = "(none)"
_PLAIN = re.compile(r"[^\s\"'{}\[\],#:(](?:[^\s\"'{}\[\],#]*[^\s\"'{}\[\],#:])?")
_SCALAR_LIKE = re.compile(r"(?i)true|false|null|none|~|[-+.]?\d[\d_.e+-]*")
# Control characters move the cursor or recolour the terminal, bidirectional marks reorder what stands on a line;
# a plan shows text of strangers, so both are spelled out.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_SPELLED = {"\n": "⏎", "\r": "", "\t": " "}


def clean(text: str) -> str:
    """Return ``text`` on one line, with every character that could deceive a terminal's reader spelled out."""
    return _UNSAFE.sub(lambda m: _SPELLED.get(m[0], f"\\u{ord(m[0]):04x}"), text)


def cut(text: str, limit: int) -> str:
    """Return ``text``, or its beginning and an ellipsis where it is longer than ``limit`` characters."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def value_text(value: Tree, limit: int = 60) -> str:
    """Spell a value as YAML would in one line; unknown and secret leaves by what they are, never by their text."""
    return cut(_spell(value, limit + 1), limit)


def _spell(value: Tree, room: int) -> str:
    if isinstance(value, Unknown):
        return KNOWN_LATER
    if isinstance(value, Secret):
        return SECRET
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value}"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        pairs = (f"{clean(str(key))}: {_spell(item, room)}" for key, item in value.items())
        return "{" + _joined(pairs, room) + "}"
    return "[" + _joined((_spell(item, room) for item in value), room) + "]"


def _string(text: str) -> str:
    safe = clean(text)
    if _PLAIN.fullmatch(text) and not _SCALAR_LIKE.fullmatch(text) and safe == text:
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    return '"' + clean(text).replace('"', '\\"') + '"'


def _joined(parts: object, room: int) -> str:
    """Join until the room is used up: a list of a million items is not spelled out to be cut afterwards."""
    out: list[str] = []
    length = 0
    for part in parts:  # type: ignore[attr-defined]
        out.append(part)
        length += len(part) + 2
        if length > room:
            break
    return ", ".join(out)


def pair_text(before: Tree, after: Tree, limit: int = 60) -> str:
    """Spell ``before → after``; where both are long and begin alike, from where they begin to differ."""
    if isinstance(before, Secret) and isinstance(after, Secret):
        return f"{SECRET} → (another secret)"
    old, new = _spell(before, 4000), _spell(after, 4000)
    if isinstance(before, str) and isinstance(after, str) and '"' in (old[0], new[0]):
        old, new = _quoted(before), _quoted(after)
    if max(len(old), len(new)) > limit:
        start = _common(old, new)
        if start > limit // 3:
            old, new = "…" + old[start - 8 :], "…" + new[start - 8 :]
    return f"{cut(old, limit)} → {cut(new, limit)}"


def _common(old: str, new: str) -> int:
    length = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        length += 1
    return length


def where(at: Span | None, *, column: bool = False) -> str:
    """Spell a position as ``file:line`` (with ``column``: ``file:line:column``); "" for none."""
    if at is None:
        return ""
    return clean(f"{at.file}:{at.line}:{at.column}" if column else f"{at.file}:{at.line}")


def field_name(path: Path) -> str:
    """Spell the path of a field as people know it: without the ``spec`` it stands under."""
    inner = path[1:] if len(path) > 1 and path[0] == "spec" else path
    return clean(path_text(inner)) or "spec"


def seconds_text(seconds: float) -> str:
    """Spell a duration in seconds: ``0.4 s``, ``8 s``, ``2 min 5 s``, ``3 h 10 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    minutes = round(seconds / 60)
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


def number_text(value: float) -> str:
    """Spell a number for people: integers with thousands separators, others with four significant digits."""
    if isinstance(value, int):
        return f"{value:,}"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}"


def count(number: int, one: str, many: str = "") -> str:
    """Spell a count: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(items: Sequence[str]) -> str:
    """Spell a list in words: ``a, b and c``."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1] if items else ""


def cells(text: str) -> int:
    """Return how many columns a text takes in a terminal: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def pad(text: str, width: int) -> str:
    """Return ``text`` with spaces up to ``width`` columns of a terminal."""
    return text + " " * (width - cells(text))
