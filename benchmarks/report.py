"""From raw numbers to medians, ratios, growth exponents, goals met or not, and tables. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

OPERATIONS = {
    "plan-new": "plan from nothing",
    "apply": "apply",
    "plan-settled": "plan without changes, the first after apply",
    "plan-unchanged": "plan without changes",
    "plan-uncached": "plan without changes, `--no-cache`",
    "plan-changed": "plan after one change",
}
STARTS = {
    "python": "`python -c pass`",
    "terraform-version": "`terraform version`",
    "ordain-help": "`ordain --help`",
    "small": "`ordain plan`, 5 Values unchanged",
    "example": "`ordain plan`, bank-marketing unchanged, without its Terraform module",
    "example-terraform": "`ordain plan`, bank-marketing unchanged, with its Terraform module",
}
LARGEST, LARGE, MEDIUM = 100_000, 10_000, 1_000
WRITTEN = ("for_each", "blueprints", "overrides", "mixed", "judged")
"""Shapes that Ordain alone has: the resources of a flat project, which is what Terraform plans beside them."""
DVC_SIZES = (1_000, 3_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One measured command. Seconds, bytes; ``load`` is the machine's one-minute load average before it."""

    tool: str
    backend: str
    shape: str
    size: int
    operation: str
    round: int
    wall: float
    cpu: float
    memory: int
    load: float


class Key(NamedTuple):
    """What was measured; the same command run several times has one key."""

    tool: str
    shape: str
    size: int
    operation: str
    backend: str = ""


class Median(NamedTuple):
    """Medians over the runs of one key: seconds, seconds, bytes; and how many runs."""

    wall: float
    cpu: float
    memory: float
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One line of the goals: what was asked, what was found; ``met`` is None where it was not measured."""

    work: str
    goal: str
    found: str
    met: bool | None


Medians = Mapping[Key, Median]


def medians(records: Iterable[Record]) -> Medians:
    """Return the medians of each key. ``backend`` is left out where a tool has one state (Terraform: kept on HTTP)."""
    groups: dict[Key, list[Record]] = defaultdict(list)
    for one in records:
        backend = "local" if one.backend == "local" else ""
        groups[Key(one.tool, one.shape, one.size, one.operation, backend)].append(one)
    return {
        key: Median(
            wall=median(one.wall for one in group),
            cpu=median(one.cpu for one in group),
            memory=median(one.memory for one in group),
            runs=len(group),
        )
        for key, group in groups.items()
    }


def exponent(points: Mapping[int, float]) -> float | None:
    """Return the slope of log y over log x by least squares; None with fewer than two sizes."""
    if len(points) < 2:
        return None
    xs, ys = [math.log(x) for x in points], [math.log(y) for y in points.values()]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle_x) ** 2 for x in xs)
    return sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / spread


def growth(found: Medians, tool: str, shape: str, operation: str) -> float | None:
    """Return the growth exponent of wall time from 1,000 on."""
    return exponent({size: found[Key(tool, shape, size, operation)].wall
                     for size in sizes_of(found, shape) if size >= MEDIUM
                     and Key(tool, shape, size, operation) in found})  # fmt: skip


def ratio(found: Medians, ours: Key, theirs: Key) -> float | None:
    """Return ours / theirs in wall time; None where one was not measured."""
    if ours not in found or theirs not in found:
        return None
    return found[ours].wall / found[theirs].wall


def peak(found: Medians, tool: str, shape: str, size: int) -> float | None:
    """Return the largest memory over all operations of a tool, bytes."""
    whole = (tool, shape, size, "")
    sizes = [value.memory for key, value in found.items() if (*key[:3], key.backend) == whole]
    return max(sizes, default=None)


def goals(found: Medians) -> Sequence[Goal]:
    """Judge the table of DESIGN §8; every shape that was measured is judged by itself."""
    shapes = sorted({key.shape for key in found if key.operation == "plan-new"})
    judged: list[Goal] = []
    for shape in shapes:
        twin = _twin(shape)
        for operation, least in (("plan-unchanged", 50), ("plan-new", 5)):
            ours, theirs = Key("ordain", shape, LARGE, operation), Key("terraform", twin, LARGE, operation)
            judged.append(
                _at_most(f"{OPERATIONS[operation]}, 10,000 {shape}", "of Terraform", ratio(found, ours, theirs), least)
            )
        ours = Key("ordain", shape, MEDIUM, "apply")
        local, http = (Key("terraform", twin, MEDIUM, "apply", backend) for backend in ("local", ""))
        judged.append(_at_most(f"apply 1,000 {shape}", "of Terraform on local state", ratio(found, ours, local), 15))
        judged.append(_at_most(f"apply 1,000 {shape}", "of Terraform on HTTP state", ratio(found, ours, http), 1))
        ours_peak, theirs_peak = peak(found, "ordain", shape, LARGE), peak(found, "terraform", twin, LARGE)
        quotient = None if ours_peak is None or theirs_peak is None else ours_peak / theirs_peak
        judged.append(_at_most(f"peak memory, 10,000 {shape}", "of Terraform", quotient, 4))
        judged.extend(_growth_goals(found, shape))
    beside = ratio(found, Key("ordain", "judged", LARGE, "plan-new"), Key("ordain", "flat", LARGE, "plan-new"))
    judged.append(
        Goal(
            work="20 policies, 10,000 resources",
            goal="judging adds less than the plan costs",
            found="not measured" if beside is None else f"{beside:.2f} of a plan without policies",
            met=None if beside is None else beside < 2,
        )
    )
    judged.extend(_start_goals(found))
    for size in DVC_SIZES:
        quotient = ratio(found, Key("ordain", "flat", size, "plan-unchanged"), Key("dvc", "flat", size, "status"))
        judged.append(_at_most(f"{size:,} unchanged", "of `dvc status`", quotient, 20))
    return judged


def _twin(shape: str) -> str:
    """Return the shape of Terraform's project with the same resources."""
    return "flat" if shape in WRITTEN else shape


