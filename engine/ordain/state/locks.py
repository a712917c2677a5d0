"""The lock of an environment: one row, a fencing token that only grows, a check whether a holder still lives."""

from __future__ import annotations

from dataclasses import replace

from ordain.api.store import Holder
from ordain.state import faults, host
from ordain.state.rows import read
from ordain.state.sql import Connection, Row
from ordain.values.codec import decode

_COLUMNS = "environment, token, run, actor, host, boot, pid, birth, started"


def acquire(connection: Connection, environment: str, wanted: Holder, alive: bool) -> Holder:
    """Take the lock, or raise ``OrdainError`` naming the holder; ``alive=False``: whoever holds it is dead."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM locks WHERE environment = ?", (environment,)).fetchone()
    present = _holder(row) if row else None
    if present and present.run and alive and _lives(present, birth=row[7], seen_by=wanted):
        raise faults.locked(environment, present)
    taken = replace(wanted, token=present.token + 1 if present else 1)
    connection.execute("DELETE FROM locks WHERE environment = ?", (environment,))
    connection.execute(
        f"INSERT INTO locks ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            environment,
            taken.token,
            taken.run,
            taken.actor,
            taken.host,
            taken.boot,
            taken.pid,
            host.birth(taken.pid),
            taken.started,
        ),
    )
    return taken


def _lives(holder: Holder, *, birth: str, seen_by: Holder) -> bool:
    if holder.host != seen_by.host:
        return True  # from here, nobody can tell
    if holder.boot and seen_by.boot and holder.boot != seen_by.boot:
        return False  # the host was started anew since
    return host.alive(holder.pid, birth)


def release(connection: Connection, environment: str, token: int) -> None:
    connection.execute("UPDATE locks SET run = '' WHERE environment = ? AND token = ?", (environment, token))


def force_release(connection: Connection, environment: str) -> Holder | None:
    holder = holders(connection).get(environment)
    connection.execute("UPDATE locks SET run = '' WHERE environment = ?", (environment,))
    return holder


def holders(connection: Connection) -> dict[str, Holder]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM locks WHERE run <> '' ORDER BY environment").fetchall()
    return {row[0]: _holder(row) for row in rows}


def _holder(row: Row) -> Holder:
    fields = {
        name: row[index] for index, name in enumerate(_COLUMNS.split(", ")) if name not in ("environment", "birth")
    }
    return read("locks", lambda stored: decode(Holder, stored), fields)


def fence(connection: Connection, environment: str, token: int) -> None:
    """Raise the serial for a write under ``token``; raise ``OrdainError`` where that is no longer the holder's."""
    counted = connection.execute(
        "UPDATE meta SET serial = serial + 1 WHERE EXISTS "
        "(SELECT 1 FROM locks WHERE environment = ? AND token = ? AND run <> '')",
        (environment, token),
    )
    if counted.rowcount != 1:
        raise faults.fenced(environment, holders(connection).get(environment))
