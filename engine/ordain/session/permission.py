"""May this plan be applied: policies and overrides as they stand now, approvals, or a broken glass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from ordain.plan.estimates import forecast
from ordain.policy.recorded import recorded_rule
from ordain.session.context import Context
from ordain.session.loading import load
from ordain.session.planning import Planned, PlanOptions, make_plan
from ordain.session.stores import open_artifacts, open_state
from ordain.session.timing import judged_again
from ordain.values.address import Address
from ordain.values.approval import LONGEST_OVERRIDE, Approval, Approved, Override, usable
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError, Severity
from ordain.values.plan import Finding, Plan, Program
from ordain.values.record import Outcome, Recorded
from ordain.values.setting import Level

WEEK = 7 * 86_400.0
_LARGEST = 1 << 20
"""Bytes of an approval that are read: what is cut off there counts for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plea:
    """What a person brings to have a plan applied that would not be: policies to override, why, for how many seconds,
    folders of approvals beside the plan's own, or the word to go without any. Authors are of the commits since
    ``judges_from``."""

    overrides: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = WEEK
    approvals: tuple[Path, ...] = ()
    break_glass: bool = False
    judges_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """A plan as it is judged now, how far it is approved, and the overrides that count.

    ``plan`` is for showing and deciding: what is executed is the one that was approved. ``new`` are overrides to be
    recorded; ``broken`` is why it goes without approvals.
    """

    plan: Plan
    approved: Approved
    overrides: tuple[Override, ...] = ()
    new: tuple[Override, ...] = ()
    broken: str = ""


def permission(
    context: Context, plan: Plan, recorded: Recorded, plea: Plea, approvals: tuple[Approval, ...] | None
) -> Leave:
    """Judge a plan now: with the overrides that are recorded, signed, or brought along.

    ``approvals`` is None for a plan that was not saved: nobody can have approved it. Authors are those that the plan
    names and those that git names now: nothing signed says who they are. Raises ``OrdainError`` where a plea cannot be
    granted.
    """
    now = context.now
    rules = plan.program.rules
    plan = _foreseen(plan, recorded)
    if plan.program.steps and plan.program.approvals_before != recorded_rule(recorded.settings, recorded.environment):
        raise OrdainError(_other_judges(plan))
    found = _approved(with_authors(context, plan, plea.judges_from), approvals or (), now) if rules else Approved()
    found = replace(found, overrides=_not_replaced(found.overrides, recorded.overrides))
    if plea.break_glass:
        _check_glass(plan, plea)
    known = (*usable(recorded.overrides, signed=bool(rules)), *found.overrides)
    standing = judged_again(plan, context.clock(), known)
    own = _own(standing, plea, context.actor, now) if plea.overrides else ()
    if own and rules and not plea.break_glass:
        raise OrdainError(_to_be_signed(plan, own))
    return Leave(
        plan=judged_again(plan, context.clock(), (*known, *own)) if own else standing,
        approved=found,
        overrides=(*known, *own),
        # What goes through a broken glass goes once.
        new=tuple(one for one in (found.overrides if rules else own) if one not in recorded.overrides),
        broken=plea.reason if plea.break_glass and rules and (found.missing or not approvals or own) else "",
    )


def _foreseen(plan: Plan, recorded: Recorded) -> Plan:
    """Return a plan whose rules about time are told how long it takes by the runs that are recorded.

    What a saved plan says of that is under no digest: whoever edits it voids no approval.
    """
    if not plan.program.timed:
        return plan
    found = forecast(plan.program.steps, plan.program.changes, recorded)
    estimates = {str(address): one for address, one in found.changes.items()}
    return replace(plan, envelope=replace(plan.envelope, estimates=estimates, duration=found.plan))


def _not_replaced(signed: tuple[Override, ...], recorded: tuple[Override, ...]) -> tuple[Override, ...]:
    """Return the overrides that no later word of the same person replaced, and nobody revoked since."""
    last = {(one.policy, one.by.casefold()): one for one in recorded if one.signed}

    def counts(one: Override) -> bool:
        known = last.get((one.policy, one.by.casefold()))
        return known in (None, one) or datetime.fromisoformat(known.at) < datetime.fromisoformat(one.at)

    return tuple(one for one in signed if counts(one))


def with_authors(context: Context, plan: Plan, ref: str | None) -> Plan:
    """Return a plan with those among its authors whom git names: of the commits since ``ref``, or of the last one."""
    if not any(rule.not_author for rule in plan.program.rules):
        return plan
    from ordain.session.judges import authors

    wrote = sorted({*plan.envelope.authors, *authors(context, ref)})
    return replace(plan, envelope=replace(plan.envelope, authors=tuple(wrote)))


def _approved(plan: Plan, approvals: tuple[Approval, ...], now: datetime) -> Approved:
    from ordain.policy.approvals import approved  # brings cryptography: not free to import

    return approved(plan, approvals, now)


