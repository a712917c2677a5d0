"""Templates: ``${{ }}`` in parsed scalars.

A scalar that is one expression yields that expression's value and type; text around it yields text. Plain names
(``var.x``, ``env.name``, ``secret.X``, ``model.m.outputs.version``) never enter Jinja; anything else is a Jinja2
expression, evaluated in ``expr.sandbox``. ``$${{`` stands for a literal ``${{``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ordain.expr import sandbox
from ordain.expr.errors import ExpressionError as ExpressionError
from ordain.expr.syntax import (
    LONGEST,
    OPEN as OPEN,
    Expression,
    Indexed,
    Name,
    Template as Template,
    Token,
    keyed,
    parse as parse,
)
from ordain.values.address import Reference
from ordain.values.codec import dumps
from ordain.values.data import Leaf, Secret, Tree, Unknown, leaves
from ordain.values.fingerprint import digest as digest_of


def _no_outputs(reference: Reference) -> Tree:
    return Unknown(expression=f"${{{{ {reference} }}}}", refs=(reference,))


def _no_digest(name: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the names of an expression mean.

    ``variables``: values, or ``Secret`` leaves for secret ones. ``outputs`` gives a reference's value (an
    ``Unknown`` leaf where it is not known; so by default). ``digest`` gives the keyed digest of a secret named
    ``secret.X`` or ``var.x``, or None. ``names`` are further root names (``resource`` in a policy's message).
    ``each`` holds ``key`` and ``value`` in a document with ``for_each``, and is None elsewhere.
    """

    variables: Mapping[str, Tree] = field(default_factory=dict)
    environment: str | None = None
    outputs: Callable[[Reference], Tree] = _no_outputs
    digest: Callable[[str], str | None] = _no_digest
    names: Mapping[str, Tree] = field(default_factory=dict)
    each: Mapping[str, Tree] | None = None


_SCALARS = frozenset((str, int, float, bool, type(None)))
Resolver: TypeAlias = Callable[[Token], Tree]
Bound: TypeAlias = tuple[Tree, ...]


def evaluate(text: str, scope: Scope) -> Tree:
    """Return what ``text`` means in ``scope``.

    A plain value; an ``Unknown`` where an output it reads is unknown, its expression holding the variables' values
    so that outputs alone are needed later; a ``Secret`` where it names a secret. Raises ``ExpressionError``.
    """
    template = parse(text)
    if template is None:
        return text

    if template.indexed:
        settled = _settled(template, scope)
        if isinstance(settled, Unknown):
            return settled
        template = settled

    def resolve(token: Token) -> Tree:
        if isinstance(token, Name):
            return _lookup(token, scope)
        return scope.outputs(token if isinstance(token, Reference) else _reference(token, scope))

    return _evaluate(template, resolve, scope.names)


def resolve_leaf(leaf: Leaf, outputs: Callable[[Reference], Tree], secrets: Callable[[str], str] | None = None) -> Tree:
    """Return what a leaf comes to.

    ``outputs`` gives values of references (``Unknown`` where still unknown: then a leaf comes back), ``secrets`` the
    text of ``secret.X`` or ``var.x``; without it a ``Secret`` stays as it is. Raises ``ExpressionError``, which
    never quotes a secret.
    """
    if isinstance(leaf, Secret) and secrets is None:
        return leaf
    template = parse(leaf.expression)
    if template is None:
        return leaf.expression

    def resolve(token: Token) -> Tree:
        if isinstance(token, Reference):
            return outputs(token)
        if isinstance(token, Indexed) or token.space in ("env", "each") or secrets is None:
            raise ExpressionError(f"{token} is not known here", token.offset)
        return secrets(f"{token.space}.{token.name}")

    if isinstance(leaf, Unknown):
        return _evaluate(template, resolve, {})
    try:
        return _evaluate(template, resolve, {})
    except ExpressionError as error:
        offset = error.offset
    raise ExpressionError("the expression fails; why is withheld, since it handles a secret", offset)


def _settled(template: Template, scope: Scope) -> Template | Unknown:
    """Return the template with each key in brackets evaluated; an ``Unknown`` where a variable in one is wrong."""
    parts: list[str | Expression] = []
    for part in template.parts:
        if isinstance(part, str):
            parts.append(part)
            continue
        tokens: list[str | Token] = []
        for token in part.tokens:
            if isinstance(token, Indexed):
                if isinstance(held := _lookup(token.index, scope), Unknown):
                    return held
                tokens.append(_reference(token, scope))
            else:
                tokens.append(token)
        parts.append(Expression(tokens=tuple(tokens), offset=part.offset))
    return Template(text=template.text, parts=tuple(parts))


def _reference(token: Indexed, scope: Scope) -> Reference:
    key = _lookup(token.index, scope)
    if isinstance(key, Secret):
        raise ExpressionError(f"{token.index} is secret, and an address shows: it cannot be a key", token.offset)
    if isinstance(key, bool | int | float):
        key = sandbox.text(key)
    if not isinstance(key, str):
        raise ExpressionError(f"{token.index} is no text: it cannot be a key", token.offset)
    return Reference(address=keyed(token.address, key, token.offset), path=token.path)


def _lookup(token: Name, scope: Scope) -> Tree:
    if token.space == "each":
        if scope.each is None:
            raise ExpressionError(f"{token} is known only in a document with `for_each:`", token.offset)
        return _member(scope.each[token.name], token)
    if token.space == "env":
        if scope.environment is None:
            raise ExpressionError("env.name is not known here", token.offset)
        return scope.environment
    if token.space == "secret":
        name = str(token)
        return Secret(expression=f"${{{{ {name} }}}}", names=(name,), digest=scope.digest(name))
    if token.name not in scope.variables:
        hint = _hint(token.name, scope.variables)
        raise ExpressionError(f"there is no variable {token.name!r}{hint}", token.offset)
    return _member(scope.variables[token.name], token)


