"""Takes looks at the world, side by side, and turns whatever goes wrong in one of them into a diagnostic of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ordain.values.address import Address
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError
from ordain.values.look import Evidence, Look

PARALLEL = 8
"""Looks taken at once: they wait for files, sockets and subprocesses more than they compute."""


def take(
    looks: Sequence[Look],
    asker: Callable[[Look], Evidence],
    plugin_of: Callable[[Look], str],
    parallel: int = PARALLEL,
) -> Mapping[Address, Evidence]:
    """Return what each look saw, by address in sorted order, whatever order they ended in.

    A look never fails the others: an ``OrdainError`` becomes the problems of its evidence, any other exception (or an
    answer that is no ``Evidence``) a problem that blames the plugin ``plugin_of`` names, exit 255. Raises
    ``ValueError`` for two looks at one address.
    """
    ordered = sorted(looks, key=lambda look: look.address)
    if len({look.address for look in ordered}) != len(ordered):
        raise ValueError("two looks at one address")

    def one(look: Look) -> Evidence:
        return _ask(look, asker, plugin_of)

    if len(ordered) < 2 or parallel < 2:
        return {look.address: one(look) for look in ordered}
    from concurrent.futures import ThreadPoolExecutor  # not free to import, and few plans without changes need it

    pool = ThreadPoolExecutor(max_workers=min(parallel, len(ordered)), thread_name_prefix="look")
    try:
        return dict(zip((look.address for look in ordered), pool.map(one, ordered), strict=True))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt must not wait for looks that have not begun


def _ask(look: Look, asker: Callable[[Look], Evidence], plugin_of: Callable[[Look], str]) -> Evidence:
    try:
        seen: object = asker(look)
    except OrdainError as error:
        return Evidence(problems=tuple(_addressed(problem, look) for problem in error.diagnostics))
    except Exception as error:
        return Evidence(problems=(_bug(look, f"{type(error).__name__}: {error}", plugin_of(look)),))
    if not isinstance(seen, Evidence):
        return Evidence(problems=(_bug(look, f"it answered with a {type(seen).__name__}", plugin_of(look)),))
    return replace(seen, problems=tuple(_addressed(problem, look) for problem in seen.problems))


def _addressed(problem: Diagnostic, look: Look) -> Diagnostic:
    return problem if problem.address is not None else replace(problem, address=look.address)


def _bug(look: Look, detail: str, plugin: str) -> Diagnostic:
    return Diagnostic(
        code="look-broke",
        summary=f"looking at {look.address} broke in the plugin {plugin}",
        detail=detail,
        fix=f"this is a bug in the plugin {plugin}: report it to its authors",
        blame=Blame.PLUGIN,
        exit=ExitCode.BUG,
        address=look.address,
        plugin=plugin,
    )
