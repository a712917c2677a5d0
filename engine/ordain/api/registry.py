"""What plugins brought: kinds and providers by name, loaded from their import paths when they are needed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, cast

from ordain.values.address import snake

if TYPE_CHECKING:
    from ordain.api.fields import Spec
    from ordain.api.kind import Kind
    from ordain.api.providers import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class KindEntry:
    """A kind: the word in ``kind:`` and the import path of its ``Kind`` (``package.module:Class``)."""

    name: str
    target: str
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEntry:
    """A provider of a kind: its word in ``provider:``, the import paths of the class and of its options model."""

    kind: str
    name: str
    target: str
    options: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeEntry:
    """A forge: its name and the import path of the class."""

    name: str
    target: str
    summary: str = ""


@cache
def load_object(path: str) -> object:
    """Import what ``package.module:Name`` names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


@cache
def load_kind(target: str) -> Kind:
    """Return the one instance of the kind at an import path."""
    return cast("type[Kind]", load_object(target))()


@cache
def load_provider(target: str) -> Provider:
    """Return an instance of the provider at an import path."""
    return cast("type[Provider]", load_object(target))()


@cache
def spec_model(kind_target: str, options_target: str) -> type[Spec]:
    """Return the model a spec is validated against: the kind's spec joined with the provider's options."""
    base = load_kind(kind_target).spec
    if not options_target:
        return base
    options = cast("type[Spec]", load_object(options_target))
    return cast(
        "type[Spec]", type(f"{base.__name__}{options.__name__}", (options, base), {"__module__": base.__module__})
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Kinds by name, providers by (kind, name); ``plugins`` maps each plugin to its version and ``origin`` kind or
    ``kind/provider`` names to the plugin that brought them."""

    kinds: Mapping[str, KindEntry]
    providers: Mapping[tuple[str, str], ProviderEntry]
    plugins: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)
    forges: Mapping[str, ForgeEntry] = field(default_factory=dict)

    def kind(self, name: str) -> Kind:
        """Return the kind called ``name`` (``Model``)."""
        return load_kind(self.kinds[name].target)

    def provider_name(self, kind: str, provider: str | None) -> str | None:
        """Return the provider's name with the kind's default filled in."""
        return provider or self.kind(kind).default_provider

    def entry(self, kind: str, provider: str | None) -> ProviderEntry | None:
        """Return the entry of a provider, or None for a kind that has none."""
        return self.providers.get((kind, provider)) if provider else None

    def provider(self, kind: str, provider: str) -> Provider:
        return load_provider(self.providers[kind, provider].target)

    def model(self, kind: str, provider: str | None) -> type[Spec]:
        """Return the model a spec of this kind and provider is validated against."""
        entry = self.entry(kind, provider)
        return spec_model(self.kinds[kind].target, entry.options if entry else "")

    def kind_of(self, word: str) -> str | None:
        """Return the kind whose word in addresses is ``word`` (``data_source`` → ``DataSource``)."""
        return next((name for name in self.kinds if snake(name) == word), None)

    def providers_of(self, kind: str) -> tuple[str, ...]:
        return tuple(sorted(name for owner, name in self.providers if owner == kind))
