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


class PolicySeverity(StrEnum):
    """How bad it is where a policy does not hold: for people to sort by; what is denied, the level says."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """Resources that a policy spares: addresses, ``*`` and ``?`` allowed, until a time (ISO, UTC), and why."""

    resources: tuple[str, ...]
    reason: str
    until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTest:
    """A case beside a rule: facts (``given``, filled up to an ordinary resource) and what the rule must say of them.

    ``unknown`` are paths of facts that are not known yet (``candidate.roc_auc``). ``expect`` is an outcome, or
    ``skip`` where the rule must not be about such a resource; ``message`` a part of what must be said.
    """

    name: str
    expect: str
    given: Mapping[str, Json]
    unknown: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One rule; ``level`` is the one in force here; ``match`` and ``require`` are CEL, ``message`` a template.

    ``link`` is where to read more. ``exceptions`` are what it spares.
    """

    address: Address
    stage: PolicyStage
    level: Level
    match: str
    require: str
    message: str = ""
    remedy: str = ""
    severity: PolicySeverity = PolicySeverity.MEDIUM
    link: str = ""
    owner: str = ""
    exceptions: tuple[Exemption, ...] = ()
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
