"""Lines with styles and hanging indents. A line that fits is written at once; rich folds those that do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ordain.render.words import cells
from ordain.values.approval import Approved

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


class Style(StrEnum):
    """What a piece of a line is; the value is how rich paints it. Every piece reads the same without colour."""

    PLAIN = ""
    STRONG = "bold"
    DIM = "dim"
    ADD = "green"
    CHANGE = "yellow"
    REMOVE = "red"
    LOUD = "bold red"
    TRAIN = "bold magenta"
    NOTE = "cyan"


_CODES = {Style.STRONG: "1", Style.DIM: "2", Style.ADD: "32", Style.CHANGE: "33", Style.REMOVE: "31",
          Style.LOUD: "1;31", Style.TRAIN: "1;35", Style.NOTE: "36"}  # fmt: skip
"""What a terminal is told for a style: what rich tells it."""

_NARROW = 24
"""With less room than this beside its head, a body goes below it."""

Piece = tuple[str, Style]


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalOptions:
    """How to print: ``width`` in columns (0: do not wrap).

    ``apply_command`` is what the reader types next ("": nothing, the plan is being applied), ``approve_command`` what
    they type where approvals are asked for ("": the plan is not saved). ``approved`` is how far the plan is approved;
    None where nobody knows yet.
    """

    color: bool = False
    width: int = 100
    verbose: bool = False
    show_no_ops: bool = False
    apply_command: str = "ordain apply"
    approve_command: str = ""
    approved: Approved | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: ``head`` (symbol, name; printed as it is) and ``body``, which wraps under its own beginning."""

    head: tuple[Piece, ...] = ()
    body: tuple[Piece, ...] = ()


BLANK = Line()


def line(*pieces: Piece | str, indent: int = 0) -> Line:
    """Return a line that wraps at ``indent``; a plain string is a piece without style."""
    body = tuple((piece, Style.PLAIN) if isinstance(piece, str) else piece for piece in pieces)
    return Line(head=((" " * indent, Style.PLAIN),) if indent else (), body=body)


def paint(lines: Iterable[Line], options: TerminalOptions) -> str:
    """Return the text of the lines, wrapped to ``options.width``; blank lines never stand doubled, first or last."""
    out: list[str] = []
    console: Console | None = None
    for one in _tidy(lines):
        text = _fitting(one, options)
        if text is not None:
            out.append(text)
            continue
        if console is None:
            from rich.console import Console

            console = Console(width=max(options.width, 40), color_system=None, legacy_windows=False, _environ={})
        out += _painted(one, options, console)
    return "\n".join(out) + "\n" if out else ""


def _fitting(one: Line, options: TerminalOptions) -> str | None:
    """Return the text of a line that needs no folding and holds nothing but what is printed; None for another."""
    pieces = (*one.head, *one.body)
    plain = "".join([text for text, _ in pieces])
    if not plain.isprintable() or (options.width and not _fits(one, plain, max(options.width, 40))):
        return None
    if not options.color:
        return plain.rstrip()
    if plain[-1:].isspace():
        return None  # where the spaces at its end go depends on how they are painted
    return "".join(
        [f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text and style in _CODES else text for text, style in pieces]
    )


def _fits(one: Line, plain: str, room: int) -> bool:
    if cells(plain) > room:
        return False
    return not (one.head and one.body) or room - sum(cells(text) for text, _ in one.head) >= _NARROW


def _tidy(lines: Iterable[Line]) -> Iterator[Line]:
    waiting = started = False
    for one in lines:
        if one == BLANK:
            waiting = started
            continue
        if waiting:
            yield BLANK
        waiting, started = False, True
        yield one


def _painted(one: Line, options: TerminalOptions, console: Console) -> Iterator[str]:
    from rich.text import Text

    head, body = (Text.assemble(*_pairs(pieces)) for pieces in (one.head, one.body))
    room = max(options.width, 40) - head.cell_len
    if (
        options.width and room < _NARROW and one.head and one.body
    ):  # too narrow for columns: the body goes below, indented
        yield _ansi(head, options, console)
        head, room = Text(" " * 6), max(options.width, 40) - 6
    rows = list(body.wrap(console, room, tab_size=4)) if options.width and one.body else [body]
    for index, row in enumerate(rows):
        row.rstrip()
        yield _ansi(head.copy().append_text(row) if not index else Text(" " * head.cell_len).append_text(row),
                    options, console)  # fmt: skip


def _pairs(pieces: Iterable[Piece]) -> Iterator[tuple[str, str]]:
    for text, style in pieces:
        yield text, style.value


def _ansi(text: Text, options: TerminalOptions, console: Console) -> str:
    from rich.color import ColorSystem

    if not options.color:
        return text.plain.rstrip()
    return "".join(
        segment.style.render(segment.text, color_system=ColorSystem.STANDARD) if segment.style else segment.text
        for segment in text.render(console)
    ).rstrip()
