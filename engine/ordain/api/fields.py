"""What spec fields are made of: the strict base model, references to other resources, facets.

A field belongs to ``Facet.BUILD`` unless its annotation says otherwise:
``gates: Annotated[tuple[str, ...], Facet.JUDGE] = ()``. A typed reference is
``dataset: Annotated[str, Ref("dataset")]``.
Facets count on the top level of a spec; a nested model belongs to its field's facet as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from ordain.values.address import KEY, Address
from ordain.values.data import Json, Leaf, Path, Tree, Unknown, leaves, replace_leaves
from ordain.values.fingerprint import Facet

_PLACEHOLDER = "\x00leaf:"


class Spec(BaseModel):
    """Base of every spec, option group and outputs model: unknown keys are errors, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Ref:
    """Marks a string field that holds an address; ``kinds`` are the kinds it may name, in snake_case."""

    kinds: tuple[str, ...]

    def __init__(self, *kinds: str) -> None:
        object.__setattr__(self, "kinds", kinds)

    def check(self, text: str) -> str:
        """Return ``text``; raise ``ValueError`` where it is no address of one of ``kinds``."""
        address = Address.parse(text)
        if self.kinds and address.kind not in self.kinds:
            raise ValueError(f"{text} is a {address.kind}; this field takes a {' or a '.join(self.kinds)}")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        out = handler(schema)
        kinds = "|".join(self.kinds) or "[a-z][a-z0-9_]*"
        return {**out, "pattern": rf'^({kinds})\.[a-z][a-z0-9-]*(\["?{KEY.pattern}"?\])?$|\$\{{\{{'}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One thing a spec gets wrong: where, what, and for an unknown key the keys there are."""

    path: Path
    code: str
    message: str
    known: tuple[str, ...] = ()


def check(model: type[BaseModel], tree: Mapping[str, Tree]) -> tuple[Mapping[str, Tree] | None, tuple[FieldError, ...]]:
    """Validate ``tree`` against ``model``.

    Returns the normalised spec (types coerced, defaults filled in, secret leaves in their places) and no errors; or
    None and the errors. A tree with ``Unknown`` leaves gives None, and only the errors that do not hang on such a
    leaf. A secret where more than plain text is asked for is an error.
    """
    from pydantic import ValidationError

    held = [(path, leaf) for path, leaf in leaves(tree)]
    numbers = {id(leaf): number for number, (_, leaf) in enumerate(held)}
    data = replace_leaves(tree, lambda leaf: f"{_PLACEHOLDER}{numbers[id(leaf)]}") if held else tree
    try:
        value = model.model_validate(data)
    except ValidationError as error:
        return None, tuple(_errors(model, error, tree, dict(held)))
    if any(isinstance(leaf, Unknown) for _, leaf in held):
        return None, ()
    out: Any = value.model_dump(mode="json", by_alias=True)
    return (_restore(out, [leaf for _, leaf in held]) if held else out), ()


def _restore(tree: Any, held: list[Any]) -> Any:
    if isinstance(tree, str) and tree.startswith(_PLACEHOLDER):
        return held[int(tree[len(_PLACEHOLDER) :])]
    if isinstance(tree, dict):
        return {key: _restore(value, held) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_restore(value, held) for value in tree]
    return tree


def _errors(model: type[BaseModel], error: Any, tree: Tree, held: Mapping[Path, Leaf]) -> Iterator[FieldError]:
    for item in error.errors(include_url=False, include_context=False):
        path = _real_path(item["loc"], tree, item["type"] == "missing")
        near = [leaf for at, leaf in held.items() if path[: len(at)] == at or at[: len(path)] == path != ()]
        if any(isinstance(leaf, Unknown) for leaf in near):
            continue
        if near:
            yield FieldError(path=path, code="secret", message="a secret cannot stand here: only plain text may be one")
            continue
        message = str(item["msg"]).removeprefix("Value error, ")
        known = tuple(sorted(_keys(model, path[:-1]))) if item["type"] == "extra_forbidden" else ()
        yield FieldError(path=path, code=str(item["type"]), message=message, known=known)


def _real_path(loc: tuple[int | str, ...], tree: Tree, missing: bool) -> Path:
    """Leave out of pydantic's location the tags of unions and validators, which are not in the document."""
    path: list[str | int] = []
    node = tree
    for index, step in enumerate(loc):
        if isinstance(node, Mapping) and step in node:
            node = node[str(step)]
        elif isinstance(node, list | tuple) and isinstance(step, int) and step < len(node):
            node = node[step]
        elif not (missing and index == len(loc) - 1):
            continue
        path.append(step)
    return tuple(path)


def _keys(model: type[BaseModel], path: Path) -> set[str]:
    models = [model]
    for step in path:
        if isinstance(step, int):
            continue
        inner: list[type[BaseModel]] = []
        for one in models:
            field = next((f for n, f in one.model_fields.items() if step in (n, f.alias)), None)
            inner += list(_models(field.annotation)) if field else []
        models = inner or models
    return {field.alias or name for one in models for name, field in one.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for arg in get_args(annotation):
        yield from _models(arg)


@cache
def facets(model: type[BaseModel]) -> Mapping[str, Facet]:
    """Return the facet of each top-level field, by the name it has in YAML."""
    return {
        field.alias or name: next((m for m in field.metadata if isinstance(m, Facet)), Facet.BUILD)
        for name, field in model.model_fields.items()
    }


@cache
def reference_fields(model: type[BaseModel]) -> Mapping[str, Ref]:
    """Return the typed reference fields on the top level, by the name they have in YAML."""
    return {
        field.alias or name: ref
        for name, field in model.model_fields.items()
        for ref in (next((m for m in (*field.metadata, *_inner(field.annotation)) if isinstance(m, Ref)), None),)
        if ref is not None
    }


def _inner(annotation: Any) -> Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    for arg in get_args(annotation):
        yield from _inner(arg)


def split(model: type[BaseModel], spec: Mapping[str, Tree]) -> Mapping[Facet, Mapping[str, Tree]]:
    """Split a normalised spec by facet."""
    out: dict[Facet, dict[str, Tree]] = {facet: {} for facet in Facet}
    kinds = facets(model)
    for key, value in spec.items():
        out[kinds.get(key, Facet.BUILD)][key] = value
    return out


__all__ = ["Facet", "FieldError", "Json", "Ref", "Spec", "check", "facets", "reference_fields", "split"]
