"""Plans and applies data sources and datasets with the real planner, providers and artifact store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import ordain.kinds
import ordain_files
from ordain.api.fields import check
from ordain.api.providers import Call, LookRequest, Places, StepResult
from ordain.api.registry import Registry
from ordain.plan.planner import plan
from ordain.plan.request import Draft, Needs, PlanRequest
from ordain.state.artifacts import LocalArtifacts
from ordain.values.address import Address
from ordain.values.change import Change
from ordain.values.look import Evidence
from ordain.values.record import Head, Recorded, ResourceRecord, VersionRecord
from ordain.values.resource import Desired, Resource
from ordain.values.setting import Environment, Project
from ordain.values.span import Source, Span

SOURCE, DATASET = Address.parse("data_source.bank"), Address.parse("dataset.training")
_REGISTRY = Registry(
    kinds={entry.name: entry for entry in ordain.kinds.register_kinds()},
    providers={(entry.kind, entry.name): entry for entry in ordain_files.register_providers()},
)


@dataclass(kw_only=True)
class DataWorld:
    """A project of one data source and, if wanted, one dataset; ``records`` is its state."""

    root: Path
    records: dict[Address, ResourceRecord] = field(default_factory=dict)
    versions: dict[Address, tuple[VersionRecord, ...]] = field(default_factory=dict)
    memory: dict[Address, Evidence] = field(default_factory=dict)
    environment: str = "dev"
    looks: int = 0
    runs: int = 0

    @property
    def store(self) -> LocalArtifacts:
        return LocalArtifacts(self.root / ".ordain" / "artifacts")

    def plan(self, source: Mapping[str, Any], dataset: Mapping[str, Any] | None = None, **more: Any) -> Draft:
        """Return the draft for these specs; ``more``: provider, forced."""
        specs = {SOURCE: ("DataSource", more.get("provider", "csv"), source)}
        if dataset is not None:
            specs[DATASET] = ("Dataset", "duckdb", {"from": str(SOURCE), **dataset})
        evidence: dict[Address, Evidence] = {}
        while True:
            draft = plan(self._request(specs, evidence, more.get("forced", frozenset())))
            if not isinstance(draft, Needs):
                return draft
            for look in draft.looks:
                self.looks += 1
                request = LookRequest(
                    look=look,
                    spec=look.spec,  # type: ignore[arg-type]
                    environment=self.environment,
                    memory=self.memory.get(look.address),
                    places=self.places(look.address),
                    store=self.store,
                )
                evidence[look.address] = _REGISTRY.provider(look.kind, look.provider).look(request)

    def apply(self, draft: Draft) -> None:
        """Do the steps of a draft and record them, as apply does."""
        changes = {change.address: change for change in draft.changes}
        self.runs += 1
        for step in draft.steps:
            self._record(changes[step.address], self.perform(changes[step.address], step.operation))

    def perform(self, change: Change, operation: str) -> StepResult:
        if operation == "record":
            return StepResult(outputs=change.outputs, facts=change.facts)
        spec: Any = change.after
        kind = _REGISTRY.kind(change.kind)
        upstream = {address: self.records[address] for address in change.depends_on}
        call = Call(
            key="key",
            run=f"r{self.runs}",
            operation=operation,
            environment=self.environment,
            change=change,
            spec=spec,
            sealed=spec,
            places=self.places(change.address),
            store=self.store,
            report=lambda _: None,
            record=self.records.get(change.address),
            upstream=upstream,
            versions=self.versions.get(change.address, ()),
            targets={a: _REGISTRY.providers[one.kind, str(one.provider)].target for a, one in upstream.items()},
        )
        return kind.perform(call, _REGISTRY.provider(change.kind, str(change.provider)))

    def places(self, address: Address) -> Places:
        return Places(root=self.root, private=self.root / ".ordain" / "private" / str(address))

    def elsewhere(self) -> DataWorld:
        """Return another environment of the same project: no records, the same versions and artifacts."""
        return replace(self, records={}, memory={}, environment="prod")

    def _record(self, change: Change, result: StepResult) -> None:
        assert change.fingerprint is not None
        self.versions[change.address] = (*self.versions.get(change.address, ()), *result.versions)
        self.records[change.address] = ResourceRecord(
            address=change.address,
            kind=change.kind,
            provider=change.provider,
            spec=change.after,
            fingerprint=change.fingerprint,
            inputs=change.inputs,
            facts=result.facts,
            outputs=result.outputs,
            description=change.description,
            depends_on=change.depends_on,
        )

    def _request(self, specs: Mapping[Address, Any], evidence: Mapping[Address, Evidence], forced: Any) -> PlanRequest:
        resources = {}
        for address, (kind, provider, written) in specs.items():
            spec, errors = check(_REGISTRY.model(kind, provider), written)
            assert not errors, errors
            resources[address] = Resource(
                address=address,
                kind=kind,
                provider=provider,
                spec=spec if spec is not None else written,
                source=Source(file="data.yaml", line=1, text=""),
                depends_on=(SOURCE,) if kind == "Dataset" else (),
            )
        desired = Desired(
            project=Project(name="bank"),
            environment=Environment(name=self.environment),
            environments={},
            policies=(),
            settings=(),
            resources=resources,
            digest="",
        )
        recorded = Recorded(
            head=Head(lineage="l", serial=self.runs, format=1),
            environment=self.environment,
            resources=self.records,
            settings={},
            versions=self.versions,
        )
        return PlanRequest(
            desired=desired,
            recorded=recorded,
            registry=_REGISTRY,
            locate=lambda source, path: Span(file=source.file, line=1, column=len(path) + 1),
            origin=lambda resource, path: Span(file=resource.source.file, line=1, column=len(path) + 1),
            evidence=evidence,
            replace=forced,
        )


@pytest.fixture
def data_world(tmp_path: Path) -> DataWorld:
    rows = [f"{20 + n % 50},{'abc'[n % 3]},{n * 10},{'xy'[n % 2]}" for n in range(200)]
    (tmp_path / "bank.csv").write_text("age,job,balance,contact\n" + "\n".join(rows) + "\n")
    return DataWorld(root=tmp_path)
