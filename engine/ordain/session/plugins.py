"""Finds the plugins and asks them what they bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ordain.api.hookspecs import NAMESPACE, Hooks
from ordain.api.registry import ForgeEntry, KindEntry, ProviderEntry, Registry
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError

if TYPE_CHECKING:
    import pluggy

GROUP = "ordain.plugins"


def load_plugins() -> tuple[pluggy.PluginManager, Registry]:
    """Load every installed plugin; return the manager (for observing hooks) and the registry.

    Raises ``OrdainError`` for a plugin that cannot be loaded, names an unknown hook, or brings a name twice.
    """
    from importlib.metadata import entry_points  # 15 ms, and a plan from the cache never comes here

    import pluggy

    manager = pluggy.PluginManager(NAMESPACE)
    manager.add_hookspecs(Hooks)
    versions: dict[str, str] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name in versions:
            raise OrdainError(_broken(point.name, "two distributions bring a plugin of this name"))
        try:
            manager.register(point.load(), name=point.name)
            manager.check_pending()
        except (ImportError, pluggy.PluginValidationError) as error:
            raise OrdainError(_broken(point.name, str(error))) from error
        versions[point.name] = point.dist.version if point.dist is not None else "unknown"
    return manager, _registry(manager, versions)


def _registry(manager: pluggy.PluginManager, versions: dict[str, str]) -> Registry:
    kinds: dict[str, KindEntry] = {}
    providers: dict[tuple[str, str], ProviderEntry] = {}
    forges: dict[str, ForgeEntry] = {}
    origin: dict[str, str] = {}
    for name, plugin in sorted(manager.list_name_plugin()):
        for kind in getattr(plugin, "register_kinds", tuple)():
            _claim(origin, kind.name, name)
            kinds[kind.name] = kind
        for provider in getattr(plugin, "register_providers", tuple)():
            _claim(origin, f"{provider.kind}/{provider.name}", name)
            providers[provider.kind, provider.name] = provider
        for forge in getattr(plugin, "register_forges", tuple)():
            _claim(origin, f"forge/{forge.name}", name)
            forges[forge.name] = forge
    return Registry(kinds=kinds, providers=providers, plugins=versions, origin=origin, forges=forges)


def _claim(origin: dict[str, str], what: str, plugin: str) -> None:
    if what in origin:
        raise OrdainError(_broken(plugin, f"it brings {what}, which {origin[what]} brings already"))
    origin[what] = plugin


def _broken(name: str, detail: str) -> Diagnostic:
    return Diagnostic(
        code="plugin-broken",
        summary=f"the plugin {name} cannot be used",
        detail=detail,
        fix="uninstall it, or install a version that fits this Ordain",
        blame=Blame.PLUGIN,
        exit=ExitCode.FAILURE,
        plugin=name,
    )
