"""What is particular to the state in a file: how it is made, kept private, opened, refused."""

import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ordain.api.store import PutResource, PutSettings, PutVersion
from ordain.state import migrations
from ordain.state.sqlite import open_store
from ordain.testing.samples import ADDRESS, DEV, PROD, holder, record, refused, run, setting, step, version
from ordain.values.diagnostic import ExitCode, OrdainError
from ordain.values.plan import Estimate
from ordain.values.record import Head

NOW = migrations.current_format()


@pytest.fixture
def filled(path):
    """A state with a row in every table, closed; its bytes are all in one file."""
    with closing(open_store(path, create=True)) as store:
        token = store.acquire(DEV, holder()).token
        store.begin_run(run("run-1"))
        store.write(DEV, [PutResource(record=record()), PutVersion(version=version())], token)
        store.write(DEV, [PutSettings(settings=(setting("a"),))], token)
        store.begin_steps(DEV, [step(1), step(2)], 1.0, token)
        store.end_step(DEV, step(1, outcome="done"), 2.0, [], token)
    return path


def sql(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def read_all(path):
    with closing(open_store(path, create=False)) as store:
        return (store.recorded(DEV, PROD), store.runs(DEV), store.holders(), store.referenced_artifacts())


def files(folder):
    return {p.relative_to(folder): (p.read_bytes() if p.is_file() else None) for p in folder.rglob("*")}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_identity_is_injected(path):
    with closing(open_store(path, create=True, new_id=lambda: "one", new_key=lambda: b"k" * 32)) as store:
        assert store.head() == Head(lineage="one", serial=0, format=NOW)
        assert store.digest_key() == b"k" * 32
    with closing(open_store(path, create=True, new_id=lambda: "two")) as store:
        assert store.head().lineage == "one"


def test_a_state_that_is_not_there_is_empty_and_stays_away(path, tmp_path):
    with closing(open_store(path, create=False)) as store:
        assert store.head() == Head(lineage="", serial=0, format=NOW)
        assert store.digest_key() is None
        assert store.recorded(DEV, PROD).resources == {}
        assert store.environments() == store.runs(DEV) == ()
        with refused(ExitCode.FAILURE, "There is no state yet", str(path)):
            store.acquire(DEV, holder())
    assert list(tmp_path.iterdir()) == []


def test_reading_leaves_the_file_as_it_is(filled, tmp_path):
    before, seen = files(tmp_path), read_all(filled)
    assert files(tmp_path) == before
    assert read_all(filled) == seen


def test_nothing_but_the_state_is_left_behind(filled):
    assert [p.name for p in filled.parent.iterdir()] == ["state.db"]


def test_the_state_is_private(path):
    old = os.umask(0)
    try:
        with closing(open_store(path, create=True)) as store:
            store.begin_run(run("r"))
            assert mode(path.parent) == 0o700
            assert {mode(p) for p in path.parent.iterdir()} == {0o600}
    finally:
        os.umask(old)


def test_a_state_that_others_can_read_is_closed_to_them(filled):
    filled.chmod(0o644)
    with closing(open_store(filled, create=True)):
        assert mode(filled) == 0o600


def test_a_folder_that_was_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    open_store(tmp_path / "state.db", create=True).close()
    assert mode(tmp_path) == 0o755


def test_every_commit_is_synced_and_readers_do_not_wait(path):
    with closing(open_store(path, create=True)) as store:
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert store.head().serial == 0


def test_a_writer_that_waits_too_long_says_so(path):
    open_store(path, create=True).close()
    with closing(open_store(path, create=True, busy_seconds=0.05)) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with refused(ExitCode.TIMEOUT, "state-busy", str(path)):
                store.begin_run(run("r"))
        store.begin_run(run("r"))


# Formats


def test_a_newer_format_is_refused(filled):
    sql(filled, f"UPDATE meta SET format = {NOW + 1}")
    before = filled.read_bytes()
    for create in (True, False):
        with refused(ExitCode.FAILURE, "state-format-newer", f"format {NOW + 1}", f"up to {NOW}", "Upgrade Ordain"):
            open_store(filled, create=create)
    assert filled.read_bytes() == before


def _next(connection):
    connection.execute("ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT 'old'")


def test_an_older_format_is_brought_up_once_and_keeps_its_rows(filled, monkeypatch):
    recorded, *rest = read_all(filled)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, _next))
    for _ in range(2):
        with closing(open_store(filled, create=True)) as store:
            assert store.head() == Head(lineage=recorded.head.lineage, serial=recorded.head.serial, format=NOW + 1)
            assert store._connection.execute("SELECT note FROM runs").fetchall() == [("old",)]
    assert read_all(filled)[1:] == tuple(rest)


def test_an_older_format_is_read_without_changing_it(filled, monkeypatch):
    recorded, *_ = read_all(filled)
    before = filled.read_bytes()
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, _next))
    with closing(open_store(filled, create=False)) as store:
        assert store.recorded(DEV, PROD).resources == recorded.resources
        assert store._connection.execute("SELECT note FROM runs").fetchall() == [("old",)]
        with refused(ExitCode.FAILURE, "older format"):
            store.begin_run(run("r"))
    assert filled.read_bytes() == before


def test_a_migration_that_fails_leaves_the_old_state(filled, monkeypatch):
    def fails(connection):
        _next(connection)
        raise KeyboardInterrupt

    seen = read_all(filled)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, fails))
        with pytest.raises(KeyboardInterrupt):
            open_store(filled, create=True)
    assert read_all(filled) == seen


