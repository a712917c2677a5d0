"""The state store over any database that ``sql.Connection`` describes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from ordain.api.store import Holder, Mutation, RunRecord, StateStore, StepEnd
from ordain.state import locks, rows
from ordain.state.sql import Connection
from ordain.values.record import Head, JournalEntry, Recorded


class SqlStore(StateStore):
    """A ``StateStore`` in rows; a database adds how a transaction begins and ends."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one moment and writes nothing."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Connection]:
        """A transaction that is alone in writing; durable when it ends, without trace when it raises."""

    def head(self) -> Head:
        with self._reading() as connection:
            return rows.head(connection)

    def recorded(self, environment: str, source: str | None = None) -> Recorded:
        with self._reading() as connection, rows.collector_paused():
            return Recorded(
                head=rows.head(connection),
                environment=environment,
                resources=rows.resources(connection, environment),
                settings=rows.settings(connection, environment),
                versions=rows.versions(connection),
                source=rows.resources(connection, source) if source is not None else {},
                interrupted=rows.interrupted(connection, environment),
                durations=rows.durations(connection, environment),
                overrides=rows.overrides(connection, environment),
                alarm=rows.alarm(connection, environment),
            )

    def environments(self) -> tuple[str, ...]:
        with self._reading() as connection:
            return rows.environments(connection)

    def runs(self, environment: str, limit: int = 20, plan: str = "") -> tuple[RunRecord, ...]:
        with self._reading() as connection:
            return rows.runs(connection, environment, limit, plan)

    def referenced_artifacts(self) -> frozenset[str]:
        with self._reading() as connection:
            return rows.referenced_artifacts(connection)

    def digest_key(self) -> bytes | None:
        with self._reading() as connection:
            return rows.digest_key(connection)

    def holders(self) -> Mapping[str, Holder]:
        with self._reading() as connection:
            return locks.holders(connection)

    def begin_run(self, run: RunRecord) -> None:
        with self._writing() as connection:
            rows.raise_serial(connection)
            rows.begin_run(connection, run)

    def finish_run(self, run: str, outcome: str, finished: float) -> None:
        with self._writing() as connection:
            rows.raise_serial(connection)
            rows.finish_run(connection, run, outcome, finished)

    def begin_step(self, environment: str, entry: JournalEntry, at: float, token: int) -> None:
        self.begin_steps(environment, (entry,), at, token)

    def begin_steps(self, environment: str, entries: Sequence[JournalEntry], at: float, token: int) -> None:
        if not entries:
            return
        with self._writing() as connection:
            locks.fence(connection, environment, token)
            for entry in entries:
                rows.begin_step(connection, environment, entry, at)

    def end_step(
        self, environment: str, entry: JournalEntry, at: float, mutations: Sequence[Mutation], token: int
    ) -> None:
        self.end_steps(environment, (StepEnd(entry=entry, at=at, mutations=tuple(mutations)),), token)

    def end_steps(self, environment: str, ends: Sequence[StepEnd], token: int) -> None:
        if not ends:
            return
        with self._writing() as connection:
            locks.fence(connection, environment, token)
            for end in ends:
                rows.end_step(connection, environment, end)

    def end_and_begin(
        self, environment: str, ends: Sequence[StepEnd], begins: Sequence[JournalEntry], at: float, token: int
    ) -> None:
        if not ends and not begins:
            return
        with self._writing() as connection:
            locks.fence(connection, environment, token)
            for end in ends:
                rows.end_step(connection, environment, end)
            for entry in begins:
                rows.begin_step(connection, environment, entry, at)

    def write(self, environment: str, mutations: Iterable[Mutation], token: int) -> None:
        with self._writing() as connection:
            locks.fence(connection, environment, token)
            rows.mutate(connection, environment, mutations)

    def acquire(self, environment: str, holder: Holder, alive: bool = True) -> Holder:
        with self._writing() as connection:
            return locks.acquire(connection, environment, holder, alive)

    def release(self, environment: str, token: int) -> None:
        with self._writing() as connection:
            locks.release(connection, environment, token)

    def force_release(self, environment: str) -> Holder | None:
        with self._writing() as connection:
            return locks.force_release(connection, environment)
