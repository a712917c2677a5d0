"""Imports: what the world has already, as Terraform's import blocks, in a copy of the module's folder made of links.

Terraform takes import blocks from the module alone, and the user's folder is not ours to write into. Beside the links
lies one file more; the saved plan holds all of it, so that apply runs in the module's own folder as ever.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ordain.api import Diagnostic, ExitCode, OrdainError
from ordain_terraform.command import Event, Finished
from ordain_terraform.problems import Teller

FILE = "ordain-generated-imports.tf.json"


_ADVICE = " If you wish to automatically generate config"
"""From here on Terraform recommends a flag of its own that cannot be given here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One object that the world has: Terraform's address for it, its provider's id, and how the user wrote both."""

    to: str
    id: str
    written: str


def parse(tell: Teller, texts: Iterable[str]) -> tuple[Import, ...]:
    """Return the imports that ``texts`` (``ADDRESS=ID``) ask for. Raises ``OrdainError`` with all that are wrong."""
    found: dict[str, Import] = {}
    wrong: list[Diagnostic] = []
    for text in dict.fromkeys(texts):
        to, id_ = _split(text)
        if not to or not id_:
            wrong.append(_unreadable(tell, text))
        elif to in found:
            wrong.append(_twice(tell, text, found[to]))
        else:
            found[to] = Import(to=to, id=id_, written=text)
    if wrong:
        raise OrdainError(*wrong)
    return tuple(found.values())


def _split(text: str) -> tuple[str, str]:
    """Return what stands before and behind the first ``=`` outside of quotes; keys of ``for_each`` may hold one."""
    quoted = escaped = False
    for at, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = quoted
        elif char == '"':
            quoted = not quoted
        elif char == "=" and not quoted:
            return text[:at].strip(), text[at + 1 :].strip()
    return text.strip(), ""


def copy(folder: Path, local: Iterable[Path], root: Path, into: Path, imports: Iterable[Import]) -> Path:
    """Make the copy below ``into`` and return its module folder.

    Whatever lies beside the folders on the way from the project (or from above it, where a called module of ``local``
    lies there) down to the module is there too, so that relative paths lead where they did.
    """
    top = Path(os.path.commonpath([root, folder, *local]))
    made, real = into, top
    made.mkdir(mode=0o700)
    for name in (*folder.relative_to(top).parts, None):
        with os.scandir(real) as entries:
            for entry in entries:
                if entry.name != name:
                    (made / entry.name).symlink_to(entry.path)
        if name is not None:
            made, real = made / name, real / name
            made.mkdir()
    blocks = ",\n".join(json.dumps({"to": one.to, "id": _literal(one.id)}) for one in imports)
    (made / FILE).write_text(f'{{"import": [\n{blocks}\n]}}\n', encoding="utf-8")  # one a line: see concerned
    return made


def _literal(text: str) -> str:
    """Spell a text so that Terraform finds no template in it."""
    return text.replace("${", "$${").replace("%{", "%%{")


def concerned(imports: tuple[Import, ...], told: Mapping[str, Any]) -> tuple[Import, ...]:
    """Return the imports that a complaint of Terraform's can be about; none where it is about something else.

    It stands at a line of our own file, or names the object or its id and no place in the module; a provider that is
    missing all of a sudden is the one of an object that the module does not declare. What names nothing at all is what
    a provider answered when it was asked for any of them.
    """
    where = told.get("range") or {}
    if where.get("filename"):
        line = where.get("start", {}).get("line", 0) - 2
        return imports[line : line + 1] if Path(str(where["filename"])).name == FILE and line >= 0 else ()
    said = f"{told.get('summary', '')}\n{told.get('detail', '')}\n"
    for one in imports:
        named = any(f"{one.to}{end}" in said for end in (" ", "\n", '"', ".", ",", ":"))
        if named or told.get("address") == one.to or f" ID {one.id}," in said:
            return (one,)
    if "dependency" in said:
        return tuple(one for one in imports if f"/{_provider(one.to)}:" in said)
    return () if told.get("address") else imports


def _provider(address: str) -> str:
    """Return the name of the provider that Terraform takes an address's resource to be of: its type's first word."""
    parts = address.partition("[")[0].split(".")
    return parts[-2].partition("_")[0] if len(parts) > 1 else parts[0]


def failure(
    tell: Teller, imports: tuple[Import, ...], finished: Finished, known: Callable[[], Collection[str]]
) -> OrdainError:
    """Return the error for a plan that failed: what is an import's fault is told of its document.

    ``known`` gives the addresses that Terraform's state has: their imports do nothing, and cannot fail.
    """
    refused: list[Diagnostic] = []
    others: list[Event] = []
    state: Collection[str] | None = None
    for event in finished.events:
        told = event.get("diagnostic", {})
        found = concerned(imports, told) if told.get("severity") == "error" else ()
        if found and not told.get("range"):
            state = known() if state is None else state
            found = tuple(one for one in found if one.to not in state)
        if found:
            refused.append(_refused(tell, found, told))
        else:
            others.append(event)
    if not refused or finished.timed_out:
        return tell.failure(finished, "plan")
    rest = tell.told(replace(finished, events=tuple(others)))
    return OrdainError(*dict.fromkeys(refused), *(one for one in rest if one.is_error))


def _refused(tell: Teller, found: tuple[Import, ...], told: Mapping[str, Any]) -> Diagnostic:
    written = " or ".join(one.written for one in found)
    return tell.problem(
        "terraform-import",
        f"Terraform cannot import {written}: {' '.join(str(told.get('summary', '')).split())}",
        detail=str(told.get("detail", "")).split(_ADVICE)[0],
        fix=f"correct the id in the Import document, declare {found[0].to} in {tell.module}, or remove the document",
        path=("importing", found[0].written),
        exit=ExitCode.SPEC,
    )


def _unreadable(tell: Teller, text: str) -> Diagnostic:
    return tell.problem(
        "terraform-import",
        f"{text!r} does not say what to import",
        detail="Infrastructure is imported object by object: Terraform's address, =, the id its provider knows it by",
        fix="write id: 'aws_s3_bucket.data=my-bucket', with the address that the module gives it",
        path=("importing", text),
        exit=ExitCode.SPEC,
    )


def _twice(tell: Teller, text: str, first: Import) -> Diagnostic:
    return tell.problem(
        "terraform-import",
        f"{first.to} is imported twice: {text} and {first.written}",
        detail="it can be one object only",
        fix="remove one of the two Import documents",
        path=("importing", text),
        exit=ExitCode.SPEC,
    )


def absolute(tell: Teller) -> Diagnostic:
    """Return the diagnostic for a module that writes its own absolute path into what it makes."""
    return tell.problem(
        "terraform-import-path",
        f"{tell.module} cannot be planned with imports: it spells out its own absolute path",
        detail="imports are planned in a copy of the folder, and the copy's path would get into what is made (abspath)",
        fix="use path.module without abspath(), or import once by hand into the state: terraform import",
        exit=ExitCode.SPEC,
    )
