"""Variables from outside: which of several wins, and what a file of them says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ordain.session.context import Choice, Context
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


@pytest.mark.parametrize("text", ["- a\n", "a: [\n", "a: 1\na: 2\n", "\xff", "a: " + "[" * 500])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (file := tmp_path / "vars.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(OrdainError) as caught:
        given_variables(Context(root=tmp_path, choice=Choice(variable_files=(file,)), environ={}))
    assert str(file) in caught.value.diagnostics[0].summary and caught.value.diagnostics[0].fix
