"""From the project's files, the variables and the environment to what is desired."""

from __future__ import annotations

from dataclasses import dataclass

from ordain.config.load import FileText, parse, read_project
from ordain.config.resolve import Resolution, ResolveOptions, resolve
from ordain.session.context import Context
from ordain.session.secrets import Secrets
from ordain.session.variables import given_variables, origins
from ordain.values.diagnostic import Diagnostic, OrdainError, in_order
from ordain.values.resource import Desired


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A project that reads well: what it desires, warnings, and the files it was read from."""

    desired: Desired
    warnings: tuple[Diagnostic, ...]
    files: tuple[FileText, ...]
    secrets: Secrets


def load(context: Context, key: bytes | None) -> Loaded:
    """Read, parse and resolve the project for the chosen environment.

    ``key`` is the state's digest key. Raises ``OrdainError`` with every diagnostic found, in one pass.
    """
    files = read_project(context.root)
    documents, broken = parse(files)
    variables = given_variables(context)
    secrets = Secrets(environ=context.environ, variables=variables, key=key)
    options = ResolveOptions(
        environment=context.choice.environment,
        variables=variables,
        origins=origins(context),
        digest=lambda name: secrets.digest((name,)),
    )
    resolution: Resolution = resolve(documents, context.registry, options)
    diagnostics = in_order((*broken, *resolution.diagnostics))
    if resolution.desired is None or any(diagnostic.is_error for diagnostic in diagnostics):
        raise OrdainError(*diagnostics)
    return Loaded(desired=resolution.desired, warnings=diagnostics, files=files, secrets=secrets)
