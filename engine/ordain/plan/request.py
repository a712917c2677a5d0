"""What the planner is given, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from ordain.api.kind import Outlook
from ordain.api.registry import Registry
from ordain.values.address import Address
from ordain.values.change import Change, FieldChange
from ordain.values.diagnostic import Diagnostic
from ordain.values.look import Evidence, Look, Sight
from ordain.values.plan import Drift, Read, Step
from ordain.values.record import Hold, Recorded
from ordain.values.resource import Desired, Locate, Origin, Resource
from ordain.values.setting import Move, Removal


class Mode(StrEnum):
    """Bring about what is desired; remove everything; only take in what the world shows."""

    NORMAL = "normal"
    DESTROY = "destroy"
    REFRESH_ONLY = "refresh-only"


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """Everything a plan is made of.

    ``recorded`` has the names of now; ``former`` (``former_source``) gives those in the state where they differ, and
    ``moves`` the documents behind them. ``evidence`` holds the looks taken so far, ``replace`` what the user wants
    anew, ``select`` the selectors that narrow the plan; ``rollbacks`` the versions to go back to, ``releases`` the
    holds to end.
    """

    desired: Desired
    recorded: Recorded
    registry: Registry
    locate: Locate
    origin: Origin
    evidence: Mapping[Address, Evidence] = field(default_factory=dict)
    mode: Mode = Mode.NORMAL
    sight: Sight = Sight.FULL
    replace: frozenset[Address] = frozenset()
    select: tuple[str, ...] = ()
    rollbacks: Mapping[Address, Hold] = field(default_factory=dict)
    releases: frozenset[Address] = frozenset()
    former: Mapping[Address, Address] = field(default_factory=dict)
    former_source: Mapping[Address, Address] = field(default_factory=dict)
    moves: Mapping[Address, Move] = field(default_factory=dict)

    @cached_property
    def removals(self) -> Mapping[Address, Removal]:
        """The Removed documents by what they name."""
        return {one.address: one for one in self.desired.removals}

    @property
    def whole(self) -> bool:
        """Whether it is about all that is desired, so that apply may write down the settings too."""
        return self.mode is not Mode.REFRESH_ONLY and not self.select


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The looks at the world without which there is no plan yet, sorted by address."""

    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan before policies judge it. ``outlooks`` tell of every desired resource, ``unchanged`` counts no-ops.

    ``resources`` are the desired resources with every leaf replaced that is known; ``suppressed`` the fields that
    differ and are not compared, by resource.
    """

    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    reads: tuple[Read, ...]
    drift: tuple[Drift, ...]
    diagnostics: tuple[Diagnostic, ...]
    outlooks: Mapping[Address, Outlook]
    resources: Mapping[Address, Resource]
    unchanged: int
    suppressed: Mapping[Address, tuple[FieldChange, ...]] = field(default_factory=dict)
