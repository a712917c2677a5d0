"""Runs that do not end as they should: killed, interrupted, hanging, side by side."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ordain.api import ExitCode, dumps
from ordain_terraform import command, planning

SLOW = """\
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "touch %MARK%; while [ ! -e %MARK%.go ]; do sleep 0.05; done; touch %MARK%.done"
  }
}
"""


@pytest.fixture
def slow(lab, tmp_path):
    """Add a resource whose creation ends when it is let go; return the file that says it has begun."""

    def make():
        mark = tmp_path / "mark"
        lab.write("infra/bucket/slow.tf", SLOW.replace("%MARK%", str(mark)))
        return mark

    yield make
    let_go(tmp_path / "mark")  # whatever a failed test left behind


def let_go(mark):
    mark.with_name("mark.go").touch()


def wait_until(holds, seconds=300.0):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


@contextlib.contextmanager
def letting_go(mark):
    """Let the resource go a moment after the body has begun: what is in it has to wait, however fast it is."""
    timer = threading.Timer(0.3, let_go, (mark,))
    timer.start()
    try:
        yield
    finally:
        timer.join()


def wait_for(path):
    wait_until(path.exists)


APPLIES = """
import sys
from pathlib import Path
from ordain.api import Call, Change, OrdainError, Places, decode, loads
from ordain_terraform.driver import Terraform

class Store:
    def fetch(self, digest):
        return Path(sys.argv[5]) / digest.removeprefix("sha256:")

change = decode(Change, loads(Path(sys.argv[1]).read_bytes()))
call = Call(
    key=sys.argv[2], run="run", operation="apply", environment="dev", change=change, spec=loads(sys.argv[3]),
    places=Places(root=Path(sys.argv[4]), private=Path(sys.argv[6])), store=Store(), report=lambda progress: None,
)
try:
    Terraform().apply(call)
except KeyboardInterrupt:
    sys.exit(8)
except OrdainError:
    sys.exit(4)
"""


def apply_in_a_process(lab, key):
    """Apply as an executor's process would; return the process."""
    change = lab.root.parent / "change.json"
    change.write_bytes(dumps(lab.call(key=key).change))
    arguments = [change, key, json.dumps(lab.spec), lab.root, lab.store.folder, lab.private]
    return subprocess.Popen([sys.executable, "-c", APPLIES, *map(str, arguments)])


