"""What there is to say of a plan, before any face says it: symbols, words, order, causes in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ordain.render.words import clean, count, field_name, listed, pair_text, seconds_text
from ordain.values.address import Address
from ordain.values.change import Action, Cause, CauseCode, Change, Effect, FieldChange
from ordain.values.data import Path
from ordain.values.plan import Estimate, Finding, Plan, Program, SettingChange
from ordain.values.record import Outcome
from ordain.values.setting import Level

_EFFECT_SYMBOLS = {
    Effect.CREATE: "+",
    Effect.TRAIN: "+",
    Effect.COSMETIC: "·",
    Effect.REFRESH_DATA: "≈",
    Effect.RETRAIN: "↻",
    Effect.PROMOTE: "⇧",
    Effect.REJECTED: "✗",
    Effect.BLOCKED: "✗",
    Effect.NONE: "=",
}
_ACTION_SYMBOLS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.DELETE: "-",
    Action.FORGET: "-",
    Action.NO_OP: "=",
}
LEGEND = (
    ("+", "create or train"),
    ("~", "update, redeploy, restart, judge again"),
    ("±", "replace: delete, then create"),
    ("-", "delete or forget"),
    ("↻", "retrain"),
    ("⇧", "promote"),
    ("≈", "new data"),
    ("·", "cosmetic: only written down"),
    ("✗", "blocked"),
    ("⏸", "deferred"),
)
# In the order of the summary: what costs or destroys first.
_WORDS = {
    Effect.DELETE: "to delete",
    Effect.FORGET: "to forget",
    Effect.TRAIN: "to train",
    Effect.RETRAIN: "to retrain",
    Effect.PROMOTE: "to promote",
    Effect.RE_EVALUATE: "to judge again",
    Effect.REDEPLOY: "to redeploy",
    Effect.RESTART: "to restart",
    Effect.REFRESH_DATA: "with new data",
    Effect.CREATE: "to create",
    Effect.UPDATE: "to update",
    Effect.REUSE: "to reuse",
    Effect.REJECTED: "rejected by a gate",
    Effect.COSMETIC: "cosmetic",
}
TRAINS = frozenset({Effect.TRAIN, Effect.RETRAIN})


def symbol(change: Change) -> str:
    """Return the sign of a change (see ``LEGEND``)."""
    if change.deferred:
        return "⏸"
    if change.blocked or change.effect is Effect.REJECTED:
        return "✗"
    if change.action is Action.REPLACE and change.effect not in TRAINS:
        return "±"
    return _EFFECT_SYMBOLS.get(change.effect) or _ACTION_SYMBOLS[change.action]


def word(change: Change) -> str:
    """Return the one word for what happens: the effect, or that nothing can."""
    if change.deferred:
        return "deferred"
    if change.blocked:
        return "rejected" if change.effect is Effect.REJECTED else "blocked"
    if change.action is Action.REPLACE and change.effect not in TRAINS:
        return "replace"
    return change.effect.value if change.effect is not Effect.NONE else "unchanged"


def destroys(change: Change) -> bool:
    """Whether something goes away that stands in the world."""
    return change.acts and change.action in (Action.DELETE, Action.REPLACE)


def shown(program: Program, *, no_ops: bool = False) -> tuple[Change, ...]:
    """Return the changes to list, what destroys first, then what trains, then by address; no no-ops unless asked."""
    listed_ones = [c for c in program.changes if no_ops or speaks(c)]
    return tuple(sorted(listed_ones, key=lambda c: (_rank(c), c.address)))


def speaks(change: Change) -> bool:
    """Whether a change is worth a line: something is done, cannot be done, or is worth a note."""
    return change.action is not Action.NO_OP or bool(change.deferred or change.blocked or change.notes)


def _rank(change: Change) -> int:
    if change.blocked:
        return 4
    if change.deferred:
        return 3
    if change.action is Action.NO_OP:
        return 5
    if destroys(change) or change.action is Action.FORGET:
        return 0
    return 1 if change.effect in TRAINS else 2


def counts(program: Program) -> Mapping[str, int]:
    """Return how many changes there are by the words of the summary line, in its order."""
    effects: Counter[Effect] = Counter()
    replaced = deferred = blocked = rejected = 0
    for change in program.changes:
        deferred += bool(change.deferred)
        if change.blocked and not change.deferred:
            rejected += change.effect is Effect.REJECTED
            blocked += change.effect is not Effect.REJECTED
        if change.acts:
            alone = change.action is Action.REPLACE and change.effect not in TRAINS
            replaced += alone
            effects[Effect.NONE if alone else _told_as(change)] += 1
    found = {_WORDS[effect]: effects[effect] for effect in _WORDS}
    out = {
        "to delete": found.pop("to delete"),
        "to replace": replaced,
        **found,
        "deferred": deferred,
        "blocked": blocked,
    }
    return {name: number for name, number in out.items() if number}


def _told_as(change: Change) -> Effect:
    return change.effect if change.effect in _WORDS else Effect.UPDATE


def unchanged(program: Program) -> int:
    """Return how many resources stay as they are."""
    return next((program.summary[key] for key in ("no-op", "unchanged") if key in program.summary), 0)


def summary_text(program: Program) -> str:
    """Return the summary in one line: ``1 to retrain, 1 to redeploy, 1 cosmetic``; "" where nothing changes."""
    return ", ".join(f"{number:,} {name}" for name, number in counts(program).items())


def has_nothing_to_say(program: Program) -> bool:
    """Whether "no changes" is the whole truth: nothing to do, to warn of, or to report."""
    return (
        program.is_empty
        and not (program.settings or program.drift or program.diagnostics or program.status.errored)
        and all(finding.outcome is Outcome.PASS for finding in program.policy)
        and not any(speaks(change) for change in program.changes)
    )


def roots(change: Change) -> tuple[Cause, ...]:
    """Return the causes that are no mere links of the chain; all of them where there are only links."""
    found = tuple(cause for cause in change.causes if cause.code is not CauseCode.UPSTREAM)
    return found or change.causes


def cause_text(cause: Cause, own: Address, limit: int = 60) -> str:
    """Say a cause in one line, with the address it lies at where that is not ``own``."""
    text = clean(cause.detail)
    if cause.code is CauseCode.SPEC and cause.path:
        moved = f"{field_name(cause.path)}: {pair_text(cause.before, cause.after, limit)}"
        text = f"{moved} ({text})" if text else moved
    elif cause.code is CauseCode.NEW:
        text = "new"
    elif cause.code is CauseCode.REMOVED and not text:
        text = "no longer in the project"
    elif not text:
        text = cause.code.value
    if cause.address == own or str(cause.address) in text:
        return text
    return f"{cause.address}: {text}"


def headline_cause(change: Change) -> str:
    """Say the root cause in one line, in full for what trains."""
    root = roots(change)[0]
    return cause_text(root, change.address) if change.effect in TRAINS else short_cause(change, root)


def alike(change: Change) -> tuple[object, ...]:
    """Return what changes have in common that a long plan may tell as one: what happens, to which kind, and why."""
    cause = next(iter(roots(change)), None)
    if change.deferred or change.blocked:
        why: tuple[object, ...] = (change.deferred, change.blocked)
    else:
        why = () if cause is None else (cause.code, cause.path, cause.address != change.address and cause.address)
    return change.kind, symbol(change), word(change), why


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


def estimate_text(estimate: Estimate | None) -> str:
    """Spell an estimate: ``≈ 8 s (p50 of 3 runs)``, or ``no history``."""
    if estimate is None or estimate.p50 is None:
        return "no history"
    return f"≈ {seconds_text(estimate.p50)} (p50 of {count(estimate.runs, 'run')})"


def estimate_of(plan: Plan, change: Change) -> Estimate | None:
    """Return the estimate of a change, or None."""
    return plan.envelope.estimates.get(str(change.address))


def findings(program: Program) -> tuple[Finding, ...]:
    """Return the findings to list (passes are only counted): denials first, then warnings, then the unknown."""
    rest = [finding for finding in program.policy if finding.outcome is not Outcome.PASS]
    return tuple(sorted(rest, key=lambda f: (not f.denies, f.outcome is Outcome.UNKNOWN, -f.level.weight, f.policy,
                                             str(f.address or ""), f.message)))  # fmt: skip


def verdict_word(finding: Finding) -> str:
    """Return what a finding amounts to: denied, warning, unknown, broken."""
    if finding.outcome is Outcome.UNKNOWN:
        return "unknown"
    if finding.outcome is Outcome.ERROR:
        return "broken"
    return "denied" if finding.denies else "warning"


def policy_summary(found: Iterable[Finding]) -> str:
    """Return the findings in one line: ``1 denied, 2 warnings, 1 unknown``."""
    words = Counter(verdict_word(finding) for finding in found)
    names = (("denied", "denied"), ("broken", "broken"), ("warning", "warnings"), ("unknown", "unknown"))
    return ", ".join(count(words[one], one, many) for one, many in names if words[one])


def setting_text(setting: SettingChange) -> str:
    """Return the one word for a changed setting; weakened ones say so."""
    if setting.weakened:
        return "REMOVED, WEAKENED" if setting.action == Action.DELETE.value else "WEAKENED"
    return {"create": "added", "update": "changed", "delete": "removed"}.get(setting.action, clean(setting.action))


def why_not(program: Program) -> str:
    """Return why the plan cannot be applied; "" where it can, or where there is nothing to apply."""
    if program.status.applyable:
        return ""
    reasons = []
    errors = sum(diagnostic.is_error for diagnostic in program.diagnostics)
    if errors:
        reasons.append(count(errors, "error"))
    denied = [finding for finding in program.policy if finding.denies]
    if denied:
        names = sorted({str(finding.policy) for finding in denied})
        overridable = all(finding.level is Level.SOFT for finding in denied)
        reasons.append(f"{listed(names)} {'denies' if len(names) == 1 else 'deny'} it"
                       + (" (soft: may be overridden)" if overridable else ""))  # fmt: skip
    blocked = sum(bool(change.blocked) for change in program.changes)
    if blocked and not reasons:
        reasons.append(f"{count(blocked, 'change')} blocked")
    return listed(reasons)


def short_digest(digest: str) -> str:
    """Return the first twelve hexadecimal digits of a digest, as people quote it."""
    return digest.partition(":")[2][:12] or digest[:12]
