"""Plays the example through the real command line, in a copy of its own: ``make demo``.

validate → plan → apply → a prediction over HTTP → plan (no changes) → a cosmetic edit → a hyperparameter → more data →
a policy that denies → promotion to prod → destroy. Ends with everything destroyed and nothing left running.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
ORDAIN = Path(sys.executable).with_name("ordain")
BOLD, DIM, OFF = (
    ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else ("",) * 3
)


class Demo:
    """One play. Every command's exit code is checked; the first surprise ends the play with exit 1."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.number = 0

    def scene(self, title: str) -> None:
        self.number += 1
        print(f"\n{BOLD}── {self.number}. {title} {'─' * max(3, 88 - len(title))}{OFF}\n", flush=True)

    def ordain(self, *words: str, expect: int = 0) -> None:
        """Run a command as a user would, its output shown as it comes."""
        print(f"{DIM}${OFF} {BOLD}ordain {' '.join(words)}{OFF}", flush=True)
        started = time.monotonic()
        done = subprocess.run([ORDAIN, *words], cwd=self.project, stdin=subprocess.DEVNULL, check=False)
        print(f"{DIM}(exit {done.returncode}, {time.monotonic() - started:.1f} s){OFF}", flush=True)
        if done.returncode != expect:
            raise SystemExit(f"demo: expected exit {expect} of ordain {' '.join(words)}, got {done.returncode}")

    def output(self, *words: str) -> object:
        done = subprocess.run([ORDAIN, *words], cwd=self.project, capture_output=True, check=True)
        return json.loads(done.stdout)

    def edit(self, name: str, before: str, after: str) -> None:
        """Change a spec and show the change."""
        path = self.project / name
        text = path.read_text(encoding="utf-8")
        if text.count(before) != 1:
            raise SystemExit(f"demo: {before!r} is not once in {name}")
        path.write_text(text.replace(before, after), encoding="utf-8")
        print(f"{DIM}{name}:{OFF}")
        for sign, lines in (("-", before), ("+", after)):
            for line in lines.splitlines():
                print(f"  {sign} {line.strip()}")
        print(flush=True)

    def predict(self, environment: str = "dev") -> None:
        """Ask the server for a prediction, as a client would."""
        record = self.output("state", "show", "deployment.subscriber-api", "--json", "--env", environment)
        assert isinstance(record, dict)
        with gzip.open(self.project / "data/bank-marketing.csv.gz", "rt", encoding="utf-8") as file:
            names = file.readline().strip().split(",")
            row: dict[str, object] = dict(zip(names, file.readline().strip().split(","), strict=True))
        for name in ("age", "balance", "day", "campaign", "pdays", "previous"):
            row[name] = int(str(row[name]))
        del row["deposit"], row["duration"]
        url = f"{record['outputs']['url']}/predict"
        body = json.dumps({"rows": [row]}).encode()
        print(f'{DIM}${OFF} {BOLD}curl {url} -d \'{{"rows": [{{"age": {row["age"]}, …}}]}}\'{OFF}')
        request = urllib.request.Request(url, data=body, headers={"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            print(json.dumps(json.load(response), indent=2), flush=True)


def append_rows(path: Path, count: int) -> None:
    """Append rows with older people and larger balances than before, so that there is something to see."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()
    names = lines[0].split(",")
    fresh = []
    for line in lines[-count:]:
        cells = dict(zip(names, line.split(","), strict=True))
        cells["age"] = str(min(95, int(cells["age"]) + 10))
        cells["balance"] = str(int(cells["balance"]) + 4000)
        fresh.append(",".join(cells[name] for name in names))
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join([*lines, *fresh]) + "\n")


def play(demo: Demo) -> None:
    project = demo.project
    demo.scene("Are the specs valid? No data is read, nothing runs")
    demo.ordain("validate")
    demo.scene("What would happen?")
    demo.ordain("plan", "--out", "plan.json")
    demo.scene("Do exactly that")
    demo.ordain("apply", "plan.json")
    demo.scene("The model answers")
    demo.predict()
    demo.scene("Plan again: there is nothing to do")
    demo.ordain("plan", "--detailed-exitcode")
    demo.scene("A description changes: nothing is trained, nothing is redeployed")
    demo.edit("model.yaml", "description: who will subscribe\n", "description: who will subscribe to a term deposit\n")
    demo.ordain("apply", "--yes")
    demo.scene("A hyperparameter changes: the plan says what it costs, and why, at file:line")
    demo.edit("model.yaml", "learning_rate: 0.1", "learning_rate: 0.08")
    demo.ordain("plan")
    demo.ordain("apply", "--yes")
    demo.predict()
    demo.scene("8,000 rows arrive: the plan says how many, and which columns moved")
    append_rows(project / "data/bank-marketing.csv.gz", 8000)
    demo.ordain("plan", "--detailed-exitcode", expect=2)
    demo.ordain("why", "model.subscriber")
    demo.scene("Somebody lets personal data in: a policy denies it")
    demo.edit("model.yaml", "features: {exclude: [contact]} # personal data stays out", "features: {exclude: []}")
    demo.ordain("plan", expect=5)
    demo.ordain("apply", "--yes", expect=5)
    demo.edit("model.yaml", "features: {exclude: []}", "features: {exclude: [contact]} # personal data stays out")
    demo.ordain("apply", "--yes")
    demo.scene("prod takes what dev trained: promoted, not trained again")
    demo.ordain("apply", "--env", "prod", "--yes")
    demo.predict("prod")
    demo.scene("Take everything down")
    demo.ordain("destroy", "--env", "prod", "--yes")
    demo.ordain("destroy", "--yes")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ordain-demo-") as folder:
        project = Path(folder) / "bank-marketing"
        shutil.copytree(HERE, project, ignore=shutil.ignore_patterns(".ordain", "demo.py", "__pycache__"))
        if shutil.which("terraform") is None and shutil.which("tofu") is None:
            (project / "infrastructure.yaml").unlink()
            print(f"{BOLD}No terraform on this machine: playing without infrastructure.yaml.{OFF}")
        print(f"The project is a copy of {HERE.name} in {project}.")
        demo = Demo(project)
        try:
            play(demo)
        except BaseException:
            for environment in ("prod", "dev"):
                subprocess.run([ORDAIN, "destroy", "--env", environment, "--yes"], cwd=project, check=False)
            raise
    print(f"\n{BOLD}Done. Everything is destroyed, nothing is left running.{OFF}")


if __name__ == "__main__":
    main()
