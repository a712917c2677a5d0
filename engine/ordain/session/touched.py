"""Which environments a change touches: the project where the change began, beside the work tree."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ordain.config.files import PROJECT_FILE
from ordain.session import git
from ordain.session.context import HOME, Context
from ordain.session.loading import load
from ordain.session.past import Past, environments_of, is_read, project_at
from ordain.values.diagnostic import OrdainError
from ordain.values.resource import Desired


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """The environments that a change touches and those it does not, each in promotion order.

    ``gone`` are those it takes away: what they have stays, and no plan speaks of it any more. ``files`` are changed
    files beside the specs, relative to the project: code, data, modules; any of them touches all environments.
    """

    environments: tuple[str, ...]
    untouched: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def touched(context: Context, ref: str, besides: Iterable[Path] = ()) -> Touched:
    """Return what differs between the commit at which HEAD left ``ref`` and the work tree.

    An environment is touched where what it asks for is no longer the same (the same written otherwise is), where it
    does not read well on either side, and where it is new. ``besides`` are folders that do not count: our own output.
    A project that is gone takes all of its environments away.
    Raises ``OrdainError`` (exit 6) where there is no git, no such ref, or the clone is too shallow.
    """
    base = git.merge_base(context.root, ref)
    files = _changed_files(context.root, base, tuple(besides))
    with project_at(context, base) as past:
        before = environments_of(past.folder) if past.is_project else {}
        is_gone = past.is_project and not (context.root / PROJECT_FILE).exists()
        now = {} if is_gone else environments_of(context.root)
        order = in_promotion_order(now)
        gone = tuple(sorted(set(before) - set(now)))
        found = tuple(name for name in order if files or name not in before or _differs(context, past, name))
    untouched = tuple(name for name in order if name not in found)
    return Touched(environments=found, untouched=untouched, gone=gone, files=files)


def in_promotion_order(environments: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the names: what others promote from first, otherwise by name. A circle ends where it closes."""
    order: dict[str, None] = {}

    def add(name: str, seen: frozenset[str]) -> None:
        source = environments[name]
        if source in environments and source not in seen and source is not None:
            add(source, seen | {name})
        order.setdefault(name)

    for name in sorted(environments):
        add(name, frozenset())
    return tuple(order)


def _differs(context: Context, past: Past, environment: str) -> bool:
    try:
        there = past.load(environment)
        here = load(replace(context, choice=replace(context.choice, environment=environment)), None).desired
    except OrdainError:
        return True
    return _meaning(there) != _meaning(here)


def _meaning(desired: Desired) -> tuple[object, ...]:
    """Return what a plan rests on; the digest has resources and settings, so policies and who must approve."""
    moves = [(one.source, one.target) for one in desired.moves]
    imports = [(one.target, one.id) for one in desired.imports]
    removals = [(one.address, one.destroy) for one in desired.removals]
    return desired.project.name, desired.digest, desired.approvals, moves, imports, removals


def _changed_files(root: Path, base: str, besides: tuple[Path, ...]) -> tuple[str, ...]:
    """Return the files that differ from a commit, or are new, and are none of the specs."""
    words = ("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--relative", base, "--", ".")
    found = {*git.lines(git.git(root, *words))}
    found |= {*git.lines(git.git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", "."))}
    ours = tuple(f"{os.path.relpath(one.resolve(), root)}{os.sep}" for one in besides)
    found -= {HOME}  # a link, where the state is kept elsewhere
    return tuple(sorted(one for one in found if not is_read(one) and not one.startswith((*ours, f"{HOME}/"))))
