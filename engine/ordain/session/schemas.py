"""The published JSON Schemas: one for every kind of document, the plan, the state export, the events."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ordain.api.fields import Spec
from ordain.api.registry import Registry
from ordain.kinds.settings import SETTINGS
from ordain.render.diagnostics import Verdict
from ordain.render.schema import plan_schema, schema_of
from ordain.session.plugins import load_plugins
from ordain.values.address import snake
from ordain.values.codec import dumps
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError
from ordain.values.event import Event
from ordain.values.record import ResourceRecord

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_EXPRESSION = {"type": "string", "pattern": r"\$\{\{"}
_COMMON: dict[str, Any] = {
    "name": {"type": "string", "pattern": "^[a-z][a-z0-9-]*$"},
    "description": {"type": "string"},
    "owner": {"type": "string"},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "depends_on": {"type": "array", "items": {"type": "string"}},
    "lifecycle": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "protect": {"type": "boolean"},
            "keep_on_remove": {"type": "boolean"},
            "ignore_changes": {"type": "array", "items": {"type": "string"}},
        },
    },
    "run": {"type": "object"},
}


def all_schemas() -> Mapping[str, Mapping[str, Any]]:
    """Return every schema by file name."""
    registry = load_plugins()[1]
    found: dict[str, Mapping[str, Any]] = {
        f"{snake(kind)}.schema.json": _document(kind, _resource_specs(registry, kind), resource=True)
        for kind in sorted(registry.kinds)
    }
    for kind, model in SETTINGS.items():
        found[f"{snake(kind)}.schema.json"] = _document(kind, {None: model}, resource=False)
    found["plan.schema.json"] = plan_schema()
    found["diagnostics.schema.json"] = schema_of(Verdict, "What ordain validate --format json prints")
    found["event.schema.json"] = schema_of(Event, "An event of an apply")
    found["resource-record.schema.json"] = schema_of(ResourceRecord, "A recorded resource")
    kinds = [
        name for name in sorted(found) if "kind" in found[name].get("properties", {}) and _is_document(found[name])
    ]
    found["ordain.schema.json"] = {
        "$schema": _DIALECT,
        "title": "A document of an Ordain project",
        "oneOf": [{"$ref": name} for name in kinds],
    }
    return dict(sorted(found.items()))


def _is_document(schema: Mapping[str, Any]) -> bool:
    return "const" in schema.get("properties", {}).get("kind", {})


def _resource_specs(registry: Registry, kind: str) -> Mapping[str | None, type[Spec]]:
    names = registry.providers_of(kind)
    return {name: registry.model(kind, name) for name in names} or {None: registry.model(kind, None)}


def _document(kind: str, specs: Mapping[str | None, type[Spec]], *, resource: bool) -> Mapping[str, Any]:
    definitions: dict[str, Any] = {}
    variants = []
    for provider, model in specs.items():
        schema = model.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= {name: _relaxed(one) for name, one in schema.pop("$defs", {}).items()}
        variant = _relaxed(schema)
        if provider is not None:
            variant["properties"] = {"provider": {"const": provider}, **variant.get("properties", {})}
            variant["required"] = sorted({*variant.get("required", ()), *(["provider"] if len(specs) > 1 else [])})
        variants.append(variant)
    properties: dict[str, Any] = {"kind": {"const": kind}, **(_COMMON if resource else _settings_common(kind))}
    properties["spec"] = variants[0] if len(variants) == 1 else {"oneOf": variants}
    return {
        "$schema": _DIALECT,
        "title": kind,
        "type": "object",
        "required": ["kind", "name"],
        "additionalProperties": False,
        "properties": properties,
        **({"$defs": dict(sorted(definitions.items()))} if definitions else {}),
    }


def _settings_common(kind: str) -> dict[str, Any]:
    common = {name: _COMMON[name] for name in ("name", "description", "owner", "labels")}
    return {**common, "format": {"const": 1}} if kind == "Project" else common


def _relaxed(schema: Any) -> Any:
    """Let an expression stand wherever a value may: it is resolved before the value is checked."""
    if isinstance(schema, list):
        return [_relaxed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: value if key == "default" else _relaxed(value) for key, value in schema.items()}
    for key in ("properties",):
        if isinstance(out.get(key), dict):
            out[key] = {name: _or_expression(one) for name, one in out[key].items()}
    if isinstance(out.get("items"), dict):
        out["items"] = _or_expression(out["items"])
    return out


def _or_expression(schema: Any) -> Any:
    if not isinstance(schema, dict) or (schema.get("type") == "string" and "enum" not in schema):
        return schema
    described = {key: schema[key] for key in ("title", "description", "default") if key in schema}
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], _EXPRESSION]}
    if "type" in schema or "$ref" in schema or "enum" in schema:
        return {**described, "anyOf": [schema, _EXPRESSION]}
    return schema


def one_schema(name: str) -> str:
    """Return one schema as text, by kind (``Model``) or by name (``plan``)."""
    found = all_schemas()
    file = f"{snake(name)}.schema.json"
    if file not in found:
        known = ", ".join(key.removesuffix(".schema.json") for key in found)
        raise OrdainError(
            Diagnostic(
                code="schema-unknown", summary=f"there is no schema called {name}", fix=f"choose from: {known}",
                exit=ExitCode.SPEC,
            )
        )  # fmt: skip
    return dumps(found[file], indent=True).decode()


def write_schemas(folder: Path, *, check: bool) -> tuple[str, ...]:
    """Write the schemas that are not fresh in ``folder`` (with ``check`` write nothing); return their file names."""
    stale = []
    for name, schema in all_schemas().items():
        target, text = folder / name, dumps(schema, indent=True).decode() + "\n"
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                folder.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
    return tuple(stale)
