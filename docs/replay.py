"""Runs the commands of a page and writes their real output into it: ``python docs/replay.py docs/tutorial.md``.

A page is a play in one shell, in an empty folder beside the clone, which is called ``ordain`` there. Its blocks:

* ``console``: lines that begin with ``$`` are run; what follows them is replaced by what they printed;
* a block whose first line is a comment with only a file's name (``# model.yaml``): the file is written;
* everything else is left alone.

Progress of long steps is left out. ``--check`` writes nothing and fails where a page says something else than the
commands print, numbers, digests and line breaks aside.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r"(?:#|//) ([\w./-]+\.(?:yaml|py|sh|toml|tf|j2))\n")
PROGRESS = re.compile(r'^[a-z_]+\.[a-z0-9-]+(?:\["[^"]+"\])?: (?:\w+ing(?: …$| \d+ %|: )|[a-z ]+ …$)')
TIME = r"\d[\d.]* (?:ms|s|min|h)\b(?: \d+ (?:s|min)\b)?"
TIMES = re.compile(
    rf"\n?It took [^\n]*|,? takes (?:about|at least) [^\n]*?\(p50–p90 of [^)]*\)|(?: in)? (?:[\d.]+–|{TIME}–)?{TIME}"
)
"""Durations, with the words that stand only where there is something to tell: they differ from run to run."""
MARK = "@@@end"


def commands(block: str) -> list[str]:
    """Return the commands of a console block, one line each."""
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def play(text: str, folder: Path) -> list[tuple[str, int]]:
    """Run a page's commands in ``folder``; return the output and exit code of each, in order."""
    (folder / "ordain").symlink_to(ROOT)
    script = ["exec 2>&1"]
    for language, body in BLOCK.findall(text):
        named = FILE.match(body)
        if language == "console":
            for command in commands(body):
                script += [command, f'__code=$?; printf "\\n{MARK} %d\\n" $__code; (exit $__code)']
        elif named is not None:
            script.append(f"mkdir -p $(dirname {named[1]}); cat > {named[1]} <<'END_OF_FILE'\n{body}END_OF_FILE")
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {
        **kept,
        "PATH": path,
        "NO_COLOR": "1",
        "USER": "ana",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    told = done.stdout.replace(str(folder), "…").replace(f"@{socket.gethostname()}", "@lab")
    parts = re.split(rf"\n?{MARK} (\d+)\n", told)
    return [(parts[at], int(parts[at + 1])) for at in range(0, len(parts) - 1, 2)]


def shown(output: str) -> str:
    """Return a command's output as a page shows it."""
    lines = [line.rstrip() for line in output.strip("\n").splitlines() if not PROGRESS.match(line)]
    return "\n".join(lines) + "\n" if any(lines) else ""


def rewritten(text: str, results: Sequence[tuple[str, int]]) -> str:
    """Return the page with the outputs put in."""
    waiting = iter(results)

    def block(match: re.Match[str]) -> str:
        if match[1] != "console":
            return match[0]
        body = "".join(f"$ {command}\n{shown(next(waiting, ('', 0))[0])}" for command in commands(match[2]))
        return f"```console\n{body}```"

    return BLOCK.sub(block, text)


_DIGESTS = re.compile(
    r"\b[0-9a-f]{12,64}\b|\bv[0-9a-f]{12}\b|^[0-9a-f]{8}(?=  )|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|SHA256:[A-Za-z0-9+/]{43}",
    re.M,
)


def words(text: str) -> Counter[str]:
    """Return the words of a page, numbers, digests and durations aside."""
    text = TIMES.sub("", _DIGESTS.sub("HEX", text))
    return Counter(re.sub(r"-?\d[\d.,]*(e-\d+)?", "N", text).split())


def end(folder: Path) -> None:
    """Destroy what a page left running, whatever happened."""
    for project in sorted(folder.glob("*/ordain.yaml")):
        if project.parent.name == "ordain":
            continue
        for name in ("prod", "dev"):
            command = [str(Path(sys.executable).with_name("ordain")), "destroy", "--env", name, "--yes"]
            subprocess.run(command, cwd=project.parent, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page is not what happens")
    options = parser.parse_args()
    stale = 0
    for page in options.pages:
        text = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory(prefix="ordain-docs-") as name:
            folder = Path(name)
            try:
                results = play(text, folder)
            finally:
                end(folder)
        found = rewritten(text, results)
        if not options.check:
            page.write_text(found, encoding="utf-8")
        elif words(found) != words(text):
            stale += 1
            print(f"{page}: not what happens; run docs/replay.py {page}")
            print(f"  only in the page: {dict(words(text) - words(found))}")
            print(f"  only in the play: {dict(words(found) - words(text))}")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
