"""Infrastructure: what another tool plans and applies (Terraform). Its plan is made at plan time and shown in ours.

The tool decides whether anything changes; we know why: its code, our spec, or the world. Apply runs exactly the plan
that was shown, which lies in the artifact store as the attachment ``plan``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar, cast

from pydantic import ConfigDict

from ordain.api.fields import Spec
from ordain.api.kind import Decision, Delta, Inputs, Kind, Operation, Situation
from ordain.api.providers import Call, InfrastructureDriver, Provider, StepResult
from ordain.values.address import Address, Reference
from ordain.values.change import Cause, CauseCode, Effect, FieldChange, Nested
from ordain.values.codec import canonical
from ordain.values.data import Json, Secret, Tree, Unknown
from ordain.values.look import Evidence, Look
from ordain.values.plan import Drift
from ordain.values.record import Health, ResourceRecord
from ordain.values.span import Span

_APPLY = (Operation(name="apply", heavy=True),)
_DELETE = (Operation(name="delete", heavy=True),)
_MOVES_STATE = ("workspace", "backend")
_HAPPENED = {
    "create": "is not there",
    "delete": "is there, and should not be",
    "update": "is not as it was applied",
    "replace": "is not as it was applied",
    "read": "has to be read again",
}
_KEPT = ("module", "files", "changes", "empty")
_GONE = ("delete", "forget")
_ANEW = frozenset({"replace", "move", "and", "create", "delete", "read"})
"""The words of what may happen beside replacements in a plan that leaves nothing as it was."""
_DESTROYS = frozenset({"delete", "replace"})


class InfrastructureSpec(Spec):
    """Nothing of its own: what is planned, and how, are the driver's options."""


class InfrastructureOutputs(Spec):
    """Whatever outputs the module has."""

    model_config = ConfigDict(extra="allow")


class Infrastructure(Kind):
    """See the module."""

    name = "Infrastructure"
    spec: ClassVar[type[Spec]] = InfrastructureSpec
    outputs: ClassVar[type[Spec]] = InfrastructureOutputs
    default_provider = "terraform"
    importable = "an object inside: Terraform's address, =, its provider's id (aws_s3_bucket.data=my-bucket)"
    refreshes = True

    def look(self, situation: Situation) -> Look | None:
        resource = situation.resource
        spec = situation.spec if situation.spec is not None else resource.spec
        return Look(
            address=resource.address,
            kind=self.name,
            provider=resource.provider or self.default_provider,
            spec=spec,
            record=situation.record,
            importing=situation.importing,
        )

    def look_at_delete(self, record: ResourceRecord) -> Look | None:
        return Look(
            address=record.address,
            kind=self.name,
            provider=record.provider or self.default_provider,
            spec=record.spec,
            record=record,
            deleting=True,
        )

    def inputs(self, situation: Situation) -> Inputs:
        if situation.spec is None:
            return Inputs(deferred=_waits_for(situation))
        facts = _facts(situation.evidence)
        if not facts:
            return Inputs()
        kept = {name: facts[name] for name in _KEPT if name in facts}
        if _refreshing(facts) and situation.record is not None:  # code that was not applied is not taken in
            recorded = situation.record.facts
            kept |= {name: recorded[name] for name in ("module", "files") if name in recorded}
        return Inputs(build={"module": kept.get("module")}, facts=kept, drift=tuple(_drift(situation, facts)))

    def decide(self, situation: Situation, delta: Delta) -> Decision:
        facts = _facts(situation.evidence)
        if not facts:
            return Decision(effect=Effect.BLOCKED, blocked="there is no plan of its driver to go by")
        outputs, nested = dict(_outputs(situation, facts)), tuple(_nested(facts))
        if protected := _protected(situation, nested):
            return Decision(effect=Effect.BLOCKED, blocked=protected, protected=True, nested=nested)
        if delta.is_new and _refreshing(facts):
            return Decision(effect=Effect.NONE)  # what was never applied has nothing to take in
        if delta.is_new:
            effect = Effect.CREATE
        elif not facts.get("empty") or (delta.forced and not _refreshing(facts)):
            effect = Effect.REFRESH_DATA if _refreshing(facts) else Effect.UPDATE
        else:
            return Decision(effect=Effect.COSMETIC if delta.facets else Effect.NONE, outputs=outputs)
        return Decision(
            effect=effect,
            operations=_APPLY,
            outputs=outputs,
            causes=tuple(_imported(situation, facts)),
            nested=nested,
            notes=tuple(_notes(situation, facts, delta.forced)),
            replaces=bool(facts.get("again")) and all(_ANEW.issuperset(one.action.split()) for one in nested),
        )

    def explain(self, situation: Situation, delta: Delta) -> tuple[Cause, ...]:
        """Name the files of the module that changed."""
        if "build.module" not in delta.inputs:
            return ()
        before = _files(situation.record.facts if situation.record else {})
        after = _files(_facts(situation.evidence))
        return tuple(
            _code_cause(situation.resource.address, name, name in before, name in after)
            for name in sorted({*before, *after})
            if before.get(name) != after.get(name)
        )

    def perform(self, call: Call, provider: Provider | None) -> StepResult:
        driver = cast(InfrastructureDriver, provider)
        return driver.destroy(call) if call.operation == "delete" else driver.apply(call)

    def decide_delete(self, record: ResourceRecord, evidence: Evidence | None) -> Decision:
        return Decision(effect=Effect.DELETE, operations=_DELETE, nested=tuple(_nested(_facts(evidence))))

    def decide_forget(self, record: ResourceRecord, kept: str) -> Decision:
        where = str(record.private.get("state", "local"))
        if where == "local":
            note = f"its Terraform state is kept in {kept}; Import documents can take up again what stays in the world"
        else:
            note = f"its Terraform state stays in its backend ({where}): the same module there takes all of it up again"
        return Decision(effect=Effect.FORGET, notes=(note,))


