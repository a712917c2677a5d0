"""Protection, forgetting, ignoring: what a lifecycle promises through the real command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

HEAD = "kind: Project\nname: life\nformat: 1\n"
VALUE = "---\nkind: Value\nname: {name}\nspec: {{value: {value}}}\nlifecycle: {{{lifecycle}}}\n"


def value(name: str, number: int, lifecycle: str = "") -> str:
    return VALUE.format(name=name, value=number, lifecycle=lifecycle)


def test_what_is_protected_is_not_removed_though_its_document_is_gone(cli: Callable[..., Any]) -> None:
    project = cli(
        {"ordain.yaml": HEAD + value("a", 1, "protect: true") + value("b", 2, "protect: true") + value("c", 3)}
    )
    project("apply", "--yes")
    (project.root / "ordain.yaml").write_text(HEAD)
    assert "blocked" in project("plan").stdout
    for words in (("apply", "--yes"), ("destroy", "--yes")):
        refusal = project(*words, expect=3).stderr
        assert "value.a" in refusal and "value.b" in refusal and "value.c" not in refusal
    assert len(project.json("state", "list")["resources"]) == 3
    (project.root / "ordain.yaml").write_text(HEAD + value("a", 1) + value("b", 2))
    project("apply", "--yes")
    project("destroy", "--yes")


def test_what_is_kept_on_remove_is_forgotten(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": HEAD + value("a", 1, "keep_on_remove: true")})
    project("apply", "--yes")
    (project.root / "ordain.yaml").write_text(HEAD)
    assert project.effects() == {"value.a": "forget"}
    project("apply", "--yes")
    assert project.effects("--detailed-exitcode") == {}


def test_what_is_ignored_does_not_change(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": HEAD + value("a", 1, "ignore_changes: [spec.value]")})
    project("apply", "--yes")
    project.edit("ordain.yaml", "{value: 1}", "{value: 2}")
    assert project.effects("--detailed-exitcode") == {}


def test_replace_makes_it_again(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": HEAD + value("a", 1)})
    project("apply", "--yes")
    assert project.effects("--replace", "value.a") == {"value.a": "update"}
    project("plan", "--replace", "value.zzz", expect=6)


def test_nobody_is_there_to_approve(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": HEAD + value("a", 1)})
    assert "--yes" in project("apply", expect=6).stderr
    assert project("state", "list").stdout.startswith("Nothing is recorded")
