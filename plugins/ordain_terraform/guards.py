"""What is refused before Terraform runs: folders, names, and every way a secret could end in a file of Terraform's."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ordain.api import Diagnostic, Json, OrdainError, Severity
from ordain_terraform import secrets
from ordain_terraform.modules import Module, Variable
from ordain_terraform.problems import Teller, undeclared

_SOURCES = (".tf", ".tf.json", ".tofu", ".tofu.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the spec says, and which of its paths hold secrets."""

    spec: Mapping[str, Json]
    variables: Mapping[str, Json]
    secret_fields: tuple[tuple[str | int, ...], ...]

    @property
    def opted(self) -> frozenset[str]:
        """The variables whose secrets Terraform may store."""
        listed = self.spec.get("stored_secrets")
        return frozenset(str(name) for name in listed) if isinstance(listed, list | tuple) else frozenset()


def check_places_of_secrets(tell: Teller, secret_fields: Iterable[tuple[str | int, ...]]) -> None:
    """Refuse secrets outside of variables. Raises ``OrdainError``."""
    found = [
        tell.wrong_field(
            "terraform-secret-field",
            path,
            f"{path[0]} cannot hold a secret",
            detail="only a variable can: the rest stands in arguments, or in files that Terraform keeps, in clear",
            fix="hand credentials to Terraform through its provider's or backend's environment variables",
        )
        for path in secret_fields
        if path[0] != "variables"
    ]
    if found:
        raise OrdainError(*found)


def check_folder(tell: Teller, written: str) -> None:
    """Refuse a module that is no folder, or a folder without a module. Raises ``OrdainError``."""
    folder = tell.folder
    if not folder.is_dir():
        beside = [path.name for path in folder.parent.iterdir() if path.is_dir()] if folder.parent.is_dir() else []
        near = difflib.get_close_matches(folder.name, beside, 1)
        raise OrdainError(
            tell.wrong_field(
                "terraform-no-module",
                ("module",),
                f"there is no folder {written}",
                detail=f"did you mean {near[0]}?" if near else "paths are relative to the project's folder",
                fix="name the folder that holds the module's .tf files",
            )
        )
    if not any(path.name.endswith(_SOURCES) for path in folder.iterdir()):
        raise OrdainError(
            tell.wrong_field(
                "terraform-no-module",
                ("module",),
                f"the folder {written} holds no Terraform module",
                detail="it has no .tf or .tf.json file",
                fix="name the folder that holds the module's .tf files",
            )
        )


def check(tell: Teller, module: Module, asked: Asked) -> None:
    """Refuse what would not work, or would let a secret be stored. Raises ``OrdainError`` with all there is."""
    found = [
        *(undeclared(tell, name, module.variables) for name in sorted(asked.variables) if name not in module.variables),
        *_backend(tell, module, asked),
    ]
    for name in secrets.names(asked.secret_fields):
        if name in module.variables:
            found += _secret_variable(tell, module, asked, module.variables[name])
    if found:
        raise OrdainError(*found)


def _backend(tell: Teller, module: Module, asked: Asked) -> Iterator[Diagnostic]:
    if asked.spec.get("backend") and not module.backend:
        yield tell.wrong_field(
            "terraform-no-backend",
            ("backend",),
            f"the module {tell.module} declares no backend, so these settings would have no effect",
            detail="without one Ordain keeps Terraform's state with its own files",
            fix='declare it in the module, terraform { backend "s3" {} }, or leave backend out',
        )


def _secret_variable(tell: Teller, module: Module, asked: Asked, variable: Variable) -> Iterator[Diagnostic]:
    name = variable.name
    path = ("variables", name)
    if not variable.ephemeral and name not in asked.opted:
        yield tell.wrong_field(
            "terraform-secret-stored",
            path,
            f"Terraform would store the secret in variable {name}, in clear, in its plan and its state",
            detail=f"the module {tell.module} does not declare the variable ephemeral",
            fix=f'declare it so: variable "{name}" {{ ephemeral = true }} (Terraform 1.10 or newer); '
            f"or accept that it is stored: stored_secrets: [{name}]",
        )
    if name in module.preset:
        yield tell.wrong_field(
            "terraform-secret-shadowed",
            path,
            f"{module.preset[name]} in the module sets {name} too, and Terraform would take that value",
            detail="secrets go to Terraform through the environment, which its own files override",
            fix=f"remove {name} from {tell.module}/{module.preset[name]}",
        )
    if secrets.needs_type(asked.variables[name], variable):
        yield tell.wrong_field(
            "terraform-secret-untyped",
            path,
            f"variable {name} holds a secret inside a list or map, but declares no type",
            detail="from the environment Terraform would take it for plain text",
            fix=f"declare the variable's type in {tell.module}",
        )


def stored_anyway(tell: Teller, names: tuple[str, ...]) -> tuple[Diagnostic, ...]:
    """Return the warnings for secrets that Terraform stores because the spec says it may."""
    return tuple(
        tell.wrong_field(
            "terraform-secret-kept",
            ("variables", name),
            f"Terraform stores the secret in variable {name}, in clear, in its plan and its state",
            detail="stored_secrets allows it; whoever can read Terraform's state can read it",
            fix="declare the variable ephemeral in the module, and take it off stored_secrets",
            severity=Severity.WARNING,
        )
        for name in names
    )
