"""Collects what is wrong with documents, each thing with its position, snippet and remedy."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ordain.config.locate import counterpart, locate, locate_key, position, snippet, span_at
from ordain.expr.errors import ExpressionError
from ordain.values.address import Address
from ordain.values.data import Path, Tree
from ordain.values.diagnostic import Diagnostic
from ordain.values.span import Source, Span

_MOST_NAMED = 12
"""Known words a message lists."""
_MOST_SKIPPED = 3
"""Characters an escape or a quote may stand before the one it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A path in a document; ``key``: the key itself is meant. ``hidden`` keeps the line out of the message."""

    source: Source
    path: Path = ()
    key: bool = False
    hidden: bool = False
    address: Address | None = None

    def at(self) -> Span:
        return locate_key(self.source, self.path) if self.key else locate(self.source, self.path)

    def other(self) -> tuple[tuple[Span, str], ...]:
        """Return the place's counterpart, where its document is expanded from a blueprint, and what it overrides."""
        found = counterpart(self.source, self.path, key=self.key)
        if not any(self.path[: len(one.path)] == one.path for one in self.source.overlays):
            return found
        own = replace(self, source=replace(self.source, overlays=()))
        return (*found, (own.at(), "in the document it overrides"))


@dataclass(frozen=True, slots=True)
class Report:
    """The diagnostics found so far."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def add(self, place: Place, code: str, summary: str, fix: str, detail: str = "") -> None:
        """Add an error at a place."""
        self.add_related(place, Diagnostic(code=code, summary=summary, fix=fix, detail=detail), ())

    def add_found(self, place: Place, diagnostic: Diagnostic) -> None:
        """Add what a provider found, at a place; all it says of itself stays."""
        at = place.at()
        self.diagnostics.append(
            replace(
                diagnostic,
                address=place.address,
                at=at,
                snippet=None if place.hidden else snippet(place.source, at),
                related=(*diagnostic.related, *place.other()),
            )
        )

    def add_related(self, place: Place, diagnostic: Diagnostic, related: Iterable[tuple[Place, str]]) -> None:
        """Add ``diagnostic`` at a place, with further places and a word on each."""
        at = place.at()
        self.diagnostics.append(
            Diagnostic(
                code=diagnostic.code,
                summary=diagnostic.summary,
                detail=diagnostic.detail,
                fix=diagnostic.fix,
                address=place.address,
                at=at,
                snippet=None if place.hidden else snippet(place.source, at),
                related=(
                    *place.other(),
                    *(one for other, word in related for one in ((other.at(), word), *other.other())),
                ),
            )
        )

    def expression(self, place: Place, text: str, error: ExpressionError) -> None:
        """Add what is wrong with the template ``text`` that stands at a place, at the very character."""
        at = _inside(place, text, error.offset)
        self.diagnostics.append(
            Diagnostic(
                code="expression",
                summary=error.message,
                fix="correct the expression",
                address=place.address,
                at=at,
                snippet=snippet(place.source, at),
                related=place.other(),
            )
        )


def _inside(place: Place, text: str, offset: int) -> Span:
    """Return where character ``offset`` of a scalar stands.

    The scalar is read along its source: white space is skipped (folding changes it), and so is what the source has
    besides the text (quotes, escapes). Where the two part for good, the scalar's own place must do.
    """
    at = place.at()
    owner, line, column = position(place.source, place.path)
    source = owner.text
    where = sum(len(one) + 1 for one in source.split("\n")[:line]) + column
    if source[where : where + 1] in ("|", ">"):
        where = source.find("\n", where) + 1
    for character in text[:offset]:
        if character.isspace():
            continue
        skipped = 0
        while source[where : where + 1] != character:
            skipped += not source[where : where + 1].isspace()
            if skipped > _MOST_SKIPPED or where >= len(source):
                return at
            where += 1
        where += 1
    while text[offset:].strip() and source[where : where + 1].isspace():  # at the text's end, its end is meant
        where += 1
    return span_at(owner, source.count("\n", 0, where), where - source.rfind("\n", 0, where) - 1)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "did you mean 'x'?" for the closest known word, or ""."""
    close = difflib.get_close_matches(word, sorted(known), 1, 0.6)
    return f"did you mean {close[0]!r}?" if close else ""


def choose(word: str, known: Iterable[str], what: str) -> str:
    """Return a remedy for an unknown word: the closest one, and the ones there are."""
    words = sorted(known)
    listed = ", ".join(words[:_MOST_NAMED]) + (" …" if len(words) > _MOST_NAMED else "")
    rest = f"{what}: {listed}" if words else f"there are no {what}"
    close = did_you_mean(word, words)
    return f"{close} {rest}" if close else rest


def shown(value: Tree) -> str:
    """Spell a value in a message, cut short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"
