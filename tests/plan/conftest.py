"""A project in a folder, planned and applied through the command line in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordain.cli.main import run

HEAD = "kind: Project\nname: plans\nformat: 1\n---\n"


class Project:
    """One file of specs; ``changes`` are those of its plan, by address."""

    def __init__(self, root: Path, capture: pytest.CaptureFixture[bytes]) -> None:
        self.root = root
        self.capture = capture

    def write(self, text: str) -> None:
        (self.root / "ordain.yaml").write_text(HEAD + text, encoding="utf-8")

    def changes(self, *words: str) -> dict[str, Any]:
        found = json.loads(self.run("plan", "--json", *words))["changes"]
        return {change["address"]: change for change in found}

    def plan(self, *words: str, expect: int = 0) -> Any:
        return json.loads(self.run("plan", "--json", *words, expect=expect))

    def effects(self, *words: str, expect: int = 0) -> dict[str, str]:
        """Return what happens to what is selected, by address."""
        found = self.plan(*words, expect=expect).get("changes", [])
        return {one["address"]: one["effect"] for one in found if not one.get("unselected")}

    def apply(self, *words: str, expect: int = 0) -> str:
        return self.run("apply", "--yes", *words, expect=expect)

    def recorded(self) -> list[str]:
        return sorted(json.loads(self.run("state", "list", "--json"))["resources"])

    def run(self, *words: str, expect: int = 0) -> str:
        """Run a command and return what it printed, errors included where it is to fail."""
        self.capture.readouterr()
        code = run([*words, "-C", str(self.root)])
        out, err = self.capture.readouterr()
        assert code == expect, err.decode() + out.decode()
        return out.decode() if expect == 0 else out.decode() + err.decode()


@pytest.fixture
def project(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[[str], Project]:
    def made(text: str) -> Project:
        one = Project(tmp_path, capfdbinary)
        one.write(text)
        return one

    return made
