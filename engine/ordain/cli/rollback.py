"""The command that goes back to an earlier version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ordain.cli.applying import act, apply_options
from ordain.cli.common import project_options
from ordain.cli.planning import save

if TYPE_CHECKING:
    from ordain.session.context import Context


@click.command()
@project_options
@click.argument("address")
@click.option("--to", "version", metavar="VERSION", help="The version to go back to; by default the one before.")
@click.option("--reason", metavar="TEXT", help="Why; it is kept with the hold and shown by later plans.")
@click.option("--release", is_flag=True, help="End the hold that an earlier rollback left.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save the plan, no more.")
@click.option("--break-glass", is_flag=True, help="Go without the approvals asked for; later plans tell of it.")
@apply_options
def rollback(context: Context, address: str, out: Path | None, *, release: bool, **flags: Any) -> int:
    """Let an earlier version of a model stand again, and hold it there.

    It is a plan like any other: shown, asked for, applied; deployments of the model follow. The hold stays until what
    the model is made of changes, or --release ends it. Nothing else that may be pending is applied. With
    --out the plan is only saved, to be approved and applied.
    """
    version, reason, break_glass = flags["version"], flags["reason"], flags["break_glass"]
    if release and (version or reason):
        raise click.UsageError("--release goes with neither --to nor --reason.")
    if not release and not (reason or "").strip():
        raise click.UsageError("Say why with --reason TEXT: later plans show it.")
    from ordain.session.planning import PlanOptions
    from ordain.session.rollback import Rollback

    why = (reason or "").strip()
    asked = Rollback(address=address, version=version, reason=why, release=release)
    options = PlanOptions(rollback=asked, select=(f"{address}+",))
    if out is not None:
        return save(context, options, out)
    from ordain.session.permission import Plea

    return act(context, None, options, flags, Plea(break_glass=break_glass, reason=why or f"release {address}"))
