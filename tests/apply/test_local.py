import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from ordain.api import ExitCode, OrdainError
from ordain.apply import folder
from ordain.apply.local import LocalExecutor
from ordain.apply.worker import perform
from ordain.testing.executor import ExecutorContract, eventually
from ordain.testing.trial import request


class TestLocal(ExecutorContract):
    def open(self, place):
        return LocalExecutor(place / ".ordain")


@pytest.fixture
def executor(tmp_path):
    executor = LocalExecutor(tmp_path / ".ordain")
    yield executor
    executor.close()


def quiet(progress):
    return None


def limited(asked, **run):
    return replace(asked, change=replace(asked.change, run=replace(asked.change.run, **run)))


def test_a_running_step_is_not_started_twice(executor, tmp_path):
    asked = request(tmp_path, {"seconds": 1.0}, heavy=True)
    future = executor.submit(asked, {}, quiet)
    with pytest.raises(OrdainError, match="running already"):
        executor.submit(asked, {}, quiet)
    assert future.result(30).result is not None


def test_a_process_that_got_no_secrets_does_nothing(tmp_path):
    """The engine was killed between starting a process and handing it its secrets."""
    mark = tmp_path / "mark"
    home = tmp_path / ".ordain"
    for given in (b"", b'{"secret.X": "ha'):
        place = folder.work(home, "key-1")
        place.mkdir(parents=True, exist_ok=True)
        lock = folder.hold(place)
        folder.prepare(place, request(tmp_path, {"mark": str(mark)}, heavy=True))
        command = [sys.executable, "-P", "-m", "ordain.apply.process", str(place), str(lock)]
        subprocess.run(command, input=given, pass_fds=(lock,), check=True)
        os.close(lock)
        assert not mark.exists()
        assert LocalExecutor(home).attach("key-1", quiet) is None


def test_memory_is_limited(executor, tmp_path, make):
    asked = make.request(tmp_path, *step_of(make, {"do": "memory"}))
    outcome = executor.submit(limited(asked, memory=2**30), {}, quiet).result(30)
    (problem,) = outcome.diagnostics
    assert problem.code == "out-of-memory" and "1,073,741,824 bytes" in problem.detail


def step_of(make, spec):
    change = make.change("probe.a", spec)
    return make.steps([change])[0], change


def test_cores_are_limited(executor, tmp_path):
    asked = limited(request(tmp_path, {"seconds": 1.0, "mark": str(tmp_path / "mark")}), cpu=0.5)
    future = executor.submit(asked, {}, quiet)
    eventually(lambda: (tmp_path / "mark").exists() and "begin" in (tmp_path / "mark").read_text())
    seen = os.sched_getaffinity(int((tmp_path / "mark").read_text().split()[1]))
    assert len(seen) == 1
    assert future.result(30).result is not None


def test_a_process_of_its_own_session_reads_no_modules_from_where_it_runs(executor, tmp_path, monkeypatch):
    (tmp_path / "orjson.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    assert executor.submit(request(tmp_path, {}, heavy=True), {}, quiet).result(30).result is not None


def test_what_a_light_step_waits_for_can_be_taken_back(tmp_path):
    executor = LocalExecutor(tmp_path / ".ordain", parallelism=1)
    first = executor.submit(request(tmp_path, {"seconds": 0.3}, key="k1"), {}, quiet)
    second = executor.submit(request(tmp_path, {}, key="k2"), {}, quiet)
    executor.cancel("k2")
    assert second.cancelled() and first.result(30).result is not None
    executor.close()


def test_a_timeout_counts_from_the_begin_also_for_a_later_engine(tmp_path):
    first = LocalExecutor(tmp_path / ".ordain")
    first.submit(limited(request(tmp_path, {"seconds": 60.0}, heavy=True), timeout=2.0), {}, quiet)
    later = LocalExecutor(tmp_path / ".ordain")
    started = time.monotonic()
    outcome = later.attach("key-1", quiet).result(30)
    assert time.monotonic() - started < 20
    assert [one.exit for one in outcome.diagnostics] == [ExitCode.TIMEOUT]


def test_a_folder_of_another_ordain_is_as_good_as_none(executor, tmp_path):
    place = folder.work(tmp_path / ".ordain", "key-1")
    place.mkdir(parents=True)
    (place / folder.REQUEST).write_text('{"from": "the future"}')
    assert executor.attach("key-1", quiet) is None and executor.request("key-1") is None


def test_what_is_kept_is_for_its_owner_only(executor, tmp_path):
    executor.submit(request(tmp_path, {"do": "break"}, heavy=True), {}, quiet).result(30)
    files = [path for path in (tmp_path / ".ordain").rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"request.json", "result.json", "key-1.log"}
    open_to_others = [path for path in files if path.stat().st_mode & 0o077 and path.name != "progress"]
    assert open_to_others == []


def test_old_logs_and_folders_left_behind_go(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "KEPT_LOGS", 2)
    for number in range(4):
        folder.write_log(tmp_path, f"k{number}", "x")
        os.utime(folder.log_path(tmp_path, f"k{number}"), (number, number))
    for name in ("old", "held", "new"):
        folder.work(tmp_path, name).mkdir(parents=True)
    lock = folder.hold(folder.work(tmp_path, "held"))
    for name in ("old", "held"):
        os.utime(folder.work(tmp_path, name), (0, 0))
    LocalExecutor(tmp_path).close()
    os.close(lock)
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["k2.log", "k3.log"]
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["held", "new"]


def test_many_processes_at_once(executor, tmp_path):
    futures = [executor.submit(request(tmp_path, {"value": n}, key=f"k{n}", heavy=True), {}, quiet) for n in range(6)]
    assert [future.result(60).result.outputs["value"] for future in futures] == list(range(6))
    assert threading.active_count() < 50


@pytest.mark.parametrize("name", ["../../elsewhere", "a/b", "", ".", "..", "-P", "a" * 129, "a\n"])
def test_a_plan_file_leads_nowhere_else(executor, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    asked = request(tmp_path, {}, key=name, heavy=True)
    for call in (lambda: executor.submit(asked, {}, quiet), lambda: executor.forget(name), lambda: executor.logs(name)):
        with pytest.raises(OrdainError, match="cannot be the name of a folder"):
            call()
    inside = replace(request(tmp_path, {}), environment=name)
    (problem,) = perform(inside, {}, quiet).diagnostics
    assert problem.code == "unsafe-name" and elsewhere.exists()
