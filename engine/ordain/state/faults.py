"""What can be wrong with the state and its locks, as diagnostics that say what to do."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from ordain.api.store import Holder
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_CLOSED = {sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH}
_DEVICE = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL}
_RESTORE = "Nothing was overwritten. Put a backup in its place; without one, move it away and apply makes all anew."


def _fault(code: str, summary: str, detail: str, fix: str, exit: ExitCode = ExitCode.FAILURE) -> OrdainError:
    return OrdainError(
        Diagnostic(code=code, summary=summary, detail=detail, fix=fix, blame=Blame.WORLD, exit=exit),
    )


def of_sqlite(path: Path, error: sqlite3.Error) -> OrdainError:
    """Return the diagnostic for what SQLite says of the state file."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in _BUSY:
        return _fault(
            "state-busy",
            f"the state {path} is being written by another process",
            f"SQLite waited in vain: {error}.",
            "Try again when the other process has finished.",
            ExitCode.TIMEOUT,
        )
    if code in _CLOSED:
        return unusable(path, str(error))
    if code in _DEVICE:
        return _fault(
            "state-device",
            f"the disk refused to read or write the state {path}",
            f"SQLite says: {error}. What was recorded before is still there.",
            "Make room on the disk, or check it, then run the command again: it goes on where it stopped.",
        )
    return damaged(path, str(error))


def damaged(path: Path, why: str) -> OrdainError:
    return _fault("state-corrupt", f"{path} is not a whole Ordain state", f"{_sentence(why)}", _RESTORE)


def unreadable(where: str, why: str) -> OrdainError:
    """Return the diagnostic for one row that cannot be read (``where`` names it)."""
    return _fault("state-corrupt", f"the state's record of {where} cannot be read", _sentence(why), _RESTORE)


def unusable(path: Path, why: str) -> OrdainError:
    return _fault(
        "state-unusable",
        f"the state {path} cannot be opened",
        _sentence(why),
        "Make the file and its folder readable and writable for the user who runs Ordain.",
    )


def newer(path: Path, found: int, known: int) -> OrdainError:
    return _fault(
        "state-format-newer",
        f"the state {path} was written by a newer Ordain",
        f"It has format {found}; this Ordain knows formats up to {known}.",
        "Upgrade Ordain: pip install --upgrade ordain",
    )


def only_a_view(path: Path, missing: bool) -> OrdainError:
    """Return the diagnostic for a write to a state that was opened to be read, where it is not there or older."""
    why = "There is no state yet." if missing else "The state has an older format."
    return _fault(
        "state-read-only",
        f"nothing can be written to {path} here",
        why,
        "Run ordain apply: it makes the state, or brings it to this Ordain's format.",
    )


def locked(environment: str, holder: Holder) -> OrdainError:
    return _fault(
        "lock-held",
        f"environment {environment} is locked by {holder.actor} on {holder.host}",
        f"Run {holder.run}, process {holder.pid} on {holder.host}, has held the lock since {_time(holder.started)}.",
        f"Wait until it has finished. If it is dead, run the command on {holder.host}: there its lock is taken over.",
        ExitCode.TIMEOUT,
    )


def fenced(environment: str, holder: Holder | None) -> OrdainError:
    now = (
        f"The lock is now held by {holder.actor} on {holder.host} (run {holder.run}, since {_time(holder.started)})."
        if holder
        else "Nobody holds the lock now."
    )
    return _fault(
        "lock-lost",
        f"this run no longer holds the lock of environment {environment}: nothing more is written",
        f"It was released or taken over in the meantime. {now}",
        "Run the command again: it goes on from what was recorded.",
        ExitCode.TIMEOUT,
    )


def _time(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="seconds")
    except (ValueError, OverflowError, OSError):  # no time of this calendar: still something to tell
        return f"{seconds} s after 1970"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")
