"""Group fairness of a classifier of two classes: how alike the groups fare of each column in ``roles.sensitive``.

Each is a ratio of the least favoured group to the most favoured one, from 0 to 1 (all fare alike), and the least over
the columns. Rows that name no group count for none. Groups with fewer than ``FEWEST`` rows in the held-out part are
left out: the standard error of a rate over 30 rows is up to 0.09, so that chance alone would often break a rule.
Fewer than two groups that are left say nothing, and are an error rather than a 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ordain.api import GROUP_METRICS, Diagnostic, Json
from ordain_sklearn.problems import refuse
from ordain_sklearn.schema import Schema, label

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Flags = np.ndarray[Any, np.dtype[np.bool_]]

FEWEST = 30
Groups = Mapping[str, Sequence[str | None]]
"""Of each sensitive column the group of each row; None where it names none."""


def sensitive(spec: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the columns that the metrics of a spec are to be measured over; () where it names no such metric."""
    roles = spec.get("roles")
    named = roles.get("sensitive") if isinstance(roles, Mapping) else None
    asked = any(True for _ in _asked(spec))
    return tuple(dict.fromkeys(str(name) for name in named)) if asked and isinstance(named, list | tuple) else ()


def check(spec: Mapping[str, Json]) -> tuple[Diagnostic, ...]:
    """Return what is wrong where a metric is over groups and the spec names no column that makes them."""
    return () if sensitive(spec) else tuple(_groupless(name, index) for index, name in _asked(spec))


def fits(spec: Mapping[str, Json], schema: Schema) -> None:
    """Raise ``OrdainError`` where groups cannot be compared whatever is learned: known before anything is fitted."""
    for problem in check(spec):
        raise refuse(problem.code, problem.summary, problem.fix, path=problem.path)
    for index, name in _asked(spec):
        if schema.classes and schema.positive is None:  # a regression is told by what measures one
            raise refuse(
                "metric",
                f"{name} is for two classes, and the target has {len(schema.classes)}",
                "drop the metric, or derive a target of two classes in the dataset",
                path=("spec", "metrics", index),
            )


def _asked(spec: Mapping[str, Json]) -> Iterable[tuple[int, str]]:
    metrics = spec.get("metrics")
    listed = metrics if isinstance(metrics, list | tuple) else ()
    return ((index, str(name)) for index, name in enumerate(listed) if name in GROUP_METRICS)


def _groupless(name: str, index: int) -> Diagnostic:
    problem = refuse(
        "metric-groups",
        f"{name} compares groups, and no column says which there are",
        "name the columns that make them: roles: {sensitive: [COLUMN]}; they are kept and not learned from",
        path=("spec", "metrics", index),
    )
    return problem.diagnostics[0]


def groups_of(table: pa.Table, names: Iterable[str]) -> Groups:
    """Return the groups of a table's rows."""
    return {name: [_group(one) for one in table.column(name).to_pylist()] for name in names}


def _group(value: Any) -> str | None:
    return None if value is None or value != value else label(value)


def demographic_parity_ratio(schema: Schema, said: Any, groups: Groups) -> float:
    """Return the least ratio of selection rates: the share of a group's rows that are said to be positive.

    Below 0.8 the four-fifths rule speaks of adverse impact (EEOC Uniform Guidelines, 29 CFR 1607.4(D)). Raises
    ``ValueError`` where there are no two groups to compare.
    """
    selected = said == schema.positive
    return min(_ratio(column, _large(column, of), selected) for column, of in groups.items())


def equalized_odds_ratio(schema: Schema, truth: Any, said: Any, groups: Groups) -> float:
    """Return the least ratio of true positive rates and of false positive rates (Hardt, Price and Srebro 2016).

    A group without positive rows has no true positive rate, one without negative rows no false positive rate. Raises
    ``ValueError`` where there are no two groups to compare.
    """
    selected, positive = said == schema.positive, truth == schema.positive
    ratios = []
    for column, of in groups.items():
        codes = _large(column, of)
        ratios += [_ratio(column, codes, selected, among) for among in (positive, ~positive)]
    return min(ratios)


def _large(column: str, of: Sequence[str | None]) -> np.ndarray[Any, Any]:
    """Return a number for each row's group, -1 for none and for those of fewer than ``FEWEST`` rows."""
    import numpy as np

    numbers = {group: number for number, group in enumerate(sorted({one for one in of if one is not None}))}
    codes = np.array([-1 if one is None else numbers[one] for one in of], dtype=np.int64)
    sizes = np.bincount(codes[codes >= 0], minlength=1)
    return np.where(np.isin(codes, np.flatnonzero(sizes >= FEWEST)), codes, -1)


def _ratio(column: str, codes: np.ndarray[Any, Any], selected: Flags, among: Flags | None = None) -> float:
    """Return the ratio of the least rate of ``selected`` in a group to the greatest; 1 where all rates are 0."""
    import numpy as np

    counted = codes >= 0 if among is None else (codes >= 0) & among
    sizes = np.bincount(codes[counted], minlength=1)
    hits = np.bincount(codes[counted & selected], minlength=len(sizes))
    rates = hits[sizes > 0] / sizes[sizes > 0]
    if len(rates) < 2:
        what = "" if among is None else ", with rows of both classes"
        raise ValueError(f"fewer than two groups of {column} have {FEWEST} rows in the held-out part{what}")
    greatest = float(rates.max())
    return float(rates.min()) / greatest if greatest else 1.0
