"""Contracts against profiles: every clause kept, broken, and impossible to tell."""

from __future__ import annotations

from typing import Any

import pytest

from ordain.api.fields import check
from ordain.kinds.contract import Contract, breaches
from ordain.values.address import Address
from ordain.values.diagnostic import Diagnostic, ExitCode, Severity

SOURCE = Address.parse("data_source.bank")
COLUMNS: dict[str, dict[str, Any]] = {
    "age": {"type": "integer", "nulls": 0, "distinct": 60, "min": 18, "max": 95},
    "balance": {"type": "number", "nulls": 3, "distinct": 97, "min": -8.5, "max": 100.0},
    "job": {"type": "category", "nulls": 0, "distinct": 2, "categories": {"admin.": 60, "retired": 40}},
    "notes": {"type": "text", "nulls": 0, "distinct": 100},
    "paid": {"type": "boolean", "nulls": 0, "distinct": 2, "categories": {"false": 1, "true": 99}},
    "rating": {
        "type": "integer",
        "nulls": 0,
        "distinct": 3,
        "min": 1,
        "max": 3,
        "categories": {"1": 5, "2": 5, "3": 90},
    },
    "seen": {
        "type": "datetime",
        "nulls": 0,
        "distinct": 9,
        "min": "2024-01-01T00:00:00Z",
        "max": "2024-06-30T23:59:59.5Z",
    },
    "born": {"type": "date", "nulls": 0, "distinct": 9, "min": "1950-01-01", "max": "2001-12-31"},
    "ratio": {"type": "number", "nulls": 0, "distinct": 9, "min": 0.1, "max": 0.9, "infinite": 2},
    "empty": {"type": "text", "nulls": 100, "distinct": 0, "categories": {}},
}
FACTS = {"content": "sha256:0", "rows": 100, "columns": COLUMNS}


def judge(contract: dict[str, Any]) -> tuple[Diagnostic, ...]:
    spec, errors = check(Contract, contract)
    assert spec is not None, errors
    return breaches(Contract.model_validate(spec), FACTS, SOURCE)


def column(name: str, **rule: Any) -> tuple[Diagnostic, ...]:
    return judge({"columns": {name: rule}})


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("age", {"type": "integer", "min": 18, "max": 95, "nullable": False}),
        ("age", {"type": "number"}),
        ("balance", {"type": "number", "min": -9, "max": 100, "max_null_share": 0.03}),
        ("job", {"type": "category", "values": ["admin.", "retired", "student"], "pattern": "[a-z.]+"}),
        ("job", {"type": "text"}),
        ("notes", {"type": "text", "unique": True}),
        ("paid", {"type": "boolean", "values": [True, False]}),
        ("rating", {"values": [1, 2, 3.0]}),
        ("seen", {"type": "datetime", "min": "2024-01-01T01:00:00+01:00", "max": "2024-07-01"}),
        ("born", {"type": "date", "min": "1950-01-01"}),
        ("empty", {"type": "integer", "min": 3, "values": [1]}),
        ("absent", {"required": False, "type": "integer"}),
        ("job", {"personal": True, "description": "what they do"}),
    ],
)
def test_clauses_that_hold(name: str, rule: dict[str, Any]) -> None:
    assert column(name, **rule) == ()


@pytest.mark.parametrize(
    ("name", "rule", "code", "says"),
    [
        ("age", {"min": 19}, "contract-min", "age: the lowest value is 18, contract says min 19"),
        ("age", {"max": 94}, "contract-max", "age: the highest value is 95, contract says max 94"),
        ("balance", {"nullable": False}, "contract-null", "balance: 3 nulls, contract says none"),
        ("balance", {"max_null_share": 0.02}, "contract-null", "balance: 3.00% null, contract says at most 2.00%"),
        ("balance", {"type": "integer"}, "contract-type", "balance: a number, contract says integer"),
        ("notes", {"type": "category"}, "contract-type", "notes: a text, contract says category"),
        ("born", {"type": "datetime"}, "contract-type", "born: a date, contract says datetime"),
        ("age", {"unique": True}, "contract-unique", "age: 40 values occur again, contract says each once"),
        ("absent", {}, "contract-missing", "absent: no such column, contract requires it"),
        ("job", {"pattern": "[a-z]+"}, "contract-pattern", "'admin.'"),
        (
            "paid",
            {"values": [True]},
            "contract-values",
            "paid: 1 cell with a value the contract does not list: 'false'",
        ),
        ("rating", {"values": [2, 3]}, "contract-values", "rating: 5 cells"),
        ("seen", {"max": "2024-06-30T23:59:59Z"}, "contract-max", "seen: the highest value is 2024-06-30T23:59:59.5Z"),
        ("born", {"min": "1950-01-02"}, "contract-min", "born: the lowest value is 1950-01-01"),
        ("ratio", {"max": 1}, "contract-max", "ratio: 2 infinite values"),
    ],
)
def test_clauses_that_are_broken(name: str, rule: dict[str, Any], code: str, says: str) -> None:
    (problem,) = column(name, **rule)
    assert (problem.code, problem.exit, problem.severity) == (code, ExitCode.GATE, Severity.ERROR)
    assert says in problem.summary
    assert problem.path[:4] == ("spec", "contract", "columns", name) and problem.address == SOURCE and problem.fix
    (softer,) = judge({"columns": {name: rule}, "on_fail": "warn"})
    assert (softer.code, softer.severity) == (code, Severity.WARNING)


