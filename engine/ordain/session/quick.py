"""The way to the text of a plan without changes: what the cache holds is checked, and nothing of a plan is made.

Nothing here imports pydantic, YAML, Jinja, pluggy or the values of a plan: this is what runs a hundred times a day.
"""

from __future__ import annotations

from ordain.session import cache
from ordain.session.context import Context


def cached_text(context: Context) -> str | None:
    """Return the text of the empty plan of last time where all it rested on still holds; None where anything moved."""
    found = cache.standing(context)
    if found is None or found.head.text is None:
        return None
    if found.head.world:
        from ordain.session import again  # most of a plan's values: not free to import

        if not again.world_holds(context, found):
            return None
    return found.head.text
