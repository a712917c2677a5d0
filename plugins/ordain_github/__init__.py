"""GitHub as a forge: pull requests, one sticky comment, commit statuses, annotations."""

from __future__ import annotations

from ordain.api import ForgeEntry, hookimpl

_FORGES = (
    ForgeEntry(
        name="github",
        target="ordain_github.forge:GitHub",
        summary="github.com or a GitHub Enterprise Server, from within a workflow run",
    ),
)


@hookimpl
def register_forges() -> tuple[ForgeEntry, ...]:
    """Register the forge."""
    return _FORGES
