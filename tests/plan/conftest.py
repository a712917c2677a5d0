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
        found = json.loads(self._run("plan", "--json", *words))["changes"]
        return {change["address"]: change for change in found}

    def apply(self, *words: str) -> None:
        self._run("apply", "--yes", *words)

    def _run(self, *words: str) -> bytes:
        self.capture.readouterr()
        code = run([*words, "-C", str(self.root)])
        out, err = self.capture.readouterr()
        assert code == 0, err.decode() + out.decode()
        return out


@pytest.fixture
def project(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[[str], Project]:
    def made(text: str) -> Project:
        one = Project(tmp_path, capfdbinary)
        one.write(text)
        return one

    return made
