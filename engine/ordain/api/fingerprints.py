"""The fingerprint of one resource, made in one place for the planner and for apply (DESIGN §1.5).

The planner makes it where the whole spec is known; where a leaf was unknown, the worker makes it once the leaf is.
Both must come to the same digits, or the next plan would see a change where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ordain.values.data import Json, Leaf, Path, Secret, Tree, leaves, replace_leaves
from ordain.values.fingerprint import Facet, Fingerprint, short

if TYPE_CHECKING:
    from ordain.api.fields import Spec
    from ordain.values.change import Change
    from ordain.values.record import ResourceRecord
    from ordain.values.resource import Resource


def record_part(resource: Resource | Change) -> Mapping[str, Tree]:
    """Return what of a resource stands outside its spec and is only written down."""
    run, lifecycle = resource.run, resource.lifecycle
    return {
        "description": resource.description,
        "owner": resource.owner,
        "labels": dict(resource.labels),
        "protect": lifecycle.protect,
        "keep_on_remove": lifecycle.keep_on_remove,
        "replace_when": lifecycle.replace_when,
        "run": [run.executor, run.cpu, run.memory, run.gpu, run.timeout, run.retries],
        "depends_on": [str(address) for address in resource.depends_on],
    }


def fingerprint_of(
    model: type[Spec], spec: Mapping[str, Tree], inputs: Mapping[str, Json], record: Mapping[str, Tree]
) -> Fingerprint:
    """Return the four digests of a resource.

    A secret counts by its digest where that is known: what it is called, and whence it comes, is only written down.
    ``spec`` is normalised against ``model`` and holds no ``Unknown`` leaf; ``inputs`` are by facet (``{"build": {…},
    "judge": {…}, "serve": {…}}``); ``record`` is what ``record_part`` gives.
    """
    from ordain.api.fields import split  # pydantic: a plan without changes never comes here

    held = [leaf for _, leaf in leaves(spec) if isinstance(leaf, Secret) and leaf.digest is not None]
    if held:
        sealed = replace_leaves(spec, _by_digest)
        spec = sealed if isinstance(sealed, Mapping) else spec
        record = {**record, "secrets": [leaf.expression for leaf in held]}
    fields = split(model, spec)
    return Fingerprint(
        build=short({"spec": fields[Facet.BUILD], "inputs": inputs.get("build", {})}),
        judge=short({"spec": fields[Facet.JUDGE], "inputs": inputs.get("judge", {})}),
        serve=short({"spec": fields[Facet.SERVE], "inputs": inputs.get("serve", {})}),
        record=short({"spec": fields[Facet.RECORD], "record": record}),
    )


def _by_digest(leaf: Leaf) -> Tree:
    if isinstance(leaf, Secret) and leaf.digest is not None:
        return Secret(expression="", names=(), digest=leaf.digest)
    return leaf


def ignoring(
    spec: Mapping[str, Tree], resource: Resource | Change, record: ResourceRecord | None
) -> Mapping[str, Tree]:
    """Return a normalised spec with what ``lifecycle.ignore_changes`` names as it was recorded."""
    paths = resource.lifecycle.ignore_changes
    if not paths or record is None:
        return spec
    out: Tree = spec
    for path in paths:
        out = _graft(out, record.spec, tuple(path.removeprefix("spec.").split(".")))
    return out if isinstance(out, Mapping) else spec


def _graft(tree: Tree, recorded: Tree, path: Path) -> Tree:
    if not path:
        return recorded
    if not isinstance(tree, Mapping) or not isinstance(recorded, Mapping) or path[0] not in recorded:
        return tree
    key = str(path[0])
    return {**tree, key: _graft(tree.get(key), recorded[key], path[1:])}
