"""Blueprints: documents that say ``use:`` are expanded to what the blueprint's body makes of their ``with:``. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from ordain import api
from ordain.config.events import Budget
from ordain.config.files import BODY, DECLARATION, FileText
from ordain.config.load import Document, check_head, decode, parse, split, tree_of
from ordain.config.report import Place, Report, choose, shown
from ordain.config.settings import unknown_keys
from ordain.config.trees import Reader
from ordain.config.variables import pattern_fault, problem
from ordain.expr.blueprints import VALUE, BodyError, Rendered, check, is_name, render
from ordain.expr.filling import Filling, text_of
from ordain.expr.templates import OPEN, Scope
from ordain.values.address import NAME
from ordain.values.data import Leaf, Path, Secret, Tree, Unknown, leaves, replace_leaves
from ordain.values.diagnostic import Diagnostic, Severity, in_order
from ordain.values.span import Expansion, Source, Span

_DECLARATION = "ordain.kinds.settings:Variable"
_NEVER = ("Project", "Environment")
"""Kinds that a body cannot make: what a project is stands in its own files."""
_FIX = "correct the blueprint's body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """A blueprint: its parameters as normalised declarations, the text of its body, and where both stand.

    ``raw`` are the declarations as written (only there shows whether one has a default). ``broken``: something is
    wrong with it, which was said; it exists, so that a document that uses it is no second error.
    """

    name: str
    description: str
    parameters: Mapping[str, Mapping[str, Tree]]
    raw: Mapping[str, Tree]
    declared: Source
    body: Source
    broken: bool = False

    def default(self, name: str) -> tuple[bool, Tree]:
        """Return whether a parameter has a default, and which."""
        raw = self.raw[name]
        found = isinstance(raw, Mapping) and "default" in raw
        return found, raw["default"] if found and isinstance(raw, Mapping) else None


def read_blueprints(files: Sequence[FileText]) -> tuple[Mapping[str, Blueprint], tuple[Diagnostic, ...]]:
    """Return the blueprints in ``files`` (``…/NAME/blueprint.yaml``, ``…/NAME/body.yaml.j2``), the first of a name."""
    folders: dict[str, dict[str, FileText]] = {}
    for file in files:
        folder, _, name = file.path.rpartition("/")
        folders.setdefault(folder, {})[name] = file
    found: dict[str, Blueprint] = {}
    report = Report()
    for folder, inside in folders.items():
        name = folder.rpartition("/")[2]
        if name not in found:
            found[name] = _read(name, folder, inside, report)
    return found, in_order(report.diagnostics)


def _read(name: str, folder: str, files: Mapping[str, FileText], report: Report) -> Blueprint:
    before = len(report.diagnostics)
    nowhere = Source(file=f"{folder}/{DECLARATION}", line=1, text="")
    blueprint = Blueprint(
        name=name, description="", parameters={}, raw={}, declared=nowhere,
        body=Source(file=f"{folder}/{BODY}", line=1, text=""), broken=True,
    )  # fmt: skip
    for wanted in (DECLARATION, BODY):
        if wanted not in files:
            _refuse(report, next(iter(files.values())).path, f"the blueprint {name!r} has no {wanted}",
                    f"write {folder}/{wanted}, or remove the folder")  # fmt: skip
    if not NAME.fullmatch(name):
        _refuse(report, next(iter(files.values())).path, f"{name!r} is no name of a blueprint",
                "name the folder with lower-case letters, digits and minus signs")  # fmt: skip
    body = files.get(BODY)
    if body is not None:
        text = None if body.problem is not None else decode(body, report.diagnostics)
        if body.problem is not None:
            report.diagnostics.append(body.problem)
        blueprint = replace(blueprint, body=replace(blueprint.body, text=text or ""))
    if DECLARATION in files:
        blueprint = _declared(blueprint, files[DECLARATION], report)
    if len(report.diagnostics) == before:
        try:
            check(blueprint.body.text, frozenset((*blueprint.parameters, "name")))
        except BodyError as error:
            _body_error(blueprint, error, None, report)
    return replace(blueprint, broken=len(report.diagnostics) > before)


def _refuse(report: Report, file: str, summary: str, fix: str) -> None:
    at = Span(file=file, line=1, column=1)
    report.diagnostics.append(Diagnostic(code="blueprint-invalid", summary=summary, fix=fix, at=at))


def _declared(blueprint: Blueprint, file: FileText, report: Report) -> Blueprint:
    """Return the blueprint with what its declaration says."""
    documents, problems = parse((file,))
    report.diagnostics.extend(problems)
    if any(one.is_error for one in problems):
        return blueprint
    if len(documents) != 1 or documents[0].kind != "Blueprint":
        wrong = documents[-1] if documents else None
        source = wrong.source if wrong is not None else blueprint.declared
        report.add(Place(source=source), "blueprint-invalid", f"{file.path} holds one document, of kind Blueprint",
                   "write `kind: Blueprint`, and nothing else beside it")  # fmt: skip
        return blueprint
    document = documents[0]
    reader = Reader(source=document.source, scope=Scope(), report=report)
    unknown_keys(document, ("kind", "name", "description", "spec"), reader)
    if document.name != blueprint.name:
        report.add(reader.place(("name",)), "blueprint-invalid",
                   f"the blueprint in the folder {blueprint.name} says its name is {document.name}",
                   f"write `name: {blueprint.name}`, or rename the folder")  # fmt: skip
    description = document.data.get("description", "")
    if not isinstance(description, str):
        report.add(reader.place(("description",)), "spec-invalid", "description must be text", "quote it")
    spec = document.data.get("spec") or {}
    raw = spec.get("parameters") or {} if isinstance(spec, Mapping) else None
    if not isinstance(spec, Mapping) or not isinstance(raw, Mapping):
        report.add(reader.place(("spec",)), "spec-invalid", "spec must be a mapping with `parameters:`",
                   "write `parameters: {name: {type: string}}` below it")  # fmt: skip
        return blueprint
    for key in spec:
        if key != "parameters":
            report.add(reader.place(("spec", key), key=True), "spec-unknown-key", f"unknown key {key!r} in a Blueprint",
                       choose(key, ("parameters",), "known keys"))  # fmt: skip
    found = {name: _declaration(name, one, reader) for name, one in raw.items()}
    return replace(
        blueprint,
        description=str(description),
        parameters={name: one for name, one in found.items() if one is not None},
        raw=raw,
        declared=document.source,
    )


def _declaration(name: str, raw: Tree, reader: Reader) -> Mapping[str, Tree] | None:
    path: Path = ("spec", "parameters", name)
    if not is_name(name):
        said = "`name` is what the document itself is called" if name == "name" else f"{name!r} is no parameter's name"
        reader.report.add(reader.place(path, key=True), "blueprint-invalid", said,
                          "use letters, digits and underscores, a letter first, and no word of Jinja's")  # fmt: skip
        return None
    if not isinstance(raw, Mapping):
        reader.report.add(reader.place(path), "spec-invalid", f"the parameter {name!r} must be a mapping",
                          "write `{type: string}`, for one")  # fmt: skip
        return None
    model = cast("type[api.Spec]", api.load_object(_DECLARATION))
    normal = reader.checked(model, raw, path)
    if normal is None:
        return None
    if normal["secret"]:
        reader.report.add(reader.place((*path, "secret"), key=True), "blueprint-invalid",
                          "a parameter cannot be secret", "pass `${{ secret.NAME }}` in `with:`")  # fmt: skip
    fault = pattern_fault(normal)
    if fault:
        reader.report.add(reader.place((*path, "pattern")), "blueprint-invalid", *fault)
        return None
    default = raw.get("default")
    if "default" in raw and default is not None and OPEN not in str(default):
        broken = problem(default, normal)
        if broken:
            reader.report.add(reader.place((*path, "default")), "blueprint-invalid",
                              f"the default of {name!r}: {shown(default)} {broken}", "correct the default")  # fmt: skip
    return normal


def expand(
    document: Document, blueprints: Mapping[str, Blueprint], scope: Scope, report: Report
) -> tuple[Document, ...]:
    """Return the documents that one with ``use`` stands for; its ``with:`` is evaluated in ``scope``.

    Reports what is wrong, and returns what could be read. A document without ``use`` comes back as it is.
    """
    if not document.use:
        return (document,)
    blueprint = blueprints.get(document.use)
    if blueprint is None:
        place, fix = Place(source=document.source, path=("use",)), choose(document.use, blueprints, "blueprints")
        report.add(place, "blueprint-unknown", f"there is no blueprint {document.use!r}", fix)
        return ()
    if blueprint.broken:
        return ()
    using = _Using(
        document=document,
        blueprint=blueprint,
        report=report,
        reader=Reader(source=document.source, scope=scope, report=report),
    )
    values = using.values()
    if values is None:
        return ()
    try:
        rendered = render(blueprint.body.text, values)
    except BodyError as error:
        _body_error(blueprint, error, document.source, report)
        return ()
    return using.documents(rendered)


def _body_error(blueprint: Blueprint, error: BodyError, caller: Source | None, report: Report) -> None:
    lines = blueprint.body.text.split("\n")
    line = lines[min(error.line, len(lines)) - 1]
    at = Span(file=blueprint.body.file, line=error.line, column=len(line) - len(line.lstrip()) + 1)
    related = ((Place(source=caller, path=("use",), key=True).at(), "used here"),) if caller is not None else ()
    report.diagnostics.append(
        Diagnostic(
            code="blueprint-body",
            summary=f"the body of {blueprint.name} cannot be rendered: {error.message}",
            fix=_FIX,
            at=at,
            snippet=line.rstrip(),
            related=related,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Using:
    """One use of a blueprint."""

    document: Document
    blueprint: Blueprint
    report: Report
    reader: Reader

    def values(self) -> Mapping[str, Tree] | None:
        """Return the name and the parameters' values; None where one is missing or wrong, which is reported."""
        before = len(self.report.diagnostics)
        found: dict[str, Tree] = {"name": self._name()}
        raw = self.document.data.get("with")
        given = raw if isinstance(raw, Mapping) else {}
        for key in given:
            if key not in self.blueprint.parameters:
                place = Place(source=self.document.source, path=("with", key), key=True)
                fix = choose(key, self.blueprint.parameters, "parameters")
                summary = f"the blueprint {self.blueprint.name} has no parameter {key!r}"
                declared = Place(source=self.blueprint.declared, path=("spec", "parameters"), key=True)
                self._add(place, summary, fix, (declared, "declared here"))
        for name, spec in self.blueprint.parameters.items():
            found[name] = self._value(name, spec, given)
        return None if len(self.report.diagnostics) > before else found

    def _add(self, place: Place, summary: str, fix: str, related: tuple[Place, str]) -> None:
        self.report.add_related(place, Diagnostic(code="blueprint-parameter", summary=summary, fix=fix), (related,))

    def _name(self) -> str:
        written = self.document.data.get("name")
        if written is None:
            return self.blueprint.name
        name = self.reader.known(written, ("name",))
        if isinstance(name, str) and NAME.fullmatch(name):
            return name
        if not self.reader.failed:
            self.report.add(self.reader.place(("name",)), "document-name", f"{shown(name)} is no name",
                            "use lower-case letters, digits and minus signs, a letter first")  # fmt: skip
        return self.blueprint.name

    def _value(self, name: str, spec: Mapping[str, Tree], given: Mapping[str, Tree]) -> Tree:
        declared = Place(source=self.blueprint.declared, path=("spec", "parameters", name), key=True)
        optional, default = self.blueprint.default(name)
        path: Path = ("with", name)
        reader, raw = self.reader, given.get(name)
        if name not in given:
            if not optional:
                has_with = "with" in self.document.data
                place = Place(source=self.document.source, path=("with",) if has_with else ("use",), key=True)
                fix = f"write `{name}: …` below `with:`"
                told = str(spec["description"])
                summary = f"the blueprint {self.blueprint.name} needs the parameter {name!r}"
                self._add(place, summary, f"{fix} ({told})" if told else fix, (declared, "declared here"))
                return None
            path, raw = ("spec", "parameters", name, "default"), default
            reader = replace(self.reader, source=self.blueprint.declared, failed=[])
        if raw is None and optional and default is None:
            return None
        value = reader.tree(raw, path)
        if reader.failed or isinstance(value, Unknown | Secret):
            return value
        broken = problem(_plain(value), spec)
        if broken:
            fix = str(spec["description"]) or "give it another value"
            summary = f"the parameter {name!r}: {shown(_plain(value))} {broken}"
            self._add(reader.place(path), summary, fix, (declared, "declared here"))
        return value

    def documents(self, rendered: Rendered) -> tuple[Document, ...]:
        """Return the documents of a rendered body."""
        texts = tuple(map(text_of, rendered.values))
        budget = Budget()
        found: list[Document] = []
        count = 0
        for piece in split(self.blueprint.body.file, rendered.text):
            count += 1
            start = piece.line - 1
            end = start + piece.text.count("\n") + 1
            expansion = Expansion(
                lines=rendered.lines[start:end],
                parameters=rendered.parameters[start:end],
                body=self.blueprint.body.text,
                caller=self.document.source,
                texts=texts,
            )
            source = replace(piece, line=rendered.lines[start], expansion=expansion)
            one = self._document(source, rendered.values, budget)
            if one is not None:
                found.append(one)
        if not count:
            self.report.diagnostics.append(self._nothing())
        return tuple(found)

    def _document(self, source: Source, values: Sequence[Tree], budget: Budget) -> Document | None:
        diagnostics: list[Diagnostic] = []
        marked = tree_of(source, budget, diagnostics)
        if not diagnostics:
            wrong: list[tuple[Path, str, bool]] = []
            tree = Filling(values=values, wrong=lambda *one: wrong.append(one)).tree(marked)
            for path, said, is_key in wrong:
                self.report.add(Place(source=source, path=path, key=is_key), "blueprint-value", said,
                                "correct the blueprint's body, or the value it is given")  # fmt: skip
            document = check_head(tree, source, diagnostics) if not wrong else None
        else:
            document = None
        texts = source.expansion.texts if source.expansion is not None else ()
        self.report.diagnostics.extend(_unmarked(one, texts) for one in diagnostics)
        if document is None:
            return None
        refused = "another use of a blueprint" if document.use else f"a document of kind {document.kind}"
        if document.use or document.kind in _NEVER:
            key = "use" if document.use else "kind"
            self.report.add(Place(source=source, path=(key,), key=True), "blueprint-nested",
                            f"the body of {self.blueprint.name} holds {refused}",
                            "write it into a file of the project instead")  # fmt: skip
            return None
        return document

    def _nothing(self) -> Diagnostic:
        place = Place(source=self.document.source, path=("use",))
        return Diagnostic(
            code="blueprint-empty",
            summary=f"the blueprint {self.blueprint.name} makes no document of these values",
            fix="remove this one, or give it other values",
            severity=Severity.WARNING,
            at=place.at(),
        )


def _plain(value: Tree) -> Tree:
    """Return a value with the expression of what is known later in its place."""
    if not any(True for _ in leaves(value)):
        return value

    def expression(leaf: Leaf) -> Tree:
        return leaf.expression

    return replace_leaves(value, expression)


def _unmarked(diagnostic: Diagnostic, texts: Sequence[str]) -> Diagnostic:
    """Return a diagnostic whose words show the values and not their marks."""

    def spell(text: str) -> str:
        return VALUE.sub(lambda mark: texts[int(mark[1])], text)

    return replace(diagnostic, summary=spell(diagnostic.summary), fix=spell(diagnostic.fix))
