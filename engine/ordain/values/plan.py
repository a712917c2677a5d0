"""The plan: one immutable value that is both the report and the program (DESIGN §1.1, §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ordain.values.address import Address
from ordain.values.approval import ApprovalRule
from ordain.values.change import Cause, Change, FieldChange
from ordain.values.data import Json, Tree
from ordain.values.diagnostic import Diagnostic
from ordain.values.estimate import Estimate
from ordain.values.record import Outcome
from ordain.values.setting import Level, Policy, PolicySeverity
from ordain.values.span import Span

FORMAT = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One executable step. ``id`` is ``address:operation``; ``needs`` are the ids that must be done before.

    ``key`` is the idempotency key: the digest of all that defines the step. ``heavy`` steps get a process of their
    own; ``last`` marks the step whose result becomes the resource's record.
    """

    id: str
    address: Address
    operation: str
    key: str
    needs: tuple[str, ...] = ()
    heavy: bool = False
    last: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One object the plan read and the version it had (a digest; ``absent`` where there was none).

    ``object`` is ``state:ADDRESS``, ``source:ADDRESS`` (the promotion source's record), ``world:ADDRESS`` (what a
    look saw) or ``settings``. ``by`` are the addresses whose changes rest on it.
    """

    object: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """A setting that differs from the one recorded at the last apply; ``weakened`` where it now asks for less."""

    address: Address
    kind: str
    action: str
    fields: tuple[FieldChange, ...] = ()
    weakened: bool = False
    at: Span | None = None


class ExcuseKind(StrEnum):
    """Why a finding denies nothing: the policy spares the resource, or a person bears with the violation."""

    EXCEPTION = "exception"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """Why a finding denies nothing, until when (ISO, UTC; None: without end), and who said so."""

    kind: ExcuseKind
    reason: str
    until: str | None = None
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one policy says of one resource (or of the plan, where ``address`` is None).

    ``violation`` names what is found, whatever numbers stand in the message: the digest of the policy's address, its
    rule and the resource's address. ``excuse`` says why it denies nothing, ``lapsed``
    why it did until that ran out.
    """

    policy: Address
    outcome: Outcome
    level: Level
    address: Address | None = None
    message: str = ""
    remedy: str = ""
    severity: PolicySeverity = PolicySeverity.MEDIUM
    link: str = ""
    owner: str = ""
    violation: str = ""
    excuse: Excuse | None = None
    lapsed: Excuse | None = None
    at: Span | None = None

    @property
    def stands(self) -> bool:
        """Whether it is a violation that would stop an apply: failed, or broken, where the level is not advisory."""
        return self.outcome in (Outcome.FAIL, Outcome.ERROR) and self.level is not Level.ADVISORY

    @property
    def denies(self) -> bool:
        """Whether it stops an apply: it stands, and nothing excuses it."""
        return self.stands and self.excuse is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Where the world no longer is what was recorded."""

    address: Address
    detail: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginUse:
    """A plugin the plan rests on."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """``applyable``: apply may run it; ``complete``: nothing is deferred; ``errored``: it is for reading only."""

    applyable: bool
    complete: bool
    errored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What may differ between two plans of the same input: time, ids, commit, estimates, attached files.

    ``created_at`` is the ``now`` that rules were judged at.
    ``attachments`` maps an address to the digests of the files in the artifact store that its change takes along, by
    name. A tool's saved plan has other bytes each time it is made; what it *does* is in the program. ``duration`` is
    how long the whole plan will take: its critical path. ``authors`` are who wrote what the plan is of (e-mail
    addresses), where an approval of theirs would not count.
    """

    id: str
    created_at: str
    engine_version: str
    commit: str | None = None
    dirty: bool | None = None
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    duration: Estimate | None = None
    authors: tuple[str, ...] = ()
    attachments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRule:
    """A policy that reads the time, and where it was written."""

    policy: Policy
    at: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRule:
    """A policy at stage plan that waits for what ``resources`` will turn out to be: judged of each before its steps
    run, when what they read of others is known, and once more when they have made something."""

    policy: Policy
    resources: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedSubject:
    """A resource as rules saw it when the plan was made; ``facts`` are None where they were not known."""

    address: Address
    kind: str
    provider: str | None
    spec: Mapping[str, Tree]
    facts: Mapping[str, Json] | None = None
    description: str = ""
    owner: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    protect: bool = False
    depends_on: tuple[Address, ...] = ()
    at: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The part of a plan that its digest covers. ``changes`` are sorted by address; no-ops are only counted.

    ``settings_after`` are the settings that apply writes down, ``promotes_from`` the environment whose records were
    read beside its own, ``trusted`` the estimators the project trusts beyond scikit-learn, ``gates`` the policies that
    judge versions as they are made. ``selection`` are the selectors the plan was narrowed by. ``timed`` are the rules
    that are judged again when it is applied, ``timed_subjects`` the resources they speak of. ``late``
    are those that apply decides because the plan cannot. ``approvals`` is what the
    environment asks for as its document stands, ``approvals_before`` what it asked for at the last apply: both must be
    met.
    """

    project: str
    environment: str
    mode: str
    lineage: str
    serial: int
    spec_digest: str
    status: Status
    summary: Mapping[str, int]
    settings: tuple[SettingChange, ...] = ()
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    reads: tuple[Read, ...] = ()
    policy: tuple[Finding, ...] = ()
    drift: tuple[Drift, ...] = ()
    plugins: tuple[PluginUse, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    settings_after: tuple[Mapping[str, Json], ...] = ()
    promotes_from: str | None = None
    trusted: tuple[str, ...] = ()
    gates: tuple[Policy, ...] = ()
    selection: tuple[str, ...] = ()
    timed: tuple[TimedRule, ...] = ()
    timed_subjects: tuple[TimedSubject, ...] = ()
    late: tuple[LateRule, ...] = ()
    approvals: ApprovalRule | None = None
    approvals_before: ApprovalRule | None = None

    @property
    def rules(self) -> tuple[ApprovalRule, ...]:
        """What must be met before it may be applied; none: anybody may."""
        return tuple(one for one in (self.approvals_before, self.approvals) if one is not None)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do: no step, no change that acts or would, were it not in the way."""
        return not self.steps and not any(
            (c.acts or c.deferred or c.blocked) and not c.unselected for c in self.changes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A program, its digest, and the envelope around it."""

    program: Program
    digest: str
    envelope: Envelope


__all__ = [
    "FORMAT",
    "Cause",
    "Drift",
    "Envelope",
    "Estimate",
    "Excuse",
    "ExcuseKind",
    "Finding",
    "LateRule",
    "Plan",
    "PluginUse",
    "Program",
    "Read",
    "SettingChange",
    "Status",
    "Step",
    "TimedRule",
    "TimedSubject",
]
