"""The setting kinds' specs: what steers a plan instead of being planned."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from ordain.api.fields import Spec
from ordain.api.quantities import Duration, Moment
from ordain.kinds.policy_tests import PolicyTestSpec
from ordain.values.address import NAME, Address
from ordain.values.approval import PERSON
from ordain.values.setting import Level, PolicySeverity, PolicyStage


def _local(path: str) -> str:
    if "://" in path:
        raise ValueError("object stores are not yet supported in this version; name a folder")
    return path


def _only(known: str, others: tuple[str, ...]) -> BeforeValidator:
    """Say of what the language has and this version has not that it is yet to come."""

    def checked(value: Any) -> Any:
        if value in others:
            raise ValueError(f"{value} is not yet supported in this version; write {known}")
        return value

    return BeforeValidator(checked)


def _address(text: str) -> str:
    Address.parse(text)
    return text


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no name: lower-case letters, digits and minus signs, a letter first")
    return text


def _both_names(schema: dict[str, Any]) -> None:
    schema["properties"]["values"] = {**schema["properties"]["enum"], "description": "the same as ``enum``"}


class Variable(Spec):
    """A typed variable of the project; without ``default`` it must be set."""

    model_config = ConfigDict(json_schema_extra=_both_names)

    type: Literal["string", "integer", "number", "boolean", "list", "map"] = Field(
        default="string", description="what values must be"
    )
    default: Any = Field(default=None, description="the value where none is given")
    min: float | None = Field(default=None, description="least value of a number, least length of anything else")
    max: float | None = Field(default=None, description="greatest value of a number, greatest length of anything else")
    pattern: str | None = Field(default=None, max_length=1000, description="regular expression for the whole text")
    values: tuple[Any, ...] | None = Field(default=None, alias="enum", description="the values there are")
    description: str = Field(default="", description="for people")
    secret: bool = Field(default=False, description="whether its value must not be shown or kept")

    @model_validator(mode="before")
    @classmethod
    def _one_name(cls, data: Any) -> Any:
        if isinstance(data, dict) and "values" in data and "enum" in data:
            raise ValueError("`values` and `enum` are the same; write one")
        return data


class StateStore(Spec):
    """Where the state is kept."""

    store: Annotated[Literal["sqlite"], _only("sqlite", ("postgres", "object"))] = Field(
        default="sqlite", description="other stores are not yet supported"
    )


# With a dot in it: an empty prefix would trust everything, ``light`` also who calls a package lightfingered.
def _dotted(path: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*\.([A-Za-z_]\w*\.)*([A-Za-z_]\w*)?", path):
        raise ValueError("write an import path, or a prefix that ends in a dot, as in `lightgbm.`")
    return path


TrustedPath = Annotated[str, AfterValidator(_dotted)]


class Trust(Spec):
    """What the project's reviewers trust beyond scikit-learn."""

    estimators: tuple[TrustedPath, ...] = Field(default=(), description="import paths, or prefixes that end in a dot")


class ProjectSpec(Spec):
    """The project."""

    not_yet: ClassVar[frozenset[str]] = frozenset(("state.url",))

    state: StateStore = Field(default_factory=StateStore)
    artifacts: Annotated[str, AfterValidator(_local)] = Field(
        default=".ordain/artifacts", min_length=1, description="the folder of datasets, models and attached plans"
    )
    variables: dict[str, Variable] = Field(
        default_factory=dict, description="by name: the variables expressions may read as ``var.NAME``"
    )
    trust: Trust = Field(default_factory=Trust)


class Secrets(Spec):
    """Where an environment's secrets come from."""

    source: Annotated[Literal["env"], _only("env", ("file", "openbao"))] = Field(
        default="env", alias="from", description="other sources are not yet supported"
    )


_Name = Annotated[str, AfterValidator(_name)]


class ApprovalsSpec(Spec):
    """Who must approve a plan, with a signature, before it is applied."""

    count: int = Field(default=1, ge=1, le=20, description="how many different people")
    roles: tuple[_Name, ...] = Field(default=(), description="roles that must be among them, one person for each")
    not_author: bool = Field(
        default=False, description="whether the approval of somebody who wrote what the plan is of counts for nothing"
    )
    expires: Duration | None = Field(default=None, description="how long an approval is good for, as in 3d")
    break_glass: bool = Field(
        default=True, description="whether apply --break-glass may go without approvals, which later plans show"
    )