FORMAT_1 = (
    migrations.META,
    "INSERT INTO meta VALUES ('old-one', 7, 1, '" + "6b" * 32 + "')",
    *migrations._FORMAT_1,
    "INSERT INTO runs VALUES ('run-1', 'dev', 'sha256:0', 'ann', 1.0, 9.5, 'done')",
)
"""A state as the first Ordain wrote it."""


def test_a_state_of_format_1_gains_predictions_and_permissions_and_keeps_its_runs(path):
    path.parent.mkdir()
    for statement in FORMAT_1:
        sql(path, statement)
    before = path.read_bytes()
    old = replace(run("run-1"), finished=9.5, outcome="done")
    with closing(open_store(path, create=False)) as view:
        assert view.runs(DEV) == (old,)
        with refused(ExitCode.FAILURE, "older format"):
            view.begin_run(run("r"))
    assert path.read_bytes() == before
    new = replace(run("run-2", 2.0), predicted=Estimate(p50=10.0, p90=15.0, runs=4))
    with closing(open_store(path, create=True)) as store:
        assert store.head() == Head(lineage="old-one", serial=7, format=NOW)
        assert store.digest_key() == b"k" * 32
        assert store.recorded(DEV).overrides == ()
        assert store.recorded(DEV).alarm is None
        store.begin_run(new)
    with closing(open_store(path, create=False)) as store:
        assert store.runs(DEV) == (new, old)


# Files that are no state


@pytest.mark.parametrize("data", [b"", b"not a database", b"\x00" * 5000, b"SQLite format 3\x00", os.urandom(9000)])
@pytest.mark.parametrize("create", [True, False])
def test_a_file_that_is_no_state_is_refused_and_left(path, data, create):
    path.parent.mkdir()
    path.write_bytes(data)
    with refused(ExitCode.FAILURE, "state-corrupt", str(path), "backup"):
        open_store(path, create=create)
    assert path.read_bytes() == data


@pytest.mark.parametrize("create", [True, False])
def test_a_database_of_something_else_is_refused_and_left(tmp_path, create):
    path = tmp_path / "state.db"
    sql(path, "CREATE TABLE meta (key TEXT, value TEXT)")
    before = path.read_bytes()
    with refused(ExitCode.FAILURE, "state-corrupt", "something else"):
        open_store(path, create=create)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM meta",
        "INSERT INTO meta SELECT * FROM meta",
        "UPDATE meta SET format = 0",
        "UPDATE meta SET serial = 'x'",
        "UPDATE meta SET digest_key = 'not hex'",
        "UPDATE resources SET json = '{'",
        "UPDATE resources SET json = x'00ff'",
        """UPDATE resources SET json = '{"address": "model.a"}'""",
        "UPDATE versions SET json = '[]'",
        "UPDATE settings SET json = 'null'",
        "UPDATE journal SET address = 'nonsense'",
        "UPDATE runs SET predicted_runs = 'many'",
        "UPDATE durations SET seconds = '{}'",
        "DROP TABLE versions",
    ],
)
def test_rows_that_make_no_sense_are_refused(filled, damage):
    sql(filled, damage)
    with refused(ExitCode.FAILURE, "state-corrupt", "backup"), closing(open_store(filled, create=False)) as store:
        store.recorded(DEV, PROD)
        store.digest_key()
        store.runs(DEV)


def test_a_place_where_nothing_can_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for create in (True, False):
        with refused(ExitCode.FAILURE, "state-unusable"):
            open_store(tmp_path / "file" / "state.db", create=create)
    with refused(ExitCode.FAILURE, "state-unusable"):
        open_store(tmp_path / "file" / "deeper" / "state.db", create=True)
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("folder", "dangling"):
        for create in (True, False):
            with refused(ExitCode.FAILURE, "state-unusable"):
                open_store(tmp_path / name, create=create)


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_damaged_file_gives_a_diagnostic_and_a_cut_one_never_a_wrong_answer(filled, tmp_path, data):
    whole = filled.read_bytes()
    size = data.draw(st.integers(0, len(whole)), label="cut to")
    damaged = bytearray(whole[:size])
    for place in data.draw(st.lists(st.integers(0, max(0, size - 1)), max_size=4), label="changed at"):
        if size:
            damaged[place] ^= data.draw(st.integers(1, 255))
    copy = tmp_path / "damaged.db"
    copy.write_bytes(damaged)
    try:
        seen = read_all(copy)
        assert seen == read_all(filled) or damaged != whole[:size]
    except OrdainError as error:
        assert all(diagnostic.fix for diagnostic in error.diagnostics)


names = st.sampled_from(["a", "b", "c"])


@given(
    st.lists(
        st.tuples(
            names,
            st.dictionaries(
                st.text(st.characters(exclude_categories=["Cs"]), max_size=5), st.text("ab\0\"$'"), max_size=3
            ),
        ),
        max_size=8,
    )
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_last_record_written_is_the_one_that_is_read(tmp_path_factory, writes):
    path = tmp_path_factory.mktemp("state") / "state.db"
    model = {}
    with closing(open_store(path, create=True)) as store:
        token = store.acquire(DEV, holder()).token
        for name, spec in writes:
            written = replace(record(), address=replace(ADDRESS, name=name), spec=spec)
            model[written.address] = written
            store.write(DEV, [PutResource(record=written)], token)
    with closing(open_store(path, create=False)) as store:
        assert store.recorded(DEV).resources == model
        assert store.head().serial == len(writes)
