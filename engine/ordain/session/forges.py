"""The forge that this run belongs to: found by the environment variables of its CI, and asked until it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, cast

from ordain.api.forge import CommitStatus, Forge, Pull
from ordain.api.registry import load_object
from ordain.config.report import choose
from ordain.session.context import Context
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError

T = TypeVar("T")


def connect(context: Context, name: str | None) -> Forge | None:
    """Return the repository on the forge of that name, or on whichever the environment variables name; None for none.

    Raises ``OrdainError`` where there is no forge of that name, or the variables name none, or only half of one.
    """
    entries = context.registry.forges
    if name is None:
        found = (_connected(context, entry.target) for _, entry in sorted(entries.items()))
        return next((forge for forge in found if forge is not None), None)
    if name not in entries:
        raise OrdainError(_wrong(f"there is no forge {name!r}", choose(name, entries, "forges")))
    forge = _connected(context, entries[name].target)
    if forge is None:
        raise OrdainError(_wrong(f"the environment variables name no repository of {name}", "run it in its CI"))
    return forge


def _connected(context: Context, target: str) -> Forge | None:
    return cast("type[Forge]", load_object(target)).connect(context.environ)


def _wrong(summary: str, fix: str) -> Diagnostic:
    return Diagnostic(code="forge-unknown", summary=summary, fix=fix, exit=ExitCode.SPEC)


def _faults(error: OrdainError) -> tuple[Diagnostic, ...]:
    """Return what a forge says when it fails; where that is the world's fault it is a failure, however it fails."""
    return tuple(replace(one, exit=ExitCode.FAILURE) if one.blame is Blame.WORLD else one for one in error.diagnostics)


class Line:
    """The line to a forge. Once it fails nothing more is asked: each answer that does not come takes its time.

    ``forge`` is None where there is none; ``problems`` is what the forge said when it failed.
    """

    def __init__(self, forge: Forge | None) -> None:
        self.forge = forge
        self.problems: tuple[Diagnostic, ...] = ()

    @classmethod
    def to(cls, context: Context, name: str | None) -> Line:
        """Connect; a forge that is only half there is one that fails, unless it was asked for by name."""
        try:
            return cls(connect(context, name))
        except OrdainError as error:
            if name is not None:
                raise
            line = cls(None)
            line.problems = _faults(error)
            return line

    def ask(self, call: Callable[[Forge], T]) -> T | None:
        """Return the forge's answer; None where there is no forge, or it fails, or has failed before."""
        if self.forge is None or self.problems:
            return None
        try:
            return call(self.forge)
        except OrdainError as error:
            self.problems = _faults(error)
            return None

    def status(self, status: CommitStatus) -> None:
        """Say something of a commit."""
        self.ask(lambda forge: forge.status(status))

    def pull_of(self, commit: str) -> Pull | None:
        """Return the merged pull request that brought a commit, as far as the forge answers."""
        return self.ask(lambda forge: forge.pull_of(commit))
