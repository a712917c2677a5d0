"""Which machine this is, and whether a process that once held a lock is still the same one.

Linux tells all of it in /proc; elsewhere what is not known is "", and a process whose id exists counts as alive.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from ordain.api.store import Holder


@cache
def host_name() -> str:
    return os.environ.get("COMPUTERNAME", "") if sys.platform == "win32" else os.uname().nodename


@cache
def boot_id() -> str:
    """Return what names this boot of this host, "" where that is not known."""
    return _text(Path("/proc/sys/kernel/random/boot_id")).strip()


def this_process(*, run: str, actor: str, started: float) -> Holder:
    """Return this process as one who wants a lock since ``started`` (seconds since the epoch)."""
    return Holder(run=run, actor=actor, host=host_name(), boot=boot_id(), pid=os.getpid(), started=started)


def birth(pid: int) -> str:
    """Return what no other process of this boot with the same id has, "" where it is dead or that is not known.

    Its process-id namespace (a container that shares the host's name has its own) and its start in clock ticks since
    boot (which, unlike a time of day, no clock change moves).
    """
    fields = _stat(pid)
    if not fields or fields[0] in "ZX":
        return ""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{namespace}/{fields[19]}"


def alive(pid: int, born: str) -> bool:
    """Say whether the process ``pid`` that was born as ``born`` runs on this host; True where that cannot be known."""
    if pid <= 0:
        return False
    if os.name != "posix":  # there, os.kill with signal 0 would end the process
        return True
    namespace = born.rpartition("/")[0]
    if namespace and namespace != birth(os.getpid()).rpartition("/")[0]:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass  # it is somebody else's process, or no process id this system knows: what was born decides below
    fields = _stat(pid)
    if fields and fields[0] in "ZX":  # ended, only not yet collected by its parent
        return False
    now = birth(pid)
    return not (born and now) or born == now


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the program's name, which may hold spaces and brackets."""
    return _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
