"""How far a distribution went between two profiles of a column: PSI, and the 1-Wasserstein distance for numbers."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from ordain.values.data import Json

_LEAST_SHARE = 1e-4
"""Stands for an empty bin, whose logarithm there is not."""

_FEW = 20
"""Numbers with so few values are compared value by value; with more, chance alone would move many small bins."""

Levels = Mapping[str, int]


def psi(expected: list[float], actual: list[float]) -> float:
    """Return the population stability index of two lists of shares over the same bins.

    Σ (aᵢ − eᵢ) · ln(aᵢ / eᵢ), an empty bin counted as 0.0001 (N. Siddiqi, Credit Risk Scorecards, Wiley 2006). It is
    zero for equal shares, symmetric, and never negative.
    """
    pairs = ((max(a, _LEAST_SHARE), max(e, _LEAST_SHARE)) for a, e in zip(actual, expected, strict=True))
    return sum((a - e) * math.log(a / e) for a, e in pairs)


def wasserstein(old: Mapping[str, Json], new: Mapping[str, Json]) -> float | None:
    """Return how far the numbers of a column were carried, in standard deviations of those before; None if unknown.

    W₁ = ∫|F⁻¹ − G⁻¹| = ∫|F − G| (S. S. Vallender, Theory of Probability and its Applications 18, 1974), over the
    standard deviation. Exact where every value is counted. Else it is told from the deciles, without the outer two
    tenths, whose ends one cell decides (A. Munk and C. Czado, J. R. Statist. Soc. B 60, 1998); the means, which are
    exact, bound it from below: W₁ ≥ |E F − E G|.
    """
    deviation = old.get("std")
    means = old.get("mean"), new.get("mean")
    if not isinstance(deviation, int | float) or deviation <= 0 or not all(isinstance(m, int | float) for m in means):
        return None
    counts = levels_of(old), levels_of(new)
    if counts[0] and counts[1]:
        return _between_counts(counts[0], counts[1]) / deviation
    apart = abs(float(str(means[1])) - float(str(means[0])))
    deciles = _numbers(old, "quantiles"), _numbers(new, "quantiles")
    if len(deciles[0]) != len(deciles[1]) or not deciles[0]:
        return apart / deviation
    gaps = [after - before for before, after in zip(*deciles, strict=True)][1:-1]
    trimmed = sum(_mean_size(low, high) for low, high in pairwise(gaps)) / (len(deciles[0]) - 1)
    return max(trimmed, apart) / deviation


def _mean_size(low: float, high: float) -> float:
    """Return the mean of |x| on the straight line from ``low`` to ``high``."""
    if low * high >= 0:
        return (abs(low) + abs(high)) / 2
    return (low * low + high * high) / (2 * (abs(low) + abs(high)))


def _between_counts(old: Levels, new: Levels) -> float:
    totals = sum(old.values()), sum(new.values())
    distance = gap = 0.0
    values = sorted({*old, *new}, key=float)
    for value, following in pairwise([*values, values[-1]]):
        gap += new.get(value, 0) / totals[1] - old.get(value, 0) / totals[0]
        distance += abs(gap) * (float(following) - float(value))
    return distance


def index(
    old: Mapping[str, Json], new: Mapping[str, Json], levels: tuple[Levels | None, Levels | None]
) -> float | None:
    """Return the PSI of a column from two profiles, None where nothing is known; ``levels`` are counts to compare."""
    if levels[0] and levels[1] and (is_worded(new) or len({*levels[0], *levels[1]}) <= _FEW):
        totals = sum(levels[0].values()), sum(levels[1].values())
        names = sorted({*levels[0], *levels[1]})
        return psi([levels[0].get(n, 0) / totals[0] for n in names], [levels[1].get(n, 0) / totals[1] for n in names])
    edges = sorted(set(_numbers(old, "quantiles")[1:-1]))
    parts = [_shares(facts, counted, edges) for facts, counted in zip((old, new), levels, strict=True)]
    return psi(parts[0], parts[1]) if parts[0] and parts[1] else None


def _shares(facts: Mapping[str, Json], counted: Mapping[str, int] | None, edges: list[float]) -> list[float]:
    """Return the shares of the values up to, between and above ``edges``; empty where nothing is known of them.

    Counted where every value is listed; else told from the deciles, which is exact where an edge is one of them.
    """
    curve = _curve(facts)
    if not curve:
        return []
    if counted:
        values = sorted((float(level), count) for level, count in counted.items())
        total = sum(counted.values())
        upto = [sum(count for value, count in values if value <= edge) / total for edge in edges]
    else:
        upto = [_below(curve, edge) for edge in edges]
    return [high - low for low, high in pairwise([0.0, *upto, 1.0])]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """A decile: the share of values up to it, and below it as far as deciles tell."""

    value: float
    upto: float
    under: float


def _curve(facts: Mapping[str, Json]) -> list[_Point]:
    """Return the distribution as its different deciles, lowest first; empty where there are none."""
    values, ranks = _numbers(facts, "quantiles"), _numbers(facts, "ranks")
    if not values or len(ranks) != len(values) or not ranks[-1]:
        return []
    last = len(values) - 1
    out: list[_Point] = []
    for place, value in enumerate(values):
        if not out or value != out[-1].value:
            out.append(_Point(value=value, upto=ranks[place] / ranks[-1], under=place / last))
    return out


def _below(curve: list[_Point], edge: float) -> float:
    """Return the share of values up to ``edge``: exact at a decile, by linear interpolation between two."""
    place = bisect_right(curve, edge, key=lambda point: point.value)
    if place == 0:
        return 0.0
    low = curve[place - 1]
    if place == len(curve) or low.value == edge:
        return low.upto
    high = curve[place]
    return low.upto + max(high.under - low.upto, 0.0) * (edge - low.value) / (high.value - low.value)


def is_worded(facts: Mapping[str, Json]) -> bool:
    """Say whether the levels of a column are words."""
    return facts.get("type") in ("category", "boolean")


def levels_of(facts: Mapping[str, Json]) -> Levels | None:
    """Return how many cells each level has, or None where they are not counted."""
    counted = facts.get("categories")
    if not isinstance(counted, Mapping):
        return None
    return {str(level): count for level, count in counted.items() if isinstance(count, int)}


def _numbers(facts: Mapping[str, Json], name: str) -> list[float]:
    found = facts.get(name)
    return [float(value) for value in found if isinstance(value, int | float)] if isinstance(found, list) else []
