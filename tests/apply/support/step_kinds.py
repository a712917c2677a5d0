"""Kinds and providers for tests of apply; imported by the processes of heavy steps too."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, ClassVar

from ordain.api import (
    Call,
    Decision,
    Delta,
    Diagnostic,
    Effect,
    Evidence,
    InfrastructureDriver,
    Json,
    Kind,
    LookRequest,
    OrdainError,
    Places,
    Progress,
    Provider,
    ResourceRecord,
    Situation,
    Spec,
    StepResult,
    VersionRecord,
)


class ProbeSpec(Spec):
    """``do`` says how a step behaves, ``mark`` is a file that gets a line each time one begins and ends.

    ``until`` is a file that a step waits for, however long the machine takes to make it.
    """

    value: Any = None
    number: int = 0
    do: str = ""
    seconds: float = 0.0
    mark: str = ""
    until: str = ""


class ProbeOutputs(Spec):
    value: Any = None


class Probe(Kind):
    """Does what its spec says."""

    name = "Probe"
    spec: ClassVar[type[Spec]] = ProbeSpec
    outputs: ClassVar[type[Spec]] = ProbeOutputs

    def decide(self, situation: Situation, delta: Delta) -> Decision:
        return Decision(effect=Effect.NONE)

    def perform(self, call: Call, provider: Provider | None) -> StepResult:
        spec: Any = call.spec
        mark(spec["mark"], f"begin {call.address}:{call.operation} {os.getpid()}")
        call.report(Progress(message=f"working on {spec['value']}", fraction=0.5))
        time.sleep(spec["seconds"])
        while spec["until"] and not Path(spec["until"]).exists():
            time.sleep(0.01)
        result = BEHAVIOURS[spec["do"]](call)
        mark(spec["mark"], f"end {call.address}:{call.operation} {os.getpid()}")
        return result


def mark(path: str, text: str) -> None:
    if path:
        with Path(path).open("a") as file:
            file.write(text + "\n")


def good(call: Call) -> StepResult:
    return StepResult(outputs={"value": call.sealed.get("value")}, facts={"made": call.operation})


def version_of(call: Call, name: str = "v1") -> VersionRecord:
    return VersionRecord(address=call.address, recipe="r1", spec_recipe="s1", name=name, artifact="sha256:" + "0" * 64)


def refuse(call: Call) -> StepResult:
    return StepResult(rejected="roc_auc 0.6 is less than 0.7", versions=(version_of(call),))


def versioned(call: Call) -> StepResult:
    return StepResult(outputs={"value": 1}, versions=(version_of(call),), message="made v1")


def fail(call: Call) -> StepResult:
    raise OrdainError(Diagnostic(code="probe-failed", summary=f"{call.address} could not"))


def crash(call: Call) -> StepResult:
    raise RuntimeError(f"out of luck with {call.spec['value']}")


def die(call: Call) -> StepResult:
    print("last words", flush=True)
    os.abort()


def flaky(call: Call) -> StepResult:
    flag = call.places.root / f"{call.address}.flag"
    if not flag.exists():
        flag.write_text("tried")
        raise RuntimeError("not yet")
    return good(call)


def memory(call: Call) -> StepResult:
    return StepResult(outputs={"value": len(bytearray(1 << 32))})


def talk(call: Call) -> StepResult:
    print(f"value is {call.spec['value']}", flush=True)
    os.system("echo from a child")
    call.report(Progress(message=f"saw {call.spec['value']}"))
    return StepResult(outputs={"value": None}, message=f"used {call.spec['value']}")


BEHAVIOURS = {
    "": good,
    "reject": refuse,
    "version": versioned,
    "fail": fail,
    "crash": crash,
    "die": die,
    "flaky": flaky,
    "memory": memory,
    "talk": talk,
    "leak": lambda call: StepResult(outputs={"value": f"<{call.spec['value']}>"}),
    "leak-facts": lambda call: StepResult(outputs={"value": None}, facts={"a": {"b": [call.spec["value"]]}}),
    "nothing": lambda call: None,
    "nan": lambda call: StepResult(outputs={"value": float("nan")}),
    "object": lambda call: StepResult(outputs={"value": None}, facts={"a": object()}),  # type: ignore[dict-item]
    "other-outputs": lambda call: StepResult(outputs={"valu": 1}),
    "clear": lambda call: StepResult(outputs={"value": type(call.spec["value"]).__name__}),
    "inputs": lambda call: StepResult(outputs={"value": 1}, inputs={"serve": {"model": "v7"}}),
    "private": lambda call: _private(call),
}


def _private(call: Call) -> StepResult:
    (call.places.private / "kept").write_text("x")
    return StepResult(outputs={"value": None})


class Vault(InfrastructureDriver):
    """Keeps secret outputs and reveals them."""

    def look(self, request: LookRequest) -> Evidence:
        return Evidence()

    def apply(self, call: Call) -> StepResult:
        return good(call)

    def destroy(self, call: Call) -> StepResult:
        return StepResult()

    def reveal(self, record: ResourceRecord, output: str, places: Places) -> Json:
        return {"password": "correct-horse-battery", "login": {"user": "ann", "key": "kkkk-9999-kkkk"}}[output]