def _member(value: Tree, token: Name) -> Tree:
    walked = f"{token.space}.{token.name}"
    for step in token.path:
        if isinstance(value, Unknown):
            return value
        if not isinstance(value, Mapping) or step not in value:
            known = value if isinstance(value, Mapping) else ()
            raise ExpressionError(f"{walked} has no member {step!r}{_hint(step, known)}", token.offset)
        value, walked = value[step], f"{walked}.{step}"
    return value


def _hint(word: str, known: Iterable[str]) -> str:
    if "-" in word and word.split("-")[0] in known:
        return "; a minus sign needs spaces around it"
    import difflib  # for a mistake's sake, and not free to import

    close = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _evaluate(template: Template, resolve: Resolver, names: Mapping[str, Tree]) -> Tree:
    token = template.only
    if token is not None:  # by far the most common: one plain name, and nothing to compute
        value = resolve(token)
        if type(value) in _SCALARS:
            return value
        if isinstance(value, Unknown) and isinstance(token, Reference):
            return Unknown(expression=f"{OPEN} {token} }}}}", refs=(token,))
    bound: list[Bound] = []
    held: list[Leaf] = []
    for part in template.parts:
        if isinstance(part, str):
            bound.append(())
            continue
        values = tuple(token if isinstance(token, str) else resolve(token) for token in part.tokens)
        held += (
            leaf
            for token, value in zip(part.tokens, values, strict=True)
            if not isinstance(token, str)
            for _, leaf in leaves(value)
        )
        bound.append(values)
    if held:
        return _leaf(template, bound, held, names)
    results = [
        part if isinstance(part, str) else _value(part, values, names)
        for part, values in zip(template.parts, bound, strict=True)
    ]
    if len(results) == 1:
        return results[0]
    return "".join(
        part if isinstance(part, str) else _text(value, part.offset)
        for part, value in zip(template.parts, results, strict=True)
    )


def _value(part: Expression, values: Bound, names: Mapping[str, Tree]) -> Tree:
    if part.is_plain:
        return values[0]
    code, scope = _placed(part, values)
    return sandbox.run(code, {**names, **scope}, part.offset)


def _placed(part: Expression, values: Bound) -> tuple[str, Mapping[str, Tree]]:
    """Return the code with a placeholder for each name and reference, and what the placeholders stand for."""
    code = ""
    scope: dict[str, Tree] = {}
    for token, value in zip(part.tokens, values, strict=True):
        if isinstance(token, str):
            code += token
        else:
            placeholder = f"{sandbox.PLACEHOLDER}{len(scope)}"
            scope[placeholder] = value
            code += placeholder
    return code, scope


def _leaf(template: Template, bound: list[Bound], held: list[Leaf], names: Mapping[str, Tree]) -> Leaf:
    text = ""
    for part, values in zip(template.parts, bound, strict=True):
        if isinstance(part, str):
            text += part.replace(OPEN, "$" + OPEN)
            continue
        if not part.is_plain:
            code, scope = _placed(part, values)
            sandbox.check(code, frozenset((*names, *scope)), part.offset)
        text += f"{OPEN} {_closed(part, values)} }}}}"
    closed = parse(text)
    assert closed is not None
    secrets = [leaf for leaf in held if isinstance(leaf, Secret)]
    if not secrets:
        return Unknown(expression=text, refs=closed.references)
    digests = [leaf.digest for leaf in secrets]
    whole = len(template.parts) == 1 and template.expressions[0].is_plain and bound[0][0] is secrets[0]
    return Secret(
        expression=text,
        names=tuple(dict.fromkeys(f"{name.space}.{name.name}" for name in closed.names)),
        refs=closed.references,
        digest=None if None in digests else (digests[0] if whole else digest_of([text, digests])),
    )


def _closed(part: Expression, values: Bound) -> str:
    """Return the code with the values of variables written in."""
    code = "".join(
        str(token) if isinstance(token, str | Reference) else _literal(value, token.offset)
        for token, value in zip(part.tokens, values, strict=True)
    )
    if len(code) > LONGEST:
        raise ExpressionError(
            f"with the values of its variables the expression is longer than {LONGEST:,} characters", part.offset
        )
    return code


def _literal(value: Tree, offset: int) -> str:
    """Spell a value as an expression does."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"({value!r})" if value < 0 else repr(value)
    if isinstance(value, str):
        return dumps(value).decode()
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{_literal(key, offset)}: {_literal(item, offset)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, Secret | Unknown):
        return _inner(value, offset)
    return "[" + ", ".join(_literal(item, offset) for item in value) + "]"


def _inner(leaf: Leaf, offset: int) -> str:
    template = parse(leaf.expression)
    if template is None:
        return _literal(leaf.expression, offset)
    if len(template.parts) == 1:
        code = template.expressions[0].code
        return code if template.expressions[0].is_plain else f"({code})"
    pieces = (_literal(part, offset) if isinstance(part, str) else f"({part.code})" for part in template.parts)
    return f"({' ~ '.join(pieces)})"


def _text(value: Tree, offset: int) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        raise ExpressionError("the value is null, which has no place in text; use `| default(…, true)`", offset)
    return sandbox.text(value)
