"""How long a plan will take, from this project's own runs: each change, and the whole along its critical path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter

from ordain.values.address import Address
from ordain.values.change import Change
from ordain.values.plan import Estimate, Step
from ordain.values.record import Recorded

OWN, KIN = "own", "kin"
_WRITTEN = frozenset({"record", "forget", "settings"})
"""Operations of the engine's own that only write to the state: they take no time worth a word."""
_Guesses = Mapping[str, Estimate | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Seconds by change (one without history is left out), and of the whole plan (None: there is no telling).

    A plan without steps, or one that only writes to the state, takes 0 seconds, after 0 runs.
    """

    changes: Mapping[Address, Estimate] = field(default_factory=dict)
    plan: Estimate | None = None


def forecast(steps: Sequence[Step], changes: Iterable[Change], recorded: Recorded) -> Forecast:
    """Return how long steps will take, from the seconds of earlier steps of the same name (nearest-rank p50, p90).

    A resource that never did a step borrows from those of its kind and provider that did: the median over them.
    """
    if not recorded.durations:  # nothing ever ran: large first plans are not to wait for that answer
        idle = all(step.operation in _WRITTEN for step in steps)
        return Forecast(plan=Estimate(p50=0.0, p90=0.0, runs=0) if idle else None)
    past = _Past(recorded=recorded, changes={change.address: change for change in changes})
    guesses = {step.id: past.of(step) for step in steps}
    return Forecast(changes=_by_change(steps, guesses), plan=_whole(steps, guesses))


def _by_change(steps: Sequence[Step], guesses: _Guesses) -> Mapping[Address, Estimate]:
    chains: dict[Address, list[Step]] = {}
    for step in steps:
        chains.setdefault(step.address, []).append(step)
    sums = {address: _sum(chain, chain, guesses) for address, chain in chains.items()}
    return {address: one for address, one in sums.items() if one is not None and one.runs}


def _whole(steps: Sequence[Step], guesses: _Guesses) -> Estimate | None:
    """Return the longest path of p50s and that of p90s through what the steps need: the critical path.

    As many steps run at once as can: how few the machine has room for is left out. A p90 of a sum is the sum of p90s,
    and that of the longest path the longest path of p90s, where all that is slow is slow together (comonotone: the
    same busy machine, the same grown data; Dhaene et al. 2002, Insurance: Mathematics and Economics 31). Where steps
    vary apart, this is more than the p90 of a chain, as a rule, and less than that of branches that are equally long
    (MacCrimmon and Ryavec 1964, Operations Research 12). A heavy step without history might be the longest: then
    there is no telling. A light one counts as nothing. ``runs`` are the fewest behind any step of either path.
    """
    if any(step.heavy and guesses[step.id] is None for step in steps):
        return None
    order = _in_order(steps)
    middle = _longest(order, {step.id: one.p50 or 0.0 for step in order if (one := guesses[step.id])})
    late = _longest(order, {step.id: one.p90 or 0.0 for step in order if (one := guesses[step.id])})
    p50, p90 = _sum(middle, steps, guesses), _sum(late, steps, guesses)
    if p50 is None or p90 is None:
        return None
    basis = KIN if KIN in (p50.basis, p90.basis) else OWN
    return Estimate(p50=p50.p50, p90=p90.p90, runs=min(p50.runs, p90.runs), basis=basis)


def _sum(path: Iterable[Step], among: Iterable[Step], guesses: _Guesses) -> Estimate | None:
    """Add up a path; None where nothing on it ever ran and ``among`` the steps is one that does take its time."""
    path = tuple(path)
    if any(step.heavy and guesses[step.id] is None for step in path):
        return None
    told = [one for step in path if (one := guesses[step.id]) is not None]
    ran = [one for one in told if one.runs]
    if not ran and any(guesses[step.id] is None for step in among):
        return None
    return Estimate(
        p50=sum((one.p50 or 0.0 for one in told), 0.0),
        p90=sum((one.p90 or 0.0 for one in told), 0.0),
        runs=min((one.runs for one in ran), default=0),
        basis=KIN if any(one.basis == KIN for one in ran) else OWN,
    )


def _in_order(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps so that each stands behind all it needs."""
    by_id = {step.id: step for step in steps}
    graph = {step.id: [need for need in step.needs if need in by_id] for step in steps}
    return tuple(by_id[one] for one in TopologicalSorter(graph).static_order())


def _longest(order: Sequence[Step], seconds: Mapping[str, float]) -> list[Step]:
    """Return the path that takes longest; of equal ones, always the same."""
    ends: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for step in order:
        last = max((need for need in step.needs if need in ends), key=lambda need: (ends[need], need), default=None)
        before[step.id] = last
        ends[step.id] = seconds.get(step.id, 0.0) + (ends[last] if last is not None else 0.0)
    by_id = {step.id: step for step in order}
    at = max(ends, key=lambda one: (ends[one], one), default=None)
    path = []
    while at is not None:
        path.append(by_id[at])
        at = before[at]
    return path


@dataclass(frozen=True, kw_only=True)
class _Past:
    """What is known of the seconds of earlier steps."""

    recorded: Recorded
    changes: Mapping[Address, Change]

    def of(self, step: Step) -> Estimate | None:
        """Return how long a step will take, by its own history, else by that of its kin; None where neither is."""
        durations = self.recorded.durations
        change = self.changes.get(step.address)
        names = [step.id]
        if change is not None and change.previous_address is not None:
            names.append(f"{change.previous_address}:{step.operation}")
        own = next((durations[name] for name in names if durations.get(name)), None)
        if own:
            return _of_runs(own)
        if step.operation in _WRITTEN:
            return Estimate(p50=0.0, p90=0.0, runs=0)
        if change is None:
            return None
        return self._kin.get((change.kind, change.provider, step.operation))

    @cached_property
    def _kin(self) -> Mapping[tuple[str, str | None, str], Estimate]:
        names = {str(address): record for address, record in self.recorded.resources.items()}
        found: dict[tuple[str, str | None, str], list[Estimate]] = {}
        for name, seconds in self.recorded.durations.items():
            address, _, operation = name.rpartition(":")
            record = names.get(address)
            if record is not None and seconds:
                found.setdefault((record.kind, record.provider, operation), []).append(_of_runs(seconds))
        return {key: _median(several) for key, several in found.items()}


def _of_runs(seconds: Iterable[float]) -> Estimate:
    past = sorted(seconds)
    return Estimate(p50=_rank(past, 50), p90=_rank(past, 90), runs=len(past))


def _median(several: Sequence[Estimate]) -> Estimate:
    return Estimate(
        p50=_rank(sorted(one.p50 or 0.0 for one in several), 50),
        p90=_rank(sorted(one.p90 or 0.0 for one in several), 50),
        runs=sum(one.runs for one in several),
        basis=KIN,
    )


def _rank(ordered: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile: the least value that ``percent`` % of all are not above."""
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]
