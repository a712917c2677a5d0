"""An environment's overrides: JSON Merge Patches (RFC 7396) of a resource's document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ordain.config.instances import Known
from ordain.config.load import Document
from ordain.config.report import Place, Report
from ordain.config.settings import Checked
from ordain.values.address import Address
from ordain.values.data import Path, Tree
from ordain.values.diagnostic import Diagnostic
from ordain.values.span import Overlay, Source

if TYPE_CHECKING:
    from ordain.api.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One override: whose document it patches, with what, and where it stands."""

    address: Address
    patch: Mapping[str, Tree]
    source: Source
    inner: Path

    def place(self, *rest: str) -> Place:
        return Place(source=self.source, path=(*self.inner, *rest), key=True)


def overrides_of(environment: Checked, report: Report) -> tuple[Override, ...]:
    """Return an environment's overrides; two of one resource are reported."""
    found: dict[Address, Override] = {}
    for text, patch in environment.raw("overrides").items():
        try:
            address = Address.parse(text)
        except ValueError:
            continue  # the model has said so
        inner = ("spec", "overrides", text)
        one = Override(
            address=address, patch=patch if isinstance(patch, Mapping) else {}, source=environment.source, inner=inner
        )
        if address in found:
            report.add_related(
                one.place(),
                Diagnostic(code="override-duplicate", summary=f"{address} is overridden twice", fix="make one of them"),
                [(found[address].place(), "first here")],
            )
        found.setdefault(address, one)
    return tuple(found.values())


def check_there(overrides: tuple[Override, ...], known: Known, report: Report, *, here: bool) -> None:
    """Report overrides of what is not there; of another environment than this one (not ``here``) keys may differ."""
    for one in overrides:
        if one.address.key and not here and one.address.base in known.keys:
            continue
        if not one.address.key and one.address in known.keys:
            continue  # of the document, before it is multiplied
        wrong = known.missing(one.address)
        if wrong is not None:
            report.add(one.place(), "override-unknown", f"nothing to override: {wrong[0]}", wrong[1])


def overridden(
    documents: Mapping[Address, Document], overrides: Iterable[Override], registry: Registry, report: Report
) -> Mapping[Address, Document]:
    """Return the documents with the overrides of those among them laid over."""
    found: dict[Address, Document] = {}
    for one in overrides:
        document = documents.get(one.address)
        if document is not None:
            default = registry.provider_name(document.kind, None)
            patch = _allowed(one, report)
            found[one.address] = override(document, patch, one.source, one.inner, default)
    return {**documents, **found} if found else documents


def _allowed(one: Override, report: Report) -> Mapping[str, Tree]:
    refused = ("kind", "name", "for_each") if one.address.key else ("kind", "name")
    for key in refused:
        if key in one.patch:
            what = "an override of one resource" if key == "for_each" else "an override"
            report.add(one.place(key), "override-invalid", f"{what} cannot change `{key}`", "leave it out")
    return {key: value for key, value in one.patch.items() if key not in refused}


def override(
    document: Document, patch: Mapping[str, Tree], source: Source, inner: Path, provider: str | None = None
) -> Document:
    """Return the document with ``patch`` laid over it; ``inner`` is where the patch stands in ``source``.

    ``provider`` is the one the document has where it names none.

    null removes, mappings merge, everything else replaces; a changed ``provider`` replaces the whole spec. The
    result's source says of each patched field where it was written.
    """
    overlays: list[Overlay] = []
    data = document.data
    spec, change = data.get("spec"), patch.get("spec")
    if isinstance(spec, Mapping) and isinstance(change, Mapping) and _changes_provider(spec, change, provider):
        data = {**data, "spec": None}
    merged = _merge(data, patch, (), inner, overlays, source)
    assert isinstance(merged, Mapping)
    new = {overlay.path for overlay in overlays}
    kept = (
        one
        for one in document.source.overlays
        if not any(one.path[: length + 1] in new for length in range(len(one.path)))
    )
    return replace(document, data=merged, source=replace(document.source, overlays=(*overlays, *kept)))


def _changes_provider(spec: Mapping[str, Tree], change: Mapping[str, Tree], provider: str | None) -> bool:
    return "provider" in change and change["provider"] != spec.get("provider", provider)


def _merge(target: Tree, patch: Tree, path: Path, inner: Path, overlays: list[Overlay], source: Source) -> Tree:
    if not isinstance(patch, Mapping) or not isinstance(target, Mapping):
        overlays.append(Overlay(path=path, source=source, inner=inner))
        return _without_nulls(patch)
    merged = dict(target)
    for key, change in patch.items():
        here, there = (*path, key), (*inner, key)
        if change is None:
            merged.pop(key, None)
            overlays.append(Overlay(path=here, source=source, inner=there))
        else:
            merged[key] = _merge(target.get(key), change, here, there, overlays, source)
    return merged


def _without_nulls(patch: Tree) -> Tree:
    if not isinstance(patch, Mapping):
        return patch
    return {key: _without_nulls(value) for key, value in patch.items() if value is not None}
