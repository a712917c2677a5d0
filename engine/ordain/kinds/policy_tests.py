"""The cases beside a policy: the facts that are given to its rule, as rules read them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from ordain.api.fields import Spec
from ordain.api.quantities import Duration
from ordain.expr.chains import chains
from ordain.expr.errors import ExpressionError
from ordain.expr.rules import DURATIONS, ROOTS, check_members
from ordain.values.address import Address
from ordain.values.change import Action, CauseCode, Effect

_WHOLE = ("candidate", "champion")
_COLUMNS = ("resource", "facts", "columns")


def _address(text: str) -> str:
    Address.parse(text)
    return text


def _time(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError("write a time with its zone, as in 2027-03-01T12:00:00Z")
    return text


def _scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("write a text, a number, true or false")
    return value


def _by_name(columns: Any) -> Any:
    """Take columns as a list, too, as rules see them."""
    if not isinstance(columns, list | tuple):
        return columns
    found = {}
    for one in columns:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise ValueError("each column of a list needs its name, as in {name: age, personal: true}")
        if one["name"] in found:
            raise ValueError(f"there are two columns {one['name']}")
        if not isinstance(one.get("personal", False), bool):
            raise ValueError(f"personal of {one['name']} must be true or false")
        found[one["name"]] = {key: value for key, value in one.items() if key != "name"}
    return found


def _fact(text: str) -> str:
    """Refuse what is no fact, and what is known whatever happens."""
    try:
        found = chains(text, ROOTS)
        if len(found) != 1 or str(found[0]) != text:
            raise ValueError(f"{text!r} is no fact; write one such as candidate.roc_auc or resource.facts")
        check_members(found[0])
    except ExpressionError as error:
        raise ValueError(error.message) from None
    path = tuple(text.split("."))
    if path == ("resource",):
        raise ValueError("name a fact of the resource, as in resource.facts")
    if path[: len(_COLUMNS)] == _COLUMNS and len(path) > len(_COLUMNS):
        raise ValueError(f"columns are known, or not, as a whole: write {'.'.join(_COLUMNS)}")
    if path in DURATIONS or path[0] in _WHOLE or (path[0] == "resource" and len(path) > 1):
        return text
    raise ValueError(f"{text} is always known; what a version measures, a resource and durations may not be")


_Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
_Address = Annotated[str, AfterValidator(_address)]


class _Given(Spec):
    """Part of what is given; built when the first policy is read: most projects pay nothing for it."""

    model_config = ConfigDict(defer_build=True)


class GivenColumn(_Given):
    """What is known of a column; more flags and numbers may stand beside these."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Annotated[Any, AfterValidator(_scalar)]]

    personal: bool = Field(default=False, description="whether it is personal data")


class GivenNamedColumn(GivenColumn):
    """A column of a list."""

    name: str = Field(description="the column's name")


class GivenFacts(_Given):
    """What is known of a resource's data; more may stand beside the columns."""

    model_config = ConfigDict(extra="allow")

    columns: Annotated[
        dict[str, GivenColumn],
        BeforeValidator(_by_name, json_schema_input_type=dict[str, GivenColumn] | tuple[GivenNamedColumn, ...]),
    ] = Field(default_factory=dict, description="by name, or a list of them with their names")


class GivenResource(_Given):
    """A resource."""

    address: _Address | None = Field(default=None, description="model.example, unless kind or name say otherwise")
    kind: str | None = Field(default=None, description="Model, unless the address says otherwise")
    name: str | None = Field(default=None, description="example, unless the address says otherwise")
    provider: str = Field(default="", description="its provider")
    owner: str = Field(default="", description="its owner")
    description: str = Field(default="", description="its description")
    labels: dict[str, str] = Field(default_factory=dict, description="its labels")
    spec: dict[str, Any] = Field(default_factory=dict, description="its spec, with defaults that matter written out")
    facts: GivenFacts = Field(default_factory=GivenFacts, description="what is known of its data")
    protected: bool = Field(default=False, description="whether its lifecycle protects it")
    depends_on: tuple[_Address, ...] = Field(default=(), description="what it needs")
    dependents: tuple[_Address, ...] = Field(default=(), description="what needs it")


class GivenDuration(_Given):
    """How long something will take; no time at all where nothing is given."""

    p50: Duration | None = Field(default=None, description="as likely longer as shorter")
    p90: Duration | None = Field(default=None, description="longer one time in ten")


class _Change(_Given):
    action: Action = Field(default=Action.NO_OP, description="what happens to it")
    effect: Effect = Field(default=Effect.NONE, description="what that comes down to")
    causes: tuple[CauseCode, ...] = Field(default=(), description="why")
    deferred: bool = Field(default=False, description="whether it is planned later")
    blocked: bool = Field(default=False, description="whether it cannot be done")


class GivenChange(_Change):
    """What a plan does to the resource."""

    duration: GivenDuration = Field(default_factory=GivenDuration, description="how long that will take")


class GivenPlannedChange(_Change):
    """One of the changes of a plan."""

    address: _Address = Field(description="what changes")
    kind: str | None = Field(default=None, description="its kind, unless the address says it")


class GivenPlan(_Given):
    """The plan as a whole."""

    summary: dict[Effect, _Count] = Field(
        default_factory=dict, description="how many changes by effect; what is left out is counted from ``changes``"
    )
    changes: tuple[GivenPlannedChange, ...] = Field(default=(), description="what it changes")
    duration: GivenDuration = Field(default_factory=GivenDuration, description="how long all of it will take")


class GivenEnvironment(_Given):
    """The environment."""

    name: str = Field(default="dev", description="its name")
    promotes_from: str = Field(default="", description="where its versions come from")


class Given(_Given):
    """Facts as rules read them; what is left out is as in an ordinary resource that stays as it is."""

    resource: GivenResource = Field(default_factory=GivenResource)
    change: GivenChange = Field(default_factory=GivenChange)
    plan: GivenPlan = Field(default_factory=GivenPlan)
    env: GivenEnvironment = Field(default_factory=GivenEnvironment)
    candidate: dict[str, Any] | None = Field(
        default=None, description="what the new version measures; without it, nobody knows yet"
    )
    champion: dict[str, Any] | None = Field(
        default=None, description="what the version in use measures; without it, there is none"
    )
    now: Annotated[str, AfterValidator(_time)] | None = Field(
        default=None, description="the time, with its zone, as in 2027-03-01T12:00:00Z; without it, the present"
    )


class PolicyTestSpec(_Given):
    """A case for ``ordain policy test``."""

    name: str = Field(default="", description="what the case shows")
    given: Given = Field(
        default_factory=Given, description="facts as rules read them; what is left out is as in an ordinary resource"
    )
    unknown: tuple[Annotated[str, AfterValidator(_fact)], ...] = Field(
        default=(), description="facts that are not known yet, as in candidate.roc_auc"
    )
    expect: Literal["pass", "fail", "unknown", "error", "skip"] = Field(
        description="what the rule says; ``skip``: it is not about such a resource"
    )
    message: str = Field(default="", description="what must stand in the message")
