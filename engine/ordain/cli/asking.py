"""The options that say what a plan is to be about, shared by plan and apply."""

from __future__ import annotations

import functools
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ordain.cli.common import with_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ordain.session.planning import PlanOptions

_OPTIONS = (
    click.option(
        "--select",
        multiple=True,
        metavar="SELECTOR",
        help="Only this, with what it rests on: ADDRESS (* and ? too), label:KEY=VALUE, kind:KIND or owner:TEXT; "
        "+x with all x needs, x+ with all that needs x, !x leaves x out. May be repeated.",
    ),
    click.option("--replace", multiple=True, metavar="ADDRESS", help="Make this resource again; may be repeated."),
    click.option("--destroy", is_flag=True, help="Remove everything the environment has."),
    click.option("--refresh-only", is_flag=True, help="Only take in what the world shows; bring nothing about."),
    click.option("--no-refresh", is_flag=True, help="Do not look at the world again where something is recorded."),
    click.option(
        "--policies-from",
        "judges_from",
        metavar="REF",
        help="Judge by policies, roles and signers as they stand at this commit or branch.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks a plan to be about."""

    select: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    destroy: bool = False
    refresh_only: bool = False
    no_refresh: bool = False
    judges_from: str | None = None

    @property
    def plain(self) -> bool:
        """Whether nothing of it is said: the usual, whole plan, judged as the files at hand say."""
        return not self.words and self.judges_from is None

    @property
    def words(self) -> tuple[str, ...]:
        """The options as they are typed."""
        flags = ("destroy", "refresh_only", "no_refresh")
        return (
            *(f"--select {shlex.quote(text)}" for text in self.select),
            *(f"--replace {shlex.quote(text)}" for text in self.replace),
            *(f"--{name.replace('_', '-')}" for name in flags if getattr(self, name)),
        )

    def options(self) -> PlanOptions:
        """Return the same for the session."""
        from ordain.session.planning import PlanOptions

        return PlanOptions(
            destroy=self.destroy,
            replace=self.replace,
            select=self.select,
            refresh_only=self.refresh_only,
            refresh=not self.no_refresh,
            judges_from=self.judges_from,
        )


def asking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as ``asked``. Those that exclude each other are a usage error."""

    @functools.wraps(command)
    def wrapped(
        *,
        select: tuple[str, ...],
        replace: tuple[str, ...],
        destroy: bool,
        refresh_only: bool,
        no_refresh: bool,
        judges_from: str | None,
        **more: Any,
    ) -> Any:
        if judges_from is not None and not judges_from.strip():
            raise click.UsageError("--policies-from takes the name of a commit or branch.")
        if refresh_only and (destroy or replace or no_refresh):
            raise click.UsageError("--refresh-only goes with none of --destroy, --replace and --no-refresh.")
        if destroy and replace:
            raise click.UsageError("--replace has no sense with --destroy.")
        asked = Asked(
            select=select,
            replace=replace,
            destroy=destroy,
            refresh_only=refresh_only,
            no_refresh=no_refresh,
            judges_from=judges_from,
        )
        return command(asked=asked, **more)

    return with_options(wrapped, _OPTIONS)
