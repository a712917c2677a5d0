"""The command that lays out files: fmt."""

from __future__ import annotations

from pathlib import Path

import click

from ordain.cli.common import FOLDER, echo, say, say_diagnostics
from ordain.values.diagnostic import ExitCode, worst


@click.command()
@click.option("-C", "folder", metavar="DIR", type=FOLDER, default=".", help="Project folder.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATHS]...")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 and name the files that would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
def fmt(folder: Path, paths: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Lay out the project's files, or those in PATHS, all alike.

    Indentation, blank lines, the ends of lines (line feeds) and the order of a document's own keys change; what stands
    below spec, comments, quotes and anchors stay as they are written. A file with a syntax error is left alone.
    """
    from ordain.session.formatting import plan_formatting, write_formatted

    found = plan_formatting(folder.resolve(), paths)
    for file in found.changed:
        if diff:
            echo(_diff(file.name, file.before, file.after), nl=False)
        else:
            echo(file.name)
        if not (check or diff):
            write_formatted(file)
    say_diagnostics(found.diagnostics)
    count = len(found.changed)
    of = f"{count} of {found.looked_at} file{'' if found.looked_at == 1 else 's'}"
    say(f"To be laid out anew: {of}." if check or diff else f"Laid out anew: {of}.")
    codes = [one.exit for one in found.diagnostics if one.is_error]
    return worst([*codes, ExitCode.FAILURE] if check and count else codes)


def _diff(name: str, before: str, after: str) -> str:
    import difflib

    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"{name} (as it is)", f"{name} (laid out)"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
