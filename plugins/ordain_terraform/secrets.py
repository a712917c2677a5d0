"""Secrets on their way to Terraform: through the environment only, and out of everything that comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ordain.api import Json
from ordain_terraform.modules import Variable

MASK = "(secret)"
_SHORTEST = 4
"""Secrets shorter than this are masked only where they stand alone: inside other text they are everywhere."""

_ESCAPE = re.compile(r"\\.")
_UNKNOWN_TO_HCL = {r"\b": r"\u0008", r"\f": r"\u000c"}
_LITERAL_TYPES = frozenset({"", "string", "number", "bool"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubber:
    """Takes the texts of secrets out of what is shown or kept. ``texts`` are longest first."""

    texts: tuple[str, ...] = ()

    def text(self, value: str) -> str:
        """Return ``value`` with each secret replaced by a mask."""
        if value in self.texts:
            return MASK
        for secret in self.texts:
            if len(secret) >= _SHORTEST and secret in value:
                value = value.replace(secret, MASK)
        return value

    def holds(self, value: Json) -> bool:
        """Say whether a secret stands anywhere in ``value``, as text, number or key."""
        if not self.texts:
            return False
        return any(self.text(item) != item for item in _strings(value))


def scrubber(spec: Mapping[str, Json], secret_fields: Iterable[tuple[str | int, ...]]) -> Scrubber:
    """Return a scrubber for every text that stands at or below ``secret_fields`` of ``spec``."""
    found: set[str] = set()
    for path in secret_fields:
        for text in _strings(_at(spec, path)):
            lines = [line for line in text.splitlines() if len(line.strip()) >= 2 * _SHORTEST]
            found.update(
                {text, text.strip(), json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], *lines}
            )
    return Scrubber(texts=tuple(sorted(found - {""}, key=lambda text: (-len(text), text))))


def _at(tree: Json, path: tuple[str | int, ...]) -> Json:
    for step in path:
        tree = tree[step]  # type: ignore[index]  # the paths were taken from this very tree
    return tree


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
    elif value is not None and not isinstance(value, bool):
        yield json.dumps(value)


def names(secret_fields: Iterable[tuple[str | int, ...]]) -> tuple[str, ...]:
    """Return the variables that hold a secret anywhere, sorted."""
    return tuple(sorted({str(path[1]) for path in secret_fields if len(path) > 1 and path[0] == "variables"}))


def environment(variables: Mapping[str, Json], declared: Mapping[str, Variable]) -> Mapping[str, str]:
    """Return ``TF_VAR_name`` for each variable, spelt the way Terraform reads a variable of its declared type."""
    return {f"TF_VAR_{name}": _spelt(value, declared[name]) for name, value in variables.items()}


def needs_type(value: Json, variable: Variable) -> bool:
    """Say whether Terraform would take ``value`` for plain text, since the variable declares no type."""
    return not variable.type and (value is None or isinstance(value, Mapping | list | tuple))


def _spelt(value: Json, variable: Variable) -> str:
    if variable.type in _LITERAL_TYPES:
        return value if isinstance(value, str) else json.dumps(value)
    # Terraform reads the other types as an expression. JSON is one, but for templates and two escapes.
    text = json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    return _ESCAPE.sub(lambda escape: _UNKNOWN_TO_HCL.get(escape[0], escape[0]), text)
