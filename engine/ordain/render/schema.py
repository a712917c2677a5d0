"""The JSON Schema of the plan file, generated from the values a plan is made of."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any

from ordain.values.address import Address, Reference
from ordain.values.codec import plain
from ordain.values.data import Json, Secret, Unknown
from ordain.values.plan import Envelope, Program

_DIGEST = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_LEAVES = {"$unknown": Unknown, "$secret": Secret}


def plan_schema() -> Mapping[str, Json]:
    """Return the JSON Schema (2020-12) of what ``plan_json`` writes: every field is there."""
    defs = _common()
    program = _object(Program, defs)
    envelope = _object(Envelope, defs)
    checksum = {**_DIGEST, "description": "SHA-256 of the canonical bytes of everything else in the file"}
    properties = {
        "format_version": {"type": "string", "pattern": r"^1\.[0-9]+$"},
        "digest": {**_DIGEST, "description": "SHA-256 of the canonical bytes of the program"},
        **program["properties"],
        "envelope": {
            **envelope,
            "properties": {**envelope["properties"], "checksum": checksum},
            "required": [*envelope["properties"], "checksum"],
        },
    }
    return {
        "$schema": _DIALECT,
        "title": "Ordain plan",
        "description": "A plan: what will happen and why, and the program that apply runs.",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "$defs": dict(sorted(defs.items())),
    }


def schema_of(cls: type, title: str) -> Mapping[str, Json]:
    """Return the JSON Schema (2020-12) of what ``codec.dumps`` writes of a value; fields at default may be absent."""
    defs = _common()
    return {"$schema": _DIALECT, "title": title, **_object(cls, defs), "$defs": dict(sorted(defs.items()))}


def _common() -> dict[str, Any]:
    defs: dict[str, Any] = {
        "Json": {"description": "any JSON"},
        "Tree": {
            "description": 'any JSON, in which a value not known before apply stands as {"$unknown": …} '
            'and a secret as {"$secret": …}'
        },
    }
    for mark, leaf in _LEAVES.items():
        inner = _of(leaf, defs)
        defs[f"{leaf.__name__}Leaf"] = {"type": "object", "properties": {mark: inner}, "required": [mark]}
    return defs


def _of(hint: Any, defs: dict[str, Any]) -> dict[str, Any]:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union(args, defs)
    if origin is tuple:
        return _tuple(args, defs)
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(args[1], defs)}
    if hint in (Address, Reference):
        return {"type": "string", "pattern": r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9-]*"}
    if isinstance(hint, type) and issubclass(hint, Enum):
        whole = all(isinstance(item.value, int) for item in hint)
        return {"type": "integer" if whole else "string", "enum": [item.value for item in hint]}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        if hint.__name__ not in defs:
            defs[hint.__name__] = {}  # holds the place while its own fields refer to it
            defs[hint.__name__] = _object(hint, defs)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return {"type": {str: "string", int: "integer", float: "number", bool: "boolean"}[hint]}


def _union(arms: tuple[Any, ...], defs: dict[str, Any]) -> dict[str, Any]:
    if Unknown in arms:
        return {"$ref": "#/$defs/Tree"}
    concrete = [arm for arm in arms if arm is not type(None)]
    if any(typing.get_origin(arm) for arm in concrete) and len(concrete) > 1:
        return {"$ref": "#/$defs/Json"}
    options = [_of(arm, defs) for arm in concrete]
    if len(concrete) != len(arms):
        options.append({"type": "null"})
    return {"anyOf": options} if len(options) > 1 else options[0]


def _tuple(args: tuple[Any, ...], defs: dict[str, Any]) -> dict[str, Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        return {"type": "array", "items": _of(args[0], defs)}
    items = [_of(arg, defs) for arg in args]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _object(cls: type, defs: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for field in dataclasses.fields(cls):
        properties[field.name] = _of(hints[field.name], defs)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            required.append(field.name)
        elif field.default is not dataclasses.MISSING and "$ref" not in properties[field.name]:
            properties[field.name] = {**properties[field.name], "default": plain(field.default)}
    about = " ".join((cls.__doc__ or "").split("\n\n")[0].split())
    return {
        "type": "object",
        "description": about,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
