"""Diagnostics, and what policies found, as SARIF 2.1.0 (OASIS), which code scanning on GitHub and editors read."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from string import ascii_letters, digits

from ordain.render import findings
from ordain.render.diagnostics import end_column
from ordain.values.codec import dumps
from ordain.values.data import Json
from ordain.values.diagnostic import Diagnostic, in_order
from ordain.values.plan import Excuse, ExcuseKind, Finding, Plan
from ordain.values.record import Outcome
from ordain.values.span import Span

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_HOME = Span(file="ordain.yaml", line=1, column=1)
"""Where a diagnostic without a position is shown: GitHub takes no result without one."""
_PLAIN = frozenset(f"{ascii_letters}{digits}-._~/".encode())
_ABOUT = {
    "yaml": "The file is not the YAML that Ordain reads.",
    "file": "A file of the project cannot be read as one.",
    "document": "A document of the project is not shaped like one.",
    "spec": "A document does not say what its kind and its provider ask for.",
    "reference": "A document refers to something that is not there.",
    "output": "An expression reads an output that there is not.",
    "expression": "An expression between ${{ and }} cannot be evaluated.",
    "environment": "The environments do not fit each other, or the one that was asked for.",
    "promotion": "The environments promote from each other in a circle.",
    "override": "An environment overrides what cannot be overridden.",
    "variable": "A variable has no value, or one that does not fit it.",
    "policy": "A policy is wrong, or is not there.",
    "provider": "A document names no provider, or one that is not installed.",
    "kind": "A document is of a kind that is not there.",
    "name": "Two documents have the same address.",
    "project": "The project has no Project document, or more than one.",
    "plugin": "A plugin cannot be used.",
}
"""What codes that begin with a word are about, for a reader who has not yet seen the message."""


def diagnostics_sarif(diagnostics: Iterable[Diagnostic], *, version: str, prefix: str = "") -> bytes:
    """Return one SARIF log with one run of Ordain ``version``, results sorted by position.

    ``prefix`` leads from the root of the repository (``%SRCROOT%``) to the project: "" or a path that ends in "/".
    """
    return _log(in_order(diagnostics), (), version, prefix)


def plan_sarif(plan: Plan, *, version: str, prefix: str = "") -> bytes:
    """Return what is wrong with a plan as one SARIF log: its diagnostics, then what policies found, worst first.

    What is excused is there with its suppression: in the source for an exception of the policy, external for a
    person's override. What is not known yet is open. ``prefix`` as in ``diagnostics_sarif``.
    """
    return _log(in_order(plan.program.diagnostics), findings.findings(plan.program), version, prefix)


def _log(diagnostics: Sequence[Diagnostic], found: Sequence[Finding], version: str, prefix: str) -> bytes:
    rules = {code: _rule(code) for code in sorted({one.code for one in diagnostics})}
    rules |= {str(one.policy): _policy_rule(one) for one in sorted(found, key=lambda one: one.policy)}
    number = {rule: index for index, rule in enumerate(rules)}
    seen: Counter[str] = Counter()
    results = [
        *(_result(one, number[one.code], prefix, seen) for one in diagnostics),
        *(_found(one, number[str(one.policy)], prefix, seen) for one in found),
    ]
    run: Mapping[str, Json] = {
        "tool": {"driver": {"name": "Ordain", "semanticVersion": version, "rules": list(rules.values())}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=True) + b"\n"


def _rule(code: str) -> Json:
    about = _ABOUT.get(code.split("-")[0], "Something in the project is not as Ordain needs it.")
    return {
        "id": code,
        "shortDescription": {"text": code.replace("-", " ")},
        "fullDescription": {"text": about},
        "help": {"text": f"{about} The message says where, and what to type next. To see it again: ordain validate"},
    }


def _result(one: Diagnostic, rule: int, prefix: str, seen: Counter[str]) -> Json:
    text = ". ".join(
        part.rstrip(".") for part in (one.summary, one.detail, f"Fix: {one.fix}" if one.fix else "") if part
    )
    mark = _mark(one)
    seen[mark] += 1
    level = "error" if one.is_error else "warning"
    related = [
        {"id": number, "message": {"text": word or "see also"}, **_place(span, span.column, prefix)}
        for number, (span, word) in enumerate(one.related, 1)
    ]
    return {
        "ruleId": one.code,
        "ruleIndex": rule,
        "level": level,
        "message": {"text": _unlinked(text)},
        "locations": [{**_place(one.at or _HOME, end_column(one), prefix), **_logical(one)}],
        **({"relatedLocations": related} if related else {}),
        # The one name of a fingerprint that GitHub looks at.
        "partialFingerprints": {"primaryLocationLineHash": f"{mark}:{seen[mark]}"},
    }


def _unlinked(text: str) -> str:
    """Return the text with no embedded link (SARIF 2.1.0, 3.11.6): a policy's words lead nowhere by themselves."""
    return text.replace("](", "\\](")


