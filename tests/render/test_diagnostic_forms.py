"""Diagnostics for machines: the JSON form, and SARIF as code scanning wants it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema

from ordain.render.diagnostics import diagnostics_json
from ordain.render.sarif import diagnostics_sarif
from ordain.session.schemas import all_schemas
from ordain.values.address import Address
from ordain.values.diagnostic import Diagnostic, Severity
from ordain.values.span import Span

TYPO = Diagnostic(
    code="spec-unknown-key",
    summary="unknown key 'tset' in spec.split",
    detail="found it there",
    fix="did you mean 'test'?",
    address=Address.parse("dataset.training"),
    path=("spec", "split", 0),
    at=Span(file="sub folder/dätä.yaml", line=7, column=11),
    snippet="  split: {  tset: 0.2}"[:10] + "tset: 0.2}",
    related=((Span(file="ordain.yaml", line=2, column=3), "first here"),),
)
ODD = Diagnostic(code="odd", summary="odd", severity=Severity.WARNING)


def verdict(*found: Diagnostic) -> Any:
    data = json.loads(diagnostics_json(found))
    jsonschema.Draft202012Validator(dict(all_schemas()["diagnostics.schema.json"])).validate(data)
    return data


def run(*found: Diagnostic, prefix: str = "") -> Any:
    log = json.loads(diagnostics_sarif(found, version="1.2.3", prefix=prefix))
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    (only,) = log["runs"]
    return only


def test_the_json_form_counts_and_points_at_the_word() -> None:
    data = verdict(TYPO, ODD)
    assert (data["format_version"], data["valid"], data["error_count"], data["warning_count"]) == ("1.0", False, 1, 1)
    typo, odd = data["diagnostics"]
    assert typo["range"] == {
        "filename": "sub folder/dätä.yaml",
        "start": {"line": 7, "column": 11},
        "end": {"line": 7, "column": 15},
    }
    excerpt = typo["snippet"]
    assert excerpt["code"][excerpt["highlight_start_offset"] : excerpt["highlight_end_offset"]] == "tset"
    assert typo["address"] == "dataset.training" and typo["path"] == ["spec", "split", 0]
    assert typo["related"][0]["message"] == "first here" and typo["related"][0]["range"]["start"]["line"] == 2
    assert odd["range"] is odd["snippet"] is odd["address"] is None and odd["severity"] == "warning"


def test_warnings_alone_are_valid() -> None:
    assert verdict(ODD)["valid"] and verdict()["valid"] and not verdict(TYPO)["valid"]


def test_a_position_past_the_end_of_its_line_stays_inside() -> None:
    (one,) = verdict(replace(TYPO, at=Span(file="a.yaml", line=1, column=90)))["diagnostics"]
    assert one["snippet"]["highlight_start_offset"] == one["snippet"]["highlight_end_offset"] == len(TYPO.snippet or "")


def test_sarif_has_what_code_scanning_needs() -> None:
    found = run(TYPO, ODD, prefix="models/")
    rules = found["tool"]["driver"]["rules"]
    assert found["tool"]["driver"]["name"] == "Ordain" and found["tool"]["driver"]["semanticVersion"] == "1.2.3"
    assert [rule["id"] for rule in rules] == ["odd", "spec-unknown-key"]
    assert all(rule[key]["text"] for rule in rules for key in ("shortDescription", "fullDescription", "help"))
    typo, odd = found["results"]
    assert rules[typo["ruleIndex"]]["id"] == typo["ruleId"] == "spec-unknown-key"
    assert (typo["level"], odd["level"]) == ("error", "warning")
    assert typo["message"]["text"] == "unknown key 'tset' in spec.split. found it there. Fix: did you mean 'test'?"
    place = typo["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "models/sub%20folder/d%C3%A4t%C3%A4.yaml", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 7, "startColumn": 11, "endLine": 7, "endColumn": 15}
    assert found["columnKind"] == "unicodeCodePoints"
    assert typo["relatedLocations"][0]["message"]["text"] == "first here"
    assert typo["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "dataset.training"
    where = odd["locations"][0]["physicalLocation"]  # no result without a place
    assert where["artifactLocation"]["uri"] == "models/ordain.yaml" and where["region"]["startLine"] == 1


def test_no_diagnostics_are_a_run_without_results() -> None:
    assert run()["results"] == []


def marks(*found: Diagnostic) -> set[str]:
    return {one["partialFingerprints"]["primaryLocationLineHash"] for one in run(*found)["results"]}


def test_fingerprints_stay_when_lines_move_and_tell_results_apart() -> None:
    moved = replace(TYPO, at=Span(file="sub folder/dätä.yaml", line=70, column=1), snippet="   " + TYPO.snippet)  # type: ignore[operator]
    assert marks(TYPO) == marks(moved)
    assert len(marks(TYPO, moved)) == 2  # the same mistake twice in one file
    assert marks(TYPO).isdisjoint(marks(replace(TYPO, summary="another")))
    assert marks(TYPO).isdisjoint(marks(replace(TYPO, at=Span(file="b.yaml", line=7, column=11))))
