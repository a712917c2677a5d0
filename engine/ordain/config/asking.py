"""Asks a provider what it finds wrong with a spec. What goes wrong in the provider becomes a diagnostic too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ordain import api
from ordain.config.report import Place
from ordain.config.trees import Reader
from ordain.values.data import Json, Tree, leaves
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError

if TYPE_CHECKING:
    from ordain.api.providers import Provider
    from ordain.api.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A provider that checks specs, what it is of (``Model``), and the plugin to name when it breaks."""

    provider: Provider
    kind: str
    plugin: str

    def about(self, spec: Mapping[str, Tree], reader: Reader) -> None:
        """Report what the provider finds wrong with a normalised spec; nothing where a leaf is unknown or secret."""
        if any(True for _ in leaves(spec)):
            return
        for problem in self._problems(cast("Mapping[str, Json]", spec)):
            place = Place(source=reader.source, path=problem.path, key=problem.key, address=reader.address)
            reader.report.add_found(place, problem)

    def _problems(self, spec: Mapping[str, Json]) -> tuple[Diagnostic, ...]:
        try:
            found: object = self.provider.check(spec)
        except OrdainError as error:
            return error.diagnostics
        except Exception as error:
            return (self._bug(f"{type(error).__name__}: {error}"),)
        if isinstance(found, tuple) and all(isinstance(one, Diagnostic) for one in found):
            return found
        return (self._bug(f"it answered with a {type(found).__name__}, not a tuple of diagnostics"),)

    def _bug(self, detail: str) -> Diagnostic:
        return Diagnostic(
            code="check-broke",
            summary=f"checking the spec of a {self.kind} broke in the plugin {self.plugin}",
            detail=detail,
            fix=f"this is a bug in the plugin {self.plugin}: report it to its authors",
            blame=Blame.PLUGIN,
            exit=ExitCode.BUG,
            path=("spec",),
            key=True,
            plugin=self.plugin,
        )


def asked(registry: Registry, kind: str, name: str | None) -> Asked | None:
    """Return how to ask the provider of a kind; None where there is none, or it has nothing to say."""
    if registry.entry(kind, name) is None or name is None:
        return None
    provider = registry.provider(kind, name)
    if type(provider).check is api.Provider.check:
        return None
    return Asked(provider=provider, kind=kind, plugin=registry.origin.get(f"{kind}/{name}", name))
