"""One command, run to its end: wall time, CPU time and peak memory of the whole process tree."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds of wall clock and of CPU (user and system, children included); bytes of the largest process."""

    wall: float
    cpu: float
    memory: int


class CommandFailed(Exception):
    """The command ended with an exit code other than the expected one, or did not end in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where commands run: folder, environment, the file that takes their output, seconds until they are ended."""

    folder: Path
    environment: Mapping[str, str]
    log: Path
    timeout: float = 1800.0


def run(command: Sequence[str], place: Place, *, expect: int = 0) -> Cost:
    """Run a command and return its cost.

    ``wait4`` gives the usage of the child and of all it waited for; its ``ru_maxrss`` is that of the largest of them (a
    child counts the runner's own memory until it executes, about 20 MB: why nothing big is imported in the runner).
    Raises ``CommandFailed`` with the end of the output.
    """
    with place.log.open("wb") as log:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=place.folder,
            env=dict(place.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        end = threading.Timer(place.timeout, os.killpg, (process.pid, signal.SIGKILL))
        end.daemon = True
        end.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            end.cancel()
        wall = time.perf_counter() - begun
    process.returncode = code = os.waitstatus_to_exitcode(status)
    if code != expect:
        tail = "\n".join(place.log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
        raise CommandFailed(f"{' '.join([Path(command[0]).name, *command[1:]])}: exit {code}, not {expect}\n{tail}")
    return Cost(wall=wall, cpu=usage.ru_utime + usage.ru_stime, memory=usage.ru_maxrss * 1024)


def plain_environment(folder: Path) -> dict[str, str]:
    """The environment for every tool: no colours, no calls home, settings only from ``folder``, bytecode written.

    Bytecode is on because users have it on; left off, every start of a Python tool would compile its modules again.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ORDAIN_", "TF_", "DVC_")) and name not in _PYTHON_SWITCHES
    }
    settings = folder / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "terraform.rc").touch()
    return kept | {
        "NO_COLOR": "1",
        "TF_CLI_CONFIG_FILE": str(settings / "terraform.rc"),
        "CHECKPOINT_DISABLE": "1",
        "DVC_NO_ANALYTICS": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(settings),
        "DVC_SYSTEM_CONFIG_DIR": str(settings),
        "DVC_SITE_CACHE_DIR": str(settings / "dvc"),
    }


_PYTHON_SWITCHES = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONWARNINGS"}
