"""Commands are measured with their children, and must end as expected; the state server keeps and locks states."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BIG = 80_000_000


@pytest.fixture
def place(measure: ModuleType, tmp_path: Path) -> Any:
    return measure.Place(folder=tmp_path, environment=dict(os.environ), log=tmp_path / "log", timeout=20.0)


def test_memory_is_that_of_the_largest_process_of_the_tree(measure: ModuleType, place: Any) -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', 'b\"x\" * {BIG}'], check=True)"
    assert measure.run([sys.executable, "-c", child], place).memory > BIG
    assert measure.run([sys.executable, "-c", "pass"], place).memory > 0


def test_an_unexpected_exit_code_is_an_error_with_the_output(measure: ModuleType, place: Any) -> None:
    failing = [sys.executable, "-c", "import sys; print('because'); sys.exit(3)"]
    with pytest.raises(measure.CommandFailed, match=r"exit 3, not 0\nbecause"):
        measure.run(failing, place)
    measure.run(failing, place, expect=3)


def test_a_command_that_hangs_is_ended(measure: ModuleType, tmp_path: Path) -> None:
    place = measure.Place(folder=tmp_path, environment=dict(os.environ), log=tmp_path / "log", timeout=0.2)
    with pytest.raises(measure.CommandFailed, match="exit -9"):
        measure.run([sys.executable, "-c", "import time; time.sleep(60)"], place)


def test_the_environment_writes_bytecode_and_knows_no_settings(
    measure: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("TF_LOG", "trace")
    monkeypatch.setenv("ORDAIN_VAR_x", "1")
    environment = measure.plain_environment(tmp_path)
    assert not {"PYTHONDONTWRITEBYTECODE", "TF_LOG", "ORDAIN_VAR_x"} & set(environment)
    assert Path(environment["TF_CLI_CONFIG_FILE"]).read_text() == ""


@pytest.fixture
def server(benchmarks: Path) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, str(benchmarks / "state_server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    yield f"http://127.0.0.1:{int(process.stdout.readline())}/state"
    process.stdin.close()
    process.stdout.close()
    assert process.wait(timeout=10) == 0  # it ends with who started it


def ask(method: str, url: str, body: object = None) -> tuple[int, bytes]:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_the_state_server_keeps_states_and_honours_locks(server: str) -> None:
    assert ask("GET", server)[0] == 404
    assert ask("LOCK", server, {"ID": "a"})[0] == 200
    assert ask("LOCK", server, {"ID": "b"}) == (423, b'{"ID": "a"}')
    assert ask("POST", f"{server}?ID=b", {"serial": 1})[0] == 423
    assert ask("POST", f"{server}?ID=a", {"serial": 2})[0] == 200
    assert ask("GET", server) == (200, b'{"serial": 2}')
    assert ask("GET", f"{server}-of-another")[0] == 404
    assert ask("UNLOCK", server, {"ID": "b"})[0] == 423
    assert ask("UNLOCK", server, {"ID": "a"})[0] == 200
    assert ask("POST", server, {"serial": 3})[0] == 200
    assert ask("DELETE", server)[0] == 200
    assert ask("GET", server)[0] == 404
