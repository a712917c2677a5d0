"""Starts a project in a folder: the smallest one, or one that uses a blueprint."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ordain.config.blueprints import Blueprint, read_blueprints
from ordain.config.files import FileText, read_shipped
from ordain.config.load import parse
from ordain.config.report import choose
from ordain.config.scalars import ScalarError, plain
from ordain.config.variables import problem, typed
from ordain.resources import packaged
from ordain.values.address import NAME
from ordain.values.data import Tree
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError

_PROJECT = """\
kind: Project
name: {name}
format: 1
---
kind: Environment
name: dev
spec: {{default: true}}
"""
_FIRST = """\
---
# The smallest resource: it holds a value and gives it back. Go on from here with DataSource, Dataset, Model …
kind: Value
name: greeting
description: a first resource
spec:
  value: hello from {name}
"""
_PROD = """\
---
kind: Environment
name: prod
spec: {promotes_from: dev}
"""
_USE = """\
# {description}
# A line that begins with # shows a parameter's default: take the # away to set it.
use: {template}
name: {name}
with:
"""
_SAMPLE = "sample"
_POLICY = "policy-"
"""How the names of blueprints begin that judge a project, and start none."""
_GIVEN = "with.yaml"
_PLAIN_TEXT = re.compile(r"[A-Za-z0-9_./][\w ./@+-]*")


def start_project(
    folder: Path, name: str | None, template: str | None = None, given: Sequence[tuple[str, str]] = ()
) -> tuple[str, ...]:
    """Write ``ordain.yaml`` and a line in ``.gitignore``; return the files written. Overwrites nothing.

    With a ``template`` the project uses that blueprint: its sample's values and files, and the texts of parameters that
    are ``given``. Raises ``OrdainError`` where there is a project already, or a name or value cannot be one.
    """
    if (folder / "ordain.yaml").exists():
        raise OrdainError(_refusal(f"{folder.name} is a project already: it has an ordain.yaml", "ordain plan"))
    chosen = name or re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "project"
    if not NAME.fullmatch(chosen):
        raise OrdainError(_refusal(f"{chosen!r} cannot be a project's name", "ordain init --name my-project"))
    files: dict[str, bytes] = {}
    if template is None:
        if given:
            raise OrdainError(_refusal("--with sets a parameter of a blueprint", "name the blueprint with --template"))
        files["ordain.yaml"] = (_PROJECT + _FIRST).format(name=chosen).encode()
    else:
        files["ordain.yaml"] = (_PROJECT.format(name=chosen) + _PROD).encode()
        files |= _instance(template, chosen, given)
    for path in files:
        if (folder / path).exists():
            raise OrdainError(_refusal(f"{path} is there already", "move it away, or start in an empty folder"))
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return (*files, *_ignored(folder))


def list_templates() -> Sequence[tuple[str, str]]:
    """Return the blueprints that come with Ordain and start a project: name and description."""
    return [one for one in _listed() if not one[0].startswith(_POLICY)]


def list_policies() -> Sequence[tuple[str, str]]:
    """Return the blueprints that come with Ordain and judge one: name and description."""
    return [one for one in _listed() if one[0].startswith(_POLICY)]


def _alike(template: str) -> Sequence[tuple[str, str]]:
    return list_policies() if template.startswith(_POLICY) else list_templates()


def _listed() -> Sequence[tuple[str, str]]:
    return [(name, one.description) for name, one in sorted(_shipped().items())]


def _shipped() -> Mapping[str, Blueprint]:
    found, _ = read_blueprints(read_shipped(_folder()))
    return found


def _folder() -> Path:
    return Path(str(packaged("templates")))


def _ignored(folder: Path) -> tuple[str, ...]:
    ignore = folder / ".gitignore"
    lines = ignore.read_text().splitlines() if ignore.exists() else []
    if ".ordain/" in lines:
        return ()
    ignore.write_text("\n".join([*lines, ".ordain/"]) + "\n")
    return (".gitignore",)


def _instance(template: str, name: str, given: Sequence[tuple[str, str]]) -> Mapping[str, bytes]:
    """Return the files that use a blueprint: the document that says so, and the files of its sample that it names."""
    known = _shipped()
    if template not in known:
        listed = "\n".join(f"{one}: {text}" for one, text in _alike(template))
        raise OrdainError(
            Diagnostic(
                code="init-refused",
                summary=f"there is no blueprint {template!r} among those that come with Ordain",
                detail=listed,
                fix=choose(template, [one for one, _ in _alike(template)], "blueprints"),
                exit=ExitCode.SPEC,
            )
        )
    blueprint = known[template]
    if template.startswith(_POLICY):
        raise OrdainError(_no_start(blueprint))
    sample = _folder() / template / _SAMPLE
    values = {**_sample_values(sample), **_given(blueprint, given)}
    missing = [one for one in blueprint.parameters if one not in values and not blueprint.default(one)[0]]
    if missing:
        raise OrdainError(_refusal(f"{template} needs the parameter {missing[0]!r}", f"--with {missing[0]}=…"))
    text = _USE.format(description=blueprint.description, template=template, name=name)
    text += "".join(_line(one, blueprint, values) for one in blueprint.parameters)
    files = {f"{template}.yaml": text.encode()}
    named = {value for value in values.values() if isinstance(value, str)}
    for path in sorted(sample.rglob("*")):
        shown = path.relative_to(sample).as_posix()
        if path.is_file() and shown in named:
            files[shown] = path.read_bytes()
    return files


def _no_start(blueprint: Blueprint) -> Diagnostic:
    """Refuse to start a project with a policy; show the document that uses it, with what must be given."""
    name = blueprint.name.removeprefix(_POLICY)
    needed = ", ".join(f"{one}: …" for one in blueprint.parameters if not blueprint.default(one)[0])
    document = (f"use: {blueprint.name}", f"name: {name}", *((f"with: {{{needed}}}",) if needed else ()))
    return Diagnostic(
        code="init-refused",
        summary=f"{blueprint.name} is a policy: it judges a project, and starts none",
        detail="\n".join(document),
        fix=f"write that into a file of a project; docs/guides/policies.md#{name} explains it",
        exit=ExitCode.SPEC,
    )


def _sample_values(sample: Path) -> Mapping[str, Tree]:
    """Return what the sample of a blueprint sets its parameters to."""
    path = sample / _GIVEN
    if not path.is_file():
        return {}
    head = f"use: {sample.parent.name}\nwith:\n".encode()
    data = head + b"".join(b"  " + line for line in path.read_bytes().splitlines(keepends=True))
    file = FileText(path=_GIVEN, data=data, size=len(data), mtime_ns=0, ctime_ns=0, inode=0)
    documents, problems = parse((file,))
    if problems:
        raise OrdainError(*problems)
    values = documents[0].data["with"]
    return values if isinstance(values, Mapping) else {}


def _given(blueprint: Blueprint, given: Sequence[tuple[str, str]]) -> Mapping[str, Tree]:
    """Return the values that texts from the command line spell; raise ``OrdainError`` with all that are wrong."""
    found: dict[str, Tree] = {}
    wrong: list[Diagnostic] = []
    for name, text in given:
        spec = blueprint.parameters.get(name)
        if spec is None:
            fix = choose(name, blueprint.parameters, "parameters")
            wrong.append(_refusal(f"{blueprint.name} has no parameter {name!r}", fix))
            continue
        try:
            value = typed(text, str(spec["type"]))
        except ValueError:
            value = text
        broken = "" if "${{" in text else problem(value, spec)
        if broken:
            wrong.append(_refusal(f"--with {name}={text}: it {broken}", str(spec["description"])))
        found[name] = value
    if wrong:
        raise OrdainError(*wrong)
    return found


def _line(name: str, blueprint: Blueprint, values: Mapping[str, Tree]) -> str:
    """Return the line of a parameter: set, or its default as a comment."""
    told = str(blueprint.parameters[name]["description"])
    says = f"  # {told}" if told else ""
    if name in values:
        return f"  {name}: {_spelled(values[name])}{says}\n"
    return f"  # {name}: {_spelled(blueprint.default(name)[1])}{says}\n"


def _spelled(value: Tree) -> str:
    """Spell a value as YAML on one line: text plainly where that is read as the same text."""
    if isinstance(value, list):
        return f"[{', '.join(map(_spelled, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_spelled(key)}: {_spelled(one)}" for key, one in value.items()) + "}"
    if isinstance(value, str) and _PLAIN_TEXT.fullmatch(value) and value == value.strip():
        try:
            same = plain(value) == value and value not in ("yes", "no", "on", "off", "y", "n")  # to other readers
        except ScalarError:
            same = False
        if same:
            return value
    return json.dumps(value, ensure_ascii=False)


def _refusal(summary: str, fix: str) -> Diagnostic:
    return Diagnostic(code="init-refused", summary=summary, fix=fix, exit=ExitCode.SPEC)
