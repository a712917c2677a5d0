"""Commands that act: apply and destroy."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ordain.cli.asking import Asked, asking_options
from ordain.cli.common import echo, project_options, say, say_diagnostics, with_options
from ordain.cli.planning import Face, plan_face
from ordain.cli.pleas import plea_options
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError
from ordain.values.event import Event, EventType

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    from ordain.render.events import Progress
    from ordain.session.context import Context
    from ordain.session.permission import Plea
    from ordain.session.planning import PlanOptions
    from ordain.values.plan import Plan

_APPLY_OPTIONS = (
    click.option("--yes", is_flag=True, help="Do not ask."),
    click.option("--fail-fast", is_flag=True, help="Start nothing more after the first failure."),
    click.option("--parallelism", type=click.IntRange(1, 256), default=10, show_default=True, help="Steps at once."),
    click.option("--json", "as_json", is_flag=True, help="Print events and the result as JSON lines."),
)


_COLLECT = (50_000, 20, 100)
"""How often the cyclic collector looks while steps run: they may take days, and they may be ten thousand small ones."""


def apply_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that apply and destroy share."""
    return with_options(command, _APPLY_OPTIONS)


@click.command()
@project_options
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False), metavar="[PLAN]")
@asking_options
@plea_options
@apply_options
def apply(context: Context, file: Path | None, asked: Asked, plea: Plea, **flags: Any) -> int:
    """Do what a plan says.

    With PLAN, a file saved by "ordain plan --out", exactly that plan is applied without asking, and refused (exit 10)
    where what it read has moved. Without, Ordain plans, shows the plan and asks; only the word yes approves. What
    could not be planned at first (deferred) is planned and shown in further rounds.

    Where the environment asks for approvals, a saved plan goes that has them ("ordain approve"), and no other (exit 5).
    """
    if file is not None and asked.words:
        raise click.UsageError(f"{asked.words[0].split()[0]} belongs to planning; the saved plan has it all.")
    if plea.approvals and file is None:
        raise click.UsageError("--approvals goes with a saved PLAN.")
    return act(context, file, asked.options(), flags, plea)


@click.command()
@project_options
@click.option("--select", multiple=True, metavar="SELECTOR", help="Only this; see ordain plan --help.")
@plea_options
@apply_options
def destroy(context: Context, select: tuple[str, ...], plea: Plea, **flags: Any) -> int:
    """Remove everything Ordain made in an environment; your data stays.

    Shows what goes and asks. Artifacts go when no environment refers to them any more.
    """
    if plea.approvals:
        raise click.UsageError("--approvals goes with a saved plan: ordain plan --destroy --out FILE.")
    return act(context, None, Asked(destroy=True, select=select).options(), flags, plea)


def act(
    context: Context, file: Path | None, options: PlanOptions, flags: dict[str, Any], plea: Plea | None = None
) -> int:
    """Apply a plan of a kind, or a saved one, with this terminal's person beside it; return the exit code."""
    from ordain.session.applying import ApplyOptions, apply_project
    from ordain.session.permission import Plea

    console = Console(
        yes=flags["yes"], as_json=flags["as_json"], destroying=options.destroy, from_file=file is not None
    )
    catch_signals(console.stop)
    chosen = ApplyOptions(
        plan_file=file,
        plan=options,
        plea=plea or Plea(),
        fail_fast=flags["fail_fast"],
        parallelism=flags["parallelism"],
    )
    return apply_project(context, chosen, console)


class Console:
    """What an apply says and asks on this terminal."""

    def __init__(self, *, yes: bool, as_json: bool, destroying: bool, from_file: bool) -> None:
        self.yes = yes
        self.as_json = as_json
        self.destroying = destroying
        self.from_file = from_file
        self.stop = threading.Event()
        self.events: list[Event] = []
        self.progress: Progress | None = None

    def show_plan(self, plan: Plan) -> None:
        """Show the plan that is about to be applied, on standard error where JSON is asked for."""
        if self.as_json:
            from ordain.values.codec import dumps

            program = plan.program
            found: dict[str, object] = {"type": "plan", "digest": plan.digest, "summary": program.summary}
            if not program.status.applyable:  # nothing more will come: say why
                errors = [one for one in program.diagnostics if one.is_error]
                found |= {"policy": [one for one in program.policy if one.denies], "diagnostics": errors}
            echo(dumps(found).decode())
        else:
            echo(plan_face(plan, Face()), nl=False)

    def approve(self, plan: Plan) -> bool:
        """Ask, unless ``--yes``; refuse where there is no terminal to ask on."""
        if self.yes:
            return True
        if not sys.stdin.isatty():
            raise OrdainError(
                Diagnostic(
                    code="approval-needed",
                    summary="nobody is here to approve this plan",
                    detail="standard input is not a terminal",
                    fix="approve with --yes, or save the plan with ordain plan --out FILE and apply that file",
                    exit=ExitCode.SPEC,
                )
            )
        verb = "Destroy all of this" if self.destroying else "Apply this plan"
        echo(f"\n{verb} in {plan.program.environment}? Only yes approves: ", err=True, nl=False)
        return sys.stdin.readline().strip() == "yes"

    def hear(self, event: Event) -> None:
        """Print a line for an event."""
        if event.type is EventType.RUN_STARTED and not gc.isenabled():
            gc.freeze()  # the plan stays
            gc.set_threshold(*_COLLECT)
            gc.enable()
        self.events.append(event)
        if self.as_json:
            from ordain.values.codec import dumps

            echo(dumps(event).decode())
            return
        from ordain.render.events import Progress, event_line

        if event.type is EventType.RUN_STARTED:
            self.progress = Progress.of(event)
        line = event_line(event) if self.progress is None else self.progress.line(event)
        if line is not None:
            say(line)

    def problems(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        say_diagnostics(diagnostics, as_json=False)

    def declined(self) -> None:
        say("Not approved; nothing was done.")

    def finished(self, plan: Plan, code: ExitCode) -> None:
        """Print how the round ended, and what came of the plan's prediction where all of it was done."""
        from ordain.render.durations import prediction_text
        from ordain.render.events import run_text

        events, predicted = tuple(self.events), plan.envelope.duration
        self.events.clear()
        seconds = max((event.time for event in events), default=0.0) - min((e.time for e in events), default=0.0)
        if self.as_json:
            from ordain.values.codec import dumps

            found = {"type": "result", "digest": plan.digest, "exit_code": int(code)}
            echo(dumps({**found, "seconds": seconds, "predicted": predicted}).decode())
            return
        echo(run_text(events), nl=False)
        if plan.program.rules and not plan.program.status.complete and code is ExitCode.DONE:
            say("What was deferred can be planned now; that plan needs approvals of its own: ordain plan --out FILE")
        if predicted is not None and code is ExitCode.DONE:
            echo(f"It {prediction_text(predicted, seconds)}.")
        if not plan.program.status.complete and self.from_file and not self.yes:
            echo("What was deferred is left for: ordain apply")


def catch_signals(stop: threading.Event) -> None:
    def caught(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            import os

            os._exit(ExitCode.INTERRUPTED)
        stop.set()
        say("Interrupted: starting nothing more; running steps finish. Once more to leave at once.")

    signal.signal(signal.SIGINT, caught)
    signal.signal(signal.SIGTERM, caught)
