"""DataSource: data that is read where it lies, fingerprinted by content and judged by a contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Any, ClassVar, cast

from pydantic import BeforeValidator, Field

from ordain.api.fields import Spec
from ordain.api.kind import Decision, Delta, Inputs, Kind, Operation, Situation
from ordain.api.providers import Call, DataProvider, LookRequest, Provider, StepResult
from ordain.kinds.contract import Contract, breaches, moment
from ordain.kinds.data_delta import data_delta
from ordain.kinds.licence import Licence
from ordain.values.address import Address
from ordain.values.change import Cause, CauseCode, Effect
from ordain.values.data import Json, Unknown, leaves
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError
from ordain.values.fingerprint import Facet
from ordain.values.look import Look

_REGISTER = (Operation(name="register"),)
_CELLS = frozenset({"min", "max", "quantiles", "ranks", "categories"})
"""The parts of a profile that are cells of the data."""


_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def _pinnable(text: Any) -> Any:
    if text is not None and not (isinstance(text, str) and _DIGEST.fullmatch(text)):
        raise ValueError("write the content as `ordain state show` prints it: sha256: and 64 hexadecimal digits")
    return text


def _unwritten(value: object) -> bool:
    return value is None


class DataSourceSpec(Spec):
    """What is asked of the data; where it lies is the provider's part."""

    contract: Annotated[Contract | None, Facet.JUDGE] = Field(default=None, description="what must hold of the data")
    licence: Annotated[Licence | None, Facet.RECORD] = Field(
        default=None,
        exclude_if=_unwritten,
        description="what the data may be used under, an SPDX expression such as CC-BY-4.0; policies see it",
    )
    digest: Annotated[str | None, BeforeValidator(_pinnable), Facet.JUDGE] = Field(
        default=None,
        exclude_if=_unwritten,
        json_schema_extra={"pattern": f"^{_DIGEST.pattern}$"},
        description="pins the content: where it is another, nothing is made of it, exit 7; outputs.content tells it",
    )


class DataSourceOutputs(Spec):
    """Where the data lies, the digest of its content, and how many rows it has."""

    path: str = Field(description="as written in the spec; a URL or a table for providers that have no path")
    rows: int
    content: str


class DataSource(Kind):
    """See the module. Its digests go to dependents column by column: what nobody reads moves nobody."""

    name = "DataSource"
    spec: ClassVar[type[Spec]] = DataSourceSpec
    outputs: ClassVar[type[Spec]] = DataSourceOutputs

    def look(self, situation: Situation) -> Look | None:
        resource = situation.resource
        if situation.spec is None or resource.provider is None or _still_to_be_made(situation):
            return None
        return Look(
            address=resource.address,
            kind=resource.kind,
            provider=resource.provider,
            spec=situation.spec,
            record=situation.record,
        )

    def inputs(self, situation: Situation) -> Inputs:
        address = situation.resource.address
        if situation.spec is None:
            refs = sorted({str(ref) for _, leaf in leaves(situation.resource.spec) for ref in _refs(leaf)})
            return Inputs(deferred=f"where the data lies is known after apply: {', '.join(refs)}")
        maker = _still_to_be_made(situation)
        if maker:
            return Inputs(deferred=f"{maker}, which the data lies in, is still to be made")
        seen = situation.evidence.facts if situation.evidence is not None else {}
        if "content" not in seen:
            return Inputs(deferred="its data could not be read")
        contract = _contract(situation.spec)
        return Inputs(
            build={"content": seen["content"], "columns": _digests(seen), "rows": seen.get("rows")},
            facts=_facts(seen, situation.spec),
            problems=(
                *_unpinned(situation.spec, seen, address),
                *(breaches(contract, seen, address) if contract is not None else ()),
            ),
        )

    def decide(self, situation: Situation, delta: Delta) -> Decision:
        facts = situation.evidence.facts if situation.evidence is not None else {}
        outputs = _outputs(situation.spec or {}, facts)
        if delta.is_new:
            return Decision(effect=Effect.CREATE, operations=_REGISTER, outputs=outputs)
        if any(name.startswith("build.") for name in delta.inputs):
            return Decision(effect=Effect.REFRESH_DATA, operations=_REGISTER, outputs=outputs)
        if delta.has(Facet.BUILD) or delta.forced or delta.unknown:
            return Decision(effect=Effect.UPDATE, operations=_REGISTER, outputs=outputs)
        if delta.has(Facet.JUDGE) and not all(field.path[-1:] == ("description",) for field in delta.fields):
            return Decision(effect=Effect.RE_EVALUATE, operations=_REGISTER, outputs=outputs)
        if delta.facets:
            return Decision(effect=Effect.COSMETIC, outputs=outputs, facts=_facts(facts, situation.spec or {}))
        return Decision(effect=Effect.NONE, outputs=outputs)

    def explain(self, situation: Situation, delta: Delta) -> tuple[Cause, ...]:
        if situation.record is None or situation.evidence is None or "build.content" not in delta.inputs:
            return ()
        # Through _facts, so that what became personal just now is not spelt out either.
        seen = situation.evidence.facts
        before, after = situation.record.facts, {**seen, **_facts(seen, situation.spec or {})}
        delta_of_data = data_delta(before, after)
        return (
            Cause(
                code=CauseCode.DATA,
                address=situation.resource.address,
                before=str(before.get("content", "")),
                after=str(after.get("content", "")),
                detail=delta_of_data.sentence,
                data=delta_of_data.data,
            ),
        )

    def perform(self, call: Call, provider: Provider | None) -> StepResult:
        if call.operation == "delete":
            return StepResult(message="the data itself stays")
        assert isinstance(provider, DataProvider)
        build = call.change.inputs.get("build")
        planned = build.get("content") if isinstance(build, Mapping) else None
        look = Look(address=call.address, kind=call.change.kind, provider=call.change.provider or "", spec=call.spec)
        facts = look_again(call, provider, look, str(planned))
        return StepResult(outputs=_outputs(call.spec, facts), facts=_facts(facts, call.spec))


