"""The command that signs a plan."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ordain.cli.common import echo, project_options, say, wants_color, width
from ordain.cli.pleas import override_options, plea_reason
from ordain.values.diagnostic import ExitCode

if TYPE_CHECKING:
    from ordain.session.context import Context


@click.command()
@project_options
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="PLAN")
@click.option("--as", "person", metavar="EMAIL", required=True, help="Who you are, as allowed_signers has it.")
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your private SSH key, or the public one of a key in your agent or on a token; "
    "by default what git signs with, or the first of ~/.ssh/id_*.",
)
@override_options
@click.option("--block", is_flag=True, help="Print the approval as a block to paste into a pull request's comment.")
@click.option("--print", "only_print", is_flag=True, help="Print the text to sign, and sign nothing.")
def approve(context: Context, file: Path, *, block: bool, only_print: bool, **given: Any) -> int:
    """Sign a saved plan, so that it may be applied where approvals are asked for.

    The signature is over the plan's digest: another plan needs another. It is written beside the plan, into
    PLAN.approvals/, as EMAIL.json and EMAIL.json.sig, which ssh-keygen verifies too (namespace ordain-approval).
    """
    from ordain.session.approving import Approving, approve_plan, statement_of

    asked = Approving(**{**given, "reason": plea_reason(given["overrides"], given["reason"])})
    if only_print:
        echo(statement_of(context, file, asked), nl=False)
        return ExitCode.DONE
    signed = approve_plan(context, file, asked, _ask_passphrase)
    from ordain.render.approvals import approvals_text
    from ordain.render.lines import TerminalOptions
    from ordain.render.view import summary_text

    program = signed.plan.program
    say(f"Plan {signed.plan.digest.removeprefix('sha256:')[:12]} for {program.environment}: {summary_text(program)}")

    say(f"Signed as {asked.person}: {signed.path}")
    options = TerminalOptions(color=wants_color(), width=width())
    echo(signed.block if block else approvals_text(signed.plan, signed.approved, options), nl=False)
    return ExitCode.DONE


def _ask_passphrase(path: Path) -> str | None:
    """Ask for a key's passphrase; None where nobody is there to ask."""
    if not sys.stdin.isatty():
        return None
    text: str = click.prompt(f"Passphrase of {path}", hide_input=True, err=True)
    return text
