"""Deployment: a model that answers requests.

It follows the version that stands of its model: a model that is only judged again, written down or refused leaves it
alone; a version that comes to stand redeploys it; a server that does not answer is drift and is started again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, cast

from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from ordain.api.fields import Ref, Spec
from ordain.api.kind import Decision, Delta, Inputs, Kind, Operation, Outlook, Situation
from ordain.api.providers import Call, DeploymentTarget, Provider, StepResult
from ordain.kinds.model_spec import version_name
from ordain.values.address import Address, Reference
from ordain.values.change import Branch, Cause, CauseCode, Effect
from ordain.values.data import Json, Tree, Unknown
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError
from ordain.values.fingerprint import Facet
from ordain.values.look import Evidence, Look
from ordain.values.plan import Drift
from ordain.values.record import ResourceRecord


def _later(value: Any) -> None:
    if value is not None:
        raise ValueError("not supported in this version of Ordain: leave it out")


# Known words without a meaning yet: refused by name, absent from the schema and from every fingerprint.
_Later = Annotated[SkipJsonSchema[None], BeforeValidator(_later), Facet.SERVE, Field(exclude=True)]


class DeploymentSpec(Spec):
    """What every deployment says; where and how it answers are its provider's options."""

    # What counts of the model is the version that stands (``Deployment.inputs``), not what the model is called.
    model: Annotated[str, Ref("model"), Facet.RECORD] = Field(description="the model whose standing version answers")
    rollout: _Later = None
    auth: _Later = None


class DeploymentOutputs(Spec):
    """Where it answers, and with which version of the model."""

    url: str
    version: str


class Deployment(Kind):
    """See the module. What counts beyond its spec is the name of the model's version."""

    name = "Deployment"
    spec: ClassVar[type[Spec]] = DeploymentSpec
    outputs: ClassVar[type[Spec]] = DeploymentOutputs
    default_provider = "http"

    def look(self, situation: Situation) -> Look | None:
        resource, record = situation.resource, situation.record
        if record is None or resource.provider is None:
            return None
        spec = situation.spec if situation.spec is not None else resource.spec
        return Look(address=resource.address, kind=self.name, provider=resource.provider, spec=spec, record=record)

    def inputs(self, situation: Situation) -> Inputs:
        if not isinstance(situation.resource.spec["model"], str):
            return Inputs(deferred="which model it serves is not known yet")
        model = _model(situation)
        if model.outlook is not None and model.outlook.deferred:
            return Inputs(deferred=model.outlook.deferred)
        return Inputs(serve={"model": model.version}, facts={"model": str(model.address)}, drift=_drift(situation))

    def decide(self, situation: Situation, delta: Delta) -> Decision:
        model = _model(situation)
        again = delta.is_new or delta.forced or delta.unknown or bool(delta.facets - {Facet.RECORD})
        if not again and not delta.drift:
            return Decision(effect=Effect.COSMETIC if delta.facets else Effect.NONE)
        reason = _obstacle(situation, delta, model)
        if reason:
            return Decision(effect=Effect.BLOCKED, blocked=reason)
        return Decision(
            effect=Effect.CREATE if delta.is_new else Effect.REDEPLOY if again else Effect.RESTART,
            operations=(Operation(name="deploy"),),
            outputs={"url": _url(situation), "version": _version(model)},
            branches=() if model.certain else (_branch(situation, model),),
        )

    def explain(self, situation: Situation, delta: Delta) -> tuple[Cause, ...]:
        """Name the version an earlier apply left behind: it was stopped, or failed, between the model and this."""
        model, record = _model(situation), situation.record
        moves = model.outlook is not None and model.outlook.changes
        if record is None or moves or "serve.model" not in delta.inputs:
            return ()
        old = record.outputs.get("version")
        detail = f"{model.address} stands at {model.version}, and {old} answers: an earlier apply stopped in between"
        return (Cause(code=CauseCode.UPSTREAM, address=model.address, before=old, after=model.version, detail=detail),)

    def decide_delete(self, record: ResourceRecord, evidence: Evidence | None) -> Decision:
        return Decision(effect=Effect.RETIRE, operations=(Operation(name="delete"),))

    def decide_forget(self, record: ResourceRecord, kept: str) -> Decision:
        url, pid, host = record.outputs.get("url"), record.private.get("pid"), record.private.get("host")
        stop = f"; to stop it: kill {pid} on {host}" if isinstance(pid, int) else ""
        return Decision(effect=Effect.FORGET, notes=(f"{url} stays as it is{stop}",))

    def perform(self, call: Call, provider: Provider | None) -> StepResult:
        target = cast(DeploymentTarget, provider)
        if call.operation == "delete":
            return target.remove(call)
        version = _standing(call)
        result = target.deploy(call)
        return replace(result, inputs={"build": {}, "judge": {}, "serve": {"model": version}})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """What planning knows of the model: ``version`` is the name of the one that will stand (None: not known yet).

    ``certain`` is false where that still hangs on its gates.
    """

    address: Address
    outlook: Outlook | None
    version: str | None
    certain: bool = True


