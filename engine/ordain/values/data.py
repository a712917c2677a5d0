"""The data that specs, outputs and facts are made of: JSON, and JSON with leaves that are not known yet.

Containers are typed read-only (``Mapping``, ``Sequence``): whoever needs another value builds another value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import is_not
from typing import Any, TypeAlias

from ordain.values.address import Reference

Scalar: TypeAlias = bool | int | float | str | None
Json: TypeAlias = Scalar | Sequence["Json"] | Mapping[str, "Json"]
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A leaf that is computed when its references are known: the text as written and the outputs it reads."""

    expression: str
    refs: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A leaf whose text never enters a value: the expression, the secrets it names, a keyed digest of the result.

    ``names`` are ``secret.NAME`` or ``var.name``; ``digest`` is None where the secret was not at hand.
    """

    expression: str
    names: tuple[str, ...]
    refs: tuple[Reference, ...] = ()
    digest: str | None = None


Leaf: TypeAlias = Unknown | Secret
Tree: TypeAlias = Scalar | Unknown | Secret | Sequence["Tree"] | Mapping[str, "Tree"]


_SCALARS = frozenset((str, int, float, bool, type(None)))
_LEAVES = frozenset((Unknown, Secret))
# What a tree is made of is nearly always a plain dict or list: asking for its type is ten times as fast as asking
# whether it is a Mapping.


def leaves(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Yield each ``Unknown`` and ``Secret`` of the tree with its path, in document order."""
    node: Any = tree
    kind = type(node)
    if kind in _LEAVES:
        yield path, node
    elif kind is list or (kind is not dict and isinstance(node, list | tuple)):
        for index, value in enumerate(node):
            if type(value) not in _SCALARS and value:
                yield from leaves(value, (*path, index))
    elif kind is dict or isinstance(node, Mapping):
        for key, value in node.items():
            if type(value) not in _SCALARS and value:
                yield from leaves(value, (*path, key))


def replace_leaves(tree: Tree, replace: Callable[[Leaf], Tree]) -> Tree:
    """Return the tree with each ``Unknown`` and ``Secret`` put through ``replace``; parts without any are shared."""
    node: Any = tree
    kind = type(node)
    if kind in _LEAVES:
        return replace(node)
    if kind is dict or isinstance(node, Mapping):
        changed: dict[str, Tree] | None = None
        for key, value in node.items():
            if type(value) not in _SCALARS and value:
                new = replace_leaves(value, replace)
                if new is not value:
                    changed = dict(node) if changed is None else changed
                    changed[key] = new
        return tree if changed is None else changed
    if kind is list or isinstance(node, list | tuple):
        items = [value if type(value) in _SCALARS else replace_leaves(value, replace) for value in node]
        return items if any(map(is_not, items, node)) else tree
    return tree


def has_unknown(tree: Tree) -> bool:
    """Say whether any leaf of the tree is ``Unknown``."""
    return any(isinstance(leaf, Unknown) for _, leaf in leaves(tree))


def dig(tree: Tree, path: Path) -> Tree:
    """Return what stands at ``path``; raise ``KeyError`` where nothing does."""
    for step in path:
        if isinstance(tree, Mapping) and step in tree:
            tree = tree[str(step)]
        elif isinstance(tree, list | tuple) and isinstance(step, int) and -len(tree) <= step < len(tree):
            tree = tree[step]
        else:
            raise KeyError(step)
    return tree


def path_text(path: Path) -> str:
    """Spell a path as people write it: ``spec.gates[0]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else (f".{step}" if text else step)
    return text
