"""Draws what a command prints in a terminal, as an SVG that needs no font from elsewhere.

``script -qec 'stty cols 100; ordain plan' /dev/null < /dev/null > plan.txt`` keeps it with its colours; then
``python docs/picture.py < plan.txt > docs/images/plan.svg``.
"""

from __future__ import annotations

import io
import re
import sys

from rich.console import Console
from rich.text import Text

FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"
WIDTH = 100


def picture(text: str, title: str) -> str:
    """Return a terminal with ``text`` in it as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), legacy_windows=False)
    console.print(Text.from_ansi(text.replace("\r", "").strip("\n")))
    svg = console.export_svg(title=title, unique_id="plan")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)  # some would swallow the spaces at the left
    svg = re.sub(r"<!--.*?-->\s*", "", svg)
    return re.sub(r"font-family: Fira Code, monospace", f"font-family: {FONTS}", svg)


if __name__ == "__main__":
    sys.stdout.write(picture(sys.stdin.read(), "ordain plan"))
