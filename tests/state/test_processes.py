"""Several processes on one state: killed writers, races for the lock and for making the state."""

import os
import signal
from contextlib import closing
from pathlib import Path

import pytest

from ordain.api.store import PutResource
from ordain.state import host
from ordain.state.sqlite import open_store
from ordain.testing.samples import DEV, record, refused
from ordain.values.diagnostic import ExitCode

BIRTH = host.birth
on_linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are only known by their id here")

WRITER = """
token = store.acquire("dev", me).token
for number in range(100_000):
    entry = replace(step(number), address=replace(ADDRESS, name=f"m{number}"))
    store.begin_step("dev", entry, float(number), token)
    put = [PutResource(record=record(replace(ADDRESS, name=f"m{number}-{part}"))) for part in ("a", "b")]
    store.end_step("dev", replace(entry, outcome="done"), number + 1.0, put, token)
    print(number, flush=True)
"""


@pytest.mark.parametrize("steps", [1, 3, 20, 100])
def test_a_killed_writer_leaves_a_whole_prefix(program, path, steps):
    writer = program(WRITER)
    acknowledged = -1
    while acknowledged < steps:
        acknowledged = int(writer.stdout.readline())
    writer.kill()
    # Not communicate(): it reads past what readline() has buffered.
    acknowledged = int([str(acknowledged), *writer.stdout.read().split()][-1])
    writer.wait()
    with closing(open_store(path, create=False)) as store:
        recorded = store.recorded(DEV)
        done = len(recorded.resources) // 2
        expected = {f"m{number}-{part}" for number in range(done) for part in ("a", "b")}
        assert {address.name for address in recorded.resources} == expected
        assert done in (acknowledged + 1, acknowledged + 2)  # all that was acknowledged; the last may be in between
        assert [entry.step for entry in recorded.interrupted] in ([], [f"step-{done}"])
        assert recorded.head.serial == 2 * done + len(recorded.interrupted)
        assert len(recorded.durations) == done
        # What was killed holds the lock no more, and the next run can go on.
        token = store.acquire(DEV, holder_here("run-2")).token
        store.write(DEV, [PutResource(record=record())], token)


def holder_here(run):
    return host.this_process(run=run, actor="ben", started=1.0)


@on_linux
def test_a_living_process_keeps_its_lock_and_a_killed_one_does_not(program, path):
    other = program("print(store.acquire('dev', me).token, flush=True); sys.stdin.readline()")
    assert other.stdout.readline() == "1\n"
    with closing(open_store(path, create=True)) as store:
        with refused(ExitCode.TIMEOUT, "ann", str(other.pid)):
            store.acquire(DEV, holder_here("run-2"))
        other.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet collected: a zombie
        assert store.acquire(DEV, holder_here("run-2")).token == 2


@on_linux
def test_a_later_process_with_the_same_id_is_another(path, monkeypatch):
    with closing(open_store(path, create=True)) as store:
        with monkeypatch.context() as patch:
            patch.setattr(host, "birth", lambda pid: BIRTH(pid) + "0")  # as a process that started later
            store.acquire(DEV, holder_here("run-1"))
        assert store.acquire(DEV, holder_here("run-2")).run == "run-2"


@on_linux
def test_a_process_of_another_container_cannot_be_judged(path, monkeypatch):
    with closing(open_store(path, create=True)) as store:
        with monkeypatch.context() as patch:
            patch.setattr(host, "birth", lambda pid: "pid:[1]/7")
            store.acquire(DEV, holder_here("run-1"))
        with refused(ExitCode.TIMEOUT, "run-1"):
            store.acquire(DEV, holder_here("run-2"))


def test_a_stale_writer_in_another_process_is_refused(program, path):
    other = program(
        "token = store.acquire('dev', me).token; print('ready', flush=True); sys.stdin.readline()\n"
        "try: store.write('dev', [PutResource(record=record())], token)\n"
        "except OrdainError as error: print(error.exit, error.diagnostics[0].code)",
    )
    assert other.stdout.readline() == "ready\n"
    with closing(open_store(path, create=True)) as store:
        store.force_release(DEV)
        out, err = other.communicate("\n")
        assert (out, err) == ("9 lock-lost\n", "")
        assert store.recorded(DEV).resources == {}


def test_processes_that_take_turns_lose_nothing(program, path):
    source = """
done = 0
while done < 25:
    try:
        held = store.acquire("dev", me)
    except OrdainError:
        continue
    address = replace(ADDRESS, name="counter")
    found = store.recorded("dev").resources.get(address)
    count = found.spec["count"] + 1 if found else 1
    store.write("dev", [PutResource(record=replace(record(address), spec={"count": count}))], held.token)
    store.release("dev", held.token)
    done += 1
print("done")
"""
    writers = [program(source, f"run-{number}") for number in range(3)]
    assert [writer.communicate() for writer in writers] == [("done\n", "")] * 3
    with closing(open_store(path, create=False)) as store:
        ((_, counter),) = store.recorded(DEV).resources.items()
        assert counter.spec == {"count": 75}
        assert store.head().serial == 75
        assert store.holders() == {}


def test_processes_that_make_the_state_together_agree(program, path):
    makers = [program("print(store.head().lineage)", f"run-{number}") for number in range(4)]
    lineages = {maker.communicate()[0] for maker in makers}
    assert len(lineages) == 1
    # No drafts. SQLite itself may leave its log where the last two close at the same moment.
    assert {p.name for p in path.parent.iterdir()} - {"state.db-wal", "state.db-shm"} == {"state.db"}


@on_linux
def test_this_process_is_alive_and_knows_itself():
    me = holder_here("run")
    assert (me.pid, me.host) == (os.getpid(), host.host_name())
    assert host.alive(me.pid, host.birth(me.pid))
    assert host.alive(me.pid, "")
    assert host.birth(me.pid) == host.birth(me.pid) != ""
    assert not host.alive(0, "")
    assert not host.alive(-1, "")
    assert host.birth(2**22 + 1) == ""
