"""Saved plans: applied exactly, refused when they are stale or were changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from ordain.values.fingerprint import sha256

PROJECT = """\
kind: Project
name: saved
format: 1
---
kind: Value
name: a
spec: {value: 1}
---
kind: Value
name: b
spec:
  value: ${{ value.a.outputs.value + 1 }}
---
kind: Value
name: alone
spec: {value: x}
"""


@pytest.fixture
def project(cli: Callable[..., Any]) -> Any:
    found = cli({"ordain.yaml": PROJECT})
    found("apply", "--yes")
    return found


def test_it_does_what_the_plan_says_not_what_the_specs_say_by_now(project: Any) -> None:
    project.edit("ordain.yaml", "spec: {value: 1}", "spec: {value: 10}")
    project("plan", "--out", "p.json")
    project.edit("ordain.yaml", "spec: {value: 10}", "spec: {value: 99}")
    project("apply", "p.json")
    assert project.output("value.b", "value") == 11


def test_a_related_change_makes_it_stale(project: Any) -> None:
    project.edit("ordain.yaml", "spec: {value: 1}", "spec: {value: 10}")
    project("plan", "--out", "p.json")
    project.edit("ordain.yaml", "spec: {value: 10}", "spec: {value: 20}")
    project("apply", "--yes")
    refusal = project("apply", "p.json", expect=10).stderr
    assert "value.a moved since the plan was made" in refusal
    assert project.output("value.b", "value") == 21


def test_an_unrelated_change_does_not(project: Any) -> None:
    project.edit("ordain.yaml", "spec: {value: 1}", "spec: {value: 10}")
    project("plan", "--out", "p.json")
    project.edit("ordain.yaml", "spec: {value: 10}", "spec: {value: 1}")
    project.edit("ordain.yaml", "spec: {value: x}", "spec: {value: y}")
    project("apply", "--yes")
    project("apply", "p.json")
    assert project.output("value.b", "value") == 11
    assert project.output("value.alone", "value") == "y"


def test_another_state_refuses_it(project: Any, cli: Callable[..., Any]) -> None:
    project.edit("ordain.yaml", "spec: {value: 1}", "spec: {value: 10}")
    project("plan", "--out", "p.json")
    other = cli({"ordain.yaml": PROJECT}, name="other")
    other("apply", "--yes")
    other("apply", str(project.root / "p.json"), expect=10)


def test_a_byte_changed_anywhere_refuses_it(project: Any) -> None:
    project.edit("ordain.yaml", "spec: {value: 1}", "spec: {value: 10}")
    project("plan", "--out", "p.json")
    whole = (project.root / "p.json").read_bytes()
    plan = json.loads(whole)
    places = [
        whole.index(b'"after"'),
        whole.index(plan["digest"].encode()) + 20,
        whole.index(plan["envelope"]["checksum"].encode()) + 20,
        whole.index(plan["envelope"]["created_at"].encode()) + 3,
        whole.index(b"value.alone") if b"value.alone" in whole else len(whole) // 2,
    ]
    for place in places:
        byte = whole[place : place + 1]
        changed = whole[:place] + (b"7" if byte != b"7" else b"8") + whole[place + 1 :]
        (project.root / "changed.json").write_bytes(changed)
        done = project("apply", "changed.json", expect=10)
        assert "ordain plan" in done.stderr
    assert project.output("value.b", "value") == 2


@pytest.mark.parametrize("junk", [b"", b"{}", b"\x00\xff", b"[1]", b'{"format_version": "9.0"}'])
def test_what_is_no_plan_is_told(project: Any, junk: bytes) -> None:
    (project.root / "junk.json").write_bytes(junk)
    code = 6 if not junk.startswith(b'{"format') else None
    for command in (("show", "junk.json"), ("apply", "junk.json")):
        if code is not None:
            project(*command, expect=code)
    project("show", "missing.json", expect=6)


def test_one_of_a_later_ordain_is_shown_and_not_applied(project: Any) -> None:
    project.edit("ordain.yaml", "spec: {value: 1}", "spec: {value: 10}")
    project("plan", "--out", "p.json")
    body = json.loads((project.root / "p.json").read_bytes())
    body |= {"format_version": "1.9", "novel": True}
    body["changes"][0]["effect"] = "transmogrify"
    del body["envelope"]["checksum"]
    body["envelope"]["checksum"] = sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    data = orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n"
    (project.root / "later.json").write_bytes(data)
    shown = project("show", "later.json").stdout
    assert "value.a" in shown and "transmogrify" in shown and "this Ordain knows 1.0" in shown
    assert project("show", "later.json", "--json").stdout.encode() == data
    refusal = project("apply", "later.json", expect=6).stderr
    assert "its format is 1.9" in refusal.lower() and "Traceback" not in refusal
    assert project.output("value.b", "value") == 2


def test_it_is_applied_where_it_was_made_for(project: Any) -> None:
    more = "\n---\nkind: Environment\nname: dev\nspec: {default: true}\n---\nkind: Environment\nname: other\n"
    text = (project.root / "ordain.yaml").read_text(encoding="utf-8")
    (project.root / "ordain.yaml").write_text(text + more, encoding="utf-8")
    project("plan", "--env", "other", "--out", "p.json")
    refused = project("apply", "p.json", "--env", "dev", expect=6)
    assert "the plan is for the environment other, not for dev" in refused.stderr
    project("apply", "p.json")
    assert "value.a" in project("state", "list", "--env", "other").stdout


def test_a_plan_that_was_applied_says_so_and_of_much_that_moved_the_first_is_told(cli: Callable[..., Any]) -> None:
    many = "".join(f"---\nkind: Value\nname: v{number:02}\nspec: {{value: 1}}\n" for number in range(30))
    project = cli({"ordain.yaml": f"kind: Project\nname: many\nformat: 1\n{many}"})
    project("plan", "--out", "first.json")
    project("apply", "first.json")
    again = project("apply", "first.json", expect=10).stderr
    assert again.count("error[") == 1
    assert "was applied already" in again
    for name in ("second.json", "other.json"):
        text = (project.root / "ordain.yaml").read_text().replace("{value: ", "{value: 1")
        (project.root / "ordain.yaml").write_text(text)
        project("plan", "--out", name)
    project("apply", "other.json")
    stale = project("apply", "second.json", expect=10).stderr
    assert stale.count("moved since the plan was made") == 21
    assert "10 more moved since the plan was made" in stale
