"""Approvals out of comments: the latest that counts of each person, under a name that is no path."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ordain.policy.sshsig import sign
from ordain.policy.statements import block, statement_text
from ordain.session.context import Context
from ordain.session.gathering import gather
from ordain.session.permission import folder_of
from ordain.session.session import PlanOptions, plan_project
from ordain.values.address import Address
from ordain.values.approval import NAMESPACE, Approval, Override, Statement
from ordain.values.plan import Plan

NOW = datetime(2027, 1, 2, tzinfo=UTC)
PROJECT = """\
kind: Project
name: bank
format: 1
---
kind: Environment
name: prod
spec: {approvals: {count: 2}}
---
kind: Value
name: v
spec: {value: 1}
"""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "rita"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


@pytest.fixture
def plan(tmp_path: Path, key: Path) -> Iterator[Plan]:
    public = " ".join((key.parent / "rita.pub").read_text().split()[:2])
    (tmp_path / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "allowed_signers").write_text(f"rita@example.com {public}\n", encoding="utf-8")
    yield plan_project(Context(root=tmp_path), PlanOptions(), keep=False)[0]


def said(made: Plan, key: Path, person: str = "rita@example.com", at: str = "00:00", **more: str) -> str:
    """Return a comment in which a person approves."""
    moment = f"2027-01-02T{at}:00+00:00"
    statement = Statement(project="bank", environment="prod", plan=made.digest, person=person, at=moment)
    text = statement_text(replace(statement, **more))  # type: ignore[arg-type]
    return block(Approval(text=text, signature=sign(text.encode(), key.read_bytes(), None, NAMESPACE)))


def kept(plan: Plan, folder: Path, *comments: str) -> dict[str, str]:
    """Return the names of the approvals that are kept, and what each signs of."""
    file = folder / "prod.json"
    gather(plan, file, comments, NOW)
    found = sorted(folder_of(file).glob("*.json"))
    assert all(one.with_name(f"{one.name}.sig").read_text().startswith("-----BEGIN SSH") for one in found)
    return {one.name: json.loads(one.read_text())["at"][11:16] for one in found}


def test_the_latest_of_a_person_that_counts_is_kept(plan: Plan, key: Path, tmp_path: Path) -> None:
    first, second = said(plan, key), said(plan, key, at="00:01")
    assert kept(plan, tmp_path, "hello", first, f"> quoted\n\n{second}") == {"rita@example.com.json": "00:01"}
    # One that does not count takes nothing away, whoever wrote it, and shows only where there is nothing better.
    bad = said(plan, key, at="00:02", plan="sha256:" + "0" * 64)
    assert kept(plan, tmp_path, first, bad) == {"rita@example.com.json": "00:00"}
    assert kept(plan, tmp_path, bad) == {"rita@example.com.json": "00:02"}


def test_a_person_is_one_whatever_the_size_of_the_letters_and_may_have_any(
    plan: Plan, key: Path, tmp_path: Path
) -> None:
    first, second = said(plan, key), said(plan, key, "Rita@Example.com", at="00:01")
    assert kept(plan, tmp_path, first, second) == {"rita@example.com.json": "00:01"}
    assert kept(plan, tmp_path, said(plan, key, "rené@example.com")) == {"rené@example.com.json": "00:00"}


def test_an_approval_of_an_earlier_plan_is_kept_for_its_overrides(plan: Plan, key: Path, tmp_path: Path) -> None:
    borne = Override(policy=Address.parse("policy.p"), violations=("v",), reason="r", by="", at="",
                     until="2027-01-03T00:00:00+00:00")  # fmt: skip
    earlier: dict[str, Any] = {"plan": "sha256:" + "0" * 64, "overrides": (borne,)}
    old = said(plan, key, **earlier)
    assert kept(plan, tmp_path, old) == {"rita@example.com.overrides.json": "00:00"}
    new = said(plan, key, at="00:01")
    assert kept(plan, tmp_path, new, old) == {
        "rita@example.com.json": "00:01",
        "rita@example.com.overrides.json": "00:00",
    }


def test_a_comment_that_is_gone_takes_its_approval_back(plan: Plan, key: Path, tmp_path: Path) -> None:
    assert kept(plan, tmp_path, said(plan, key))
    assert kept(plan, tmp_path) == {}
    assert not list(folder_of(tmp_path / "prod.json").iterdir())


def test_what_is_of_another_project_or_environment_is_passed_over(plan: Plan, key: Path, tmp_path: Path) -> None:
    assert kept(plan, tmp_path, said(plan, key, environment="dev"), said(plan, key, project="other")) == {}


@pytest.mark.parametrize("person", ["../../evil@example.com", "a/b@example.com", "rita@../x", ".@.", "x@y\\z"])
def test_a_name_is_no_path(plan: Plan, key: Path, tmp_path: Path, person: str) -> None:
    before = {one for one in tmp_path.rglob("*") if ".approvals" not in str(one)}
    kept(plan, tmp_path, said(plan, key, person=person))
    assert {one for one in tmp_path.rglob("*") if ".approvals" not in str(one)} == before
    assert all("/" not in one.name for one in folder_of(tmp_path / "prod.json").glob("*.json"))


def test_where_nobody_is_asked_nothing_is_kept(plan: Plan, key: Path, tmp_path: Path) -> None:
    free = replace(plan, program=replace(plan.program, approvals=None, approvals_before=None))
    assert kept(free, tmp_path, said(plan, key)) == {}
