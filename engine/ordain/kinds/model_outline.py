"""What a model will be, known before anything is trained: its read-set, its recipe, what stands in its way."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ordain.api.fields import Facet, facets
from ordain.api.kind import Situation
from ordain.kinds.model_groups import sensitive
from ordain.kinds.model_spec import ModelSpec
from ordain.values.address import Address
from ordain.values.change import Effect
from ordain.values.data import Json, Path, Tree, path_text
from ordain.values.diagnostic import Diagnostic, Severity
from ordain.values.fingerprint import digest
from ordain.values.record import ResourceRecord

Columns = Mapping[str, Mapping[str, Json]]
_SHOWN = 4
_ROLES = ("id", "time", "sensitive")
_ASKED = ("dataset", "features", "roles")
"""Fields that count by the columns they come to; of a version that was made elsewhere only their text is at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """``build`` are the inputs beyond the spec, ``recipe`` the digest of all that makes the version.

    ``columns`` are the columns read (the target among them); ``deferred`` and ``blocked`` as in ``Inputs`` and
    ``Decision``; ``promoted``: the version is another environment's.
    """

    build: Mapping[str, Json] = field(default_factory=dict)
    recipe: str = ""
    columns: Columns = field(default_factory=dict)
    promoted: bool = False
    deferred: str = ""
    blocked: str = ""
    problems: tuple[Diagnostic, ...] = ()


class SelectionError(ValueError):
    """A column that a spec names and the dataset does not have, or that cannot play its part."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


def outline(situation: Situation) -> Outline:
    """Return the outline of a model; pure. What is wrong with its columns stands in ``problems``."""
    spec = situation.spec
    if spec is None:
        waits = sorted({str(address) for addresses in situation.expressions.values() for address in addresses})
        return Outline(deferred=f"its spec is known after {' and '.join(waits) or 'apply'}")
    if situation.promotes_from is not None and spec.get("train") != "here":
        return _promotion(situation, situation.promotes_from)
    dataset = situation.upstream.get(Address.parse(str(spec["dataset"])))
    if dataset is None:
        return Outline(deferred=f"waits for {spec['dataset']}")
    if dataset.deferred or dataset.blocked or "columns" not in dataset.facts:
        return Outline(
            deferred=f"waits for {dataset.address}: {dataset.deferred or dataset.blocked or 'not known yet'}"
        )
    stood = left_out(situation.record)
    try:
        columns = read_set(spec, dataset.facts, stood)
    except SelectionError as error:
        return Outline(deferred="its columns cannot be chosen", problems=(_unfit(situation, error),))
    build = build_inputs(spec, columns, dataset.facts.get("rows_digest"), situation.provider_recipe)
    recipe = recipe_of(situation.build_fields, situation.resource.provider, build)
    problems = tuple(_needless(situation, path, name) for path, name in _absent(spec, dataset.facts, stood))
    if dataset.facts.get("columns") is None:
        columns = _undecided(situation, dataset.facts, recipe)
    return Outline(build=build, recipe=recipe, columns=columns, problems=problems)


def left_out(record: ResourceRecord | None) -> frozenset[str]:
    """Return the columns that the recorded spec keeps from being learned: they were there once."""
    spec = record.spec if record is not None else {}
    return frozenset(name for _, name in _unlearned(spec))


def _unlearned(spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    features, roles = spec.get("features") or {}, spec.get("roles") or {}
    for index, name in enumerate(features.get("exclude") or ()):
        yield ("features", "exclude", index), str(name)
    for role in _ROLES:
        for index, name in enumerate(roles.get(role) or ()):
            yield ("roles", role, index), str(name)


def _absent(spec: Mapping[str, Any], dataset: Mapping[str, Json], stood: frozenset[str]) -> Iterator[tuple[Path, str]]:
    known = dataset.get("columns")
    if isinstance(known, Mapping):
        yield from ((path, name) for path, name in _unlearned(spec) if name not in known and name in stood)


def read_set(spec: Mapping[str, Any], dataset: Mapping[str, Json], stood: frozenset[str] = frozenset()) -> Columns:
    """Return the columns the model reads, in the dataset's order, with what is known of each; {} where SQL decides.

    ``stood`` are columns that may be gone where they are only left out. Raises ``SelectionError`` for any other name
    the dataset does not have, or one that cannot be learned from.
    """
    known = dataset.get("columns")
    if not isinstance(known, Mapping):
        return {}
    names = selection(spec, tuple(known), stood)
    schema = dataset.get("schema")
    types = schema if isinstance(schema, Mapping) else {}
    target = spec["target"]
    return {
        name: _column(known[name], types.get(name), with_levels=name == target)
        for name in known
        if name in names or name == target
    }


def selection(spec: Mapping[str, Any], names: Sequence[str], stood: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the features among the columns of a dataset, in their order; raise ``SelectionError`` as ``read_set``."""
    target, features, roles = str(spec["target"]), spec.get("features") or {}, spec.get("roles") or {}
    _exists(target, names, ("target",))
    compared = sensitive(spec)
    kept: dict[str, Path] = {target: ("target",)}
    for role in _ROLES:
        for index, name in enumerate(roles.get(role) or ()):
            kept_for = names if name in compared else (*names, *stood)
            _exists(name, kept_for, ("roles", role, index))
            if name == target:
                raise SelectionError(("roles", role, index), f"{name} is the target; it cannot be {role} as well")
            kept[name] = ("roles", role)
    for word in ("include", "exclude"):
        for index, name in enumerate(features.get(word) or ()):
            _exists(name, (*names, *(stood if word == "exclude" else ())), ("features", word, index))
    for index, name in enumerate(features.get("include") or ()):
        if name in kept:
            why = path_text(kept[name])
            raise SelectionError(("features", "include", index), f"{name} is not learned from: it is named in {why}")
    included, excluded = features.get("include"), set(features.get("exclude") or ())
    chosen = set(included) if included else {name for name in names if name not in kept and name not in excluded}
    if not chosen:
        raise SelectionError(("features",), "no column is left to learn from")
    return tuple(name for name in names if name in chosen)


