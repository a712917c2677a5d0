"""What a Model document says: what it learns from what, how it is judged. How it learns is the provider's options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator
from pydantic.json_schema import SkipJsonSchema

from ordain.api.fields import Ref, Spec
from ordain.expr.gates import check_gates
from ordain.values.fingerprint import Facet

ColumnName = Annotated[str, Field(min_length=1)]


def _later(value: Any) -> None:
    if value is not None:
        raise ValueError("not supported in this version of Ordain: leave it out")


# Known words without a meaning yet: refused by name, absent from the schema and from every fingerprint.
_Later = Annotated[SkipJsonSchema[None], BeforeValidator(_later), Facet.RECORD, Field(exclude=True)]


def _judged(gate: str, info: ValidationInfo) -> str:
    """Refuse a gate that is no rule over the metrics, where they are known now: before anything is planned."""
    metrics = info.data.get("metrics")
    if metrics is None or not all(name.isidentifier() for name in metrics):
        return gate
    problem = next(iter(check_gates((gate,), (*metrics, "rows"))), None)
    if problem is not None:
        raise ValueError(problem[1])
    return gate


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[
    tuple[ColumnName, ...], BeforeValidator(_listed, json_schema_input_type=tuple[ColumnName, ...] | ColumnName)
]


class Features(Spec):
    """Which columns the model reads: only these, or all but these. Target, id and time are never among them."""

    include: Annotated[tuple[ColumnName, ...], Field(min_length=1)] | None = Field(
        default=None, description="only these columns"
    )
    exclude: tuple[ColumnName, ...] | None = Field(default=None, description="all columns but these")

    @model_validator(mode="after")
    def _one(self) -> Features:
        if self.include is not None and self.exclude is not None:
            raise ValueError("give include or exclude, not both")
        return self


class Roles(Spec):
    """Columns that say something of a row and are not learned from."""

    id: Names = Field(default=(), description="what a row is called")
    time: Names = Field(default=(), description="when a row was")
    sensitive: Names = Field(
        default=(), description="what must not decide: not learned from, kept so that metrics can compare its groups"
    )


class ModelSpec(Spec):
    """A trained model, judged by gates, versioned by its recipe."""

    # What counts of the dataset is the content of the columns read (``Model.inputs``), not what it is called; which
    # columns those are, features and roles say, in whatever words.
    dataset: Annotated[str, Ref("dataset"), Facet.RECORD] = Field(
        description="the dataset it learns from and is measured on"
    )
    target: ColumnName = Field(description="the column to predict")
    positive: str | int | float | bool | None = Field(
        default=None, description="for two classes: the one that scores and probabilities are about"
    )
    features: Annotated[Features, Facet.RECORD] = Field(default_factory=Features)
    roles: Annotated[Roles, Facet.RECORD] = Field(default_factory=Roles)
    seed: int = Field(default=0, ge=0, lt=2**32, description="of everything random in training")
    metrics: Annotated[tuple[str, ...], Facet.JUDGE] = Field(
        default=(), description="what is measured on the held-out part, beside its number of rows"
    )
    gates: Annotated[tuple[Annotated[str, AfterValidator(_judged)], ...], Facet.JUDGE] = Field(
        default=(), description="CEL rules over the metrics; a version that breaks one never comes to stand"
    )
    train: Annotated[Literal["here"] | None, Facet.RECORD] = Field(
        default=None, description="`here`: train also where the environment promotes from another"
    )
    retrain: _Later = None
    retention: _Later = None
    calibration: _Later = None

    @model_validator(mode="after")
    def _each_once(self) -> ModelSpec:
        for name, values in (("metrics", self.metrics), ("gates", self.gates)):
            twice = next((value for value in values if values.count(value) > 1), None)
            if twice is not None:
                raise ValueError(f"{name}: {twice} stands there twice")
        return self


class ModelOutputs(Spec):
    """The version that stands: its name, the digest of its artifact, what was measured."""

    version: str
    digest: str
    metrics: dict[str, float]


def asked_metrics(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the metrics gates may read: those the spec lists, and ``rows``, which are always counted."""
    return (*(str(name) for name in spec.get("metrics") or ()), "rows")


def gates_of(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the gates of a normalised spec."""
    return tuple(str(gate) for gate in spec.get("gates") or ())


def version_name(recipe: str) -> str:
    """Return the name people read for a version: ``v`` and the first twelve digits of its recipe."""
    return f"v{recipe.removeprefix('sha256:')[:12]}"
