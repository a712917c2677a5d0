"""A model's JSON Schema as an editor needs it: it accepts all that Ordain accepts, and says nothing twice.

Wherever a value may stand an expression may, which is text with ``${{`` in it; and text that spells a number or a truth
value is taken for one. Such a schema lists the types that may stand in one place (``"type": ["integer", "string"]``)
rather than alternatives (``anyOf``), for editors explain what is wrong with the first better.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

EXPRESSION: Mapping[str, Any] = {"type": "string", "pattern": r"\$\{\{"}
"""What an expression is to a schema."""
_OPEN = r"\$\{\{"
_NUMBER = rf"{_OPEN}|^\s*[-+]?[0-9._]+([eE][-+]?[0-9]+)?\s*$"
_WORDS = "|".join("".join(f"[{c}{c.upper()}]" for c in word) for word in ("yes", "no", "on", "off", "true", "false"))
_TRUTH = rf"{_OPEN}|^([01tTfFyYnN]|{_WORDS})$"
_NAMES_TO_SCHEMAS = ("properties", "$defs", "patternProperties")
_ONE = ("items", "additionalProperties")
_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_TEXT_RULES = ("pattern", "maxLength", "format", "enum", "const")
_KINDS = {"object": "a mapping", "array": "a list"}
_ABOUT = ("description", "default", "examples", "deprecated")


def accepting(schema: Mapping[str, Any]) -> Schema:
    """Return ``schema`` (of pydantic's making) so that it also accepts expressions and what is read as a value."""
    out: Schema = {}
    for key, value in schema.items():
        if key in ("title", "discriminator"):
            continue
        if key == "description":
            value = " ".join(str(value).replace("``", "`").split())
        elif key in _NAMES_TO_SCHEMAS:
            value = {name: accepting(one) for name, one in value.items()}
        elif key in _ONE and isinstance(value, dict):
            value = accepting(value)
        elif key in _MANY:
            value = [accepting(one) for one in value]
        out[key] = value
    return _with_text(out)


def _with_text(schema: Schema) -> Schema:
    kind = schema.get("type")
    if kind in ("object", "array"):
        return {**schema, "type": [kind, "string"], "pattern": _OPEN, **_said(_KINDS[kind])}
    if kind in ("integer", "number"):
        return {**schema, "type": [kind, "string", "boolean"], "pattern": _NUMBER, **_said("a number")}
    if kind == "boolean":
        whole = {"minimum": 0, "maximum": 1, "multipleOf": 1}
        return {**schema, "type": ["boolean", "string", "number"], "pattern": _TRUTH, **whole, **_said("true or false")}
    ruled = [rule for rule in _TEXT_RULES if rule in schema]
    if not ruled or "\\$\\{\\{" in str(schema.get("pattern", "")):
        return schema
    about = {key: schema.pop(key) for key in _ABOUT if key in schema}
    return {**about, "anyOf": [schema, dict(EXPRESSION)]}


def _said(what: str) -> Mapping[str, str]:
    """Return what editors that know the word say of text that does not fit, in the place of a regular expression."""
    return {"patternErrorMessage": f"this takes {what}, or an expression ${{{{ … }}}}"}
