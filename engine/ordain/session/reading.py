"""Reads what is recorded, for the commands that show it."""

from __future__ import annotations

from ordain.api.store import RunRecord
from ordain.session.context import Context
from ordain.session.naming import find, hint
from ordain.session.stores import open_state
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError
from ordain.values.record import Recorded, ResourceRecord, VersionRecord


def read_resources(context: Context) -> Recorded:
    """Return what the chosen environment has recorded."""
    with open_state(context, create=False) as state:
        return state.recorded(_chosen_environment(context, state.environments()))


def read_runs(context: Context, limit: int) -> tuple[str, tuple[RunRecord, ...]]:
    """Return the chosen environment and its newest runs, newest first."""
    with open_state(context, create=False) as state:
        asked = context.choice.environment
        # After a destroy only the runs are left of an environment: they can be read though its specs may be gone.
        known = (asked,) if asked is not None and state.runs(asked, 1) else ()
        environment = _chosen_environment(context, (*known, *state.environments()))
        return environment, state.runs(environment, limit)


def read_resource(context: Context, text: str) -> tuple[ResourceRecord, tuple[VersionRecord, ...]]:
    """Return one recorded resource and its versions; raise ``OrdainError`` where there is none."""
    recorded = read_resources(context)
    address = find(text, recorded.resources)
    if address is None:
        raise OrdainError(
            Diagnostic(
                code="not-recorded",
                summary=f"{text} is not recorded in {recorded.environment}",
                fix=hint(text, recorded.resources, "see what there is: ordain state list"),
                exit=ExitCode.SPEC,
            )
        )
    return recorded.resources[address], recorded.versions.get(address, ())


def _chosen_environment(context: Context, recorded: tuple[str, ...]) -> str:
    """Return the environment that is asked for: one that has something recorded, or one that the specs know."""
    if context.choice.environment in recorded:
        return context.choice.environment
    from ordain.session.loading import load

    return load(context, key=None).desired.environment.name
