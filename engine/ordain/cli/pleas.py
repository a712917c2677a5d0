"""The options with which a plan is applied that would not be: overrides, approvals, a broken glass."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ordain.cli.common import with_options

if TYPE_CHECKING:
    from collections.abc import Callable


class _Duration(click.ParamType[float]):
    """``30m``, ``2h``, ``7d`` as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        from ordain.api.quantities import seconds

        try:
            return seconds(value)
        except ValueError as error:
            self.fail(f"{value!r} is none; {error}", param, ctx)


_OVERRIDE = (
    click.option(
        "--override", "overrides", multiple=True, metavar="POLICY", help="Bear with what a soft policy finds."
    ),
    click.option("--reason", metavar="TEXT", help="Why; it is recorded, and shown by later plans."),
    click.option(
        "--for", "seconds", type=_Duration(), default="7d", show_default=True, help="How long an override holds."
    ),
)
_OPTIONS = (
    *_OVERRIDE,
    click.option("--break-glass", is_flag=True, help="Go without the approvals asked for; later plans tell of it."),
    click.option(
        "--approvals",
        multiple=True,
        metavar="DIR",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        help="A folder of approvals, beside PLAN.approvals/; may be repeated.",
    ),
)


def override_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which soft policies are overridden, why, and for how long."""
    return with_options(command, _OVERRIDE)


def plea_reason(overrides: tuple[str, ...], reason: str | None, *, break_glass: bool = False) -> str:
    """Return the reason; a usage error where one is asked for and is not given, or has nothing to be for."""
    text = " ".join((reason or "").split())
    if (overrides or break_glass) and not text:
        raise click.UsageError(f"Say why with --reason TEXT: {'--override' if overrides else '--break-glass'} asks it.")
    if text and not (overrides or break_glass):
        raise click.UsageError("--reason goes with --override or --break-glass.")
    return text


def plea_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as ``plea``."""

    @functools.wraps(command)
    def wrapped(
        *,
        overrides: tuple[str, ...],
        reason: str | None,
        seconds: float,
        break_glass: bool,
        approvals: tuple[Path, ...],
        **more: Any,
    ) -> Any:
        from ordain.session.permission import Plea

        why = plea_reason(overrides, reason, break_glass=break_glass)
        plea = Plea(overrides=overrides, reason=why, seconds=seconds, approvals=approvals, break_glass=break_glass)
        return command(plea=plea, **more)

    return with_options(wrapped, _OPTIONS)
