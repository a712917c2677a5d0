"""Values to put into a store under test, and how a refusal is expected."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from ordain.api import (
    Address,
    ExitCode,
    OrdainError,
    Outcome,
    Reference,
    ResourceRecord,
    Secret,
    Standing,
    Unknown,
    Verdict,
    VersionRecord,
    sha256,
)
from ordain.api.store import Holder, RunRecord
from ordain.values.fingerprint import Fingerprint
from ordain.values.record import Health, JournalEntry, SettingRecord

DEV, PROD = "dev", "prod"
ADDRESS = Address(kind="model", name="subscriber")
OTHER = Address(kind="deployment", name="subscriber-api")


def record(address: Address = ADDRESS, **fields: str) -> ResourceRecord:
    """Return a record with every field filled in, leaves, big integers and look-alikes of both included."""
    url = Reference(address=OTHER, path=("url",))
    full = ResourceRecord(
        address=address,
        kind="Model",
        provider="sklearn",
        spec={
            "params": {"max_iter": 200, "l2": 0.5, "big": 2**80, "none": None, "flags": [True, False, []]},
            "url": Unknown(expression="deployment.subscriber-api.outputs.url", refs=(url,)),
            "password": Secret(expression="secret.DB", names=("secret.DB",), digest="ab" * 32),
        },
        fingerprint=Fingerprint(build="b" * 32, judge="j" * 32, serve="s" * 32, record="r" * 32),
        inputs={"build": {"columns": {"age": "x"}}},
        facts={"categories": {"$unknown": 3}, "text": 'ünï "$code" \x00 €'},
        outputs={"version": "v1", "$secret": {"$int": "1"}},
        private={"pid": 1},
        description="who will subscribe",
        owner="growth@example.com",
        labels={"$int": "gold"},
        depends_on=(OTHER,),
        protect=True,
        health=Health.TAINTED,
        run="run-1",
        place="model.once-called-this",
    )
    return replace(full, **fields)  # type: ignore[arg-type]


def version(recipe: str = "r1", address: Address = ADDRESS, **fields: str) -> VersionRecord:
    """Return a version that was judged."""
    made = VersionRecord(
        address=address,
        recipe=recipe,
        spec_recipe="s1",
        name=f"v{recipe}",
        artifact=sha256(recipe.encode()),
        metrics={"roc_auc": 0.79},
        standing=Standing.ACCEPTED,
        judgement="j" * 32,
        verdicts=(Verdict(rule="roc_auc >= 0.7", outcome=Outcome.PASS, detail="0.79"),),
        made_by="dev/run-1",
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def setting(name: str, level: str = "hard") -> SettingRecord:
    return SettingRecord(address=Address(kind="policy", name=name), kind="Policy", spec={"level": level})


def step(number: int = 1, run: str = "run-1", outcome: str | None = None, key: str = "") -> JournalEntry:
    return JournalEntry(
        run=run,
        step=f"step-{number}",
        key=key or f"key-{number}",
        address=ADDRESS,
        operation="train",
        outcome=outcome,
    )


def holder(run: str = "run-1", pid: int = 0, host: str = "here", boot: str = "boot-1") -> Holder:
    """Return one who wants a lock: this process, or one that is named."""
    return Holder(run=run, actor="ann", host=host, boot=boot, pid=pid or os.getpid(), started=1_700_000_000.0)


@contextmanager
def refused(exit: ExitCode, *words: str) -> Iterator[None]:
    """Expect an ``OrdainError`` with this exit code, a fix, and all of the words in its text."""
    with pytest.raises(OrdainError) as caught:
        yield
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.exit is exit
    assert diagnostic.fix
    text = f"{diagnostic.code} {diagnostic.summary} {diagnostic.detail} {diagnostic.fix}"
    assert [word for word in words if word not in text] == []


def dead_pid() -> int:
    """Return the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def run(name: str, started: float = 1.0) -> RunRecord:
    return RunRecord(id=name, environment=DEV, plan_digest="sha256:0", actor="ann", started=started)
