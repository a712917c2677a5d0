"""What a model takes and gives: its inputs by name and type, its classes. Plain data; it travels in the artifact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ordain.api import Json

FORMAT = 1
MISSING = "<missing>"
"""The level that stands for a category that is not there."""


class InputType(StrEnum):
    NUMBER = "number"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    DATE = "date"
    DATETIME = "datetime"

    @property
    def parts(self) -> tuple[str, ...]:
        """The numbers a date is taken apart into."""
        if self is InputType.DATETIME:
            return ("year", "month", "day", "weekday", "hour")
        return ("year", "month", "day", "weekday") if self is InputType.DATE else ()


class Task(StrEnum):
    CLASSIFICATION = "classification"
    REGRESSION = "regression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """``inputs`` in the order of their names; ``classes`` are the labels in their order, () for a regression.

    ``positive`` is the index of the positive class of two.
    """

    task: Task
    target: str
    inputs: Mapping[str, InputType]
    classes: tuple[str | int | float | bool, ...] = ()
    positive: int | None = None

    def matrix_columns(self, name: str) -> tuple[str, ...]:
        """Return the names of the columns an input becomes; no two inputs share one."""
        kind = self.inputs[name]
        return tuple(f"date:{name}:{part}" for part in kind.parts) or (f"{kind.value}:{name}",)

    def encode(self) -> Mapping[str, Json]:
        """Return it as plain JSON data."""
        return {
            "format": FORMAT,
            "task": self.task.value,
            "target": self.target,
            "inputs": {name: kind.value for name, kind in self.inputs.items()},
            "classes": list(self.classes) if self.classes else None,
            "positive": self.positive,
        }

    @staticmethod
    def decode(data: Json) -> Schema:
        """Return the schema that ``data`` encodes; raise ``ValueError`` where it encodes none."""
        try:
            assert isinstance(data, Mapping) and data["format"] == FORMAT
            inputs, classes, positive = data["inputs"], data["classes"], data["positive"]
            assert isinstance(inputs, Mapping) and (classes is None or isinstance(classes, list))
            assert positive is None or (isinstance(positive, int) and classes and 0 <= positive < len(classes))
            return Schema(
                task=Task(str(data["task"])),
                target=str(data["target"]),
                inputs={str(name): InputType(str(kind)) for name, kind in inputs.items()},
                classes=tuple(one for one in classes or () if isinstance(one, str | int | float)),
                positive=positive,
            )
        except (AssertionError, KeyError, TypeError, ValueError):
            raise ValueError("this is no model schema of this version") from None


def label(value: Json) -> str:
    """Return a category or class as text: ``3`` and ``3.0`` are one, ``True`` is ``true``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
