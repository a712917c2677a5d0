"""A glance at the state sees what the store sees, or nothing at all."""

import sqlite3
from contextlib import closing

import pytest

from ordain.api.store import RunRecord
from ordain.state.peek import peek
from ordain.state.sqlite import open_store


def _begin(store, number):
    store.begin_run(RunRecord(id=f"run-{number}", environment="dev", plan_digest="d", actor="ann", started=1.0))


def _files(path):
    return sorted(one.name for one in path.parent.iterdir())


@pytest.mark.parametrize("open_meanwhile", [True, False])
def test_it_sees_what_the_store_sees(path, open_meanwhile):
    with closing(open_store(path, create=True)) as store:
        for number in range(3):
            _begin(store, number)
        seen = peek(path) if open_meanwhile else None  # what was written stands in the log, not yet in the file
        head, key = store.head(), store.digest_key()
    before = _files(path), path.read_bytes()
    found = seen or peek(path)
    assert (found.lineage, found.serial, found.format, found.key) == (head.lineage, 3, head.format, key)
    assert (_files(path), path.read_bytes()) == before == (["state.db"], before[1])


def test_it_sees_what_a_killed_process_left_in_the_log(path, program):
    killed = program("for n in range(4): store.begin_run(RunRecord(id=str(n), environment='dev', plan_digest='d', "
                     "actor='a', started=1.0))\nprint('done', flush=True)\nsys.stdin.read()")  # fmt: skip
    assert killed.stdout.readline() == "done\n"
    killed.kill()
    killed.wait()
    assert "state.db-wal" in _files(path)
    assert peek(path).serial == 4


def test_nothing_is_seen_and_nothing_made_where_there_is_no_state(path):
    assert peek(path) is None
    path.parent.mkdir()
    assert peek(path) is None and _files(path) == []
    path.mkdir()
    assert peek(path) is None


def test_a_state_that_is_locked_is_not_waited_for(path):
    open_store(path, create=True).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE meta SET serial = 7")
        assert peek(path) is None
        other.execute("COMMIT")
    assert peek(path).serial == 7


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE meta",
        "DELETE FROM meta",
        "INSERT INTO meta SELECT * FROM meta",
        "UPDATE meta SET serial = 'many'",
        "UPDATE meta SET lineage = x'ff'",
        "UPDATE meta SET lineage = CAST(x'ff' AS TEXT)",
        "UPDATE meta SET digest_key = 'no hex'",
    ],
)
def test_a_strange_state_is_none(path, statement):
    open_store(path, create=True).close()
    assert peek(path) is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)
    assert peek(path) is None


@pytest.mark.parametrize("data", [b"", b"no database at all", b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_file_that_is_no_state_is_none(path, data):
    path.parent.mkdir()
    path.write_bytes(data)
    assert peek(path) is None


def test_a_state_that_was_cut_off_is_none(path):
    open_store(path, create=True).close()
    path.write_bytes(path.read_bytes()[:-100])
    assert peek(path) is None
