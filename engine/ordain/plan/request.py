"""What the planner is given, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ordain.api.kind import Outlook
from ordain.api.registry import Registry
from ordain.values.address import Address
from ordain.values.change import Change
from ordain.values.diagnostic import Diagnostic
from ordain.values.look import Evidence, Look
from ordain.values.plan import Drift, Read, Step
from ordain.values.record import Recorded
from ordain.values.resource import Desired, Locate, Resource


class Mode(StrEnum):
    NORMAL = "normal"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Everything a plan is made of. ``evidence`` holds the looks taken so far, ``replace`` what the user wants anew."""

    desired: Desired
    recorded: Recorded
    registry: Registry
    locate: Locate
    evidence: Mapping[Address, Evidence] = field(default_factory=dict)
    mode: Mode = Mode.NORMAL
    replace: frozenset[Address] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The looks at the world without which there is no plan yet, sorted by address."""

    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan before policies judge it. ``outlooks`` tell of every desired resource, ``unchanged`` counts no-ops.

    ``resources`` are the desired resources with every leaf replaced that is known.
    """

    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    reads: tuple[Read, ...]
    drift: tuple[Drift, ...]
    diagnostics: tuple[Diagnostic, ...]
    outlooks: Mapping[Address, Outlook]
    resources: Mapping[Address, Resource]
    unchanged: int
