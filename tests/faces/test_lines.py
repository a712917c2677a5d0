"""A line that fits is written without rich, and looks as rich would have painted it."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st
from rich.console import Console

from ordain.render import lines
from ordain.render.lines import BLANK, Line, Piece, Style, TerminalOptions

_TEXTS = st.text(st.sampled_from("ab +~↻→≈⏸✗é  中\t\n"), max_size=12)
_PIECES: st.SearchStrategy[tuple[Piece, ...]] = st.lists(
    st.tuples(_TEXTS, st.sampled_from(list(Style))), max_size=4
).map(tuple)


@settings(max_examples=600, deadline=None)
@given(head=_PIECES, body=_PIECES, color=st.booleans(), width=st.sampled_from((0, 40, 60, 100)))
def test_the_quick_way_is_what_rich_paints(
    head: tuple[Piece, ...], body: tuple[Piece, ...], color: bool, width: int
) -> None:
    one, options = Line(head=head, body=body), TerminalOptions(color=color, width=width)
    console = Console(width=max(width, 40), color_system=None, legacy_windows=False, _environ={})
    quick = lines._fitting(one, options)
    slow = list(lines._painted(one, options, console))
    if quick is not None and one != BLANK:
        assert slow == [quick]
