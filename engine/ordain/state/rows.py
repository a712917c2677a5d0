"""The state's rows and the values they hold. Every function works inside the caller's transaction."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ordain.api.store import (
    Mutation,
    PutOverride,
    PutResource,
    PutSettings,
    PutVersion,
    RemoveOverrides,
    RemoveResource,
    RemoveVersion,
    RunRecord,
    StepEnd,
)
from ordain.state.faults import unreadable
from ordain.state.sql import Connection, Row
from ordain.values.address import Address
from ordain.values.approval import Alarm, Override
from ordain.values.codec import decode, dumps, loads
from ordain.values.record import Head, JournalEntry, ResourceRecord, SettingRecord, VersionRecord

T = TypeVar("T")
KEPT_DURATIONS = 20
DONE = "done"
"""The ``outcome`` of a step that did what it should; only such steps teach how long the next one takes."""

_ARTIFACT = re.compile(r"sha256:[0-9a-f]{64}")
_RUN = ("id", "environment", "plan_digest", "actor", "started", "finished", "outcome", "what", "break_glass")
_PREDICTED = ("predicted_p50", "predicted_p90", "predicted_runs", "predicted_basis")
_UPSERT_RESOURCE = (
    "INSERT INTO resources (environment, address, json) VALUES (?, ?, ?) "
    "ON CONFLICT (environment, address) DO UPDATE SET json = excluded.json"
)
_UPSERT_OVERRIDE = (
    "INSERT INTO overrides (environment, policy, person, json) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (environment, policy, person) DO UPDATE SET json = excluded.json"
)
_UPSERT_VERSION = (
    "INSERT INTO versions (address, recipe, seq, json) "
    "VALUES (?, ?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM versions), ?) "
    "ON CONFLICT (address, recipe) DO UPDATE SET json = excluded.json"
)
_BEGIN = (
    "INSERT INTO journal (run, step, key, environment, address, operation, begun, ended, outcome) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, step) DO UPDATE SET key = excluded.key, "
    "begun = excluded.begun, ended = excluded.ended, outcome = excluded.outcome"
)
# A step that a later run found finished says nothing about how long it took: the crash lies in between.
_BEGUN_BY_HOLDER = (
    "SELECT journal.begun FROM journal "
    "JOIN locks ON locks.environment = journal.environment AND locks.run = journal.run "
    "WHERE journal.run = ? AND journal.step = ? AND journal.ended IS NULL"
)
_UPSERT_DURATIONS = (
    "INSERT INTO durations (environment, address, operation, seconds) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (environment, address, operation) DO UPDATE SET seconds = excluded.seconds"
)


def head(connection: Connection) -> Head:
    lineage, serial, number = connection.execute("SELECT lineage, serial, format FROM meta").fetchone()
    return Head(lineage=lineage, serial=serial, format=number)


def digest_key(connection: Connection) -> bytes | None:
    key = read("digest_key", bytes.fromhex, connection.execute("SELECT digest_key FROM meta").fetchone()[0])
    return key or None


def raise_serial(connection: Connection) -> None:
    connection.execute("UPDATE meta SET serial = serial + 1")


def resources(connection: Connection, environment: str) -> dict[Address, ResourceRecord]:
    rows = connection.execute(
        "SELECT address, json FROM resources WHERE environment = ? ORDER BY address", (environment,)
    ).fetchall()
    return {record.address: record for record in _decoded(ResourceRecord, rows)}


def settings(connection: Connection, environment: str) -> dict[Address, SettingRecord]:
    rows = connection.execute(
        "SELECT address, json FROM settings WHERE environment = ? ORDER BY address", (environment,)
    ).fetchall()
    return {record.address: record for record in _decoded(SettingRecord, rows)}


def versions(connection: Connection) -> dict[Address, tuple[VersionRecord, ...]]:
    rows = connection.execute("SELECT address, json FROM versions ORDER BY seq").fetchall()
    found: dict[Address, list[VersionRecord]] = {}
    for version in _decoded(VersionRecord, rows):
        found.setdefault(version.address, []).append(version)
    return {address: tuple(found[address]) for address in sorted(found)}


def interrupted(connection: Connection, environment: str) -> tuple[JournalEntry, ...]:
    rows = connection.execute(
        "SELECT run, step, key, address, operation FROM journal WHERE environment = ? AND ended IS NULL "
        "ORDER BY begun, run, step",
        (environment,),
    ).fetchall()
    return tuple(read("journal", _entry, row) for row in rows)


def _entry(row: Row) -> JournalEntry:
    run, step, key, address, operation = row
    return JournalEntry(run=run, step=step, key=key, address=Address.parse(address), operation=operation)


def durations(connection: Connection, environment: str) -> dict[str, tuple[float, ...]]:
    rows = connection.execute(
        "SELECT address, operation, seconds FROM durations WHERE environment = ? ORDER BY address, operation",
        (environment,),
    ).fetchall()
    return {f"{address}:{operation}": read(address, _seconds, text) for address, operation, text in rows}


def _seconds(text: str) -> tuple[float, ...]:
    return decode(tuple[float, ...], loads(text))


def runs(connection: Connection, environment: str, limit: int, plan: str) -> tuple[RunRecord, ...]:
    rows = connection.execute(
        f"SELECT {', '.join((*_RUN, 'approvals', *_PREDICTED))} FROM runs "
        "WHERE environment = ? AND (? = '' OR plan_digest = ?) ORDER BY started DESC, id DESC LIMIT ?",
        (environment, plan, plan, limit),
    ).fetchall()
    return tuple(read("runs", _run, row) for row in rows)


def _run(row: Row) -> RunRecord:
    told, (approvals, p50, p90, past, basis) = row[: len(_RUN)], row[len(_RUN) :]
    # A run's row has a number of runs exactly where its plan predicted something.
    predicted = None if past is None else {"p50": p50, "p90": p90, "runs": past, "basis": basis}
    names = dict(zip(_RUN, told, strict=True))
    return decode(RunRecord, {**names, "approvals": loads(approvals), "predicted": predicted})


def overrides(connection: Connection, environment: str) -> tuple[Override, ...]:
    rows = connection.execute(
        "SELECT policy, json FROM overrides WHERE environment = ? ORDER BY policy, person", (environment,)
    ).fetchall()
    return tuple(_decoded(Override, rows))


def alarm(connection: Connection, environment: str) -> Alarm | None:
    """Return the newest run without the approvals it needed, while no run with approvals followed."""
    row = connection.execute(
        "SELECT actor, started, break_glass FROM runs WHERE environment = ? "
        "AND (break_glass <> '' OR (approvals <> '[]' AND outcome = ?)) ORDER BY started DESC, id DESC LIMIT 1",
        (environment, DONE),
    ).fetchone()
    if row is None or not row[2]:
        return None
    return read("runs", lambda row: Alarm(actor=row[0], at=float(row[1]), reason=row[2]), row)


def environments(connection: Connection) -> tuple[str, ...]:
    rows = connection.execute("SELECT DISTINCT environment FROM resources ORDER BY environment").fetchall()
    return tuple(row[0] for row in rows)


def referenced_artifacts(connection: Connection) -> frozenset[str]:
    found: set[str] = set()
    for (text,) in connection.execute("SELECT json FROM resources UNION ALL SELECT json FROM versions").fetchall():
        found.update(read("artifacts", _ARTIFACT.findall, text))
    return frozenset(found)


def begin_run(connection: Connection, run: RunRecord) -> None:
    told = tuple(getattr(run, name) for name in _RUN)
    one = run.predicted
    predicted = (None, None, None, None) if one is None else (one.p50, one.p90, one.runs, one.basis)
    names = (*_RUN, "approvals", *_PREDICTED)
    connection.execute(
        f"INSERT INTO runs ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
        (*told, dumps(run.approvals).decode(), *predicted),
    )


def finish_run(connection: Connection, run: str, outcome: str, finished: float) -> None:
    connection.execute("UPDATE runs SET outcome = ?, finished = ? WHERE id = ?", (outcome, finished, run))


def begin_step(connection: Connection, environment: str, entry: JournalEntry, at: float) -> None:
    connection.execute(_BEGIN, (*_journal_columns(environment, entry), at, None, None))


def end_step(connection: Connection, environment: str, end: StepEnd) -> None:
    """Record an end; it answers for every open begin under the same key, also one of a run that was cut off."""
    entry = end.entry
    if entry.outcome == DONE:
        begun = connection.execute(_BEGUN_BY_HOLDER, (entry.run, entry.step)).fetchone()
        if begun:
            _add_duration(connection, environment, entry, end.at - begun[0] if end.seconds is None else end.seconds)
    closed = connection.execute(
        "UPDATE journal SET ended = ?, outcome = ? WHERE environment = ? AND key = ? AND ended IS NULL",
        (end.at, entry.outcome, environment, entry.key),
    )
    if closed.rowcount == 0:  # a step without effect outside the state needs no begin
        connection.execute(_BEGIN, (*_journal_columns(environment, entry), end.at, end.at, entry.outcome))
    mutate(connection, environment, end.mutations)


def _journal_columns(environment: str, entry: JournalEntry) -> tuple[str, ...]:
    return (entry.run, entry.step, entry.key, environment, str(entry.address), entry.operation)


def _add_duration(connection: Connection, environment: str, entry: JournalEntry, seconds: float) -> None:
    place = (environment, str(entry.address), entry.operation)
    row = connection.execute(
        "SELECT seconds FROM durations WHERE environment = ? AND address = ? AND operation = ?", place
    ).fetchone()
    past = _seconds(row[0]) if row else ()
    kept = (*past, max(0.0, seconds))[-KEPT_DURATIONS:]
    connection.execute(_UPSERT_DURATIONS, (*place, dumps(kept).decode()))


def mutate(connection: Connection, environment: str, mutations: Iterable[Mutation]) -> None:
    for mutation in mutations:
        match mutation:
            case PutResource(record=record):
                connection.execute(_UPSERT_RESOURCE, (environment, str(record.address), dumps(record).decode()))
            case RemoveResource(address=address):
                connection.execute(
                    "DELETE FROM resources WHERE environment = ? AND address = ?", (environment, str(address))
                )
            case PutVersion(version=version):
                connection.execute(_UPSERT_VERSION, (str(version.address), version.recipe, dumps(version).decode()))
            case RemoveVersion(address=address, recipe=recipe):
                connection.execute("DELETE FROM versions WHERE address = ? AND recipe = ?", (str(address), recipe))
            case PutSettings(settings=records):
                _put_settings(connection, environment, records)
            case PutOverride(override=one):
                connection.execute(_UPSERT_OVERRIDE, (environment, str(one.policy), one.by, dumps(one).decode()))
            case RemoveOverrides(policy=policy):
                connection.execute(
                    "DELETE FROM overrides WHERE environment = ? AND policy = ?", (environment, str(policy))
                )


def _put_settings(connection: Connection, environment: str, records: Iterable[SettingRecord]) -> None:
    connection.execute("DELETE FROM settings WHERE environment = ?", (environment,))
    for record in records:
        connection.execute(
            "INSERT INTO settings (environment, address, json) VALUES (?, ?, ?)",
            (environment, str(record.address), dumps(record).decode()),
        )


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep Python's cyclic collector off: building many small values, it would walk all of them again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _decoded(cls: type[T], rows: Iterable[Row]) -> list[T]:
    def make(text: str) -> T:
        return decode(cls, loads(text))

    return [read(address, make, text) for address, text in rows]


def read(where: object, make: Callable[[Any], T], stored: object) -> T:
    """Make a value of what a row holds; a row that was damaged may hold anything."""
    try:
        return make(stored)
    except (ValueError, TypeError, AttributeError) as error:
        raise unreadable(str(where), str(error)) from error
