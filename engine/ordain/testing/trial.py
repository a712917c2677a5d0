"""A kind whose steps behave as their spec says, to try an executor with; importable wherever Ordain is installed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from ordain.api import (
    Address,
    Call,
    Change,
    Decision,
    Delta,
    Diagnostic,
    Effect,
    ExitCode,
    Kind,
    OrdainError,
    Progress,
    Provider,
    Situation,
    Spec,
    Step,
    StepRequest,
    StepResult,
    Tree,
)
from ordain.values.change import Action
from ordain.values.fingerprint import Fingerprint
from ordain.values.resource import RunOptions

TARGET = "ordain.testing.trial:Trial"


class TrialSpec(Spec):
    """``mark`` is a file that gets a line when a step begins and one when it ends; ``loud`` steps print."""

    value: Any = None
    do: Literal["give", "refuse", "break", "die"] = "give"
    seconds: float = 0.0
    mark: str = ""
    loud: bool = False


class TrialOutputs(Spec):
    value: Any = None


class Trial(Kind):
    """Waits, says what it does, and ends as it is told to."""

    name = "Trial"
    spec: ClassVar[type[Spec]] = TrialSpec
    outputs: ClassVar[type[Spec]] = TrialOutputs

    def decide(self, situation: Situation, delta: Delta) -> Decision:
        return Decision(effect=Effect.NONE)

    def perform(self, call: Call, provider: Provider | None) -> StepResult:
        spec: Mapping[str, Any] = call.spec
        _mark(spec["mark"], f"begin {os.getpid()}")
        if spec["loud"]:  # past Python's own streams, as compiled code and child processes print
            os.write(1, f"printed {spec['value']}\n".encode())
        call.report(Progress(message=f"working with {spec['value']}", fraction=0.5))
        time.sleep(spec["seconds"])
        if spec["do"] == "die":
            os.abort()
        if spec["do"] == "break":
            raise RuntimeError(f"it broke over {spec['value']}")
        if spec["do"] == "refuse":
            summary = f"nothing can be done with {spec['value']}"
            raise OrdainError(Diagnostic(code="trial-refused", summary=summary, exit=ExitCode.STALE))
        _mark(spec["mark"], "end")
        return StepResult(outputs={"value": call.sealed["value"]}, message=f"used {spec['value']}")


def _mark(path: str, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")


def request(place: Path, spec: Mapping[str, Tree], *, key: str = "key-1", heavy: bool = False) -> StepRequest:
    """Return the request of one trial step of a project at ``place``."""
    address = Address(kind="trial", name="one")
    whole = {"value": None, "do": "give", "seconds": 0.0, "mark": "", "loud": False, **spec}
    change = Change(
        address=address,
        kind="Trial",
        provider=None,
        action=Action.CREATE,
        effect=Effect.CREATE,
        after=whole,
        fingerprint=Fingerprint(build="b", judge="j", serve="s", record="r"),
        run=RunOptions(),
    )
    return StepRequest(
        run="run-1",
        environment="dev",
        step=Step(id=f"{address}:make", address=address, operation="make", key=key, heavy=heavy),
        change=change,
        kind_target=TARGET,
        provider_target="",
        options_target="",
        root=str(place),
        home=str(place / ".ordain"),
        artifacts=str(place / ".ordain" / "artifacts"),
    )
