"""The executor's contract: small requests in, small results out, attachable by key."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from ordain.api.providers import Progress, StepResult
from ordain.values.address import Address
from ordain.values.change import Change
from ordain.values.diagnostic import Diagnostic
from ordain.values.plan import Step
from ordain.values.record import ResourceRecord, VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRequest:
    """Everything one step needs, as a value that can cross a process boundary (``values.codec``).

    ``kind_target`` and ``provider_target`` are import paths; ``options_target`` that of the provider's options model
    ("" where it has none). ``root`` is the project's folder, ``home`` the folder of Ordain's own files
    (``.ordain``), ``artifacts`` where the artifact store keeps its files and ``artifacts_target`` the import path of
    its class, which is made with that folder. ``upstream`` are the records of what the resource depends on, and of
    what their secret outputs come from; ``plugin`` is who is to blame for a wrong answer ("": the package of the
    provider, or of the kind). The texts of secrets travel beside the request, never inside it.
    """

    run: str
    environment: str
    step: Step
    change: Change
    kind_target: str
    provider_target: str
    options_target: str
    root: str
    home: str
    artifacts: str
    record: ResourceRecord | None = None
    upstream: tuple[ResourceRecord, ...] = ()
    versions: tuple[VersionRecord, ...] = ()
    targets: Mapping[str, str] = field(default_factory=dict)
    trusted: tuple[str, ...] = ()
    artifacts_target: str = "ordain.state.artifacts:LocalArtifacts"
    plugin: str = ""

    def upstream_by_address(self) -> Mapping[Address, ResourceRecord]:
        return {record.address: record for record in self.upstream}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """How a step ended: a result, or the diagnostics of its failure. ``seconds`` it took.

    ``change`` is the completed change where the plan could not know all of it (the whole spec, inputs, fingerprint).
    """

    result: StepResult | None
    diagnostics: tuple[Diagnostic, ...] = ()
    seconds: float = 0.0
    change: Change | None = None


Report = Callable[[Progress], None]


class Executor(ABC):
    """Runs steps. One request, one future; results also outlive the engine where ``attach`` can find them.

    ``report`` is called from any thread. A step that takes longer than ``request.change.run.timeout`` is ended and
    fails with exit 9. A failure is an outcome with diagnostics: futures raise nothing but ``CancelledError``, for a
    step that was cancelled before it began.
    """

    @abstractmethod
    def submit(self, request: StepRequest, secrets: Mapping[str, str], report: Report) -> Future[StepOutcome]:
        """Begin a step; what an earlier attempt under the same key left behind is gone then."""

    @abstractmethod
    def attach(self, key: str, report: Report) -> Future[StepOutcome] | None:
        """Return the outcome, finished or still to come, of a step begun under ``key``; None where there is none.

        A definite answer: None means the step is not running and left no result.
        """

    @abstractmethod
    def request(self, key: str) -> StepRequest | None:
        """Return the request that was begun under ``key``, as long as ``attach`` finds it."""

    @abstractmethod
    def cancel(self, key: str) -> None:
        """End a running step: its future comes to an outcome that says so. Nothing happens where none runs."""

    @abstractmethod
    def forget(self, key: str) -> None:
        """Remove what was kept of an ended step for ``attach``; its outcome is recorded. The log stays."""

    @abstractmethod
    def logs(self, key: str) -> str:
        """Return what a step wrote, without secrets; "" where it wrote nothing."""

    @abstractmethod
    def close(self) -> None:
        """Let go. Steps with a process of their own run on, and can be attached to; others are waited for."""