def as_approved(
    context: Context, plan: Plan, file: Path, judges_from: str | None = None
) -> tuple[Plan, Approved | None]:
    """Return a saved plan with the overrides that lie signed beside it, and how far it is approved, to be shown.

    None where nobody is asked. Authors are of the commits since ``judges_from``.
    """
    if not plan.program.rules:
        return plan, None
    whole = with_authors(context, plan, judges_from)
    found = _approved(whole, read_approvals((folder_of(file),)), context.now)
    return judged_again(plan, context.clock(), found.overrides) if found.overrides else plan, found


def check_approved(leave: Leave, file: Path | None) -> None:
    """Raise ``OrdainError`` (exit 5) where approvals are missing and nobody broke the glass."""
    program = leave.plan.program
    if not program.rules or leave.broken or (file is not None and not leave.approved.missing):
        return
    refused = tuple(f"{one.person} does not count: {one.why}" for one in leave.approved.refused)
    if file is None:
        fix = "make the plan with --out FILE, have FILE approved, then apply it: ordain apply FILE"
    else:
        fix = f"ordain approve {file} --as YOUR-EMAIL"
    raise OrdainError(
        Diagnostic(
            code="approval-missing",
            summary=f"nothing was applied: {program.environment} asks for approval of the plan",
            detail="\n".join((f"still needed: {'; '.join(leave.approved.missing)}", *refused))
            if file is not None
            else "a plan that was not saved cannot have been approved",
            fix=fix,
            blame=Blame.USER,
            exit=ExitCode.DENIED,
        )
    )


def _other_judges(plan: Plan) -> Diagnostic:
    return Diagnostic(
        code="plan-stale",
        summary=f"what {plan.program.environment} asks for before an apply is not what it was when the plan was made",
        detail="another apply changed its approvals, roles or signers",
        fix="plan again: ordain plan",
        blame=Blame.WORLD,
        exit=ExitCode.STALE,
    )


def _check_glass(plan: Plan, plea: Plea) -> None:
    forbidden = [one for one in plan.program.rules if not one.break_glass]
    if forbidden:
        raise OrdainError(
            Diagnostic(
                code="break-glass-forbidden",
                summary=f"{plan.program.environment} does not allow to break the glass",
                detail="its approvals have break_glass: false",
                fix="have the plan approved: ordain approve PLAN --as YOUR-EMAIL",
                exit=ExitCode.NOT_PERMITTED,
            )
        )
    assert plea.reason


def broken_glass(actor: str, leave: Leave) -> Diagnostic:
    """Return what is said loudly when a plan is applied without its approvals."""
    unsigned = (f"a signed override of {one.policy}" for one in leave.overrides if not one.signed)
    lacking = (*leave.approved.missing, *unsigned)
    return Diagnostic(
        code="break-glass",
        severity=Severity.WARNING,
        summary=f"{actor} breaks the glass: {leave.plan.program.environment} changes without the approvals it asks for",
        detail=f"{leave.broken}\nnot there: {'; '.join(lacking) or 'all of them'}",
        fix="it is recorded (ordain history), and every plan says so until an approved one was applied",
    )


def check_judges(context: Context, saved: Plan, options: PlanOptions) -> Plan:
    """Return the saved plan made again, judged as at a commit; raise ``OrdainError`` (exit 10) where that is another.

    A plan made from other files, or by weaker judges, has another digest. What was applied elsewhere meanwhile is no
    reason: only that moves the state's serial, and the plan is made again as of the one it had. What stands around the
    program, under no signature, is that of the plan made now: the files of a saved one might be anything.
    """
    from ordain.session.session import drop_attachments

    program = saved.program
    asked = replace(
        options,
        destroy=program.mode == "destroy",
        refresh_only=program.mode == "refresh-only",
        select=program.selection,
    )
    planned = _planned_as_of(context, program, asked)
    same = planned.plan.digest == saved.digest
    drop_attachments(context, planned, keep=planned.plan if same else saved)
    if same:
        return planned.plan
    raise OrdainError(
        Diagnostic(
            code="plan-other",
            summary="the saved plan is not what these files ask for now",
            detail=f"planned again, judged as at {options.judges_from}, it is another plan: the files, the state or "
            "the world moved since it was saved (another merge may have come between), or other rules made it",
            fix="plan again, and have that plan approved",
            exit=ExitCode.STALE,
        )
    )


def _planned_as_of(context: Context, program: Program, options: PlanOptions) -> Planned:
    """Plan with the lineage and the serial that another plan had: they are in the digest, and in each step's key."""
    asked = replace(options, as_of=(program.lineage, program.serial))
    with open_state(context, create=False) as state:
        # Before there is a state there is no key for the digests of secrets.
        loaded = load(context, key=state.digest_key() if program.lineage else None)
        return make_plan(context, loaded, (state, open_artifacts(context)), asked)


