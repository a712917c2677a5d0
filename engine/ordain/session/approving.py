"""Signs a saved plan: whose word, with which key, written beside the plan."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ordain.policy.approvals import approved
from ordain.policy.sshsig import SignatureError, is_encrypted, sign
from ordain.policy.statements import block, statement_text
from ordain.session.context import Context
from ordain.session.files import write_file
from ordain.session.git import git
from ordain.session.permission import (
    WEEK,
    folder_of,
    override_too_long,
    policy_named,
    read_approvals,
    violations_of,
    with_authors,
)
from ordain.session.session import read_plan_file
from ordain.values.approval import LONGEST_OVERRIDE, NAMESPACE, PERSON, Approval, Approved, Override, Statement
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError
from ordain.values.plan import Plan

_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
_PUBLIC = re.compile(rb"(ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+ ")
Ask = Callable[[Path], str | None]
"""Asks for the passphrase of a key; None where nobody is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approving:
    """Who signs, with which key (None: the usual one), which soft policies are overridden, why, for how long."""

    person: str
    key: Path | None = None
    overrides: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = WEEK


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """An approval that was written, and how far the plan is approved with it; ``block`` is it as a comment's text."""

    plan: Plan
    path: Path
    approved: Approved
    block: str


def statement_of(context: Context, file: Path, asked: Approving) -> str:
    """Return what would be signed, for whoever signs with a tool of their own."""
    return _statement(context, read_plan_file(file), asked)


def approve_plan(context: Context, file: Path, asked: Approving, ask: Ask) -> Signed:
    """Sign a saved plan and write the approval beside it.

    Raises ``OrdainError``: nothing to approve (exit 6), a key that cannot sign (exit 6), an approval that would not
    count (exit 3); nothing is written then.
    """
    plan = read_plan_file(file)
    if not plan.program.rules:
        raise OrdainError(_not_asked(plan))
    text = _statement(context, plan, asked)
    mine = Approval(text=text, signature=_signature(context, text, asked.key, ask))
    folder = folder_of(file)
    path = folder / f"{asked.person}.json"
    others = tuple(one for one in read_approvals((folder,)) if one.text != text)
    now = context.now
    whole = with_authors(context, plan, None)
    alone = approved(whole, (mine,), now)
    if mine not in alone.accepted:
        raise OrdainError(_would_not_count(asked.person, plan, alone))
    _keep_overrides(path, whole, now)
    write_file(path, text.encode(), 0o644)
    write_file(path.with_name(f"{path.name}.sig"), mine.signature.encode(), 0o644)
    together = approved(whole, (*(one for one in others if one != mine), mine), now)
    return Signed(plan=plan, path=path, approved=together, block=block(mine))


def _keep_overrides(path: Path, plan: Plan, now: datetime) -> None:
    """Move an approval of an earlier plan out of the way of a new one, where its overrides still hold."""
    signature = path.with_name(f"{path.name}.sig")
    if not (path.is_file() and signature.is_file()):
        return
    earlier = Approval(text=path.read_text("utf-8", "replace"), signature=signature.read_text("utf-8", "replace"))
    found = approved(plan, (earlier,), now)
    if found.overrides and not found.accepted:
        kept = path.with_name(f"{path.stem}.overrides.json")
        path.replace(kept)
        signature.replace(kept.with_name(f"{kept.name}.sig"))


def _statement(context: Context, plan: Plan, asked: Approving) -> str:
    now = context.now
    at = now.isoformat(timespec="seconds")
    if timedelta(seconds=asked.seconds) > LONGEST_OVERRIDE:
        raise OrdainError(override_too_long())
    if not PERSON.fullmatch(asked.person):
        raise OrdainError(_no_person(asked.person))
    policies = sorted({policy_named(text) for text in asked.overrides})
    until = (now + timedelta(seconds=asked.seconds)).isoformat(timespec="seconds")
    return statement_text(
        Statement(
            project=plan.program.project,
            environment=plan.program.environment,
            plan=plan.digest,
            person=asked.person,
            at=at,
            overrides=tuple(
                Override(
                    policy=policy,
                    violations=violations_of(plan, policy),
                    reason=asked.reason,
                    by=asked.person,
                    at=at,
                    until=until,
                )
                for policy in policies
            ),
        )
    )


