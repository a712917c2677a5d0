"""The layout of a YAML file, made the same everywhere: what ``ordain fmt`` does to a text. Pure.

Only white space at the ends of lines, blank lines and the order of a document's own keys change; every other character
stays as it was written, comments, quotes and anchors with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ordain.config.sameness import documents, events, same

ORDER = (
    "kind", "use", "name", "format", "description", "owner", "labels", "lifecycle", "depends_on", "run", "for_each",
    "with", "spec",
)  # fmt: skip
"""The order of a document's own keys; others follow as they stand."""
_DASHES = re.compile(r"-(?: +|$)")
_KEEPS = re.compile(r"[|>][0-9]?\+[0-9]? *(?: #.*)?$")
"""The header of block text that keeps the blank lines at its end."""
_HEADER = re.compile(r"[|>]([0-9+-]*)")
_STEP = 2


def formatted(text: str) -> str:
    """Return ``text`` (valid YAML, line feeds only) laid out as every file of a project is.

    A document that is no mapping in block style, or uses directives or ``?``, stays as it is.
    """
    if re.search("^%", text, re.MULTILINE):
        return text
    pieces: list[list[str]] = []
    for marker, body in documents(text.split("\n")):
        lines = _tidy(body) if _is_odd(marker, body) else _document(body)
        if marker or pieces:
            lines = [marker.rstrip(), *lines]
        pieces.append(lines)
    while len(pieces) > 1 and pieces[0] == [] and pieces[1][0] == "---":
        pieces = [pieces[1][1:], *pieces[2:]]  # nothing needs a marker before the first document
    lines = [line for piece in pieces for line in piece]
    whole = "\n".join(lines) + "\n" if lines else ""
    # Block text at the end of a file means something else with a line feed behind it.
    return whole if text.endswith("\n") or same(text, whole) else whole[:-1]


def _is_odd(marker: str, body: Sequence[str]) -> bool:
    rest = marker[3:].strip()
    if marker.startswith("...") or (rest and not rest.startswith("#")):
        return True
    return any(re.match(r" *(?:- +)*[?:](?: |$)", line) for line in body)


def _tidy(lines: Sequence[str]) -> list[str]:
    """Leave lines as they are, but for blank ones at the end."""
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


@dataclass(slots=True)
class _Outline:
    """What the events say of a document's lines (from 0).

    ``keys``: where keys of block mappings begin. ``inside``: lines that continue what began on another: the line it
    began on, and what it is: ``|`` block text, ``'`` text in quotes, ``[`` a flow collection, "" plain text.
    ``aliases``: there are some. ``block``: the document is a mapping in block style.
    """

    keys: set[tuple[int, int]] = field(default_factory=set)
    inside: dict[int, tuple[int, str]] = field(default_factory=dict)
    aliases: bool = False
    block: bool = False


def _outline(text: str) -> _Outline:
    import yaml

    found = _Outline()
    frames: list[list[Any]] = []  # of each open collection: is it a block mapping, does a key come next, its start
    for event in events(text):
        kind = type(event)
        if kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            _, _, start, flow = frames.pop()
            if flow:
                _cover(found, start, event.end_mark, "[")
            continue
        if kind not in (yaml.ScalarEvent, yaml.AliasEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent):
            continue
        if frames and frames[-1][1] is not None:
            if frames[-1][0] and frames[-1][1]:
                found.keys.add((event.start_mark.line, event.start_mark.column))
            frames[-1][1] = not frames[-1][1]
        if kind is yaml.AliasEvent:
            found.aliases = True
        elif kind is yaml.ScalarEvent:
            style = "|" if event.style in ("|", ">") else "'" if event.style else ""
            _cover(found, event.start_mark, event.end_mark, style)
        else:
            mapping = kind is yaml.MappingStartEvent
            found.block = found.block or (not frames and mapping and not event.flow_style)
            frames.append(
                [mapping and not event.flow_style, True if mapping else None, event.start_mark, event.flow_style]
            )
    return found


def _cover(found: _Outline, start: Any, end: Any, what: str) -> None:
    last = end.line if end.column or what != "|" else end.line - 1
    for number in range(start.line + 1, last + 1):
        if what == "[" or number not in found.inside:
            found.inside[number] = (start.line, what)