def _growth_goals(found: Medians, shape: str) -> Iterable[Goal]:
    largest = max(sizes_of(found, shape))
    for operation, text in OPERATIONS.items():
        slope = growth(found, "ordain", shape, operation)
        yield Goal(
            work=f"growth, {text}, {shape}",
            goal="exponent ≤ 1.1",
            found="not measured" if slope is None else f"{slope:.2f} (1,000 to {largest:,})",
            met=None if slope is None else slope <= 1.1,
        )
    memory = peak(found, "ordain", shape, LARGEST)
    if shape != "flat" and memory is None:
        return
    yield Goal(
        work=f"peak memory, 100,000 {shape}",
        goal="≤ 2 GB",
        found="not measured" if memory is None else f"{memory / 1e9:.2f} GB",
        met=None if memory is None else memory <= 2e9,
    )


def _start_goals(found: Medians) -> Iterable[Goal]:
    for operation, limit in (("ordain-help", 0.080), ("small", 0.100), ("example", 0.100)):
        value = found.get(Key("ordain", "start-up", 0, operation))
        yield Goal(
            work=STARTS[operation],
            goal=f"≤ {limit * 1000:.0f} ms",
            found="not measured" if value is None else f"{value.wall * 1000:.0f} ms",
            met=None if value is None else value.wall <= limit,
        )


def _at_most(work: str, of: str, quotient: float | None, least: int) -> Goal:
    share = f"1/{least}" if least > 1 else "1"
    found = "not measured"
    if quotient:
        found = f"1/{1 / quotient:.1f}" if quotient < 1 else f"{quotient:.2f} ×"
    return Goal(work=work, goal=f"≤ {share} {of}", found=found, met=None if quotient is None else quotient <= 1 / least)


