"""A policy as it is written: its two rules and the message it gives when it does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ordain.expr import sandbox
from ordain.expr.chains import chains
from ordain.expr.errors import ExpressionError
from ordain.expr.rules import OWN, ROOTS, RuleProblem, check, check_members, compile_rule, is_of_the_plan
from ordain.expr.syntax import Expression, Name, parse
from ordain.values.address import Reference


def check_policy(texts: Mapping[str, str], *, gate: bool) -> tuple[tuple[str, RuleProblem], ...]:
    """Return what is wrong with ``match``, ``require`` and ``message``: which of them, and what.

    A message reads what its rule may read: one of a rule about the whole plan, for instance, no ``resource``.
    """
    rules = [texts["match"], texts["require"]]
    found = [(key, one) for key in ("match", "require") for one in check(texts[key], gate=gate)]
    readable = ROOTS
    if not found and not gate and not any(compile_rule(rule).roots & OWN for rule in rules):
        readable = ROOTS - OWN
    try:
        for part in template.expressions if (template := parse(texts["message"])) else ():
            _check(part, readable, gate)
    except ExpressionError as error:
        found.append(("message", RuleProblem(message=error.message, offset=error.offset)))
    return tuple(found)


def _check(part: Expression, readable: frozenset[str], gate: bool) -> None:
    position = part.offset
    for token in part.tokens:
        if isinstance(token, Reference) or (isinstance(token, Name) and token.space != "env"):
            raise ExpressionError(f"a message cannot read {token}; {_there(readable)}", position)
        position += len(str(token))
    code = part.code
    found = [chain for chain in chains(code, ROOTS) if chain.root in readable]
    for chain in found:
        try:
            check_members(chain)
        except ExpressionError as error:
            raise ExpressionError(error.message, part.offset + chain.start) from None
        if gate and is_of_the_plan(chain):
            raise ExpressionError(f"{chain} is there at stage plan, not at stage gate", part.offset + chain.start)
    if not (len(found) == 1 and found[0].end - found[0].start == len(code)):  # else Jinja has nothing to add
        for root in _roots(code, part.offset):
            if root not in readable:
                raise ExpressionError(f"there is no {root} here; {_there(readable)}", part.offset + code.find(root))


def _there(readable: frozenset[str]) -> str:
    return f"there are {', '.join(sorted(readable))}"


def _roots(code: str, offset: int) -> Iterator[str]:
    """Yield the names the code begins its chains with; raise ``ExpressionError`` where it is no expression."""
    from jinja2 import Environment, TemplateError, meta

    try:
        names = meta.find_undeclared_variables(Environment().parse("{{ " + code + " }}"))
    except (TemplateError, RecursionError, ValueError):
        names = set()
    sandbox.check(code, ROOTS | names, offset)
    yield from sorted(names)
