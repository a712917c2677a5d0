"""What the commands call: a project planned, explained, drawn; plan files read."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ordain.config.locate import locate
from ordain.plan.finish import exit_of
from ordain.render.terminal import no_changes_text
from ordain.render.view import has_nothing_to_say
from ordain.session import again, cache
from ordain.session.context import Context
from ordain.session.loading import load
from ordain.session.naming import find, hint
from ordain.session.planning import Planned, PlanOptions, make_plan
from ordain.session.stores import open_artifacts, open_state
from ordain.session.variables import given_variables
from ordain.values.address import Address
from ordain.values.change import Action, Change, Effect
from ordain.values.data import Secret, leaves
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError
from ordain.values.plan import Plan


def plan_project_whole(context: Context, options: PlanOptions) -> Planned:
    """Plan, and return the plan with all it was made of."""
    with open_state(context, create=False) as state:
        loaded = load(context, key=state.digest_key())
        return make_plan(context, loaded, (state, open_artifacts(context)), options)


def plan_project(
    context: Context, options: PlanOptions, *, keep: bool, no_ops: bool = False
) -> tuple[Plan, tuple[Change, ...]]:
    """Return the plan, and with ``no_ops`` what it leaves as it is; without ``keep`` what it attached is taken away."""
    planned = plan_project_whole(context, options)
    drop_attachments(context, planned, keep=planned.plan if keep else None)
    if options == PlanOptions():
        remember(context, planned)
    return planned.plan, unchanged(planned) if no_ops else ()


def unchanged(planned: Planned) -> tuple[Change, ...]:
    """Return what a plan leaves as it is, with the fields that differ and are not compared."""
    told = {change.address for change in planned.plan.program.changes}
    return tuple(
        Change(
            address=address,
            kind=resource.kind,
            provider=resource.provider,
            action=Action.NO_OP,
            effect=Effect.NONE,
            fields=planned.draft.suppressed.get(address, ()),
            at=locate(resource.source, ("name",)),
        )
        for address, resource in sorted(planned.draft.resources.items())
        if address not in told
    )


def remember(context: Context, planned: Planned) -> None:
    """Keep a plan without changes for next time; forget what was kept where this one has changes."""
    program, loaded = planned.plan.program, planned.loaded
    if not _lasts(context, planned):
        cache.drop(context)
        return
    targets = {key: entry.target for key, entry in context.registry.providers.items()}
    resources = loaded.desired.resources.values()
    secrets = {
        name for one in resources for _, leaf in leaves(one.spec) if isinstance(leaf, Secret) for name in leaf.names
    }
    names = tuple(sorted(secrets))
    looks = tuple(
        again.CachedLook(
            look=look, target=targets[look.kind, look.provider], seen=again.seen_digest(planned.evidence[address])
        )
        for address, look in sorted(planned.looks.items())
    )
    artifacts = _artifacts(context, planned)
    body = again.spell_body(looks, artifacts, program)
    head = cache.Head(
        around=cache.around(context, given_variables(context), loaded.secrets.key),
        written=time.time_ns(),
        lineage=program.lineage,
        serial=program.serial,
        state=planned.recorded.head.format,
        environment=program.environment,
        files=tuple(cache.cached_file(file.stat, file.data) for file in loaded.files),
        secret_names=names,
        secrets=loaded.secrets.digest(names),
        world=bool(looks or artifacts),
        text=no_changes_text(program) if has_nothing_to_say(program) else None,
        body=cache.content_digest(body),
    )
    cache.save(context, head, body)


def _lasts(context: Context, planned: Planned) -> bool:
    """Say whether a plan is empty, and stays so as long as what an entry of the cache names stays as it is."""
    program = planned.plan.program
    if not program.is_empty or program.settings or program.policy or program.diagnostics or program.drift:
        return False
    rules = " ".join(f"{policy.match} {policy.require}" for policy in planned.loaded.desired.policies)
    reveals = any(leaf.refs for look in planned.looks.values() for _, leaf in leaves(look.spec))
    if reveals or re.search(r"\bnow\b", rules):
        return False
    with open_state(context, create=False) as state:
        # A run that goes on, or was cut off, may yet change what is recorded under the serial that was read.
        return bool(program.lineage) and not planned.recorded.interrupted and not state.holders()


def _artifacts(context: Context, planned: Planned) -> Mapping[str, bool]:
    """Return which artifacts that are recorded the store has: what is lost is made again."""
    if not planned.recorded.versions:
        return {}
    store = open_artifacts(context)
    with open_state(context, create=False) as state:
        return {digest: store.has(digest) for digest in sorted(state.referenced_artifacts())}


def drop_attachments(context: Context, planned: Planned, keep: Plan | None = None) -> None:
    """Remove the files that looks put in the artifact store, but what state or the plan to keep refers to."""
    digests = {digest for seen in planned.evidence.values() for digest in seen.attachments.values()}
    drop_files(context, digests - attached(keep) if keep is not None else digests)


def attached(plan: Plan) -> set[str]:
    """Return the digests of the files a plan takes along."""
    return {digest for named in plan.envelope.attachments.values() for digest in named.values()}


def drop_files(context: Context, digests: set[str]) -> None:
    """Remove files from the artifact store, but what state refers to."""
    if not digests:
        return
    artifacts = open_artifacts(context)
    with open_state(context, create=False) as state:
        kept = state.referenced_artifacts()
    for digest in sorted(digests - kept):
        artifacts.delete(digest)


def read_plan_file(path: Path) -> Plan:
    """Return the plan in a file. Raises ``OrdainError``: exit 6 where it is none, 10 where its bytes were changed."""
    from ordain.render.json import read_plan

    return read_plan(_bytes(path))


def show_plan_file(path: Path) -> tuple[Plan, bytes]:
    """Return the plan in a file to look at, of a later minor version too, and the file as it is; raises as above."""
    from ordain.render.json import read_plan

    data = _bytes(path)
    return read_plan(data, to_show=True), data


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OrdainError(
            Diagnostic(
                code="plan-file",
                summary=f"the plan file {path} cannot be read",
                detail=str(error.strerror or error),
                fix="make one with ordain plan --out FILE",
                blame=Blame.WORLD,
                exit=ExitCode.SPEC,
            )
        ) from error


def address_of(text: str, planned: Planned) -> Address:
    """Return the address ``text`` names in a plan; raise ``OrdainError`` with a near match where it names none."""
    known = {*planned.draft.outlooks, *planned.recorded.resources}
    found = find(text, known)
    if found is not None:
        return found
    raise OrdainError(
        Diagnostic(
            code="address-unknown",
            summary=f"there is no {text}",
            fix=hint(text, known, "see the addresses there are: ordain graph"),
            exit=ExitCode.SPEC,
        )
    )


def needs_of(context: Context) -> Mapping[Address, Sequence[Address]]:
    """Return what each desired resource needs."""
    desired = load(context, key=None).desired
    return {address: resource.depends_on for address, resource in desired.resources.items()}


__all__ = [
    "PlanOptions",
    "Planned",
    "address_of",
    "exit_of",
    "needs_of",
    "plan_project",
    "plan_project_whole",
    "read_plan_file",
    "show_plan_file",
]