def running(path):
    """Return the processes whose command line names ``path``, a path below this test's own temporary folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(path).encode() in line:
                found.append(int(entry.name))
    return found


def test_a_killed_engine_leaves_terraform_to_finish_and_the_same_step_is_not_done_twice(lab, slow):
    mark = slow()
    lab.look()
    process = apply_in_a_process(lab, "the-key")
    wait_for(mark)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert running(lab.private), "Terraform went with its engine"
    with letting_go(mark):
        result = lab.apply(lab.call(key="the-key"))  # waits for the Terraform that outlived its engine
    assert mark.with_name("mark.done").exists()
    assert result.outputs["url"] == "eu-bucket"
    assert lab.look().facts["empty"] is True
    assert not [path.name for path in lab.private.iterdir() if path.name.startswith("apply-")]


def test_after_a_killed_engine_a_new_plan_waits_and_sees_what_was_done(lab, slow):
    mark = slow()
    lab.look()
    process = apply_in_a_process(lab, "the-key")
    wait_for(mark)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with letting_go(mark):
        assert lab.look().facts["empty"] is True
    assert lab.apply(lab.call(key="another-key")).outputs["url"] == "eu-bucket"


def test_after_terraform_itself_was_killed_the_rest_is_planned_and_done(lab, slow, refused):
    mark = slow()
    lab.look()
    process = apply_in_a_process(lab, "the-key")
    wait_for(mark)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for pid in running(lab.private) + running(mark):  # both are paths of this test's alone
        with contextlib.suppress(ProcessLookupError):  # a child goes by itself once its parent is gone
            os.kill(pid, signal.SIGKILL)
    diagnostic = refused(lab.apply, lab.call(key="the-key"))
    assert diagnostic.exit is ExitCode.STALE
    let_go(mark)
    assert lab.look().facts["empty"] is False
    lab.apply()
    assert lab.look().facts["empty"] is True


def test_an_interrupted_apply_lets_terraform_write_its_state(lab, slow):
    mark = slow()
    lab.look()
    process = apply_in_a_process(lab, "the-key")
    wait_for(mark)
    os.kill(process.pid, signal.SIGINT)
    let_go(mark)
    process.wait(300)
    assert process.returncode == 8
    held = json.loads((lab.private / "state" / "default.tfstate").read_text())
    assert {resource["name"] for resource in held["resources"]} >= {"bucket"}
    assert not running(lab.private)


def test_a_hanging_terraform_is_stopped_in_time_and_said_so(lab, slow, refused, monkeypatch):
    mark = slow()  # never let go: it ends because it is ended, or not at all
    lab.look()
    monkeypatch.setattr(command, "GRACE", 1.0)
    lab.timeout = 2.0
    diagnostic = refused(lab.apply)
    assert diagnostic.code == "terraform-timeout" and diagnostic.exit is ExitCode.TIMEOUT
    assert not mark.with_name("mark.done").exists()
    wait_until(lambda: not running(lab.private) and not running(mark))


def test_what_does_not_heed_an_interrupt_is_killed_with_all_it_started(tmp_path, monkeypatch):
    stubborn = tmp_path / "stubborn"
    ready = tmp_path / "ready"
    stubborn.write_text(
        f"#!/bin/sh\ntrap '' INT\n(while true; do sleep 0.1; done) &\ntouch {ready}\nwhile true; do sleep 0.1; done\n"
    )
    stubborn.chmod(0o755)
    monkeypatch.setattr(command, "GRACE", 0.3)
    clock = SimpleNamespace(monotonic=lambda: float(ready.exists()), sleep=time.sleep)  # time is up once it is ready
    monkeypatch.setattr(command, "time", clock)
    around = command.Surroundings(binary=str(stubborn), folder=tmp_path, env=dict(os.environ), scratch=tmp_path)
    finished = command.run(around, command.Command(words="plan", deadline=0.5))
    assert finished.timed_out and finished.code == -signal.SIGKILL
    wait_until(lambda: not running(stubborn))


def test_looks_side_by_side_do_not_meet(lab):
    labs = [lab, *(lab.sibling(f"env{number}", workspace="same") for number in range(3))]
    failed = []

    def look(one):
        try:
            one.look()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=look, args=(one,)) for one in labs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert [one.evidence.facts["outputs"]["workspace"]["value"] for one in labs] == ["default", "same", "same", "same"]
    assert lab.module_files() == ["infra", "infra/bucket", "infra/bucket/main.tf"]


def test_two_looks_at_one_resource_wait_for_each_other(lab):
    lab.look()
    threads = [threading.Thread(target=lab.look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lab.apply().outputs["url"] == "eu-bucket"


def test_a_state_that_another_terraform_holds_is_waited_for_and_then_named(lab, refused, monkeypatch):
    lab.settle()
    monkeypatch.setattr(planning, "LOCK_TIMEOUT", "0s")
    with open(lab.private / "state" / "default.tfstate", "r+b") as state:
        fcntl.lockf(state, fcntl.LOCK_EX)
        diagnostic = refused(lab.look)
    assert diagnostic.code == "terraform-locked" and diagnostic.exit is ExitCode.TIMEOUT
    assert lab.look().facts["empty"] is True


def test_the_lock_file_of_a_dead_terraform_is_no_lock(lab):
    lab.settle()
    (lab.private / "state" / ".default.tfstate.lock.info").write_text('{"ID": "dead"}')
    assert lab.look().facts["empty"] is True


def test_scratch_of_killed_runs_is_swept_away(lab):
    left = lab.private / "run-killed"
    left.mkdir()
    (left / "variables.tfvars.json").write_text("{}")
    lab.look()
    assert not left.exists()


def test_the_binary_may_be_named(lab):
    (lab.root / "tools").mkdir()
    (lab.root / "tools" / "mine").symlink_to(shutil.which("terraform"))
    lab.spec["binary"] = "tools/mine"
    assert lab.settle().outputs["url"] == "eu-bucket"