def markdown(found: Medians, machine: Mapping[str, object], notes: Sequence[str]) -> str:
    """Return the report: goals first, then every median."""
    judged = goals(found)
    counts = [sum(goal.met is verdict for goal in judged) for verdict in _VERDICTS]
    verdicts = [(one.work, one.goal, one.found, _VERDICTS[one.met]) for one in judged]
    sections = {
        "# Ordain beside Terraform and DVC": [f"- {name}: {value}" for name, value in machine.items()] + ["", _ABOUT],
        "## Goals (DESIGN §8)": [
            "{} met, {} not met, {} not measured.".format(*counts),
            "",
            *_table(("work", "goal", "found", "verdict"), verdicts),
        ],
        **{f"## {text[0].upper()}{text[1:]}": _operation(found, key) for key, text in OPERATIONS.items()},
        "## Growth from 1,000 resources": [_GROWTH, "", *_growth_table(found)],
        "## Start-up": _start_table(found),
        "## Unchanged, beside `dvc status`": _dvc_table(found),
    }
    sections["# Ordain beside Terraform and DVC"] += [f"\n> **{note}**" for note in notes]
    return "\n\n".join(f"{head}\n\n" + "\n".join(lines) for head, lines in sections.items()) + "\n"


_VERDICTS = {True: "met", False: "**not met**", None: "not measured"}
_ABOUT = """Medians of wall time, of the CPU time of the whole process tree, and of the memory of its largest process.
Both tools plan and apply as they come (ten steps at once). Terraform keeps its state behind HTTP on loopback, the
kinder setting for it, unless a row says local. Layered projects have ten layers at every N. The shapes for_each,
blueprints, overrides and mixed are the resources of a flat project in words that only Ordain has: beside them stands
Terraform's flat project. 100,000 is Ordain alone, in one round."""
_GROWTH = "Time ~ N^exponent, by least squares of log time on log N."


def _operation(found: Medians, operation: str) -> list[str]:
    rows = []
    for shape in sorted({key.shape for key in found if key.operation == "plan-new"}):
        for size in sizes_of(found, shape):
            for tool, backend in (("ordain", ""), ("terraform", ""), ("terraform", "local")):
                value = found.get(Key(tool, shape, size, operation, backend))
                if value is None:
                    continue
                theirs = Key("terraform", shape, size, operation, backend)
                quotient = ratio(found, Key("ordain", shape, size, operation), theirs) if tool != "ordain" else None
                rows.append(
                    (
                        shape,
                        f"{size:,}",
                        f"{tool}, local state" if backend else tool,
                        f"{value.wall:.3f}",
                        f"{value.cpu:.3f}",
                        f"{value.memory / 1e6:.0f}",
                        "" if quotient is None else f"{1 / quotient:.1f} ×",
                        str(value.runs),
                    )
                )
    return _table(("shape", "N", "tool", "wall s", "CPU s", "peak MB", "Ordain is faster by", "runs"), rows)


def _growth_table(found: Medians) -> list[str]:
    rows = []
    for shape in sorted({key.shape for key in found if key.operation == "plan-new"}):
        for operation, text in OPERATIONS.items():
            slopes = [growth(found, tool, shape, operation) for tool in ("ordain", "terraform")]
            rows.append((text, shape, *("–" if slope is None else f"{slope:.2f}" for slope in slopes)))
    return _table(("work", "shape", "ordain", "terraform"), rows)


def _start_table(found: Medians) -> list[str]:
    rows = []
    for operation, text in STARTS.items():
        for value in (found[key] for key in found if (key.shape, key.operation) == ("start-up", operation)):
            rows.append((text, f"{value.wall * 1000:.0f}", f"{value.cpu * 1000:.0f}", f"{value.memory / 1e6:.0f}"))
    return _table(("command", "wall ms", "CPU ms", "peak MB"), rows)


def _dvc_table(found: Medians) -> list[str]:
    rows = []
    for size in DVC_SIZES:
        ours, theirs = Key("ordain", "flat", size, "plan-unchanged"), Key("dvc", "flat", size, "status")
        quotient = ratio(found, ours, theirs)
        for tool, key in (("`ordain plan`", ours), ("`dvc status`", theirs)):
            if key in found:
                faster = f"{1 / quotient:.1f} ×" if quotient and key == theirs else ""
                rows.append((f"{size:,}", tool, f"{found[key].wall:.3f}", f"{found[key].memory / 1e6:.0f}", faster))
    return _table(("N", "command", "wall s", "peak MB", "Ordain is faster by"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *lines] if lines else ["Not measured."]


def sizes_of(found: Medians, shape: str) -> list[int]:
    return sorted({key.size for key in found if key.shape == shape and key.operation == "plan-new"})
