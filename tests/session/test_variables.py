"""Variables from outside: which of several wins, and what a file of them says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ordain.session.context import Choice, Context
from ordain.session.loading import load
from ordain.session.variables import given_variables, origins
from ordain.values.diagnostic import OrdainError


def test_the_shell_then_files_then_the_command_line(tmp_path: Path) -> None:
    (one := tmp_path / "one.yaml").write_text("b: one\nc: one\nd: one\n", encoding="utf-8")
    (two := tmp_path / "two.yaml").write_text("c: two\nd: two\n", encoding="utf-8")
    context = Context(
        root=tmp_path,
        choice=Choice(variables=(("d", "given"), ("e", "given")), variable_files=(one, two)),
        environ={**{f"ORDAIN_VAR_{name}": "shell" for name in "abcd"}, "PATH": "x"},
    )
    assert given_variables(context) == {"a": "shell", "b": "one", "c": "two", "d": "given", "e": "given"}
    assert origins(context) == {"a": "ORDAIN_VAR_a", "b": str(one), "c": str(two), "d": "--var", "e": "--var"}


def test_a_file_keeps_types_inside_and_text_outside(tmp_path: Path) -> None:
    (file := tmp_path / "vars.yaml").write_text(
        "version: 1.10\nno: no\nlist: [1, no, 1.5, null, '2']\nmap: {a: true}\n", encoding="utf-8"
    )
    found = given_variables(Context(root=tmp_path, choice=Choice(variable_files=(file,)), environ={}))
    assert found == {"version": "1.10", "no": "no", "list": '[1,"no",1.5,null,"2"]', "map": '{"a":true}'}


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("- a\n", "variable-file", (1, 1)),
        ("", "variable-file", (1, 1)),
        ("a: 1\n---\nb: 2\n", "variable-file", (2, 1)),
        ("a: &x 1\nb: &x 2\n", "variable-file", (2, 4)),
        ("a: 1\nb: [\n", "yaml-syntax", (2, 5)),
        ("a: 1\n a: b: c\n", "yaml-syntax", (2, 3)),
        ("a: 1\nb: hidden\nb: 3\n", "yaml-duplicate-key", (3, 1)),
        ("a: \xff", "yaml-encoding", (1, 4)),
        ("a: " + "[" * 500, "yaml-too-deep", None),
    ],
)
def test_what_is_wrong_with_a_file_has_its_place(tmp_path: Path, text: str, code: str, at: Any) -> None:
    (file := tmp_path / "vars.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(OrdainError) as caught:
        given_variables(Context(root=tmp_path, choice=Choice(variable_files=(file,)), environ={}))
    (problem,) = caught.value.diagnostics
    assert problem.code == code and problem.fix and problem.at is not None and problem.at.file == str(file)
    assert at is None or (problem.at.line, problem.at.column) == at
    assert "hidden" not in f"{problem.snippet}"


def test_a_file_that_is_not_there_is_a_wrong_path(tmp_path: Path) -> None:
    with pytest.raises(OrdainError) as caught:
        given_variables(Context(root=tmp_path, choice=Choice(variable_files=(tmp_path / "no.yaml",)), environ={}))
    (problem,) = caught.value.diagnostics
    assert "no.yaml" in problem.summary and "path" in problem.fix and "mapping" not in problem.fix


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("a: x\nn: seven\n", "variable-value", "2:4"),
        ("n: 1\npassword: tell-nobody\n", "variable-value", "2:11"),
        ("n: 1\nm: 2\n", "variable-unknown", "2:1"),
    ],
)
def test_a_value_in_a_file_is_told_where_it_stands(tmp_path: Path, text: str, code: str, at: str) -> None:
    (root := tmp_path / "project").mkdir()
    (root / "ordain.yaml").write_text(
        "kind: Project\nname: p\nformat: 1\nspec:\n  variables:\n    n: {type: integer}\n"
        "    a: {default: x}\n    password: {secret: true, max: 3, default: '${{ secret.P }}'}\n",
        encoding="utf-8",
    )
    (file := tmp_path / "vars.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(OrdainError) as caught:
        load(Context(root=root, choice=Choice(variable_files=(file,)), environ={}), None)
    (problem,) = caught.value.diagnostics
    assert (problem.code, f"{problem.at.line}:{problem.at.column}", problem.at.file) == (code, at, str(file))
    assert "tell-nobody" not in repr(problem)
    assert code == "variable-unknown" or problem.related[0][0].file == "ordain.yaml"
    pairs = (("n", "1"), ("password", "ok")) if code == "variable-value" else ()
    if pairs:  # the command line comes last, and wins
        load(Context(root=root, choice=Choice(variable_files=(file,), variables=pairs), environ={}), None)
