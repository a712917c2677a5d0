"""Which version a rollback means."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ordain.session.rollback import Rollback, hold
from ordain.values.address import Address
from ordain.values.diagnostic import OrdainError
from ordain.values.fingerprint import Fingerprint
from ordain.values.record import Head, Recorded, ResourceRecord, Standing, VersionRecord

MODEL = Address.parse("model.m")


def version(name: str, stood: Sequence[str], standing: Standing = Standing.ACCEPTED) -> VersionRecord:
    return VersionRecord(
        address=MODEL,
        recipe=f"r-{name}",
        spec_recipe="s",
        name=name,
        artifact="sha256:a",
        facts={"stood": list(stood)},
        standing=standing,
    )


def meant(versions: Sequence[VersionRecord], environment: str, wanted: str | None = None) -> str:
    """Return the version meant where the last one stands."""
    record = ResourceRecord(
        address=MODEL,
        kind="Model",
        provider="sklearn",
        spec={},
        fingerprint=Fingerprint(build="", judge="", serve="", record=""),
        facts={"recipe": versions[-1].recipe},
    )
    recorded = Recorded(
        head=Head(lineage="l", serial=1, format=1),
        environment=environment,
        resources={MODEL: record},
        settings={},
        versions={MODEL: tuple(versions)},
    )
    return hold(Rollback(address="model.m", version=wanted, reason="odd"), recorded, record, "ann").version


def test_the_one_before_is_one_that_stood_in_this_environment() -> None:
    versions = [
        version("v1", ["dev", "prod"], Standing.REJECTED),  # by prod's stricter gate, later
        version("v2", ["prod"]),  # trained there on its own data
        version("v3", ["dev", "prod"]),
    ]
    assert meant(versions, "dev") == "v1"
    assert meant(versions, "prod") == "v2"
    assert meant(versions, "dev", "v1") == "v1"
    with pytest.raises(OrdainError, match=r"v2 of model\.m never stood in this environment"):
        meant(versions, "dev", "v2")
