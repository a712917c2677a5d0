"""From the project's files, the variables and the environment to what is desired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ordain.config.blueprints import Blueprint, read_blueprints
from ordain.config.files import SHIPPED, read_blueprint_files, read_shipped, read_signers
from ordain.config.load import Document, FileText, parse, read_project
from ordain.config.resolve import Resolution, ResolveOptions, resolve
from ordain.config.signers import parse_signers
from ordain.session.context import Context
from ordain.session.secrets import Secrets
from ordain.session.variables import given_variables, origins, sources
from ordain.values.diagnostic import Diagnostic, OrdainError, in_order
from ordain.values.resource import Desired


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A project that reads well: what it desires, warnings, and the files it was read from, sorted by path.

    The files of blueprints are among them: the project's own, and of those that come with Ordain the used ones.
    """

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
    blueprints, used, wrong = _blueprints(context.root, documents)
    variables = given_variables(context)
    secrets = Secrets(environ=context.environ, variables=variables, key=key)
    keys = read_signers(context.root)
    signers, bad_keys = parse_signers(keys) if keys is not None else ((), ())
    options = ResolveOptions(
        environment=context.choice.environment,
        variables=variables,
        origins=origins(context),
        sources=sources(context),
        digest=lambda name: secrets.digest((name,)),
        blueprints=blueprints,
        signers=signers,
    )
    resolution: Resolution = resolve(documents, context.registry, options)
    diagnostics = in_order((*broken, *wrong, *bad_keys, *resolution.diagnostics))
    if resolution.desired is None or any(diagnostic.is_error for diagnostic in diagnostics):
        raise OrdainError(*diagnostics)
    read = (*files, *used, *((keys,) if keys is not None else ()))
    every = tuple(sorted(read, key=lambda file: file.path))
    return Loaded(desired=resolution.desired, warnings=diagnostics, files=every, secrets=secrets)


def _blueprints(
    root: Path, documents: Sequence[Document]
) -> tuple[Mapping[str, Blueprint], Sequence[FileText], Sequence[Diagnostic]]:
    """Return the blueprints there are, the files that a plan rests on, and what is wrong with them.

    Those that come with Ordain are read where a document uses one that the project does not have itself.
    """
    own = read_blueprint_files(root)
    found, wrong = read_blueprints(own)
    wanted = {document.use for document in documents if document.use} - set(found)
    if not wanted:
        return found, own, wrong
    from ordain.resources import packaged  # not free to import

    shipped = read_shipped(Path(str(packaged("templates"))))
    used = tuple(file for file in shipped if _name(file) in wanted)
    complete = wanted <= {_name(file) for file in used}
    more, problems = read_blueprints(used if complete else shipped)  # all of them only to name those there are
    return {**more, **found}, (*own, *used), (*wrong, *problems)


def _name(shipped: FileText) -> str:
    return shipped.path.removeprefix(f"{SHIPPED}/").split("/")[0]
