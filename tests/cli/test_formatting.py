"""ordain fmt: which files it takes, what it writes, what it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ordain.cli.main import run

PROJECT = "kind: Project\nname: small\nformat: 1\n"
LOOSE = "name: a  # why\nkind: Value\nspec:\n    value:\n    - 1\n"
TIDY = "kind: Value\nname: a  # why\nspec:\n  value:\n    - 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "ordain.yaml").write_text(PROJECT)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "loose.yaml").write_text(LOOSE)
    (tmp_path / "templates" / "x").mkdir(parents=True)
    (tmp_path / "templates" / "x" / "blueprint.yaml").write_text(LOOSE)
    return tmp_path


def fmt(project: Path, *words: str | Path) -> int:
    return run(["fmt", "-C", str(project), *map(str, words)])


def test_it_writes_the_projects_files(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fmt(project) == 0
    said = capsys.readouterr()
    assert said.out == "deep/loose.yaml\n" and "1 of 2 files" in said.err
    assert (project / "deep" / "loose.yaml").read_text() == TIDY
    assert (project / "ordain.yaml").read_text() == PROJECT
    assert (project / "templates" / "x" / "blueprint.yaml").read_text() == LOOSE
    assert fmt(project) == 0 and capsys.readouterr().out == ""


@pytest.mark.parametrize(("option", "code"), [("--check", 1), ("--diff", 0)])
def test_check_and_diff_write_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], option: str, code: int
) -> None:
    assert fmt(project, option) == code
    out = capsys.readouterr().out
    assert (project / "deep" / "loose.yaml").read_text() == LOOSE
    if option == "--diff":
        assert "-    value:\n" in out and "+  value:\n" in out and "--- deep/loose.yaml" in out
    else:
        assert out == "deep/loose.yaml\n"
    (project / "deep" / "loose.yaml").write_text(TIDY)
    assert fmt(project, option) == 0 and capsys.readouterr().out == ""


def test_a_broken_file_is_told_and_left_alone_and_hides_no_other(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = "kind: Value\nspec:   [1,\n"
    (project / "broken.yaml").write_text(broken)
    assert fmt(project) == 6
    assert "broken.yaml:2:12" in capsys.readouterr().err
    assert (project / "broken.yaml").read_text() == broken
    assert (project / "deep" / "loose.yaml").read_text() == TIDY


def test_a_document_that_is_wrong_but_well_written_yaml_is_laid_out(project: Path) -> None:
    (project / "wrong.yaml").write_text("nme: a\nkind: Nothing\nspec:\n     x: 1\n")
    assert fmt(project) == 0
    assert (project / "wrong.yaml").read_text() == "kind: Nothing\nspec:\n  x: 1\nnme: a\n"


def test_mode_links_and_line_ends(project: Path) -> None:
    elsewhere = project / "elsewhere.txt"
    elsewhere.write_bytes(b"\xef\xbb\xbf" + LOOSE.replace("\n", "\r\n").encode())
    os.chmod(elsewhere, 0o640)
    (project / "link.yaml").symlink_to("elsewhere.txt")
    assert fmt(project) == 0
    assert (project / "link.yaml").is_symlink() and elsewhere.read_bytes() == TIDY.encode()
    assert elsewhere.stat().st_mode & 0o777 == 0o640
    assert {one.name for one in project.iterdir()} == {
        "ordain.yaml", "deep", "templates", "elsewhere.txt", "link.yaml",
    }  # fmt: skip


def test_paths_choose(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "other.yaml").write_text(LOOSE)
    assert fmt(project, project / "deep") == 0
    assert capsys.readouterr().out == "deep/loose.yaml\n"
    assert (project / "other.yaml").read_text() == LOOSE
    assert fmt(project, project / "templates" / "x" / "blueprint.yaml", project / "other.yaml") == 0
    assert capsys.readouterr().out == "templates/x/blueprint.yaml\nother.yaml\n"


def test_what_is_no_yaml_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = project / "templates" / "x" / "body.yaml.j2"
    body.write_text("{% if x %}\n")
    assert fmt(project, body) == 6 and "blueprints" in capsys.readouterr().err
    assert fmt(project, project / "nowhere.yaml") == 6 and "there is no" in capsys.readouterr().err
    assert body.read_text() == "{% if x %}\n"


def test_nothing_is_half_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert fmt(project) == 1
    assert (project / "deep" / "loose.yaml").read_text() == LOOSE
    assert [one.name for one in (project / "deep").iterdir()] == ["loose.yaml"]
