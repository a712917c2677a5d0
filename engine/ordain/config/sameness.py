"""Whether two texts of a YAML file say the same: mean the same, and have the same comments. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ordain.config.events import Budget, Fatal, Walk
from ordain.values.data import Tree

_MARKER = re.compile(r"(---|\.\.\.)(?=[ \t]|$)")


def same(before: str, after: str) -> bool:
    """Say whether two texts mean the same and have the same comments."""
    import yaml

    try:
        return before == after or (_meaning(before) == _meaning(after) and comments(before) == comments(after))
    except (yaml.YAMLError, Fatal, ValueError):
        return False


def _meaning(text: str) -> list[str]:
    found: list[str] = []
    for marker, body in documents(text.split("\n")):
        walk = Walk(Budget())
        walk.run("\n".join([marker, *body]))
        if walk.problems:
            raise ValueError(walk.problems[0].summary)
        found += _spelled(walk.root)
    return found


def _spelled(root: Tree) -> list[str]:
    """Spell a document; the order of its own keys means nothing, that of others does to whoever reads them."""
    if root is None:
        return []
    return [repr(sorted(root.items()) if isinstance(root, dict) else root)]


def comments(text: str) -> list[str]:
    """Return the texts of all comments, sorted."""
    import yaml

    found: list[str] = []
    for marker, body in documents(text.split("\n")):
        lines = [marker, *body]
        covered = _scalars(lines, yaml)
        for number, line in enumerate(lines):
            start = _comment(line, covered.get(number, []))
            if start is not None:
                found.append(line[start:].rstrip())
    return sorted(found)


def _scalars(lines: Sequence[str], yaml: Any) -> dict[int, list[tuple[int, int]]]:
    """Return by line which columns scalars cover."""
    covered: dict[int, list[tuple[int, int]]] = {}
    for event in events("\n".join(lines)):
        if isinstance(event, yaml.ScalarEvent):
            start, end = event.start_mark, event.end_mark
            block = event.style in ("|", ">")
            for number in range(start.line, end.line + 1):
                if block and number == start.line:
                    continue  # a comment may follow the header
                first = start.column if number == start.line else 0
                last = end.column if number == end.line else len(lines[number]) if number < len(lines) else 0
                covered.setdefault(number, []).append((first, last))
    return covered


def _comment(line: str, covered: Sequence[tuple[int, int]]) -> int | None:
    for match in re.finditer(r"(?:^|(?<=[ \t]))#", line):
        if not any(first <= match.start() < last for first, last in covered):
            return match.start()
    return None


def documents(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each document's marker line ("" for the first, where it has none) and the lines behind it.

    After a line feed there is one more line, be it empty.
    """
    marker, body = "", list[str]()
    for line in lines:
        if _MARKER.match(line):
            yield marker, [*body, ""]
            marker, body = line, []
        else:
            body.append(line)
    yield marker, body


def events(text: str) -> Iterator[Any]:
    import yaml
    from yaml._yaml import CParser

    following = CParser(text).get_event
    while True:
        event = following()
        yield event
        if type(event) is yaml.StreamEndEvent:
            return
