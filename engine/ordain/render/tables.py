"""Plain aligned tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ordain.render.words import cells, clean

_NUMBER = re.compile(r"[-+]?[\d,]+(\.\d+)?(e[-+]?\d+)?%?|")


def table(rows: Iterable[Sequence[str]], headers: Sequence[str]) -> str:
    """Return the rows under their headers, columns aligned, numbers to the right; "" where there are no rows."""
    body = [[clean(cell) for cell in row] for row in rows]
    if not body:
        return ""
    numeric = [all(_NUMBER.fullmatch(row[i]) for row in body) for i in range(len(headers))]
    widths = [max(cells(row[i]) for row in (headers, *body)) for i in range(len(headers))]
    out = []
    for row in (headers, *body):
        padded = (_pad(cell, width, right) for cell, width, right in zip(row, widths, numeric, strict=True))
        out.append("  ".join(padded).rstrip())
    return "\n".join(out) + "\n"


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - cells(text))
    return space + text if right else text + space
