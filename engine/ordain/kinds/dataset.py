"""Dataset: rows of a data source, prepared and split, kept as an immutable version named by its recipe."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from ordain.api.fields import Spec
from ordain.api.kind import Decision, Delta, Inputs, Kind, Operation, Outlook, Situation
from ordain.api.providers import Call, DataProvider, Prepared, Preparer, PrepareRequest, Progress, Provider, StepResult
from ordain.api.registry import load_provider
from ordain.kinds.data_source import look_again, moved
from ordain.kinds.dataset_causes import moved_columns, own_causes, source_of, untouched
from ordain.kinds.dataset_outline import Outline, OutlineError, left_out, outline, without_gone
from ordain.kinds.dataset_spec import DatasetOutputs, DatasetSpec
from ordain.values.address import Address, Reference
from ordain.values.change import Cause, CauseCode, Effect
from ordain.values.codec import canonical
from ordain.values.data import Json, Path as FieldPath, Tree, Unknown
from ordain.values.diagnostic import Diagnostic, OrdainError, Severity
from ordain.values.fingerprint import Facet, digest
from ordain.values.look import Look
from ordain.values.record import Standing, VersionRecord

_BUILD = (Operation(name="build", heavy=True),)


class Dataset(Kind):
    """See the module. A version that was made once, in whatever environment, is used again without any compute."""

    name = "Dataset"
    spec: ClassVar[type[Spec]] = DatasetSpec
    outputs: ClassVar[type[Spec]] = DatasetOutputs
    default_provider = "duckdb"

    def inputs(self, situation: Situation) -> Inputs:
        source = source_of(situation)
        if source is None or situation.spec is None:
            return Inputs(deferred="its spec is known after apply")
        if source.deferred or source.blocked:
            return Inputs(deferred=f"waits for {source.address}: {source.deferred or source.blocked}")
        if "columns" not in source.facts:
            return Inputs(deferred=f"waits for {source.address}: its data is not known")
        try:
            outlined = _outlined(situation, source)
        except OutlineError as error:
            return Inputs(deferred="its preparation cannot work", problems=(_unworkable(situation, error),))
        return Inputs(
            build=_build_inputs(outlined, situation.provider_recipe),
            # What moved is of this plan alone, so it always stands there: what was recorded of it is never believed.
            facts={
                **_known_facts(outlined, source.facts),
                "from": str(source.address),
                "moved": list(moved_columns(source)),
            },
            problems=tuple(_needless(situation, source, path, name) for path, name in outlined.gone),
        )

    def decide(self, situation: Situation, delta: Delta) -> Decision:
        source = source_of(situation)
        assert source is not None and situation.spec is not None
        outlined = _outlined(situation, source)
        recipe = recipe_of(_json(situation.spec), outlined, situation.provider_recipe)
        made = next((one for one in reversed(situation.versions) if one.recipe == recipe and one.artifact), None)
        lost = made is None and situation.record is not None and situation.record.facts.get("recipe") == recipe
        build = delta.is_new or delta.has(Facet.BUILD) or delta.forced or delta.unknown or lost
        if not build:
            effect = Effect.COSMETIC if delta.facets else Effect.NONE
            notes = untouched(situation, source, outlined)
            assert situation.record is not None
            return Decision(
                effect=effect,
                facts={"rows": _rows(situation.record.facts)},
                recipe=recipe,
                spec_recipe=situation.build_fields,
                notes=notes,
            )
        if made is not None and not delta.forced:
            return Decision(
                effect=Effect.REUSE,
                outputs=_outputs(made),
                facts={**made.facts, **_known_facts(outlined, source.facts), "rows": _rows(made.facts)},
                recipe=recipe,
                spec_recipe=situation.build_fields,
                notes=(f"{made.name} was made before ({made.made_by}): it is used again",) if made.made_by else (),
            )
        return Decision(
            effect=Effect.CREATE if delta.is_new else Effect.UPDATE,
            operations=_BUILD,
            outputs=_expected(situation.resource.address, recipe, outlined.count),
            facts={"rows": outlined.count},
            causes=(_lost(situation, recipe),) if lost and not delta.forced else (),
            recipe=recipe,
            spec_recipe=situation.build_fields,
        )

    def explain(self, situation: Situation, delta: Delta) -> tuple[Cause, ...]:
        source = source_of(situation)
        if situation.record is None or source is None or situation.spec is None:
            return ()
        return own_causes(situation, delta, _outlined(situation, source))

    def perform(self, call: Call, provider: Provider | None) -> StepResult:
        if call.operation == "delete":
            return StepResult(message="its versions stay as long as anything refers to them")
        assert isinstance(provider, Preparer)
        address = Address.parse(str(call.spec["from"]))
        source = call.upstream[address]
        reader = load_provider(call.targets[address])
        assert isinstance(reader, DataProvider)
        look = Look(address=address, kind=source.kind, provider=source.provider or "", spec=source.spec)
        call.report(Progress(message=f"reading {address}"))
        look_again(call, reader, look, str(source.facts.get("content")))
        recipe = provider.recipe(call.spec)
        known = left_out(call.spec, call.change.spec_recipe, call.record, call.versions)
        outlined = outline(call.spec, source.facts, recipe, known)
        if recipe_of(call.spec, outlined, recipe) != call.change.recipe:
            raise OrdainError(moved(call.address, f"{address} or the preparer is not what the recipe was made of"))
        rows = reader.read(_json(source.spec), call.places.root)
        call.places.private.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=call.places.private) as folder:
            spec = without_gone(call.spec, outlined)
            request = PrepareRequest(spec=spec, source=rows, folder=Path(folder), report=call.report)
            return _kept(call, outlined, source.facts, provider.prepare(request))


def recipe_of(spec: Mapping[str, Json], outlined: Outline, preparer: Mapping[str, Json]) -> str:
    """Return the digest of all that makes a version: the steps, the split, what they read, and the preparer."""
    return digest(
        {
            "prepare": spec.get("prepare"),
            "split": spec.get("split"),
            **_build_inputs(outlined, preparer),
        }
    )


def _build_inputs(outlined: Outline, preparer: Mapping[str, Json]) -> Mapping[str, Json]:
    columns = outlined.columns
    digests = {name: column["digest"] for name, column in columns.items()} if columns is not None else None
    return {"rows": outlined.rows, "columns": digests, "preparer": preparer}


def _known_facts(outlined: Outline, source: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return what is known before it is made. What is said of the source holds of it too, and may be said later.

    ``rows_digest`` stands for which rows there are, ``licences`` for those of all sources it reads ("" for one that
    names none), ``pinned`` for whether each of them is.
    """
    return {
        "rows_digest": outlined.rows,
        "columns": outlined.columns,
        "personal": outlined.personal,
        "licences": [str(source.get("licence", ""))],
        "pinned": source.get("pinned") is True,
    }


