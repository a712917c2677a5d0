"""Text of strangers in Markdown: shown as it is, whatever it holds."""

from __future__ import annotations

import re

from ordain.render.words import clean, cut
from ordain.values.address import KEY

_CELL = 300
_ADDRESS = re.compile(rf"[a-z0-9._-]+(\[\"{KEY.pattern}\"\])?")
_SPECIAL = re.compile(r"[\\`*_\[\]<>&|~$:@#]|(?i:(?<=www)\.)")


def escape(text: str, limit: int = _CELL) -> str:
    """Return ``text`` so that Markdown shows it as it is: no markup, HTML, mention, link or table cell in it acts.

    Special characters become numeric entities, which survive in table cells and raw HTML alike. Mentions and issue
    numbers are looked for after entities are decoded, so these get a zero-width space as well.
    """
    return _SPECIAL.sub(_entity, cut(clean(text), limit))


def _entity(match: re.Match[str]) -> str:
    return f"{match[0]}&#8203;" if match[0] in "@#" else f"&#{ord(match[0])};"


def name(text: object) -> str:
    """Spell an address: what it may hold, a key included, is safe as code."""
    plain = str(text)
    return f"`{plain}`" if _ADDRESS.fullmatch(plain) else escape(plain)


def code(text: str, limit: int = _CELL) -> str:
    """Spell a text as code inside HTML or a table; what is copied from there is the text itself."""
    return f"<code>{_SPECIAL.sub(lambda found: f'&#{ord(found[0])};', cut(clean(text), limit))}</code>"
