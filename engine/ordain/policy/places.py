"""Where what a policy finds is shown."""

from __future__ import annotations

from ordain.expr.errors import ExpressionError
from ordain.expr.rules import compile_rule
from ordain.values.change import Change
from ordain.values.data import Path, dig
from ordain.values.resource import Locate, Resource
from ordain.values.setting import Policy
from ordain.values.span import Source, Span


def place(policy: Policy, resource: Resource | None, change: Change | None, locate: Locate) -> Span | None:
    """Where the resource was written: at the first of its fields that the rule reads, else at its name."""
    if resource is not None:
        return locate(resource.source, _field(policy.require, resource))
    if change is not None:
        return change.at or next((cause.at for cause in change.causes if cause.at is not None), None)
    if policy.source is None:
        return None
    return place_of_rule(policy.source, "require", locate)


def place_of_rule(source: Source, key: str, locate: Locate) -> Span:
    """Where a rule was written; of one that a blueprint makes, who uses it: it may be in no file of the project."""
    return locate(source, ("spec", key) if source.expansion is None else ("name",))


def _field(require: str, resource: Resource) -> Path:
    try:
        chains = compile_rule(require).chains
    except ExpressionError:
        return ("name",)
    for chain in chains:
        if chain.root != "resource" or not chain.path:
            continue
        if chain.path[0] in ("owner", "description", "labels"):
            return chain.path[:1]
        if chain.path[0] == "spec" and len(chain.path) > 1:
            return _existing(chain.path, resource)
    return ("name",)


def _existing(path: tuple[str, ...], resource: Resource) -> Path:
    for length in range(len(path), 1, -1):
        try:
            dig(resource.spec, path[1:length])
        except KeyError:
            continue
        return path[:length]
    return ("name",)
