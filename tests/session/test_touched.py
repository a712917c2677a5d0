"""Which environments a change touches: by what they ask for, not by how it is written."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ordain.session.context import HOME, Context
from ordain.session.past import is_read
from ordain.session.touched import in_promotion_order, touched

PROJECT = """\
kind: Project
name: touched
format: 1
---
kind: Environment
name: prod
spec: {promotes_from: dev, approvals: {count: 1}}
---
kind: Environment
name: dev
spec: {default: true}
---
kind: Value
name: v
spec: {value: 1}
"""
ALL = ("dev", "prod")


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *who, *words], capture_output=True, check=True, env=dict(os.environ))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "folder"
    root.mkdir()
    (root / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    git(tmp_path, "switch", "-q", "-c", "change")
    return root


def rewrite(before: str, after: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        assert PROJECT.count(before) == 1
        (root / "ordain.yaml").write_text(PROJECT.replace(before, after), encoding="utf-8")

    return change


def add(path: str, text: str) -> Callable[[Path], None]:
    return lambda root: (root / path).write_text(text, encoding="utf-8") and None


CASES: list[tuple[str, Callable[[Path], None], tuple[str, ...]]] = [
    ("nothing", lambda root: None, ()),
    ("a comment", rewrite("kind: Value", "# a word\nkind: Value"), ()),
    ("a resource", rewrite("value: 1", "value: 2"), ALL),
    ("an override", rewrite("approvals: {count: 1}", "approvals: {count: 1}, overrides: {value.v: {spec: {value: 2}}}"),
     ("prod",)),
    ("who must approve", rewrite("count: 1", "count: 2"), ("prod",)),
    ("a policy", add("p.yaml", "kind: Policy\nname: p\nspec: {level: hard, require: 'true'}\n"), ALL),
    ("what leaves the state", add("r.yaml", "kind: Removed\nspec: {from: value.gone, destroy: false}\n"), ALL),
    ("what gets another name", add("m.yaml", "kind: Moved\nspec: {from: value.old, to: value.v}\n"), ALL),
    ("a new environment", add("e.yaml", "kind: Environment\nname: apart\n"), ("apart",)),
    ("code", add("train.py", "x = 1\n"), ALL),
    ("a file beside the project", add("../readme.md", "text\n"), ()),
    ("what does not read well", rewrite("spec: {value: 1}", "spec: {valeu: 1}"), ALL),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
@pytest.mark.parametrize("committed", [True, False])
def test_what_is_touched(
    project: Path, change: Callable[[Path], None], expected: tuple[str, ...], committed: bool
) -> None:
    change(project)
    if committed:
        git(project, "add", "-A", ":/")
        git(project, "commit", "-q", "--allow-empty", "-m", "second")
    found = touched(Context(root=project), "main")
    assert found.environments == expected
    assert {*found.environments, *found.untouched} >= set(ALL)


def test_changed_files_are_named_as_the_project_sees_them(project: Path) -> None:
    add("old.py", "x = 1\n" * 9)(project)
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "code")
    git(project, "branch", "-f", "main")
    assert touched(Context(root=project), "main").files == ()
    git(project, "mv", "old.py", "new.py")
    assert touched(Context(root=project), "main").files == ("new.py", "old.py")


def test_what_main_has_done_since_is_not_of_the_change(project: Path) -> None:
    git(project, "switch", "-q", "main")
    rewrite("value: 1", "value: 7")(project)
    git(project, "commit", "-q", "-a", "-m", "elsewhere")
    git(project, "switch", "-q", "change")
    assert touched(Context(root=project), "main").environments == ()


def test_our_own_output_touches_nothing_and_a_lost_environment_is_named(project: Path) -> None:
    (project / "plans").mkdir()
    (project / "plans" / "prod.json").write_text("{}", encoding="utf-8")
    assert touched(Context(root=project), "main", [project / "plans"]).environments == ()
    found = touched(Context(root=project), "main")
    assert (found.environments, found.files) == (ALL, ("plans/prod.json",))
    rewrite("kind: Environment\nname: prod\nspec: {promotes_from: dev, approvals: {count: 1}}\n---\n", "")(project)
    found = touched(Context(root=project), "main", [project / "plans"])
    assert (found.environments, found.untouched, found.gone) == ((), ("dev",), ("prod",))


@pytest.mark.parametrize("link", [True, False])
def test_a_state_that_lies_in_the_project_touches_nothing(project: Path, tmp_path: Path, link: bool) -> None:
    home = tmp_path / "kept" if link else project / HOME
    home.mkdir()
    (home / "state.db").write_text("x", encoding="utf-8")
    if link:
        (project / HOME).symlink_to(home)
    assert touched(Context(root=project), "main").environments == ()


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("ordain.yaml", True),
        ("models/churn.yml", True),
        ("allowed_signers", True),
        ("keys/allowed_signers", False),
        ("train.py", False),
        ("templates/churn/blueprint.yaml", True),
        ("templates/churn/body.yaml.j2", True),
        ("templates/churn/notes.yaml", False),
    ],
)
def test_what_a_plan_reads_as_a_spec(path: str, read: bool) -> None:
    assert is_read(path) is read


def test_a_project_that_was_not_there_is_touched_as_a_whole(project: Path) -> None:
    git(project.parent, "mv", "folder", "elsewhere")
    assert touched(Context(root=project.parent / "elsewhere"), "main").environments == ALL


def test_a_project_that_is_gone_takes_its_environments_away(project: Path) -> None:
    (project / "ordain.yaml").unlink()
    found = touched(Context(root=project), "main")
    assert (found.environments, found.untouched, found.gone) == ((), (), ALL)


def test_the_order_is_that_of_promotion() -> None:
    assert in_promotion_order({"a": "z", "m": None, "z": "q", "q": "nowhere"}) == ("q", "z", "a", "m")
    assert set(in_promotion_order({"a": "b", "b": "a"})) == {"a", "b"}


def test_a_project_without_environments_has_one(project: Path) -> None:
    text = PROJECT[: PROJECT.index("kind: Environment")] + PROJECT[PROJECT.index("kind: Value") :]
    (project / "ordain.yaml").write_text(text, encoding="utf-8")
    git(project, "commit", "-q", "-a", "-m", "alone")
    git(project, "branch", "-f", "main")
    assert touched(Context(root=project), "main").untouched == ("default",)
    (project / "ordain.yaml").write_text(text.replace("value: 1", "value: 2"), encoding="utf-8")
    assert touched(Context(root=project), "main").environments == ("default",)


def test_a_name_that_is_none_makes_no_file(project: Path) -> None:
    add("e.yaml", "kind: Environment\nname: ../../evil\n")(project)
    found = touched(Context(root=project), "main")
    assert {*found.environments, *found.untouched} == set(ALL)
