"""What is kept of what is forgotten: set aside once, put back where the forgetting was cut off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ordain.api import Fingerprint, ResourceRecord
from ordain.apply.aside import set_aside, take_back
from ordain.values.address import Address

RECORD = ResourceRecord(
    address=Address.parse("infrastructure.a"),
    kind="Infrastructure",
    provider="terraform",
    spec={},
    fingerprint=Fingerprint(build="", judge="", serve="", record=""),
    run="0123456789abcdef",
)


@pytest.fixture
def private(tmp_path: Path) -> Path:
    folder = tmp_path / "infrastructure.a"
    folder.mkdir()
    (folder / "state").write_text("the only one")
    return folder


def test_it_is_set_aside_once_and_put_back_for_its_record_alone(private: Path) -> None:
    aside = set_aside(private, RECORD)
    assert aside == private.with_name("infrastructure.a~forgotten-01234567")
    assert not private.exists() and set_aside(private, RECORD) == aside
    take_back(private, None)
    take_back(private, replace(RECORD, run="another"))
    assert not private.exists()
    private.mkdir()  # somebody looked meanwhile
    take_back(private, RECORD)
    assert (private / "state").read_text() == "the only one" and not aside.exists()


def test_what_was_moved_is_set_aside_under_its_place(private: Path) -> None:
    moved = replace(RECORD, address=Address.parse("infrastructure.b"), place="infrastructure.a")
    assert set_aside(private, moved) == private.with_name("infrastructure.a~forgotten-01234567")


def test_nothing_is_lost_where_two_have_the_name(private: Path) -> None:
    first = set_aside(private, RECORD)
    private.mkdir()
    (private / "state").write_text("of an older state")
    take_back(private, RECORD)
    second = set_aside(private, RECORD)
    assert first is not None and (first / "state").read_text() == "the only one"
    assert second is not None and (second / "state").read_text() == "of an older state"


def test_where_nothing_was_kept_nothing_is_left(tmp_path: Path) -> None:
    empty = tmp_path / "infrastructure.a"
    empty.mkdir()
    assert set_aside(empty, RECORD) is None and not empty.exists()
    assert set_aside(empty, RECORD) is None and list(tmp_path.iterdir()) == []
