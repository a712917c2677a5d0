"""The published JSON Schemas: one for every kind of document, the plan, the state export, the events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ordain.api.fields import Spec
from ordain.api.registry import Registry
from ordain.config.common import LifecycleSpec, RunSpec
from ordain.config.resources import KEYS
from ordain.config.settings import COMMON, FORMAT
from ordain.kinds.settings import SETTINGS
from ordain.render.accepting import EXPRESSION, Schema, accepting
from ordain.render.diagnostics import Verdict
from ordain.render.schema import plan_schema, schema_of
from ordain.session.plugins import load_plugins
from ordain.values.address import ADDRESS_PATTERN, NAME, snake
from ordain.values.codec import dumps
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError
from ordain.values.event import Event
from ordain.values.record import ResourceRecord

ANY = "ordain.schema.json"
"""The file with the schema of whatever document a project may have: the one to name in an editor."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SPEC = "what it is: the keys of its kind, and of its provider"
_TEXT: Schema = {"type": ["string", "null"]}
_DOCUMENT: Mapping[str, Schema] = {
    "name": {"type": "string", "pattern": f"^{NAME.pattern}$",
             "description": "lower-case letters, digits and minus signs, a letter first; unique among its kind"},
    "description": {**_TEXT, "description": "for people; a change is only written down"},
    "owner": {**_TEXT, "description": "who answers for it; policies may ask for one"},
    "labels": {"type": ["object", "string", "null"], "pattern": EXPRESSION["pattern"],
               "additionalProperties": {"type": "string"}, "description": "words to select by, as in `tier: gold`"},
    "lifecycle": {"anyOf": [{"$ref": "#/$defs/LifecycleSpec"}, {"type": "null"}],
                  "description": "how the resource may end, and what makes it anew"},
    "depends_on": {"type": "array", "items": {"type": "string", "pattern": f"^{ADDRESS_PATTERN}$"},
                   "description": "addresses that come first, beside those that the spec refers to"},
    "run": {"anyOf": [{"$ref": "#/$defs/RunSpec"}, {"type": "null"}], "description": "how its steps run"},
    "for_each": {"type": ["array", "object", "string"], "pattern": EXPRESSION["pattern"],
                 "items": {"type": ["string", "number", "boolean"]},
                 "description": "one of each of a list or mapping; expressions read `each.key` and `each.value`"},
    "format": {"type": "integer", "minimum": 1, "maximum": FORMAT, "description": "the language's, not the project's"},
}  # fmt: skip
"""What a document may have beside ``kind`` and ``spec``; which of it a kind takes, ``config`` says."""
_WITH = {"type": ["object", "null"], "description": "the blueprint's parameters, by name"}
_USE = {
    "type": "object",
    "description": "documents made by a blueprint",
    "properties": {
        "use": {"type": "string", "pattern": f"^{NAME.pattern}$",
                "description": "the blueprint: a folder of the project's templates/, or one that comes with Ordain"},
        "name": {**_DOCUMENT["name"], "description": "for the body to call its documents by"},
        "with": _WITH,
        "for_each": _DOCUMENT["for_each"],
    },
    "required": ["use"],
    "additionalProperties": False,
}  # fmt: skip
_BLUEPRINT = {
    "type": "object",
    "description": "a blueprint: parameters for documents that others make by `use:`",
    "properties": {
        "kind": {"const": "Blueprint", "description": "a blueprint's declaration; its body stands beside it"},
        "name": {**_DOCUMENT["name"], "description": "what its folder is called"},
        "description": {"type": "string", "description": "for people"},
        "spec": {
            "type": ["object", "null"],
            "description": "what the body needs to know",
            "properties": {
                "parameters": {"type": ["object", "null"], "description": "by name: what `with:` may say",
                               "additionalProperties": {"$ref": "#/$defs/Variable"}},
            },
            "additionalProperties": False,
        },
    },
    "required": ["kind", "name"],
    "additionalProperties": False,
}  # fmt: skip


def all_schemas() -> Mapping[str, Mapping[str, Any]]:
    """Return every schema by file name."""
    found = dict(_documents(load_plugins()[1]))
    found["plan.schema.json"] = plan_schema()
    found["diagnostics.schema.json"] = schema_of(Verdict, "What ordain validate --format json prints")
    found["event.schema.json"] = schema_of(Event, "An event of an apply")
    found["resource-record.schema.json"] = schema_of(ResourceRecord, "A recorded resource")
    return dict(sorted(found.items()))


def _documents(registry: Registry) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the schema of each kind, and that of any document."""
    models = _models(registry)
    names, definitions = _definitions([model for variants in models.values() for model in variants.values()])
    kinds: dict[str, Schema] = {}
    for kind, variants in models.items():
        kinds[kind] = _document(
            kind, registry, {provider: names[model] for provider, model in variants.items()}, definitions
        )
    kinds["Blueprint"] = _BLUEPRINT
    for kind, schema in (*kinds.items(), ("use", _USE)):
        whole = {"$schema": _DIALECT, "title": kind, **schema, **_reached(schema, definitions)}
        yield f"{snake(kind)}.schema.json", whole
    yield ANY, _any(kinds, registry, definitions)


def _models(registry: Registry) -> Mapping[str, Mapping[str | None, type[Spec]]]:
    """Return the models of every kind's specs by provider; None for a kind that has none."""
    found: dict[str, Mapping[str | None, type[Spec]]] = {}
    for kind in sorted(registry.kinds):
        providers = registry.providers_of(kind)
        found[kind] = {one: registry.model(kind, one) for one in providers} or {None: registry.model(kind, None)}
    return {**found, **{kind: {None: model} for kind, model in SETTINGS.items()}}


