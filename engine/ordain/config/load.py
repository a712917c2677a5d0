"""Files → documents. Pure, and on the hot path; ``config.files`` does the reading."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ordain.config.collector import paused
from ordain.config.events import Budget, Fatal, Problem, Walk
from ordain.config.files import PROJECT_FILE as PROJECT_FILE, FileText as FileText, read_project as read_project
from ordain.config.locate import counterpart, locate, locate_key, snippet, span_at, used
from ordain.config.syntax import explain, inside
from ordain.values.address import NAME
from ordain.values.data import Tree
from ordain.values.diagnostic import Diagnostic, Severity, in_order
from ordain.values.span import Source, Span

USE_KEYS = ("use", "name", "with", "for_each")
"""What a document that uses a blueprint may say."""
_UNNAMED = ("Moved", "Import", "Removed")
"""Kinds whose documents need no name: nothing refers to them."""
_KIND = re.compile(r"[A-Z][A-Za-z0-9]*")
_MARKER = re.compile(r"^(?:---|\.\.\.)(?=[ \t\n]|\Z)", re.MULTILINE)
# What is no text; the last three are line breaks to YAML 1.1, and would put every position after them wrong.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\u2028\u2029]")
_WIDE = re.compile(rb"\0{0,3}[\t\n -~]\0{1,3}[\t\n -~]?|\0{1,3}[\t\n -~]")
_HEAD = re.compile(r"^(kind|name):[ ]*[\"']?([A-Za-z][A-Za-z0-9-]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document. ``broken``: only its kind and name could be read; it exists, so that others may refer to it.

    ``use`` names the blueprint it instantiates ("" for none; such a document has no kind). ``key`` and ``each`` are set
    where it is one of several that ``for_each`` made of one: ``each`` holds ``key`` and ``value`` for its expressions.
    """

    kind: str
    name: str
    data: Mapping[str, Tree]
    source: Source
    broken: bool = False
    use: str = ""
    key: str = ""
    each: Mapping[str, Tree] | None = None


def parse(files: tuple[FileText, ...]) -> tuple[tuple[Document, ...], tuple[Diagnostic, ...]]:
    """Parse files to documents, in the order of files and positions; every problem is a diagnostic.

    A broken document hides no other. Never raises for what stands in a file.
    """
    documents: list[Document] = []
    diagnostics: list[Diagnostic] = []
    with paused():
        for file in files:
            if file.problem is not None:
                diagnostics.append(file.problem)
                continue
            text = decode(file, diagnostics)
            if text is None:
                documents += _heads(file)
                continue
            budget = Budget()
            found = False
            for source in split(file.path, text):
                found = True
                document = _document(source, budget, diagnostics)
                if document is not None:
                    documents.append(document)
            if not found:
                diagnostics.append(_empty(file.path))
    return tuple(documents), in_order(diagnostics)


def _empty(path: str) -> Diagnostic:
    return Diagnostic(
        code="file-empty",
        summary=f"{path} holds no document",
        fix="write documents into it, or remove it",
        severity=Severity.WARNING,
        at=Span(file=path, line=1, column=1),
    )


def decode(file: FileText, diagnostics: list[Diagnostic]) -> str | None:
    """Return the text with line feeds only, or None and a diagnostic where it is none."""
    data = file.data
    code, column, line = "yaml-encoding", 1, 1
    summary = fix = ""
    text = ""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or _WIDE.match(data):
        summary, fix = "the file is UTF-16 or UTF-32; files are UTF-8", "save it as UTF-8"
    else:
        try:
            text = data.removeprefix(b"\xef\xbb\xbf").decode()
        except UnicodeDecodeError as error:
            before = error.object[: error.start]
            line, start = before.count(b"\n") + 1, before.rfind(b"\n") + 1
            column = len(before[start:].decode()) + 1
            summary = f"the byte 0x{error.object[error.start]:02x} is not UTF-8 (the file may be Latin-1, or no text)"
            fix = "save the file as UTF-8"
    if not summary:
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        match = _UNPRINTABLE.search(text)
        if match is None:
            return text
        line, column = text.count("\n", 0, match.start()) + 1, match.start() - text.rfind("\n", 0, match.start())
        code, summary = "yaml-control-character", f"the character U+{ord(match[0]):04X} has no place in a file"
        fix = f'remove it, or write it as "\\u{ord(match[0]):04x}" in double quotes'
    diagnostics.append(
        Diagnostic(code=code, summary=summary, fix=fix, at=Span(file=file.path, line=line, column=column))
    )
    return None


def split(path: str, text: str) -> Iterator[Source]:
    """Yield the documents of a file. A marker in column 1 ends a document in whatever it stands, by YAML's rules."""
    start, line = 0, 1
    for match in _MARKER.finditer(text):
        if match.start() > start:
            piece = text[start : match.start()]
            first = _first(piece)
            if first.startswith("%") and match[0] == "---":
                continue  # directives belong to the document that follows
            if first:
                yield Source(file=path, line=line, text=piece)
            line += piece.count("\n")
            start = match.start()
        if match[0] == "...":
            end = text.find("\n", match.end()) + 1 or len(text)
            line += text.count("\n", start, end)
            start = end
    piece = text[start:]
    if _first(piece):
        yield Source(file=path, line=line, text=piece)


