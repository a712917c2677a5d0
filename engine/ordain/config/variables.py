"""Variables: typed, with defaults, set by an environment or from outside (the command line comes last and wins)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ordain.config.events import Budget, Fatal, Walk
from ordain.config.report import Place, Report, choose, shown
from ordain.config.trees import Reader
from ordain.expr import patterns
from ordain.expr.templates import Scope
from ordain.values.data import Path, Secret, Tree, Unknown, dig, leaves
from ordain.values.diagnostic import Diagnostic
from ordain.values.span import Source

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "map": (dict,),
}
Digest = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What sets variables: the chosen environment (its place in a file), and texts from outside with their origin.

    ``sources`` are the files that texts from outside stand in, by variable: mappings of names to values.

    ``complete``: the environment's document could be read; where not, it may have set what seems unset.
    """

    environment: str
    variables: Mapping[str, Tree] = field(default_factory=dict)
    source: Source | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The project's declarations (normalised ``spec.variables``), and the document they stand in."""

    variables: Mapping[str, Mapping[str, Tree]]
    raw: Mapping[str, Tree]
    source: Source


def values(declared: Declared, given: Given, digest: Digest, report: Report) -> Mapping[str, Tree]:
    """Return the value of each declared variable; a secret one is a ``Secret`` leaf. Reports what is wrong.

    One that is wrong or not set is an ``Unknown`` without references, so that it breaks nothing else.
    """
    found: dict[str, Tree] = {}
    for name, spec in declared.variables.items():
        one = _Variable(name=name, spec=spec, declared=declared, given=given, digest=digest, report=report)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            report.add(
                one.place(key=True), "variable-name", f"{name!r} is no name for a variable",
                "use letters, digits and underscores, a letter first",
            )  # fmt: skip
        before = len(report.diagnostics)
        fault = pattern_fault(spec)
        if fault:
            report.add(one.place("pattern"), "variable-pattern", *fault)
            found[name] = wrong(name)
            continue
        value = one.value()
        found[name] = value if len(report.diagnostics) == before else wrong(name)
    for name in given.texts:
        origin = given.origins.get(name, "--var")
        if name not in declared.variables and not origin.startswith("ORDAIN_VAR_"):
            place = Place(source=declared.source, path=("spec", "variables"), key=True)
            if name in given.sources:
                place = Place(source=given.sources[name], path=(name,), key=True, hidden=True)
            report.add(
                place,
                "variable-unknown",
                f"{origin} sets {name!r}, which the project does not declare",
                choose(name, declared.variables, "variables"),
            )
    return found


def pattern_fault(spec: Mapping[str, Tree]) -> tuple[str, str] | None:
    """Return what is wrong with a declaration's ``pattern``, and a remedy; None where it can be used."""
    pattern = spec["pattern"]
    broken = patterns.fault(pattern) if isinstance(pattern, str) else ""
    if not broken:
        return None
    return (
        f"{shown(pattern)} is no regular expression: {broken}",
        "correct it; look-around and references back to a group are not read",
    )


def places(declared: Declared, given: Given) -> Mapping[str, tuple[Source, Path]]:
    """Return where the value of each variable stands; one given from outside stands in no document."""
    found: dict[str, tuple[Source, Path]] = {}
    for name in declared.variables:
        if name in given.texts:
            continue
        if name in given.variables and given.source is not None:
            found[name] = (given.source, ("spec", "variables", name))
        else:
            found[name] = (declared.source, ("spec", "variables", name, "default"))
    return found


def wrong(name: str) -> Unknown:
    """Return what stands for a variable of which no value is known."""
    return Unknown(expression=f"${{{{ var.{name} }}}}")