def _facts(evidence: Evidence | None) -> Mapping[str, Json]:
    """Return what the driver saw; nothing where it was not asked, or could not plan (its problems say why)."""
    return evidence.facts if evidence is not None and "empty" in evidence.facts else {}


def _imported(situation: Situation, facts: Mapping[str, Json]) -> Iterator[Cause]:
    """Yield a cause for each object that comes in although the resource was there before."""
    for change in _mappings(facts.get("changes")) if situation.record is not None else ():
        if "id" in change:
            what = f"{change['address']}={change['id']}"
            address = situation.resource.address
            yield Cause(code=CauseCode.IMPORTED, address=address, after=what, detail=f"the world has {what} already")


def _refreshing(facts: Mapping[str, Json]) -> bool:
    """Say whether the driver planned to take in what the world shows, and to change nothing."""
    return facts.get("sight") == "refresh-only"


def _protected(situation: Situation, nested: tuple[Nested, ...]) -> str:
    """Return why a protected resource must stay as it is, or "": something inside would be destroyed, or left behind.

    What was recorded counts as well as what is written: an edit cannot unprotect and destroy at once.
    """
    record = situation.record
    if record is None or not (record.protect or situation.resource.lifecycle.protect):
        return ""
    provider = situation.resource.provider or record.provider
    lost = [one.address for one in nested if not _DESTROYS.isdisjoint(one.action.split())]
    if lost:
        what = f"{', '.join(lost)} would be destroyed"
    elif record.provider != provider:
        what = f"what {record.provider} made would be left behind"
    else:
        return ""
    return f"protected: {what}; set lifecycle.protect: false and apply before it may be"


def _waits_for(situation: Situation) -> str:
    named = sorted({str(address) for addresses in situation.expressions.values() for address in addresses})
    return f"waits for outputs of {', '.join(named)}" if named else "waits for values that are not known yet"


def _mappings(items: Json) -> Iterator[Mapping[str, Json]]:
    for item in items if isinstance(items, list | tuple) else ():
        if isinstance(item, Mapping):
            yield item


def _named(items: Json) -> Iterator[tuple[str, Mapping[str, Json]]]:
    for name, item in items.items() if isinstance(items, Mapping) else ():
        if isinstance(item, Mapping):
            yield name, item


def _files(facts: Mapping[str, Json]) -> Mapping[str, Json]:
    files = facts.get("files")
    return files if isinstance(files, Mapping) else {}


def _code_cause(address: Address, name: str, was: bool, there: bool) -> Cause:
    what = "changed" if was and there else "is new" if there else "was removed"
    return Cause(
        code=CauseCode.CODE,
        address=address,
        detail=f"{name} {what}",
        data={"file": name},
        at=Span(file=name, line=1, column=1) if there and "/" in name else None,
    )


