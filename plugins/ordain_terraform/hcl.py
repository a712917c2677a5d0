"""A tolerant reader of Terraform's configuration language, for the little that must be known before Terraform runs.

It finds blocks, their labels and the text of their attributes. It evaluates nothing and complains of nothing:
what is broken, Terraform itself reports with a position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_SPACE = re.compile(r"(?:[ \t\r\f\ufeff]|#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))+", re.DOTALL)
_WORD = re.compile(r"[^\W\d][\w-]*")
_HEREDOC = re.compile(r"<<-?([^\W\d][\w-]*)[ \t\r]*\n")
_OPENING, _CLOSING = frozenset("{[("), frozenset("}])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block: ``attributes`` hold the text of each expression, ``blocks`` the blocks inside."""

    type: str
    labels: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # word, text, mark, line
    text: str
    start: int
    end: int


def parse(source: str) -> Block:
    """Return the file as a block without a type: its top-level attributes and blocks."""
    return _Reader(source).body("", ())


def _tokens(source: str) -> Iterator[_Token]:
    at = 0
    while at < len(source):
        if (space := _SPACE.match(source, at)) is not None:
            at = space.end()
            continue
        start, char = at, source[at]
        if char == "\n":
            at += 1
            yield _Token("line", char, start, at)
        elif char == '"':
            at = _string_end(source, at + 1)
            yield _Token("text", source[start + 1 : max(start + 1, at - 1)], start, at)
        elif (heredoc := _HEREDOC.match(source, at)) is not None:
            at = _heredoc_end(source, heredoc)
            yield _Token("text", "", start, at)
        elif (word := _WORD.match(source, at)) is not None:
            at = word.end()
            yield _Token("word", word[0], start, at)
        else:
            at += 2 if source[at : at + 2] in ("==", "=>", "!=", "<=", ">=") else 1
            yield _Token("mark", source[start:at], start, at)


def _string_end(source: str, at: int) -> int:
    """Return the index behind the closing quote; ``at`` stands behind the opening one."""
    while at < len(source):
        char = source[at]
        if char == "\\":
            at += 2
        elif source.startswith(("$${", "%%{"), at):
            at += 3
        elif source.startswith(("${", "%{"), at):
            at = _template_end(source, at + 2)
        elif char == '"':
            return at + 1
        elif char == "\n":  # never closed: the string ends with its line, so that the rest can still be read
            return at
        else:
            at += 1
    return len(source)


def _template_end(source: str, at: int) -> int:
    depth = 1
    while at < len(source):
        char = source[at]
        at += 1
        if char == '"':
            at = _string_end(source, at)
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return at
    return len(source)


def _heredoc_end(source: str, opening: re.Match[str]) -> int:
    at = opening.end()
    while at < len(source):
        end = source.find("\n", at)
        end = len(source) if end < 0 else end
        if source[at:end].strip() == opening[1]:
            return end
        at = end + 1
    return len(source)


class _Reader:
    """Walks over the tokens of one file."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = list(_tokens(source))
        self.at = 0

    def peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def body(self, type_: str, labels: tuple[str, ...]) -> Block:
        """Read up to the closing brace, or the end of the file."""
        attributes: dict[str, str] = {}
        blocks: list[Block] = []
        while (token := self.peek()) is not None:
            self.at += 1
            if token.kind == "mark" and token.text == "}":
                if type_:
                    break
            elif token.kind == "word":
                following = self.peek()
                if following is not None and following.kind == "mark" and following.text == "=":
                    self.at += 1
                    attributes[token.text] = self.expression()
                elif (inner := self.block(token.text)) is not None:
                    blocks.append(inner)
        return Block(type=type_, labels=labels, attributes=attributes, blocks=tuple(blocks))

    def block(self, type_: str) -> Block | None:
        labels: list[str] = []
        while (token := self.peek()) is not None:
            if token.kind == "mark" and token.text == "{":
                self.at += 1
                return self.body(type_, tuple(labels))
            if token.kind not in ("word", "text"):
                return None
            labels.append(token.text)
            self.at += 1
        return None

    def expression(self) -> str:
        """Read an expression: to the end of the line, or to the brace that closes the block around it."""
        depth, start, end = 0, None, 0
        while (token := self.peek()) is not None:
            if depth == 0 and (token.kind == "line" or (token.kind == "mark" and token.text in _CLOSING)):
                break
            self.at += 1
            if token.kind == "mark":
                depth += (token.text in _OPENING) - (token.text in _CLOSING)
            if token.kind != "line":
                start, end = token.start if start is None else start, token.end
        return self.source[start:end] if start is not None else ""
