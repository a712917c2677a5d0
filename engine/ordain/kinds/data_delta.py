"""How data moved between two profiles: rows, columns, and how far each distribution went."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from ordain.values.data import Json

MOVED = 0.1
"""The population stability index from which a column counts as moved (the usual reading: 0.1 some, 0.25 much)."""

_LEAST_SHARE = 1e-4
"""Stands for an empty bin, whose logarithm there is not."""

_FEW = 20
"""Numbers with so few values are compared value by value; with more, chance alone would move many small bins."""

_NULL_POINTS = 0.01
_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDelta:
    """One sentence for people, and the same in numbers."""

    sentence: str
    data: Mapping[str, Json]


def data_delta(before: Mapping[str, Json], after: Mapping[str, Json]) -> DataDelta:
    """Compare the facts of a data source before and after.

    ``data``: ``{"rows": {"before", "after", "added"}, "since", "new_columns", "gone_columns", "columns": {name:
    {"moved": bool, "psi", "null_share": [b, a], "min": [b, a], "max", "mean", "type", "new": [levels], "gone":
    [levels]}}}``; what is the same, and columns whose content is, are left out.
    """
    old, new = _columns(before), _columns(after)
    rows = _number(before, "rows"), _number(after, "rows")
    moved = {
        name: _column(old[name], new[name], rows)
        for name in new
        if name in old and old[name].get("digest") != new[name].get("digest")
    }
    arrived, gone = [name for name in new if name not in old], [name for name in old if name not in new]
    data: dict[str, Json] = {
        "rows": {"before": rows[0], "after": rows[1], "added": rows[1] - rows[0]},
        "columns": moved,
    }
    since = str(after.get("since", ""))
    data |= {key: value for key, value in (("new_columns", arrived), ("gone_columns", gone), ("since", since)) if value}
    parts = [_rows_text(rows, since), _names_text("new column", arrived), _names_text("column gone", gone)]
    if not arrived and not gone and list(old) != list(new):
        parts.append("columns in another order")
    return DataDelta(sentence="; ".join(part for part in (*parts, _moved_text(moved, rows)) if part), data=data)


def psi(expected: list[float], actual: list[float]) -> float:
    """Return the population stability index of two lists of shares over the same bins.

    Σ (aᵢ − eᵢ) · ln(aᵢ / eᵢ), an empty bin counted as 0.0001 (N. Siddiqi, Credit Risk Scorecards, Wiley 2006). It is
    zero for equal shares, symmetric, and never negative.
    """
    pairs = ((max(a, _LEAST_SHARE), max(e, _LEAST_SHARE)) for a, e in zip(actual, expected, strict=True))
    return sum((a - e) * math.log(a / e) for a, e in pairs)


def _column(old: Mapping[str, Json], new: Mapping[str, Json], rows: tuple[int, int]) -> dict[str, Json]:
    out: dict[str, Json] = {}
    if old.get("type") != new.get("type"):
        out["type"] = [old.get("type"), new.get("type")]
    shares = [_number(facts, "nulls") / count if count else 0.0 for facts, count in zip((old, new), rows, strict=True)]
    if shares[0] != shares[1]:
        out["null_share"] = [round(share, 6) for share in shares]
    for name in ("min", "max", "mean"):
        if name in old and name in new and old[name] != new[name]:
            out[name] = [old[name], new[name]]
    levels = _levels(old), _levels(new)
    if levels[0] is not None and levels[1] is not None:
        new_levels = sorted(level for level in levels[1] if level not in levels[0])
        gone_levels = sorted(level for level in levels[0] if level not in levels[1])
        out |= {key: found for key, found in (("new", new_levels), ("gone", gone_levels)) if found}
    index = _index(old, new, levels)
    if index is not None:
        out["psi"] = round(index, 4)
    out["moved"] = bool(
        (index or 0.0) >= MOVED
        or "type" in out
        or (_worded(new) and (out.get("new") or out.get("gone")))
        or abs(shares[1] - shares[0]) >= _NULL_POINTS
    )
    return out


def _worded(facts: Mapping[str, Json]) -> bool:
    return facts.get("type") in ("category", "boolean")


def _index(
    old: Mapping[str, Json],
    new: Mapping[str, Json],
    levels: tuple[Mapping[str, int] | None, Mapping[str, int] | None],
) -> float | None:
    if levels[0] and levels[1] and (_worded(new) or len({*levels[0], *levels[1]}) <= _FEW):
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


def _rows_text(rows: tuple[int, int], since: str) -> str:
    before, after = rows
    if before == after:
        return f"{after:,} rows as before"
    count, word = abs(after - before), "added" if after > before else "removed"
    said = f"{count:,} {'row' if count == 1 else 'rows'} {word} ({before:,} → {after:,})"
    if after < before:
        return said
    return said + {"appended": ", those before unchanged", "rewritten": ", those before rewritten"}.get(since, "")


def _names_text(word: str, names: list[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return f"{word}{'s' if len(names) > 1 and not word.endswith('gone') else ''}: {shown}"


def _moved_text(columns: Mapping[str, Mapping[str, Json]], rows: tuple[int, int]) -> str:
    far = sorted((name for name in columns if columns[name]["moved"]), key=lambda name: -_psi(columns[name]))
    if far:
        rest = f" and {len(far) - _SHOWN} more" if len(far) > _SHOWN else ""
        return f"moved: {', '.join(f'{name} ({_how(columns[name])})' for name in far[:_SHOWN])}{rest}"
    if rows[0] == rows[1]:
        return _names_text("values changed in", list(columns)).replace("ins:", "in:")
    most = sorted((name for name in columns if _psi(columns[name])), key=lambda name: -_psi(columns[name]))[:3]
    return f"no column moved much (most: {', '.join(f'{n} PSI {_psi(columns[n]):.3f}' for n in most)})" if most else ""


def _how(column: Mapping[str, Json]) -> str:
    words = []
    if "type" in column:
        before, after = _pair(column["type"])
        words.append(f"{before} → {after}")
    if _psi(column) >= MOVED:
        words.append(f"PSI {_psi(column):.2f}")
    if "mean" in column and _psi(column) >= MOVED:
        before, after = _pair(column["mean"])
        words.append(f"mean {_short(before)} → {_short(after)}")
    for name, word in (("new", "new"), ("gone", "vanished")):
        found = column.get(name)
        if isinstance(found, list) and found and "mean" not in column:
            words.append(f"{len(found)} {word} {'level' if len(found) == 1 else 'levels'}")
    if "null_share" in column:
        before, after = _pair(column["null_share"])
        if abs(float(str(after)) - float(str(before))) >= _NULL_POINTS:
            words.append(f"null {float(str(before)):.1%} → {float(str(after)):.1%}")
    return ", ".join(words)


def _short(value: Json) -> str:
    number = float(str(value))
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _pair(value: Json) -> tuple[Json, Json]:
    return (value[0], value[1]) if isinstance(value, list) else (None, None)


def _psi(column: Mapping[str, Json]) -> float:
    value = column.get("psi")
    return float(value) if isinstance(value, int | float) else 0.0


def _columns(facts: Mapping[str, Json]) -> Mapping[str, Mapping[str, Json]]:
    columns = facts.get("columns")
    if not isinstance(columns, Mapping):
        return {}
    return {str(name): one for name, one in columns.items() if isinstance(one, Mapping)}


def _number(facts: Mapping[str, Json], name: str) -> int:
    value = facts.get(name)
    return value if isinstance(value, int) else 0


def _levels(facts: Mapping[str, Json]) -> Mapping[str, int] | None:
    counted = facts.get("categories")
    if not isinstance(counted, Mapping):
        return None
    return {str(level): count for level, count in counted.items() if isinstance(count, int)}


def _numbers(facts: Mapping[str, Json], name: str) -> list[float]:
    found = facts.get(name)
    return [float(value) for value in found if isinstance(value, int | float)] if isinstance(found, list) else []
