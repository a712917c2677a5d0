"""The folder of a step that has a process of its own, ``HOME/work/KEY/``: what outlives an engine that was killed.

``request.json`` is what was asked (no secrets), ``progress`` has a line of JSON for each word on the way,
``result.json`` appears whole or not at all. ``lock`` is held by the process for as long as it lives (the system lets
go of it whatever ends the process, so neither a reused process id nor a reboot can deceive). The log is kept beside, in
``HOME/logs/KEY.log``.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from ordain.api.executor import StepOutcome, StepRequest
from ordain.values.codec import decode, dumps, loads
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError

T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}")
REQUEST, RESULT, PROGRESS, PROCESS, LOCK = "request.json", "result.json", "progress", "process", "lock"
KEPT_LOGS = 500
KEPT_SECONDS = 30 * 86400.0


def work(home: Path, key: str) -> Path:
    """Return where a step's folder is. Raises ``OrdainError`` for a key that is no name."""
    return home / "work" / plain_name(key)


def plain_name(name: str) -> str:
    """Return ``name``; raise ``OrdainError`` where it could lead out of a folder: plan files come from anywhere."""
    if not _NAME.fullmatch(name):
        raise OrdainError(
            Diagnostic(
                code="unsafe-name",
                summary=f"{name!r} cannot be the name of a folder",
                detail="a step's key and an environment's name hold letters, digits, minus signs and underscores",
                fix="make the plan again: ordain plan --out FILE",
                exit=ExitCode.STALE,
            )
        )
    return name


def prepare(place: Path, request: StepRequest) -> None:
    """Make a folder afresh for a request; its lock is held by the caller."""
    for name in (RESULT, PROGRESS, PROCESS):
        (place / name).unlink(missing_ok=True)
    write(place / REQUEST, dumps(request))


def write(path: Path, data: bytes) -> None:
    """Write a file that appears whole, durably, or not at all; 0600."""
    draft = path.with_name(f".{path.name}")
    with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_request(place: Path) -> StepRequest | None:
    """Return the request of a folder, None where there is none that this Ordain can read."""
    return _decoded(StepRequest, place / REQUEST)


def read_outcome(place: Path) -> StepOutcome | None:
    """Return the outcome in a folder, None while there is none that this Ordain can read."""
    return _decoded(StepOutcome, place / RESULT)


def process_of(place: Path) -> int | None:
    """Return the id of the process at work, None where it is not known; true only while the lock is held."""
    data = _read(place / PROCESS)
    return int(data) if data else None


def _decoded(cls: type[T], path: Path) -> T | None:
    data = _read(path)
    if data is None:
        return None
    try:
        return decode(cls, loads(data))
    except ValueError:  # written by another Ordain: as good as not there
        return None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def hold(place: Path) -> int | None:
    """Take the lock of a folder and return its descriptor; None where a process holds it."""
    descriptor = os.open(place / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_held(place: Path) -> bool:
    """Say whether a process is at work in a folder."""
    if not (place / LOCK).exists():
        return False
    descriptor = hold(place)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


def remove(place: Path) -> None:
    """Remove a folder and all in it; nothing happens where there is none."""
    with suppress(FileNotFoundError):
        shutil.rmtree(place)


def log_path(home: Path, key: str) -> Path:
    """Return where a step's log is; its folder is there."""
    place = home / "logs"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place / f"{plain_name(key)}.log"


def log_name(home: Path, key: str) -> str:
    """Spell where a step's log is for people: from the project's folder on."""
    return f"{home.name}/logs/{key}.log"


def write_log(home: Path, key: str, text: str) -> None:
    """Add to a step's log; 0600."""
    with open(open_log(home, key), "a", encoding="utf-8") as file:
        file.write(text)


def open_log(home: Path, key: str) -> int:
    """Open a step's log for adding to and return its descriptor."""
    return os.open(log_path(home, key), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)


def read_log(home: Path, key: str) -> str:
    """Return a step's log, "" where it has none."""
    data = _read(log_path(home, key))
    return "" if data is None else data.decode(errors="replace")


def prune(home: Path) -> None:
    """Keep the newest logs, and remove what engines left behind that were killed between recording and tidying up."""
    with suppress(FileNotFoundError):
        logs = sorted((home / "logs").iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in logs[KEPT_LOGS:]:
            path.unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        for place in (home / "work").iterdir():
            if place.stat().st_mtime < time.time() - KEPT_SECONDS and not is_held(place):
                remove(place)
