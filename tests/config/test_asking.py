"""What a provider finds wrong with a spec, at the place where it is written."""

from __future__ import annotations

from typing import Any

import pytest

from ordain.values.address import Address
from ordain.values.diagnostic import Blame, ExitCode

TABLE = """kind: Table
name: rows
spec:
  provider: sql
  query: {query}
  columns: {columns}
"""
DEV = """---
kind: Environment
name: dev
spec:
  overrides:
    table.rows: {spec: {columns: {x3: text}}}
"""


def table(query: str = "all", columns: str = "{}") -> str:
    return TABLE.replace("{query}", query).replace("{columns}", columns)


def test_a_name_is_found_where_it_is_written(load: Any) -> None:
    found = load(table(columns="{a: text, x1: text, x2: text}"))
    assert found.desired is None
    assert [(one.code, str(one.at), str(one.address)) for one in found.diagnostics] == [
        ("sql-x", "ordain.yaml:10:22", "table.rows"),
        ("sql-x", "ordain.yaml:10:32", "table.rows"),
    ]
    assert "x1: text" in found.diagnostics[0].snippet


def test_it_is_found_in_the_environment_that_wrote_it(load: Any) -> None:
    (found,) = load(table() + DEV).diagnostics
    assert str(found.at) == "ordain.yaml:16:35"


def test_a_value_from_a_variable_is_asked_about(load: Any) -> None:
    variables = "kind: Project\nname: demo\nformat: 1\nspec: {variables: {q: {default: raised}}}\n---\n"
    (found,) = load(variables + table(query='"${{ var.q }}"'), project=False).diagnostics
    assert (found.code, str(found.at)) == ("sql-raised", "ordain.yaml:10:10")


@pytest.mark.parametrize("query", ["${{ thing.a.outputs.value }}", "${{ secret.QUERY }}"])
def test_what_is_not_known_is_not_asked_about(load: Any, query: str) -> None:
    thing = "---\nkind: Thing\nname: a\nspec: {}\n"
    found = load(table(query=f'"{query}"', columns="{x1: text}") + thing)
    assert found.diagnostics == () and found.desired is not None


def test_what_breaks_a_model_is_said_first(load: Any) -> None:
    (found,) = load(table(columns="{x1: 1}")).diagnostics
    assert found.code == "spec-invalid"


def test_a_warning_keeps_the_resource(load: Any) -> None:
    found = load(table(query="slow"))
    assert [one.code for one in found.diagnostics] == ["sql-slow"]
    assert found.desired is not None and Address.parse("table.rows") in found.desired.resources


@pytest.mark.parametrize(("query", "detail"), [("broken", "ZeroDivisionError: by nought"), ("wrong", "a list")])
def test_a_provider_that_breaks_is_blamed(load: Any, query: str, detail: str) -> None:
    (found,) = load(table(query=query)).diagnostics
    assert (found.code, found.blame, found.exit, found.plugin) == (
        "check-broke", Blame.PLUGIN, ExitCode.BUG, "sql-plugin",
    )  # fmt: skip
    assert detail in found.detail and str(found.at) == "ordain.yaml:7:1"
