"""Measure Ordain beside Terraform and DVC on this machine, one command after another, and write a report.

make bench                                   sizes 100 to 100,000, about 20 minutes on two cores
.venv/bin/python benchmarks/run.py --quick   100 and 1,000, below two minutes
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from generate import SHAPES, WRITTEN, flat, writer
from measure import CommandFailed, Cost, Place, plain_environment, run
from report import DVC_SIZES, LARGE, LARGEST, MEDIUM, Record, goals, markdown, medians
from tools import HERE, Dvc, Ordain, Terraform, has_terraform, install_dvc, ordain, state_server

QUICK = 1.0  # seconds; what takes less is repeated, for a median that means something
REPEATS = 3
RACY = 2.1  # seconds after which a file's time stamps can be trusted; users' files are older than that
EXAMPLE = HERE.parent / "examples" / "bank-marketing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What one run of the benchmarks holds together; ``records`` and ``notes`` grow."""

    place: Place
    sizes: tuple[int, ...]
    shapes: tuple[str, ...]
    rounds: int
    quick: bool = False
    records: list[Record] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def at(self, name: str) -> Place:
        return replace(self.place, folder=self.place.folder / name)

    def loud(self, note: str) -> None:
        """Say what is missing where nobody overlooks it, and in the report."""
        print(f"\n{'!' * 100}\n!! {note}\n{'!' * 100}\n", flush=True)
        self.notes.append(note)

    def fail(self, what: str, error: CommandFailed) -> None:
        """Say that a tool failed: the numbers that are missing are missing for this reason."""
        print(error, flush=True)
        self.loud(f"{what} could not be measured: {str(error).splitlines()[0]}")
        self.failures.append(what)

    def measure(self, subject: tuple[str, str, str, int], operation: str, round: int, work: Callable[[], Cost]) -> Cost:
        """Do ``work`` once and keep its cost."""
        tool, backend, shape, size = subject
        load = os.getloadavg()[0]
        cost = work()
        self.records.append(
            Record(
                tool=tool, backend=backend, shape=shape, size=size, operation=operation, round=round, load=round_(load),
                wall=cost.wall, cpu=cost.cpu, memory=cost.memory,
            )
        )  # fmt: skip
        what = f"{shape} {size:,}" if size else shape
        print(
            f"  {tool:10}{what:16}{operation:18}{cost.wall:9.3f} s {cost.cpu:9.3f} s CPU {cost.memory / 1e6:7.0f} MB",
            flush=True,
        )
        return cost

    def repeat(self, subject: tuple[str, str, str, int], operation: str, round: int, work: Callable[[], Cost]) -> None:
        """Do ``work`` once, and where it is quick a few times more."""
        if self.measure(subject, operation, round, work).wall < QUICK:
            for _ in range(REPEATS - 1):
                self.measure(subject, operation, round, work)


def round_(load: float) -> float:
    return round(load, 2)


def measure_cycle(bench: Bench, tool: Ordain | Terraform, what: tuple[str, int, int]) -> None:
    """One project: plan from nothing, apply, plan without changes, after one change; on local state, apply alone."""
    shape, size, round = what
    subject = (tool.name, tool.backend, shape, size)
    tool.prepare()
    time.sleep(RACY)
    if tool.backend == "local":
        bench.measure(subject, "apply", round, tool.apply)
        return
    bench.measure(subject, "plan-new", round, lambda: tool.plan(changes=True))
    bench.measure(subject, "apply", round, tool.apply)
    if isinstance(tool, Ordain):
        bench.measure(subject, "plan-settled", round, lambda: tool.plan(changes=False))
    bench.repeat(subject, "plan-unchanged", round, lambda: tool.plan(changes=False))
    if isinstance(tool, Ordain):
        bench.measure(subject, "plan-uncached", round, tool.plan_again)
    tool.edit(revision=1)
    bench.repeat(subject, "plan-changed", round, lambda: tool.plan(changes=True))


def measure_tools(bench: Bench, server: str | None) -> None:
    """Ordain and Terraform in turn, at each size and shape; where one fails, the rest is still measured."""
    for size in bench.sizes:
        for shape in bench.shapes:
            nodes = SHAPES[shape](size)
            for number in range(1, bench.rounds + 1):
                tools: list[Ordain | Terraform] = [Ordain(nodes=nodes, place=bench.at("ordain"))]
                if server is not None and (size <= MEDIUM or number == 1):  # ten minutes a round at 10,000
                    place = bench.at("terraform")
                    tools.append(Terraform(nodes=nodes, place=place, address=f"{server}/{shape}-{size}-{number}"))
                    if size < MEDIUM or (
                        size == MEDIUM and number == 1 and not bench.quick
                    ):  # half a minute, and quadratic
                        tools.append(Terraform(nodes=nodes, place=place))
                for tool in tools:
                    try:
                        measure_cycle(bench, tool, (shape, size, number))
                    except CommandFailed as error:
                        bench.fail(f"{tool.name}, {shape} {size:,}", error)


