"""The syntax of templates: a scalar is cut into text and expressions, an expression into code, names, references."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from ordain.expr.errors import ExpressionError
from ordain.values.address import KEY, Address, Reference

OPEN = "${{"
LONGEST = 20_000
"""Characters one expression may have, with the values of its variables written in."""
KEY_RULE = "1 to 63 letters, digits and _ . @ + -, and begins with a letter, a digit or _"

_NAME = r"[A-Za-z_][\w-]*"
_SPACE = rf"(?P<space>var|env|secret|each)\.(?P<name>{_NAME})"
_INDEX = rf"""\[\s*(?:"(?P<double>[^"\\]*)"|'(?P<single>[^'\\]*)'|(?P<index>(?:var|env|each)(?:\.{_NAME})+))\s*\]"""
_OUTPUT = rf"(?P<kind>[a-z][a-z0-9_]*)\.(?P<of>[a-z][a-z0-9-]*)(?:{_INDEX})?\.outputs(?![\w-])"
_PLAIN = re.compile(rf"(?:{_SPACE}(?P<member>(?:\.{_NAME})*)|{_OUTPUT}(?P<path>(?:\.{_NAME})*))", re.ASCII)
_TOKEN = re.compile(
    rf""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
    rf"""|(?<![\w.])(?:{_SPACE}|{_OUTPUT}(?P<path>(?:\.{_NAME}(?![\w(-]))*))""",
    re.ASCII | re.DOTALL,
)
_BRACKETS = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{]|[}][}]?""", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """``var.x``, ``env.name``, ``secret.X`` or ``each.key``; ``path`` is what follows in a plain one (``var.x.a``)."""

    space: Literal["var", "env", "secret", "each"]
    name: str
    path: tuple[str, ...] = ()
    offset: int = 0

    def __str__(self) -> str:
        return ".".join((self.space, self.name, *self.path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """An output of one of several resources, told by a name: ``dataset.training[each.key].outputs.version``."""

    address: Address
    index: Name
    path: tuple[str, ...] = ()
    offset: int = 0

    def __str__(self) -> str:
        return ".".join((f"{self.address}[{self.index}]", "outputs", *self.path))


Token: TypeAlias = Name | Reference | Indexed


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """One ``${{ }}``: its code as text, names and references in turn; ``offset`` is where the code starts."""

    tokens: tuple[str | Token, ...]
    offset: int

    @property
    def code(self) -> str:
        return "".join(str(token) for token in self.tokens)

    @property
    def is_plain(self) -> bool:
        return len(self.tokens) == 1 and not isinstance(self.tokens[0], str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A scalar with at least one expression: literal text and expressions in turn.

    ``indexed``: a key in brackets is still to be evaluated (an ``Indexed``).
    """

    text: str
    parts: tuple[str | Expression, ...]
    indexed: bool = False

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return tuple(part for part in self.parts if isinstance(part, Expression))

    @property
    def references(self) -> tuple[Reference, ...]:
        """The outputs it reads, each once, in the order they stand."""
        found = (token for one in self.expressions for token in one.tokens if isinstance(token, Reference))
        return tuple(dict.fromkeys(found))

    @property
    def only(self) -> Token | None:
        """The one name it consists of, where it is one plain expression."""
        part = self.parts[0]
        if len(self.parts) > 1 or isinstance(part, str) or len(part.tokens) > 1:
            return None
        token = part.tokens[0]
        return None if isinstance(token, str) else token

    @property
    def names(self) -> tuple[Name, ...]:
        return tuple(token for one in self.expressions for token in one.tokens if isinstance(token, Name))


