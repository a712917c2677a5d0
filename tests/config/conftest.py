"""Small kinds of our own, and a project written as texts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Annotated, Any

import pytest
from pydantic import Field

from ordain.api import (
    Decision,
    Diagnostic,
    Effect,
    Json,
    Kind,
    KindEntry,
    OrdainError,
    Provider,
    ProviderEntry,
    Ref,
    Registry,
    Severity,
    Spec,
)
from ordain.config.load import FileText, parse
from ordain.config.resolve import Resolution, ResolveOptions, resolve
from ordain.values.diagnostic import in_order

MODULE = "config_test_kinds"
PROJECT = "kind: Project\nname: demo\nformat: 1\n"


class ThingSpec(Spec):
    value: Any = None


class ThingOutputs(Spec):
    value: Any = None


class _Base(Kind):
    def decide(self, situation: Any, delta: Any) -> Decision:
        return Decision(effect=Effect.NONE)

    def perform(self, call: Any, provider: Any) -> Any:
        raise NotImplementedError


class Thing(_Base):
    name = "Thing"
    spec = ThingSpec
    outputs = ThingOutputs


class TableSpec(Spec):
    rows: int = Field(default=10, ge=1)
    columns: dict[str, str] = Field(default_factory=dict)
    tags: tuple[str, ...] = ()


class Table(_Base):
    name = "Table"
    spec = TableSpec
    outputs = ThingOutputs
    default_provider = "csv"


class CsvOptions(Spec):
    path: str


class SqlOptions(Spec):
    query: str


class Csv(Provider):
    """Says nothing of a spec."""


class Sql(Provider):
    """Knows some queries; breaks in several ways."""

    def check(self, spec: Mapping[str, Json]) -> tuple[Diagnostic, ...]:
        query, columns = str(spec["query"]), spec["columns"]
        assert isinstance(columns, Mapping) and "provider" not in spec
        if query == "broken":
            raise ZeroDivisionError("by nought")
        if query == "wrong":
            return [query]  # type: ignore[return-value]
        if query == "raised":
            raise OrdainError(Diagnostic(code="sql-raised", summary="raised", path=("spec", "query")))
        strange = [name for name in columns if name.startswith("x")]
        found = [Diagnostic(code="sql-x", summary=f"no {one}", path=("spec", "columns", one), key=True)
                 for one in strange]  # fmt: skip
        if query == "slow":
            found.append(Diagnostic(code="sql-slow", summary="slow", path=("spec", "query"), severity=Severity.WARNING))
        return tuple(found)


class LearnerSpec(Spec):
    table: Annotated[str, Ref("table")]
    extra: tuple[Annotated[str, Ref("table")], ...] = ()
    params: dict[str, Any] = Field(default_factory=dict)
    seed: int = 0
    share: float = 0.5


class LearnerOutputs(Spec):
    version: str = ""
    metrics: dict[str, float] = Field(default_factory=dict)


class Learner(_Base):
    name = "Learner"
    spec = LearnerSpec
    outputs = LearnerOutputs


def _module() -> None:
    module = ModuleType(MODULE)
    for one in (Thing, Table, Learner, CsvOptions, SqlOptions, Csv, Sql):
        setattr(module, one.__name__, one)
    sys.modules[MODULE] = module


@pytest.fixture(scope="session")
def registry() -> Registry:
    _module()
    return Registry(
        kinds={name: KindEntry(name=name, target=f"{MODULE}:{name}") for name in ("Thing", "Table", "Learner")},
        providers={
            ("Table", name): ProviderEntry(
                kind="Table", name=name, target=f"{MODULE}:{name.title()}", options=f"{MODULE}:{name.title()}Options"
            )
            for name in ("csv", "sql")
        },
        origin={"Table/sql": "sql-plugin"},
    )


def files_of(texts: Mapping[str, str | bytes]) -> tuple[FileText, ...]:
    found = []
    for path, text in texts.items():
        data = text.encode() if isinstance(text, str) else text
        found.append(FileText(path=path, data=data, size=len(data), mtime_ns=0, ctime_ns=0, inode=0))
    return tuple(found)


Load = Callable[..., Resolution]


@pytest.fixture(scope="session")
def load(registry: Registry) -> Load:
    """Parse and resolve texts: the first is ordain.yaml's, with a Project put before it unless it holds one."""

    def run(text: str | Mapping[str, str | bytes], /, *, project: bool = True, **options: Any) -> Resolution:
        texts: Mapping[str, str | bytes]
        texts = {"ordain.yaml": (PROJECT + "---\n" if project else "") + text} if isinstance(text, str) else text
        documents, broken = parse(files_of(texts))
        resolution = resolve(documents, registry, ResolveOptions(**options))
        diagnostics = in_order((*broken, *resolution.diagnostics))
        wrong = any(diagnostic.is_error for diagnostic in diagnostics)
        return Resolution(desired=None if wrong else resolution.desired, diagnostics=diagnostics)

    return run


@pytest.fixture(scope="session")
def files() -> Callable[[Mapping[str, str | bytes]], tuple[FileText, ...]]:
    return files_of
