"""How data moved between two profiles: rows, columns, and how far each distribution went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ordain.kinds.distribution import Levels, index, is_worded, levels_of, wasserstein
from ordain.values.data import Json

MOVED = 0.1
"""The population stability index from which a column counts as moved (the usual reading: 0.1 some, 0.25 much)."""

CARRIED = 0.1
"""The Wasserstein distance, in standard deviations, from which numbers count as moved."""

_NULL_POINTS = 0.01
_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDelta:
    """One sentence for people, and the same in numbers."""

    sentence: str
    data: Mapping[str, Json]


def data_delta(before: Mapping[str, Json], after: Mapping[str, Json]) -> DataDelta:
    """Compare the facts of a data source before and after.

    ``data``: ``{"rows": {"before", "after", "added" or "removed": n}, "since", "new_columns", "gone_columns",
    "renamed_columns": {old: new}, "reordered": bool, "columns": {name: {"moved": bool, "psi", "wasserstein",
    "null_share": [b, a], "min": [b, a], "max", "mean", "type", "new": [levels], "gone": [levels], "renamed": {old:
    new}, "reordered": bool, "cells": n}}}``; what is the same, and columns whose content is, are left out. ``cells``
    is how many cells must have changed at least.
    """
    old, new = _columns(before), _columns(after)
    rows = _number(before, "rows"), _number(after, "rows")
    moved = {
        name: _column(old[name], new[name], rows)
        for name in new
        if name in old and old[name].get("digest") != new[name].get("digest")
    }
    arrived, gone = [name for name in new if name not in old], [name for name in old if name not in new]
    data: dict[str, Json] = {"rows": _rows(*rows), "columns": moved}
    since = str(after.get("since", ""))
    renamed = _pairs({name: str(old[name].get("digest")) for name in gone}, {n: str(new[n]["digest"]) for n in arrived})
    reordered = _is_reordered(moved, new)
    found: dict[str, Json] = {"new_columns": arrived, "gone_columns": gone, "renamed_columns": renamed, "since": since}
    data |= {key: value for key, value in (*found.items(), ("reordered", reordered)) if value}
    parts = [
        _rows_text(rows, since),
        _names_text("new column", [name for name in arrived if name not in renamed.values()]),
        _names_text("column gone", [name for name in gone if name not in renamed]),
        _names_text("column renamed", [f"{name} to {renamed[name]}" for name in renamed]),
    ]
    if not arrived and not gone and list(old) != list(new):
        parts.append("columns in another order")
    parts += ["the same rows in another order"] if reordered else _moved_text(moved, rows)
    return DataDelta(sentence="; ".join(part for part in parts if part), data=data)


def _rows(before: int, after: int) -> dict[str, Json]:
    changed = {"added" if after > before else "removed": abs(after - before)} if after != before else {}
    return {"before": before, "after": after, **changed}


def _is_reordered(moved: Mapping[str, Mapping[str, Json]], columns: Mapping[str, Mapping[str, Json]]) -> bool:
    """Say whether all that changed is an order: of each column that can show one, and of more than one."""
    orderly = [name for name, facts in columns.items() if facts.get("distinct") != 1]
    return len(moved) > 1 and {*orderly} <= {*moved} and all(one.get("reordered") for one in moved.values())


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
    if "values" in old and old["values"] == new.get("values"):
        return {**out, "reordered": True, "moved": "type" in out}
    levels = levels_of(old), levels_of(new)
    if levels[0] is not None and levels[1] is not None:
        out |= _level_changes(levels[0], levels[1], is_worded(new))
        cells = _least_cells(levels[0], levels[1], _number(new, "nulls") - _number(old, "nulls"))
        out |= {"cells": cells} if rows[0] == rows[1] and cells else {}
        renamed = out.get("renamed")
        if isinstance(renamed, Mapping):  # another name moves no distribution
            levels = {str(renamed.get(level, level)): count for level, count in levels[0].items()}, levels[1]
    stability, carried = index(old, new, levels), wasserstein(old, new)
    out |= {key: round(far, 4) for key, far in (("psi", stability), ("wasserstein", carried)) if far is not None}
    out["moved"] = bool(
        (stability or 0.0) >= MOVED
        or (carried or 0.0) >= CARRIED
        or "type" in out
        or (is_worded(new) and (out.get("new") or out.get("gone")))
        or abs(shares[1] - shares[0]) >= _NULL_POINTS
    )
    return out


def _level_changes(old: Levels, new: Levels, worded: bool) -> dict[str, Json]:
    arrived = {level: count for level, count in new.items() if level not in old}
    gone = {level: count for level, count in old.items() if level not in new}
    renamed = _pairs(gone, arrived) if worded else {}
    found: dict[str, Json] = {"new": sorted(arrived), "gone": sorted(gone), "renamed": renamed}
    return {key: value for key, value in found.items() if value}


def _least_cells(old: Levels, new: Levels, more_nulls: int) -> int:
    """Return how many cells of as many rows hold something else at least: as many as some level won."""
    return sum(max(count - old.get(level, 0), 0) for level, count in new.items()) + max(more_nulls, 0)


def _pairs(gone: Mapping[str, int | str], arrived: Mapping[str, int | str]) -> dict[str, Json]:
    """Return what may be the same under another name: alike, and alike with nothing else."""
    before, after = Counter(gone.values()), Counter(arrived.values())
    new = {mark: name for name, mark in arrived.items()}
    return {name: new[mark] for name, mark in gone.items() if before[mark] == 1 and after[mark] == 1}


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


def _moved_text(columns: Mapping[str, Mapping[str, Json]], rows: tuple[int, int]) -> list[str]:
    far = sorted((name for name in columns if columns[name]["moved"]), key=lambda name: -_far(columns[name]))
    said = []
    if far:
        rest = f" and {len(far) - _SHOWN} more" if len(far) > _SHOWN else ""
        said = [f"moved: {', '.join(f'{name} ({_how(columns[name])})' for name in far[:_SHOWN])}{rest}"]
    if rows[0] == rows[1]:
        turned = [name for name in columns if name not in far and columns[name].get("reordered")]
        others = [_counted(name, columns[name]) for name in columns if name not in (*far, *turned)]
        said.append(_names_text("values changed in", others).replace("ins:", "in:"))
        said.append(_names_text("the same values in another order in", turned).replace("ins:", "in:"))
    elif not far:
        most = sorted((name for name in columns if _far(columns[name])), key=lambda name: -_far(columns[name]))[:3]
        listed = ", ".join(f"{name} {_measure(columns[name])}" for name in most)
        said = [f"no column moved much (most: {listed})"] if most else []
    return said


def _counted(name: str, column: Mapping[str, Json]) -> str:
    cells = column.get("cells")
    return f"{name} (at least {cells:,})" if isinstance(cells, int) else name


def _far(column: Mapping[str, Json]) -> float:
    """Return how far a column moved, by the measure that says more."""
    return max(_measured(column, "psi"), _measured(column, "wasserstein"))


def _measured(column: Mapping[str, Json], name: str) -> float:
    value = column.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _measure(column: Mapping[str, Json]) -> str:
    name = "psi" if _measured(column, "psi") >= _measured(column, "wasserstein") else "wasserstein"
    return f"{'PSI' if name == 'psi' else 'Wasserstein'} {_measured(column, name):.3f}"


def _how(column: Mapping[str, Json]) -> str:
    words = []
    if "type" in column:
        before, after = _pair(column["type"])
        words.append(f"{before} → {after}")
    measures = (("psi", "PSI", MOVED), ("wasserstein", "Wasserstein", CARRIED))
    far = [
        f"{word} {_measured(column, name):.2f}" for name, word, least in measures if _measured(column, name) >= least
    ]
    words += far
    if "mean" in column and far:
        before, after = _pair(column["mean"])
        words.append(f"mean {_short(before)} → {_short(after)}")
    renamed = column.get("renamed")
    pairs = renamed if isinstance(renamed, Mapping) else {}
    words += [f"{old} renamed to {new}?" for old, new in list(pairs.items())[:_SHOWN]]
    for name, word, told in (("new", "new", pairs.values()), ("gone", "vanished", pairs)):
        levels = column.get(name)
        count = sum(level not in told for level in levels) if isinstance(levels, list) else 0
        if count and "mean" not in column:
            words.append(f"{count} {word} {'level' if count == 1 else 'levels'}")
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


def _columns(facts: Mapping[str, Json]) -> Mapping[str, Mapping[str, Json]]:
    columns = facts.get("columns")
    if not isinstance(columns, Mapping):
        return {}
    return {str(name): one for name, one in columns.items() if isinstance(one, Mapping)}


def _number(facts: Mapping[str, Json], name: str) -> int:
    value = facts.get(name)
    return value if isinstance(value, int) else 0