def _exists(name: str, names: Sequence[str], path: Path) -> None:
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1)
    tip = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
    raise SelectionError(path, f"the dataset has no column {name}; {tip}")


def _column(known: Json, kind: Json, with_levels: bool) -> Mapping[str, Json]:
    column = known if isinstance(known, Mapping) else {}
    written = column.get("type", "unknown")
    return {
        "digest": column.get("digest"),
        "type": kind if written == "unknown" and kind is not None else written,
        "personal": bool(column.get("personal")),
        **({"levels": column["levels"]} if with_levels and "levels" in column else {}),
    }


def _undecided(situation: Situation, dataset: Mapping[str, Json], recipe: str) -> Columns:
    """Return the columns of a dataset whose SQL decides them: as recorded, or one that stands for all of them."""
    record = situation.record
    recorded = record.facts.get("columns") if record is not None and record.facts.get("recipe") == recipe else None
    if recorded is not None:
        return columns_of(recorded)
    return {"*": {"type": "unknown", "personal": bool(dataset.get("personal"))}}


def columns_of(recorded: Json) -> Columns:
    """Return the columns a model reads, as they stand in the facts recorded of it."""
    columns = recorded.items() if isinstance(recorded, Mapping) else ()
    return {str(name): column for name, column in columns if isinstance(column, Mapping)}


def build_inputs(
    spec: Mapping[str, Any], columns: Columns, rows: Json, provider: Mapping[str, Json]
) -> Mapping[str, Json]:
    """Return what beyond the spec's build fields makes a version: the columns read, which rows, and the trainer.

    ``rows`` is the dataset's ``rows_digest``. While SQL has yet to decide which columns there are, the words that
    choose among them stand for them.
    """
    chosen = {"selection": {word: spec.get(word) for word in ("features", "roles")}} if not columns else {}
    return {
        "columns": {name: column["digest"] for name, column in columns.items()} or None,
        "rows": rows,
        "provider": provider,
        **chosen,
    }


