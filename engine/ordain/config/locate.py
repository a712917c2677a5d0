"""Finds the position of a path again, by parsing the document's text once more (only when somebody asks)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from ordain.config.events import DEEPEST
from ordain.expr.blueprints import VALUE
from ordain.values.data import Path
from ordain.values.span import Expansion, Source, Span

_Place: TypeAlias = tuple[int, int, int, int]
"""Line and column of the value, line and column of the key; counted from 0."""
_LONGEST_LINE = 400
_WHOLE = re.compile(rf"""(?P<quote>["']?){VALUE.pattern}(?P=quote)[ \t]*(?:$|[ \t]\#|[,\]}}])""")
"""A value's mark, and nothing else of the same scalar."""
# What ``kind:`` and ``name:`` look like in nearly every document: on lines of their own, after nothing but lines that
# are as simple. Anything that could make "name:" mean something else (a quote, a bracket, an indented line) is refused.
# The name may begin with the mark of a value that was given to a blueprint.
_SIMPLE = re.compile(
    r"""(?:---[ ]*\n)?
    (?:[ ]*(?:\#[^\n]*)?\n|(?!name:)[A-Za-z_]+:[ ]+[A-Za-z0-9_][\w./@-]*[ ]*(?:[ ]\#[^\n]*)?\n)*
    (?P<key>name):[ ]+(?P<value>[A-Za-z0-9]|\ue002)""",
    re.VERBOSE,
)


def locate(source: Source, path: Path) -> Span:
    """Return where the value at ``path`` stands (the document's start for ``()``).

    A missing path gives its nearest existing parent's key (its value, where that stands for a list of itself), an
    overlaid one the place in the document that set it, a parameter's value the caller's line.
    """
    return _find(source, path, key=False)


def locate_key(source: Source, path: Path) -> Span:
    """Return where the key of ``path`` stands (for a list item: the item)."""
    return _find(source, path, key=True)


def snippet(source: Source, span: Span) -> str:
    """Return the line of text at ``span``, which lies in ``source``, in an overlay of it, or in who used it.

    "" where it lies in none of them.
    """
    for one in (source, *(overlay.source for overlay in source.overlays)):
        expansion = one.expansion
        text, first = (one.text, one.line) if expansion is None else (expansion.body, 1)
        if one.file == span.file and 0 <= span.line - first <= text.count("\n"):
            line = text.split("\n")[span.line - first].rstrip()
            return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "…"
        if expansion is not None and (found := snippet(expansion.caller, span)):
            return found
    return ""


def position(source: Source, path: Path) -> tuple[Source, int, int]:
    """Return the source whose text holds the value at ``path``, and its line and column there, counted from 0."""
    owner, inner = _owner(source, path)
    expansion = owner.expansion
    given = None if expansion is None else _given(owner, expansion, inner)
    if expansion is not None and given is not None:
        return position(expansion.caller, given)
    return owner, *_within(owner, inner, key=False)


def span_at(source: Source, line: int, column: int) -> Span:
    """Return the place in a file of a line and column of a source's text, both counted from 0."""
    expansion = source.expansion
    if expansion is None:
        return Span(file=source.file, line=source.line + line, column=column + 1)
    number = expansion.lines[line]
    text, body = source.text.split("\n")[line], expansion.body.split("\n")[number - 1]
    if text[:column] != body[:column]:  # something was written into the line before
        column = len(body) - len(body.lstrip())
    return Span(file=source.file, line=number, column=column + 1)


def counterpart(source: Source, path: Path, *, key: bool) -> tuple[tuple[Span, str], ...]:
    """Return the other of the two places that a path in an expanded document has, with a word on it.

    Where ``locate`` gives the blueprint's line, that is the caller's, and the other way round; none for a document
    that stands in a file as it is.
    """
    owner, inner = _owner(source, path)
    expansion = owner.expansion
    if expansion is None:
        return ()
    if key or _given(owner, expansion, inner) is None:
        return used(owner)
    return ((span_at(owner, *_within(owner, inner, key=False)), "written here"),)


def used(source: Source) -> tuple[tuple[Span, str], ...]:
    """Return the place that used the blueprint a document comes of, with a word on it; none where it comes of none."""
    if source.expansion is None:
        return ()
    return ((locate_key(source.expansion.caller, ("use",)), "used here"),)


def _given(source: Source, expansion: Expansion, path: Path) -> Path | None:
    """Return where in its caller the value at ``path`` of an expanded document was given; None where it was not.

    It was where the value is a parameter's and nothing else (or lies inside such a value).
    """
    outer, simple = path, _simple_name(source.text, key=False) if path == ("name",) else None
    if simple is not None:
        line, column = simple
    else:
        places = _places(source.text, expansion.texts)
        while outer and outer not in places:
            outer = outer[:-1]
        if not outer:
            return None
        line, column = places[outer][:2]
    name = expansion.parameters[line]
    if not name or not _WHOLE.match(source.text.split("\n")[line], column):
        return None
    given: Path = ("name",) if name == "name" else ("with", name)
    return (*given, *path[len(outer) :]) if given in _places(expansion.caller.text) else None


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
    expansion = source.expansion
    if expansion is not None and not key:
        given = _given(source, expansion, path)
        if given is not None:
            return _find(expansion.caller, given, key=False)
    return span_at(source, *_within(source, path, key=key))


def _within(source: Source, path: Path, *, key: bool) -> tuple[int, int]:
    """Return the line and the column of a path in a source's own text, counted from 0."""
    simple = _simple_name(source.text, key=key) if path == ("name",) else None
    if simple is not None:
        return simple
    if not path:
        return _start(source.text)
    places = _places(source.text, source.expansion.texts if source.expansion is not None else ())
    given = path
    while path and path not in places:
        path = path[:-1]
    if not path:
        return _start(source.text)
    place = places[path]
    listed = given[len(path) :] == (0,) and (*path, 0) not in places  # one value, written where a list may be
    return place[:2] if not key and (path == given or listed) else place[2:]


def _start(text: str) -> tuple[int, int]:
    """Return where the first token of a document stands."""
    for number, line in enumerate(text.split("\n")):
        rest = line[3:] if not number and line.startswith("---") else line
        stripped = rest.lstrip(" \t")
        if stripped and stripped[0] not in "#%" and stripped != "---":
            return number, len(line) - len(stripped)
    return 0, 0


def _simple_name(text: str, *, key: bool) -> tuple[int, int] | None:
    """Return the line and the column of ``name``, counted from 0; None where that takes more than a look."""
    found = _SIMPLE.match(text)
    if found is None:
        return None
    start = found.start("key" if key else "value")
    return text.count("\n", 0, start), start - text.rfind("\n", 0, start) - 1


@lru_cache(maxsize=256)
def _places(text: str, texts: tuple[str, ...] = ()) -> Mapping[Path, _Place]:
    """Return the place of each path of a document, up to its first syntax error; the first of equal keys wins.

    ``texts`` spell the values whose marks stand in keys.
    """
    import yaml

    places: dict[Path, _Place] = {}
    try:
        _walk(text, places)
    except yaml.YAMLError:
        return places if not texts else _spelled(places, texts)
    return places if not texts else _spelled(places, texts)


def _spelled(places: Mapping[Path, _Place], texts: tuple[str, ...]) -> Mapping[Path, _Place]:
    def spell(step: str | int) -> str | int:
        return VALUE.sub(lambda mark: texts[int(mark[1])], step) if isinstance(step, str) else step

    found: dict[Path, _Place] = {}
    for path, place in places.items():
        found.setdefault(tuple(map(spell, path)), place)
    return found


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
