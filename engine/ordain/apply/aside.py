"""Private folders of resources that are forgotten: set aside, never removed.

Only they know what stays in the world (a Terraform state). What is written anew under the same address, or takes the
place over, starts from nothing.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from pathlib import Path

from ordain.values.record import ResourceRecord, place_aside


def set_aside(private: Path, record: ResourceRecord | None) -> Path | None:
    """Rename the folder of what is being forgotten, and return where it is; None where nothing was kept in it.

    Repeating it does nothing more.
    """
    if record is None:
        return None
    aside = private.with_name(place_aside(record))
    with suppress(OSError):
        private.rmdir()  # nothing is in it
    if not private.is_dir():
        return aside if aside.is_dir() else None
    free = (private.with_name(f"{aside.name}~{number}") for number in count(2))
    if aside.exists():  # an older state was brought back, and this very record was forgotten before
        aside = next(path for path in free if not path.exists())
    private.rename(aside)
    return aside


def take_back(private: Path, record: ResourceRecord | None) -> None:
    """Put a folder back that was set aside by an apply that was cut off before it forgot the record."""
    if record is None:
        return
    aside = private.with_name(place_aside(record))
    if aside.is_dir():
        with suppress(OSError):
            private.rmdir()
        if not private.exists():
            aside.rename(private)