def _definitions(models: list[type[Spec]]) -> tuple[Mapping[type[Spec], str], dict[str, Schema]]:
    """Return the name of each model's definition, and all definitions, those that they are made of included."""
    from pydantic.json_schema import models_json_schema

    asked = [(model, "validation") for model in dict.fromkeys((*models, LifecycleSpec, RunSpec))]
    refs, whole = models_json_schema(asked, ref_template="#/$defs/{model}")  # type: ignore[arg-type]
    names = {model: ref["$ref"].rsplit("/", 1)[-1] for (model, _), ref in refs.items()}
    definitions = {name: accepting(one) for name, one in whole.get("$defs", {}).items()}
    return names, definitions  # type: ignore[return-value]


def _document(
    kind: str, registry: Registry, variants: Mapping[str | None, str], definitions: dict[str, Schema]
) -> Schema:
    """Return the schema of a kind's documents; each provider's spec becomes a definition that knows its provider."""
    resource = kind in registry.kinds
    keys = KEYS if resource else (*COMMON, "format") if kind == "Project" else COMMON
    about = registry.kinds[kind].summary if resource else _sentence(definitions[variants[None]])
    properties: Schema = {"kind": {"const": kind, "description": about}}
    properties |= {key: _DOCUMENT[key] for key in keys if key in _DOCUMENT}
    default = registry.kind(kind).default_provider if resource else None
    required = ["kind", "name"]
    if None in variants:
        one = definitions[variants[None]]
        needed = bool(one.get("required"))
        spec: Schema = {"$ref": f"#/$defs/{variants[None]}"}
        properties["spec"] = {"description": _SPEC, **(spec if needed else {"anyOf": [spec, {"type": "null"}]})}
    else:
        needed = default is None or bool(definitions[variants[default]].get("required"))
        properties["spec"] = _choice(kind, registry, variants, definitions, default)
    return {
        "type": "object",
        "description": about,
        "properties": properties,
        "required": [*required, "spec"] if needed else required,
        "additionalProperties": False,
    }


def _sentence(schema: Schema) -> str:
    return str(schema.get("description", "")).split(".")[0]


def _choice(
    kind: str,
    registry: Registry,
    variants: Mapping[str | None, str],
    definitions: dict[str, Schema],
    default: str | None,
) -> Schema:
    """Return the schema of a spec whose other keys depend on its ``provider``."""
    about = {str(one): registry.providers[kind, str(one)].summary for one in variants}
    cases = []
    for provider, name in variants.items():
        names: Schema = {"enum": [provider, None]} if provider == default else {"const": provider}
        word = {**names, "description": about[str(provider)]}
        model = definitions[name]
        definitions[f"{kind}.{provider}"] = {**model, "properties": {"provider": word, **model.get("properties", {})}}
        chosen: Schema = {"properties": {"provider": names}}
        if provider != default:
            chosen["required"] = ["provider"]
        cases.append({"if": chosen, "then": {"$ref": f"#/$defs/{kind}.{provider}"}})
    null: list[Schema] = [{"type": "null"}] if default else []
    provider_field: Schema = {
        "description": "who makes it" + (f"; {default} where left out" if default else ""),
        "anyOf": [{"enum": list(about), "enumDescriptions": list(about.values())}, dict(EXPRESSION), *null],
        **({"default": default} if default else {}),
    }
    return {
        "description": _SPEC,
        "type": ["object", "string", *(["null"] if default else [])],
        "pattern": EXPRESSION["pattern"],
        "properties": {"provider": provider_field},
        **({} if default else {"required": ["provider"]}),
        "allOf": cases,
    }


def _any(kinds: Mapping[str, Schema], registry: Registry, definitions: Mapping[str, Schema]) -> Mapping[str, Any]:
    """Return the schema of any document: told by its ``kind`` which it is."""
    about = [str(schema["description"]) for schema in kinds.values()]
    kind = {"description": "what this document is", "enum": list(kinds), "enumDescriptions": about}
    cases: list[Schema] = [
        {
            "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
            "then": {"$ref": f"#/$defs/kind.{name}"},
        }
        for name in kinds
    ]
    documents = {**{f"kind.{name}": schema for name, schema in kinds.items()}, "use": _USE}
    cases.append({"if": {"required": ["use"]}, "then": {"$ref": "#/$defs/use"}, "else": {"required": ["kind"]}})
    word = {"properties": {"use": {"type": "string", "description": "make documents by this blueprint"}}}
    cases.append({"if": {"not": {"required": ["kind"]}}, "then": word})
    body: Schema = {"type": "object", "properties": {"kind": kind}, "allOf": cases}
    return {
        "$schema": _DIALECT,
        "title": "A document of an Ordain project",
        **body,
        "$defs": {**documents, **_reached(documents, definitions)["$defs"]},
    }


def _reached(schema: Any, definitions: Mapping[str, Schema]) -> Mapping[str, Mapping[str, Schema]]:
    """Return ``$defs`` with the definitions that a schema refers to, directly or not."""
    found: dict[str, Schema] = {}
    waiting = [schema]
    while waiting:
        for name in re.findall(r'"#/\$defs/([^"]+)"', dumps(waiting.pop()).decode()):
            if name in definitions and name not in found:
                found[name] = definitions[name]
                waiting.append(definitions[name])
    return {"$defs": dict(sorted(found.items()))}


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