@dataclass(frozen=True, slots=True)
class _Level:
    """An open block collection: its column as written and as it will be, and whether it is a list."""

    old: int
    new: int
    listed: bool


def _document(body: Sequence[str]) -> list[str]:
    """Return a document's lines, laid out."""
    outline = _outline("\n".join(body))
    if not outline.block:
        return (
            _tidy(body)
            if any(line.strip() and not line.lstrip().startswith("#") for line in body)
            else _spaced([line.strip() for line in body], set())
        )
    laid, kept = _indented(body, outline)
    root = min(column for _, column in outline.keys)
    heads = [number for number, column in sorted(outline.keys) if column == root]
    bound = outline.aliases or _keeps_what_follows(body, outline, heads)
    if not bound and any(_key(body[head]) in ("kind", "use") for head in heads):
        laid, kept = _ordered(laid, kept, heads, body)
    return _spaced(laid, kept)


def _keeps_what_follows(body: Sequence[str], outline: _Outline, heads: Sequence[int]) -> bool:
    """Say whether one of the document's own keys ends in a text to which blank lines behind it would belong."""
    for number, (began, what) in outline.inside.items():
        if what == "|" and number + 1 not in outline.inside and _KEEPS.search(body[began]):
            behind = (index for index in range(number + 1, len(body)) if body[index].strip(" ")[:1] not in ("", "#"))
            if next(behind, heads[0]) in heads:
                return True
    return False


def _indented(body: Sequence[str], outline: _Outline) -> tuple[list[str], set[int]]:
    """Return the lines with their new indentation, and which of them are parts of texts, to be left alone."""
    out: list[str] = []
    kept: set[int] = set()
    levels: list[_Level] = []
    number = 0
    while number < len(body):
        line = body[number]
        text = line.strip(" ")
        if number in outline.inside:
            began, what = outline.inside[number]
            last = number
            while outline.inside.get(last + 1) == (began, what):
                last += 1
            block = list(body[number : last + 1])
            if what == "|":
                block, extra = _block_text(block, body[began], levels[-1])
                kept |= {number + index for index in range(len(block) - extra)}
            else:
                block = _continued(block, what, levels[-1].new)
                kept |= set(range(number, last + 1))
            out += block
            number = last + 1
            continue
        if not text or text.startswith("#"):
            out.append(" " * _of_comment(body, number, levels, outline) + text.rstrip() if text else "")
        else:
            out.append(_structural(line, number, levels, outline))
        number += 1
    return out, kept


def _structural(line: str, number: int, levels: list[_Level], outline: _Outline) -> str:
    """Return a line that begins keys or items, and bring the levels up to date."""
    column = len(line) - len(line.lstrip(" "))
    prefix = ""
    indent: int | None = None
    while True:
        dash = _DASHES.match(line, column)
        is_key = (number, column) in outline.keys
        if dash is None and not is_key:
            at = (levels[-1].new + _STEP) if levels else 0
            break
        at = _enter(levels, column, dash is not None and not is_key)
        if indent is None:
            indent = at
        if is_key or dash is None or dash.end() >= len(line.rstrip()):
            break
        prefix += "- "
        column = dash.end()
    rest = line[column:]
    return " " * (at if indent is None else indent) + prefix + rest.rstrip()


def _enter(levels: list[_Level], column: int, listed: bool) -> int:
    """Return the new column of a key or dash at ``column``; the levels end with the collection it belongs to."""
    while levels and (levels[-1].old > column or (levels[-1].old == column and levels[-1].listed and not listed)):
        levels.pop()
    if not levels or levels[-1].old < column or levels[-1].listed != listed:
        levels.append(_Level(column, levels[-1].new + _STEP if levels else 0, listed))
    return levels[-1].new