def measure_written(bench: Bench, shapes: Sequence[str]) -> None:
    """The values of the flat projects in the words that Ordain alone has; Terraform's flat project is their twin."""
    for size in (size for size in bench.sizes if size in (MEDIUM, LARGE)):
        for shape in shapes:
            for number in range(1, bench.rounds + 1):
                measure_alone(bench, (shape, size, number))


def measure_alone(bench: Bench, what: tuple[str, int, int]) -> None:
    """One project of Ordain's; no other tool has to wait for this many resources, or can say it so."""
    shape, size, _ = what
    nodes = SHAPES.get(shape, flat)(size)
    try:
        measure_cycle(bench, Ordain(nodes=nodes, place=bench.at("ordain"), files=writer(shape)), what)
    except CommandFailed as error:
        bench.fail(f"ordain, {shape} {size:,}", error)


def measure_dvc(bench: Bench, sizes: Sequence[int]) -> None:
    """``dvc status`` over unchanged stages, and ``ordain plan`` over as many Values where that is not measured yet."""
    print("DVC: its environment (made once, a minute or two)", flush=True)
    try:
        program = install_dvc(bench.place)
    except CommandFailed as error:
        bench.loud("DVC cannot be installed, its rows are left out: " + str(error).splitlines()[-1][-200:])
        return
    for size in sizes:
        dvc = Dvc(nodes=flat(size), place=bench.at("dvc"), program=program)
        dvc.prepare()
        dvc.status()  # a warm-up: it remembers the files' digests
        for number in range(1, bench.rounds + 1):
            bench.measure(("dvc", "", "flat", size), "status", number, dvc.status)
        if not any((one.tool, one.shape, one.size) == ("ordain", "flat", size) for one in bench.records):
            values = settled(Ordain(nodes=flat(size), place=bench.at("ordain")))
            for number in range(1, bench.rounds + 1):
                bench.measure(("ordain", "sqlite", "flat", size), "plan-unchanged", number, values)


def settled(project: Ordain) -> Callable[[], Cost]:
    """Apply a project and plan it once; return the plan without changes, to be measured."""
    project.prepare()
    time.sleep(RACY)
    project.apply()
    project.plan(changes=False)
    return lambda: project.plan(changes=False)


def measure_starts(bench: Bench, times: int) -> None:
    """What the smallest commands cost, and an unchanged project of everyday size."""
    small = settled(Ordain(nodes=flat(5), place=bench.at("small")))
    here = bench.place
    commands: dict[tuple[str, str], Callable[[], Cost]] = {
        ("python", "python"): lambda: run([sys.executable, "-c", "pass"], here),
        ("ordain", "ordain-help"): lambda: run([ordain(), "--help"], here),
        ("ordain", "small"): small,
    }
    if has_terraform():
        commands["terraform", "terraform-version"] = lambda: run(["terraform", "version"], here)
    for number in range(1, times + 1):
        for (tool, operation), work in commands.items():
            bench.measure((tool, "", "start-up", 0), operation, number, work)
    try:
        measure_example(bench, times)
    except CommandFailed as error:
        bench.fail("examples/bank-marketing", error)


def measure_example(bench: Bench, times: int) -> None:
    """An unchanged plan of examples/bank-marketing after an apply, without and with its Terraform module."""
    place = bench.at("example")
    unchanged = partial(run, [ordain(), "plan", "--detailed-exitcode"], place)
    shutil.copytree(EXAMPLE, place.folder, ignore=shutil.ignore_patterns(".*", "__pycache__", "infrastructure.yaml"))
    try:
        for operation in ("example", "example-terraform"):
            if operation == "example-terraform":
                if not has_terraform():
                    return
                shutil.copy(EXAMPLE / "infrastructure.yaml", place.folder)
            time.sleep(RACY)
            run([ordain(), "apply", "--yes"], place)
            unchanged()  # a warm-up
            for number in range(1, times + 1):
                bench.measure(("ordain", "", "start-up", 0), operation, number, unchanged)
    finally:
        run([ordain(), "destroy", "--yes"], place)  # its server too


