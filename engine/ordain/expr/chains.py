"""Which facts a rule reads: the chains ``root.field.field`` in its text, found without evaluating it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from ordain.expr.errors import ExpressionError

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<string>[rR][bB]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
      |[bB][rR](?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
      |[bB]?(?:\"{3}(?:\\.|.)*?\"{3}|'{3}(?:\\.|.)*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>(?:0[xX][0-9a-fA-F]+|(?:\d+\.\d+|\d+|(?<![\w)\]])\.\d+)(?:[eE][-+]?\d+)?)[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<quoted>`[^`\n]*`)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_MACROS = frozenset(("all", "exists", "exists_one", "map", "filter"))
_SIMPLE = re.compile(r"""(?:"[^"\\\n]*"|'[^'\\\n]*')""")
_OPERANDS = frozenset(("name", "string", "number", "quoted"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """``root`` and the constant ``path`` read from it; ``start:end`` is its text; ``tested``: it is what has() asks."""

    root: str
    path: tuple[str, ...]
    start: int
    end: int
    tested: bool = False

    def __str__(self) -> str:
        return ".".join((self.root, *self.path))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int

    def is_(self, *texts: str) -> bool:
        return self.text in texts and self.kind in ("other", "name")


_END = _Token("end", "", 0, 0)


@lru_cache(maxsize=4096)
def chains(text: str, roots: frozenset[str]) -> tuple[Chain, ...]:
    """Return the chains of ``text``, in the order they stand.

    A chain ends where its next step is not a constant (an index, a method, a macro); what it names is then read as a
    whole. Raises ``ExpressionError`` where reading would be ambiguous: a macro's variable with the name of a root or
    of ours (``__…``), a root behind a leading dot.
    """
    tokens = [_Token(m.lastgroup or "", m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]
    return tuple(_chains([token for token in tokens if token.kind != "space"], roots))


def _chains(tokens: list[_Token], roots: Collection[str]) -> Iterator[Chain]:
    for index, token in enumerate(tokens):
        if token.kind != "name":
            continue
        if token.text.startswith("__"):
            raise ExpressionError(f"names that begin with __ are Ordain's own: {token.text}", token.start)
        before = _at(tokens, index - 1)
        if before.is_("."):
            if not _ends_operand(_at(tokens, index - 2)):
                raise ExpressionError(f"write {token.text} without the leading dot", before.start)
            continue
        if token.text not in roots:
            continue
        if _binds(tokens, index):
            raise ExpressionError(
                f"{token.text} names a fact of every rule: call the variable something else", token.start
            )
        yield _chain(tokens, index)


def compared(text: str, fact: str) -> Iterator[str]:
    """Yield the plain texts that a rule compares a fact (``env.name``) with: by ``==``, ``!=`` or ``in [...]``."""
    tokens = [_Token(m.lastgroup or "", m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]
    tokens = [token for token in tokens if token.kind != "space"]
    for index, token in enumerate(tokens):
        if token.kind != "name" or token.text != fact.partition(".")[0] or _at(tokens, index - 1).is_("."):
            continue
        path, at = [token.text], index + 1
        while (step := _step(tokens, at)) is not None:
            path.append(step[0])
            at += step[1]
        if ".".join(path) == fact:
            yield from _beside(tokens, index, at)


def _beside(tokens: list[_Token], start: int, end: int) -> Iterator[str]:
    """Yield the plain texts beside the chain that stands at ``start:end``."""
    found = []
    if _at(tokens, end).is_("=", "!") and _at(tokens, end + 1).is_("="):
        found.append(_at(tokens, end + 2))
    if _at(tokens, start - 1).is_("=") and _at(tokens, start - 2).is_("=", "!"):
        found.append(_at(tokens, start - 3))
    if _at(tokens, end).is_("in") and _at(tokens, end + 1).is_("["):
        at = end + 2
        while at < len(tokens) and not tokens[at].is_("]"):
            found.append(tokens[at])
            at += 1
    for token in found:
        if token.kind == "string" and _SIMPLE.fullmatch(token.text):
            yield token.text[1:-1]


def copies(text: str) -> int:
    """Return how often a rule may multiply what it reads: the uses of each macro's variable, and ``+``, multiplied.

    Evaluation counts steps and not sizes: ``[x].map(a, a + a).map(a, a + a)…`` takes few steps and all the memory.
    """
    tokens = [_Token(m.lastgroup or "", m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]
    tokens = [token for token in tokens if token.kind != "space"]
    found = 1 + sum(token.is_("+") for token in tokens)
    for index, token in enumerate(tokens):
        if token.kind == "name" and _binds(tokens, index):
            found *= max(_uses(tokens, index), 1)
    return found


def _uses(tokens: list[_Token], index: int) -> int:
    """Return how often the variable at ``index`` stands in the brackets of its macro, its own place aside."""
    name, depth, found = tokens[index].text, 1, 0
    for token in tokens[index + 1 :]:
        depth += token.is_("(") - token.is_(")")
        if not depth:
            break
        found += token.kind == "name" and token.text == name
    return found


def _at(tokens: list[_Token], index: int) -> _Token:
    return tokens[index] if 0 <= index < len(tokens) else _END


def _ends_operand(token: _Token) -> bool:
    return (token.kind in _OPERANDS and token.text != "in") or token.is_(")", "]", "}")


def _binds(tokens: list[_Token], index: int) -> bool:
    """Whether the name is the variable of a macro: ``.all(NAME,``."""
    return (
        _at(tokens, index + 1).is_(",")
        and _at(tokens, index - 1).is_("(")
        and _at(tokens, index - 2).text in _MACROS
        and _at(tokens, index - 3).is_(".")
    )


def _chain(tokens: list[_Token], index: int) -> Chain:
    first = tokens[index]
    path: list[str] = []
    at = index + 1
    while (step := _step(tokens, at)) is not None:
        name, width = step
        path.append(name)
        at += width
    tested = (
        bool(path)
        and _at(tokens, index - 1).is_("(")
        and _at(tokens, index - 2).is_("has")
        and not _at(tokens, index - 3).is_(".")
        and _at(tokens, at).is_(")")
    )
    return Chain(root=first.text, path=tuple(path), start=first.start, end=tokens[at - 1].end, tested=tested)


def _step(tokens: list[_Token], at: int) -> tuple[str, int] | None:
    sign, name = _at(tokens, at), _at(tokens, at + 1)
    if sign.is_(".") and name.kind == "name" and not _at(tokens, at + 2).is_("("):
        return name.text, 2
    if sign.is_("[") and name.kind == "string" and _SIMPLE.fullmatch(name.text) and _at(tokens, at + 2).is_("]"):
        return name.text[1:-1], 3
    return None
