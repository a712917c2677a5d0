"""The real command line, in a process of its own, in a copy of an example."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ORDAIN = Path(sys.executable).with_name("ordain")
SECONDS = 240
SPEEDUP = {"max_iter: {type: integer, default: 120": "max_iter: {type: integer, default: 10"}


def run_cold(
    words: Sequence[str], root: Path, environment: Mapping[str, str], text: str | None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=root,
        env=environment,
        input=text,
        stdin=None if text is not None else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


class Warm:
    """Forks commands off a process that has imported the command line once: see ``support/warm.py``."""

    def __init__(self) -> None:
        self.line, theirs = socket.socketpair()
        with theirs:
            words = [sys.executable, str(Path(__file__).parent / "support/warm.py"), str(theirs.fileno())]
            self.process = subprocess.Popen(words, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        self.line.settimeout(SECONDS)

    def run(
        self, words: Sequence[str], root: Path, environment: Mapping[str, str], text: str | None
    ) -> subprocess.CompletedProcess[str]:
        """Run one command as ``subprocess.run`` does."""
        asked = {"words": words, "folder": str(root), "environment": environment}
        with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
            given.write((text or "").encode())
            given.seek(0)
            message = json.dumps(asked).encode() + b"\n"
            socket.send_fds(self.line, [message[:1]], [given.fileno(), out.fileno(), err.fileno()])
            self.line.sendall(message[1:])
            pid = self._told()
            try:
                code = self._told()
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                self._told()
                raise
            said = []
            for stream in (out, err):
                stream.seek(0)
                said.append(stream.read().decode())
        return subprocess.CompletedProcess(words, code, *said)

    def end(self) -> None:
        self.line.close()
        self.process.wait()

    def _told(self) -> int:
        line = b""
        while not line.endswith(b"\n"):
            byte = self.line.recv(1)
            assert byte, "the process that commands are forked from has ended"
            line += byte
        return int(line)


class Cli:
    """A project folder and the ``ordain`` command in it."""

    def __init__(self, root: Path, warm: Warm) -> None:
        self.root = root
        self.warm = warm
        self.extra: dict[str, str] = {}

    def __call__(self, *words: str, expect: int = 0, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command; check its exit code, and that no traceback was shown."""
        environment = {**os.environ, **self.extra}
        cold = any(name.startswith(("PYTHON", "LC_", "LANG")) for name in self.extra)  # read when Python starts
        done = (run_cold if cold else self.warm.run)([str(ORDAIN), *words], self.root, environment, text)
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


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    found = Warm()
    yield found
    found.end()


@pytest.fixture
def cli(tmp_path: Path, warm: Warm) -> Iterator[Callable[..., Cli]]:
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
        found = Cli(root, warm)
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
def at(warm: Warm) -> Callable[[Path], Cli]:
    """Return the command line in a folder; for plays that share a project and leave nothing running."""
    return lambda root: Cli(root, warm)
