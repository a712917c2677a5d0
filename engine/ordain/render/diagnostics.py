"""Diagnostics as a compiler would print them: what, where with a caret, why, and what to do next. And as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ordain.render.lines import BLANK, Line, Piece, Style, TerminalOptions, line, paint
from ordain.render.words import cells, clean, where
from ordain.values.codec import dumps
from ordain.values.diagnostic import Blame, Diagnostic, Severity, in_order
from ordain.values.span import Span

_SNIPPET = 160
_FORMAT = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A position in a file; line and column count from 1, columns in Unicode characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A part of a file: from start to before end. Where the text is not at hand, end is start."""

    filename: str
    start: Point
    end: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The line at fault; the offsets are those of the part meant, in characters from 0, the end not included."""

    code: str
    start_line: int
    highlight_start_offset: int
    highlight_end_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Another place that has to do with it, and why."""

    message: str
    range: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One diagnostic. Texts may be empty; what does not apply is null. ``path`` is the field in the document."""

    severity: Severity
    code: str
    summary: str
    detail: str
    fix: str
    blame: Blame
    address: str | None
    path: tuple[str | int, ...]
    range: Range | None
    snippet: Excerpt | None
    related: tuple[Related, ...]
    plugin: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What ``ordain validate --format json`` prints: whether the specs are valid, and everything there is to say."""

    format_version: str
    valid: bool
    error_count: int
    warning_count: int
    diagnostics: tuple[Found, ...]


def diagnostics_text(diagnostics: Iterable[Diagnostic], options: TerminalOptions) -> str:
    """Return all diagnostics as text, sorted by position, with a count at the end where there are several."""
    found = in_order(diagnostics)
    return paint(_all(found), options) if found else ""


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> bytes:
    """Return a ``Verdict`` as JSON, its diagnostics sorted by position."""
    found = in_order(diagnostics)
    errors = sum(one.is_error for one in found)
    verdict = Verdict(
        format_version=_FORMAT,
        valid=not errors,
        error_count=errors,
        warning_count=len(found) - errors,
        diagnostics=tuple(map(_found, found)),
    )
    return dumps(verdict, indent=True) + b"\n"


def _found(one: Diagnostic) -> Found:
    return Found(
        severity=one.severity,
        code=one.code,
        summary=one.summary,
        detail=one.detail,
        fix=one.fix,
        blame=one.blame,
        address=str(one.address) if one.address is not None else None,
        path=one.path,
        range=_range(one.at, end_column(one)) if one.at is not None else None,
        snippet=_excerpt(one),
        related=tuple(Related(message=text, range=_range(span, span.column)) for span, text in one.related),
        plugin=one.plugin,
    )


def _range(at: Span, end: int) -> Range:
    start = Point(line=at.line, column=at.column)
    return Range(filename=at.file, start=start, end=Point(line=at.line, column=end))


def _excerpt(one: Diagnostic) -> Excerpt | None:
    if one.at is None or not one.snippet:
        return None
    begin = min(one.at.column - 1, len(one.snippet))
    end = max(begin, min(end_column(one) - 1, len(one.snippet)))
    return Excerpt(code=one.snippet, start_line=one.at.line, highlight_start_offset=begin, highlight_end_offset=end)


def end_column(one: Diagnostic) -> int:
    """Return the column behind the word a diagnostic is about; its own column where the text is not at hand."""
    if one.at is None:
        return 1
    rest = one.snippet[one.at.column - 1 :] if one.snippet else ""
    return one.at.column + (len(_word(rest)) if rest else 0)


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
    """Return how many columns of a terminal the caret covers: at least one."""
    return max(1, cells(_word(rest)))


def _word(rest: str) -> str:
    """Return the word that ``rest`` begins with, quotes included; its first character where that begins none."""
    if rest[:1] in ("'", '"'):
        end = rest.find(rest[0], 1) + 1
        return rest[: end or 1]
    length = 0
    while length < len(rest) and (rest[length].isalnum() or rest[length] in "_-./$"):
        length += 1
    return rest[: max(1, length)]
