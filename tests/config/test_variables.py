"""Declarations of variables whose ``pattern`` is no regular expression."""

from __future__ import annotations

from typing import Any

import pytest

from ordain.config.blueprints import read_blueprints

PROJECT = "kind: Project\nname: demo\nspec:\n  variables:\n    x: {default: a, pattern: '%s'}\n"


@pytest.mark.parametrize("pattern", ["(", "(?=a)a"])
def test_a_pattern_that_is_none_is_told_where_it_stands(load: Any, pattern: str) -> None:
    (found,) = load(PROJECT % pattern, project=False).diagnostics
    assert (found.code, found.at.line, found.at.column) == ("variable-pattern", 5, 30)


def test_a_pattern_is_for_the_whole_text(load: Any) -> None:
    assert not load(PROJECT % "a|b", project=False).diagnostics
    (found,) = load(PROJECT % "a|b", project=False, variables={"x": "ab"}).diagnostics
    assert found.code == "variable-value"


def test_so_it_is_for_a_parameter_of_a_blueprint(files: Any) -> None:
    declared = "kind: Blueprint\nname: one\nspec:\n  parameters:\n    x: {default: a, pattern: '('}\n"
    texts = {"templates/one/blueprint.yaml": declared, "templates/one/body.yaml.j2": "kind: Thing\nname: {{ name }}\n"}
    _, problems = read_blueprints(files(texts))
    assert [(one.code, one.at.line, one.at.column) for one in problems if one.at] == [("blueprint-invalid", 5, 30)]