def _model(situation: Situation) -> _Model:
    spec = situation.spec if situation.spec is not None else situation.resource.spec
    address = Address.parse(str(spec["model"]))
    outlook = situation.upstream.get(address)
    if outlook is None:
        return _Model(address=address, outlook=None, version=None)
    known = outlook.outputs.get("version")
    if isinstance(known, str):
        return _Model(address=address, outlook=outlook, version=known)
    if outlook.effect in (Effect.REJECTED, Effect.BLOCKED):
        return _Model(address=address, outlook=outlook, version=None)
    promised = version_name(outlook.recipe) if outlook.recipe else None
    if outlook.effect is Effect.RE_EVALUATE or not outlook.changes:  # whatever a new judgement is, what serves serves
        served = _served(situation)
        promised = promised or served
        return _Model(address=address, outlook=outlook, version=promised, certain=promised == served)
    return _Model(address=address, outlook=outlook, version=promised, certain=False)


def _served(situation: Situation) -> str | None:
    serve = situation.record.inputs.get("serve") if situation.record is not None else None
    version = serve.get("model") if isinstance(serve, Mapping) else None
    return version if isinstance(version, str) else None


def _seen(situation: Situation) -> Mapping[str, Json]:
    return situation.evidence.facts if situation.evidence is not None else {}


def _drift(situation: Situation) -> tuple[Drift, ...]:
    record, facts = situation.record, _seen(situation)
    if record is None or facts.get("running") is None:  # nobody could look, or it lives on another host
        return ()
    address, detail = situation.resource.address, str(facts.get("detail") or "")
    if facts["running"] is not True:
        return (Drift(address=address, detail=detail or "it does not answer"),)
    version, recorded = facts.get("version"), record.outputs.get("version")
    if version != recorded:
        return (Drift(address=address, detail=f"it answers with version {version}, recorded is {recorded}"),)
    return ()


def _obstacle(situation: Situation, delta: Delta, model: _Model) -> str:
    """Return why nothing can be deployed, or ""."""
    facts = _seen(situation)
    if not delta.is_new and "running" in facts and facts["running"] is None and not delta.forced:
        return f"{facts.get('detail')}; apply there, or take it over here with --replace {situation.resource.address}"
    outlook = model.outlook
    if outlook is None:
        return f"{model.address} is not planned before it: write the model's address plainly, or add it to depends_on"
    if model.version is None and outlook.effect in (Effect.REJECTED, Effect.BLOCKED):
        why = outlook.blocked or "its gates refused it"
        return f"no version of {model.address} may be deployed: {why}"
    return ""


def _url(situation: Situation) -> Tree:
    """Return where it will answer: as recorded while host and port stay, as written where the port is, else unknown."""
    spec = situation.spec if situation.spec is not None else situation.resource.spec
    host, port = spec.get("host"), spec.get("port")
    record = situation.record
    if isinstance(host, str) and isinstance(port, int) and port > 0:
        return f"http://{host}:{port}"
    taken = _seen(situation).get("foreign") is True  # another program answers there: the server moves
    if record is not None and not taken and (record.spec.get("host"), record.spec.get("port")) == (host, port):
        return record.outputs.get("url")
    return _unknown(situation.resource.address, "url")


def _version(model: _Model) -> Tree:
    return model.version if model.certain and model.version is not None else _unknown(model.address, "version")


def _unknown(address: Address, output: str) -> Unknown:
    reference = Reference(address=address, path=(output,))
    return Unknown(expression=f"${{{{ {reference} }}}}", refs=(reference,))


def _branch(situation: Situation, model: _Model) -> Branch:
    served = _served(situation)
    return Branch(
        condition=f"{model.address} passes its gates",
        then="the new version is deployed",
        otherwise=f"{served} keeps serving" if served else "nothing is deployed",
    )


def _standing(call: Call) -> str:
    """Return the version of the model that stands now, which must be the one the plan names."""
    address = Address.parse(str(call.spec["model"]))
    record = call.upstream.get(address)
    version = record.outputs.get("version") if record is not None else None
    if not isinstance(version, str):
        raise OrdainError(_refusal(call, f"no version of {address} stands", "see why: ordain why", address))
    serve = call.change.inputs.get("serve")
    planned = serve.get("model") if isinstance(serve, Mapping) else None
    if planned is not None and planned != version:
        summary = f"the plan deploys {planned} of {address}, but {version} stands"
        raise OrdainError(replace(_refusal(call, summary, "plan again: ordain plan"), exit=ExitCode.STALE))
    return version


def _refusal(call: Call, summary: str, fix: str, about: Address | None = None) -> Diagnostic:
    return Diagnostic(
        code="deployment-model",
        summary=f"{call.address} is not deployed: {summary}",
        detail="the model changed between the plan and this step, or was refused by its gates",
        fix=f"{fix} {about}" if about is not None else fix,
        blame=Blame.WORLD,
        exit=ExitCode.STEP_FAILED,
        address=call.address,
    )
