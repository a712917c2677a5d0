"""Versions that lost their artifacts."""

from __future__ import annotations

from dataclasses import replace

from ordain.observe.artifacts import without_lost
from ordain.values.address import Address
from ordain.values.record import Head, Recorded, VersionRecord

MODEL, DATASET = Address.parse("model.m"), Address.parse("dataset.d")


def version(address: Address, artifact: str, **parts: str) -> VersionRecord:
    return VersionRecord(address=address, recipe="r", spec_recipe="s", name="v", artifact=artifact, facts=parts)


RECORDED = Recorded(
    head=Head(lineage="l", serial=1, format=1),
    environment="dev",
    resources={},
    settings={},
    versions={
        MODEL: (version(MODEL, "a"), version(MODEL, "b")),
        DATASET: (version(DATASET, "m", train="x", test="y"),),
    },
)


def test_what_is_there_stays_as_it_is() -> None:
    assert without_lost(RECORDED, lambda: ["a", "b", "m", "x", "y", "more"]) == RECORDED


def test_a_lost_artifact_and_a_lost_part_empty_the_version() -> None:
    found = without_lost(RECORDED, lambda: ["a", "m", "x"]).versions
    assert [one.artifact for one in found[MODEL]] == ["a", ""]
    assert [one.artifact for one in found[DATASET]] == [""]


def test_without_versions_the_store_is_not_asked() -> None:
    def asked() -> list[str]:
        raise AssertionError

    assert without_lost(replace(RECORDED, versions={}), asked).versions == {}