def _signature(context: Context, text: str, key: Path | None, ask: Ask) -> str:
    path = key or _usual_key(context)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OrdainError(_no_key(f"the key {path} cannot be read", error.strerror or str(error))) from error
    if _PUBLIC.match(data):
        return _by_ssh_keygen(path, text)
    passphrase = None
    if is_encrypted(data):
        passphrase = ask(path)
        if passphrase is None:
            detail = "standard input is no terminal"
            raise OrdainError(_no_key(f"the key {path} has a passphrase, and nobody is here to give it", detail))
    try:
        return sign(text.encode(), data, passphrase.encode() if passphrase is not None else None, NAMESPACE)
    except SignatureError as error:
        raise OrdainError(_no_key(f"the key {path} cannot sign", str(error))) from error


def _usual_key(context: Context) -> Path:
    home = Path(context.environ.get("HOME") or Path.home())
    configured = _git_key(context)
    named = [Path(configured).expanduser()] if configured and not _PUBLIC.match(configured.encode()) else []
    there = [path for path in (*named, *(home / ".ssh" / name for name in _KEYS)) if path.is_file()]
    if not there:
        raise OrdainError(_no_key("there is no SSH key to sign with", f"none of {', '.join(_KEYS)} is in ~/.ssh"))
    return there[0]


def _git_key(context: Context) -> str:
    try:
        return git(context.root, "config", "--default", "", "user.signingkey").decode(errors="replace").strip()
    except OrdainError:  # no git, or no repository that it reads
        return ""


def _by_ssh_keygen(path: Path, text: str) -> str:
    """Sign with a key that is in the agent or on a token: only OpenSSH itself can ask those."""
    command = ["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", str(path)]
    try:
        done = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=False)
    except OSError as error:
        raise OrdainError(_no_key(f"{path} is a public key, and ssh-keygen is not here", str(error))) from error
    if done.returncode:
        raise OrdainError(_no_key(f"ssh-keygen could not sign with {path}", "see what it says above"))
    return done.stdout.decode(errors="replace")


def _no_key(summary: str, detail: str) -> Diagnostic:
    return Diagnostic(
        code="key",
        summary=summary,
        detail=detail,
        fix="name your key with --key FILE: a private SSH key, or the public one of a key in your agent",
        exit=ExitCode.SPEC,
    )


def _no_person(person: str) -> Diagnostic:
    return Diagnostic(
        code="person",
        summary=f"{person!r} is no e-mail address",
        fix="give the address that allowed_signers has, as in --as you@example.com",
        exit=ExitCode.SPEC,
    )


def _not_asked(plan: Plan) -> Diagnostic:
    changes = "" if plan.program.steps else ", and the plan changes nothing"
    return Diagnostic(
        code="approval-not-asked",
        summary=f"{plan.program.environment} asks for no approvals{changes}",
        fix="apply the plan, or ask for them: `approvals: {count: 1}` in the environment's spec",
        exit=ExitCode.SPEC,
    )


def _would_not_count(person: str, plan: Plan, alone: Approved) -> Diagnostic:
    why = "; ".join(dict.fromkeys(one.why for one in alone.refused)) or "nobody asks for it"
    return Diagnostic(
        code="approval-refused",
        summary=f"the approval of {person} would not count in {plan.program.environment}",
        detail=why,
        fix="have somebody else approve it, or see to it that allowed_signers has your key under this address",
        blame=Blame.USER,
        exit=ExitCode.NOT_PERMITTED,
    )
