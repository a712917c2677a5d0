"""What becomes of a leaf once the outputs it reads are known: the same at plan time and at apply time."""

from __future__ import annotations

from collections.abc import Callable

from ordain.expr.templates import OPEN, resolve_leaf
from ordain.values.address import Reference
from ordain.values.data import Leaf, Secret, Tree, Unknown, leaves

_SCALARS = frozenset((str, int, float, bool, type(None)))


def known_leaf(leaf: Leaf, outputs: Callable[[Reference], Tree]) -> Tree:
    """Return the leaf's value where every output it reads is known, else the leaf.

    What reads a secret output becomes a secret itself. Raises ``ExpressionError`` where the value cannot be made, and
    what ``outputs`` raises.
    """
    if not leaf.refs:
        return leaf
    values = [outputs(reference) for reference in leaf.refs]
    if len(values) == 1 and type(values[0]) in _SCALARS and leaf.expression == f"{OPEN} {leaf.refs[0]} }}}}":
        return values[0]  # by far the most common: one plain reference, and nothing to compute
    held = [inner for value in values for _, inner in leaves(value)]
    if any(isinstance(inner, Unknown) for inner in held):
        return leaf
    secrets = [inner for inner in held if isinstance(inner, Secret)]
    if not secrets and isinstance(leaf, Unknown):
        return resolve_leaf(leaf, outputs)
    own = leaf.names if isinstance(leaf, Secret) else ()
    names = {*own, *(name for secret in secrets for name in secret.names)}
    digest = secrets[0].digest if isinstance(leaf, Unknown) and len(secrets) == 1 else None
    return Secret(expression=leaf.expression, names=tuple(sorted(names)), refs=leaf.refs, digest=digest)
