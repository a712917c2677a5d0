"""What the cache of a plan without changes rests on: each single thing that moves sends the plan the whole way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ordain.api.store import RunRecord
from ordain.cli.main import run
from ordain.session.again import cached_plan
from ordain.session.context import Choice, Context
from ordain.session.quick import cached_text
from ordain.state.host import this_process
from ordain.state.sqlite import open_store
from ordain.values.address import Address
from ordain.values.record import JournalEntry

PROJECT = """\
kind: Project
name: small
format: 1
spec:
  variables:
    what: {type: string, default: é}
    hush: {type: string, secret: true}
---
kind: Environment
name: dev
spec: {default: true}
---
kind: Environment
name: prod
"""
VALUES = """\
kind: Value
name: thing
spec: {value: "${{ var.what }}"}
---
kind: Value
name: sealed
spec: {value: {a: "${{ var.hush }}", b: "${{ secret.DEEP }}"}}
"""
SOURCE = """\
kind: DataSource
name: rows
spec: {provider: csv, path: data/rows.csv}
"""
TEXT = "No changes. 2 resources are as specified (environment dev, state serial {serial}).\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that was applied, its files older than the clock's grain, and planned: the cache is filled."""
    monkeypatch.setenv("ORDAIN_VAR_hush", "low")
    monkeypatch.setenv("DEEP", "deep")
    (tmp_path / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "values.yaml").write_text(VALUES, encoding="utf-8")
    assert run(["apply", "--yes", "-C", str(tmp_path)]) == 0
    assert run(["plan", "-C", str(tmp_path)]) == 0
    return tmp_path


def held(context: Context) -> bool:
    """Whether the cache answers, as text and as a value alike."""
    text, plan = cached_text(context), cached_plan(context, with_commit=False)
    assert (text is None) == (plan is None)
    if plan is not None:
        assert text == TEXT.format(serial=plan.program.serial)
    return text is not None


def test_what_stands_is_held(project: Path) -> None:
    assert held(Context(root=project))
    assert not held(Context(root=project, choice=Choice(environment="dev")))  # not asked for by name yet


def _with(**choice: object) -> Callable[[Context], Context]:
    return lambda context: replace(context, choice=Choice(**choice))  # type: ignore[arg-type]


def _environ(**variables: str | None) -> Callable[[Context], Context]:
    return lambda context: replace(
        context, environ={k: v for k, v in {**context.environ, **variables}.items() if v is not None}
    )


@pytest.mark.parametrize(
    "moved",
    [
        _with(environment="prod"),
        _with(environment="+default"),
        _with(environment=""),
        _with(variables=(("what", "é"),)),
        _environ(ORDAIN_VAR_what="é"),
        _environ(ORDAIN_VAR_other="\udcff"),
        _environ(ORDAIN_VAR_hush="loud"),
        _environ(ORDAIN_VAR_hush=None),
        _environ(DEEP="deeper"),
        _environ(DEEP=None),
    ],
)
def test_what_was_chosen_or_kept_secret_moves(project: Path, moved: Callable[[Context], Context]) -> None:
    context = Context(root=project)
    assert held(context)
    assert not held(moved(context))
    assert held(context)


def test_a_file_of_variables_counts_by_what_it_says(project: Path) -> None:
    (file := project / ".variables").write_text("what: é\n", encoding="utf-8")
    assert run(["plan", "-C", str(project), "--var-file", str(file)]) == 0
    context = Context(root=project, choice=Choice(variable_files=(file,)))
    assert held(context)
    file.write_text("what: e\n", encoding="utf-8")
    assert not held(context)


def _append(root: Path) -> None:
    with (root / "values.yaml").open("a") as file:
        file.write("# more\n")