def _first(piece: str) -> str:
    """Return the first line of a document that says something, or ""."""
    if piece.startswith("---"):
        piece = piece[3:]
    for line in piece.splitlines():
        stripped = line.strip(" \t")
        if stripped and not stripped.startswith("#"):
            return stripped
    return ""


def _document(source: Source, budget: Budget, diagnostics: list[Diagnostic]) -> Document | None:
    before = len(diagnostics)
    data = tree_of(source, budget, diagnostics)
    return check_head(data, source, diagnostics) if len(diagnostics) == before else _head(source)


def tree_of(source: Source, budget: Budget, diagnostics: list[Diagnostic]) -> Tree:
    """Return what a document's text says; adds what is wrong with it, and then the value means nothing."""
    import yaml

    walk = Walk(budget)
    try:
        walk.run(source.text)
    except Fatal as error:
        walk.problems.append(error.problem)
    except yaml.YAMLError as error:
        walk.problems.append(explain(error, source))
    diagnostics += (_diagnostic(problem, source) for problem in walk.problems)
    return walk.root


def _head(source: Source) -> Document | None:
    """Return a broken document where its kind and name can be made out."""
    head = dict(reversed(_HEAD.findall(source.text)))
    kind, name = head.get("kind", ""), head.get("name", "")
    if not (_KIND.fullmatch(kind) and NAME.fullmatch(name)):
        return None
    return Document(kind=kind, name=name, data={}, source=source, broken=True)


def _heads(file: FileText) -> Iterator[Document]:
    """Yield the broken documents of a file that is no UTF-8 text, so that references to them are no second error."""
    text = file.data.replace(b"\0", b"").decode(errors="replace").lstrip("\ufffd").replace("\r\n", "\n")
    for source in split(file.path, text):
        document = _head(source)
        if document is not None:
            yield document


def _diagnostic(problem: Problem, source: Source) -> Diagnostic:
    line, column = inside(source.text.split("\n"), problem.line, problem.column)
    at = span_at(source, line, column)
    related = ((locate_key(source, problem.path), "first here"),) if problem.path else ()
    return Diagnostic(
        code=problem.code,
        summary=problem.summary,
        fix=problem.fix or "correct the value",
        at=at,
        snippet=snippet(source, at),
        related=(*related, *used(source)),
    )


def check_head(data: Tree, source: Source, diagnostics: list[Diagnostic]) -> Document | None:
    """Return the document where it has a kind and a name, or uses a blueprint."""

    def refuse(code: str, summary: str, fix: str, key: str = "") -> None:
        path = (key,) if key else ()
        at, related = locate(source, path), counterpart(source, path, key=False)
        line = snippet(source, at)
        diagnostics.append(Diagnostic(code=code, summary=summary, fix=fix, at=at, snippet=line, related=related))

    if not isinstance(data, Mapping):
        refuse("document-shape", "a document must be a mapping with `kind:` and `name:`", "write `kind: …` first")
        return None
    if "use" in data:
        return _use(data, source, diagnostics)
    kind, name = data.get("kind"), data.get("name")
    good = True
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        missing = "kind" not in data
        summary = "the document has no `kind:`" if missing else f"{kind!r} is no kind"
        refuse("document-kind", summary, "write a kind such as `kind: Model`", "" if missing else "kind")
        good = False
    if name is None and kind in _UNNAMED and "name" not in data:
        name = ""
    elif not isinstance(name, str) or not NAME.fullmatch(name):
        missing = "name" not in data
        summary = "the document has no `name:`" if missing else f"{name!r} is no name"
        fix = "write `name:` with lower-case letters, digits and minus signs, a letter first"
        refuse("document-name", summary, fix, "" if missing else "name")
        good = False
    if not good or not isinstance(kind, str) or not isinstance(name, str):
        return None
    return Document(kind=kind, name=name, data=data, source=source)


def _use(data: Mapping[str, Tree], source: Source, diagnostics: list[Diagnostic]) -> Document | None:
    """Return a document that uses a blueprint, where it says which."""

    def refuse(key: str, summary: str, fix: str) -> None:
        at = locate_key(source, (key,))
        line = snippet(source, at)
        diagnostics.append(
            Diagnostic(code="use-invalid", summary=summary, fix=fix, at=at, snippet=line, related=used(source))
        )

    before = len(diagnostics)
    for key in data:
        if key in ("kind", "spec"):
            refuse(key, f"a document that says `use:` has no `{key}:`", "leave it out: the blueprint's body says it")
        elif key not in USE_KEYS:
            close = difflib.get_close_matches(key, USE_KEYS, 1, 0.6)
            hint = f"did you mean {close[0]!r}? " if close else ""
            refuse(key, f"unknown key {key!r} beside `use:`", f"{hint}known keys: {', '.join(USE_KEYS)}")
    use, name = data["use"], data.get("name", "")
    if not isinstance(use, str) or not NAME.fullmatch(use):
        refuse("use", f"{use!r} is no name of a blueprint", "name a folder of templates/, as in `use: churn`")
    if not isinstance(name, str) or not (NAME.fullmatch(name) or "${{" in name or "name" not in data):
        refuse("name", f"{name!r} is no name", "use lower-case letters, digits and minus signs, a letter first")
    if not isinstance(data.get("with", {}), Mapping):
        refuse("with", "`with:` must be a mapping", "write `parameter: value` below it")
    if len(diagnostics) > before or not isinstance(use, str) or not isinstance(name, str):
        return None
    return Document(kind="", name=name, data=data, source=source, use=use)
