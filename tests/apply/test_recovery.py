import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ordain.api import Address, ExitCode
from ordain.apply.local import LocalExecutor
from ordain.apply.recovery import settle
from ordain.apply.run import Live
from ordain.state.sqlite import open_store
from ordain.testing.executor import eventually
from ordain.values.record import JournalEntry
from ordain.values.resource import RunOptions

ENGINE = Path(__file__).parent / "support" / "engine.py"


def engine(root, boundary=-1):
    return subprocess.run(
        [sys.executable, str(ENGINE), str(root), str(boundary)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def outcome(root):
    """What an apply leaves: records without the run that made them, versions, and what heavy steps did."""
    with closing(open_store(root / ".ordain" / "state.db", create=False)) as store:
        recorded = store.recorded("dev")
    assert recorded.interrupted == ()
    resources = {address: replace(record, run="") for address, record in recorded.resources.items()}
    specs = {
        address: replace(record, spec={**record.spec, "mark": ""}, fingerprint=None)
        for address, record in resources.items()
    }
    marks = [line.rsplit(" ", 1)[0] for line in (root / "mark").read_text().splitlines()]
    heavy = sorted(mark for mark in marks if "deploy" not in mark)
    return specs, recorded.versions, heavy


@pytest.mark.slow
def test_a_kill_at_any_boundary_costs_nothing(tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    assert engine(whole).returncode == ExitCode.DONE
    expected = outcome(whole)
    assert expected[2] == ["begin probe.b:make", "begin probe.c:train", "end probe.b:make", "end probe.c:train"]
    boundary, recovered = 0, []
    while True:
        root = tmp_path / f"killed-{boundary}"
        root.mkdir()
        killed = engine(root, boundary)
        if killed.returncode == ExitCode.DONE:
            break
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        again = engine(root)
        assert again.returncode == ExitCode.DONE, again.stderr
        assert outcome(root) == expected, (boundary, again.stdout)
        recovered += again.stdout.splitlines()
        boundary += 1
    assert boundary > 10
    assert {"probe.b:make done", "probe.c:train done"} <= set(recovered)
    assert any(line.endswith("abandoned") for line in recovered)


def test_a_kill_while_settling_costs_nothing_either(tmp_path):
    whole = tmp_path / "whole"
    whole.mkdir()
    assert engine(whole).returncode == ExitCode.DONE
    for boundary in (0, 1):
        root = tmp_path / f"killed-{boundary}"
        root.mkdir()
        assert engine(root, 5).returncode == -signal.SIGKILL
        assert engine(root, boundary).returncode == -signal.SIGKILL
        again = engine(root)
        assert again.returncode == ExitCode.DONE, again.stderr
        assert outcome(root) == outcome(whole)


def begin(world, make, spec, run=None):
    """Begin a heavy step as an engine does that then dies."""
    change = make.change("probe.a", spec, run=run)
    (step,) = make.steps([change], {"probe.a": ["train*"]})
    entry = JournalEntry(run="run-0", step=step.id, key=step.key, address=step.address, operation=step.operation)
    world.store.begin_step("dev", entry, 1.0, world.token)
    dead = LocalExecutor(world.home)
    dead.submit(make.request(world.root, step, change), {}, lambda progress: None)
    return entry


def test_a_step_that_still_runs_is_waited_for(world, make):
    mark = world.root / "mark"
    entry = begin(world, make, {"seconds": 0.6, "value": 5, "mark": str(mark)})
    eventually(mark.exists)
    (report,) = settle(world.context(), world.recorded.interrupted)
    assert (report.step, report.status) == (entry.step, "done")
    record = world.recorded.resources[entry.address]
    assert record.outputs == {"value": 5} and record.run == "run-0"
    assert world.live.resources == {entry.address: record}
    kinds = [event.type.value for event in world.events]
    assert kinds == ["step-progress", "step-recovered"]
    assert world.recorded.interrupted == () and not list((world.home / "work").iterdir())


def test_a_failure_and_a_refusal_are_settled_as_such(world, make):
    begin(world, make, {"do": "fail"})
    (report,) = settle(world.context(), world.recorded.interrupted)
    assert report.status == "failed" and [one.code for one in report.diagnostics] == ["probe-failed"]
    begin(world, make, {"do": "reject"})
    (report,) = settle(world.context(), world.recorded.interrupted)
    assert report.status == "rejected"
    address = Address.parse("probe.a")
    assert list(world.recorded.versions) == [address] and world.recorded.resources == {}


def test_a_process_that_was_killed_too_is_abandoned(world, make):
    mark = world.root / "mark"
    begin(world, make, {"seconds": 60, "mark": str(mark)})
    eventually(lambda: mark.exists() and mark.read_text().endswith("\n"))
    os.kill(int(mark.read_text().split()[-1]), signal.SIGKILL)
    eventually(lambda: world.executor.attach("probe-a-train", lambda progress: None) is None)
    (report,) = settle(world.context(), world.recorded.interrupted)
    assert report.status == "abandoned" and world.events == []
    assert world.recorded.interrupted == () and world.recorded.resources == {}


def test_who_will_not_wait_leaves_the_step_running(world, make):
    until = world.root / "until"
    begin(world, make, {"until": str(until), "value": 5})
    threading.Timer(0.2, world.stop.set).start()
    (report,) = settle(world.context(), world.recorded.interrupted)
    assert report.status == "interrupted" and not until.exists()  # who waits for the step waits for ever
    assert len(world.recorded.interrupted) == 1
    world.stop.clear()
    until.touch()
    (report,) = settle(world.context(), world.recorded.interrupted)
    assert report.status == "done"


def test_a_light_step_with_a_timeout_is_found_too(world, make):
    change = make.change("probe.a", {"value": 1}, run=RunOptions(timeout=60))
    (step,) = make.steps([change])
    entry = JournalEntry(run="run-0", step=step.id, key=step.key, address=step.address, operation=step.operation)
    world.store.begin_step("dev", entry, 1.0, world.token)
    LocalExecutor(world.home).submit(make.request(world.root, step, change), {}, lambda progress: None).result(30)
    (report,) = settle(world.context(), world.recorded.interrupted)
    assert report.status == "done"


def test_nothing_interrupted_nothing_done(world):
    serial = world.store.head().serial
    assert settle(world.context(), ()) == ()
    assert world.store.head().serial == serial and Live(world.recorded).resources == {}
