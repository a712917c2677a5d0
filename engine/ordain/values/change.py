"""What a plan says of one resource: the action, its effect, and the causes down to the root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ordain.values.address import Address
from ordain.values.data import Json, Path, Tree
from ordain.values.fingerprint import Fingerprint
from ordain.values.record import Hold
from ordain.values.resource import Lifecycle, RunOptions
from ordain.values.span import Span


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    FORGET = "forget"
    NO_OP = "no-op"


class Effect(StrEnum):
    """The one thing a change comes down to, in the words of the field."""

    NONE = "none"
    CREATE = "create"
    UPDATE = "update"
    MOVE = "move"
    IMPORT = "import"
    COSMETIC = "cosmetic"
    ENV_ONLY = "env-only"
    RE_EVALUATE = "re-evaluate"
    REDEPLOY = "redeploy"
    RESTART = "restart"
    REFRESH_DATA = "refresh-data"
    REUSE = "reuse"
    ROLL_BACK = "roll-back"
    TRAIN = "train"
    RETRAIN = "retrain"
    RETRAIN_INCOMPATIBLE = "retrain-incompatible"
    PROMOTE = "promote"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    RETIRE = "retire"
    DELETE = "delete"
    FORGET = "forget"


WRITTEN_DOWN = frozenset({Effect.NONE, Effect.COSMETIC, Effect.ENV_ONLY, Effect.MOVE})
"""Effects after which a resource is what it was: only its record differs, if anything does."""
TRAINS = frozenset({Effect.TRAIN, Effect.RETRAIN, Effect.RETRAIN_INCOMPATIBLE})


class CauseCode(StrEnum):
    NEW = "new"
    REMOVED = "removed"
    SPEC = "spec"
    DATA = "data"
    CODE = "code"
    LIBRARY = "library"
    UPSTREAM = "upstream"
    DRIFT = "drift"
    LOST = "lost"
    FAILED = "failed"
    GATE = "gate"
    PROMOTION = "promotion"
    REQUESTED = "requested"
    MOVED = "moved"
    IMPORTED = "imported"
    TRIGGER = "trigger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One link of the chain from an action to its root.

    ``address`` is where the link lies (an upstream resource, say), ``path`` the field, ``detail`` one sentence for
    people, ``data`` the same in numbers (rows added, columns moved), ``at`` where it was written.
    """

    code: CauseCode
    address: Address
    path: Path = ()
    before: Tree = None
    after: Tree = None
    detail: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)
    at: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that differs; ``unknown``: known after apply; ``suppressed``: why it is not acted on."""

    path: Path
    before: Tree = None
    after: Tree = None
    unknown: bool = False
    sensitive: bool = False
    suppressed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """What happens if the gates pass, what if they fail; of the last ``judged`` versions ``passed`` did."""

    condition: str
    then: str
    otherwise: str
    passed: int = 0
    judged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """A change inside a resource, made by a tool of its own (one of Terraform's resource changes)."""

    address: str
    action: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the plan does to one resource; everything apply needs to do it.

    ``deferred`` says what must exist before this can be planned; ``blocked`` why nothing is done although the
    desired state asks for it (``protected``: lifecycle.protect stands in the way of all the plan), ``unselected`` why a
    selector leaves it out. ``previous_address`` is what it was called
    in the state, ``importing`` the ids under which the world has it already. ``after`` is the normalised spec with
    unknown and secret leaves; ``outputs`` what is known of the outputs. ``attachments`` are filled in from
    the plan's envelope when it is applied. ``fingerprint`` is None where the spec is not fully known. ``recipe`` and
    ``spec_recipe`` name the version a versioned kind will make, ``hold`` says who keeps it at another one.
    ``place`` is as in ``Look``.
    """

    address: Address
    kind: str
    provider: str | None
    action: Action
    effect: Effect
    causes: tuple[Cause, ...] = ()
    fields: tuple[FieldChange, ...] = ()
    branches: tuple[Branch, ...] = ()
    nested: tuple[Nested, ...] = ()
    notes: tuple[str, ...] = ()
    deferred: str = ""
    blocked: str = ""
    protected: bool = False
    unselected: str = ""
    importing: tuple[str, ...] = ()
    previous_address: Address | None = None
    depends_on: tuple[Address, ...] = ()
    after: Mapping[str, Tree] = field(default_factory=dict)
    outputs: Mapping[str, Tree] = field(default_factory=dict)
    inputs: Mapping[str, Json] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)
    fingerprint: Fingerprint | None = None
    recipe: str = ""
    spec_recipe: str = ""
    hold: Hold | None = None
    place: str = ""
    attachments: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    owner: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    run: RunOptions = field(default_factory=RunOptions)
    at: Span | None = None

    @property
    def acts(self) -> bool:
        """Whether anything is done to the resource or its record."""
        return self.action is not Action.NO_OP and not self.deferred and not self.blocked and not self.unselected
