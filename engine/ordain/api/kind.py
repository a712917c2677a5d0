"""A Kind says what a thing is: its spec and outputs, what else counts for it, and how a difference becomes steps.

The planner calls, for each resource in dependency order: ``look`` (what must be seen first?), ``inputs`` (what beyond
its spec counts?), then, with the differences the planner found, ``decide``. These three are pure. At apply time
``perform`` does one step through the provider. A kind keeps no state of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ordain.values.address import Address
from ordain.values.change import WRITTEN_DOWN, Branch, Cause, Effect, FieldChange, Nested
from ordain.values.data import Json, Path, Tree
from ordain.values.diagnostic import Diagnostic
from ordain.values.fingerprint import Facet
from ordain.values.look import Evidence, Look
from ordain.values.plan import Drift
from ordain.values.record import Hold, ResourceRecord, VersionRecord
from ordain.values.resource import Resource

if TYPE_CHECKING:
    from ordain.api.fields import Spec
    from ordain.api.providers import Call, Provider, StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What dependents may know of a resource that was planned before them.

    ``outputs`` may hold ``Unknown`` leaves; ``deferred`` is set where it cannot be planned yet, ``blocked`` where
    nothing will be done; ``effect`` is what happens to it; ``recipe`` names the version that will stand afterwards
    ("" where unknown).
    """

    address: Address
    kind: str
    effect: Effect
    outputs: Mapping[str, Tree]
    facts: Mapping[str, Json]
    causes: tuple[Cause, ...] = ()
    recipe: str = ""
    deferred: str = ""
    blocked: str = ""

    @property
    def changes(self) -> bool:
        """Whether more than its written record changes."""
        return self.effect not in WRITTEN_DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One resource as the planner sees it.

    ``spec`` is normalised, and None while a leaf is unknown; then ``resource.spec`` shows what is known. ``record``
    is what this environment recorded, ``source`` what the environment it promotes from recorded (``promotes_from``
    names that environment). ``versions`` are this address's, oldest first, of all environments. ``build_fields``
    is the digest of the spec's build fields alone; ``expressions`` are the paths of the spec written as expressions,
    with the resources each reads; ``gate_policies`` are the policies that will judge its versions,
    by address, each with the digest of its rule.
    ``provider_recipe`` is what of the provider counts for a version
    (``Provider.recipe``); empty while the spec is not known. ``importing`` are the ids of ``Import`` documents, where
    nothing is recorded yet. ``rollback`` is the version a person wants to go back to now, ``release``: a person ends
    the hold that an earlier one left. ``renamed`` is what the record rests on under a former name: old to new.
    """

    resource: Resource
    environment: str
    spec: Mapping[str, Tree] | None
    record: ResourceRecord | None = None
    evidence: Evidence | None = None
    upstream: Mapping[Address, Outlook] = field(default_factory=dict)
    versions: tuple[VersionRecord, ...] = ()
    promotes_from: str | None = None
    source: ResourceRecord | None = None
    build_fields: str = ""
    expressions: Mapping[Path, tuple[Address, ...]] = field(default_factory=dict)
    gate_policies: Mapping[str, str] = field(default_factory=dict)
    provider_recipe: Mapping[str, Json] = field(default_factory=dict)
    importing: tuple[str, ...] = ()
    rollback: Hold | None = None
    release: bool = False
    renamed: Mapping[Address, Address] = field(default_factory=dict)

    def renames(self, field: FieldChange) -> bool:
        """Return whether a field names what it named before, which is only called otherwise now."""
        return any(field.before == str(old) and field.after == str(new) for old, new in self.renamed.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What beyond the spec counts, by facet, and what others may know.

    ``deferred`` says what must exist first; ``problems`` make the plan errored (errors) or are shown (warnings);
    ``facts`` go to dependents, policies and the record.
    """

    build: Mapping[str, Json] = field(default_factory=dict)
    judge: Mapping[str, Json] = field(default_factory=dict)
    serve: Mapping[str, Json] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)
    drift: tuple[Drift, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    deferred: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What the planner found to differ.

    ``facets`` are the fingerprints that differ (all four when ``is_new``); ``inputs`` the names of the inputs that
    differ; ``fields`` the spec fields; ``forced`` is set by a tainted record, the user's flag (``requested``) or what
    ``lifecycle.replace_when`` names (``triggers``); ``judgement`` is the digest of the judge fields and inputs, which
    versions are judged under.
    """

    is_new: bool
    facets: frozenset[Facet]
    fields: tuple[FieldChange, ...] = ()
    inputs: tuple[str, ...] = ()
    drift: tuple[Drift, ...] = ()
    forced: bool = False
    requested: bool = False
    triggers: tuple[str, ...] = ()
    unknown: bool = False
    judgement: str = ""

    def has(self, facet: Facet) -> bool:
        return facet in self.facets


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One step of a change, in order; ``heavy`` asks for a process of its own."""

    name: str
    heavy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done. ``operations`` of a change that is only recorded are empty: the engine writes it down,
    with ``outputs`` and ``facts`` laid over the recorded ones. ``protected``: it is ``blocked`` because something would
    be destroyed that ``lifecycle.protect`` keeps; then nothing of the plan is applied."""

    effect: Effect
    operations: tuple[Operation, ...] = ()
    outputs: Mapping[str, Tree] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    branches: tuple[Branch, ...] = ()
    nested: tuple[Nested, ...] = ()
    notes: tuple[str, ...] = ()
    blocked: str = ""
    protected: bool = False
    replaces: bool = False
    recipe: str = ""
    spec_recipe: str = ""
    hold: Hold | None = None


class Kind(ABC):
    """See the module. ``name`` is the word in ``kind:``; ``default_provider`` is used where a spec names none;
    ``judged`` kinds make versions that policies at stage gate judge and environments promote.
    ``importable`` says what an ``Import``'s id is ("": there is nothing to import).
    ``refreshes``: what the world shows of it can be taken in alone (--refresh-only).
    """

    name: ClassVar[str]
    spec: ClassVar[type[Spec]]
    outputs: ClassVar[type[Spec]]
    default_provider: ClassVar[str | None] = None
    judged: ClassVar[bool] = False
    importable: ClassVar[str] = ""
    refreshes: ClassVar[bool] = False

    def look(self, situation: Situation) -> Look | None:
        """Return the look at the world that planning needs, or None. ``situation.spec`` is known."""
        return None

    def look_at_delete(self, record: ResourceRecord) -> Look | None:
        """Return the look that planning a delete needs, or None."""
        return None

    def inputs(self, situation: Situation) -> Inputs:
        """Return what beyond the spec counts; ``situation.evidence`` answers ``look``."""
        return Inputs()

    @abstractmethod
    def decide(self, situation: Situation, delta: Delta) -> Decision:
        """Return what the differences ask for. Called also when nothing differs (then usually ``Effect.NONE``)."""

    def explain(self, situation: Situation, delta: Delta) -> tuple[Cause, ...]:
        """Return causes for differing inputs that no upstream change accounts for (data deltas, library versions)."""
        return ()

    @abstractmethod
    def perform(self, call: Call, provider: Provider | None) -> StepResult:
        """Do one operation (also ``delete``). Repeating it under the same ``call.key`` changes nothing more."""

    def decide_delete(self, record: ResourceRecord, evidence: Evidence | None) -> Decision:
        """Return how the resource is removed; by default one light ``delete`` operation."""
        return Decision(effect=Effect.DELETE, operations=(Operation(name="delete"),))

    def decide_forget(self, record: ResourceRecord, kept: str) -> Decision:
        """Return what to say of a resource that leaves the state and stays in the world.

        ``kept`` is the folder that what its provider kept of it is set aside in: nothing planned later sees it.
        """
        return Decision(effect=Effect.FORGET)
