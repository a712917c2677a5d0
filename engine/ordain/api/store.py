"""Contracts of the stores: the state (rows) and the artifacts (content-addressed files)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ordain.values.address import Address
from ordain.values.approval import Approval, Override
from ordain.values.estimate import Estimate
from ordain.values.record import Head, JournalEntry, Recorded, ResourceRecord, SettingRecord, VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class PutResource:
    record: ResourceRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveResource:
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class PutVersion:
    version: VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveVersion:
    address: Address
    recipe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutSettings:
    """Replaces all recorded settings of the environment."""

    settings: tuple[SettingRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOverride:
    """Replaces what there is of the same policy by the same person."""

    override: Override


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveOverrides:
    """Ends all overrides of a policy."""

    policy: Address


Mutation = PutResource | RemoveResource | PutVersion | RemoveVersion | PutSettings | PutOverride | RemoveOverrides


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnd:
    """What a step came to (``entry.outcome``), when (seconds since the epoch), and what it changed.

    ``seconds`` is how long its work took; None counts from its begin, the time it waited for room included.
    """

    entry: JournalEntry
    at: float
    mutations: tuple[Mutation, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One apply: times are seconds since the epoch; ``outcome`` is None while it runs or after it was cut off.

    ``predicted`` is how long its plan said it would take, ``what`` in words what was asked for (``destroy``,
    ``rollback model.a: answers are off``). ``approvals`` are those that it was applied under; ``break_glass`` is the
    reason it was applied without them.
    """

    id: str
    environment: str
    plan_digest: str
    actor: str
    started: float
    finished: float | None = None
    outcome: str | None = None
    predicted: Estimate | None = None
    what: str = ""
    approvals: tuple[Approval, ...] = ()
    break_glass: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds, or wants, the lock of an environment.

    ``run`` is the id of the run its steps are journalled under; ``boot`` is the host's boot id ("": not known);
    ``started`` is seconds since the epoch; ``token`` is the fencing token, given out by ``acquire``.
    """

    run: str
    actor: str
    host: str
    boot: str
    pid: int
    started: float
    token: int = 0


class StateReader(ABC):
    """Reads the state. Every read of one ``recorded`` call sees one moment."""

    @abstractmethod
    def head(self) -> Head: ...

    @abstractmethod
    def recorded(self, environment: str, source: str | None = None) -> Recorded:
        """Return all that is recorded of ``environment``; ``source`` names the environment it promotes from."""

    @abstractmethod
    def environments(self) -> tuple[str, ...]:
        """Return the environments that have resources recorded, sorted."""

    @abstractmethod
    def runs(self, environment: str, limit: int = 20, plan: str = "") -> tuple[RunRecord, ...]:
        """Return the newest runs first; of the plan with that digest alone, where one is given."""

    @abstractmethod
    def referenced_artifacts(self) -> frozenset[str]:
        """Return every artifact digest that any environment's record or any version refers to."""

    @abstractmethod
    def digest_key(self) -> bytes | None:
        """Return the key of this state's keyed digests: 32 bytes, made once with the lineage.

        None where there is no state yet: no digest can be made then, since one without a key would tell the secret to
        whoever tries enough of them.
        """

    @abstractmethod
    def holders(self) -> Mapping[str, Holder]:
        """Return who holds the lock of each locked environment, dead or alive."""


class StateStore(StateReader):
    """Writes the state. Each write is one durable transaction that raises the serial by one.

    Locks are no part of what is recorded: taking, giving back or breaking one leaves the serial.
    """

    @abstractmethod
    def begin_run(self, run: RunRecord) -> None: ...

    @abstractmethod
    def finish_run(self, run: str, outcome: str, finished: float) -> None: ...

    @abstractmethod
    def begin_step(self, environment: str, entry: JournalEntry, at: float, token: int) -> None:
        """Write durably that a step begins; refuse (``OrdainError``, exit 9) a token that is no longer the holder's."""

    @abstractmethod
    def end_step(
        self, environment: str, entry: JournalEntry, at: float, mutations: Sequence[Mutation], token: int
    ) -> None:
        """Write in one transaction what a step came to (``entry.outcome``) and what it changed.

        It ends every open step with the same key, also one of a run that was cut off. A step that has no effect
        outside the state needs no begin. Steps with the outcome ``done`` teach ``Recorded.durations``.
        """

    @abstractmethod
    def end_steps(self, environment: str, ends: Sequence[StepEnd], token: int) -> None:
        """Like ``end_step`` for several steps, in one transaction and in this order."""

    @abstractmethod
    def begin_steps(self, environment: str, entries: Sequence[JournalEntry], at: float, token: int) -> None:
        """Like ``begin_step`` for several steps that start together, in one transaction."""

    def end_and_begin(
        self, environment: str, ends: Sequence[StepEnd], begins: Sequence[JournalEntry], at: float, token: int
    ) -> None:
        """Like ``end_steps`` and then ``begin_steps``; a store that can do both in one transaction overrides it."""
        self.end_steps(environment, ends, token)
        self.begin_steps(environment, begins, at, token)

    @abstractmethod
    def write(self, environment: str, mutations: Iterable[Mutation], token: int) -> None:
        """Write mutations outside any step (settings, state surgery)."""

    @abstractmethod
    def acquire(self, environment: str, holder: Holder, alive: bool = True) -> Holder:
        """Take the environment's lock, taking over a holder that is dead on the same host; return it with its token.

        Each token of an environment is greater than all before it. With ``alive=False`` the caller vouches that
        whoever holds the lock is dead, wherever it ran.
        Raises ``OrdainError`` (exit 9) that names who holds it.
        """

    @abstractmethod
    def release(self, environment: str, token: int) -> None:
        """Give the lock back; nothing happens where it is another's by now."""

    @abstractmethod
    def force_release(self, environment: str) -> Holder | None:
        """Break the lock, whoever holds it, and return who that was; its writes are refused from now on."""

    @abstractmethod
    def close(self) -> None: ...


class ArtifactStore(ABC):
    """Content-addressed files, named ``sha256:HEX``; immutable; putting the same bytes twice is free."""

    @abstractmethod
    def put(self, path: Path) -> str:
        """Take a copy of a file; return its digest."""

    @abstractmethod
    def put_bytes(self, data: bytes) -> str: ...

    @abstractmethod
    def fetch(self, digest: str) -> Path:
        """Return a local, read-only path whose bytes were checked against the digest.

        Raises ``OrdainError`` where it is missing (``artifact-lost``) or its bytes differ (``artifact-corrupt``).
        """

    @abstractmethod
    def has(self, digest: str) -> bool: ...

    @abstractmethod
    def delete(self, digest: str) -> None: ...

    @abstractmethod
    def digests(self) -> Iterator[str]: ...
