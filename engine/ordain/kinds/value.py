"""Value: holds anything and gives it back; the trivial resource (Terraform's ``terraform_data``)."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ordain.api.fields import Spec
from ordain.api.kind import Decision, Delta, Kind, Operation, Situation
from ordain.api.providers import Call, Provider, StepResult
from ordain.values.change import Effect
from ordain.values.fingerprint import Facet


class ValueSpec(Spec):
    """Anything, under ``value``."""

    value: Any = Field(default=None, description="anything")


class ValueOutputs(Spec):
    """The value, unchanged."""

    value: Any = None


class Value(Kind):
    """See the module. What is known of the value is known of the output before anything is applied."""

    name = "Value"
    spec: ClassVar[type[Spec]] = ValueSpec
    outputs: ClassVar[type[Spec]] = ValueOutputs

    def decide(self, situation: Situation, delta: Delta) -> Decision:
        outputs = {"value": situation.resource.spec.get("value")}
        if delta.is_new:
            return Decision(effect=Effect.CREATE, operations=_WRITE, outputs=outputs)
        if delta.has(Facet.BUILD) or delta.unknown or delta.forced:
            return Decision(effect=Effect.UPDATE, operations=_WRITE, outputs=outputs)
        return Decision(effect=Effect.COSMETIC if delta.facets else Effect.NONE, outputs=outputs)

    def perform(self, call: Call, provider: Provider | None) -> StepResult:
        if call.operation == "delete":
            return StepResult()
        return StepResult(outputs={"value": call.sealed["value"]})


_WRITE = (Operation(name="write"),)