def recipe_of(spec_recipe: str, provider: str | None, build: Mapping[str, Json]) -> str:
    """Return the digest of all that makes a version (DESIGN §1.7)."""
    return digest({"spec": spec_recipe, "trainer": provider, "inputs": build})


def _promotion(situation: Situation, origin: str) -> Outline:
    """Return the outline where the version is the other environment's (DESIGN §4)."""
    address, source, record = situation.resource.address, situation.source, situation.record
    ours = situation.build_fields
    for one in (source, record):  # where the other has none any more, what stands here stands
        if one is not None and _same_spec(situation, one) and isinstance(one.facts.get("recipe"), str):
            recipe = str(one.facts["recipe"])
            return Outline(
                build={"spec_recipe": ours, "promoted": recipe},
                recipe=recipe,
                columns=columns_of(one.facts.get("columns")),
                promoted=True,
            )
    build: Mapping[str, Json] = {"spec_recipe": ours, "promoted": None}
    if source is None:
        why = f"{origin} has no version of {address} to promote: apply there first"
    else:
        differences = _differences(situation, source, origin)
        if source.hold is not None and not differences:  # another apply there changes nothing
            why = f"{origin} is held at {source.hold.version}, made of another spec: {source.hold.reason}"
            mend = f"ordain rollback {address} --env {origin} --release"
            return Outline(build=build, promoted=True, blocked=f"{why} ({mend}), or write train: here")
        why = f"what {origin} has was made of another spec: {differences or 'its recipe'}"
    return Outline(build=build, promoted=True, blocked=f"{why} (ordain apply --env {origin}), or write train: here")


def _same_spec(situation: Situation, other: ResourceRecord) -> bool:
    """Say whether another environment's model was made of this spec; a dataset that is just moved is the same one."""
    spec = situation.spec or {}
    if other.facts.get("spec_recipe") != situation.build_fields:
        return False
    dataset = situation.upstream.get(Address.parse(str(spec.get("dataset"))))
    renamed = dataset is not None and dataset.effect is Effect.MOVE
    words = [word for word in _ASKED if word != "dataset" or not renamed]
    return not any(list(_differing(other.spec.get(word), spec.get(word), ())) for word in words)


def _differences(situation: Situation, source: ResourceRecord, origin: str) -> str:
    kinds = facets(ModelSpec)

    def asked(spec: Mapping[str, Tree]) -> Mapping[str, Tree]:
        return {
            key: value for key, value in spec.items() if key in _ASKED or kinds.get(key, Facet.BUILD) is Facet.BUILD
        }

    found = list(_differing(asked(source.spec), asked(situation.spec or {}), ()))
    shown = [f"{path_text(path)} is {_spelt(old)} in {origin}, {_spelt(new)} here" for path, old, new in found[:_SHOWN]]
    more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(shown) + more


def _differing(before: Tree, after: Tree, path: Path) -> Iterator[tuple[Path, Tree, Tree]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _differing(before.get(key), after.get(key), (*path, key))
    elif before != after and not (_empty(before) and _empty(after)):
        yield path, before, after


def _empty(value: Tree) -> bool:
    return value is None or value == () or value == []


def _spelt(value: Tree) -> str:
    if _empty(value):
        return "absent"
    return ", ".join(str(one) for one in value) if isinstance(value, list | tuple) else str(value)


def _needless(situation: Situation, path: Path, name: str) -> Diagnostic:
    dataset = (situation.spec or {}).get("dataset")
    return Diagnostic(
        code="model-column-gone",
        summary=f"{situation.resource.address} leaves out {name}, which {dataset} no longer has",
        fix=f"take {name} out of the list: nothing is trained for it",
        severity=Severity.WARNING,
        address=situation.resource.address,
        path=("spec", *path),
    )


def _unfit(situation: Situation, error: SelectionError) -> Diagnostic:
    return Diagnostic(
        code="model-column",
        summary=f"{situation.resource.address}: {error}",
        detail=f"columns are those of {(situation.spec or {}).get('dataset')} after its preparation",
        fix="correct the name, or the dataset's preparation",
        address=situation.resource.address,
        path=("spec", *error.path),
    )