def _same_size(root: Path) -> None:
    """As many bytes as before, at the very times of before: only the content differs (or the inode's ctime)."""
    path = root / "values.yaml"
    times = path.stat()
    path.write_bytes(path.read_bytes().replace(b"name: thing", b"name: thong"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _replaced(root: Path) -> None:
    (root / "new").write_bytes((root / "values.yaml").read_bytes())
    (root / "new").replace(root / "values.yaml")


FILES: list[Callable[[Path], object]] = [
    _append,
    _same_size,
    _replaced,
    lambda root: (root / "values.yaml").touch(),
    lambda root: (root / "values.yaml").unlink(),
    lambda root: (root / "values.yaml").rename(root / "other.yaml"),
    lambda root: (root / "new.yml").write_text("# nothing\n"),
    lambda root: (root / "dangling.yaml").symlink_to("nowhere"),
]


@pytest.mark.parametrize("move", FILES)
def test_a_file_moves(project: Path, move: Callable[[Path], object]) -> None:
    context = Context(root=project)
    assert held(context)
    move(project)
    assert not held(context)


def test_a_young_file_is_compared_by_content(project: Path) -> None:
    """An edit within the clock's grain leaves size and times as they were."""
    head = project / ".ordain/cache/plan-+default.json"
    data = json.loads(head.read_bytes())
    young = next(file for file in data["files"] if file[0] == "values.yaml")
    young[-1] = "0" * 64  # as if the entry had been made from other bytes
    head.write_text(json.dumps(data))
    assert not held(Context(root=project))
    data["written"] += 10_000_000_000  # now the file is old: its times are trusted
    head.write_text(json.dumps(data))
    assert held(Context(root=project))


def test_another_installation_moves(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    site = tmp_path_factory.mktemp("python") / "site-packages"
    site.mkdir()
    context = Context(root=project)
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    assert not held(context)
    assert run(["plan", "-C", str(project)]) == 0
    assert held(context)
    (site / "something.dist-info").mkdir()
    assert not held(context)


def test_another_version_moves(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordain.session.cache.__version__", "0.1.1")
    assert not held(Context(root=project))


def test_the_state_moves(project: Path) -> None:
    context = Context(root=project)
    store = open_store(context.state_file, create=False)
    store.begin_run(RunRecord(id="r", environment="prod", plan_digest="d", actor="ann", started=1.0))
    assert not held(context)  # what was written still stands in SQLite's log
    store.close()
    assert not held(context)
    assert run(["plan", "-C", str(project)]) == 0
    assert held(context)
    context.state_file.rename(project / "away")
    assert not held(context)


def test_a_state_of_another_lineage_moves(project: Path) -> None:
    context = Context(root=project)
    serial = cached_plan(context, with_commit=False).program.serial  # type: ignore[union-attr]
    context.state_file.unlink()
    store = open_store(context.state_file, create=True)
    for number in range(serial):
        store.begin_run(RunRecord(id=str(number), environment="dev", plan_digest="d", actor="ann", started=1.0))
    assert store.head().serial == serial
    store.close()
    assert not held(context)


def test_what_is_planned_while_a_run_goes_on_is_not_kept(project: Path) -> None:
    """A run raises the serial when it begins and when it ends; what it records in between does not."""
    context = Context(root=project)
    store = open_store(context.state_file, create=False)
    token = store.acquire("dev", this_process(run="r", actor="ann", started=1.0)).token
    store.begin_run(RunRecord(id="r", environment="dev", plan_digest="d", actor="ann", started=1.0))
    assert run(["plan", "-C", str(project)]) == 0
    assert not held(context)
    entry = JournalEntry(
        run="r", step="value.thing:write", key="k", address=Address.parse("value.thing"), operation="write"
    )
    store.begin_step("dev", entry, 1.0, token)
    store.release("dev", token)
    assert run(["plan", "-C", str(project)]) == 0
    assert not held(context)  # the run left a step open: settling it raises no serial
    store.close()


@pytest.mark.parametrize("part", ["plan", "program"])
@pytest.mark.parametrize(
    "broken",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}", b"[" * 100_000, b'{"format": 3}', b'{"format": 1}'],
)
def test_a_broken_file_of_the_cache_is_as_none(
    project: Path, part: str, broken: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    context = Context(root=project)
    (project / f".ordain/cache/{part}-+default.json").write_bytes(broken)
    assert cached_plan(context, with_commit=False) is None
    capfd.readouterr()
    assert run(["plan", "--json", "-C", str(project)]) == 0
    assert capfd.readouterr().err == ""
    assert held(context)


def test_a_head_with_a_field_of_another_type_is_as_none(project: Path) -> None:
    context = Context(root=project)
    path = project / ".ordain/cache/plan-+default.json"
    whole = json.loads(path.read_bytes())
    assert held(context)
    for name, value in whole.items():
        others = ([], {}, 1.5, [1], [[]], [["a", 1, 1, 1, 1]], [["a", 1, 1, 1, True, "b"]], True)
        for other in (other for other in others if type(other) is not type(value) or (value and other != value)):
            path.write_text(json.dumps({**whole, name: other}))
            assert not held(context), (name, other)
        path.write_text(json.dumps({one: kept for one, kept in whole.items() if one != name}))
        assert not held(context)
    path.write_text(json.dumps({**whole, "more": 1}))
    assert not held(context)


def test_looks_are_taken_again(tmp_path: Path) -> None:
    (tmp_path / "ordain.yaml").write_text("kind: Project\nname: small\nformat: 1\n---\n" + SOURCE)
    (tmp_path / "data").mkdir()
    rows = tmp_path / "data/rows.csv"
    rows.write_text("a,b\n1,2\n3,4\n")
    assert run(["apply", "--yes", "-C", str(tmp_path)]) == 0
    assert run(["plan", "-C", str(tmp_path)]) == 0
    context = Context(root=tmp_path)
    assert cached_text(context) is not None and cached_plan(context, with_commit=False) is not None
    rows.write_text("a,b\n1,2\n3,5\n")
    assert cached_text(context) is None and cached_plan(context, with_commit=False) is None
    rows.write_text("a,b\n1,2\n3,4\n")
    assert cached_text(context) is not None
    (tmp_path / ".ordain/cache/program-+default.json").unlink()  # with it the looks are gone
    assert cached_text(context) is None
    assert run(["plan", "-C", str(tmp_path)]) == 0
    rows.unlink()
    assert cached_text(context) is None


def test_artifacts_are_looked_for_again(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/rows.csv").write_text("a,b\n" + "".join(f"{n},{n % 7}\n" for n in range(100)))
    (tmp_path / "ordain.yaml").write_text(
        "kind: Project\nname: small\nformat: 1\n---\n" + SOURCE + "---\n"
        "kind: Dataset\nname: training\nspec: {from: data_source.rows, split: {by: order, test: 0.2}}\n"
    )
    assert run(["apply", "--yes", "-C", str(tmp_path)]) == 0
    assert run(["plan", "-C", str(tmp_path)]) == 0
    context = Context(root=tmp_path)
    assert cached_text(context) is not None and cached_plan(context, with_commit=False) is not None
    artifacts = [file for file in context.artifacts.glob("sha256/*/*") if file.is_file()]
    assert artifacts
    for file in artifacts:
        kept = file.rename(tmp_path / "kept")
        assert cached_text(context) is None and cached_plan(context, with_commit=False) is None
        kept.rename(file)
    assert cached_text(context) is not None


def test_a_project_that_may_only_be_read_is_planned(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cache = project / ".ordain/cache"
    for file in cache.iterdir():
        file.unlink()
    cache.rmdir()
    cache.write_text("")  # no folder can be made here, whoever the user is
    capfd.readouterr()
    assert run(["plan", "-C", str(project)]) == 0
    assert capfd.readouterr().out.startswith("No changes. ")


def test_the_text_is_found_without_the_values_of_a_plan(project: Path) -> None:
    """What is imported is most of the time an unchanged plan takes."""
    program = (
        "import sys; from ordain.cli.main import run; code = run(['plan', '-C', sys.argv[1]]);"
        "print(code, sorted({'pydantic', 'yaml', 'jinja2', 'pluggy', 'subprocess', 'ordain.values.plan',"
        "'ordain.values.change', 'ordain.values.record', 'ordain.api.store', 'ordain.api.providers',"
        "'ordain.expr.templates', 'ordain.render.terminal', 'ordain.state.sqlite'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(project)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == ["0 []"]
