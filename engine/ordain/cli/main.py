"""The entry point. Commands are imported when they are called, so that ``ordain --help`` stays fast."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence

import click

from ordain import __version__
from ordain.cli.common import echo
from ordain.values.diagnostic import ExitCode, OrdainError

COMMANDS = {
    "init": ("ordain.cli.project:init", "Start a project in this folder."),
    "validate": ("ordain.cli.planning:validate", "Check the specs; look at nothing else."),
    "fmt": ("ordain.cli.formatting:fmt", "Lay out the files all alike."),
    "plan": ("ordain.cli.planning:plan", "Show what would change, and why."),
    "show": ("ordain.cli.planning:show", "Show a saved plan, or what is recorded."),
    "why": ("ordain.cli.planning:why", "Explain what the plan does to one resource, down to the root."),
    "apply": ("ordain.cli.applying:apply", "Do what a plan says."),
    "approve": ("ordain.cli.approve:approve", "Sign a saved plan, where approvals are asked for."),
    "rollback": ("ordain.cli.rollback:rollback", "Go back to an earlier version of a model."),
    "destroy": ("ordain.cli.applying:destroy", "Remove everything an environment has."),
    "policy": ("ordain.cli.policy:policy", "Test policies, list those in force, end an override."),
    "ci": ("ordain.cli.ci:ci", "Plan what a pull request touches, and tell it; after the merge, apply it."),
    "state": ("ordain.cli.state:state", "Read what is recorded."),
    "history": ("ordain.cli.history:history", "List past applies: when, who, how long, as predicted or not."),
    "graph": ("ordain.cli.planning:graph", "Print the graph of resources."),
    "schema": ("ordain.cli.project:schema", "Print or write the JSON Schemas."),
    "plugins": ("ordain.cli.project:plugins", "List plugins, kinds and providers."),
}


class Commands(click.Group):
    """A group that knows its commands by name and imports them on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else " See ordain --help."
            raise click.UsageError(f"There is no command {args[0]}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 2 changes (--detailed-exitcode), 4 a step failed, 5 denied, 6 spec or usage, "
    "7 a gate or contract failed, 8 interrupted, 9 locked or timed out, 10 stale plan, 255 a bug.",
)
@click.version_option(__version__, "-V", "--version", prog_name="ordain", message="%(prog)s %(version)s")
def ordain() -> None:
    """Plan and apply machine learning: desired state in YAML, plans with reasons out."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with one of the codes of ``ExitCode``."""
    # A command builds values that live as long as it does; looking through them for cycles again and again would take
    # a sixth of its time. What runs for long (an apply's steps) turns the collector on again.
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a character the locale lacks stops nothing
    code = run(sys.argv[1:] if arguments is None else list(arguments))
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(int(code))


def run(arguments: list[str]) -> int:
    """Run the command line; return the exit code instead of exiting."""
    try:
        outcome = ordain.main(arguments, prog_name="ordain", standalone_mode=False)
    except OrdainError as error:
        from ordain.cli.common import say_diagnostics

        say_diagnostics(error.diagnostics, as_json="--json" in arguments)
        return error.exit
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        echo(error.format_message(), err=True)
        return ExitCode.SPEC
    except click.UsageError as error:
        echo(f"error: {error.format_message()}", err=True)
        if error.ctx is not None:
            echo(f"  see {error.ctx.command_path} --help", err=True)
        return ExitCode.SPEC
    except click.ClickException as error:
        echo(f"error: {error.format_message()}", err=True)
        return ExitCode.FAILURE
    except (KeyboardInterrupt, click.Abort):
        echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # of click's own words: --help
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        echo(f"error: {where}{error.strerror or error}", err=True)
        echo("  what was recorded is kept; make room or give access, then run the command again", err=True)
        return ExitCode.FAILURE
    except Exception as error:
        return _bug(error)
    return outcome if isinstance(outcome, int) else ExitCode.DONE


def _bug(error: Exception) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="ordain-bug-", suffix=".txt", delete=False) as file:
        traceback.print_exception(error, file=file)
    echo(f"error: this is a bug in Ordain: {type(error).__name__}: {error}", err=True)
    echo(f"  nothing recorded is lost; please report it with {file.name}", err=True)
    return ExitCode.BUG


if __name__ == "__main__":
    main()
