"""What a policy says of what it found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from ordain.expr.errors import ExpressionError
from ordain.expr.rules import Facts, Ruling
from ordain.expr.templates import Scope, evaluate
from ordain.values.data import Leaf, Secret, Tree, Unknown, replace_leaves
from ordain.values.record import Outcome
from ordain.values.setting import Policy


def message_of(policy: Policy, facts: Facts, ruling: Ruling) -> str:
    """Return what is said where a rule does not hold, waits, or cannot be judged; the time and secrets in words."""
    if ruling.outcome is Outcome.UNKNOWN:
        return ruling.detail
    if ruling.outcome is Outcome.ERROR:
        return f"it cannot be judged: {ruling.detail}"
    if not policy.message:
        return f"{policy.require} does not hold"
    environment = facts.known.get("env")
    name = environment.get("name") if isinstance(environment, Mapping) else None
    names = {**facts.values, **{key: _spoken(value) for key, value in facts.known.items()}}
    names |= {root: _with_duration(names.get(root), root, facts) for root in {path[0] for path in facts.durations}}
    shown = {key: replace_leaves(value, _marked) for key, value in names.items()}
    try:
        text = evaluate(policy.message, Scope(environment=name, names=shown))
    except ExpressionError as error:
        return f"{policy.message} (this message cannot be rendered: {error.message})"
    return text if isinstance(text, str) else str(text)


def _spoken(value: object) -> Tree:
    return value.isoformat() if isinstance(value, datetime) else cast(Tree, value)


def _with_duration(whole: Tree, root: str, facts: Facts) -> Tree:
    told = {path[-1]: _length(length) for path, length in facts.durations.items() if path[0] == root}
    return {**(whole if isinstance(whole, Mapping) else {}), "duration": told}


def _length(length: timedelta | None) -> Tree:
    if length is None:
        return Unknown(expression="duration")
    seconds = length.total_seconds()
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _marked(leaf: Leaf) -> Tree:
    return "(secret)" if isinstance(leaf, Secret) else "(known after apply)"