def _own(plan: Plan, plea: Plea, actor: str, now: datetime) -> tuple[Override, ...]:
    """Return the overrides that a person asks for, of all that the policies find now; raise where there is no sense."""
    if timedelta(seconds=plea.seconds) > LONGEST_OVERRIDE:
        raise OrdainError(override_too_long())
    if not plan.program.steps:  # it would be shown, and kept by nothing
        raise OrdainError(_nothing(", ".join(plea.overrides), "the plan changes nothing: an apply would keep it"))
    until = (now + timedelta(seconds=plea.seconds)).isoformat(timespec="seconds")
    at = now.isoformat(timespec="seconds")
    return tuple(
        Override(
            policy=policy,
            violations=violations_of(plan, policy),
            reason=plea.reason,
            by=actor,
            at=at,
            until=until,
        )
        for policy in sorted({policy_named(text) for text in plea.overrides})
    )


def policy_named(text: str) -> Address:
    """Return the policy that ``text`` names, with or without its kind; raise ``OrdainError`` where it names none."""
    try:
        return Address.parse(text if "." in text else f"policy.{text}")
    except ValueError as error:
        raise OrdainError(_nothing(text, str(error))) from error


def violations_of(plan: Plan, policy: Address) -> tuple[str, ...]:
    """Return what a soft policy finds in a plan, what it may yet find at a gate included.

    Raises ``OrdainError``: it finds nothing, or is not soft.
    """
    found = [one for one in plan.program.policy if one.policy == policy and one.outcome is not Outcome.PASS]
    if not found:
        denying = sorted({str(one.policy) for one in plan.program.policy if one.denies})
        there = f"it is denied by {', '.join(denying)}" if denying else "no policy denies it"
        raise OrdainError(_nothing(str(policy), there))
    hard = next((one for one in found if one.level is not Level.SOFT), None)
    if hard is not None:
        raise OrdainError(_not_soft(hard))
    return tuple(sorted({one.violation for one in found}))


def _nothing(policy: str, detail: str) -> Diagnostic:
    return Diagnostic(
        code="override-nothing",
        summary=f"there is nothing of {policy} to override in this plan",
        detail=detail,
        fix="name a policy that the plan shows as soft: ordain plan",
        exit=ExitCode.SPEC,
    )


def _not_soft(finding: Finding) -> Diagnostic:
    owner = f", or ask its owner, {finding.owner}" if finding.owner else ""
    return Diagnostic(
        code="override-level",
        summary=f"{finding.policy} cannot be overridden: it is {finding.level}",
        detail="only soft policies can",
        fix=f"{finding.remedy or 'change what it is about'}{owner}",
        at=finding.at,
        exit=ExitCode.NOT_PERMITTED,
    )


def override_too_long() -> Diagnostic:
    return Diagnostic(
        code="override-long",
        summary=f"an override holds for {LONGEST_OVERRIDE.days} days at most",
        fix="give a shorter time with --for, or write an exception into the policy",
        exit=ExitCode.SPEC,
    )


def _to_be_signed(plan: Plan, own: tuple[Override, ...]) -> Diagnostic:
    names = " ".join(f"--override {one.policy.name}" for one in own)
    return Diagnostic(
        code="override-unsigned",
        summary=f"in {plan.program.environment} an override is signed, as approvals are",
        fix=f"ordain approve PLAN --as YOUR-EMAIL {names} --reason TEXT",
        exit=ExitCode.DENIED,
    )


def folder_of(plan_file: Path) -> Path:
    """Return the folder of the approvals of a saved plan: beside it."""
    return plan_file.with_name(f"{plan_file.name}.approvals")


def read_approvals(folders: Iterable[Path]) -> tuple[Approval, ...]:
    """Return the approvals in folders, sorted by name: ``EMAIL.json`` as signed and ``EMAIL.json.sig``.

    A statement without a signature is no approval. Raises ``OrdainError`` where a file cannot be read.
    """
    found: list[Approval] = []
    for folder in dict.fromkeys(folders):
        for path in sorted(folder.glob("*.json")):
            signature = path.with_name(f"{path.name}.sig")
            if path.is_file() and signature.is_file():
                found.append(Approval(text=_read(path), signature=_read(signature)))
    return tuple(found)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode(errors="replace")
    except OSError as error:
        raise OrdainError(
            Diagnostic(
                code="approval-file",
                summary=f"the approval {path} cannot be read",
                detail=error.strerror or str(error),
                fix="make it readable, or remove it",
                blame=Blame.WORLD,
                exit=ExitCode.FAILURE,
            )
        ) from error


__all__ = [
    "Leave",
    "Plea",
    "check_approved",
    "folder_of",
    "permission",
    "read_approvals",
    "violations_of",
]
