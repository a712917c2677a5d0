"""What a Dataset document says: where its rows come from, how they are prepared, how they are split."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator
from pydantic.json_schema import SkipJsonSchema

from ordain.api.fields import Facet, Ref, Spec

Expression = Annotated[str, Field(min_length=1, max_length=10_000)]
ColumnName = Annotated[str, Field(min_length=1)]

STEPS = ("drop", "rename", "filter", "derive", "sql")


class PrepareStep(Spec):
    """One step: exactly one of its keys. Expressions are DuckDB SQL over the columns there are at that point."""

    drop: Annotated[tuple[ColumnName, ...], Field(min_length=1)] | None = Field(
        default=None, description="columns to leave out"
    )
    rename: Annotated[dict[ColumnName, ColumnName], Field(min_length=1)] | None = Field(
        default=None, description="old name: new name"
    )
    filter: Expression | None = Field(default=None, description="keeps the rows for which it is true")
    derive: Annotated[dict[ColumnName, Expression], Field(min_length=1)] | None = Field(
        default=None, description="new column: expression; all see the columns as they were before the step"
    )
    sql: Expression | None = Field(default=None, description="one SELECT from the table `source`")
    join: SkipJsonSchema[Any] = None
    python: SkipJsonSchema[Any] = None

    @field_validator("join", "python")
    @classmethod
    def _later(cls, value: Any) -> None:
        if value is not None:
            raise ValueError(f"not supported yet: the steps are {', '.join(STEPS)}")

    @field_validator("drop")
    @classmethod
    def _each_once(cls, drop: tuple[str, ...] | None) -> tuple[str, ...] | None:
        twice = sorted({name for name in drop or () if (drop or ()).count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]} is dropped twice")
        return drop

    @model_validator(mode="after")
    def _one_key(self) -> PrepareStep:
        if len(self.keys) != 1:
            found = f"this one has {' and '.join(self.keys)}" if self.keys else "this one has none"
            raise ValueError(f"a step has exactly one of {', '.join(STEPS)}; {found}")
        return self

    @model_serializer(mode="wrap")
    def _only_what_it_says(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in inner(self).items() if value is not None}

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(name for name in STEPS if getattr(self, name) is not None)


class Split(Spec):
    """Which rows are held out for measuring.

    ``order``: the last share of the rows, as they stand; ``random``: a share drawn with ``seed``; ``group``: all rows
    that have the same value in ``column`` on one side, groups drawn with ``seed``.
    """

    by: Literal["order", "random", "group"] = Field(default="order", description="how they are chosen")
    test: float = Field(default=0.2, gt=0, lt=1, description="the share of rows held out")
    seed: int | None = Field(default=None, ge=0, lt=2**63, description="of the draw; 0 where left out")
    column: ColumnName | None = Field(default=None, description="the column that holds the groups")
    stratify: SkipJsonSchema[Any] = None

    @field_validator("stratify")
    @classmethod
    def _later(cls, value: Any) -> None:
        if value is not None:
            raise ValueError("not supported yet: split by order, random or group")

    @model_validator(mode="after")
    def _consistent(self) -> Split:
        if self.by == "group" and self.column is None:
            raise ValueError("split by group needs column: the column that holds the groups")
        if self.by != "group" and self.column is not None:
            raise ValueError(f"column is for split by group; this one is by {self.by}")
        if self.by == "order" and self.seed is not None:
            raise ValueError("split by order draws nothing, so it has no seed")
        return self

    @model_serializer(mode="wrap")
    def _only_what_it_says(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        out = {key: value for key, value in inner(self).items() if value is not None}
        return out if self.by == "order" else {**out, "seed": self.seed or 0}


class DatasetSpec(Spec):
    """Rows of a data source, prepared step by step and split into a training and a test part."""

    # What counts of the source is its content (``Dataset.inputs``), not what it is called.
    from_: Annotated[str, Ref("data_source"), Facet.RECORD] = Field(alias="from", description="the data source")
    prepare: tuple[PrepareStep, ...] = Field(default=(), description="steps, in order")
    split: Split = Field(default_factory=Split)


class DatasetOutputs(Spec):
    """The version's name, its digest in the artifact store, and how many rows it has."""

    version: str
    digest: str
    rows: int
