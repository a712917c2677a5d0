"""The parts every resource's document may have: ``lifecycle`` and ``run``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ordain.api.fields import Spec
from ordain.api.quantities import Bytes, Seconds
from ordain.values.data import Tree
from ordain.values.resource import Lifecycle, RunOptions

if TYPE_CHECKING:
    from ordain.config.trees import Reader


class LifecycleSpec(Spec):
    """How a resource may end."""

    protect: bool = Field(default=False, description="refuse to delete or replace it")
    keep_on_remove: bool = Field(default=False, description="forget it instead of deleting it")
    ignore_changes: tuple[str, ...] = Field(default=(), description="paths of the spec that are not compared")
    replace_when: tuple[str, ...] = Field(
        default=(), description="resources and outputs: where one of them changes, this is made again"
    )

    def value(self) -> Lifecycle:
        return Lifecycle(
            protect=self.protect,
            keep_on_remove=self.keep_on_remove,
            ignore_changes=self.ignore_changes,
            replace_when=self.replace_when,
        )


class NeedsSpec(Spec):
    """What a step needs of the machine."""

    cpu: float | None = Field(default=None, gt=0, description="cores")
    memory: Bytes | None = Field(
        default=None, description="the most the step's process may allocate, as in 512MiB or 2GB"
    )


class RunSpec(Spec):
    """How a resource's steps run."""

    not_yet: ClassVar[frozenset[str]] = frozenset(("resources.gpu",))

    executor: str = Field(default="default", min_length=1, description="there is one today")
    resources: NeedsSpec = Field(
        default_factory=NeedsSpec, description="what a step may use; it then runs in a process of its own"
    )
    timeout: Seconds | None = Field(
        default=None, description="after this long the step is ended; as in 30s, 5m, 2h or 1d"
    )
    retries: int = Field(default=0, ge=0, le=100, description="how often a failed step is tried again")

    def value(self) -> RunOptions:
        return RunOptions(
            executor=self.executor,
            cpu=self.resources.cpu,
            memory=self.resources.memory,
            timeout=self.timeout,
            retries=self.retries,
        )


def part(model: type[Spec], tree: Tree, key: str, reader: Reader) -> Spec | None:
    """Return what stands under ``key`` as ``model`` reads it; None where it is wrong, which is reported."""
    value = reader.known(tree, (key,))
    if value is None:
        return None
    if not isinstance(value, Mapping):
        reader.report.add(reader.place((key,)), "spec-invalid", f"{key} must be a mapping", "write its keys below it")
        return None
    return model.model_validate(value) if reader.checked(model, value, (key,)) is not None else None
