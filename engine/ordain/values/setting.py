"""Settings steer the plan: the project, its environments, its policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ordain.values.address import Address
from ordain.values.data import Json, Tree
from ordain.values.span import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A settings document as it means: what a plan compares with the one recorded at the last apply."""

    address: Address
    kind: str
    spec: Mapping[str, Tree]
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The project: name, where state and artifacts are kept, which estimators beyond scikit-learn it trusts."""

    name: str
    state: Mapping[str, Tree] = field(default_factory=dict)
    artifacts: str = ".ordain/artifacts"
    trusted_estimators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment; ``levels`` are its own policy levels, ``variables`` what it sets (secrets as references)."""

    name: str
    promotes_from: str | None = None
    levels: Mapping[str, Level] = field(default_factory=dict)
    variables: Mapping[str, Tree] = field(default_factory=dict)
    secrets: Mapping[str, Json] = field(default_factory=dict)


class Level(StrEnum):
    """How much a failed policy weighs: shown, denied unless overridden, denied."""

    ADVISORY = "advisory"
    SOFT = "soft"
    HARD = "hard"

    @property
    def weight(self) -> int:
        known = ("advisory", "soft", "hard")
        return known.index(self.value) if self.value in known else len(known)  # of a later plan, shown only


class PolicyStage(StrEnum):
    PLAN = "plan"
    GATE = "gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One rule; ``level`` is the one in force here; ``match`` and ``require`` are CEL, ``message`` a template."""

    address: Address
    stage: PolicyStage
    level: Level
    match: str
    require: str
    message: str = ""
    remedy: str = ""
    owner: str = ""
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What was called ``source`` is called ``target`` now. Without keys, of one name with all its keys."""

    source: Address
    target: Address
    written: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What the world has under ``id`` becomes ``target``; inert once that is in the state."""

    target: Address
    id: str
    written: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """``address`` leaves the state; ``destroy`` says whether the world loses it too."""

    address: Address
    destroy: bool
    written: Source