@pytest.mark.parametrize(
    ("name", "rule", "code"),
    [
        ("notes", {"values": ["a"]}, "contract-values-unknown"),
        ("notes", {"pattern": "a+"}, "contract-pattern-unknown"),
    ],
)
def test_what_the_profile_cannot_tell_is_a_warning_never_a_pass(name: str, rule: dict[str, Any], code: str) -> None:
    (problem,) = column(name, **rule)
    assert (problem.code, problem.severity) == (code, Severity.WARNING)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("job", {"min": 3}),
        ("paid", {"max": 3}),
        ("age", {"min": "2024-01-01"}),
        ("seen", {"max": 3}),
        ("age", {"pattern": "1"}),
        ("job", {"pattern": "(?=a)"}),
    ],
)
def test_clauses_that_do_not_fit_the_column_are_mistakes_in_the_spec(name: str, rule: dict[str, Any]) -> None:
    (problem,) = judge({"columns": {name: rule}, "on_fail": "warn"})
    assert problem.exit is ExitCode.SPEC and problem.severity is Severity.ERROR and problem.code.endswith("-unfit")


@pytest.mark.parametrize(
    ("name", "rule", "hidden"),
    [
        ("job", {"values": ["retired"]}, "admin"),
        ("job", {"pattern": "[a-z]+"}, "admin"),
        ("job", {"type": "boolean"}, "admin"),
        ("age", {"max": 94}, "95"),
    ],
)
def test_cells_of_a_personal_column_are_not_shown(name: str, rule: dict[str, Any], hidden: str) -> None:
    (shown,) = column(name, **rule)
    (quiet,) = column(name, **rule, personal=True)
    assert hidden in shown.summary + shown.detail
    assert hidden not in quiet.summary + quiet.detail and quiet.code == shown.code


def test_rows_and_closed() -> None:
    assert [one.summary for one in judge({"rows": {"min": 101}})] == ["100 rows, contract says at least 101"]
    assert [one.summary for one in judge({"rows": {"max": 99}})] == ["100 rows, contract says at most 99"]
    assert judge({"rows": {"min": 100, "max": 100}}) == ()
    (closed,) = judge({"closed": True, "columns": {name: {} for name in COLUMNS if name not in ("age", "job")}})
    assert closed.summary == "2 columns the contract does not name: age, job"


def test_a_pattern_from_a_stranger_cannot_hang_the_plan() -> None:
    facts = {
        "rows": 1,
        "columns": {"x": {"type": "text", "nulls": 0, "distinct": 1, "categories": {"a" * 60 + "!": 1}}},
    }
    contract = Contract.model_validate({"columns": {"x": {"pattern": "(a+)+"}}})
    assert [one.code for one in breaches(contract, facts, SOURCE)] == ["contract-pattern"]


@pytest.mark.parametrize(
    ("contract", "path", "says"),
    [
        ({"columns": {"a": {"type": "text", "min": 3}}}, ("columns", "a"), "a text has none"),
        ({"columns": {"a": {"type": "integer", "min": "x"}}}, ("columns", "a"), "min and max are numbers"),
        ({"columns": {"a": {"type": "date", "min": 3}}}, ("columns", "a"), "ISO texts"),
        ({"columns": {"a": {"min": "soon"}}}, ("columns", "a"), "no ISO date"),
        ({"columns": {"a": {"min": 3, "max": 2}}}, ("columns", "a"), "min 3 is above max 2"),
        ({"columns": {"a": {"type": "integer", "pattern": "1"}}}, ("columns", "a"), "a pattern is for texts"),
        ({"columns": {"a": {"pattern": "("}}}, ("columns", "a", "pattern"), "not a regular expression"),
        ({"columns": {"a": {"values": []}}}, ("columns", "a", "values"), "at least 1"),
        ({"columns": {"a": {"max_null_share": 1.5}}}, ("columns", "a", "max_null_share"), "less than or equal to 1"),
        ({"columns": {"a": {"tipe": "text"}}}, ("columns", "a", "tipe"), "Extra"),
        ({"rows": {"min": 3, "max": 2}}, ("rows",), "min 3 is above max 2"),
        ({"on_fail": "quarantine"}, ("on_fail",), "not supported yet"),
    ],
)
def test_contracts_that_are_refused(contract: dict[str, Any], path: tuple[str, ...], says: str) -> None:
    spec, errors = check(Contract, contract)
    assert spec is None
    assert [(one.path, says in one.message) for one in errors] == [(path, True)]


def test_a_normalised_contract_says_no_clause_that_was_not_written() -> None:
    spec, _ = check(Contract, {"rows": {"min": 3}, "columns": {"a": {"type": "integer"}}})
    assert spec is not None and spec["rows"] == {"min": 3}
    rule: Any = spec["columns"]
    assert set(rule["a"]) == {"type", "nullable", "unique", "personal", "required", "description"}
    assert check(Contract, spec)[0] == spec
