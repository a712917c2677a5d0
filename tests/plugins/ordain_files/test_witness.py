"""An untouched file is not opened again, and what is remembered is what would be read."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ordain.api import Diagnostic, Evidence
from ordain_files import source

OLD = 10_000_000_000


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read files as if it were ten seconds later, so that no mtime is fresh."""
    real = time.time_ns
    monkeypatch.setattr(source.time, "time_ns", lambda: real() + OLD)


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the file was opened")

    monkeypatch.setattr(source, "open", refuse, raising=False)
    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(os, "open", refuse)


def test_an_untouched_file_is_not_opened(looker, settled: None, request: pytest.FixtureRequest) -> None:
    first = looker.csv("x\n1\n")
    request.getfixturevalue("poisoned")
    assert looker.look("csv", {"path": "data.csv"}, memory=first) == first


def test_what_is_said_of_the_data_opens_nothing(looker, settled: None) -> None:
    first = looker.csv("x,y\n1,2\n")
    memory = replace(first, facts={"content": "remembered", "rows": 0, "columns": {}})
    said = {"contract": {"columns": {}}, "licence": "MIT", "digest": "sha256:" + "a" * 64}
    assert looker.look("csv", {"path": "data.csv", **said}, memory=memory).facts["content"] == "remembered"


def test_the_poison_works(looker, settled: None, request: pytest.FixtureRequest) -> None:
    looker.csv("x\n1\n")
    request.getfixturevalue("poisoned")
    with pytest.raises(AssertionError):
        looker.look("csv", {"path": "data.csv"})


def test_a_fresh_file_is_read_again(looker, request: pytest.FixtureRequest) -> None:
    first = looker.csv("x\n1\n")
    request.getfixturevalue("poisoned")
    with pytest.raises(AssertionError):
        looker.look("csv", {"path": "data.csv"}, memory=first)


@pytest.mark.parametrize("change", ["content", "replace", "options", "touch", "reader"])
def test_whatever_was_touched_is_read_again(looker, settled: None, change: str) -> None:
    first = looker.csv("x,y\n1,2\n")
    memory = replace(first, facts={"content": "remembered", "rows": 0, "columns": {}})
    path, options = looker.root / "data.csv", {"path": "data.csv"}
    before = path.stat()
    if change == "content":
        path.write_text("x,y\n1,3\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the same size and mtime; ctime tells
    elif change == "replace":
        other = looker.root / "other.csv"
        other.write_text("x,y\n1,3\n")
        os.replace(other, path)
    elif change == "options":
        options["delimiter"] = ";"
    elif change == "touch":
        os.utime(path)
    else:
        memory = replace(memory, witness={**memory.witness, "reader": "csv/0"})
    assert looker.look("csv", options, memory=memory).facts["content"] != "remembered"


def test_memory_is_used_only_without_problems(looker, settled: None) -> None:
    first = looker.csv("x\n1\n")
    bad = Evidence(facts={}, witness=first.witness, problems=(Diagnostic(code="x", summary="x"),))
    assert looker.look("csv", {"path": "data.csv"}, memory=bad).facts == first.facts


def test_the_same_facts_with_memory_and_without(looker, settled: None) -> None:
    old = looker.csv("x\n1\n2\n").facts
    looker.csv("x\n1\n2\n3\n")
    options = {"path": "data.csv"}
    compared = looker.look("csv", options, recorded=old)
    assert compared.facts["since"] == "appended"
    for recorded in (old, compared.facts, {"content": "sha256:other", "rows": 1, "columns": {}}, None):
        for memory in (compared, looker.look("csv", options)):
            with_memory = looker.look("csv", options, memory=memory, recorded=recorded)
            assert with_memory.facts == looker.look("csv", options, recorded=recorded).facts


def test_the_unchanged_path_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x\n1\n")
    code = f"""
import sys
from pathlib import Path
from ordain.api import Address, Evidence, Look, LookRequest, Places, digest, load_provider
from ordain_files import source
spec = {{"path": "data.csv"}}
provider = load_provider("ordain_files.csv_source:Csv")
root = Path({str(tmp_path)!r})
path = source.locate(spec, root)
witness = provider._witness(path, path.stat(), spec)
memory = Evidence(facts={{"content": "remembered"}}, witness={{**witness, "read_ns": 2**62, "against": ""}})
look = Look(address=Address.parse("data_source.x"), kind="DataSource", provider="csv", spec=spec)
places = Places(root=root, private=root)
request = LookRequest(look=look, spec=spec, environment="dev", memory=memory, places=places, store=None)
assert provider.look(request).facts == {{"content": "remembered"}}
load_provider("ordain_files.parquet_source:Parquet")
load_provider("ordain_files.preparer:DuckDb").recipe({{"prepare": [{{"filter": "x > 1"}}]}})
heavy = [name for name in ("pydantic", "pyarrow", "pandas", "numpy", "duckdb") if name in sys.modules]
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
