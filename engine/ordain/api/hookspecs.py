"""The hooks (pluggy). Registering hooks return typed entries; observing hooks only listen.

A plugin is a module named by an entry point of the group ``ordain.plugins``; its hookimpls return entries that name
import paths, so that loading a plugin imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import pluggy

from ordain.api.registry import ForgeEntry, KindEntry, ProviderEntry

if TYPE_CHECKING:
    from ordain.values.event import Event
    from ordain.values.plan import Plan

NAMESPACE = "ordain"
hookspec = pluggy.HookspecMarker(NAMESPACE)
hookimpl = pluggy.HookimplMarker(NAMESPACE)


class Hooks:
    """Every hook there is."""

    @hookspec
    def register_kinds(self) -> Iterable[KindEntry]:
        """Return the kinds of resource this plugin brings."""
        return cast("Iterable[KindEntry]", ())

    @hookspec
    def register_providers(self) -> Iterable[ProviderEntry]:
        """Return the providers this plugin brings."""
        return cast("Iterable[ProviderEntry]", ())

    @hookspec
    def register_forges(self) -> Iterable[ForgeEntry]:
        """Return the forges this plugin brings: hosts of code with pull requests."""
        return cast("Iterable[ForgeEntry]", ())

    @hookspec
    def plan_created(self, plan: Plan) -> None:
        """Hear of each plan that was made."""

    @hookspec
    def event_emitted(self, event: Event) -> None:
        """Hear of each event of an apply."""