def _drift(situation: Situation, facts: Mapping[str, Json]) -> Iterator[Drift]:
    """Yield what moved in the world: what the driver says moved, else all it would do although nothing else changed."""
    record, address = situation.record, situation.resource.address
    if record is None or facts.get("empty"):
        return
    told = list(_mappings(facts.get("changes" if _refreshing(facts) else "drift")))
    for change in told:
        yield Drift(
            address=address,
            detail=f"{change['address']} {'is gone' if change['action'] in _GONE else 'was changed outside'}",
            fields=tuple(_fields(change)),
        )
    if not told and record.health is Health.OK and (_refreshing(facts) or _as_applied(situation, record, facts)):
        for change in (one for one in _mappings(facts.get("changes")) if "id" not in one):
            happened = _HAPPENED.get(str(change["action"]), "is not as it was applied")
            known = tuple(field for field in _fields(change) if change["action"] != "create" and not field.unknown)
            yield Drift(address=address, detail=f"{change['address']} {happened}", fields=known)
        if not facts.get("changes"):
            moved = [name for name, output in _named(facts.get("outputs")) if output.get("changed")]
            yield Drift(address=address, detail=f"other values than were applied: {', '.join(moved) or 'outputs'}")


def _as_applied(situation: Situation, record: ResourceRecord, facts: Mapping[str, Json]) -> bool:
    """Say whether nobody asked for a change: what the driver would do lies in the world."""
    same_code = record.facts.get("module") == facts.get("module") and not facts.get("again")
    return same_code and situation.spec is not None and canonical(record.spec) == canonical(situation.spec)


def _nested(facts: Mapping[str, Json]) -> Iterator[Nested]:
    for change in _mappings(facts.get("changes")):
        fields = (*_identity(change), *_fields(change))
        yield Nested(address=str(change["address"]), action=str(change["action"]), fields=fields)


def _identity(change: Mapping[str, Json]) -> Iterator[FieldChange]:
    """Yield by what id an object is imported, and what address it had."""
    if "id" in change:
        yield FieldChange(path=("id",), after=change["id"])
    if "previous_address" in change:
        yield FieldChange(path=("address",), before=change["previous_address"], after=change["address"])


def _fields(change: Mapping[str, Json]) -> Iterator[FieldChange]:
    for field in _mappings(change.get("fields")):
        path = field.get("path")
        steps = path if isinstance(path, list | tuple) else ()
        yield FieldChange(
            path=tuple(step if isinstance(step, int) else str(step) for step in steps),
            before=field.get("before"),
            after=field.get("after"),
            unknown=bool(field.get("unknown")),
            sensitive=bool(field.get("sensitive")),
        )


def _outputs(situation: Situation, facts: Mapping[str, Json]) -> Iterator[tuple[str, Tree]]:
    """Yield each output as far as it is known before apply; one that is sensitive as the secret it will be."""
    address = situation.resource.address
    for name, output in _named(facts.get("outputs")):
        reference = Reference(address=address, path=(name,))
        expression = f"${{{{ {reference} }}}}"
        if not output.get("known") or (output.get("sensitive") and output.get("changed")):
            yield name, Unknown(expression=expression, refs=(reference,))  # a secret can be asked for once it is there
        elif output.get("sensitive"):
            yield name, _sealed(situation.record, name, expression, output)
        else:
            yield name, output.get("value")


def _sealed(record: ResourceRecord | None, name: str, expression: str, output: Mapping[str, Json]) -> Secret:
    """Return a sensitive output that does not change: as recorded, for its digest has another key on each machine."""
    recorded = record.outputs.get(name) if record is not None else None
    names = (expression.strip("${} "),)
    if isinstance(recorded, Secret):
        return replace(recorded, expression=expression, names=names)  # of its present address: it may have been moved
    digest = output.get("digest")
    return Secret(expression=expression, names=names, digest=digest if isinstance(digest, str) else None)


def _notes(situation: Situation, facts: Mapping[str, Json], forced: bool) -> Iterator[str]:
    record, spec = situation.record, situation.spec
    moved = [name for name, output in _named(facts.get("outputs")) if output.get("changed")]
    if forced and not facts.get("again") and not _refreshing(facts):
        yield "there is nothing in it to make again"
    if moved and not facts.get("changes"):
        yield f"only outputs change: {', '.join(sorted(moved))}"
    if record is None or spec is None:
        return
    if record.provider != situation.resource.provider:
        yield f"provider changes: what {record.provider} made stays where it is, and is no longer looked after"
    for name in _MOVES_STATE:
        before, after = record.spec.get(name), spec.get(name)
        if before != after:
            yield f"{name} changes: what was made under the old one stays where it is, and is no longer looked after"
