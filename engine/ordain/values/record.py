"""What was recorded: the rows of the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ordain.values.address import Address
from ordain.values.approval import Alarm, Override
from ordain.values.data import Json, Tree
from ordain.values.fingerprint import Fingerprint
from ordain.values.resource import RunOptions


class Health(StrEnum):
    """``ok``; ``tainted``: its last step failed half way, make it again."""

    OK = "ok"
    TAINTED = "tainted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A version a person went back to: it stands until what makes the resource changes, or the hold is released."""

    version: str
    recipe: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRecord:
    """One resource as applied, in one environment.

    ``spec`` is the normalised spec as applied (defaults filled in, secrets as references). ``inputs`` are what else
    went into the fingerprint (column digests, upstream recipes, library versions). ``facts`` are what dependents and
    policies may know of it. ``outputs`` are the kind's outputs, ``private`` is the provider's own memory (process
    ids, folders; never a secret). ``place`` is the name of its provider's private folder where that is not the
    address's own (it was moved). ``run`` is the run that wrote it, ``options`` how the document has its steps run.
    """

    address: Address
    kind: str
    provider: str | None
    spec: Mapping[str, Tree]
    fingerprint: Fingerprint
    inputs: Mapping[str, Json] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)
    outputs: Mapping[str, Tree] = field(default_factory=dict)
    private: Mapping[str, Json] = field(default_factory=dict)
    description: str = ""
    owner: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[Address, ...] = ()
    protect: bool = False
    keep_on_remove: bool = False
    replace_when: tuple[str, ...] = ()
    hold: Hold | None = None
    health: Health = Health.OK
    run: str = ""
    place: str = ""
    options: RunOptions = field(default_factory=RunOptions)


def place_of(address: Address, record: ResourceRecord | None, new: str = "") -> str:
    """Return the name of the private folder of a resource's provider: it stays when the resource is moved.

    ``new`` is that of a resource that is not recorded, where one that was moved still has the address's own.
    """
    return (record.place or record.address.slug) if record is not None else new or address.slug


ASIDE = "~forgotten-"
"""What the name of a private folder has that no place has, once its resource was forgotten: nothing new finds it."""


def place_aside(record: ResourceRecord) -> str:
    """Return the name of the private folder of a resource after it was forgotten; the same as often as it is asked."""
    return f"{place_of(record.address, record)}{ASIDE}{record.run[:8]}"


class Standing(StrEnum):
    """Where a version stands: made but not judged, in use or fit for it, refused by a gate."""

    CANDIDATE = "candidate"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """A content-addressed version, shared by all environments of a project's store.

    ``recipe`` is the digest of all that made it, ``spec_recipe`` that of its spec alone (promotion compares it);
    ``name`` is what people read (``v`` and the first twelve digits of the recipe). ``artifact`` is its digest in the
    artifact store. ``judgement`` is the judge fingerprint ``standing`` was reached under. ``made_by`` is
    ``environment/run``.
    """

    address: Address
    recipe: str
    spec_recipe: str
    name: str
    artifact: str
    metrics: Mapping[str, Json] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)
    standing: Standing = Standing.CANDIDATE
    judgement: str = ""
    verdicts: tuple[Verdict, ...] = ()
    made_by: str = ""


class Outcome(StrEnum):
    """A three-valued verdict, and ``error`` for a rule that could not be judged."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one gate: the rule as written, the outcome, the numbers behind it in words."""

    rule: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRecord:
    """A settings document as it stood at the last apply of an environment."""

    address: Address
    kind: str
    spec: Mapping[str, Tree]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A step that was begun: ``outcome`` is None while no end was recorded."""

    run: str
    step: str
    key: str
    address: Address
    operation: str
    outcome: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The state's identity: lineage once, serial on each write, format with refusals both ways."""

    lineage: str
    serial: int
    format: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the state says of one environment at one moment.

    ``source`` are the records of the environment it promotes from; ``versions`` are all versions by address, oldest
    first; ``interrupted`` are steps begun and never ended; ``durations`` are seconds of past steps by
    ``address:operation``, oldest first. ``overrides`` are violations of soft policies that people bear with, those
    that have run out among them. ``alarm`` is there from the moment somebody applies without approvals until an apply
    that was approved.
    """

    head: Head
    environment: str
    resources: Mapping[Address, ResourceRecord]
    settings: Mapping[Address, SettingRecord]
    versions: Mapping[Address, tuple[VersionRecord, ...]] = field(default_factory=dict)
    source: Mapping[Address, ResourceRecord] = field(default_factory=dict)
    interrupted: tuple[JournalEntry, ...] = ()
    durations: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    alarm: Alarm | None = None
