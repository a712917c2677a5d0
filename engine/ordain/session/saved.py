"""What may be said beside a saved plan (texts of secrets, and no other variable), and whether it is used up."""

from __future__ import annotations

from ordain.api.store import StateReader
from ordain.session.context import Context
from ordain.session.loading import load
from ordain.session.variables import origins
from ordain.values.data import Secret, leaves
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError
from ordain.values.plan import Plan, Program

_TOLD = 20
"""How many things that moved are told one by one."""
DONE = ExitCode.DONE.name.lower()
"""How a run ends that did all of its plan."""


def check_variables(context: Context, key: bytes | None, program: Program) -> None:
    """Raise ``OrdainError`` where variables that are no secrets are set to what the plan was not made with.

    A plan does not keep its variables: whether they are the same shows in what the project comes to with them.
    """
    said = {name: origin for name, origin in origins(context).items() if not origin.startswith("ORDAIN_VAR_")}
    if not said:
        return
    named = {
        name
        for change in program.changes
        for _, leaf in leaves(change.after)
        for name in (leaf.names if isinstance(leaf, Secret) else ())
    }
    open_ones = {name: origin for name, origin in said.items() if f"var.{name}" not in named}
    if not open_ones or any(_desired(context, one) == program.spec_digest for one in (key, None)):
        return
    raise OrdainError(*(_belongs(name, origin) for name, origin in sorted(open_ones.items())))


def _desired(context: Context, key: bytes | None) -> str:
    """Return the digest of what is desired with the variables that are given; "" where the project does not read."""
    try:
        return load(context, key).desired.digest
    except OrdainError:  # a saved plan is also applied where its project is not
        return ""


def _belongs(name: str, origin: str) -> Diagnostic:
    option = origin if origin == "--var" else f"--var-file {origin}"
    return Diagnostic(
        code="plan-variable",
        summary=f"{option} sets {name}: that belongs to planning, and the plan was not made with it",
        detail="a saved plan is applied as it is; only secrets are given to apply, and it names none of this name",
        fix=f"leave {name} out, or plan again with it: ordain plan --var {name}=… --out FILE",
        exit=ExitCode.SPEC,
    )


def ended(store: StateReader, plan: Plan) -> str:
    """Return how the last run of this very plan ended, whatever was applied since: "" where there was none."""
    last = next(iter(store.runs(plan.program.environment, 1, plan.digest)), None)
    return (last.outcome or "it still runs, or was cut off") if last is not None else ""


def check_fresh(store: StateReader, plan: Plan, stale: tuple[Diagnostic, ...]) -> None:
    """Raise ``OrdainError`` (exit 10) where what a plan read has moved, or it was approved for an apply that is done.

    What that made may be gone since, and then nothing that it read is another than it was. ``stale`` is what moved:
    where the plan itself did that, this is what is said; of very much, the first.
    """
    if not plan.program.rules and not stale:
        return
    if ended(store, plan) == DONE:
        raise OrdainError(
            Diagnostic(
                code="plan-stale",
                summary=f"plan {plan.digest.removeprefix('sha256:')[:12]} was applied already",
                detail="approvals are good for one apply" if plan.program.rules else "what it was to do is done",
                fix="plan again: ordain plan --out FILE",
                blame=Blame.WORLD,
                exit=ExitCode.STALE,
            )
        )
    if stale:
        raise OrdainError(*stale[:_TOLD], *(_more(len(stale) - _TOLD) if len(stale) > _TOLD else ()))


def _more(count: int) -> tuple[Diagnostic]:
    return (
        Diagnostic(
            code="plan-stale",
            summary=f"{count:,} more moved since the plan was made",
            fix="plan again: ordain plan --out FILE",
            blame=Blame.WORLD,
            exit=ExitCode.STALE,
        ),
    )
