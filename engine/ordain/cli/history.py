"""The command that lists past applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ordain.cli.common import echo, project_options
from ordain.values.diagnostic import ExitCode

if TYPE_CHECKING:
    from ordain.session.context import Context


@click.command()
@project_options
@click.option("-n", "limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def history(context: Context, limit: int, as_json: bool) -> int:
    """List the applies of an environment, newest first: when, who, how it ended, time taken and predicted."""
    from ordain.render.records import history_json, history_text
    from ordain.session.reading import read_runs

    environment, runs = read_runs(context, limit)
    echo(history_json(runs, environment) if as_json else history_text(runs, environment), nl=False)
    return ExitCode.DONE