class Undeclared(dict[str, Tree]):
    """Stands for the variables of a project whose declarations cannot be read: any name may be one of them."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Tree:
        return wrong(name)


def of_environment(
    variables: Mapping[str, Tree], names: Mapping[str, Mapping[str, Tree]], reader: Reader
) -> Mapping[str, Tree]:
    """Return what an environment's document sets, evaluated, with ``wrong`` for what cannot stand there.

    Reports that, and unknown names.
    """
    found: dict[str, Tree] = {}
    for name, raw in variables.items():
        path: Path = ("spec", "variables", name)
        if name not in names:
            reader.report.add(
                reader.place(path, key=True), "variable-unknown", f"the project declares no variable {name!r}",
                choose(name, names, "variables"),
            )  # fmt: skip
            continue
        value = reader.tree(raw, path)
        if any(isinstance(leaf, Unknown) for _, leaf in leaves(value)):
            reader.report.add(
                reader.place(path), "variable-value", f"the variable {name!r} cannot read outputs of a resource",
                "write the value itself, or use the output where it is needed",
            )  # fmt: skip
            found[name] = wrong(name)
            continue
        if names[name]["secret"] and not isinstance(value, Secret):
            place = Place(source=reader.source, path=path, hidden=True)
            reader.report.add(
                place, "secret-in-file", f"the text of the secret variable {name!r} stands in a file",
                'write `"${{ secret.NAME }}"`, or set it from outside',
            )  # fmt: skip
            found[name] = wrong(name)
            continue
        found[name] = value
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variable:
    name: str
    spec: Mapping[str, Tree]
    declared: Declared
    given: Given
    digest: Digest
    report: Report

    def place(self, *rest: str, key: bool = False, hidden: bool = False) -> Place:
        path = ("spec", "variables", self.name, *rest)
        return Place(source=self.declared.source, path=path, key=key or not rest, hidden=hidden)

    def value(self) -> Tree:
        raw = dig(self.declared.raw, (self.name,))
        has_default = isinstance(raw, Mapping) and "default" in raw
        secret = bool(self.spec["secret"])
        default: Tree = None
        if secret and self.spec["type"] != "string":
            self.report.add(self.place("type"), "variable-value", "a secret variable is a string", "leave `type:` out")
        if has_default:
            default = self._default(secret)
        if self.name in self.given.texts:
            return self._from_text(self.given.texts[self.name], secret)
        if self.name in self.given.variables:
            value = self.given.variables[self.name]
            source = self.given.source or self.declared.source
            if not isinstance(value, Secret | Unknown):  # unknown: what is wrong with it was said
                self._check(value, Place(source=source, path=("spec", "variables", self.name)))
            return value
        if not has_default:
            if not self.given.complete:
                return wrong(self.name)
            self.report.add(
                self.place(),
                "variable-unset",
                f"the variable {self.name!r} is not set",
                f"set it with --var {self.name}=…, ORDAIN_VAR_{self.name}, in the Environment, or give it a default",
            )
        return default

    def _default(self, secret: bool) -> Tree:
        reader = Reader(
            source=self.declared.source,
            scope=Scope(environment=self.given.environment, digest=self.digest),
            report=self.report,
        )
        path: Path = ("spec", "variables", self.name, "default")
        default = reader.tree(self.spec["default"], path)
        if secret:
            if not isinstance(default, Secret) and not reader.failed:
                self.report.add(
                    self.place("default", hidden=True), "secret-in-file",
                    f"the text of the secret variable {self.name!r} stands in a file",
                    'write `"${{ secret.NAME }}"`, or set it from outside',
                )  # fmt: skip
        elif any(isinstance(leaf, Unknown) for _, leaf in leaves(default)):
            self.report.add(
                self.place("default"), "variable-value", "a default cannot read outputs of a resource",
                "write the value itself",
            )  # fmt: skip
        elif not reader.failed and not isinstance(default, Secret):
            self._check(default, self.place("default"))
        return default

    def _from_text(self, text: str, secret: bool) -> Tree:
        origin = self.given.origins.get(self.name, "--var")
        file = self.given.sources.get(self.name)
        place = Place(source=file, path=(self.name,), hidden=secret) if file is not None else self.place()
        if secret:
            self._check(text, place, "from outside", hidden=True)
            name = f"var.{self.name}"
            return Secret(expression=f"${{{{ {name} }}}}", names=(name,), digest=self.digest(name))
        try:
            value = typed(text, str(self.spec["type"]))
        except ValueError:
            value = text
        self._check(value, place, f"from {origin}" if file is None else "")
        return value

    def _check(self, value: Tree, place: Place, said: str = "", hidden: bool = False) -> None:
        broken = problem(value, self.spec)
        if broken:
            what = "its text" if hidden else shown(value)
            summary = f"the variable {self.name!r}: {what} {said + ' ' if said else ''}{broken}"
            fix = str(self.spec["description"]) or "give it another value"
            elsewhere = place.source is not self.declared.source
            self.report.add_related(
                place,
                Diagnostic(code="variable-value", summary=summary, fix=fix),
                [(self.place(), "declared here")] if elsewhere else (),
            )


def typed(text: str, kind: str) -> Tree:
    """Return the value a text from outside spells; raise ``ValueError``."""
    if kind == "string":
        return text
    import yaml

    walk = Walk(Budget())
    try:
        walk.run(text)
    except (Fatal, yaml.YAMLError) as error:
        raise ValueError(str(error)) from error
    if walk.problems:
        raise ValueError(walk.problems[0].summary)
    return walk.root


def problem(value: Tree, spec: Mapping[str, Tree]) -> str:
    """Return what a value breaks of its declaration, "" for nothing."""
    kind = str(spec["type"])
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return f"is no {kind}"
    measured = value if isinstance(value, int | float) else len(value) if isinstance(value, str | list | dict) else 0
    what = "is" if isinstance(value, int | float) else "has a length"
    least, most, pattern, allowed = spec["min"], spec["max"], spec["pattern"], spec.get("enum")
    if isinstance(least, int | float) and measured < least:
        return f"{what} below {least:g}"
    if isinstance(most, int | float) and measured > most:
        return f"{what} above {most:g}"
    if isinstance(pattern, str) and isinstance(value, str) and not patterns.matches(pattern, value):
        return f"does not match {pattern}"
    if isinstance(allowed, list) and not any(value == one and type(value) is type(one) for one in allowed):
        return f"is none of {', '.join(map(shown, allowed))}"
    return ""