@lru_cache(maxsize=8192)
def parse(text: str) -> Template | None:
    """Return the template ``text`` spells, or None where it holds no ``${{``; raise ``ExpressionError``."""
    if OPEN not in text:
        return None
    parts: list[str | Expression] = []
    literal = ""
    position = 0
    while (start := text.find(OPEN, position)) >= 0:
        if start > position and text[start - 1] == "$":
            literal += text[position : start - 1] + OPEN
            position = start + len(OPEN)
            continue
        literal += text[position:start]
        end = closing(text, start)
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(_expression(text, start + len(OPEN), end))
        position = end + 2
    literal += text[position:]
    if literal:
        parts.append(literal)
    tokens = (token for part in parts if isinstance(part, Expression) for token in part.tokens)
    return Template(text=text, parts=tuple(parts), indexed=any(isinstance(token, Indexed) for token in tokens))


def closing(text: str, start: int) -> int:
    """Return where the ``}}`` of the expression opened at ``start`` stands; quotes and braces inside are skipped."""
    depth = 0
    position = start + len(OPEN)
    while match := _BRACKETS.search(text, position):
        position = match.end()
        if match[0] == "{":
            depth += 1
        elif depth and match[0].startswith("}"):
            depth -= 1
            position = match.start() + 1
        elif match[0] == "}}":
            return match.start()
    raise ExpressionError("`${{` is never closed: `}}` is missing", start)


def _expression(text: str, start: int, end: int) -> Expression:
    raw = text[start:end]
    code = raw.strip()
    offset = start + len(raw) - len(raw.lstrip())
    if not code:
        raise ExpressionError("the expression is empty", start)
    if len(code) > LONGEST:
        raise ExpressionError(f"the expression is longer than {LONGEST:,} characters", offset)
    if (match := _PLAIN.fullmatch(code)) is not None:
        return Expression(tokens=(_token(match, offset, _path(match["member"])),), offset=offset)
    tokens: list[str | Token] = []
    position = 0
    for match in _TOKEN.finditer(code):
        if match["space"] is None and match["kind"] is None:  # a string literal
            continue
        tokens.append(code[position : match.start()])
        tokens.append(_token(match, offset + match.start(), ()))
        position = match.end()
    tokens.append(code[position:])
    return Expression(tokens=tuple(token for token in tokens if token != ""), offset=offset)


def _path(text: str | None) -> tuple[str, ...]:
    return tuple(text[1:].split(".")) if text else ()


def _token(match: re.Match[str], offset: int, member: tuple[str, ...]) -> Token:
    if match["space"] is not None:
        return _named(match["space"], match["name"], member, offset)
    address, path = Address.parse(f"{match['kind']}.{match['of']}"), _path(match["path"])
    if match["index"] is not None:
        space, name, *rest = match["index"].split(".")
        return Indexed(address=address, index=_named(space, name, tuple(rest), offset), path=path, offset=offset)
    key = match["double"] if match["double"] is not None else match["single"]
    return Reference(address=address if key is None else keyed(address, key, offset), path=path)


def keyed(base: Address, key: str, offset: int) -> Address:
    """Return the address of one of several resources; raise ``ExpressionError`` where ``key`` cannot be a key."""
    if not KEY.fullmatch(key):
        raise ExpressionError(f"{key!r} cannot be the key of a resource: a key is {KEY_RULE}", offset)
    return Address.parse(f'{base}["{key}"]')


def _named(space: str, name: str, path: tuple[str, ...], offset: int) -> Name:
    if space == "env":
        if name != "name" or path:
            raise ExpressionError(
                "`env` has one member, env.name; what the shell's environment sets comes in through variables", offset
            )
        return Name(space="env", name=name, offset=offset)
    if space == "secret":
        if path:
            raise ExpressionError(f"secret.{name} is text and has no members", offset)
        return Name(space="secret", name=name, offset=offset)
    if space == "each":
        if name not in ("key", "value"):
            hint = "; a minus sign needs spaces around it" if name.split("-")[0] in ("key", "value") else ""
            raise ExpressionError(f"`each` has two members, each.key and each.value{hint}", offset)
        if name == "key" and path:
            raise ExpressionError("each.key is text and has no members", offset)
        return Name(space="each", name=name, path=path, offset=offset)
    return Name(space="var", name=name, path=path, offset=offset)
