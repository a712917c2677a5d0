"""Files → documents: what YAML means here, where documents begin, and that nothing is ever raised."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ordain.config.files import LARGEST_FILE, FileText, read_project, stat_project
from ordain.config.load import parse
from ordain.values.diagnostic import OrdainError, Severity

Files = Callable[[Mapping[str, str | bytes]], tuple[FileText, ...]]


def one(files: Files, text: str | bytes) -> tuple[Any, Any]:
    return parse(files({"a.yaml": text}))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("Yes", "Yes"), ("=", "="),
        ("2026-11-21", "2026-11-21"), ("1_000", "1_000"), ("12:30:45", "12:30:45"), ("1.2.3", "1.2.3"),
        ("012", 12), ("-7", -7), ("+3", 3), ("0o14", 12), ("0xfF", 255), ("1.5", 1.5), (".5", 0.5), ("1.", 1.0),
        ("1e3", 1000.0), ("-1.5E-2", -0.015), ("true", True), ("False", False), ("TRUE", True), ("tRue", "tRue"),
        ("~", None), ("", None), ("null", None), ("Null", None), ("nul", "nul"), ("'12'", "12"), ('"true"', "true"),
        ("!!str 12", "12"), ("! 12", "12"), ("!!int '12'", 12), ("!!float 1", 1.0), ("!!null ''", None), ("-", None),
        ("!!map {}", {}), ("[1, a]", [1, "a"]), ("18446744073709551616", 2**64), ("1e5x", "1e5x"), ("0o9", "0o9"),
        ("${{ var.x }}", "${{ var.x }}"), ("|\n  a\n  b", "a\nb\n"), ("é 😀", "é 😀"),
    ],
)  # fmt: skip
def test_scalars_are_yaml_1_2(files: Files, text: str, value: object) -> None:
    documents, diagnostics = one(files, f"kind: A\nname: a\nx: {text}\n")
    if text == "-":  # a list with one empty item
        value = [None]
        documents, diagnostics = one(files, "kind: A\nname: a\nx:\n  -\n")
    assert diagnostics == ()
    assert documents[0].data["x"] == value
    assert type(documents[0].data["x"]) is type(value)


def test_documents_are_cut_at_markers_and_know_their_lines(files: Files) -> None:
    text = (
        "# a comment\n%YAML 1.2\n---\nkind: A\nname: one\n...\n# nothing here\n---\n---\nkind: B\nname: two\n"
        "x: |\n  ---\n  text\n--- {kind: C, name: three}\n--- # said\nkind: D\nname: four\n"
    )
    documents, diagnostics = one(files, text)
    assert diagnostics == ()
    assert [(d.kind, d.name, d.source.line) for d in documents] == [
        ("A", "one", 1), ("B", "two", 9), ("C", "three", 15), ("D", "four", 16),
    ]  # fmt: skip
    assert documents[1].data["x"] == "---\ntext\n"
    lines = text.split("\n")
    for document in documents:
        assert document.source.text.split("\n")[0] == lines[document.source.line - 1]


def test_line_ends_and_a_byte_order_mark_are_of_no_matter(files: Files) -> None:
    text = "kind: A\nname: a\nspec:\n  x: 1\n---\nkind: B\nname: b\n"
    plain, _ = one(files, text)
    for other in (text.replace("\n", "\r\n"), text.replace("\n", "\r"), "\ufeff" + text):
        documents, diagnostics = one(files, other)
        assert diagnostics == ()
        assert documents == plain


def test_aliases_repeat_values(files: Files) -> None:
    documents, diagnostics = one(files, "kind: A\nname: a\nx: &x {y: [1, 2]}\nz: [*x, *x]\n")
    assert diagnostics == ()
    assert documents[0].data["z"] == [{"y": [1, 2]}, {"y": [1, 2]}]


def test_one_broken_document_hides_no_other(files: Files) -> None:
    text = "kind: A\nname: a\nx: [1\n---\nkind: B\nname: b\ny: 1\ny: 2\n1: 3\n---\nkind: C\nname: c\n"
    documents, diagnostics = one(files, text)
    assert [(d.kind, d.name, d.broken) for d in documents] == [("A", "a", True), ("B", "b", True), ("C", "c", False)]
    assert [(d.code, str(d.at)) for d in diagnostics] == [
        ("yaml-syntax", "a.yaml:3:4"), ("yaml-duplicate-key", "a.yaml:8:1"), ("yaml-key", "a.yaml:9:1"),
    ]  # fmt: skip
    assert [(str(at), word) for at, word in diagnostics[1].related] == [("a.yaml:7:1", "first here")]


def test_a_broken_file_hides_no_other(files: Files) -> None:
    documents, diagnostics = parse(files({"a.yaml": b"\xff\xfe\0k", "b.yaml": "kind: B\nname: b\n", "c.yaml": ""}))
    assert [d.name for d in documents] == ["b"]
    assert [(d.code, d.severity) for d in diagnostics] == [
        ("yaml-encoding", Severity.ERROR), ("file-empty", Severity.WARNING),
    ]  # fmt: skip


def test_the_garbage_collector_is_as_it_was(files: Files) -> None:
    one(files, "a: [")
    assert gc.isenabled()
    gc.disable()
    try:
        one(files, "kind: A\nname: a\n")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_document_of_very_many_values_is_refused(files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordain.config.events.MOST_NODES", 1000)
    few, many = (f"kind: Thing\nname: a\nspec: {[[1]] * count}\n" for count in (300, 600))
    assert not parse(files({"a.yaml": few}))[1]
    (found,) = parse(files({"a.yaml": many}))[1]
    assert found.code == "yaml-too-large" and found.fix == "split it" and found.at is not None


def test_a_project_is_its_folder(tmp_path: Path) -> None:
    for name in (
        "ordain.yaml", "b.yml", "deep/er/c.yaml", "notes.txt", ".hidden.yaml", ".ordain/d.yaml", ".venv/e.yaml",
        "templates/f.yaml", "other/ordain.yaml", "other/g.yaml",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n", encoding="utf-8")
    read = read_project(tmp_path)
    assert [file.path for file in read] == ["b.yml", "deep/er/c.yaml", "ordain.yaml"]
    status = os.stat(tmp_path / "b.yml")
    assert read[0].data == b"# b.yml\n"
    assert (read[0].size, read[0].mtime_ns, read[0].inode) == (8, status.st_mtime_ns, status.st_ino)
    assert stat_project(tmp_path) == tuple(file.stat for file in read)


def test_what_cannot_be_read_is_said_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "ordain.yaml").write_text("kind: Project\nname: a\n", encoding="utf-8")
    with open(tmp_path / "huge.yaml", "wb") as file:
        file.truncate(LARGEST_FILE + 1)
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    documents, diagnostics = parse(read_project(tmp_path))
    assert [d.name for d in documents] == ["a"]
    assert {d.code for d in diagnostics} == {"file-refused"}
    assert [str(d.at) for d in diagnostics] == ["gone.yaml:1:1", "huge.yaml:1:1", "pipe.yaml:1:1"]
    assert [file.path for file in stat_project(tmp_path)] == ["gone.yaml", "huge.yaml", "ordain.yaml", "pipe.yaml"]


def test_no_project_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(OrdainError) as caught:
        read_project(tmp_path)
    assert "ordain init" in caught.value.diagnostics[0].fix
    assert caught.value.exit == 6


@given(st.binary(max_size=300))
def test_parse_takes_any_bytes(files: Files, data: bytes) -> None:
    documents, diagnostics = one(files, data)
    assert documents or diagnostics


PIECES = (
    *("kind: A\n", "name: a\n", "x:", " ", "  ", "- ", "[", "]", "{", "}", ",", ": ", "&a ", "*a ", "!!int ", "!t "),
    *('"', "'", "|\n", ">\n", "\n", "\t", "---\n", "...\n", "#", "? ", "%YAML", "<<", "$int", "${{ ", "}}", "\\"),
    *("1", "é", "\u2028", "\0", "a", "\r"),
)
YAMLISH = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@given(YAMLISH)
def test_parse_takes_any_text_and_every_position_is_in_the_file(files: Files, text: str) -> None:
    documents, diagnostics = one(files, text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as it is read
    lines = text.split("\n")
    for diagnostic in diagnostics:
        assert diagnostic.at is not None
        assert diagnostic.fix
        assert 1 <= diagnostic.at.line <= len(lines)
        assert 1 <= diagnostic.at.column <= len(lines[diagnostic.at.line - 1]) + 1
    for document in documents:
        assert document.broken or document.source.text in text