class EnvironmentSpec(Spec):
    """One environment. Overrides are JSON Merge Patches of a resource's document, by address."""

    not_yet: ClassVar[frozenset[str]] = frozenset(("soak", "executors", "secrets.map"))

    default: bool = Field(default=False, description="whether it is meant where no ``--env`` is given")
    promotes_from: _Name | None = Field(
        default=None, description="the environment whose versions are taken instead of training"
    )
    variables: dict[str, Any] = Field(default_factory=dict, description="values of the project's variables here")
    overrides: dict[Annotated[str, AfterValidator(_address)], dict[str, Any]] = Field(
        default_factory=dict, description="by address: what differs in a document here; null removes, lists replace"
    )
    policies: dict[str, Level] = Field(default_factory=dict, description="by policy name: the level that holds here")
    approvals: ApprovalsSpec | None = Field(default=None, description="who must approve; without it, nobody")
    secrets: Secrets = Field(default_factory=Secrets)


def _pattern(text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise ValueError(f"{text!r} is no address: write one such as model.churn, * and ? allowed")
    return text


_PATTERN = re.compile(r'[a-z*?][a-z0-9_*?]*\.[a-z*?][a-z0-9*?-]*(\["?[A-Za-z0-9_.@+*?-]+"?\])?')


def _some(found: tuple[str, ...]) -> tuple[str, ...]:
    # Not ``min_length``: that also complains of a list whose items are wrong, beside saying so of each.
    if not found:
        raise ValueError("write at least one")
    return found


class ExceptionSpec(Spec):
    """Resources that a policy spares."""

    resources: Annotated[tuple[Annotated[str, AfterValidator(_pattern)], ...], AfterValidator(_some)] = Field(
        description="their addresses; * and ? stand for any characters, any one", json_schema_extra={"minItems": 1}
    )
    reason: str = Field(min_length=1, description="why; shown wherever it counts")
    until: Moment | None = Field(default=None, description="how long; a day counts to its end (UTC)")


class PolicySpec(Spec):
    """One rule in CEL over the resources that ``match``; ``message`` is a template with the rule's own names."""

    model_config = ConfigDict(defer_build=True)  # with what its tests are given it is large

    level: Level = Field(description="advisory: shown; soft: denies unless overridden; hard: denies")
    stage: PolicyStage = Field(
        default=PolicyStage.PLAN,
        description="``plan``: judged when planning; ``gate``: judged of each version an apply makes",
    )
    match: str = Field(default="true", min_length=1, description="CEL: which resources it is about")
    require: str = Field(min_length=1, description="CEL: what must be true of them")
    message: str = Field(default="", description="what is said where it fails; a template")
    remedy: str = Field(default="", description="what to do then")
    severity: PolicySeverity = Field(
        default=PolicySeverity.MEDIUM, description="how bad that is, for people to sort by"
    )
    link: str = Field(default="", description="where to read more")
    exceptions: tuple[ExceptionSpec, ...] = Field(default=(), description="what it spares; counted in each plan")
    tests: tuple[PolicyTestSpec, ...] = Field(default=(), description="cases for ``ordain policy test``")


def _person(text: str) -> str:
    if not PERSON.fullmatch(text):
        raise ValueError(f"{text!r} is no e-mail address")
    return text


class RoleSpec(Spec):
    """People who speak for a role in approvals."""

    people: Annotated[tuple[Annotated[str, AfterValidator(_person)], ...], AfterValidator(_some)] = Field(
        description="their e-mail addresses, as allowed_signers has them", json_schema_extra={"minItems": 1}
    )


_Address = Annotated[str, AfterValidator(_address)]


class MovedSpec(Spec):
    """A resource has a new address; nothing of it is made anew. Without keys: all of that name."""

    source: _Address = Field(alias="from", description="the address it had")
    to: _Address = Field(description="the address it has now, of the same kind")


class ImportSpec(Spec):
    """What the world has already becomes a resource of the project, instead of being made again."""

    to: _Address = Field(description="the resource it becomes; it has a document")
    id: str = Field(min_length=1, description="what the provider calls it")


class RemovedSpec(Spec):
    """A resource has no document any more, and this says what becomes of the thing itself."""

    source: _Address = Field(alias="from", description="the address it had")
    destroy: bool = Field(description="true: delete it; false: forget it, and leave it in the world")


SETTINGS: dict[str, type[Spec]] = {
    "Project": ProjectSpec,
    "Environment": EnvironmentSpec,
    "Policy": PolicySpec,
    "Role": RoleSpec,
    "Moved": MovedSpec,
    "Import": ImportSpec,
    "Removed": RemovedSpec,
}
