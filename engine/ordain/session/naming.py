"""Which resource a person means who types an address."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ordain.values.address import Address

_NAMED = 6


def find(text: str, known: Iterable[Address]) -> Address | None:
    """Return the address that ``text`` spells, with its key in quotes of either kind or in none; None if unknown."""
    try:
        found = Address.parse(text.replace("'", '"'))
    except ValueError:
        return None
    return found if found in set(known) else None


def hint(text: str, known: Iterable[Address], otherwise: str) -> str:
    """Return what to type in place of a ``text`` that names nothing: one of its keys, what is spelt nearly so."""
    names = sorted(known)
    keyed = [str(one) for one in names if one.key and str(one.base) == text]
    if keyed:
        more = f" and {len(keyed) - _NAMED} more" if len(keyed) > _NAMED else ""
        return f"it is several; name one: {', '.join(keyed[:_NAMED])}{more}"
    near = difflib.get_close_matches(text, map(str, names), n=1)
    return f"did you mean {near[0]}?" if near else otherwise
