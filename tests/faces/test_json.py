"""The plan file: schema, round trip, and every way in which bytes may not be what they say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import jsonschema
import orjson
import pytest
from hypothesis import given, settings, strategies as st

from ordain.render.json import plan_json, read_plan
from ordain.render.lines import TerminalOptions
from ordain.render.markdown import plan_markdown
from ordain.render.schema import plan_schema
from ordain.render.steps import steps_text
from ordain.render.terminal import plan_text
from ordain.values.diagnostic import ExitCode, OrdainError
from ordain.values.fingerprint import sha256
from ordain.values.plan import Plan

Plans = Mapping[str, Callable[[], Plan]]


def test_a_plan_comes_back_as_it_was(plan: Plan) -> None:
    data = plan_json(plan)
    again = read_plan(data)
    assert plan_json(again) == data
    assert again.digest == plan.digest
    assert again.program.changes == plan.program.changes


def test_every_plan_fits_the_schema(plan: Plan) -> None:
    jsonschema.Draft202012Validator(plan_schema()).validate(json.loads(plan_json(plan)))


def test_the_schema_is_a_schema_and_refuses() -> None:
    schema = plan_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({"format_version": "1.0"})


def test_the_schema_refuses_an_unknown_action(plans: Plans) -> None:
    body = json.loads(plan_json(plans["spec_change"]()))
    body["changes"][0]["action"] = "explode"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(plan_schema()).validate(body)


def test_the_envelope_does_not_touch_the_digest(plans: Plans) -> None:
    plan = plans["first"]()
    later = replace(plan, envelope=replace(plan.envelope, id="other", created_at="2027-01-01T00:00:00Z"))
    one, two = json.loads(plan_json(plan)), json.loads(plan_json(later))
    assert one["digest"] == two["digest"]
    assert {key for key in one if one[key] != two[key]} == {"envelope"}


def _exit(data: bytes) -> ExitCode:
    with pytest.raises(OrdainError) as caught:
        read_plan(data)
    return caught.value.exit


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_changed_byte_is_refused_as_stale(data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(_FILE) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != _FILE[index]))
    assert _exit(_FILE[:index] + bytes([byte]) + _FILE[index + 1 :]) is ExitCode.STALE


def _small() -> bytes:
    from ordain.values.fingerprint import digest
    from ordain.values.plan import Envelope, Program, Status

    program = Program(
        project="p", environment="dev", mode="normal", lineage="l", serial=1, spec_digest="d",
        status=Status(applyable=True, complete=True, errored=False), summary={"no-op": 1},
    )  # fmt: skip
    envelope = Envelope(id="i", created_at="2026-11-21T00:00:00Z", engine_version="0.1.0")
    return plan_json(Plan(program=program, digest=digest(program), envelope=envelope))


_FILE = _small()


def test_cut_and_reformatted_and_doubled_keys_are_stale() -> None:
    assert _exit(_FILE[:-200]) is ExitCode.STALE
    assert _exit(json.dumps(json.loads(_FILE)).encode()) is ExitCode.STALE
    assert _exit(_FILE.replace(b'"serial": 1,', b'"serial": 2,\n  "serial": 1,')) is ExitCode.STALE
    assert _exit(_FILE.rstrip()) is ExitCode.STALE


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"kind: Model", b"\xff\xfe", b"[" * 100_000, b'{"a": 1}'])
def test_what_is_no_plan_is_said_to_be_none(data: bytes) -> None:
    assert _exit(data) is ExitCode.SPEC


def _forged(**changed: object) -> bytes:
    """A file whose checksum is right, as someone who means it would write it."""
    body = {**json.loads(_FILE), **changed}
    body["envelope"].pop("checksum", None)
    body["envelope"]["checksum"] = sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    return orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n"


def test_a_forged_program_does_not_match_its_digest() -> None:
    assert _exit(_forged(serial=2)) is ExitCode.STALE


def test_unknown_fields_and_major_versions_are_refused() -> None:
    assert _exit(_forged(extra=1)) is ExitCode.SPEC
    assert _exit(_forged(format_version="2.0")) is ExitCode.SPEC
    assert _exit(_forged(status={"applyable": "yes"})) is ExitCode.SPEC
    assert _exit(_forged(envelope={"id": 1})) is ExitCode.SPEC


def _of_a_later_version(plan: Plan) -> bytes:
    """The file of a version that has further fields, and further words where this one has enums."""
    body = json.loads(plan_json(plan))
    body["format_version"] = "1.7"
    body["novel"] = {"list": [1]}
    body["envelope"]["novel"] = 1
    del body["envelope"]["checksum"]
    for change in body["changes"]:
        change |= {"novel": "x", "action": "transmute", "effect": "transmogrify"}
        for cause in change["causes"]:
            cause |= {"novel": None, "code": "whim"}
    for finding in body["policy"]:
        finding |= {"outcome": "shrug", "level": "soggy", "severity": "dire"}
    for diagnostic in body["diagnostics"]:
        diagnostic["blame"] = "fate"
    body["envelope"]["checksum"] = sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    return orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n"


def test_a_plan_of_a_later_minor_version_is_shown_and_not_executed(plan: Plan) -> None:
    data = _of_a_later_version(plan)
    assert _exit(data) is ExitCode.SPEC
    shown = read_plan(data, to_show=True)
    assert shown.digest == plan.digest
    assert [str(change.address) for change in shown.program.changes] == [
        str(change.address) for change in plan.program.changes
    ]
    face = plan_text(shown, TerminalOptions(verbose=True))
    assert "this Ordain knows 1.0" in face and "this Ordain knows 1.0" in plan_markdown(shown)
    assert steps_text(shown, TerminalOptions()) and plan_json(shown)
    acting = [change for change in plan.program.changes if change.acts]
    assert not acting or "transmogrify" in face
    tampered = data.replace(b"transmogrify", b"transmogrified")
    if tampered != data:
        with pytest.raises(OrdainError) as caught:
            read_plan(tampered, to_show=True)
        assert caught.value.exit is ExitCode.STALE


def test_an_unknown_word_in_a_plan_of_this_version_is_refused_even_to_show(plans: Plans) -> None:
    data = _of_a_later_version(plans["spec_change"]())
    body = json.loads(data)
    body["format_version"] = "1.0"
    del body["envelope"]["checksum"]
    body["envelope"]["checksum"] = sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    with pytest.raises(OrdainError) as caught:
        read_plan(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n", to_show=True)
    assert caught.value.exit is ExitCode.SPEC
