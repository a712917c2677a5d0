"""The files of blueprints in a session: which are read, and that the cache of a plan without changes sees each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ordain.cli.main import run
from ordain.session import starting
from ordain.session.context import Context
from ordain.session.loading import load
from ordain.session.quick import cached_text
from ordain.values.diagnostic import OrdainError

PROJECT = "kind: Project\nname: small\nformat: 1\n---\nuse: shipped\nname: a\nwith: {x: 1}\n---\nuse: own\nname: b\n"
DECLARED = """\
kind: Blueprint
name: {name}
description: of {name}
spec: {{parameters: {{x: {{type: integer, default: 2}}}}}}
"""
BODY = "kind: Value\nname: {{ name }}\nspec: {value: {{ x }}}\n"


def write(folder: Path, name: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "blueprint.yaml").write_text(DECLARED.format(name=name))
    (folder / name / "body.yaml.j2").write_text(BODY)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the one that comes along, with two blueprints of which the project uses one."""
    folder = tmp_path / "packaged"
    write(folder, "shipped")
    write(folder, "other")
    monkeypatch.setattr("ordain.resources.packaged", lambda kind: folder)
    monkeypatch.setattr(starting, "packaged", lambda kind: folder)
    return folder


@pytest.fixture
def project(tmp_path: Path, shipped: Path) -> Path:
    """A project that was applied and planned: the cache is filled."""
    root = tmp_path / "project"
    write(root / "templates", "own")
    (root / "ordain.yaml").write_text(PROJECT)
    assert run(["apply", "--yes", "-C", str(root)]) == 0
    assert run(["plan", "-C", str(root)]) == 0
    assert cached_text(Context(root=root)) is not None
    return root


def test_a_plan_rests_on_the_blueprints_it_used(project: Path) -> None:
    loaded = load(Context(root=project), key=None)
    assert [file.path for file in loaded.files] == [
        "ordain.yaml",
        "ordain/templates/shipped/blueprint.yaml",
        "ordain/templates/shipped/body.yaml.j2",
        "templates/own/blueprint.yaml",
        "templates/own/body.yaml.j2",
    ]
    assert [str(one) for one in loaded.desired.resources] == ["value.a", "value.b"]


def _edit(path: Path) -> None:
    path.write_text(path.read_text() + "# more\n")


def _same_size(path: Path) -> None:
    status = path.stat()
    path.write_text(path.read_text().replace("{{ x }}", "{{x  }}"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    "move",
    [
        lambda root, shipped: _edit(root / "templates/own/body.yaml.j2"),
        lambda root, shipped: _edit(root / "templates/own/blueprint.yaml"),
        lambda root, shipped: _same_size(root / "templates/own/body.yaml.j2"),
        lambda root, shipped: _edit(shipped / "shipped/body.yaml.j2"),
        lambda root, shipped: _edit(shipped / "shipped/blueprint.yaml"),
        lambda root, shipped: _same_size(shipped / "shipped/body.yaml.j2"),
        lambda root, shipped: (shipped / "shipped/body.yaml.j2").unlink(),
        lambda root, shipped: write(root / "templates", "shipped"),
    ],
)
def test_the_cache_sees_a_blueprint_that_moved(
    project: Path, shipped: Path, move: Callable[[Path, Path], object]
) -> None:
    move(project, shipped)
    assert cached_text(Context(root=project)) is None


def test_the_cache_does_not_mind_one_that_is_not_used(project: Path, shipped: Path) -> None:
    _edit(shipped / "other/body.yaml.j2")
    (project / "templates/own/notes.txt").write_text("no file of a blueprint")
    assert cached_text(Context(root=project)) is not None


def test_a_project_without_one_reads_none_of_those_that_come_along(project: Path, shipped: Path) -> None:
    (project / "ordain.yaml").write_text("kind: Project\nname: small\nformat: 1\n")
    (shipped / "shipped/blueprint.yaml").write_text("broken: [")
    assert load(Context(root=project), key=None).desired.resources == {}


def test_what_is_wrong_with_a_blueprint_is_said_though_nobody_uses_it(project: Path) -> None:
    write(project / "templates", "third")
    (project / "templates/third/body.yaml.j2").write_text("{{ nope }}")
    with pytest.raises(OrdainError) as raised:
        load(Context(root=project), key=None)
    assert [str(one.at) for one in raised.value.diagnostics] == ["templates/third/body.yaml.j2:1:1"]


def test_a_parameter_without_a_value_must_be_given_to_init(tmp_path: Path, shipped: Path) -> None:
    (shipped / "other/blueprint.yaml").write_text(DECLARED.format(name="other").replace(", default: 2", ""))
    with pytest.raises(OrdainError, match="needs the parameter 'x'"):
        starting.start_project(tmp_path / "new", "new", "other")
    written = starting.start_project(tmp_path / "new", "new", "other", [("x", "7")])
    assert written == ("ordain.yaml", "other.yaml", ".gitignore")
    assert "  x: 7\n" in (tmp_path / "new/other.yaml").read_text()
    assert load(Context(root=tmp_path / "new"), key=None).desired.resources


@pytest.mark.parametrize("text", ["yes", "12", "a: b", "x #y", "- z", "null", "", " a", "plain", "ü", "[1]", "1e5"])
def test_text_given_to_init_is_read_as_the_same_text(tmp_path: Path, shipped: Path, text: str) -> None:
    declared = DECLARED.format(name="other").replace("type: integer, default: 2", "type: string")
    (shipped / "other/blueprint.yaml").write_text(declared)
    starting.start_project(tmp_path / "new", "new", "other", [("x", text)])
    (resource,) = load(Context(root=tmp_path / "new"), key=None).desired.resources.values()
    assert resource.spec["value"] == text
