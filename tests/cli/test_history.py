"""``ordain history``: past applies, newest first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ordain.cli.main import run

SPECS = "kind: Project\nname: past\nformat: 1\n---\nkind: Value\nname: v\nspec: {value: NUMBER}\n"
TWO = "---\nkind: Environment\nname: dev\nspec: {default: true}\n---\nkind: Environment\nname: prod\nspec: {}\n"
Ordain = Callable[..., str]


@pytest.fixture
def ordain(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Ordain:
    """Run a command in the project; give back standard output, and standard error where it fails."""

    def call(*words: str, expect: int = 0) -> str:
        capfdbinary.readouterr()
        code = run([*words, "-C", str(tmp_path)])
        out, err = capfdbinary.readouterr()
        assert code == expect, out.decode() + err.decode()
        return out.decode() if expect == 0 else err.decode()

    return call


def write(root: Path, number: object, more: str = "") -> None:
    (root / "ordain.yaml").write_text(SPECS.replace("NUMBER", str(number)) + more, encoding="utf-8")


def runs(ordain: Ordain, *words: str) -> list[dict[str, object]]:
    found = json.loads(ordain("history", "--json", *words))["runs"]
    assert isinstance(found, list)
    return found


def test_nothing_was_applied_yet(ordain: Ordain, tmp_path: Path) -> None:
    write(tmp_path, 1)
    assert ordain("history") == "No run of default is recorded.\n"
    assert runs(ordain) == []
    assert not (tmp_path / ".ordain").exists()


def test_runs_are_listed_newest_first_with_what_was_predicted(ordain: Ordain, tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path, number)
        ordain("apply", "--yes")
    newest, middle, oldest = runs(ordain)
    assert newest["started"] > middle["started"] > oldest["started"]  # type: ignore[operator]
    assert {run["outcome"] for run in (newest, middle, oldest)} == {"done"}
    assert newest["plan_digest"] != oldest["plan_digest"]
    assert newest["seconds"] == newest["finished"] - newest["started"]  # type: ignore[operator]
    assert oldest["predicted"] is None
    assert [run["predicted"]["runs"] for run in (newest, middle)] == [2, 1]  # type: ignore[index]
    lines = ordain("history").splitlines()
    assert len(lines) == 4
    assert str(newest["id"])[:8] in lines[1]
    assert str(newest["actor"])[:20] in lines[1]
    assert runs(ordain, "-n", "1") == [newest]
    assert len(ordain("history", "-n", "2").splitlines()) == 3


def test_what_was_predicted_is_told_beside_what_it_took(ordain: Ordain, tmp_path: Path) -> None:
    write(tmp_path, 1)
    assert "It took" not in ordain("apply", "--yes")
    write(tmp_path, 2)
    told = ordain("apply", "--yes").splitlines()[-1]
    assert told.startswith("It took ")
    assert ", predicted " in told
    assert told.endswith(" (1 run).")
    write(tmp_path, 3)
    result = json.loads(ordain("apply", "--yes", "--json").splitlines()[-1])
    assert result["type"] == "result"
    assert result["seconds"] >= 0
    assert result["predicted"]["runs"] == 2


def test_environments_have_histories_of_their_own(ordain: Ordain, tmp_path: Path) -> None:
    write(tmp_path, 1, TWO)
    ordain("apply", "--yes")
    assert len(runs(ordain)) == 1
    assert runs(ordain, "--env", "prod") == []
    ordain("apply", "--yes", "--env", "prod")
    (prod,) = runs(ordain, "--env", "prod")
    assert prod["environment"] == "prod"


def test_the_history_stays_when_all_else_is_gone(ordain: Ordain, tmp_path: Path) -> None:
    write(tmp_path, 1, TWO)
    ordain("apply", "--yes", "--env", "prod")
    ordain("destroy", "--yes", "--env", "prod")
    (tmp_path / "ordain.yaml").write_text("kind: [", encoding="utf-8")
    assert len(runs(ordain, "--env", "prod")) == 2


def test_a_wrong_number_or_environment_is_refused(ordain: Ordain, tmp_path: Path) -> None:
    write(tmp_path, 1, TWO)
    assert "-n" in ordain("history", "-n", "0", expect=6)
    assert "nowhere" in ordain("history", "--env", "nowhere", expect=6)


def test_what_was_asked_for_is_told(ordain: Ordain, tmp_path: Path) -> None:
    write(tmp_path, 1)
    ordain("apply", "--yes", "--select", "value.*")
    ordain("destroy", "--yes")
    assert [run["what"] for run in runs(ordain)] == ["destroy", "apply --select value.*"]
    assert "apply --select value.*" in ordain("history")
