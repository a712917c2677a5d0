"""What there is to say of a plan, before any face says it: signs, words, order, counts, verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from ordain.render.words import clean, count, listed
from ordain.values.address import BY_ADDRESS, Address
from ordain.values.change import TRAINS, Action, Change, Effect
from ordain.values.plan import Drift, Program, SettingChange
from ordain.values.record import Outcome

_EFFECT_SYMBOLS = {
    Effect.CREATE: "+",
    Effect.TRAIN: "+",
    Effect.MOVE: "→",
    Effect.IMPORT: "⇠",
    Effect.COSMETIC: "·",
    Effect.ENV_ONLY: "·",
    Effect.REFRESH_DATA: "≈",
    Effect.RETRAIN: "↻",
    Effect.RETRAIN_INCOMPATIBLE: "!",
    Effect.PROMOTE: "⇧",
    Effect.ROLL_BACK: "↶",
    Effect.RETIRE: "-",
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
    ("-", "delete, retire or forget"),
    ("!", "retrain, and what uses it breaks: another signature"),
    ("↻", "retrain"),
    ("⇧", "promote"),
    ("↶", "roll back"),
    ("⇠", "import: the world has it already"),
    ("→", "move: another address, nothing else"),
    ("≈", "new data"),
    ("·", "only written down: cosmetic, or env-only (how it runs)"),
    ("✗", "blocked"),
    ("⏸", "deferred"),
)
# In the order of the summary: what costs or destroys first.
_WORDS = {
    Effect.DELETE: "to delete",
    Effect.RETIRE: "to retire",
    Effect.FORGET: "to forget",
    Effect.RETRAIN_INCOMPATIBLE: "to retrain incompatibly",
    Effect.TRAIN: "to train",
    Effect.RETRAIN: "to retrain",
    Effect.ROLL_BACK: "to roll back",
    Effect.PROMOTE: "to promote",
    Effect.RE_EVALUATE: "to judge again",
    Effect.REDEPLOY: "to redeploy",
    Effect.RESTART: "to restart",
    Effect.REFRESH_DATA: "with new data",
    Effect.CREATE: "to create",
    Effect.IMPORT: "to import",
    Effect.MOVE: "to move",
    Effect.UPDATE: "to update",
    Effect.REUSE: "to reuse",
    Effect.REJECTED: "rejected by a gate",
    Effect.ENV_ONLY: "env-only",
    Effect.COSMETIC: "cosmetic",
}


def symbol(change: Change) -> str:
    """Return the sign of a change (see ``LEGEND``)."""
    if change.deferred:
        return "⏸"
    if change.blocked or change.effect is Effect.REJECTED:
        return "✗"
    if _replaces(change):
        return "±"
    return _EFFECT_SYMBOLS.get(change.effect) or _ACTION_SYMBOLS.get(change.action, "~")


def word(change: Change) -> str:
    """Return the one word for what happens: the effect, or that nothing can."""
    if change.deferred:
        return "deferred"
    if change.blocked:
        return "rejected" if change.effect is Effect.REJECTED else "blocked"
    if _replaces(change):
        return "replace"
    return change.effect.value if change.effect is not Effect.NONE else "unchanged"


def _replaces(change: Change) -> bool:
    return change.action is Action.REPLACE and change.effect not in TRAINS


def destroys(change: Change) -> bool:
    """Whether something goes away that stands in the world."""
    return change.acts and (change.action in (Action.DELETE, Action.REPLACE) or change.effect is Effect.RETIRE)


def is_grave(change: Change) -> bool:
    """Whether a reader must see it by name, however long the plan: it destroys, breaks others, or cannot be done."""
    incompatible = change.effect is Effect.RETRAIN_INCOMPATIBLE
    return destroys(change) or change.action is Action.FORGET or incompatible or bool(change.blocked)


def shown(program: Program, *, no_ops: bool = False) -> tuple[Change, ...]:
    """Return the changes to list, what destroys first, then what trains, then by address; no no-ops unless asked."""
    listed_ones = [c for c in program.changes if (no_ops or speaks(c)) and not c.unselected]
    return tuple(sorted(listed_ones, key=lambda c: (_rank(c), *BY_ADDRESS(c.address))))


def not_selected(program: Program) -> tuple[Change, ...]:
    """Return what a selector leaves out, what would destroy first."""
    out = [change for change in program.changes if change.unselected]
    return tuple(sorted(out, key=lambda c: (c.action is not Action.DELETE, c.effect not in TRAINS, word(c),
                                            *BY_ADDRESS(c.address))))  # fmt: skip


def speaks(change: Change) -> bool:
    """Whether a change is worth a line: something is done, cannot be done, or is worth a note."""
    return change.action is not Action.NO_OP or bool(change.deferred or change.blocked or change.notes)


def _rank(change: Change) -> int:
    if change.blocked:
        return 5
    if change.deferred:
        return 4
    if change.action is Action.NO_OP:
        return 6
    if destroys(change) or change.action is Action.FORGET:
        return 0
    if change.effect is Effect.RETRAIN_INCOMPATIBLE:
        return 1
    return 2 if change.effect in TRAINS else 3


def counts(program: Program) -> Mapping[str, int]:
    """Return how many changes there are by the words of the summary line, in its order."""
    effects: Counter[Effect] = Counter()
    replaced = deferred = blocked = rejected = left = 0
    for change in program.changes:
        if change.unselected:
            left += 1
            continue
        deferred += bool(change.deferred)
        if change.blocked and not change.deferred:
            rejected += change.effect is Effect.REJECTED
            blocked += change.effect is not Effect.REJECTED
        if change.acts:
            alone = _replaces(change)
            replaced += alone
            effects[Effect.NONE if alone else _told_as(change)] += 1
    effects[Effect.REJECTED] += rejected
    found = {_WORDS[effect]: effects[effect] for effect in _WORDS}
    out = {
        "to delete": found.pop("to delete"),
        "to replace": replaced,
        **found,
        "deferred": deferred,
        "blocked": blocked,
        "not selected": left,
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


def selection_text(program: Program) -> str:
    """Return the selectors a plan was narrowed by: ``model.churn+ !value.x``; "" where there were none."""
    return clean(" ".join(program.selection))


def has_nothing_to_say(program: Program) -> bool:
    """Whether "no changes" is the whole truth: nothing to do, to warn of, or to report."""
    return (
        program.is_empty
        and not (program.settings or program.drift or program.diagnostics or program.status.errored)
        and not program.selection
        and all(finding.outcome is Outcome.PASS for finding in program.policy)
        and not any(speaks(change) for change in program.changes)
    )


def drift_of(program: Program) -> tuple[tuple[Drift, ...], tuple[Drift, ...]]:
    """Return the drift that matters to this plan (of what changes, or of what that rests on), and the rest."""
    if program.mode == "refresh-only":
        return program.drift, ()
    needs = {change.address: change.depends_on for change in program.changes}
    concerned: set[Address] = set()
    waiting = [change.address for change in program.changes if speaks(change) and not change.unselected]
    while waiting:
        address = waiting.pop()
        if address not in concerned:
            concerned.add(address)
            waiting += needs.get(address, ())
    ours = tuple(drift for drift in program.drift if drift.address in concerned)
    return ours, tuple(drift for drift in program.drift if drift.address not in concerned)


def names_text(addresses: Iterable[Address | str], limit: int) -> str:
    """Name a few: ``model.a, model.b and 55 more``; all of them where there are hardly more."""
    found = [str(address) for address in addresses]
    if len(found) <= limit + 1:
        return ", ".join(found)
    return f"{', '.join(found[:limit])} and {len(found) - limit:,} more"


def name_rows(addresses: Iterable[Address | str], width: int = 92) -> Iterator[str]:
    """Name all, as many on a row as ``width`` columns hold."""
    row = ""
    for address in addresses:
        name = str(address)
        if row and len(row) + len(name) + 2 > width:
            yield f"{row},"
            row = ""
        row = f"{row}, {name}" if row else name
    if row:
        yield row


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
        reasons.append(f"{listed(names)} {'denies' if len(names) == 1 else 'deny'} it")
    held = [str(change.address) for change in protected(program)]
    if held:
        reasons.append(f"{listed(held)} {'is' if len(held) == 1 else 'are'} protected")
    blocked = sum(bool(change.blocked) and not change.unselected for change in program.changes)
    if blocked and not reasons:
        reasons.append(f"{count(blocked, 'change')} blocked")
    return listed(reasons)


def protected(program: Program) -> tuple[Change, ...]:
    """Return what would go away and is protected: an apply refuses, and names them all."""
    return tuple(change for change in program.changes if change.protected and not change.unselected)


def short_digest(digest: str) -> str:
    """Return the first twelve hexadecimal digits of a digest, as people quote it."""
    return digest.partition(":")[2][:12] or digest[:12]
