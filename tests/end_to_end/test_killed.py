"""An apply that is killed at any step: the next one finishes the job, repeats nothing and loses nothing."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples/bank-marketing"
CHAIN = """\
kind: Project
name: killed
format: 1
---
kind: DataSource
name: campaigns
spec: {provider: csv, path: data.csv}
---
kind: Dataset
name: training
spec:
  from: data_source.campaigns
  split: {by: order, test: 0.2}
---
kind: Value
name: rows
spec:
  value: ${{ dataset.training.outputs.rows }}
---
kind: Value
name: doubled
spec:
  value: ${{ value.rows.outputs.value * 2 }}
"""


def journal(root: Path) -> list[tuple[str, str | None]]:
    """Return (step, outcome) of every journalled step, oldest first; nothing while there is no state."""
    try:
        with sqlite3.connect(f"file:{root / '.ordain/state.db'}?mode=ro", uri=True, timeout=5) as connection:
            return list(connection.execute("SELECT step, outcome FROM journal ORDER BY begun"))
    except sqlite3.OperationalError:
        return []


def kill_when(project: Any, begun: int, ended: int) -> bool:
    """Start an apply and kill it once so many steps were begun and ended; say whether it was still running."""
    process = project.start("apply", "--yes")
    end = time.monotonic() + 240
    while time.monotonic() < end and process.poll() is None:
        rows = journal(project.root)
        if len(rows) >= begun and sum(outcome is not None for _, outcome in rows) >= ended:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.002)
    process.wait(timeout=240)
    return False


def settled(project: Any) -> dict[str, Any]:
    """Return what is recorded, without what differs from run to run."""
    found = project.json("state", "list")["resources"]
    return {
        address: {name: value for name, value in record.items() if name not in ("run", "private")}
        for address, record in found.items()
    }


FILES = {"ordain.yaml": CHAIN, "data.csv": "a,b\n" + "".join(f"{number},{number % 7}\n" for number in range(400))}


@pytest.fixture(scope="module")
def expected(at: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an apply records that nobody killed."""
    root = tmp_path_factory.mktemp("whole")
    for name, text in FILES.items():
        (root / name).write_text(text, encoding="utf-8")
    whole = at(root)
    whole("apply", "--yes")
    return settled(whole)


@pytest.mark.parametrize(("begun", "ended"), [(1, 0), (1, 1), (2, 1), (3, 2), (3, 3), (4, 3), (4, 4), (5, 4)])
def test_the_next_apply_finishes_what_was_killed(
    cli: Callable[..., Any], expected: dict[str, Any], begun: int, ended: int
) -> None:
    project = cli(FILES)
    kill_when(project, begun, ended)
    project("plan")  # shows what is left, changes nothing
    project("apply", "--yes")
    assert settled(project) == expected
    assert project("plan", "--detailed-exitcode").stdout.startswith("No changes.")
    done = Counter(step for step, outcome in journal(project.root) if outcome == "done")
    heavy = [step for step in done if step.startswith("dataset.training:")]
    assert heavy and all(done[step] == 1 for step in heavy)
    project("destroy", "--yes")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("terraform") is None, reason="no terraform binary on this machine")
@pytest.mark.parametrize("count", range(1, 9))
def test_the_flagship_survives_a_kill_at_each_step(cli: Callable[..., Any], count: int) -> None:
    project = cli(example="bank-marketing")
    kill_when(project, count, 0)
    project("apply", "--yes")
    assert project("plan", "--detailed-exitcode").stdout.startswith("No changes.")
    done = Counter(step for step, outcome in journal(project.root) if outcome == "done")
    assert done["model.subscriber:train"] == 1
    assert done["dataset.training:build"] == 1
    project("destroy", "--yes")


def test_a_first_interrupt_lets_running_steps_finish(cli: Callable[..., Any]) -> None:
    project = cli(FILES)
    process = project.start("apply", "--yes")
    end = time.monotonic() + 240
    while time.monotonic() < end and not any(step.startswith("dataset.") for step, _ in journal(project.root)):
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=240) in (0, 8)
    assert all(outcome is not None for _, outcome in journal(project.root))
    project("apply", "--yes")
    assert project("plan", "--detailed-exitcode").stdout.startswith("No changes.")
