"""The parts every resource's document may have: ``lifecycle`` and ``run``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from ordain.api.fields import Spec
from ordain.values.data import Tree
from ordain.values.resource import Lifecycle, RunOptions

if TYPE_CHECKING:
    from ordain.config.trees import Reader

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {
    "B": 1,
    **{f"{p}B": 1000**n for n, p in enumerate("kMGT", 1)},
    **{f"{p}iB": 1024**n for n, p in enumerate("KMGT", 1)},
}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([smhd])", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s?([kKMGT]i?B|B)", re.ASCII)

_AS_IN = "write a duration such as 30s, 5m, 2h or 1d"
_SO_MUCH = "write a size such as 512MiB or 2GB"
# What they are in a file, for its JSON Schema.
_Duration = Annotated[str, Field(pattern=f"^{_DURATION.pattern}$", json_schema_extra={"patternErrorMessage": _AS_IN})]
_Size = Annotated[str, Field(pattern=f"^{_SIZE.pattern}$", json_schema_extra={"patternErrorMessage": _SO_MUCH})]


def seconds(text: Any) -> float:
    """Return the seconds that ``30s``, ``5m``, ``2h`` or ``1d`` are; raise ``ValueError``."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError(_AS_IN)
    return float(match[1]) * _SECONDS[match[2]]


def size(text: Any) -> int:
    """Return the bytes that ``512MiB`` or ``2GB`` are; raise ``ValueError``."""
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[2] not in _BYTES or float(match[1]) == 0:
        raise ValueError(_SO_MUCH)
    return int(float(match[1]) * _BYTES[match[2]])


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
    memory: Annotated[int | None, BeforeValidator(size, json_schema_input_type=_Size)] = Field(
        default=None, description="the most the step's process may allocate, as in 512MiB or 2GB"
    )


class RunSpec(Spec):
    """How a resource's steps run."""

    not_yet: ClassVar[frozenset[str]] = frozenset(("resources.gpu",))

    executor: str = Field(default="default", min_length=1, description="there is one today")
    resources: NeedsSpec = Field(
        default_factory=NeedsSpec, description="what a step may use; it then runs in a process of its own"
    )
    timeout: Annotated[float | None, BeforeValidator(seconds, json_schema_input_type=_Duration)] = Field(
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