def _kept(call: Call, outlined: Outline, source: Mapping[str, Json], prepared: Prepared) -> StepResult:
    """Put the two parts and their manifest into the store; return the version."""
    train, test = call.store.put(prepared.train), call.store.put(prepared.test)
    recipe = call.change.recipe
    manifest = {"format": 1, "recipe": recipe, "train": train, "test": test, **prepared.facts}
    version = VersionRecord(
        address=call.address,
        recipe=recipe,
        spec_recipe=call.change.spec_recipe,
        name=_name(recipe),
        artifact=call.store.put_bytes(canonical(manifest)),
        facts={
            **prepared.facts,
            **_known_facts(outlined, source),
            "rows": _rows(prepared.facts),
            "recipe": recipe,
            "train": train,
            "test": test,
        },
        standing=Standing.ACCEPTED,
        made_by=f"{call.environment}/{call.run}",
    )
    return StepResult(outputs=_outputs(version), facts=version.facts, versions=(version,))


def _outputs(version: VersionRecord) -> Mapping[str, Tree]:
    return {"version": version.name, "digest": version.artifact, "rows": _rows(version.facts)}


def _rows(facts: Mapping[str, Json]) -> int:
    """Return how many rows both parts have."""
    parts = (facts.get("rows_train"), facts.get("rows_test"))
    return sum(part for part in parts if isinstance(part, int))


def _expected(address: Address, recipe: str, count: int | None) -> Mapping[str, Tree]:
    def later(output: str) -> Unknown:
        reference = Reference(address=address, path=(output,))
        return Unknown(expression=f"${{{{ {reference} }}}}", refs=(reference,))

    return {"version": _name(recipe), "digest": later("digest"), "rows": later("rows") if count is None else count}


def _name(recipe: str) -> str:
    return f"v{recipe.removeprefix('sha256:')[:12]}"


def _lost(situation: Situation, recipe: str) -> Cause:
    detail = f"an artifact of {_name(recipe)} is no longer there"
    return Cause(code=CauseCode.LOST, address=situation.resource.address, detail=detail)


def _outlined(situation: Situation, source: Outlook) -> Outline:
    spec = _json(situation.spec or {})
    known = left_out(spec, situation.build_fields, situation.record, situation.versions)
    return outline(spec, source.facts, situation.provider_recipe, known)


def _unworkable(situation: Situation, error: OutlineError) -> Diagnostic:
    return Diagnostic(
        code="dataset-step",
        summary=f"{situation.resource.address}: {error}",
        fix="correct the step, or the order of the steps",
        address=situation.resource.address,
        path=("spec", *error.path),
    )


def _needless(situation: Situation, source: Outlook, path: FieldPath, name: str) -> Diagnostic:
    return Diagnostic(
        code="dataset-column-gone",
        summary=f"{situation.resource.address} drops {name}, which {source.address} no longer has",
        fix=f"take {name} out of the list; nothing hangs on it",
        severity=Severity.WARNING,
        address=situation.resource.address,
        path=("spec", *path),
    )


def _json(spec: Mapping[str, Tree]) -> Mapping[str, Json]:
    """A dataset's spec has neither unknown nor secret leaves once it is planned."""
    return spec  # type: ignore[return-value]
