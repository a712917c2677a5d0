"""The embedded state: one SQLite file (WAL, full sync), safe from several threads and several processes.

A new state is built beside its place and moved there whole, so a file that is there is a state or is damaged; there is
no half-made one to guess about.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import RLock

from ordain.state import faults, migrations
from ordain.state.sql import Connection
from ordain.state.store import SqlStore
from ordain.values.diagnostic import OrdainError

_BUSY_SECONDS = 10.0


def _new_id() -> str:
    import uuid  # wanted once in a state's life, and not free to import

    return str(uuid.uuid4())


def _new_key() -> bytes:
    return os.urandom(32)


def open_store(
    path: Path,
    *,
    create: bool,
    new_id: Callable[[], str] = _new_id,
    new_key: Callable[[], bytes] = _new_key,
    busy_seconds: float = _BUSY_SECONDS,
) -> SqliteStore:
    """Open the state at ``path``.

    ``create=True`` makes it (file 0600, new folders 0700) where it is not there, with a lineage from ``new_id`` and a
    digest key of 32 bytes from ``new_key``, and brings an older format to this one. ``create=False`` writes nothing on
    opening: where there is no file it gives an empty view (lineage "", serial 0, no key), and of an older format a
    migrated copy in memory; both refuse writes. Raises ``OrdainError`` for a newer format, and for a file that is
    damaged or no state; nothing is overwritten then.
    """
    if not _is_there(path):
        if not create:
            return SqliteStore(path, _empty(path), view=faults.only_a_view(path, missing=True))
        _make(path, new_id(), new_key())
    # SQLite reads zeros where the last page is cut short. Without a log beside it, nobody is writing the file.
    settled = path.stat().st_size if not Path(f"{path}-wal").exists() and path.is_file() else 0
    connection = _connect(path, busy_seconds)
    try:
        with _reported(path):
            if settled % connection.execute("PRAGMA page_size").fetchone()[0]:
                raise faults.damaged(path, "it was cut off in the middle of a page")
            found = _format(path, connection)
            if create:
                with suppress(PermissionError):  # another user's file that is shared on purpose
                    path.chmod(0o600)  # it holds the digest key
                _upgrade(path, connection)
            elif found < migrations.current_format():
                return SqliteStore(path, _migrated_copy(connection), view=faults.only_a_view(path, missing=False))
    except BaseException:
        connection.close()
        raise
    return SqliteStore(path, connection)


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:  # what cannot be seen may well be there: it must not count as an empty state
        raise faults.unusable(path, str(error)) from error
    return True


class SqliteStore(SqlStore):
    """The state in one SQLite file: one connection, one transaction at a time in this process."""

    def __init__(self, path: Path, connection: sqlite3.Connection, view: OrdainError | None = None) -> None:
        self._path = path
        self._connection = connection
        self._view = view
        self._lock = RLock()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._lock, _reported(self._path), _transaction(self._connection, "BEGIN"):
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._view is not None:
            raise OrdainError(*self._view.diagnostics)
        with self._lock, _reported(self._path), _transaction(self._connection, "BEGIN IMMEDIATE"):
            yield self._connection

    def close(self) -> None:
        with self._lock:
            self._connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:  # not committed: anything may have been raised, an interrupt too
            connection.execute("ROLLBACK")


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # a bug of ours, not the file's fault
    except sqlite3.Error as error:
        raise faults.of_sqlite(path, error) from error
    except UnicodeDecodeError as error:  # raised by sqlite3 itself for names and messages from a damaged file
        raise faults.damaged(path, str(error)) from error


def _connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    with _reported(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA trusted_schema = OFF")  # the file may come from anywhere
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection


def _format(path: Path, connection: sqlite3.Connection) -> int:
    """Return the format of the state, refusing what is none and what is newer."""
    try:
        rows = connection.execute("SELECT lineage, serial, format FROM meta").fetchall()
    except sqlite3.OperationalError as error:
        if "no such" in str(error):
            raise faults.damaged(path, f"it is an SQLite file of something else, or a damaged one ({error})") from error
        raise
    types = [[type(item) for item in row] for row in rows]
    if types != [[str, int, int]] or rows[0][2] < 1:
        raise faults.damaged(path, "the row that says which state it is does not make sense")
    found: int = rows[0][2]
    if found > migrations.current_format():
        raise faults.newer(path, found, migrations.current_format())
    return found


def _upgrade(path: Path, connection: sqlite3.Connection) -> None:
    if _format(path, connection) == migrations.current_format():
        return
    with _transaction(connection, "BEGIN IMMEDIATE"):
        migrations.migrate(connection, _format(path, connection))  # asked again: another process may have been first


def _migrated_copy(connection: sqlite3.Connection) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    with closing(connection):
        connection.backup(copy)
    with _transaction(copy, "BEGIN"):
        migrations.migrate(copy, copy.execute("SELECT format FROM meta").fetchone()[0])
    return copy


def _empty(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _initialise(connection, lineage="", key=b"")
    return connection


def _initialise(connection: sqlite3.Connection, *, lineage: str, key: bytes) -> None:
    with _transaction(connection, "BEGIN"):
        connection.execute(migrations.META)
        connection.execute("INSERT INTO meta VALUES (?, 0, 0, ?)", (lineage, key.hex()))
        migrations.migrate(connection, 0)


def _make(path: Path, lineage: str, key: bytes) -> None:
    """Make a new state and put it at ``path`` unless one appeared there meanwhile."""
    draft = path.with_name(f".{path.name}.{os.urandom(16).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            with _reported(path), closing(sqlite3.connect(draft, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                _initialise(connection, lineage=lineage, key=key)
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its state is the state
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise faults.unusable(path, str(error)) from error


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
