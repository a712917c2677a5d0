"""A refresh-only plan takes in what the world shows of what is recorded, and brings nothing about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ordain.api.kind import Outlook
from ordain.values.change import Effect
from ordain.values.data import Tree
from ordain.values.record import ResourceRecord
from ordain.values.resource import Lifecycle, Resource


def as_recorded(resource: Resource, record: ResourceRecord) -> Resource:
    """Return the resource as it was applied: an edit of its document is not what this plan is about."""
    return replace(
        resource,
        provider=record.provider,
        spec=record.spec,
        description=record.description,
        owner=record.owner,
        labels=record.labels,
        lifecycle=replace(
            Lifecycle(), protect=record.protect, keep_on_remove=record.keep_on_remove, replace_when=record.replace_when
        ),
        run=record.options,
        depends_on=record.depends_on,
    )


def outlook(resource: Resource, record: ResourceRecord | None) -> Outlook:
    """Return what others may know of a resource that is not looked at."""
    outputs: Mapping[str, Tree] = record.outputs if record is not None else {}
    return Outlook(
        address=resource.address,
        kind=resource.kind,
        effect=Effect.NONE,
        outputs=outputs,
        facts=record.facts if record is not None else {},
        recipe=str(record.facts.get("recipe", "")) if record is not None else "",
        deferred="" if record is not None else "it is not made yet",
    )
