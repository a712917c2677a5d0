"""The contracts of a state store and of an artifact store, as tests: a store's author subclasses and runs them.

``class TestMine(StateStoreContract): def open(self, place): return MyStore(place)``, in a file that pytest collects.
"""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ordain.api import Address, ExitCode, OrdainError, StateStore, sha256
from ordain.api.store import (
    Mutation,
    PutResource,
    PutSettings,
    PutVersion,
    RemoveResource,
    RemoveVersion,
    StepEnd,
)
from ordain.testing.artifacts import ArtifactStoreContract as ArtifactStoreContract
from ordain.testing.permissions import PermissionsContract
from ordain.testing.samples import (
    ADDRESS,
    DEV,
    OTHER,
    PROD,
    dead_pid,
    holder,
    record,
    refused,
    run,
    setting,
    step,
    version,
)
from ordain.values.plan import Estimate


class StateStoreContract(PermissionsContract):
    """What holds of every state store."""

    @abstractmethod
    def open(self, place: Path) -> StateStore:
        """Open the state that belongs to ``place``, making it where there is none; the same place, the same state."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[StateStore]:
        with closing(self.open(tmp_path)) as store:
            yield store

    @pytest.fixture
    def token(self, store: StateStore) -> int:
        return store.acquire(DEV, holder()).token

    # What is recorded

    def test_a_new_state_is_empty_and_has_an_identity(self, store: StateStore) -> None:
        recorded = store.recorded(DEV, PROD)
        assert recorded.head == store.head()
        assert recorded.head.lineage
        assert recorded.head.serial == 0
        assert recorded.environment == DEV
        assert not (recorded.resources or recorded.settings or recorded.versions or recorded.source)
        assert not (recorded.interrupted or recorded.durations)
        assert not (store.environments() or store.runs(DEV) or store.referenced_artifacts() or store.holders())
        assert len(store.digest_key() or b"") == 32

    def test_two_states_have_different_identities(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        with closing(self.open(tmp_path / "a")) as one, closing(self.open(tmp_path / "b")) as two:
            assert one.head().lineage != two.head().lineage
            assert one.digest_key() != two.digest_key()

    def test_what_was_written_is_there_when_opened_again(self, tmp_path: Path) -> None:
        with closing(self.open(tmp_path)) as store:
            token = store.acquire(DEV, holder()).token
            store.write(DEV, [PutResource(record=record()), PutVersion(version=version())], token)
            store.begin_steps(DEV, [step(1), step(2)], 1.0, token)
            before, key = store.recorded(DEV), store.digest_key()
        with closing(self.open(tmp_path)) as again:
            assert again.recorded(DEV) == before
            assert again.digest_key() == key

    def test_records_come_back_as_they_were(self, store: StateStore, token: int) -> None:
        store.write(DEV, [PutResource(record=record()), PutResource(record=record(OTHER))], token)
        found = store.recorded(DEV).resources
        assert found == {ADDRESS: record(), OTHER: record(OTHER)}
        assert list(found) == sorted(found)

    def test_a_record_is_replaced_and_removed(self, store: StateStore, token: int) -> None:
        store.write(DEV, [PutResource(record=record())], token)
        store.write(DEV, [PutResource(record=record(owner="new"))], token)
        assert store.recorded(DEV).resources == {ADDRESS: record(owner="new")}
        store.write(DEV, [RemoveResource(address=ADDRESS), RemoveResource(address=ADDRESS)], token)
        assert store.recorded(DEV).resources == {}

    def test_environments_do_not_see_each_other(self, store: StateStore, token: int) -> None:
        prod = store.acquire(PROD, holder()).token
        store.write(DEV, [PutResource(record=record()), PutSettings(settings=(setting("a"),))], token)
        store.write(PROD, [PutResource(record=record(owner="prod"))], prod)
        assert store.recorded(DEV).resources == {ADDRESS: record()}
        assert store.recorded(PROD).resources == {ADDRESS: record(owner="prod")}
        assert store.recorded(PROD).settings == {}
        assert store.recorded(PROD, DEV).source == {ADDRESS: record()}
        assert store.environments() == (DEV, PROD)
        store.write(DEV, [RemoveResource(address=ADDRESS)], token)
        assert store.environments() == (PROD,)
        assert store.recorded(PROD).resources == {ADDRESS: record(owner="prod")}

    def test_versions_are_shared_and_oldest_first(self, store: StateStore, token: int) -> None:
        mutations = [PutVersion(version=version(recipe)) for recipe in ("r2", "r1", "r3")]
        store.write(DEV, mutations, token)
        store.write(DEV, [PutVersion(version=version("r2", judgement="again"))], token)
        expected = (version("r2", judgement="again"), version("r1"), version("r3"))
        assert store.recorded(PROD).versions == {ADDRESS: expected}
        store.write(DEV, [RemoveVersion(address=ADDRESS, recipe="r1")], token)
        store.write(DEV, [PutVersion(version=version("r1"))], token)
        assert [v.recipe for v in store.recorded(DEV).versions[ADDRESS]] == ["r2", "r3", "r1"]

    def test_settings_are_replaced_as_a_whole(self, store: StateStore, token: int) -> None:
        store.write(DEV, [PutSettings(settings=(setting("a"), setting("b")))], token)
        store.write(DEV, [PutSettings(settings=(setting("b", "soft"),))], token)
        changed = setting("b", "soft")
        assert store.recorded(DEV).settings == {changed.address: changed}

    def test_artifacts_that_any_row_names_are_referenced(self, store: StateStore, token: int) -> None:
        train, other = sha256(b"train"), sha256(b"other")
        facts: dict[str, str] = {"train": train, "short": "sha256:12"}
        store.write(DEV, [PutResource(record=replace(record(), facts=facts)), PutVersion(version=version())], token)
        prod = store.acquire(PROD, holder()).token
        store.write(PROD, [PutResource(record=replace(record(), private={"saved": [other]}))], prod)
        assert store.referenced_artifacts() == {train, other, version().artifact}

    # Serial and atomicity

    def test_each_write_raises_the_serial_by_one(self, store: StateStore) -> None:
        token = store.acquire(DEV, holder()).token
        assert store.head().serial == 0
        writes: tuple[Callable[[], None], ...] = (
            lambda: store.begin_run(run("run-1")),
            lambda: store.begin_step(DEV, step(), 1.0, token),
            lambda: store.begin_steps(DEV, [step(2), step(3)], 1.0, token),
            lambda: store.end_step(DEV, step(outcome="done"), 2.0, [PutResource(record=record())], token),
            lambda: store.end_steps(DEV, [StepEnd(entry=step(n, outcome="done"), at=2.0) for n in (2, 3)], token),
            lambda: store.write(DEV, [PutSettings(settings=())], token),
            lambda: store.finish_run("run-1", "done", 3.0),
        )
        for number, write in enumerate(writes, 1):
            write()
            assert store.head().serial == number
        store.begin_steps(DEV, [], 1.0, token)
        store.end_steps(DEV, [], token)
        store.release(DEV, token)
        assert store.head().serial == len(writes)

    def test_a_write_that_fails_half_way_leaves_no_trace(self, store: StateStore, token: int) -> None:
        def broken() -> Iterator[Mutation]:
            yield PutResource(record=record())
            raise KeyboardInterrupt

        before = store.recorded(DEV)
        with pytest.raises(KeyboardInterrupt):
            store.write(DEV, broken(), token)
        assert store.recorded(DEV) == before
        store.write(DEV, [PutResource(record=record())], token)
        assert store.head().serial == before.head.serial + 1

    def test_threads_lose_no_write(self, tmp_path: Path) -> None:
        def writer(number: int) -> None:
            address = Address(kind="value", name=f"v{number % 8}")
            store = stores[number % 2]
            entry = replace(step(number), address=address)
            store.begin_step(DEV, entry, 1.0, token)
            store.end_step(DEV, replace(entry, outcome="done"), 2.0, [PutResource(record=record(address))], token)

        with closing(self.open(tmp_path)) as one, closing(self.open(tmp_path)) as two:
            stores = (one, two)
            token = one.acquire(DEV, holder()).token
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(writer, range(64)))
            recorded = two.recorded(DEV)
        assert recorded.head.serial == 128
        assert len(recorded.resources) == 8
        assert recorded.interrupted == ()
        assert sum(len(seconds) for seconds in recorded.durations.values()) == 64

    def test_a_read_sees_one_moment(self, tmp_path: Path) -> None:
        with closing(self.open(tmp_path)) as store, closing(self.open(tmp_path)) as reader:
            token = store.acquire(DEV, holder()).token
            stop = threading.Event()

            def write() -> None:
                for number in range(200):
                    owner = str(number)
                    pair = [PutResource(record=record(owner=owner)), PutResource(record=record(OTHER, owner=owner))]
                    store.write(DEV, [*pair, PutVersion(version=version(name=owner))], token)
                stop.set()

            thread = threading.Thread(target=write)
            thread.start()
            while not stop.is_set() and thread.is_alive():
                recorded = reader.recorded(DEV, DEV)
                owners = {found.owner for found in (*recorded.resources.values(), *recorded.source.values())}
                names = {found.name for found in recorded.versions.get(ADDRESS, ())}
                assert owners == names
                assert recorded.head.serial == (int(names.pop()) + 1 if names else 0)
            thread.join()
            assert stop.is_set()

    # Journal

    def test_a_step_that_was_begun_is_open_until_it_ends(self, store: StateStore, token: int) -> None:
        store.begin_step(DEV, step(1), 1.0, token)
        store.begin_step(DEV, step(2), 2.0, token)
        assert store.recorded(DEV).interrupted == (step(1), step(2))
        assert store.recorded(PROD).interrupted == ()
        store.end_step(DEV, step(1, outcome="failed"), 3.0, [], token)
        assert store.recorded(DEV).interrupted == (step(2),)

    def test_an_end_answers_for_every_begin_under_its_key(self, store: StateStore, token: int) -> None:
        store.begin_step(DEV, step(1, key="k"), 1.0, token)
        second = store.acquire(DEV, holder("run-2"), alive=False).token
        store.begin_step(DEV, step(1, run="run-2", key="k"), 1000.0, second)
        assert len(store.recorded(DEV).interrupted) == 2
        store.end_step(DEV, step(1, run="run-2", key="k", outcome="done"), 1001.0, [], second)
        assert store.recorded(DEV).interrupted == ()
        assert store.recorded(DEV).durations == {"model.subscriber:train": (1.0,)}

    def test_a_recovered_step_ends_and_teaches_no_duration(self, store: StateStore, token: int) -> None:
        store.begin_step(DEV, step(1), 1.0, token)
        later = store.acquire(DEV, holder("run-2"), alive=False).token
        store.end_step(DEV, step(1, outcome="done"), 5000.0, [PutResource(record=record())], later)
        recorded = store.recorded(DEV)
        assert recorded.interrupted == ()
        assert recorded.durations == {}
        assert recorded.resources == {ADDRESS: record()}

    def test_a_step_may_begin_again_in_itsrun(self, store: StateStore, token: int) -> None:
        store.begin_step(DEV, step(1), 1.0, token)
        store.end_step(DEV, step(1, outcome="failed"), 2.0, [], token)
        store.begin_step(DEV, step(1), 3.0, token)
        assert store.recorded(DEV).interrupted == (step(1),)
        store.end_step(DEV, step(1, outcome="done"), 7.0, [], token)
        assert store.recorded(DEV).durations == {"model.subscriber:train": (4.0,)}

    def test_a_step_without_a_begin_may_end(self, store: StateStore, token: int) -> None:
        store.end_step(DEV, step(1, outcome="done"), 1.0, [PutResource(record=record())], token)
        recorded = store.recorded(DEV)
        assert recorded.resources == {ADDRESS: record()}
        assert recorded.interrupted == ()
        assert recorded.durations == {}

    def test_the_last_twenty_durations_of_done_steps_are_kept(self, store: StateStore, token: int) -> None:
        for number in range(25):
            store.begin_step(DEV, step(number), 0.0, token)
            store.end_step(DEV, step(number, outcome="done"), float(number), [], token)
        store.begin_step(DEV, step(99), 0.0, token)
        store.end_step(DEV, step(99, outcome="failed"), 1000.0, [], token)
        expected = tuple(float(number) for number in range(5, 25))
        assert store.recorded(DEV).durations == {"model.subscriber:train": expected}
        assert store.recorded(PROD).durations == {}

    def test_a_step_that_says_how_long_it_worked_is_believed(self, store: StateStore, token: int) -> None:
        store.begin_step(DEV, step(1), 0.0, token)
        store.end_steps(DEV, [StepEnd(entry=step(1, outcome="done"), at=60.0, seconds=2.5)], token)
        assert store.recorded(DEV).durations == {"model.subscriber:train": (2.5,)}

    def test_runs_are_newest_first(self, store: StateStore) -> None:
        for number in range(5):
            store.begin_run(run(f"run-{number}", float(number)))
        store.begin_run(replace(run("other"), environment=PROD))
        store.finish_run("run-4", "done", 9.5)
        newest, *rest = store.runs(DEV, 3)
        assert newest == replace(run("run-4", 4.0), finished=9.5, outcome="done")
        assert rest == [run("run-3", 3.0), run("run-2", 2.0)]
        assert store.runs(PROD) == (replace(run("other"), environment=PROD),)

    def test_a_run_keeps_what_its_plan_predicted(self, store: StateStore) -> None:
        predictions = (
            Estimate(p50=10.5, p90=15.0, runs=4),
            Estimate(p50=0.0, p90=0.25, runs=1, basis="kin"),
            Estimate(p50=None, p90=None, runs=0),
            None,
        )
        for number, predicted in enumerate(predictions):
            store.begin_run(replace(run(f"run-{number}", float(number)), predicted=predicted))
        store.finish_run("run-0", "done", 12.0)
        assert [one.predicted for one in reversed(store.runs(DEV))] == list(predictions)
        assert [one.id for one in store.runs(DEV, 1)] == ["run-3"]

    def test_where_a_moved_resource_keeps_its_files_comes_back(self, store: StateStore, token: int) -> None:
        moved, unmoved = replace(record(), place="model.once@north"), replace(record(OTHER), place="")
        store.write(DEV, [PutResource(record=moved), PutResource(record=unmoved)], token)
        found = store.recorded(DEV).resources
        assert (found[ADDRESS].place, found[OTHER].place) == ("model.once@north", "")

    def test_resources_with_keys_are_told_apart(self, store: StateStore, token: int) -> None:
        north, south = (replace(ADDRESS, key=key) for key in ("north", "south"))
        mutations = [PutResource(record=record(one, owner=one.key)) for one in (ADDRESS, north, south)]
        store.write(DEV, [*mutations, PutVersion(version=version(address=north))], token)
        store.write(DEV, [RemoveResource(address=south)], token)
        recorded = store.recorded(DEV)
        assert recorded.resources == {ADDRESS: record(owner=""), north: record(north, owner="north")}
        assert list(recorded.versions) == [north]
        store.begin_step(DEV, replace(step(), address=north), 1.0, token)
        store.end_step(DEV, replace(step(outcome="done"), address=north), 3.0, [], token)
        assert store.recorded(DEV).durations == {'model.subscriber["north"]:train': (2.0,)}

    # Locks

    def test_a_held_lock_is_refused_with_the_holders_name(self, store: StateStore) -> None:
        taken = store.acquire(DEV, holder("run-1"))
        words = ("ann", "here", "run-1", str(os.getpid()), "2023-11-14 22:13:20", "taken over")
        with refused(ExitCode.TIMEOUT, *words):
            store.acquire(DEV, holder("run-2"))
        assert store.holders() == {DEV: taken}
        assert store.acquire(PROD, holder("run-2")).run == "run-2"

    def test_tokens_of_an_environment_only_grow(self, store: StateStore) -> None:
        tokens = []
        for number in range(3):
            tokens.append(store.acquire(DEV, holder(f"run-{number}")).token)
            store.release(DEV, tokens[-1])
        tokens.append(store.acquire(DEV, holder()).token)
        store.force_release(DEV)
        tokens.append(store.acquire(DEV, holder()).token)
        assert tokens == sorted(set(tokens))

    def test_a_dead_holder_on_the_same_host_is_taken_over_at_once(self, store: StateStore) -> None:
        store.acquire(DEV, holder("dead", pid=dead_pid()))
        assert store.acquire(DEV, holder("run-2")).run == "run-2"
        assert store.holders()[DEV].run == "run-2"

    def test_a_holder_from_before_the_host_was_started_anew_is_dead(self, store: StateStore) -> None:
        store.acquire(DEV, holder("before", boot="boot-0"))
        assert store.acquire(DEV, holder("run-2")).run == "run-2"

    def test_a_holder_on_another_host_counts_as_alive(self, store: StateStore) -> None:
        store.acquire(DEV, holder("far", pid=dead_pid(), host="there", boot="boot-0"))
        with refused(ExitCode.TIMEOUT, "there"):
            store.acquire(DEV, holder("run-2"))
        assert store.acquire(DEV, holder("run-2"), alive=False).run == "run-2"

    def test_writes_without_the_lock_are_refused(self, store: StateStore, token: int) -> None:
        store.begin_step(DEV, step(1), 1.0, token)
        newer = store.acquire(DEV, holder("run-2"), alive=False).token
        self._nothing_is_written(store, token, "run-2")
        store.release(DEV, token)
        store.write(DEV, [], newer)
        store.release(DEV, newer)
        self._nothing_is_written(store, newer, "Nobody")
        with refused(ExitCode.TIMEOUT):
            store.write(PROD, [], newer)

    def _nothing_is_written(self, store: StateStore, token: int, *words: str) -> None:
        before = store.recorded(DEV)
        put = (PutResource(record=record()),)
        with refused(ExitCode.TIMEOUT, *words):
            store.begin_step(DEV, step(2), 1.0, token)
        with refused(ExitCode.TIMEOUT, *words):
            store.end_step(DEV, step(1, outcome="done"), 2.0, put, token)
        with refused(ExitCode.TIMEOUT, *words):
            store.end_steps(DEV, [StepEnd(entry=step(1, outcome="done"), at=2.0, mutations=put)], token)
        with refused(ExitCode.TIMEOUT, *words):
            store.write(DEV, put, token)
        assert store.recorded(DEV) == before

    def test_a_broken_lock_stops_its_holder(self, store: StateStore, token: int) -> None:
        broken = store.force_release(DEV)
        assert broken is not None
        assert broken.token == token
        assert store.holders() == {}
        assert store.force_release(DEV) is None
        with refused(ExitCode.TIMEOUT):
            store.write(DEV, [], token)

    def test_of_many_who_want_a_lock_one_gets_it(self, tmp_path: Path) -> None:
        def want(number: int) -> int | None:
            with closing(self.open(tmp_path)) as store:
                try:
                    return store.acquire(DEV, holder(f"run-{number}")).token
                except OrdainError:
                    return None

        self.open(tmp_path).close()
        with ThreadPoolExecutor(8) as pool:
            won = [token for token in pool.map(want, range(16)) if token is not None]
        assert len(won) == 1
