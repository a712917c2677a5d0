"""Desired state: what the documents of a project ask for in one environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ordain.values.address import Address
from ordain.values.approval import ApprovalRule
from ordain.values.data import Path, Tree
from ordain.values.setting import Environment, Import, Move, Policy, PolicyTest, Project, Removal, Setting
from ordain.values.span import Source, Span

Locate = Callable[[Source, Path], Span]
"""Finds the position of a path in a document's source (``config.locate``, handed in by the session)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """How a resource may end: protected, left in the world, and which paths of its spec are not compared.

    ``replace_when`` are addresses and references (``infrastructure.bucket``, ``model.a.outputs.version``): where one
    of them changes, the resource is made again.
    """

    protect: bool = False
    keep_on_remove: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How its steps run: executor name, cpu (cores), memory (bytes), gpu (count), timeout (seconds), retries."""

    executor: str = "default"
    cpu: float | None = None
    memory: int | None = None
    gpu: int | None = None
    timeout: float | None = None
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One desired resource.

    ``spec`` is as written after variables and overrides; outputs of others stand in it as ``Unknown`` leaves.
    ``depends_on`` holds every address it needs: typed reference fields, expressions and ``depends_on`` itself, sorted.
    """

    address: Address
    kind: str
    provider: str | None
    spec: Mapping[str, Tree]
    source: Source
    description: str = ""
    owner: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    run: RunOptions = field(default_factory=RunOptions)
    depends_on: tuple[Address, ...] = ()


Origin = Callable[[Resource, Path], Span]
"""Finds where the value of a resource's field comes from (``config.origins``): of a variable, the variable's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """Everything one environment asks for; ``resources`` is sorted by address.

    ``digest`` covers resources and settings as they mean, not as they are written. ``moves``, ``imports`` and
    ``removals`` refactor without destroying; they are no settings that a plan compares, for they wear off.
    ``approvals`` is what the environment asks for before a plan may be applied. ``policy_tests`` are the cases beside
    the policies. ``variables`` says where the value of each stands; one that is given from outside is not among them.
    """

    project: Project
    environment: Environment
    environments: Mapping[str, Environment]
    policies: tuple[Policy, ...]
    settings: tuple[Setting, ...]
    resources: Mapping[Address, Resource]
    digest: str
    moves: tuple[Move, ...] = ()
    imports: tuple[Import, ...] = ()
    removals: tuple[Removal, ...] = ()
    variables: Mapping[str, tuple[Source, Path]] = field(default_factory=dict)
    approvals: ApprovalRule | None = None
    policy_tests: Mapping[Address, tuple[PolicyTest, ...]] = field(default_factory=dict)
