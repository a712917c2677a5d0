"""One YAML document from libyaml's events: iterative, bounded in depth and size, every problem with its position.

libyaml's composer recurses in C and dies of 200,000 brackets; its event parser does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ordain.config.scalars import CORE, ScalarError, plain, shown, tagged
from ordain.values.data import Path, Tree

DEEPEST = 100
"""Levels of nesting a document may have, aliases included."""
MOST_NODES = 1_000_000
"""Nodes one document may have."""
MOST_ALIASED = 100_000
"""Nodes that aliases may add to one file."""
RESERVED = frozenset(("$unknown", "$secret", "$int", "$plain"))


class _Skip(str):
    """Stands for a key that was refused: its value is read and dropped."""


_NONE: Final = _Skip("no key yet")
_REFUSED: Final = _Skip("refused")


@dataclass(slots=True, kw_only=True)
class Problem:
    """What is wrong in a document: line and column count from 0, in the document's own text.

    ``path`` is the path of the first of two equal keys.
    """

    code: str
    summary: str
    fix: str
    line: int
    column: int
    path: Path | None = None


@dataclass(slots=True)
class Budget:
    """How many nodes aliases may still add to a file."""

    aliased: int = MOST_ALIASED


@dataclass(slots=True)
class _Frame:
    """A container that is being filled: the key its next value goes to, where it began, its height so far."""

    value: Any
    key: str | None
    anchor: str | None
    nodes: int
    height: int = 1


class Fatal(Exception):
    """Ends a document: nothing after the problem can be trusted."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.summary)
        self.problem = problem


@dataclass(slots=True)
class Walk:
    """Builds the value of one document and collects its problems.

    ``root`` is the value after ``run``. Containers that aliases repeat are the same object.
    """

    budget: Budget
    root: Tree = None
    problems: list[Problem] = field(default_factory=list)
    _frames: list[_Frame] = field(default_factory=list)
    _anchors: dict[str, tuple[Tree, int, int]] = field(default_factory=dict)
    _nodes: int = 0

    def run(self, text: str) -> None:
        """Read ``text``; raise ``Fatal``, or ``yaml.YAMLError`` for what is no YAML."""
        import yaml
        from yaml._yaml import CParser

        scalar, alias = yaml.ScalarEvent, yaml.AliasEvent
        mapping, sequence, end = yaml.MappingStartEvent, yaml.SequenceStartEvent, yaml.StreamEndEvent
        ends = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
        frames = self._frames
        following = CParser(text).get_event
        frame: _Frame | None = None
        value: Any
        while True:
            event: Any = following()
            kind = type(event)
            if kind is scalar:
                self._nodes += 1
                if event.tag or event.anchor:
                    value = self._special(event)
                elif event.style:
                    value = event.value
                    if "\0" in value:
                        self._nul(event)
                else:
                    value = self._plain(event)
            elif kind is mapping or kind is sequence:
                frame = self._open(event, {} if kind is mapping else [])
                continue
            elif kind in ends:
                closed = frames.pop()
                value = self._close(closed)
                frame = frames[-1] if frames else None
            elif kind is alias:
                value = self._alias(event)
            elif kind is end:
                return
            else:
                continue
            if frame is None:
                self.root = value
            elif frame.key is None:
                frame.value.append(value)
            elif frame.key is _NONE:
                frame.key = self._key(value, frame.value, event, kind is scalar)
            else:
                if frame.key is not _REFUSED:
                    frame.value[frame.key] = value
                frame.key = _NONE

    def _open(self, event: Any, value: Any) -> _Frame:
        if len(self._frames) >= DEEPEST:
            self._stop(event, "yaml-too-deep", f"more than {DEEPEST} levels of nesting", "flatten the document")
        if event.tag and event.tag not in ("!", CORE + ("map" if isinstance(value, dict) else "seq")):
            fix = "leave the tag out"
            self._report(event, "yaml-tag", f"the tag {shown(event.tag)} is foreign, or does not fit", fix)
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._stop(event, "yaml-too-large", f"more than {MOST_NODES:,} values in one document", "split it")
        frame = _Frame(value, _NONE if isinstance(value, dict) else None, event.anchor, self._nodes)
        self._frames.append(frame)
        return frame

    def _close(self, frame: _Frame) -> Tree:
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.value, self._nodes - frame.nodes + 1, frame.height)
        if self._frames:
            self._frames[-1].height = max(self._frames[-1].height, frame.height + 1)
        return frame.value  # type: ignore[no-any-return]

    def _plain(self, event: Any) -> Tree:
        try:
            return plain(event.value)
        except ScalarError as error:
            self._report(event, "yaml-number", str(error))
            return None

    def _special(self, event: Any) -> Tree:
        value: Tree
        try:
            value = tagged(event.tag or ("!" if event.style else ""), event.value)
        except ScalarError as error:
            self._report(event, "yaml-tag" if event.tag else "yaml-number", str(error))
            value = None
        if isinstance(value, str) and "\0" in value:
            self._nul(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1, 0)
        return value

    def _nul(self, event: Any) -> None:
        self._report(event, "yaml-control-character", "a NUL character has no place in a value", "leave it out")

    def _alias(self, event: Any) -> Tree:
        name = event.anchor
        if any(frame.anchor == name for frame in self._frames):
            self._stop(event, "yaml-recursive-anchor", f"*{name} stands inside &{name}: it would contain itself")
        if name not in self._anchors:
            fix = f"define &{name} before it is used, in the same document"
            self._report(event, "yaml-unknown-anchor", f"there is no anchor &{name} before *{name}", fix)
            return None
        value, nodes, height = self._anchors[name]
        self._nodes += nodes
        self.budget.aliased -= nodes
        if self.budget.aliased < 0:
            summary = f"aliases blow this file up by more than {MOST_ALIASED:,} values"
            self._stop(event, "yaml-alias-bomb", summary, "repeat less by alias")
        if len(self._frames) + height > DEEPEST:
            self._stop(event, "yaml-too-deep", f"more than {DEEPEST} levels of nesting", "flatten the document")
        if self._frames:
            self._frames[-1].height = max(self._frames[-1].height, height + 1)
        return value

    def _key(self, value: Any, container: dict[str, Tree], event: Any, is_scalar: bool) -> str:
        if type(value) is not str:
            spelled = repr(event.value) if is_scalar else "a list or mapping"
            summary = f"a key must be text, and {spelled} is not" if is_scalar else f"{spelled} cannot be a key"
            self._report(event, "yaml-key", summary, f'quote it: "{event.value}"' if is_scalar else "write a text key")
            return _REFUSED
        if value in container:
            self._report(event, "yaml-duplicate-key", f"the key {value!r} stands here twice", "keep one of the two")
            self.problems[-1].path = (*self._path(), value)
            return _REFUSED
        if value in RESERVED or (value == "<<" and not event.style):
            why = "is reserved" if value in RESERVED else "merges are YAML 1.1, which is not read here"
            self._report(event, "yaml-reserved-key", f"{value!r}: this key {why}", "choose another key")
            return _REFUSED
        return value

    def _path(self) -> Path:
        return tuple(len(f.value) if f.key is None else f.key for f in self._frames[:-1])

    def _report(self, event: Any, code: str, summary: str, fix: str = "") -> None:
        mark = event.start_mark
        self.problems.append(Problem(code=code, summary=summary, fix=fix, line=mark.line, column=mark.column))

    def _stop(self, event: Any, code: str, summary: str, fix: str = "") -> None:
        self._report(event, code, summary, fix)
        raise Fatal(self.problems.pop())
