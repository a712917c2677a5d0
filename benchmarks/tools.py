"""The tools under measurement: how each makes its project, plans it, applies it. All through their command lines."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from generate import Files, Nodes, dvc_files, edited, ordain_files, terraform_files, write
from measure import CommandFailed, Cost, Place, run

HERE = Path(__file__).parent
CHANGES = 2  # the exit code of both tools under -detailed-exitcode; every plan is checked against what it must find


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordain:
    """``Value`` documents (``files`` says how they are written), SQLite state in the project's folder."""

    nodes: Nodes
    place: Place
    files: Callable[[Nodes], Files] = ordain_files
    name: str = "ordain"
    backend: str = "sqlite"

    def prepare(self) -> None:
        """Write the project anew: no state, no cache."""
        _empty(self.place.folder)
        write(self.place.folder, self.files(self.nodes))

    def edit(self, revision: int) -> None:
        """Change one value."""
        write(self.place.folder, self.files(edited(self.nodes, revision)))

    def plan(self, *, changes: bool) -> Cost:
        """Plan; raises ``CommandFailed`` where changes are found and none are expected, or none where some are."""
        return run([ordain(), "plan", "--detailed-exitcode"], self.place, expect=CHANGES if changes else 0)

    def plan_again(self) -> Cost:
        """Plan without changes and without what the last plan left behind to be quick."""
        return run([ordain(), "plan", "--detailed-exitcode", "--no-cache"], self.place)

    def apply(self) -> Cost:
        """Plan and apply everything."""
        return run([ordain(), "apply", "--yes"], self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terraform:
    """``terraform_data`` resources; state behind ``address``, or in the project's folder where that is empty."""

    nodes: Nodes
    place: Place
    address: str = ""
    name: str = "terraform"

    @property
    def backend(self) -> str:
        return "http" if self.address else "local"

    def prepare(self) -> None:
        """Write the project anew, without state, and initialise it (not measured)."""
        _empty(self.place.folder)
        write(self.place.folder, self._files(self.nodes))
        run(["terraform", "init", "-input=false", "-no-color"], self.place)

    def edit(self, revision: int) -> None:
        """Change one value."""
        write(self.place.folder, self._files(edited(self.nodes, revision)))

    def plan(self, *, changes: bool) -> Cost:
        """Plan; raises ``CommandFailed`` where changes are found and none are expected, or none where some are."""
        command = ["terraform", "plan", "-input=false", "-no-color", "-detailed-exitcode"]
        return run(command, self.place, expect=CHANGES if changes else 0)

    def apply(self) -> Cost:
        """Plan and apply everything."""
        return run(["terraform", "apply", "-input=false", "-no-color", "-auto-approve"], self.place)

    def _files(self, nodes: Nodes) -> Mapping[str, str]:
        urls = "".join(f'    {name} = "{self.address}"\n' for name in ("address", "lock_address", "unlock_address"))
        return terraform_files(nodes, f'  backend "http" {{\n{urls}  }}\n' if self.address else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dvc:
    """Stages as if all had run.

    ``dvc commit`` records them over outputs that are written beforehand, since ``dvc repro`` of N commands takes long.
    """

    nodes: Nodes
    place: Place
    program: Path
    name: str = "dvc"

    def prepare(self) -> None:
        """Make the pipeline and its lock file (not measured)."""
        _empty(self.place.folder)
        write(self.place.folder, dvc_files(self.nodes))
        for arguments in (
            ("init", "--no-scm", "--quiet"),
            ("config", "core.analytics", "false"),
            ("config", "core.check_update", "false"),
            ("commit", "--force", "--quiet"),
        ):
            run([str(self.program), *arguments], self.place)

    def status(self) -> Cost:
        """``dvc status``; raises ``CommandFailed`` where it finds a change."""
        cost = run([str(self.program), "status"], self.place)
        if "up to date" not in self.place.log.read_text(encoding="utf-8"):
            raise CommandFailed("dvc status finds changes in an unchanged pipeline")
        return cost


def ordain() -> str:
    """The command beside the Python that runs this."""
    return str(Path(sys.executable).parent / "ordain")


def has_terraform() -> bool:
    return shutil.which("terraform") is not None


def install_dvc(place: Place) -> Path:
    """Return the dvc command of an environment made from dvc.txt, once. Raises ``CommandFailed`` without PyPI."""
    folder, pins = HERE / ".venv-dvc", HERE / "dvc.txt"
    program, done = folder / "bin" / "dvc", folder / ".ready"
    if program.exists() and done.exists() and done.read_text(encoding="utf-8") == pins.read_text(encoding="utf-8"):
        return program
    here = replace(place, folder=HERE)
    run([sys.executable, "-m", "venv", "--clear", str(folder)], here)
    run([str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--no-input", "-r", str(pins)], here)
    shutil.copyfile(pins, done)
    return program


@contextmanager
def state_server() -> Iterator[str]:
    """The address of a state backend of its own process; it ends with this context, or with this process."""
    server = subprocess.Popen(
        [sys.executable, str(HERE / "state_server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None and server.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.stdin.close()
        server.stdout.close()
        server.wait(timeout=10)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
