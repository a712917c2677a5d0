"""Why a change is made, and which of its fields differ, each in one line."""

from __future__ import annotations

from ordain.render.words import clean, field_name, pair_text
from ordain.values.address import Address
from ordain.values.change import TRAINS, Action, Branch, Cause, CauseCode, Change, Effect, FieldChange
from ordain.values.data import Path
from ordain.values.plan import Program


def roots(change: Change) -> tuple[Cause, ...]:
    """Return the causes that are no mere links of the chain; all of them where there are only links.

    Another name stands last where more than that happens: it alone never makes anything again.
    """
    found = [cause for cause in change.causes if cause.code is not CauseCode.UPSTREAM]
    if change.effect is not Effect.MOVE:
        found.sort(key=lambda cause: cause.code is CauseCode.MOVED)
    return tuple(found) or change.causes


def cause_text(cause: Cause, own: Address, limit: int = 60) -> str:
    """Say a cause in one line, with the address it lies at where that is not ``own``."""
    text = bare_text(cause, limit)
    if cause.address == own or str(cause.address) in text:
        return text
    return f"{cause.address}: {text}"


def bare_text(cause: Cause, limit: int = 60) -> str:
    """Say a cause in one line, without the address it lies at."""
    text = clean(cause.detail)
    if cause.code is CauseCode.SPEC and cause.path:
        moved = f"{field_name(cause.path)}: {pair_text(cause.before, cause.after, limit)}"
        return f"{moved} ({text})" if text else moved
    if cause.code is CauseCode.NEW:
        return "new"
    return text or _PLAIN.get(cause.code, cause.code.value)


_PLAIN = {
    CauseCode.REMOVED: "no longer in the project",
    CauseCode.MOVED: "moved",
    CauseCode.IMPORTED: "imported",
    CauseCode.TRIGGER: "lifecycle.replace_when",
    CauseCode.LOST: "what was made is no longer there",
    CauseCode.FAILED: "its last step failed half way",
    CauseCode.REQUESTED: "asked for",
}
"""What is said of a cause without a detail."""


def headline_cause(change: Change) -> str:
    """Say the root cause in one line, in full for what trains."""
    if change.action is Action.NO_OP and change.notes:
        return clean(change.notes[0])
    if change.effect is Effect.MOVE and change.previous_address is not None:
        return f"moved from {change.previous_address}"
    if change.effect is Effect.IMPORT and change.importing:
        return f"imports {import_text(change)}"
    root = next(iter(roots(change)), None)
    if root is None:
        return ""
    return cause_text(root, change.address) if change.effect in TRAINS else short_cause(change, root)


def import_text(change: Change) -> str:
    """Return the ids under which the world has it already."""
    return clean(", ".join(change.importing))


def short_cause(change: Change, cause: Cause) -> str:
    """Say a cause in one line; a long one that another line of the plan tells is only pointed to."""
    text = cause_text(cause, change.address)
    if len(text) > 60 and cause.address != change.address:
        links = (c.detail for c in change.causes if c.code is CauseCode.UPSTREAM and c.address == cause.address)
        return clean(next(links, text))
    return text


def loses_protection(change: Change) -> bool:
    """Whether the change takes ``lifecycle.protect`` away."""
    return any(cause.path == ("lifecycle", "protect") and cause.before is True for cause in change.causes)


def untold_fields(change: Change) -> tuple[FieldChange, ...]:
    """Return the fields that the causes do not already tell; of a new or deleted resource none (they are its spec)."""
    if change.action in (Action.CREATE, Action.DELETE, Action.FORGET):
        return ()
    told = {_bare(c.path) for c in change.causes if c.address == change.address and c.code is CauseCode.SPEC}
    return tuple(field for field in change.fields if field.suppressed or _bare(field.path) not in told)


def _bare(path: Path) -> Path:
    return path[1:] if path[:1] == ("spec",) else path


def field_text(field: FieldChange, limit: int = 60) -> str:
    """Spell what becomes of a field: ``before → after``."""
    if field.unknown:
        return f"{pair_text(field.before, None, limit).split(' → ')[0]} → (known after apply)"
    if field.sensitive:
        return "(sensitive) → (sensitive)"
    return pair_text(field.before, field.after, limit)


def lately_text(branch: Branch) -> str:
    """Say how often the gates let a version pass lately: `` (4 of the last 5 did)``; "" without history."""
    if not branch.judged:
        return ""
    if branch.judged == 1:
        return " (the last one did)" if branch.passed else " (the last one did not)"
    return f" ({branch.passed or 'none'} of the last {branch.judged} did)"


def consumers(program: Program, change: Change) -> tuple[Address, ...]:
    """Return what stands and uses a resource, as far as the plan tells: the changes that depend on it."""
    comes_or_goes = (Action.CREATE, Action.DELETE, Action.FORGET)
    return tuple(
        other.address
        for other in program.changes
        if change.address in other.depends_on and other.action not in comes_or_goes
    )


def broken_text(program: Program, change: Change) -> str:
    """Name what another signature breaks: what the planner found, or else what uses the model."""
    found = change.facts.get("breaks")
    names = [clean(str(one)) for one in found] if isinstance(found, list | tuple) else []
    return (
        ", ".join(names or map(str, consumers(program, change)))
        or "nothing in this plan, but whoever sends it what it took until now"
    )
