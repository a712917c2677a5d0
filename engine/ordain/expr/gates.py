"""Gates: CEL over the metrics of a candidate and of the champion.

A gate reads metrics by name (``roc_auc``), ``candidate.roc_auc``, ``champion.roc_auc``, ``has_champion``, and calls
``not_worse("roc_auc", 0.01)``: not worse than the champion by more than 0.01, whichever way is better for the metric.
Without a champion a comparison passes and says so.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ordain.expr.cel import CelError, CelFunction, CelType, Compiled, Fault, compile_expression
from ordain.values.data import Json
from ordain.values.record import Outcome, Verdict

LOWER_IS_BETTER = frozenset({"log_loss", "brier_score", "mse", "mae", "rmse", "mape", "median_ae"})
"""Metrics that are better when lower; all others are better when higher."""

Metrics = Mapping[str, Json]

_WORDS = ("candidate", "champion", "has_champion")
_MEMBER = re.compile(r"(?<![\w.])(candidate|champion)\s*\.\s*([A-Za-z_]\w*)")
_NOT_WORSE = re.compile(r"not_worse\s*\(\s*(\"[^\"]*\"|'[^']*')")
_STRING = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
_SIMPLE = re.compile(r"\s*(?:candidate\s*\.\s*)?([A-Za-z_]\w*)\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*")
_SYMBOL = {">=": "≥", "<=": "≤", ">": ">", "<": "<"}
_FIRST = "no champion yet: passes"
_CONTRARY = {">=": "<", "<=": ">", ">": "≤", "<": "≥"}


def check_gates(gates: Sequence[str], metrics: Sequence[str]) -> tuple[tuple[int, str, int], ...]:
    """Return what is wrong with gates over these metrics: index of the gate, one sentence, offset in its text."""
    return tuple(
        (index, fault.message, fault.offset) for index, gate in enumerate(gates) if (fault := _fault(gate, metrics))
    )


def compares(gate: str) -> bool:
    """Say whether a gate looks at the champion, so that its verdict may be another under another champion."""
    bare = _STRING.sub('""', gate)
    return bool(re.search(r"\b(champion|has_champion|not_worse)\b", bare))


def judge(
    gates: Sequence[str], metrics: Sequence[str], candidate: Metrics, champion: Metrics | None
) -> tuple[Verdict, ...]:
    """Return one verdict a gate; ``metrics`` are the names gates may use, ``champion`` is None where there is none.

    ``unknown`` where a metric was not measured (of the champion, say), ``error`` where the gate cannot be judged.
    """
    return tuple(_verdict(gate, metrics, candidate, champion) for gate in gates)


def _fault(gate: str, metrics: Sequence[str]) -> CelError | None:
    try:
        compiled = _compile(gate, metrics, None)
    except CelError as error:
        return _explained(error, gate, metrics)
    if compiled.returns not in (CelType.BOOL, CelType.DYN):
        return CelError(f"a gate says yes or no; this one gives a {compiled.returns}", 0, Fault.TYPE)
    return next(_strangers(gate, metrics), None)


def _explained(error: CelError, gate: str, metrics: Sequence[str]) -> CelError:
    if error.fault is not Fault.NAME:
        return error
    if error.name == "not_worse":
        message = 'not_worse takes a metric and a number, as in not_worse("roc_auc", 0.01)'
        return CelError(message, error.offset, Fault.NAME, error.name)
    if gate[error.offset + len(error.name) :].lstrip().startswith("("):
        return error
    return _unknown_metric(error.name, error.offset, metrics)


def _unknown_metric(name: str, offset: int, metrics: Sequence[str]) -> CelError:
    near = difflib.get_close_matches(name, (*metrics, *_WORDS), n=1)
    listed = ", ".join(metrics) or "none"
    tip = f"did you mean {near[0]}?" if near else f"metrics lists: {listed}"
    return CelError(f"there is no metric {name}; {tip}", offset, Fault.NAME, name)


def _strangers(gate: str, metrics: Sequence[str]) -> Iterator[CelError]:
    """Yield members of ``candidate`` and ``champion``, and first arguments of ``not_worse``, that are no metrics."""
    blank = _STRING.sub(lambda found: " " * len(found[0]), gate)
    for found in _MEMBER.finditer(blank):
        if found[2] not in metrics:
            yield _unknown_metric(found[2], found.start(2), metrics)
    for found in _NOT_WORSE.finditer(gate):
        name = found[1][1:-1]
        if name not in metrics:
            yield _unknown_metric(name, found.start(1) + 1, metrics)
    confident = re.search(r"not_worse\s*\([^,()]*,[^,()]*,", gate)
    if confident:
        message = "not_worse with a confidence is not supported in this version: leave the third argument out"
        yield CelError(message, confident.start(), Fault.TYPE, "not_worse")


@dataclass(slots=True)
class _Comparison:
    """What ``not_worse`` saw while one gate was evaluated; ``champion`` is None where there is none."""

    candidate: Metrics
    champion: Metrics | None
    seen: list[str] = field(default_factory=list)

    def not_worse(self, metric: str, by: float) -> bool:
        if self.champion is None:
            self.seen.append(_FIRST)
            return True
        mine, theirs = _number(self.candidate, metric, ""), _number(self.champion, metric, "champion.")
        worse = mine - theirs if metric in LOWER_IS_BETTER else theirs - mine
        ok = worse <= by
        how = "not worse" if worse <= 0 else f"worse by {spell(worse)}"
        limit = "" if worse <= 0 else f", at most {by:g} allowed" if ok else f", more than {by:g}"
        self.seen.append(f"{metric} {spell(mine)}, champion {spell(theirs)}: {how}{limit}")
        return ok


_NOTHING = _Comparison({}, None)


class _Unmeasured(ValueError):
    """A metric that a gate needs and nobody measured."""


def _number(metrics: Metrics, name: str, prefix: str) -> float:
    value = metrics.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unmeasured(f"unmeasured:{prefix}{name}:")
    return float(value)


def _compile(gate: str, metrics: Sequence[str], comparison: _Comparison | None) -> Compiled:
    seen = comparison or _NOTHING
    variables = dict.fromkeys(metrics, CelType.DOUBLE)
    variables |= {"candidate": CelType.MAP, "champion": CelType.MAP, "has_champion": CelType.BOOL}
    functions = tuple(
        CelFunction(name="not_worse", parameters=parameters, returns=CelType.BOOL, run=run)
        for number in (CelType.DOUBLE, CelType.INT)
        for parameters, run in (
            ((CelType.STRING, number), seen.not_worse),
            ((CelType.STRING, number, CelType.DOUBLE), _confidence),
        )
    )
    return compile_expression(gate, variables, functions)


def _confidence(metric: str, by: float, confidence: float) -> bool:
    raise ValueError("not_worse with a confidence is not supported in this version")


def _verdict(gate: str, metrics: Sequence[str], candidate: Metrics, champion: Metrics | None) -> Verdict:
    comparison = _Comparison(candidate, champion)
    activation: dict[str, object] = {name: float(value) for name, value in _numbers(candidate) if name in metrics}
    activation |= {
        "candidate": dict(_numbers(candidate)),
        "champion": dict(_numbers(champion or {})),
        "has_champion": champion is not None,
    }
    try:
        passed = _compile(gate, metrics, comparison).evaluate(activation)
    except CelError as error:
        return _undecided(gate, error, champion)
    if not isinstance(passed, bool):
        return Verdict(rule=gate, outcome=Outcome.ERROR, detail="a gate says yes or no; this one does not")
    seen = [one for one in dict.fromkeys(comparison.seen) if passed or one != _FIRST]
    detail = "; ".join(one for one in (_detail(gate, passed, candidate, champion, metrics), *seen) if one)
    return Verdict(rule=gate, outcome=Outcome.PASS if passed else Outcome.FAIL, detail=detail)


def _undecided(gate: str, error: CelError, champion: Metrics | None) -> Verdict:
    if (
        champion is None
        and error.fault is Fault.MISSING
        and re.search(rf"champion\s*\.\s*{re.escape(error.name)}\b", gate)
    ):
        return Verdict(rule=gate, outcome=Outcome.PASS, detail=_FIRST)
    unmeasured = re.search(r"unmeasured:(champion\.)?(\w+):", error.message)
    name = unmeasured[2] if unmeasured else error.name
    if unmeasured or error.fault is Fault.MISSING:
        of_champion = bool(unmeasured and unmeasured[1]) or (champion is not None and name not in champion)
        whose = "of the champion " if of_champion else ""
        return Verdict(rule=gate, outcome=Outcome.UNKNOWN, detail=f"{name} {whose}was not measured")
    return Verdict(rule=gate, outcome=Outcome.ERROR, detail=error.message)


def _numbers(metrics: Metrics) -> Iterator[tuple[str, float]]:
    for name, value in metrics.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, float(value)


def _detail(gate: str, passed: bool, candidate: Metrics, champion: Metrics | None, metrics: Sequence[str]) -> str:
    simple = _SIMPLE.fullmatch(gate)
    mine = dict(_numbers(candidate))
    if simple and simple[1] in mine:
        symbol = (_SYMBOL if passed else _CONTRARY)[simple[2]]
        return f"{simple[1]} {spell(mine[simple[1]], float(simple[3]))} {symbol} {simple[3]}"
    blank = _STRING.sub(lambda found: " " * len(found[0]), gate)
    told = [f"{name} {spell(mine[name])}" for name in metrics if name in mine and _mentions(blank, name)]
    theirs = dict(_numbers(champion or {}))
    members = dict.fromkeys(found[2] for found in _MEMBER.finditer(blank) if found[1] == "champion")
    told += [f"champion's {spell(theirs[name])}" for name in members if name in theirs]
    return ", ".join(told)


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w]){re.escape(name)}\b", text) is not None


def spell(value: float, near: float = math.nan) -> str:
    """Return a metric as people read it: four decimals, more where those would hide that it is not ``near``."""
    short = f"{value:.0f}" if value.is_integer() and abs(value) > 1 else f"{value:.4f}"
    return repr(value) if float(short) == near and value != near else short
