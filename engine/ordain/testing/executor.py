"""The contract of an executor, as tests: an executor's author subclasses and runs them.

``class TestMine(ExecutorContract): def open(self, place): return MyExecutor(place)``, in a file that pytest collects.
"""

from __future__ import annotations

import os
import signal
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ordain.api import Executor, ExitCode, Progress, Secret, StepOutcome, StepRequest
from ordain.testing.trial import request

SECRET = "correct-horse-battery-staple"
SEALED = Secret(expression="${{ secret.CANARY }}", names=("secret.CANARY",), digest="d" * 32)
PATIENCE = 60.0
HEAVY = pytest.mark.parametrize("heavy", [False, True], ids=["light", "heavy"])


def eventually(true: Callable[[], bool]) -> None:
    """Wait until something holds; fail where it does not within a minute."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


class ExecutorContract:
    """What holds of every executor."""

    @abstractmethod
    def open(self, place: Path) -> Executor:
        """Return an executor for the project at ``place``; a second one for the same place attaches to the first's."""

    @pytest.fixture
    def executor(self, tmp_path: Path) -> Iterator[Executor]:
        with closing(self.open(tmp_path)) as executor:
            yield executor

    @pytest.fixture
    def mark(self, tmp_path: Path) -> Path:
        return tmp_path / "mark"

    @staticmethod
    def run(executor: Executor, asked: StepRequest, secrets: dict[str, str] | None = None) -> StepOutcome:
        return executor.submit(asked, secrets or {}, lambda progress: None).result(PATIENCE)

    @staticmethod
    def lines(mark: Path) -> list[str]:
        return [line.split()[0] for line in mark.read_text().splitlines()] if mark.exists() else []

    @HEAVY
    def test_a_step_gives_its_result(self, executor: Executor, tmp_path: Path, heavy: bool) -> None:
        outcome = self.run(executor, request(tmp_path, {"value": [1, {"a": 2.5}]}, heavy=heavy))
        assert outcome.diagnostics == () and outcome.seconds > 0
        assert outcome.result is not None
        assert outcome.result.outputs == {"value": [1, {"a": 2.5}]}

    @HEAVY
    def test_a_failure_is_an_outcome(self, executor: Executor, tmp_path: Path, heavy: bool) -> None:
        refused = self.run(executor, request(tmp_path, {"do": "refuse", "value": 7}, heavy=heavy))
        assert refused.result is None
        assert [(one.code, one.exit) for one in refused.diagnostics] == [("trial-refused", ExitCode.STALE)]
        broken = self.run(executor, request(tmp_path, {"do": "break", "value": 7}, heavy=heavy))
        assert broken.result is None
        assert [one.code for one in broken.diagnostics] == ["plugin-failed"]
        assert "Traceback" in executor.logs("key-1")

    @HEAVY
    def test_words_on_the_way_are_heard(self, executor: Executor, tmp_path: Path, heavy: bool) -> None:
        heard: list[Progress] = []
        executor.submit(request(tmp_path, {"value": 7}, heavy=heavy), {}, heard.append).result(PATIENCE)
        assert heard == [Progress(message="working with 7", fraction=0.5)]

    @HEAVY
    @pytest.mark.parametrize("do", ["give", "break", "refuse"])
    def test_a_secret_reaches_the_step_and_nothing_else(
        self, executor: Executor, tmp_path: Path, heavy: bool, do: str
    ) -> None:
        heard: list[Progress] = []
        asked = request(tmp_path, {"value": SEALED, "do": do, "loud": heavy}, heavy=heavy)
        outcome = executor.submit(asked, {"secret.CANARY": SECRET}, heard.append).result(PATIENCE)
        told = f"{heard} {executor.logs('key-1')} {outcome}"
        assert "(secret)" in told and SECRET not in told
        if do == "give":
            assert outcome.result is not None
            assert outcome.result.outputs == {"value": SEALED} and outcome.result.message == "used (secret)"
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert not [path for path in files if SECRET.encode() in path.read_bytes()]

    def test_what_a_heavy_step_prints_is_its_log(self, executor: Executor, tmp_path: Path) -> None:
        self.run(executor, request(tmp_path, {"value": 7, "loud": True}, heavy=True))
        assert "printed 7" in executor.logs("key-1")
        executor.forget("key-1")
        assert "printed 7" in executor.logs("key-1")
        assert executor.logs("key-2") == ""

    def test_a_result_is_there_until_it_is_forgotten(self, executor: Executor, tmp_path: Path) -> None:
        asked = request(tmp_path, {"value": 7}, heavy=True)
        outcome = self.run(executor, asked)
        with closing(self.open(tmp_path)) as later:
            found = later.attach("key-1", lambda progress: None)
            assert found is not None and found.result(PATIENCE) == outcome
            assert later.request("key-1") == asked
            later.forget("key-1")
            assert later.attach("key-1", lambda progress: None) is None
            assert later.request("key-1") is None
            later.forget("key-1")

    def test_nothing_is_known_of_another_key(self, executor: Executor) -> None:
        assert executor.attach("key-9", lambda progress: None) is None
        assert executor.request("key-9") is None
        executor.cancel("key-9")

    def test_a_running_step_outlives_its_executor(self, tmp_path: Path, mark: Path) -> None:
        first = self.open(tmp_path)
        first.submit(request(tmp_path, {"seconds": 1.0, "mark": str(mark)}, heavy=True), {}, lambda progress: None)
        eventually(lambda: self.lines(mark) == ["begin"])
        first.close()
        with closing(self.open(tmp_path)) as second:
            found = second.attach("key-1", lambda progress: None)
            assert found is not None
            outcome = found.result(PATIENCE)
            assert outcome.result is not None
            assert self.lines(mark) == ["begin", "end"]

    def test_a_cancelled_step_ends_and_says_so(self, executor: Executor, tmp_path: Path, mark: Path) -> None:
        asked = request(tmp_path, {"seconds": PATIENCE, "mark": str(mark)}, heavy=True)
        future = executor.submit(asked, {}, lambda progress: None)
        eventually(lambda: self.lines(mark) == ["begin"])
        executor.cancel("key-1")
        outcome = future.result(PATIENCE / 2)
        assert outcome.result is None
        assert [one.exit for one in outcome.diagnostics] == [ExitCode.INTERRUPTED]
        assert executor.attach("key-1", lambda progress: None) is None

    @HEAVY
    def test_a_step_is_held_to_its_timeout(self, executor: Executor, tmp_path: Path, heavy: bool) -> None:
        asked = request(tmp_path, {"seconds": PATIENCE}, heavy=heavy)
        change = replace(asked.change, run=replace(asked.change.run, timeout=1.0))
        started = time.monotonic()
        outcome = self.run(executor, replace(asked, change=change))
        assert outcome.result is None and time.monotonic() - started < PATIENCE / 2
        assert [one.exit for one in outcome.diagnostics] == [ExitCode.TIMEOUT]

    def test_a_step_that_dies_fails_alone(self, executor: Executor, tmp_path: Path, mark: Path) -> None:
        other = executor.submit(request(tmp_path, {"seconds": 0.5}, heavy=True, key="key-2"), {}, lambda progress: None)
        died = self.run(executor, request(tmp_path, {"do": "die"}, heavy=True))
        assert died.result is None and [one.exit for one in died.diagnostics] == [ExitCode.STEP_FAILED]
        killed = executor.submit(
            request(tmp_path, {"seconds": PATIENCE, "mark": str(mark)}, heavy=True), {}, lambda progress: None
        )
        eventually(lambda: self.lines(mark) == ["begin"])
        os.kill(int(mark.read_text().split()[1]), signal.SIGKILL)
        assert killed.result(PATIENCE).result is None
        assert other.result(PATIENCE).result is not None
        assert executor.attach("key-1", lambda progress: None) is None

    @HEAVY
    def test_another_attempt_starts_afresh(self, executor: Executor, tmp_path: Path, heavy: bool) -> None:
        assert self.run(executor, request(tmp_path, {"do": "break"}, heavy=heavy)).result is None
        again = self.run(executor, request(tmp_path, {"value": 2}, heavy=heavy))
        assert again.result is not None and again.result.outputs == {"value": 2}
