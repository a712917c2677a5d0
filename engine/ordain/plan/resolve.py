"""Puts what is known of other resources into a spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ordain.api.kind import Outlook
from ordain.expr.known import known_leaf
from ordain.expr.templates import ExpressionError
from ordain.values.address import Address, Reference
from ordain.values.data import Leaf, Path, Tree, Unknown, dig, leaves, replace_leaves
from ordain.values.diagnostic import Diagnostic
from ordain.values.resource import Locate, Resource


class MissingOutput(Exception):
    """A reference to an output that its resource, fully planned, does not have."""


def known_outputs(resource: Resource, upstream: Mapping[Address, Outlook]) -> Resource:
    """Return the resource with each leaf replaced whose outputs are known; others stay.

    Raises ``MissingOutput`` for an output that does not exist and ``ExpressionError`` for one that cannot be used so.
    """

    def look_up(reference: Reference) -> Tree:
        outlook = upstream[reference.address]
        try:
            return dig(outlook.outputs, reference.path)
        except KeyError:
            if outlook.deferred or not outlook.outputs or any(True for _ in leaves(outlook.outputs)):
                return Unknown(expression=f"${{{{ {reference} }}}}", refs=(reference,))
            raise MissingOutput(reference) from None

    spec = replace_leaves(resource.spec, lambda leaf: known_leaf(leaf, look_up))
    return replace(resource, spec=spec) if spec is not resource.spec and isinstance(spec, Mapping) else resource


def expression_paths(resource: Resource) -> Mapping[Path, tuple[Address, ...]]:
    """Return the paths of the spec that are written as expressions, and the resources each reads."""
    return {
        path: tuple(dict.fromkeys(reference.address for reference in leaf.refs))
        for path, leaf in leaves(resource.spec)
        if leaf.refs
    }


def complaint(resource: Resource, error: MissingOutput | ExpressionError, locate: Locate) -> Diagnostic:
    """Say what is wrong with an expression whose outputs became known."""
    path = next((path for path, leaf in leaves(resource.spec) if _concerns(leaf, error)), ())
    missing = isinstance(error, MissingOutput)
    return Diagnostic(
        code="output-missing" if missing else "expression-failed",
        summary=f"there is no output {error.args[0]}" if missing else str(error),
        fix=f"see what it gives: ordain state show {error.args[0].address}" if missing else "correct the expression",
        address=resource.address,
        at=locate(resource.source, ("spec", *path)),
    )


def _concerns(leaf: Leaf, error: Exception) -> bool:
    return not isinstance(error, MissingOutput) or error.args[0] in leaf.refs
