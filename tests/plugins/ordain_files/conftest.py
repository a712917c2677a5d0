"""Looks at files as the session takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ordain.api import Address, Evidence, Json, Look, LookRequest, Places, ResourceRecord, load_provider
from ordain.api.fields import check
from ordain.api.registry import spec_model
from ordain.state.artifacts import LocalArtifacts
from ordain.values.fingerprint import Fingerprint

SOURCE = Address.parse("data_source.bank")
TARGETS = {
    "csv": ("ordain_files.csv_source:Csv", "ordain_files.options:CsvOptions"),
    "parquet": ("ordain_files.parquet_source:Parquet", "ordain_files.options:ParquetOptions"),
}


@dataclass(frozen=True, kw_only=True)
class Looker:
    """Writes a file below ``root`` and looks at it with the real provider and its real options."""

    root: Path

    def spec(self, provider: str, options: Mapping[str, Json]) -> Mapping[str, Json]:
        spec, errors = check(spec_model("ordain.kinds.data_source:DataSource", TARGETS[provider][1]), options)
        assert not errors, errors
        assert spec is not None
        return spec

    def look(
        self,
        provider: str,
        options: Mapping[str, Json],
        memory: Evidence | None = None,
        recorded: Mapping[str, Json] | None = None,
    ) -> Evidence:
        spec = self.spec(provider, options)
        record = self._record(provider, spec, recorded) if recorded is not None else None
        look = Look(address=SOURCE, kind="DataSource", provider=provider, spec=spec, record=record)
        return load_provider(TARGETS[provider][0]).look(
            LookRequest(
                look=look,
                spec=spec,
                environment="dev",
                memory=memory,
                places=Places(root=self.root, private=self.root / "private"),
                store=LocalArtifacts(self.root / "artifacts"),
            )
        )

    def csv(self, data: bytes | str, name: str = "data.csv", **options: Json) -> Evidence:
        (self.root / name).write_bytes(data.encode() if isinstance(data, str) else data)
        return self.look("csv", {"path": name, **options})

    def _record(self, provider: str, spec: Mapping[str, Json], facts: Mapping[str, Json]) -> ResourceRecord:
        prints = Fingerprint(build="", judge="", serve="", record="")
        return ResourceRecord(
            address=SOURCE, kind="DataSource", provider=provider, spec=spec, fingerprint=prints, facts=facts
        )


@pytest.fixture
def looker(tmp_path: Path) -> Looker:
    return Looker(root=tmp_path)


@pytest.fixture
def columns() -> Callable[[Evidence], Mapping[str, Mapping[str, Json]]]:
    def of(evidence: Evidence) -> Mapping[str, Mapping[str, Json]]:
        assert not evidence.problems, evidence.problems
        found = evidence.facts["columns"]
        assert isinstance(found, Mapping)
        return found  # type: ignore[return-value]

    return of
