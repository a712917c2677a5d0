"""Approvals out of a pull request's comments, into the folders beside saved plans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from ordain.policy.approvals import approved
from ordain.policy.statements import blocks, read_statement
from ordain.session.files import write_file
from ordain.session.permission import folder_of
from ordain.values.approval import PERSON, Approval, Statement
from ordain.values.plan import Plan


def gather(plan: Plan, plan_file: Path, bodies: Iterable[str], now: datetime) -> None:
    """Write the approvals in comments that speak of a plan's project and environment beside it, as they were signed.

    What lay there before is removed: a comment that is deleted takes its approval back. Of one person the latest that
    counts is kept (``EMAIL.json``, ``EMAIL.json.sig``), and the latest of an earlier plan whose overrides still do
    (``EMAIL.overrides.json``); what counts for nothing only where nothing else is there, to be told why. So nobody
    takes another's approval away by writing a worse one in their name.
    """
    folder = folder_of(plan_file)
    for path in folder.glob("*.json*"):
        path.unlink()
    if not plan.program.rules:
        return
    kept: dict[str, Approval] = {}
    useless: dict[str, Approval] = {}
    for approval, person in _speaking_of(plan, bodies):
        alone = approved(plan, (approval,), now)
        if approval in alone.accepted:
            kept[f"{person}.json"] = approval
        elif alone.overrides:
            kept[f"{person}.overrides.json"] = approval
        else:
            useless[f"{person}.json"] = approval
    for name, approval in {**useless, **kept}.items():
        write_file(folder / name, approval.text.encode(), 0o644)
        write_file(folder / f"{name}.sig", approval.signature.encode(), 0o644)


def _speaking_of(plan: Plan, bodies: Iterable[str]) -> Iterator[tuple[Approval, str]]:
    for approval in dict.fromkeys(one for body in bodies for one in blocks(body)):
        statement = _statement(approval)
        if statement is None or not PERSON.fullmatch(statement.person):
            continue
        if (statement.project, statement.environment) == (plan.program.project, plan.program.environment):
            yield approval, statement.person.lower()


def _statement(approval: Approval) -> Statement | None:
    try:
        return read_statement(approval.text)
    except ValueError:
        return None
