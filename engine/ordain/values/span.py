"""Where something was written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """A position in a file: path relative to the project with forward slashes; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The text one document was parsed from; positions inside it are found again on demand (``Locate``).

    ``line`` is the line of the file on which ``text`` starts. ``overlays`` are documents that wrote some of the
    fields (an Environment's override): the path they set, their own source, and the path inside that. ``expansion``
    says where the lines of a text come from that no file holds as it is: one that a blueprint was expanded to.
    """

    file: str
    line: int
    text: str
    overlays: tuple[Overlay, ...] = ()
    expansion: Expansion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """How the text of a document came of a blueprint.

    ``lines`` gives for each line of the document's text the line of the blueprint's body it was written on (from 1);
    ``parameters`` for each line the one parameter whose value was written into it ("" for none, or more than one);
    ``body`` is the text of the blueprint's body, ``caller`` the document that says ``use:``. The document's text holds
    marks where values go (``expr.blueprints``), so that no value can be taken for YAML; ``texts`` spells each value.
    """

    lines: tuple[int, ...]
    parameters: tuple[str, ...]
    body: str
    caller: Source
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """A field that another document wrote: ``path`` here stands at ``inner`` in ``source``."""

    path: tuple[str | int, ...]
    source: Source
    inner: tuple[str | int, ...]
