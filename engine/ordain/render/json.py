"""The plan as one JSON file that is both the report and the program (DESIGN §4), and the way back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import orjson

from ordain.values.codec import decode, dumps, loads, spelled_out
from ordain.values.data import Json
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError, Severity
from ordain.values.fingerprint import digest, sha256
from ordain.values.plan import FORMAT, Envelope, Plan, Program

_MARKS = ("format_version", "digest", "envelope", "spec_digest")
_FIELDS = tuple(field.name for field in dataclasses.fields(Program))


def plan_json(plan: Plan) -> bytes:
    """Return the plan file: format_version, digest, the program's fields, and the envelope with a checksum.

    Every field is there, so that readers need not know defaults. The checksum is the SHA-256 of the canonical bytes
    of everything else; ``digest`` covers the program alone.
    """
    body: dict[str, object] = {"format_version": FORMAT, "digest": plan.digest}
    body |= {name: spelled_out(getattr(plan.program, name)) for name in _FIELDS}
    body["envelope"] = spelled_out(plan.envelope)
    plain = orjson.loads(dumps(body))
    return _pretty({**plain, "envelope": {**plain["envelope"], "checksum": _checksum(plain)}})


def _checksum(body: Mapping[str, Json]) -> str:
    return sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))


def _pretty(body: Mapping[str, Json]) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n"


def read_plan(data: bytes, *, to_show: bool = False) -> Plan:
    """Return the plan that ``plan_json`` wrote.

    One of a later minor version is read ``to_show`` it: without the fields this Ordain does not know, unknown words as
    they stand, and with a warning that says so. To be executed every word must be known. Raises ``OrdainError``: exit
    10 where the bytes are not what they say (a changed, cut or reformatted file), exit 6 where they are no plan, or one
    of a version this Ordain does not know.
    """
    body = _parsed(data)
    whole = _pretty(body)
    around = body.get("envelope")
    checksum = around.pop("checksum", None) if isinstance(around, dict) else None
    if checksum != _checksum(body):
        raise _altered("its checksum does not match its content")
    if whole != data:
        raise _altered("it is not byte for byte what Ordain writes (was it reformatted?)")
    version = body.pop("format_version", None)
    later = _is_later(version)
    lenient = later and to_show
    try:
        stated = str(body.pop("digest"))
        envelope = decode(Envelope, body.pop("envelope"), lenient=lenient)
        program = decode(Program, cast(Json, body), lenient=lenient)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if later:
            raise _not_a_plan(f"its format is {version}, this Ordain executes up to {FORMAT}: {error}") from None
        raise _not_a_plan(f"it does not have the shape of a plan of format {FORMAT}: {error}") from None
    if lenient:  # what it does not know it cannot digest; the checksum holds
        program = replace(program, diagnostics=(*program.diagnostics, _later(str(version))))
    elif stated != digest(program):
        raise _altered("its digest does not match its program")
    return Plan(program=program, digest=stated, envelope=envelope)


def _parsed(data: bytes) -> dict[str, Json]:
    try:
        body = loads(data)
    except (ValueError, RecursionError):
        if sum(f'"{mark}"'.encode() in data for mark in _MARKS) > 1:
            raise _altered("it is a plan, but no longer JSON") from None
        raise _not_a_plan("it is not JSON") from None
    if not isinstance(body, dict) or sum(mark in body for mark in _MARKS) < 2:
        raise _not_a_plan("it lacks the fields of a plan")
    return body


def _is_later(version: Json) -> bool:
    """Say whether a version is a later minor one; raise where it is none, or another major one."""
    major, _, minor = version.partition(".") if isinstance(version, str) else ("", "", "")
    ours, _, known = FORMAT.partition(".")
    if major != ours or not minor.isdecimal():
        raise _not_a_plan(f"its format is {version}, this Ordain reads {ours}.x")
    return int(minor) > int(known)


def _later(version: str) -> Diagnostic:
    return Diagnostic(
        code="plan-later",
        severity=Severity.WARNING,
        summary=f"the plan is of format {version}, this Ordain knows {FORMAT}: what it does not know is not shown",
        fix="apply it with the Ordain that made it",
    )


def _altered(detail: str) -> OrdainError:
    return OrdainError(
        Diagnostic(
            code="plan-altered",
            summary="the plan file is not what it says it is",
            detail=f"{detail[0].upper()}{detail[1:]}. Nothing was done.",
            fix="make a new plan: ordain plan --out FILE",
            blame=Blame.WORLD,
            exit=ExitCode.STALE,
        )
    )


def _not_a_plan(detail: str) -> OrdainError:
    return OrdainError(
        Diagnostic(
            code="plan-unreadable",
            summary="this is not a plan that this Ordain can read",
            detail=f"{detail[0].upper()}{detail[1:]}.",
            fix="name a file written by ordain plan --out, with the same version of Ordain",
        )
    )
