"""Puts the values of a blueprint in the place of their marks, once the YAML around them is parsed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from ordain.expr import sandbox
from ordain.expr.blueprints import VALUE, literal
from ordain.expr.errors import ExpressionError
from ordain.expr.syntax import OPEN, closing
from ordain.values.data import Leaf, Path, Secret, Tree, Unknown, replace_leaves

Leaves = (Unknown, Secret)
_PLAIN_NAME = re.compile(r"[\w-]*", re.ASCII)
Wrong: TypeAlias = Callable[[Path, str, bool], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """Puts values in the place of their marks in a parsed document.

    ``wrong`` hears what cannot be, with its path and whether the key there is meant.
    """

    values: Sequence[Tree]
    wrong: Wrong

    def tree(self, tree: Tree, path: Path = ()) -> Tree:
        """Return ``tree`` with its values. A scalar that is one mark becomes the value; in text it is spelled out."""
        if isinstance(tree, str):
            return self._scalar(tree, path)
        if isinstance(tree, Mapping):
            found: dict[str, Tree] = {}
            for marked, value in tree.items():
                key = self._key(marked, path)
                if key in found:
                    self.wrong((*path, key), f"the key {key!r} stands here twice", True)
                found[key] = self.tree(value, (*path, key))
            return found
        if isinstance(tree, list):
            return [self.tree(value, (*path, index)) for index, value in enumerate(tree)]
        return tree

    def _key(self, key: str, path: Path) -> str:
        whole = VALUE.fullmatch(key)
        value = self.values[int(whole[1])] if whole else key
        if not isinstance(value, str):
            self.wrong((*path, text_of(value)), f"a key must be text, and {text_of(value)[:60]} is not", True)
            return text_of(value)
        return value if whole else VALUE.sub(lambda match: text_of(self.values[int(match[1])]), key)

    def _scalar(self, text: str, path: Path) -> Tree:
        whole = VALUE.fullmatch(text)
        if whole:
            return _data(self.values[int(whole[1])])
        if not VALUE.search(text):
            return text
        inside = list(_expressions(text))
        pieces: list[str] = []
        position = 0
        for match in VALUE.finditer(text):
            value = self.values[int(match[1])]
            literal = text[position : match.start()]
            position = match.end()
            if any(start < match.start() < end for start, end in inside):
                piece = text_of(value)
                if value is None or not _PLAIN_NAME.fullmatch(piece):
                    said = f"a value inside `${{{{ }}}}` must be a plain name or number, and {piece[:60]} is not"
                    self.wrong(path, said, False)
                    piece = "x"
            elif value is None:
                self.wrong(path, "a value inside text cannot be null", False)
                piece = ""
            else:
                piece = _spelled(value)
            pieces += (literal, piece)
        pieces.append(text[position:])
        filled = "".join(pieces)
        escaped = any(before[-1:] == "$" and after.startswith(OPEN) for before, after in pairwise(filter(None, pieces)))
        if escaped or filled.count(OPEN) != sum(piece.count(OPEN) for piece in pieces):
            self.wrong(path, "a value and the text beside it would make an expression together", False)
        return filled


def text_of(value: Tree) -> str:
    """Spell a value as the text of a key."""
    return value.expression if isinstance(value, Leaves) else sandbox.text(replace_leaves(value, _expression))


def _spelled(value: Tree) -> str:
    if isinstance(value, Leaves):
        return value.expression
    return literal(value) if isinstance(value, str) else sandbox.text(_data(value))


def _data(value: Tree) -> Tree:
    """Return a value as a document holds it: its texts escaped, what is known later as its expression."""
    if isinstance(value, str):
        return value.replace(OPEN, "$" + OPEN)
    if isinstance(value, Leaves):
        return value.expression
    if isinstance(value, Mapping):
        return {key: _data(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_data(item) for item in value]
    return value


def _expression(leaf: Leaf) -> str:
    return leaf.expression


def _expressions(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each ``${{ }}`` of a text begins and ends; one that is never closed lasts to the end."""
    position = 0
    while (start := text.find(OPEN, position)) >= 0:
        position = start + len(OPEN)
        if start and text[start - 1] == "$":
            continue
        try:
            position = closing(text, start)
        except ExpressionError:
            position = len(text)
        yield start, position
