"""``ordain policy``: tests of policies, what is in force, the end of an override."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ordain.api.store import PutOverride
from ordain.cli.main import run
from ordain.session.context import Context
from ordain.session.stores import open_state
from ordain.state.host import this_process
from ordain.values.address import Address
from ordain.values.approval import Override

PROJECT = """\
kind: Project
name: judged
format: 1
---
kind: Environment
name: dev
spec: {default: true, policies: {owned: soft}}
---
kind: Value
name: v
spec: {value: 1}
"""
POLICIES = """\
kind: Policy
name: owned
owner: platform@example.com
spec:
  level: hard
  severity: high
  require: resource.owner != ""
  message: ${{ resource.address }} has no owner
  exceptions: [{resources: ["model.old*"], reason: "it goes", until: 2099-01-01}]
  tests:
    - {name: somebody, given: {resource: {owner: me}}, expect: pass}
    - {name: nobody, expect: fail, message: model.example has no owner}
---
kind: Policy
name: named
spec:
  level: advisory
  require: resource.name != "x"
"""
Ordain = Callable[..., str]


@pytest.fixture
def ordain(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Ordain:
    """Run a command in the project; give back standard output, and standard error where it fails."""
    (tmp_path / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "policies.yaml").write_text(POLICIES, encoding="utf-8")

    def call(*words: str, expect: int = 0, err: bool = False) -> str:
        capfdbinary.readouterr()
        code = run(["policy", *words, "-C", str(tmp_path)])
        out, errors = (text.decode() for text in capfdbinary.readouterr())
        assert code == expect, out + errors
        return errors if err else out

    return call


def edit(root: Path, before: str, after: str) -> None:
    path = root / "policies.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_tests_that_pass(ordain: Ordain, tmp_path: Path) -> None:
    assert ordain("test") == (
        "-     policy.named  no tests\n"
        "ok    policy.owned  2 passed\n"
        "\n"
        "2 policies, 2 tests, 2 passed. Without tests: named.\n"
    )
    assert ordain("test", "owned") == ordain("test", "policy.owned")
    assert "named" not in ordain("test", "owned")
    assert not (tmp_path / ".ordain").exists()


def test_a_case_that_fails_is_shown_with_its_place(ordain: Ordain, tmp_path: Path) -> None:
    edit(tmp_path, "expect: fail, message: model.example", "expect: fail, message: Model.example")
    assert ordain("test", "owned", expect=7) == (
        "FAIL  policy.owned  1 passed, 1 failed\n"
        "      nobody\n"
        "        --> policies.yaml:12:7\n"
        "         =  found fail, as expected, but not the words\n"
        "         =  it says: model.example has no owner\n"
        "         =  missing in what it says: Model.example has no owner\n"
        "\n"
        "1 policy, 2 tests, 1 passed.\n"
    )
    edit(tmp_path, "given: {resource: {owner: me}}, ", "")
    found = json.loads(ordain("test", "--json", expect=7))
    assert (found["passed"], found["summary"]["failed"]) == (False, 2)
    assert found["coverage"] == {"untested": ["policy.named"], "never_pass": ["policy.owned"], "never_fail": []}
    (case, _) = found["policies"][1]["tests"]
    assert (case["expected"], case["found"], case["passed"]) == ("pass", "fail", False)
    assert case["at"] == {"file": "policies.yaml", "line": 11, "column": 7}


def test_junit_goes_to_a_file_and_the_text_to_the_terminal(ordain: Ordain, tmp_path: Path) -> None:
    edit(tmp_path, "expect: pass", "expect: skip")
    out = tmp_path / "reports" / "policies.xml"
    told = ordain("test", "--format", "junit", "--out", str(out), expect=7, err=True)
    assert "expected skip, found pass" in told
    root = ElementTree.fromstring(out.read_bytes())
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "2", "1")
    (failed,) = (case for case in root.iter("testcase") if case.find("failure") is not None)
    assert (failed.get("classname"), failed.get("name")) == ("policy.owned", "somebody")
    assert (failed.get("file"), failed.get("line")) == ("policies.yaml", "11")


def test_a_wrong_name_or_spec_is_refused(ordain: Ordain, tmp_path: Path) -> None:
    assert "did you mean policy.owned?" in ordain("test", "ownd", expect=6, err=True)
    edit(tmp_path, "{owner: me}", "{ownr: me}")
    told = ordain("test", expect=6, err=True)
    assert "policies.yaml:11:43" in told
    assert "did you mean 'owner'?" in told


def test_a_project_without_policies(ordain: Ordain, tmp_path: Path) -> None:
    (tmp_path / "policies.yaml").unlink()
    (tmp_path / "ordain.yaml").write_text(PROJECT.replace(", policies: {owned: soft}", ""), encoding="utf-8")
    assert ordain("test") == "There are no policies here.\n"
    assert ordain("list") == "There are no policies in dev.\n"
    assert len(ElementTree.fromstring(ordain("test", "--format", "junit"))) == 0


def override(
    root: Path, until: str, by: str = "ann@example.com", policy: str = "policy.owned", reason: str = "late"
) -> None:
    """Record an override as an apply does."""
    context = Context(root=root)
    at, named = "2026-01-01T00:00:00+00:00", Address.parse(policy)
    one = Override(policy=named, violations=("abc",), reason=reason, by=by, at=at, until=until)
    with open_state(context, create=True) as store:
        token = store.acquire("dev", this_process(run="r", actor="ann", started=1.0)).token
        store.write("dev", (PutOverride(override=one),), token)
        store.release("dev", token)


def test_what_is_in_force(ordain: Ordain, tmp_path: Path) -> None:
    override(tmp_path, "2099-01-01T00:00:00+00:00")
    override(tmp_path, "2026-01-02T00:00:00+00:00", by="bob@example.com")
    override(tmp_path, "2099-01-01T00:00:00+00:00", policy="policy.gone")
    parts = ordain("list").split("\n\n")
    table, exceptions, overrides = ([re.split(r"\s{2,}", line) for line in part.splitlines()] for part in parts)
    assert table[1:] == [
        ["named", "advisory", "medium", "plan", "-", 'resource.name != "x"'],
        ["owned", "soft", "high", "plan", "platform@example.com", "<resource.address> has no owner"],
    ]
    assert exceptions[2] == ["owned", "model.old*", "2099-01-01", "it goes"]
    assert [(line[1], line[4]) for line in overrides[2:]] == [
        ("ann@example.com", "holds"),
        ("ann@example.com", "policy is gone"),
        ("bob@example.com", "ran out"),
    ]
    found = json.loads(ordain("list", "--json"))
    assert (found["environment"], [one["holds"] for one in found["overrides"]]) == ("dev", [True, False, False])
    assert found["policies"][1]["exceptions"][0]["until"] == "2099-01-02T00:00:00+00:00"


def test_an_override_of_a_policy_that_is_hard_by_now_does_not_hold(ordain: Ordain, tmp_path: Path) -> None:
    override(tmp_path, "2099-01-01T00:00:00+00:00")
    (tmp_path / "ordain.yaml").write_text(PROJECT.replace(", policies: {owned: soft}", ""), encoding="utf-8")
    assert "policy is hard" in ordain("list")
    assert [one["holds"] for one in json.loads(ordain("list", "--json"))["overrides"]] == [False]


def test_overrides_of_a_policy_are_revoked(ordain: Ordain, tmp_path: Path) -> None:
    override(tmp_path, "2099-01-01T00:00:00+00:00", reason="late \x1b[31m")
    override(tmp_path, "2099-01-01T00:00:00+00:00", policy="policy.gone")
    assert "nothing of policy.named is overridden in dev" in ordain("revoke", "named", expect=6, err=True)
    told = ordain("revoke", "owned")
    assert told == "Ended in dev: policy.owned, overridden by ann@example.com until 2098-12-31: late \\u001b[31m\n"
    assert [one["policy"] for one in json.loads(ordain("list", "--json"))["overrides"]] == ["policy.gone"]
    ordain("revoke", "policy.gone")
    assert "nothing of policy.owned" in ordain("revoke", "owned", expect=6, err=True)


def test_nothing_is_revoked_while_an_apply_goes_on(ordain: Ordain, tmp_path: Path) -> None:
    override(tmp_path, "2099-01-01T00:00:00+00:00")
    with open_state(Context(root=tmp_path), create=True) as store:
        token = store.acquire("dev", this_process(run="r", actor="bob", started=1.0)).token
        assert "bob" in ordain("revoke", "owned", expect=9, err=True)
        store.release("dev", token)
    ordain("revoke", "owned")


def test_nothing_to_revoke_where_nothing_was_applied(ordain: Ordain, tmp_path: Path) -> None:
    assert "nothing of policy.owned" in ordain("revoke", "owned", expect=6, err=True)
    assert not (tmp_path / ".ordain").exists()
