"""Commands that read: validate, plan, show, why, graph."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, replace as replace_fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ordain.cli.asking import Asked, asking_options
from ordain.cli.common import echo, project_options, say_diagnostics, wants_color, width
from ordain.values.diagnostic import ExitCode

if TYPE_CHECKING:
    from ordain.session.context import Context
    from ordain.session.planning import PlanOptions
    from ordain.values.approval import Approved
    from ordain.values.change import Change
    from ordain.values.plan import Plan

FORMATS = click.Choice(["text", "json", "markdown", "sarif"])


@click.command()
@project_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="How to print what is wrong; json and sarif go to standard output.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def validate(context: Context, form: str, as_json: bool) -> int:
    """Check the specs of this project, for one environment.

    Reads only the project's files: no state, no data, no network, no code of the project.
    """
    from ordain.session import validating

    found = validating.validate(context)
    if form == "sarif" and not as_json:
        from ordain import __version__
        from ordain.render.sarif import diagnostics_sarif

        prefix = validating.repository_prefix(context.root)
        echo(diagnostics_sarif(found.diagnostics, version=__version__, prefix=prefix), nl=False)
        return found.exit
    as_json = as_json or form == "json"
    say_diagnostics(found.diagnostics, as_json=as_json)
    if not as_json and found.exit is ExitCode.DONE:
        echo(f"Valid: {found.resources} resource{'' if found.resources == 1 else 's'}.")
    return found.exit


@click.command()
@project_options
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save the plan.")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True, help="How to print the plan.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes, 0 where there are none.")
@asking_options
@click.option("--show-no-ops", is_flag=True, help="Name unchanged resources too.")
@click.option("--no-cache", "refresh", is_flag=True, help="Read everything again.")
@click.option("--explain", is_flag=True, help="Show the steps too, in the order they will run.")
@click.option("-v", "--verbose", is_flag=True, help="Do not fold details.")
def plan(
    context: Context,
    out: Path | None,
    form: str,
    as_json: bool,
    detailed_exitcode: bool,
    asked: Asked,
    **flags: bool,
) -> int:
    """Show what would change, and why.

    Reads the specs, the state and the world; changes nothing and runs no code of the project. With --out the plan is
    saved, and "ordain apply FILE" does exactly what it says.
    """
    form = "json" if as_json else form
    found = None
    unchanged: tuple[Change, ...] = ()
    if asked.plain and not (flags["refresh"] or flags["show_no_ops"]):
        if form == "text" and out is None and not flags["verbose"]:
            from ordain.session.quick import cached_text

            text = cached_text(context)
            if text is not None:
                echo(text, nl=False)
                return ExitCode.DONE
        else:
            from ordain.session.again import cached_plan

            found = cached_plan(context, with_commit=form == "json" or out is not None)
    if found is None:
        from ordain.session.session import plan_project

        no_ops = flags["show_no_ops"]
        found, unchanged = plan_project(context, asked.options(), keep=out is not None, no_ops=no_ops)
    if out is not None:
        _write(out, found)
    face = replace_fields(_face(context, out, asked.words), show_no_ops=flags["show_no_ops"], verbose=flags["verbose"])
    _print(context, _with(found, unchanged) if face.show_no_ops and form != "json" else found, form, face)
    if flags["explain"] and form in ("text", "markdown"):
        _print_steps(found, form)
    code = _exit_of(found)
    if code is ExitCode.DONE and detailed_exitcode and not found.program.is_empty:
        return ExitCode.CHANGES
    return code


def save(context: Context, options: PlanOptions, out: Path) -> int:
    """Save a plan of another kind, and show it."""
    from ordain.session.session import plan_project

    found, _ = plan_project(context, options, keep=True)
    _write(out, found)
    _print(context, found, "text", _face(context, out, ()))
    return _exit_of(found)


def _write(out: Path, plan: Plan) -> None:
    from ordain.render.json import plan_json
    from ordain.session.files import write_file

    write_file(out, plan_json(plan))


def _face(context: Context, out: Path | None, words: tuple[str, ...]) -> Face:
    command = f"ordain apply {shlex.quote(str(out))}" if out is not None else " ".join(("ordain apply", *words))
    chosen = _chosen(context, saved=out is not None)
    return Face(command=command + chosen, approve=_approve(out) if out is not None else "")


def _approve(file: Path) -> str:
    return f"ordain approve {shlex.quote(str(file))} --as YOUR-EMAIL"


def _with(plan: Plan, unchanged: tuple[Change, ...]) -> Plan:
    """Return a plan to look at, its no-ops among the changes; the one that is saved has only their number."""
    return replace_fields(plan, program=replace_fields(plan.program, changes=(*plan.program.changes, *unchanged)))


def _exit_of(plan: Plan) -> ExitCode:
    program = plan.program
    if program.is_empty and not program.diagnostics and not program.policy:
        return ExitCode.DONE
    from ordain.plan.finish import exit_of

    return exit_of(program)


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """How a plan is shown as text; ``command`` is what the reader types next, ``approve`` where somebody must sign."""

    show_no_ops: bool = False
    verbose: bool = False
    command: str = ""
    approve: str = ""
    approved: Approved | None = None


def _chosen(context: Context, *, saved: bool) -> str:
    """Return the options that the next command needs too; the texts of variables stay out: one may be a secret."""
    choice = context.choice
    found = f" --env {choice.environment}" if choice.environment and not saved else ""
    if context.root != Path.cwd():
        found += f" -C {shlex.quote(os.path.relpath(context.root))}"
    return f"{found} (with the same variables)" if choice.variables or choice.variable_files else found


def _print(context: Context, plan: Plan, form: str, face: Face) -> None:
    if form == "sarif":
        from ordain import __version__
        from ordain.render.sarif import plan_sarif
        from ordain.session.validating import repository_prefix

        echo(plan_sarif(plan, version=__version__, prefix=repository_prefix(context.root)), nl=False)
    elif form == "json":
        from ordain.render.json import plan_json

        echo(plan_json(plan), nl=False)
    elif form == "markdown":
        from ordain.render.markdown import plan_markdown

        echo(plan_markdown(plan, approved=face.approved), nl=False)
    else:
        echo(plan_face(plan, face), nl=False)


def _print_steps(plan: Plan, form: str) -> None:
    from ordain.render.lines import TerminalOptions
    from ordain.render.steps import steps_markdown, steps_text

    if form == "markdown":
        echo(steps_markdown(plan), nl=False)
    elif plan.program.steps:
        echo("\n" + steps_text(plan, TerminalOptions(color=wants_color(), width=width())), nl=False)


def plan_face(plan: Plan, face: Face) -> str:
    """Return the plan as text for this terminal."""
    from ordain.render.lines import TerminalOptions
    from ordain.render.terminal import plan_text

    options = TerminalOptions(
        color=wants_color(),
        width=width(),
        verbose=face.verbose,
        show_no_ops=face.show_no_ops,
        apply_command=face.command,
        approve_command=face.approve,
        approved=face.approved,
    )
    return plan_text(plan, options)


@click.command()
@project_options
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False), metavar="[PLAN]")
@click.option("--format", "form", type=FORMATS, default="text", show_default=True, help="How to print it.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("-v", "--verbose", is_flag=True, help="Do not fold details.")
def show(context: Context, file: Path | None, form: str, as_json: bool, verbose: bool) -> int:
    """Show a saved plan; without one, the resources that are recorded."""
    form = "json" if as_json else form
    if file is not None:
        from ordain.session.session import show_plan_file

        found, data = show_plan_file(file)
        if form == "json":
            echo(data, nl=False)
        else:
            from ordain.session.permission import as_approved

            found, so_far = as_approved(context, found, file)
            command = f"ordain apply {shlex.quote(str(file))}"
            _print(
                context, found, form, Face(verbose=verbose, command=command, approve=_approve(file), approved=so_far)
            )
        return ExitCode.DONE
    from ordain.cli.state import print_resources

    return print_resources(context, as_json=form == "json")


@click.command()
@project_options
@click.argument("address")
@click.option("--json", "as_json", is_flag=True, help="Print the causes as JSON.")
def why(context: Context, address: str, as_json: bool) -> int:
    """Explain what the plan does to ADDRESS, from the root cause on, with a fresh look at the data."""
    from ordain.render.explain import About, why_json, why_text
    from ordain.render.lines import TerminalOptions
    from ordain.session.planning import PlanOptions
    from ordain.session.session import address_of, plan_project_whole, unchanged

    planned = plan_project_whole(context, PlanOptions())
    which = address_of(address, planned)
    needs = {address: resource.depends_on for address, resource in planned.draft.resources.items()}
    about = About(record=planned.recorded.resources.get(which), needs=needs)
    plan = _with(planned.plan, unchanged(planned))
    if as_json:
        echo(why_json(plan, which, about))
    else:
        options = TerminalOptions(color=wants_color(), width=width())
        echo(why_text(plan, which, options, about), nl=False)
    return ExitCode.DONE


@click.command()
@project_options
@click.option("--format", "form", type=click.Choice(["text", "mermaid", "dot", "svg", "json"]), default="text")
def graph(context: Context, form: str) -> int:
    """Print the graph of resources: what needs what."""
    from ordain.render.graph import graph_text
    from ordain.session.session import needs_of

    echo(graph_text(needs_of(context), form), nl=False)
    return ExitCode.DONE
