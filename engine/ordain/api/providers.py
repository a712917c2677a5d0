"""A provider says how: reading data, training, serving, driving infrastructure. Each is a small abstract class.

A provider is made without arguments, keeps no state between calls, and may be called from several threads or from a
process of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ordain.values.address import Address
from ordain.values.change import Change
from ordain.values.data import Json, Tree
from ordain.values.diagnostic import Diagnostic
from ordain.values.look import Evidence, Look
from ordain.values.record import ResourceRecord, Verdict, VersionRecord

if TYPE_CHECKING:
    import pyarrow as pa

    from ordain.api.store import ArtifactStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Folders: the project's root (paths in specs are relative to it) and a private folder for this resource.

    ``private`` (0700) is the same for an address in an environment from call to call; what a provider keeps there
    is gone after ``delete``.
    """

    root: Path
    private: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A word on a long step: a message and, where it is known, the fraction done (0 to 1)."""

    message: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRequest:
    """What a provider is given to look: the spec with secrets in clear, and what it saw last time, if anything."""

    look: Look
    spec: Mapping[str, Json]
    environment: str
    memory: Evidence | None
    places: Places
    store: ArtifactStore
    secret_fields: tuple[tuple[str | int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One operation to perform. ``spec`` is normalised and whole, secrets in clear: it lives only in this call.

    ``sealed`` is the same spec with secrets as references, the form that may be kept; ``secret_fields`` are the paths
    of ``spec`` that hold secrets. ``upstream`` are the records of what the resource
    depends on, as they stand now; ``versions`` this address's versions, oldest first; ``attachments`` digests of
    files in the store that the plan took along; ``targets`` import paths of the providers of ``upstream`` (a
    deployment loads its model through the trainer's).
    """

    key: str
    run: str
    operation: str
    environment: str
    change: Change
    spec: Mapping[str, Json]
    places: Places
    store: ArtifactStore
    report: Callable[[Progress], None]
    sealed: Mapping[str, Tree] = field(default_factory=dict)
    record: ResourceRecord | None = None
    upstream: Mapping[Address, ResourceRecord] = field(default_factory=dict)
    versions: tuple[VersionRecord, ...] = ()
    champion: VersionRecord | None = None
    targets: Mapping[Address, str] = field(default_factory=dict)
    trusted: tuple[str, ...] = ()
    secret_fields: tuple[tuple[str | int, ...], ...] = ()

    @property
    def address(self) -> Address:
        return self.change.address

    @property
    def attachments(self) -> Mapping[str, str]:
        return self.change.attachments


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What an operation gives back; small (artifacts go to the store). Secrets have no place in it.

    ``versions`` are written as they are (made or judged); ``rejected`` says why a gate refused: the resource's
    record then stays as it was and dependents are skipped. ``inputs`` overrides planned inputs where they were not
    known. ``outputs`` may hold ``Secret`` leaves for sensitive values.
    """

    outputs: Mapping[str, Tree] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)
    private: Mapping[str, Json] = field(default_factory=dict)
    inputs: Mapping[str, Json] | None = None
    versions: tuple[VersionRecord, ...] = ()
    rejected: str = ""
    verdicts: tuple[Verdict, ...] = ()
    message: str = ""


class Provider:
    """Base of all providers."""

    def check(self, spec: Mapping[str, Json]) -> tuple[Diagnostic, ...]:
        """Return what is wrong with a spec that its model cannot see: a name that is none of a library's, say.

        ``spec`` is normalised and whole, without ``provider`` and without secrets: a spec that holds a secret or
        something not known yet is not asked about. Diagnostics have a ``path`` from the document's top
        (``("spec", "params", "C")``; ``key`` where the name itself is wrong) and no ``at``. Asked by every validate
        and by a plan that reads the documents, in an untrusted project too: static and fast, it imports no heavy
        library and nothing of the project, and says nothing where it is not certain.
        """
        return ()

    def look(self, request: LookRequest) -> Evidence:
        """Look at the world without changing it. Raise ``OrdainError`` for what cannot be planned around."""
        return Evidence()

    def recipe(self, spec: Mapping[str, Tree]) -> Mapping[str, Json]:
        """Return what of the provider counts for a version: its recipe version and the libraries that matter.

        Asked at every plan: ``importlib.metadata`` only, never the libraries themselves.
        """
        return {}


class DataProvider(Provider):
    """Reads a data source. ``look`` gives the fingerprint by column and the profile.

    Facts: ``{"content": digest, "rows": n, "columns": {name: {"digest", "type", "nulls": n, "distinct": n, …}}}``,
    columns in file order. A type is integer, number, boolean, category, text, datetime or date. Numbers also have
    ``min``, ``max``, ``mean``, ``quantiles`` (11: the deciles) and ``ranks`` (how many cells are up to each); dates and
    datetimes ``min`` and ``max`` as ISO texts; columns with few levels ``categories`` (cells by level, spelt as text).
    Numbers may have ``std`` too, and any column ``values``, the digest of its cells in no order: without them a shift
    is told by PSI alone, and another order as other values. ``since`` may say how the content came of the recorded
    one: ``appended`` or ``rewritten``.
    """

    @abstractmethod
    def read(self, spec: Mapping[str, Json], root: Path) -> pa.Table:
        """Return all rows in file order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareRequest:
    """What a preparer needs: the normalised dataset spec, the rows of the source, and a folder to write into."""

    spec: Mapping[str, Json]
    source: pa.Table
    folder: Path
    report: Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A prepared dataset: two Parquet files, and facts (``rows_train``, ``rows_test``, types)."""

    train: Path
    test: Path
    facts: Mapping[str, Json]


class Preparer(Provider):
    """Turns the rows of a data source into the training and test parts of a dataset.

    What a dataset will be is known without it, from its spec and the facts of its source: that is the kind's part
    (``kinds/dataset_outline.py``), for planning reads no data.
    """

    @abstractmethod
    def prepare(self, request: PrepareRequest) -> Prepared:
        """Do it; the same request gives the same bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What a trainer needs: the two parts of the dataset as Parquet files, and the normalised model spec."""

    spec: Mapping[str, Json]
    train: Path
    test: Path
    features: tuple[str, ...]
    columns: Mapping[str, Json]
    folder: Path
    report: Callable[[Progress], None]
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trained model: the file to keep, metrics on the held-out part, what it learnt from (schema, classes …)."""

    artifact: Path
    metrics: Mapping[str, Json]
    facts: Mapping[str, Json]