def _of_comment(body: Sequence[str], number: int, levels: Sequence[_Level], outline: _Outline) -> int:
    """Return the indentation of a comment: that of the line below, or of what it ends."""
    column = len(body[number]) - len(body[number].lstrip(" "))
    following, new = -1, 0
    for index in range(number + 1, len(body)):
        text = body[index].strip()
        if text and not text.startswith("#") and index not in outline.inside:
            following = len(body[index]) - len(body[index].lstrip(" "))
            ahead = list(levels)
            line = _structural(body[index], index, ahead, outline)
            new = len(line) - len(line.lstrip(" "))
            break
    if column <= following:
        return new
    for level in levels:
        if level.old == column > following:
            return level.new
    inner = [level.new for level in levels if following < level.old < column]
    return inner[-1] if inner else new


def _block_text(lines: list[str], header: str, level: _Level) -> tuple[list[str], int]:
    """Return block text at its new indentation, and how many blank lines at its end do not belong to it."""
    found = [match for match in _HEADER.finditer(header) if not header[match.end() :].split("#")[0].strip()]
    indicator = found[-1][1] if found else ""
    extra = 0
    if "+" not in indicator:
        while extra < len(lines) and not lines[len(lines) - 1 - extra].strip(" "):
            extra += 1
    words = [line for line in lines if line.strip(" ")]
    base = min((len(line) - len(line.lstrip(" ")) for line in words), default=0)
    shift = level.new - level.old if re.search("[0-9]", indicator) else level.new + _STEP - base
    moved = [_moved(line, shift, base) for line in lines]
    return moved, extra


def _moved(line: str, shift: int, base: int) -> str:
    if not line.strip(" ") and len(line) <= base:
        return ""
    return " " * shift + line if shift >= 0 else line[-shift:]


def _continued(lines: Sequence[str], what: str, owner: int) -> list[str]:
    """Return the further lines of a text in quotes, a plain text or a flow collection."""
    if what != "[":
        return [" " * (owner + _STEP) + line.lstrip(" ") if line.strip(" ") else "" for line in lines]
    words = [line for line in lines if line.strip(" ")]
    least = min((len(line) - len(line.lstrip(" ")) for line in words), default=0)
    closes = any(line[least] in "]}" for line in words)
    start = owner + (0 if closes else _STEP)
    return [" " * (start + len(line) - len(line.lstrip(" ")) - least) + line.lstrip(" ") if line.strip(" ") else ""
            for line in lines]  # fmt: skip


def _ordered(lines: list[str], kept: set[int], heads: Sequence[int], body: Sequence[str]) -> tuple[list[str], set[int]]:
    """Return the lines with the document's own keys in order; comments right above a key go with it.

    What stands above the first key is about the document, and stays.
    """
    starts = []
    for head in heads[1:]:
        start = head
        while start > 0 and start - 1 not in kept and (not lines[start - 1] or lines[start - 1].startswith("#")):
            start -= 1
        starts.append(start)
    bounds = [heads[0], *starts, _end(lines, kept, heads[-1])]
    pieces = list(zip(bounds, bounds[1:], heads, strict=False))
    ranked = sorted(pieces, key=lambda piece: _rank(body[piece[2]]))
    if ranked == pieces:
        return lines, kept
    out = list(lines[: heads[0]])
    now: set[int] = set()
    for start, end, _ in ranked:
        now |= {number - start + len(out) for number in kept if start <= number < end}
        out += lines[start:end]
    return [*out, *lines[bounds[-1] :]], now


def _end(lines: Sequence[str], kept: set[int], last: int) -> int:
    """Return where the last key's lines end: comments in column 1 behind it are the document's."""
    end = len(lines)
    while end - 1 > last and end - 1 not in kept and (not lines[end - 1] or lines[end - 1].startswith("#")):
        end -= 1
    return end


def _rank(line: str) -> int:
    key = _key(line)
    return ORDER.index(key) if key in ORDER else len(ORDER)


def _key(line: str) -> str:
    return line.split(":")[0].strip(" \"'")


def _spaced(lines: Sequence[str], kept: set[int]) -> list[str]:
    """Return the lines with no more than one blank line in a row, and none at either end."""
    out: list[str] = []
    fixed = 0
    for number, line in enumerate(lines):
        if line or number in kept or (out and out[-1]):
            out.append(line)
        if number in kept:
            fixed = len(out)
    while len(out) > fixed and not out[-1]:
        out.pop()
    return out
