"""Commands that read the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ordain.cli.common import echo, project_options
from ordain.values.diagnostic import ExitCode

if TYPE_CHECKING:
    from ordain.session.context import Context


@click.group()
def state() -> None:
    """Read what is recorded."""


@state.command(name="list")
@project_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_resources(context: Context, as_json: bool) -> int:
    """List the resources of an environment."""
    return print_resources(context, as_json=as_json)


@state.command(name="show")
@project_options
@click.argument("address")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_resource(context: Context, address: str, as_json: bool) -> int:
    """Show one resource as it was applied: spec, outputs, fingerprint, versions."""
    from ordain.render.records import record_json, record_text
    from ordain.session.reading import read_resource

    found = read_resource(context, address)
    echo(record_json(found) if as_json else record_text(found), nl=False)
    return ExitCode.DONE


def print_resources(context: Context, *, as_json: bool) -> int:
    """Print the resources of the chosen environment."""
    from ordain.render.records import records_json, records_text
    from ordain.session.reading import read_resources

    recorded = read_resources(context)
    echo(records_json(recorded) if as_json else records_text(recorded), nl=False)
    return ExitCode.DONE
