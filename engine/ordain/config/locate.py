"""Finds the position of a path again, by parsing the document's text once more (only when somebody asks)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from ordain.config.events import DEEPEST
from ordain.values.data import Path
from ordain.values.span import Source, Span

_Place: TypeAlias = tuple[int, int, int, int]
"""Line and column of the value, line and column of the key; counted from 0."""
_LONGEST_LINE = 400
# What ``kind:`` and ``name:`` look like in nearly every document: on lines of their own, after nothing but lines that
# are as simple. Anything that could make "name:" mean something else (a quote, a bracket, an indented line) is refused.
_SIMPLE = re.compile(
    r"""(?:---[ ]*\n)?
    (?:[ ]*(?:\#[^\n]*)?\n|(?!name:)[A-Za-z_]+:[ ]+[A-Za-z0-9_][\w./@-]*[ ]*(?:[ ]\#[^\n]*)?\n)*
    (?P<key>name):[ ]+(?P<value>[A-Za-z0-9])""",
    re.VERBOSE,
)


def locate(source: Source, path: Path) -> Span:
    """Return where the value at ``path`` stands (the document's start for ``()``).

    A missing path gives its nearest existing parent's key (its value, where that stands for a list of itself), an
    overlaid one the place in the document that set it.
    """
    return _find(source, path, key=False)


def locate_key(source: Source, path: Path) -> Span:
    """Return where the key of ``path`` stands (for a list item: the item)."""
    return _find(source, path, key=True)


def snippet(source: Source, span: Span) -> str:
    """Return the line of text at ``span``, which lies in ``source`` or in an overlay of it; "" where it does not."""
    for one in (source, *(overlay.source for overlay in source.overlays)):
        if one.file == span.file and 0 <= span.line - one.line <= one.text.count("\n"):
            line = one.text.split("\n")[span.line - one.line].rstrip()
            return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "…"
    return ""


def line_and_text(source: Source, path: Path) -> tuple[Span, Source]:
    """Return where the value at ``path`` stands, and the source whose text holds it."""
    owner, inner = _owner(source, path)
    return _find(owner, inner, key=False), owner


def _owner(source: Source, path: Path) -> tuple[Source, Path]:
    best = max(
        (overlay for overlay in source.overlays if path[: len(overlay.path)] == overlay.path),
        key=lambda overlay: len(overlay.path),
        default=None,
    )
    if best is None:
        return source, path
    return _owner(best.source, best.inner + path[len(best.path) :])


def _find(source: Source, path: Path, *, key: bool) -> Span:
    if source.overlays:
        source, path = _owner(source, path)
    if path == ("name",):
        found = _SIMPLE.match(source.text)
        if found is not None:
            start = found.start("key" if key else "value")
            line, before = source.text.count("\n", 0, start), source.text.rfind("\n", 0, start)
            return Span(file=source.file, line=source.line + line, column=start - before)
    if not path:
        line, column = _start(source.text)
        return Span(file=source.file, line=source.line + line, column=column + 1)
    places = _places(source.text)
    given = path
    while path and path not in places:
        path = path[:-1]
    if not path:
        line, column = _start(source.text)
    else:
        place = places[path]
        listed = given[len(path) :] == (0,) and (*path, 0) not in places  # one value, written where a list may be
        line, column = place[:2] if not key and (path == given or listed) else place[2:]
    return Span(file=source.file, line=source.line + line, column=column + 1)


def _start(text: str) -> tuple[int, int]:
    """Return where the first token of a document stands."""
    for number, line in enumerate(text.split("\n")):
        rest = line[3:] if not number and line.startswith("---") else line
        stripped = rest.lstrip(" \t")
        if stripped and stripped[0] not in "#%" and stripped != "---":
            return number, len(line) - len(stripped)
    return 0, 0


@lru_cache(maxsize=256)
def _places(text: str) -> Mapping[Path, _Place]:
    """Return the place of each path of a document, up to its first syntax error; the first of equal keys wins."""
    import yaml

    places: dict[Path, _Place] = {}
    try:
        _walk(text, places)
    except yaml.YAMLError:
        return places
    return places


def _walk(text: str, places: dict[Path, _Place]) -> None:
    import yaml
    from yaml._yaml import CParser

    following = CParser(text).get_event
    starts, ends = (yaml.MappingStartEvent, yaml.SequenceStartEvent), (yaml.MappingEndEvent, yaml.SequenceEndEvent)
    open_: list[_Open] = []
    while True:
        event: Any = following()
        kind = type(event)
        if kind is yaml.StreamEndEvent or len(open_) > DEEPEST:
            return
        if kind in ends:
            open_.pop()
            continue
        if kind is not yaml.ScalarEvent and kind is not yaml.AliasEvent and kind not in starts:
            continue
        line, column = event.start_mark.line, event.start_mark.column
        path: Path = ()
        if open_:
            top = open_[-1]
            if top.count is not None:
                path = (*top.path, top.count)
                top.count += 1
                places.setdefault(path, (line, column, line, column))
            elif top.key is None:
                top.key = (str(getattr(event, "value", "")), line, column)
                path = (*top.path, "")  # of a list or mapping that is a key: read past it
            else:
                (name, *place), top.key = top.key, None
                path = (*top.path, name)
                places.setdefault(path, (line, column, place[0], place[1]))
        if kind in starts:
            open_.append(_Open(path, 0 if kind is yaml.SequenceStartEvent else None))


@dataclass(slots=True)
class _Open:
    """A container that is being walked: items so far (None in a mapping), the key whose value comes next."""

    path: Path
    count: int | None
    key: tuple[str, int, int] | None = None
