"""The policies in force: their tests, what excuses findings of theirs, and the end of an override."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ordain.api.store import PutOverride, RemoveOverrides
from ordain.config.locate import locate
from ordain.policy.excuses import holds
from ordain.policy.testing import run_tests
from ordain.session.context import Context
from ordain.session.loading import load
from ordain.session.naming import hint
from ordain.session.stores import open_state
from ordain.state.host import this_process
from ordain.values.address import Address
from ordain.values.approval import Override
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError
from ordain.values.setting import Level, Policy
from ordain.values.tested import PolicyReport


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The policies of an environment, sorted by address, with the overrides that hold and those that ran out."""

    environment: str
    policies: tuple[Policy, ...]
    overrides: tuple[Override, ...]
    over: tuple[Override, ...]


def run_policy_tests(context: Context, names: Sequence[str]) -> PolicyReport:
    """Run the cases beside the policies (those of ``names``; none: of all); reads nothing but the project's files.

    Raises ``OrdainError`` (exit 6) where the specs are wrong, or there is no such policy.
    """
    desired = load(context, key=None).desired
    known = [policy.address for policy in desired.policies]
    wanted = {_policy(name, known) for name in names} or set(known)
    policies = [policy for policy in desired.policies if policy.address in wanted]
    return run_tests(policies, desired.policy_tests, context.now, locate)


def policies_in_force(context: Context) -> InForce:
    """Return the policies of the chosen environment and what people said of violations there."""
    desired = load(context, key=None).desired
    environment = desired.environment.name
    with open_state(context, create=False) as state:
        recorded = state.recorded(environment).overrides
    now = context.now
    soft = {policy.address for policy in desired.policies if policy.level is Level.SOFT}
    held = tuple(one for one in recorded if one.policy in soft and holds(one.until, now))
    return InForce(
        environment=environment,
        policies=tuple(sorted(desired.policies, key=lambda one: one.address)),
        overrides=held,
        over=tuple(one for one in recorded if one not in held),
    )


def revoke_overrides(context: Context, name: str) -> tuple[str, tuple[Override, ...]]:
    """End the recorded overrides of a policy; return the environment, and those that were ended.

    Of what was signed the end is kept: the statement may still lie beside a plan, and counts no more.
    Raises ``OrdainError``: exit 6 where there is no such policy, or no override of it; 9 where an apply goes on.
    """
    desired = load(context, key=None).desired
    environment = desired.environment.name
    with open_state(context, create=False) as state:
        recorded = state.recorded(environment).overrides
        address = _policy(name, [*(one.policy for one in recorded), *(one.address for one in desired.policies)])
        now = context.now
        if not _of(address, recorded, now):
            raise OrdainError(_none(address, environment))
        me = this_process(run=context.new_id(), actor=context.actor, started=context.clock())
        token = state.acquire(environment, me).token
        try:
            found = _of(address, state.recorded(environment).overrides, now)
            until = now.isoformat(timespec="seconds")
            ended = (PutOverride(override=replace(one, until=until)) for one in found if one.signed)
            state.write(environment, (RemoveOverrides(policy=address), *ended), token)
        finally:
            state.release(environment, token)
    return environment, found


def _of(policy: Address, overrides: Iterable[Override], now: datetime) -> tuple[Override, ...]:
    """Return those of a policy, but what was signed and is over."""
    return tuple(one for one in overrides if one.policy == policy and (not one.signed or holds(one.until, now)))


def _policy(name: str, known: Iterable[Address]) -> Address:
    """Return the policy of a name, or of its address in words; raise ``OrdainError`` where there is none."""
    names = {one.name: one for one in known}
    found = names.get(name.removeprefix("policy."))
    if found is not None:
        return found
    raise OrdainError(
        Diagnostic(
            code="policy-unknown",
            summary=f"there is no policy {name}",
            fix=hint(
                f"policy.{name.removeprefix('policy.')}", names.values(), "see those there are: ordain policy list"
            ),
        )
    )


def _none(policy: Address, environment: str) -> Diagnostic:
    return Diagnostic(
        code="override-none",
        summary=f"nothing of {policy} is overridden in {environment}",
        fix="see what is: ordain policy list",
        exit=ExitCode.SPEC,
    )
