"""The real command line, in a process of its own, in a copy of an example."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ORDAIN = Path(sys.executable).with_name("ordain")
SPEEDUP = {"max_iter: {type: integer, default: 120": "max_iter: {type: integer, default: 10"}


class Cli:
    """A project folder and the ``ordain`` command in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.extra: dict[str, str] = {}

    def __call__(self, *words: str, expect: int = 0, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command; check its exit code, and that no traceback was shown."""
        done = subprocess.run(
            [str(ORDAIN), *words],
            cwd=self.root,
            env={**os.environ, **self.extra},
            input=text,
            stdin=None if text is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == expect, f"ordain {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def json(self, *words: str, expect: int = 0) -> Any:
        return json.loads(self(*words, "--json", expect=expect).stdout)

    def effects(self, *words: str, expect: int = 0) -> Mapping[str, str]:
        """Return what a plan does, by address: its effect, or ``deferred`` / ``blocked``."""
        changes = self.json("plan", *words, expect=expect).get("changes", [])
        return {one["address"]: "deferred" if one.get("deferred") else one["effect"] for one in changes}

    def edit(self, name: str, before: str, after: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, (before, text.count(before))
        path.write_text(text.replace(before, after), encoding="utf-8")

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own, so that a test can kill it alone."""
        return subprocess.Popen(
            [str(ORDAIN), *words],
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def output(self, address: str, name: str, *words: str) -> Any:
        return self.json("state", "show", address, *words)["outputs"][name]


def post(url: str, body: Any) -> Any:
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def gone(pid: int, seconds: float = 60) -> bool:
    """Wait until a process is gone."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def sample_row(data: Path) -> dict[str, Any]:
    """Return the first row of the data without target and leak."""
    with gzip.open(data, "rt", encoding="utf-8") as file:
        names = file.readline().strip().split(",")
        row: dict[str, Any] = dict(zip(names, file.readline().strip().split(","), strict=True))
    for name in ("age", "balance", "day", "campaign", "pdays", "previous"):
        row[name] = int(row[name])
    del row["deposit"], row["duration"]
    return row


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Callable[..., Cli]]:
    """Make a project from files, or a copy of an example; everything is destroyed afterwards."""
    made: list[Cli] = []

    def make(files: Mapping[str, str] | None = None, example: str | None = None, name: str = "project") -> Cli:
        root = tmp_path / name
        if example is not None:
            shutil.copytree(ROOT / "examples" / example, root, ignore=shutil.ignore_patterns(".ordain", "*.py"))
            text = (root / "ordain.yaml").read_text(encoding="utf-8")
            for before, after in SPEEDUP.items():
                assert before in text
                text = text.replace(before, after)
            (root / "ordain.yaml").write_text(text, encoding="utf-8")
        for path, text in (files or {}).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        found = Cli(root)
        made.append(found)
        return found

    yield make
    for one in made:
        for server in one.root.glob(".ordain/private/**/server.json"):
            pid = json.loads(server.read_text())["pid"]
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@pytest.fixture
def tools() -> Any:
    """What plays need beside the command line."""

    class Tools:
        post = staticmethod(post)
        gone = staticmethod(gone)
        sample_row = staticmethod(sample_row)

    return Tools


@pytest.fixture(scope="module")
def at() -> Callable[[Path], Cli]:
    """Return the command line in a folder; for plays that share a project and leave nothing running."""
    return Cli
