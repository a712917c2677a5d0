"""Options and output that the commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from ordain.values.diagnostic import Diagnostic

FOLDER = click.Path(path_type=Path, file_okay=False)
F = TypeVar("F", bound=Callable[..., Any])


FOLDER_OPTION = click.option("-C", "folder", metavar="DIR", type=FOLDER, default=".", help="Project folder.")
VARIABLE_OPTIONS = (
    click.option("--var", "variables", metavar="NAME=VALUE", multiple=True, help="Set a variable; may be repeated."),
    click.option(
        "--var-file",
        "variable_files",
        metavar="FILE",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Read variables from a YAML file; may be repeated.",
    ),
)


def with_options(command: F, options: Iterable[Callable[[Any], Any]]) -> F:
    """Return a command with options, in the order its help shows them."""
    found: Any = command
    for option in reversed(tuple(options)):
        found = option(found)
    return cast("F", found)


def project_options(command: F) -> F:
    """Add ``-C``, ``--env``, ``--var`` and ``--var-file``; the command gets a ``Context`` as ``context``."""
    import functools

    @functools.wraps(command)
    def wrapped(
        *,
        folder: Path,
        environment: str | None,
        variables: tuple[str, ...],
        variable_files: tuple[Path, ...],
        **more: Any,
    ) -> Any:
        from ordain.session.context import Choice, Context

        pairs = tuple(pair(text) for text in variables)
        choice = Choice(environment=environment, variables=pairs, variable_files=variable_files)
        return command(context=Context(root=folder.resolve(), choice=choice), **more)

    environment = click.option(
        "--env", "environment", metavar="NAME", envvar="ORDAIN_ENV", help="Environment to work on."
    )
    return cast("F", with_options(wrapped, (FOLDER_OPTION, environment, *VARIABLE_OPTIONS)))


def pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--var takes NAME=VALUE, not {text!r}.")
    return name, value


def echo(text: str | bytes, *, err: bool = False, nl: bool = True) -> None:
    """Write to standard output, or error. Where its reader has left, the work and its exit code go on without it."""
    try:
        click.echo(text, err=err, nl=nl)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if err else sys.stdout).fileno())


def say(text: str) -> None:
    """Write talk to standard error."""
    echo(text, err=True)


def wants_color(stream: Any = None) -> bool:
    """Say whether to colour what goes to a stream (standard output unless given): a terminal, and no ``NO_COLOR``."""
    stream = stream or sys.stdout
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def width() -> int:
    """Return the columns to lay text out in: the terminal's, at most 120; 0 (no wrapping) where there is none."""
    if not sys.stdout.isatty():
        return 0
    import shutil  # with what it brings along (bz2, lzma) not free to import

    return min(shutil.get_terminal_size((100, 24)).columns, 120)


def say_diagnostics(diagnostics: Iterable[Diagnostic], as_json: bool = False) -> None:
    """Write diagnostics: as JSON to standard output, or as text to standard error."""
    from ordain.render.diagnostics import diagnostics_json, diagnostics_text
    from ordain.render.terminal import TerminalOptions

    found = tuple(diagnostics)
    if as_json:
        echo(diagnostics_json(found))
    elif found:
        say(diagnostics_text(found, TerminalOptions(color=wants_color(sys.stderr), width=width())))