class Predictor(ABC):
    """A loaded model that answers rows."""

    @abstractmethod
    def predict(self, rows: list[dict[str, Any]]) -> list[dict[str, Json]]:
        """Return one answer a row: ``prediction`` and, for classifiers, ``probabilities`` by class.

        Raises ``ValueError`` naming the row and column for input that does not fit the model's schema.
        """


GROUP_METRICS = frozenset(("demographic_parity_ratio", "equalized_odds_ratio"))
"""Metrics that compare the groups of each column in ``roles.sensitive``: what they say hangs on these columns too."""


class Trainer(Provider):
    """Trains and evaluates models.

    A metric of ``GROUP_METRICS`` is measured over the columns in ``roles.sensitive`` of ``request.spec``, which both
    parts of the dataset hold and no model learns from.
    """

    @abstractmethod
    def recipe(self, spec: Mapping[str, Tree]) -> Mapping[str, Json]:
        """Return what of the trainer counts for a version, so that the same recipe gives the same model."""

    @abstractmethod
    def train(self, request: TrainRequest) -> Trained:
        """Fit on ``train``, measure on ``test``, write the artifact into ``folder``."""

    @abstractmethod
    def evaluate(self, artifact: Path, request: TrainRequest) -> Mapping[str, Json]:
        """Return the metrics ``request.spec`` asks for, of an existing artifact, on ``test``."""

    @abstractmethod
    def load(self, artifact: Path, facts: Mapping[str, Json], trusted: tuple[str, ...]) -> Predictor:
        """Load an artifact whose digest was checked; refuse untrusted types with ``OrdainError``."""


class DeploymentTarget(Provider):
    """Makes a model answer. ``look`` says how it stands.

    Facts of ``look``: ``{"running": bool | None, "version": str | None, "url": str | None, "detail": why not}``;
    ``running`` is None where that cannot be known from here (it lives on another host).
    """

    @abstractmethod
    def deploy(self, call: Call) -> StepResult:
        """Bring up ``call.spec`` (also over one that runs, or is dead); done only when a health probe succeeds."""

    @abstractmethod
    def remove(self, call: Call) -> StepResult:
        """Take it down; repeatable."""


class InfrastructureDriver(Provider):
    """Drives a tool that plans on its own.

    ``look`` makes the tool's plan and keeps it as attachment ``plan``. Facts: ``{"changes": [{"address", "action",
    "fields": [...]}], "drift": [...], "outputs": {name: {"value"|"known": bool, "sensitive": bool, "type": …}},
    "module": digest of the module's files, "empty": bool}``. For a look that is ``forced`` the plan replaces all that
    is there, and the facts say ``"again": True``, where there is anything.
    """

    @abstractmethod
    def apply(self, call: Call) -> StepResult:
        """Apply exactly the attached plan."""

    @abstractmethod
    def destroy(self, call: Call) -> StepResult:
        """Apply exactly the attached destroy plan, or destroy where none is attached; repeatable."""

    @abstractmethod
    def reveal(self, record: ResourceRecord, output: str, places: Places) -> Json:
        """Return a sensitive output in clear, for a call that needs it."""
