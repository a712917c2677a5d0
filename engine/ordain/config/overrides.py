"""An environment's overrides: JSON Merge Patches (RFC 7396) of a resource's document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ordain.config.load import Document
from ordain.values.data import Path, Tree
from ordain.values.span import Overlay, Source


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
    return replace(document, data=merged, source=replace(document.source, overlays=tuple(overlays)))


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
