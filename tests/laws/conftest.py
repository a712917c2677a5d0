"""A project in a folder of its own, driven through the command line in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ordain.cli.main import run


class Project:
    """A folder with specs; commands run as the command line runs them."""

    def __init__(self, root: Path, capture: pytest.CaptureFixture[bytes]) -> None:
        self.root = root
        self.capture = capture

    def write(self, files: dict[str, str]) -> None:
        for old in self.root.glob("*.yaml"):
            old.unlink()
        for name, text in files.items():
            (self.root / name).write_text(text, encoding="utf-8")

    def ordain(self, *words: str, expect: int = 0) -> bytes:
        """Run a command, check its exit code, return what it wrote to standard output."""
        self.capture.readouterr()
        code = run([*words, "-C", str(self.root)])
        out, err = self.capture.readouterr()
        assert code == expect, err.decode() + out.decode()
        return out

    def plan(self, *words: str, expect: int = 0) -> Any:
        return json.loads(self.ordain("plan", "--json", *words, expect=expect))

    def face(self, *words: str) -> bytes:
        """Return the plan as a person reads it."""
        return self.ordain("plan", *words)

    def apply(self) -> None:
        self.ordain("apply", "--yes")


@pytest.fixture
def new_project(
    tmp_path_factory: pytest.TempPathFactory, capfdbinary: pytest.CaptureFixture[bytes]
) -> Iterator[Callable[[], Project]]:
    yield lambda: Project(tmp_path_factory.mktemp("project"), capfdbinary)
