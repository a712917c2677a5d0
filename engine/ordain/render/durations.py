"""How long it takes, in words: one change, the whole plan, and what came of a prediction."""

from __future__ import annotations

from ordain.render.words import count, seconds_text
from ordain.values.change import WRITTEN_DOWN, Change
from ordain.values.plan import Estimate, Plan

NO_HISTORY = "no history"
AT_ONCE = 0.05
"""Seconds below which a time is not worth a word: it would be spelled ``0.0 s``."""


def range_text(p50: float, p90: float | None) -> str:
    """Spell a range of seconds: ``6–12 s``, ``1 min 50 s–3 min``; one number where both read the same."""
    low, high = seconds_text(p50), seconds_text(p90 if p90 is not None else p50)
    if low == high:
        return low
    (number, _, unit), other = low.partition(" "), high.partition(" ")[2]
    return f"{number}–{high}" if unit == other else f"{low}–{high}"


def estimate_text(estimate: Estimate | None) -> str:
    """Spell an estimate: ``8.2–12 s (p50–p90 of 3 runs)``, or ``no history``."""
    if estimate is None or estimate.p50 is None:
        return NO_HISTORY
    return f"{range_text(estimate.p50, estimate.p90)} (p50–p90 of {_runs(estimate)})"


def _runs(estimate: Estimate) -> str:
    return count(estimate.runs, "run") + (" of its like" if estimate.basis == "kin" else "")


def estimate_of(plan: Plan, change: Change) -> Estimate | None:
    """Return the estimate of a change, or None."""
    return plan.envelope.estimates.get(str(change.address))


def untimed(plan: Plan) -> int:
    """Return how many changes do some work and have no history; what is only written down takes no time."""
    working = (c for c in plan.program.changes if c.acts and c.effect not in WRITTEN_DOWN)
    found = (estimate_of(plan, change) for change in working)
    return sum(estimate is None or estimate.p50 is None for estimate in found)


def plan_time_text(plan: Plan) -> str:
    """Say how long the whole plan takes, its critical path: ``takes about 9.3–13 s (p50–p90 of 3 runs)``.

    "" where there is no telling, or nothing that takes a time worth a word. Where some changes have no history, what
    it takes at least, and how many they are.
    """
    duration = plan.envelope.duration
    if duration is None or duration.p50 is None or not duration.runs:
        return ""
    if max(duration.p50, duration.p90 or 0.0) < AT_ONCE:
        return ""
    missing = untimed(plan)
    about, rest = ("at least", f"; {count(missing, 'change')} without history") if missing else ("about", "")
    return f"takes {about} {range_text(duration.p50, duration.p90)} (p50–p90 of {_runs(duration)}{rest})"


def prediction_text(predicted: Estimate | None, seconds: float) -> str:
    """Say how long a run took beside what its plan said: ``took 12 s, predicted 10–15 s (3 runs)``."""
    took = f"took {seconds_text(seconds)}"
    if predicted is None or predicted.p50 is None:
        return f"{took}, without a prediction"
    return f"{took}, predicted {range_text(predicted.p50, predicted.p90)} ({_runs(predicted)})"
