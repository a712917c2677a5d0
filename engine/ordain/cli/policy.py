"""Commands about policies: their tests, what is in force, and the end of an override."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ordain.cli.common import echo, project_options, say, wants_color, width
from ordain.values.diagnostic import ExitCode

if TYPE_CHECKING:
    from ordain.session.context import Context


@click.group()
def policy() -> None:
    """Test policies, list those in force, end an override."""


@policy.command()
@project_options
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "junit"]),
    default="text",
    show_default=True,
    help="How to print what came of them.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write that to a file; the text goes to standard error.",
)
def test(context: Context, names: tuple[str, ...], form: str, as_json: bool, out: Path | None) -> int:
    """Run the tests beside policies.

    Of those NAMEd, or of all. Reads only the project's files: no state, no data, no network, no code of the project.
    Exit code 7 where a case failed, 6 where the specs are wrong.
    """
    from ordain.render.lines import TerminalOptions
    from ordain.render.policy_tests import report_json, report_junit, report_text
    from ordain.session.policies import run_policy_tests

    form = "json" if as_json else form
    report = run_policy_tests(context, names)
    options = TerminalOptions(color=wants_color() and out is None, width=width())
    written = report_text(report, options)
    if form != "text":
        written = report_json(report) if form == "json" else report_junit(report)
    if out is None:
        echo(written, nl=False)
    else:
        from ordain.session.files import write_file

        write_file(out, written.encode(), 0o644)
        say(report_text(report, TerminalOptions(width=0)).rstrip())
    return ExitCode.GATE if report.failed else ExitCode.DONE


@policy.command(name="list")
@project_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_policies(context: Context, as_json: bool) -> int:
    """List the policies in force.

    For one environment: level, severity, stage, owner, exceptions, and what people override.
    """
    from ordain.render.policy_tests import policies_json, policies_text
    from ordain.session.policies import policies_in_force

    found = policies_in_force(context)
    told = (found.policies, found.overrides, found.over)
    echo(policies_json(found.environment, *told) if as_json else policies_text(found.environment, *told), nl=False)
    return ExitCode.DONE


@policy.command()
@project_options
@click.argument("name", metavar="POLICY")
def revoke(context: Context, name: str) -> int:
    """End the overrides of a policy.

    What was overridden of the soft POLICY in an environment denies again.
    """
    from ordain.render.policy_tests import ended_text
    from ordain.session.policies import revoke_overrides

    echo(ended_text(*revoke_overrides(context, name)), nl=False)
    return ExitCode.DONE
