"""Diagnostics as a compiler would print them: what, where with a caret, why, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ordain.render.lines import BLANK, Line, Piece, Style, TerminalOptions, line, paint
from ordain.render.words import cells, clean, where
from ordain.values.codec import dumps
from ordain.values.diagnostic import Blame, Diagnostic, in_order

_SNIPPET = 160


def diagnostics_text(diagnostics: Iterable[Diagnostic], options: TerminalOptions) -> str:
    """Return all diagnostics as text, sorted by position, with a count at the end where there are several."""
    found = in_order(diagnostics)
    return paint(_all(found), options) if found else ""


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> bytes:
    """Return ``{"diagnostics": [...]}`` as JSON, sorted by position."""
    return dumps({"diagnostics": in_order(diagnostics)}, indent=True) + b"\n"


def _all(found: tuple[Diagnostic, ...]) -> Iterator[Line]:
    for diagnostic in found:
        yield from diagnostic_lines(diagnostic)
        yield BLANK
    if len(found) > 1:
        errors = sum(diagnostic.is_error for diagnostic in found)
        warnings = len(found) - errors
        said = [f"{number} {name}{'s' if number > 1 else ''}" for number, name in
                ((errors, "error"), (warnings, "warning")) if number]  # fmt: skip
        yield line((" and ".join(said), Style.STRONG))


def diagnostic_lines(diagnostic: Diagnostic) -> Iterator[Line]:
    """Yield the lines of one diagnostic."""
    style = Style.LOUD if diagnostic.is_error else Style.CHANGE
    yield line((f"{diagnostic.severity}[{clean(diagnostic.code)}]", style),
               (f": {clean(diagnostic.summary)}", Style.STRONG))  # fmt: skip
    gutter = " " * (len(str(diagnostic.at.line)) if diagnostic.at and diagnostic.snippet is not None else 1)
    if diagnostic.at is not None:
        yield Line(head=((f"{gutter}--> ", Style.NOTE),), body=((where(diagnostic.at, column=True), Style.PLAIN),))
    elif diagnostic.address is not None:
        yield Line(head=((f"{gutter}--> ", Style.NOTE),), body=((str(diagnostic.address), Style.PLAIN),))
    if diagnostic.at is not None and diagnostic.snippet is not None:
        yield from _snippet(diagnostic.snippet, diagnostic.at.line, diagnostic.at.column, style)
    yield from _said(gutter, "", diagnostic.detail)
    yield from _said(gutter, "fix: ", diagnostic.fix)
    for span, text in diagnostic.related:
        yield from _said(gutter, "see: ", f"{where(span, column=True)} {text}".rstrip())
    if diagnostic.blame is Blame.PLUGIN:
        yield from _said(gutter, "", f"This is a fault of the plugin {diagnostic.plugin or 'that did it'}.")
    elif diagnostic.blame is Blame.ORDAIN:
        yield from _said(gutter, "", "This is a bug in Ordain.")


def _said(gutter: str, name: str, text: str) -> Iterator[Line]:
    head: tuple[Piece, ...] = ((f"{gutter} = ", Style.NOTE), (name, Style.STRONG))
    lines = [part for part in text.splitlines() if part.strip()]
    for index, part in enumerate(lines):
        blank = ((" " * (len(gutter) + 3 + len(name)), Style.PLAIN),)
        yield Line(head=head if not index else blank, body=((clean(part), Style.PLAIN),))


def _snippet(text: str, number: int, column: int, style: Style) -> Iterator[Line]:
    gutter = " " * len(str(number))
    start = max(0, column - 1)
    offset = max(0, start - _SNIPPET // 2)
    shown = text.splitlines()[0][offset : offset + _SNIPPET] if text.strip() else ""
    before, rest = clean(shown[: start - offset]), shown[start - offset :]
    yield line((f"{gutter} |", Style.NOTE))
    yield Line(head=((f"{number} | ", Style.NOTE), (before + clean(rest), Style.PLAIN)))
    yield Line(head=((f"{gutter} | ", Style.NOTE), (" " * cells(before) + "^" * _token(rest), style)))


def _token(rest: str) -> int:
    """Return how many columns the caret covers: the word that begins here, quotes included."""
    if rest[:1] in ("'", '"'):
        end = rest.find(rest[0], 1) + 1
        return cells(rest[:end]) if end else 1
    length = 0
    while length < len(rest) and (rest[length].isalnum() or rest[length] in "_-./$"):
        length += 1
    return max(1, cells(rest[:length]))
