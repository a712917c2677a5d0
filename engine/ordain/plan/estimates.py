"""How long a plan will take, from this project's own runs: each change, and the whole along its critical path."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ordain.values.address import Address
from ordain.values.change import Change
from ordain.values.plan import Estimate, Step
from ordain.values.record import Recorded

OWN, KIN = "own", "kin"
_WRITTEN = frozenset({"record", "forget", "settings"})
"""Operations of the engine's own that only write to the state: they take no time worth a word."""
_NOTHING = Estimate(p50=0.0, p90=0.0, runs=0)
_Guesses = Mapping[str, Estimate | None]
_Kin = tuple[str, str | None, str]
"""Kind, provider and operation: what does the same work."""


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
        return Forecast(plan=_NOTHING if idle else None)
    guesses = _guesses(steps, {change.address: change for change in changes}, recorded)
    return Forecast(changes=_by_change(steps, guesses), plan=_whole(steps, guesses))


def _by_change(steps: Sequence[Step], guesses: _Guesses) -> Mapping[Address, Estimate]:
    chains: dict[Address, list[Step]] = {}
    for step in steps:
        chains.setdefault(step.address, []).append(step)
    sums = {
        address: guesses[chain[0].id] if len(chain) == 1 else _sum(chain, chain, guesses)
        for address, chain in chains.items()
    }
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


def _in_order(steps: Sequence[Step]) -> Sequence[Step]:
    """Return the steps so that each stands behind all it needs."""
    place = {step.id: number for number, step in enumerate(steps)}
    if all(place.get(need, -1) < number for number, step in enumerate(steps) for need in step.needs):
        return steps
    from graphlib import TopologicalSorter  # late: a plan without steps is not to wait for it

    graph = {step.id: [need for need in step.needs if need in place] for step in steps}
    return tuple(steps[place[one]] for one in TopologicalSorter(graph).static_order())


def _longest(order: Sequence[Step], seconds: Mapping[str, float]) -> list[Step]:
    """Return the path that takes longest; of equal ones, always the same."""
    ends: dict[str, float] = {}
    before: dict[str, str] = {}
    for step in order:
        end = seconds.get(step.id, 0.0)
        needs = [need for need in step.needs if need in ends]
        if needs:
            last = _latest(ends, needs)
            before[step.id] = last
            end += ends[last]
        ends[step.id] = end
    by_id = {step.id: step for step in order}
    at = _latest(ends, ends) if ends else None
    path = []
    while at is not None:
        path.append(by_id[at])
        at = before.get(at)
    return path


def _latest(ends: Mapping[str, float], among: Collection[str]) -> str:
    end = max(ends[one] for one in among)
    return max(one for one in among if ends[one] == end)


def _guesses(steps: Sequence[Step], changes: Mapping[Address, Change], recorded: Recorded) -> _Guesses:
    """Return how long each step will take, by its own history, else by that of its kin; None where neither is."""
    found: dict[str, Estimate | None] = {}
    strange: dict[str, _Kin] = {}
    for step in steps:
        own = recorded.durations.get(step.id)
        if own:
            found[step.id] = _of_runs(own)
            continue
        change = changes.get(step.address)
        if change is not None and change.previous_address is not None:
            own = recorded.durations.get(f"{change.previous_address}:{step.operation}")
        if own:
            found[step.id] = _of_runs(own)
        elif step.operation in _WRITTEN:
            found[step.id] = _NOTHING
        else:
            found[step.id] = None
            if change is not None:
                strange[step.id] = (change.kind, change.provider, step.operation)
    if strange:
        kin = _of_kin(frozenset(strange.values()), recorded)
        found.update((name, kin.get(key)) for name, key in strange.items())
    return found


def _of_kin(wanted: Collection[_Kin], recorded: Recorded) -> Mapping[_Kin, Estimate]:
    """Return, for each kind, provider and operation, the median over the resources that did it before."""
    operations: dict[tuple[str, str | None], list[str]] = {}
    for kind, provider, operation in wanted:
        operations.setdefault((kind, provider), []).append(operation)
    found: dict[_Kin, list[list[float]]] = {}
    for address, record in recorded.resources.items():
        for operation in operations.get((record.kind, record.provider), ()):
            seconds = recorded.durations.get(f"{address}:{operation}")
            if seconds:
                found.setdefault((record.kind, record.provider, operation), []).append(sorted(seconds))
    return {key: _median(several) for key, several in found.items()}


def _of_runs(seconds: Iterable[float]) -> Estimate:
    past = sorted(seconds)
    return Estimate(p50=_rank(past, 50), p90=_rank(past, 90), runs=len(past))


def _median(several: Sequence[Sequence[float]]) -> Estimate:
    return Estimate(
        p50=_rank(sorted(_rank(past, 50) for past in several), 50),
        p90=_rank(sorted(_rank(past, 90) for past in several), 50),
        runs=sum(map(len, several)),
        basis=KIN,
    )


def _rank(ordered: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile: the least value that ``percent`` % of all are not above."""
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]
