"""The state's tables, as numbered migrations: the n-th function takes a state from format n-1 to format n.

Written in the SQL that SQLite and PostgreSQL share. Only ever add a function at the end: old states go through all of
those they have not seen, in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable

from ordain.state.sql import Connection

META = """CREATE TABLE meta (
    lineage TEXT NOT NULL, serial BIGINT NOT NULL, format BIGINT NOT NULL, digest_key TEXT NOT NULL)"""
"""The one table that is there before the first migration, with its one row: it says which state this is."""


def _first(connection: Connection) -> None:
    for statement in _FORMAT_1:
        connection.execute(statement)


_FORMAT_1 = (
    """CREATE TABLE resources (
        environment TEXT NOT NULL, address TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (environment, address))""",
    """CREATE TABLE settings (
        environment TEXT NOT NULL, address TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (environment, address))""",
    # seq is the order in which versions were first recorded; judging one again does not move it.
    """CREATE TABLE versions (
        address TEXT NOT NULL, recipe TEXT NOT NULL, seq BIGINT NOT NULL UNIQUE, json TEXT NOT NULL,
        PRIMARY KEY (address, recipe))""",
    """CREATE TABLE runs (
        id TEXT NOT NULL PRIMARY KEY, environment TEXT NOT NULL, plan_digest TEXT NOT NULL, actor TEXT NOT NULL,
        started DOUBLE PRECISION NOT NULL, finished DOUBLE PRECISION, outcome TEXT)""",
    "CREATE INDEX runs_newest ON runs (environment, started)",
    """CREATE TABLE journal (
        run TEXT NOT NULL, step TEXT NOT NULL, key TEXT NOT NULL, environment TEXT NOT NULL, address TEXT NOT NULL,
        operation TEXT NOT NULL, begun DOUBLE PRECISION NOT NULL, ended DOUBLE PRECISION, outcome TEXT,
        seconds DOUBLE PRECISION, PRIMARY KEY (run, step))""",
    # Small whatever the length of the journal: it holds the steps that have no end.
    "CREATE INDEX journal_open ON journal (environment, key) WHERE ended IS NULL",
    # The last few durations of each kind of step as a JSON list: a plan need not read the whole journal for them.
    """CREATE TABLE durations (
        environment TEXT NOT NULL, address TEXT NOT NULL, operation TEXT NOT NULL, seconds TEXT NOT NULL,
        PRIMARY KEY (environment, address, operation))""",
    # One row an environment for ever, so that tokens only grow; nobody holds it where run is empty. birth tells the
    # holder's process from a later one with the same id.
    """CREATE TABLE locks (
        environment TEXT NOT NULL PRIMARY KEY, token BIGINT NOT NULL, run TEXT NOT NULL, actor TEXT NOT NULL,
        host TEXT NOT NULL, boot TEXT NOT NULL, pid BIGINT NOT NULL, birth TEXT NOT NULL,
        started DOUBLE PRECISION NOT NULL)""",
)


def _second(connection: Connection) -> None:
    for column, type in _PREDICTED:
        connection.execute(f"ALTER TABLE runs ADD COLUMN predicted_{column} {type}")
    connection.execute("ALTER TABLE runs ADD COLUMN what TEXT NOT NULL DEFAULT ''")


# How long the plan of a run said it would take; all null where it did not say.
_PREDICTED = (("p50", "DOUBLE PRECISION"), ("p90", "DOUBLE PRECISION"), ("runs", "BIGINT"), ("basis", "TEXT"))


def _third(connection: Connection) -> None:
    connection.execute("ALTER TABLE runs ADD COLUMN approvals TEXT NOT NULL DEFAULT '[]'")
    connection.execute("ALTER TABLE runs ADD COLUMN break_glass TEXT NOT NULL DEFAULT ''")
    connection.execute(
        """CREATE TABLE overrides (
        environment TEXT NOT NULL, policy TEXT NOT NULL, person TEXT NOT NULL, json TEXT NOT NULL,
        PRIMARY KEY (environment, policy, person))"""
    )


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first, _second, _third)


def current_format() -> int:
    """Return the format this Ordain writes."""
    return len(MIGRATIONS)


def migrate(connection: Connection, present: int) -> None:
    """Bring a state of format ``present`` (0: only ``META``) to the current one, inside the caller's transaction."""
    for step in MIGRATIONS[present:]:
        step(connection)
    connection.execute("UPDATE meta SET format = ?", (current_format(),))
