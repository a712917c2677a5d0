"""The commands for pull requests: ci and ci apply."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ordain.cli.common import FOLDER_OPTION, VARIABLE_OPTIONS, echo, pair, say, say_diagnostics, with_options
from ordain.values.diagnostic import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from ordain.session.ci import CiOptions
    from ordain.session.context import Context

_OPTIONS = (
    FOLDER_OPTION,
    click.option("--base", metavar="REF", help="The branch the change is for; its policies, roles and signers judge."),
    click.option("--env", "environments", metavar="NAME", multiple=True, help="Only this one; may be repeated."),
    click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default="ordain-plans",
        show_default=True,
        metavar="DIR",
        help="The folder of the saved plans and their approvals.",
    ),
    click.option("--pull", type=click.IntRange(1), metavar="N", help="The pull request; by default that of this run."),
    click.option("--forge", metavar="NAME", help="Where it is; by default what the CI's variables name."),
    *VARIABLE_OPTIONS,
)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    return with_options(command, _OPTIONS)


@click.group(invoke_without_command=True)
@_options
@click.pass_context
def ci(ctx: click.Context, /, **given: Any) -> int:
    """Plan what a pull request touches, and tell it.

    Each environment that the change touches is planned, judged by the policies, roles and signers of the branch it is
    for. The plans are saved, with the approvals that people wrote as comments beside them. The pull request gets one
    comment, which later runs edit, a status for each environment, and annotations at the lines that deny or warn.
    Outside of a pull request the page is printed, and nothing is posted. Waiting for approvals is no failure.
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = given
        return ExitCode.DONE
    from ordain.render.pull import status_of
    from ordain.session.ci import run_ci

    context, options = _chosen(given)
    run = run_ci(context, options)
    echo(run.printed, nl=False)
    if run.comment is None:
        echo(run.markdown, nl=False)
    else:
        say(f"Pull request told: {run.comment.url}")
        for report in run.reports:
            say(f"{report.environment}: {status_of(report)[1]}")
    _summarise(context, run.markdown)
    for note in run.notes:
        say(note)
    say_diagnostics(run.problems)
    return run.exit


@ci.command()
@_options
@click.pass_context
def apply(ctx: click.Context, /, **given: Any) -> int:
    """Apply the saved plans of the pull request that was merged as HEAD.

    Exactly those, in promotion order, under the approvals that the pull request has now. Each is planned again first,
    judged as before the merge: a plan that is not what these files ask for is refused (exit 10), and so is one that is
    denied or lacks an approval (exit 5). What came of it is written to the pull request.
    """
    from ordain.cli.applying import Console, catch_signals
    from ordain.render.pull import outcome_of
    from ordain.session.merging import run_merged

    context, options = _chosen(_merged(ctx, given))
    console = Console(yes=False, as_json=False, destroying=False, from_file=True)
    catch_signals(console.stop)
    run = run_merged(context, options, console, lambda name: say(f"Applying {name}:"))
    if not run.outcomes:
        say("Nothing to apply: the merged change touches no environment.")
    for done in run.outcomes:
        echo(f"{done.environment}: {outcome_of(done)[1]}")
        if done.exit is not ExitCode.DONE:
            say_diagnostics(done.diagnostics)
    say_diagnostics(run.problems)
    return run.exit


def _merged(ctx: click.Context, given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the subcommand, with those that were given before its name where it has them not."""
    above: dict[str, Any] = ctx.obj or {}
    typed = click.core.ParameterSource.COMMANDLINE
    return {
        name: value if ctx.get_parameter_source(name) is typed or name not in above else above[name]
        for name, value in given.items()
    }


def _chosen(given: dict[str, Any]) -> tuple[Context, CiOptions]:
    from ordain.session.ci import CiOptions
    from ordain.session.context import Choice, Context

    choice = Choice(variables=tuple(map(pair, given["variables"])), variable_files=given["variable_files"])
    context = Context(root=given["folder"].resolve(), choice=choice)
    out: Path = given["out"]
    return context, CiOptions(
        out=out.resolve(),
        shown=out.as_posix(),
        base=given["base"],
        environments=given["environments"],
        pull=given["pull"],
        forge=given["forge"],
    )


def _summarise(context: Context, markdown: str) -> None:
    """Append the page to the summary of the job, where the CI has one."""
    path = context.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(markdown)
    except OSError as error:  # all that counts is done
        say(f"The summary of the job was not written: {path}: {error.strerror}")
