"""Keeps the texts of secrets out of whatever a plugin says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ordain.values.codec import dumps
from ordain.values.data import Json
from ordain.values.diagnostic import Diagnostic

SHORTEST = 4
"""Shorter secrets are not looked for: they would be found in everything."""
SHORTEST_LINE = 16
SEALED = "(secret)"


class Scrub:
    """The secret texts of one step; those revealed on the way are added."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: list[str] = []
        for text in texts:
            self.add(text)

    def add(self, value: Json) -> None:
        """Look for a secret from now on, and for the parts of a compound one."""
        if isinstance(value, str):
            # A key file may be printed line by line; its short lines are words that mean nothing.
            lines = (line.strip() for line in value.splitlines())
            found = {value, _escaped(value), *(line for line in lines if len(line) >= SHORTEST_LINE)}
            self._texts = sorted({*self._texts, *(text for text in found if len(text) >= SHORTEST)}, key=_longest)
        elif isinstance(value, Mapping):
            for inner in value.values():
                self.add(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                self.add(inner)

    def __bool__(self) -> bool:
        return bool(self._texts)

    def text(self, text: str) -> str:
        """Return the text with each secret in it replaced."""
        for secret in self._texts:
            text = text.replace(secret, SEALED)
        return text

    def found(self, value: object) -> bool:
        """Say whether a secret stands anywhere in a value."""
        if not self._texts:
            return False
        encoded = dumps(value).decode()
        return any(secret in encoded for secret in self._texts)

    def diagnostic(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return the diagnostic without secrets."""
        if not self._texts:
            return diagnostic
        return replace(
            diagnostic,
            summary=self.text(diagnostic.summary),
            detail=self.text(diagnostic.detail),
            fix=self.text(diagnostic.fix),
            snippet=None if diagnostic.snippet is None else self.text(diagnostic.snippet),
            related=tuple((span, self.text(word)) for span, word in diagnostic.related),
        )


def _longest(text: str) -> tuple[int, str]:
    return -len(text), text


def _escaped(text: str) -> str:
    return dumps(text).decode()[1:-1]