def look_again(call: Call, provider: DataProvider, look: Look, planned: str) -> Mapping[str, Json]:
    """Return what a source holds now; raise ``OrdainError`` (exit 10) where its content is not ``planned``."""
    seen = provider.look(
        LookRequest(
            look=look,
            spec=cast("Mapping[str, Json]", look.spec),
            environment=call.environment,
            memory=None,
            places=call.places,
            store=call.store,
            secret_fields=call.secret_fields if look.address == call.address else (),
        )
    )
    if seen.problems:
        raise OrdainError(*seen.problems)
    found = str(seen.facts.get("content"))
    if found != planned:
        raise OrdainError(moved(look.address, f"planned with content {planned[:19]}…, it is {found[:19]}… now"))
    return seen.facts


def moved(address: Address, detail: str) -> Diagnostic:
    """Return the refusal of a step whose data is not what the plan rests on."""
    return Diagnostic(
        code="data-moved",
        summary=f"the data of {address} moved since the plan was made",
        detail=detail,
        fix="plan again: ordain plan",
        blame=Blame.WORLD,
        exit=ExitCode.STALE,
        address=address,
    )


def _still_to_be_made(situation: Situation) -> str:
    """Name the infrastructure that the spec reads outputs of and that is not there yet ("" where there is none).

    A name can be known before the thing is: a bucket's, say. There is nothing to look at then.
    """
    read = {address for addresses in situation.expressions.values() for address in addresses}
    made = (situation.upstream[address] for address in sorted(read) if address in situation.upstream)
    return next((str(one.address) for one in made if one.kind == "Infrastructure" and one.effect is Effect.CREATE), "")


def _refs(leaf: object) -> tuple[object, ...]:
    return leaf.refs if isinstance(leaf, Unknown) else ()


def _contract(spec: Mapping[str, object]) -> Contract | None:
    written = spec.get("contract")
    return Contract.model_validate(written) if written is not None else None


def _digests(facts: Mapping[str, Json]) -> Mapping[str, Json]:
    columns = facts.get("columns")
    if not isinstance(columns, Mapping):
        return {}
    return {str(name): one.get("digest") for name, one in columns.items() if isinstance(one, Mapping)}


def _unpinned(spec: Mapping[str, object], seen: Mapping[str, Json], address: Address) -> tuple[Diagnostic, ...]:
    """Return the refusal of data that is not what ``digest`` pins."""
    pinned, found = spec.get("digest"), str(seen["content"])
    if pinned is None or pinned == found:
        return ()
    return (
        Diagnostic(
            code="data-not-as-pinned",
            summary=f"{address} holds other data than its digest pins",
            detail=f"pinned is {pinned}, its content is {found}",
            fix=f"bring back the data that was pinned, or pin what is there: digest: {found}",
            blame=Blame.WORLD,
            exit=ExitCode.GATE,
            address=address,
            path=("spec", "digest"),
        ),
    )


def _facts(seen: Mapping[str, Json], spec: Mapping[str, object]) -> Mapping[str, Json]:
    """Return what dependents, policies and the record get: the profile, and what the spec says of the data.

    Each column says whether it is ``personal``; of one that is they get no cell, only counts and the mean: facts stand
    in plans, and plans in pull requests. ``licence`` is "" where none is written, ``pinned`` says whether a digest
    is, ``newest`` is the latest moment in a date or datetime column that is not personal, "" where there is none.
    """
    columns, contract = seen.get("columns"), _contract(spec)
    profiles = columns if isinstance(columns, Mapping) else {}
    personal = {name for name, rule in contract.columns.items() if rule.personal} if contract is not None else set()
    flagged = {
        str(name): {
            **{key: value for key, value in profile.items() if name not in personal or key not in _CELLS},
            "personal": name in personal,
        }
        for name, profile in profiles.items()
        if isinstance(profile, Mapping)
    }
    return {
        "content": seen.get("content"),
        "rows": seen.get("rows"),
        "columns": flagged,
        "licence": str(spec.get("licence") or ""),
        "pinned": spec.get("digest") is not None,
        "newest": _newest(flagged),
    }


def _newest(columns: Mapping[str, Mapping[str, Json]]) -> str:
    """Return the latest moment in the columns' profiles as RFC 3339 (UTC, where none is named), "" for none.

    A year beyond 9999 is none that RFC 3339 or CEL could name.
    """
    found = []
    for column in columns.values():
        greatest = column.get("max")
        if column.get("type") in ("date", "datetime") and isinstance(greatest, str):
            try:
                found.append(moment(greatest).astimezone(UTC))
            except (ValueError, OverflowError):
                continue
    return max(found).isoformat().replace("+00:00", "Z") if found else ""


def _outputs(spec: Mapping[str, object], facts: Mapping[str, Json]) -> Mapping[str, Json]:
    path = spec.get("path")
    return {
        "path": path if isinstance(path, str) else "",
        "rows": facts.get("rows", 0),
        "content": facts.get("content", ""),
    }
