"""A real server: comes up, answers, is seen, dies, comes back, changes over, goes; and never harms a stranger."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ordain.api import Address, ExitCode, Fingerprint, OrdainError, ResourceRecord
from ordain.testing.executor import eventually
from ordain_serving.generation import generation
from ordain_serving.process import Process, current, start_of
from ordain_serving.target import PORTS, _config, _port, _start, seconds

ROWS = {"rows": [{"age": 30, "balance": 1.5}]}


RECORD = ResourceRecord(
    address=Address(kind="deployment", name="subscriber-api"),
    kind="Deployment",
    provider="http",
    spec={},
    fingerprint=Fingerprint(build="", judge="", serve="", record=""),
)


def gone(pid: int) -> bool:
    return start_of(pid) is None


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: gone(pid))


def test_the_life_of_a_server(world) -> None:
    result = world.deploy("v1")
    assert result.outputs == {"url": f"http://127.0.0.1:{world.port}", "version": "v1"}
    assert world.port in PORTS
    assert set(result.private) == {"pid", "started", "boot", "host", "bind", "port", "identity"}

    status, body, headers = world.ask("POST", "/predict", ROWS)
    assert (status, body["version"], headers["x-ordain-version"]) == (200, "v1", "v1")
    assert body["predictions"] == [{"prediction": "yes", "probabilities": {"no": 0.0, "yes": 1.0}}]
    seen = world.look().facts
    assert (seen["running"], seen["version"], seen["url"], seen["detail"]) == (True, "v1", result.outputs["url"], "")

    port, pid = world.port, world.pid
    kill(pid)
    seen = world.look().facts
    assert seen["running"] is False
    assert seen["detail"] == f"server on 127.0.0.1:{port} does not answer (process {pid} is gone)"

    again = world.deploy("v1")
    assert again.outputs == result.outputs  # on the same port
    assert world.pid != pid
    assert world.look().facts["running"] is True

    last = world.pid
    world.remove()
    assert gone(last)
    assert world.look().facts["running"] is False
    assert list(world.private.iterdir()) == []
    world.remove()


def test_a_server_is_on_its_own(world, monkeypatch) -> None:
    monkeypatch.setenv("ORDAIN_VAR_password", "planted-secret")
    world.deploy()
    assert os.getsid(world.pid) == world.pid
    environment = Path(f"/proc/{world.pid}/environ").read_bytes()
    assert b"planted-secret" not in environment
    ours = {os.readlink(f"/proc/{world.pid}/fd/{number}") for number in os.listdir(f"/proc/{world.pid}/fd")}
    held = {target for target in ours if target.startswith("/") and not target.startswith("/dev/null")}
    assert all(str(world.private) in target for target in held), held
    for path in world.private.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_new_version_replaces_the_old_on_the_same_port_with_hardly_a_gap(world) -> None:
    world.deploy("v1")
    first, port = world.pid, world.port
    answered: list[bool] = []
    done = threading.Event()

    def knock() -> None:
        while not done.is_set():
            try:
                world.ask("GET", "/health/ready")
                answered.append(True)
            except OSError:
                answered.append(False)
            time.sleep(0.01)

    knocking = threading.Thread(target=knock)
    knocking.start()
    try:
        world.deploy("v2", {"bias": -100, "sleep": 0.7})
    finally:
        done.set()
        knocking.join()
    assert answered.count(True) > len(answered) / 2  # it loads for 0.7 s; only the change-over itself may refuse
    assert world.port == port
    assert gone(first)
    status, body, _ = world.ask("POST", "/predict", ROWS)
    assert (status, body["version"], body["predictions"][0]["prediction"]) == (200, "v2", "no")
    assert len(list((world.private / "servers").iterdir())) == 1
    assert any("loading v2" in word for word in world.said)


def test_the_same_step_again_changes_nothing(world) -> None:
    first = world.deploy("v1", key="k")
    again = world.deploy("v1", key="k")
    assert again.private == first.private
    third = world.deploy("v1", key="another")
    assert third.private["pid"] != first.private["pid"]
    assert third.outputs == first.outputs


@pytest.mark.parametrize("waits", [True, False])
def test_a_step_cut_off_after_the_start_is_taken_up(world, waits) -> None:
    """A crash right after the start left a server that nobody recorded, and that may not have said a word yet."""
    call = world.call("deploy", world.model("v1", {"bias": 0, "sleep": 0.5}), "k")
    config = _config(call)
    one = generation(world.private, config.identity)
    started = _start(one, replace(config, port=_port(call, config)))
    while waits and not one.alive:
        time.sleep(0.01)
    result = world.target.deploy(call)
    assert result.private["pid"] == started.pid or not waits
    world.record = replace(RECORD, outputs=result.outputs, private=result.private)
    assert world.look().facts["running"] is True
    assert started.alive == (result.private["pid"] == started.pid)  # never two of them
    assert len(list((world.private / "servers").iterdir())) == 1


def test_an_orphan_of_another_step_is_replaced(world) -> None:
    world.deploy("v1")
    orphan, world.record = world.pid, None  # the crash came before the record
    world.deploy("v2")
    assert gone(orphan)
    assert world.look().facts["version"] == "v2"


@pytest.mark.parametrize(
    ("content", "word", "patience"),
    [
        (b"\x80garbage", "the model cannot be read", "60s"),
        ({"exit": True}, "its process ended", "60s"),
        ({"no": "bias"}, "KeyError", "60s"),
        ({"bias": 0, "sleep": 30}, "startup_timeout", "2s"),
    ],
)
def test_a_model_that_does_not_load_leaves_the_old_version_alone(world, content, word, patience) -> None:
    world.deploy("v1")
    pid, record = world.pid, world.record
    with pytest.raises(OrdainError) as caught:
        world.deploy("v2", content, startup_timeout=patience)
    (problem,) = caught.value.diagnostics
    assert problem.exit is ExitCode.STEP_FAILED
    assert "v2" in problem.summary
    assert word in problem.detail
    assert "v1 keeps serving" in problem.detail
    assert world.record is record
    assert (world.pid, world.look().facts["running"]) == (pid, True)
    assert len(list((world.private / "servers").iterdir())) == 1


def test_an_artifact_that_was_tampered_with_is_not_loaded(world) -> None:
    model = world.model("v1", {"bias": 0})
    world.store.fetch(str(model.facts["artifact"])).write_bytes(b'{"bias": 1}')
    with pytest.raises(OrdainError, match="did not come up") as caught:
        world.target.deploy(world.call("deploy", model))
    assert "not what its digest says" in caught.value.diagnostics[0].detail
    assert list((world.private / "servers").iterdir()) == []


def test_a_new_server_that_never_answers_brings_the_old_one_back(world) -> None:
    """It loads, but the port it shall have is taken by a stranger just when the old one let go of it."""
    world.deploy("v1")
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", 0))
        port = stranger.getsockname()[1]
        world.hear = lambda message: stranger.listen() if "loading" in message else None
        with pytest.raises(OrdainError) as caught:
            world.deploy("v2", port=port, startup_timeout="8s")
    detail = caught.value.diagnostics[0].detail
    assert "v1 answers again" in detail
    assert world.look().facts["running"] is True
    assert world.ask("POST", "/predict", ROWS)[1]["version"] == "v1"
    world.remove()  # also where another process answers than the one recorded
    assert world.look().facts["running"] is False


def test_a_taken_port_is_named_before_anything_starts(world) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        with pytest.raises(OrdainError, match=f"nothing can listen on 127.0.0.1:{port}") as caught:
            world.deploy(port=port)
    assert caught.value.diagnostics[0].fix
    assert not (world.private / "servers").exists()


def test_a_port_that_was_chosen_moves_where_a_stranger_took_it(world) -> None:
    world.deploy()
    port = world.port
    kill(world.pid)
    with socket.create_server(("127.0.0.1", port)):
        seen = world.look().facts
        assert (seen["running"], seen["foreign"]) == (False, True)
        world.deploy()
        assert world.port != port
    assert world.look().facts["running"] is True


def test_a_stranger_with_the_recorded_process_id_is_not_killed(world) -> None:
    world.deploy()
    kill(world.pid)
    dead = world.record.private
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        world.record = replace(world.record, private={**dead, "pid": stranger.pid})
        for status in (world.private / "servers").glob("*/server.json"):
            status.write_bytes(status.read_bytes().replace(b'"pid":', b'"pid":%d,"x":' % stranger.pid))
        assert "is gone" in str(world.look().facts["detail"])
        world.deploy()
        world.record = replace(world.record, private={**dead, "pid": stranger.pid})
        world.remove()
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")


def test_what_look_tells_apart(world) -> None:
    world.deploy("v1")
    assert world.look(identity="x").facts["detail"] == (
        f"another program holds 127.0.0.1:{world.port} (process {world.pid} still runs)"
    )
    assert world.look(boot="another boot", port=1).facts["detail"] == (
        f"server on 127.0.0.1:1 does not answer (the host was started again since, process {world.pid} is gone)"
    )
    elsewhere = world.look(host="build-7", pid=2).facts
    assert (elsewhere["running"], elsewhere["detail"]) == (None, "unknown: lives on host build-7")
    assert world.look(host="a former name of this host").facts["running"] is True
    os.kill(world.pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        hung = world.look().facts
        assert time.monotonic() - begun < 30
        assert f"did not answer within 1 s (process {world.pid} still runs)" in str(hung["detail"])
    finally:
        os.kill(world.pid, signal.SIGCONT)
    assert world.look().facts["running"] is True


def test_a_hung_server_is_replaced(world, monkeypatch) -> None:
    monkeypatch.setattr("ordain_serving.process.TERMINATE", 0.3)
    world.deploy("v1", key="k")
    hung = world.pid
    os.kill(hung, signal.SIGSTOP)
    world.deploy("v1", key="k")  # SIGTERM waits in a stopped process: it takes SIGKILL
    assert gone(hung)
    assert world.look().facts["running"] is True


def test_what_lives_elsewhere_is_not_removed_from_here(world) -> None:
    world.deploy()
    world.record = replace(world.record, private={**world.record.private, "host": "build-7", "pid": 2})
    with pytest.raises(OrdainError, match="lives on host build-7"):
        world.remove()
    assert world.ask("GET", "/health/live")[0] == 200


def test_relative_folders_are_as_good(world, monkeypatch) -> None:
    monkeypatch.chdir(world.root)
    monkeypatch.setenv("PYTHONPATH", os.path.relpath(os.environ["PYTHONPATH"]))
    world.root, world.store.folder = Path(), Path("artifacts")
    world.deploy("v1", key="k")
    assert world.look().facts["running"] is True
    first = world.pid
    assert world.deploy("v1", key="k").private["pid"] == first
    world.remove()
    assert gone(first)


def test_files_that_are_lost_do_not_lose_the_server(world) -> None:
    import shutil

    world.deploy()
    pid = world.pid
    shutil.rmtree(world.private)
    world.remove()
    assert gone(pid)


def test_what_was_asked_is_answered_before_it_ends(world) -> None:
    world.deploy()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(world.ask, "POST", "/predict", {"rows": [{"age": -815, "balance": 1}]})
        (log,) = (world.private / "servers").glob("*/server.log")
        eventually(lambda: "asked what takes its time" in log.read_text())
        os.kill(world.pid, signal.SIGTERM)
        assert slow.result()[0] == 200
    eventually(lambda: gone(world.pid))


def test_a_process_is_more_than_its_id() -> None:
    me = current()
    assert me.alive
    assert not replace(me, started="1").alive
    assert not replace(me, boot="another").alive
    assert Process.of({"pid": me.pid, "started": me.started, "boot": me.boot}) == me
    assert Process.of({"pid": "1", "started": "", "boot": ""}) is None


@pytest.mark.parametrize(("text", "value"), [("500ms", 0.5), ("20s", 20.0), ("2m", 120.0)])
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


def test_looking_imports_nothing_heavy() -> None:
    code = (
        "import sys, ordain_serving, ordain_serving.target;"
        "print(sorted({'pydantic','starlette','uvicorn','anyio','http.client','pandas','ssl'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