def _policy_rule(one: Finding) -> Json:
    owner = f" Its owner is {one.owner}." if one.owner else ""
    more = f" Read more: {one.link}" if one.link else ""
    about = f"A policy of the project, {one.level.value} in this environment.{owner}"
    return {
        "id": str(one.policy),
        "shortDescription": {"text": str(one.policy)},
        "fullDescription": {"text": about},
        "help": {"text": f"{about}{more}"},
        **({"helpUri": one.link} if findings.is_url(one.link) else {}),
        "properties": {"severity": one.severity.value, **({"owner": one.owner} if one.owner else {})},
    }


def _found(one: Finding, rule: int, prefix: str, seen: Counter[str]) -> Json:
    remedy = findings.remedy_text(one)
    text = ". ".join(part.rstrip(".") for part in (findings.message_text(one, one.message), remedy) if part)
    mark = _digest(one.violation or f"{one.policy} {one.address}", one.at.file if one.at else "")
    seen[mark] += 1
    at = one.at or _HOME
    logical: Json = {"fullyQualifiedName": str(one.address), "kind": "resource"}
    return {
        "ruleId": str(one.policy),
        "ruleIndex": rule,
        **_weight(one),
        "message": {"text": _unlinked(text)},
        "locations": [{**_place(at, at.column, prefix), **({"logicalLocations": [logical]} if one.address else {})}],
        "partialFingerprints": {"primaryLocationLineHash": f"{mark}:{seen[mark]}"},
        **({"suppressions": [_suppression(one.excuse)]} if one.excuse is not None else {}),
        "properties": {
            "verdict": findings.verdict_word(one), "policyLevel": one.level.value, "severity": one.severity.value,
            **({"owner": one.owner} if one.owner else {}),
        },
    }  # fmt: skip


def _weight(one: Finding) -> Mapping[str, Json]:
    """Return kind and level (SARIF 2.1.0, 3.27.9 and 3.27.10): what is not known yet has no level."""
    if one.outcome is Outcome.UNKNOWN:
        return {"kind": "open", "level": "none"}
    return {"kind": "fail", "level": "error" if one.stands else "warning"}


def _suppression(excuse: Excuse) -> Json:
    by = f"{excuse.by}, " if excuse.by else ""
    return {
        "kind": "inSource" if excuse.kind is ExcuseKind.EXCEPTION else "external",
        "status": "accepted",
        "justification": f"{by}{findings.until_text(excuse.until)}: {excuse.reason}",
    }


def _place(at: Span, end: int, prefix: str) -> dict[str, Json]:
    region = {"startLine": at.line, "startColumn": at.column, "endLine": at.line, "endColumn": max(end, at.column)}
    location = {"uri": _uri(prefix + at.file), "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": location, "region": region}}


def _logical(one: Diagnostic) -> dict[str, Json]:
    if one.address is None:
        return {}
    return {"logicalLocations": [{"fullyQualifiedName": str(one.address), "kind": "resource"}]}


def _mark(one: Diagnostic) -> str:
    """Return a digest of what a diagnostic says: without line and column, so that it stays when lines move."""
    return _digest(
        one.code, one.at.file if one.at else "", str(one.address or ""), one.summary, (one.snippet or "").strip()
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:16]


def _uri(path: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in path.encode(errors="replace"))