def machine() -> dict[str, object]:
    """What the numbers depend on; no names or paths of this machine."""
    root = HERE.parent
    commit = _said(["git", "-C", str(root), "rev-parse", "--short", "HEAD"])
    dirty = _said(["git", "-C", str(root), "status", "--porcelain", "--", "engine", "plugins"])
    found: dict[str, object] = {
        "measured": datetime.now(UTC).isoformat(timespec="minutes"),
        "ordain": f"{_said([ordain(), '--version'])} at {commit}{', with changes not committed' if dirty else ''}",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "load before": round_(os.getloadavg()[0]),
    }
    if has_terraform():
        found["terraform"] = json.loads(_said(["terraform", "version", "-json"]))["terraform_version"]
    pins = (HERE / "dvc.txt").read_text(encoding="utf-8").splitlines()
    found["dvc"] = next(line.partition("==")[2] for line in pins if line.startswith("dvc=="))
    return found


def _said(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "CHECKPOINT_DISABLE": "1"}
    )
    return done.stdout.strip()


@contextmanager
def workplace() -> Iterator[Place]:
    """A folder for the projects, gone afterwards; on the checkout's disk, since in memory syncing would be free."""
    (HERE / ".work").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=HERE / ".work"))
    try:
        yield Place(folder=folder, environment=plain_environment(folder), log=folder / "output.log")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure Ordain beside Terraform and DVC; write a report.")
    numbers = lambda text: tuple(int(part) for part in text.split(","))  # noqa: E731
    parser.add_argument("--sizes", type=numbers, default=(100, 1000, 10000), help="default 100,1000,10000")
    parser.add_argument(
        "--shapes",
        type=lambda text: tuple(text.split(",")),
        default=(*SHAPES, *WRITTEN),
        help=f"default {','.join((*SHAPES, *WRITTEN))}; Terraform has the first {len(SHAPES)}",
    )
    parser.add_argument("--quick", action="store_true", help="100 and 1,000, one round: a smoke test, no result")
    parser.add_argument(
        "--repeat", type=int, default=3, help="rounds of a size (above 1,000 Terraform has one); default 3"
    )
    parser.add_argument(
        "--largest",
        type=int,
        default=LARGEST,
        help=f"flat, Ordain alone, once; default {LARGEST}; 0: leave it out",
    )
    parser.add_argument("--no-dvc", action="store_true", help="leave DVC out")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="default benchmarks/results")
    return parser.parse_args()


def save(bench: Bench, about: dict[str, object], out: Path) -> None:
    """Write results.json, report.md and the plots."""
    out.mkdir(parents=True, exist_ok=True)
    found = medians(bench.records)
    result = {
        "format": 1,
        "machine": about,
        "notes": bench.notes,
        "goals": [asdict(goal) for goal in goals(found)],
        "records": [asdict(record) for record in bench.records],
    }
    (out / "results.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "report.md").write_text(markdown(found, about, bench.notes), encoding="utf-8")
    from plot import draw  # late: what the runner holds counts into the memory of what it starts

    draw(found, out)


def main() -> None:
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    sizes = (100, 1000) if asked.quick else asked.sizes
    about, begun = machine(), time.monotonic()
    with workplace() as place, state_server() as server:
        rounds = 1 if asked.quick else asked.repeat
        shapes = tuple(shape for shape in asked.shapes if shape in SHAPES)
        bench = Bench(place=place, sizes=sizes, shapes=shapes, rounds=rounds, quick=asked.quick)
        if not has_terraform():
            bench.loud("No terraform on PATH: only Ordain is measured, and no goal beside Terraform is judged.")
        print("Warm-up, start-up: wall, CPU, peak memory", flush=True)
        run([ordain(), "--help"], place)
        measure_starts(bench, times=3 if asked.quick else 10)
        measure_tools(bench, server if has_terraform() else None)
        measure_written(bench, [shape for shape in asked.shapes if shape in WRITTEN])
        if asked.largest and "flat" in shapes and not asked.quick:
            measure_alone(bench, ("flat", asked.largest, 1))
        if asked.no_dvc:
            bench.notes.append("DVC was left out (--no-dvc).")
        else:
            measure_dvc(bench, DVC_SIZES[:1] if asked.quick else DVC_SIZES)
    about["minutes"] = round((time.monotonic() - begun) / 60, 1)
    save(bench, about, asked.out)
    print(f"\n{len(bench.records)} measurements in {about['minutes']} minutes.", flush=True)
    for goal in goals(medians(bench.records)):
        verdict = {True: "met", False: "NOT MET", None: "not measured"}[goal.met]
        print(f"  {goal.work:75} {goal.goal:35} {goal.found:25} {verdict}")
    print(f"Report: {os.path.relpath(asked.out / 'report.md')}")
    sys.exit(1 if bench.failures else 0)


if __name__ == "__main__":
    main()
