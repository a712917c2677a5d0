"""A glance at which state this is, for a plan that may not need more of it: one row, read with SQLite alone.

Everything unusual (no file, a lock, damage, another format) is None: whoever asks then opens the state and is told.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The row that says which state this is; ``key`` is the digest key."""

    lineage: str
    serial: int
    format: int
    key: bytes


def peek(path: Path) -> Glance | None:
    """Return what stands in the state file at ``path`` now; None where it is not there, is busy, or looks strange.

    Writes nothing and does not wait. A log beside the file (WAL) that was not yet folded in is read too.
    """
    try:
        settled = 0 if Path(f"{path}-wal").exists() else path.stat().st_size
        # As the store opens it: a connection that may only read would leave the log's files behind.
        address = f"{path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA synchronous = FULL")
            if settled % connection.execute("PRAGMA page_size").fetchone()[0]:
                return None  # cut off in the middle of a page
            rows = connection.execute("SELECT lineage, serial, format, digest_key FROM meta").fetchall()
        if [[type(item) for item in row] for row in rows] != [[str, int, int, str]]:
            return None
        lineage, serial, number, key = rows[0]
        return Glance(lineage=lineage, serial=serial, format=number, key=bytes.fromhex(key))
    except (OSError, sqlite3.Error, ValueError):
        return None
