"""What both file providers share: finding the file, not opening it again, and saying what is wrong with it.

This module is on the path of every plan: it imports nothing heavy. pyarrow and numpy load when a file is opened.
"""

from __future__ import annotations

import difflib
import os
import stat
import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ordain.api import Blame, DataProvider, Diagnostic, Evidence, Json, LookRequest, OrdainError, digest
from ordain_files.profile import describe
from ordain_files.table import normalise

if TYPE_CHECKING:
    import pyarrow as pa

FRESH = 2_000_000_000
"""Nanoseconds; a file that was changed this short a time before it was read may have changed again unseen."""

_SAID = frozenset(("contract", "licence", "digest"))
"""What a spec says of the data, and not of how to read it."""

READER = 2
"""Version of the way files become facts; a memory made by another version is not trusted."""


class FileSource(DataProvider):
    """Reads one file. Subclasses say how its bytes become a table."""

    format: ClassVar[str]

    @abstractmethod
    def parse(self, data: bytes, spec: Mapping[str, Json]) -> pa.Table:
        """Return the rows in file order. Raises ``OrdainError`` made by ``fault`` for bytes that are none."""

    def look(self, request: LookRequest) -> Evidence:
        """Return facts and witness, or the problem; a file that nobody touched since last time is not opened."""
        try:
            path = locate(request.spec, request.places.root)
            remembered = self._remembered(request, self._witness(path, _status(path), request.spec))
            if remembered is not None:
                return remembered
            data, before, after = _load(path)
            table = normalise(self.parse(data, request.spec))
        except OrdainError as error:
            return Evidence(problems=tuple(_addressed(d, request) for d in error.diagnostics))
        witness = self._witness(path, before, request.spec)
        if witness != self._witness(path, after, request.spec):
            witness = {}  # somebody was writing while it was read
        recorded = request.look.record
        facts = describe(table, recorded.facts if recorded is not None else {})
        if witness:
            against = str(recorded.facts.get("content", "")) if recorded is not None else ""
            witness = {**witness, "read_ns": time.time_ns(), "against": against}
        return Evidence(facts=facts, witness=witness)

    def read(self, spec: Mapping[str, Json], root: Path) -> pa.Table:
        """Return all rows in file order, in the types the facts speak of. Raises ``OrdainError``."""
        data, _, _ = _load(locate(spec, root))
        return normalise(self.parse(data, spec))

    def _witness(self, path: Path, status: os.stat_result, spec: Mapping[str, Json]) -> dict[str, Json]:
        return {
            "path": str(path),
            "size": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "ctime_ns": status.st_ctime_ns,
            "inode": status.st_ino,
            "reader": f"{self.format}/{READER}",
            "options": digest({key: value for key, value in spec.items() if key not in _SAID}),
        }

    def _remembered(self, request: LookRequest, witness: Mapping[str, Json]) -> Evidence | None:
        memory = request.memory
        if memory is None or memory.problems:
            return None
        seen = dict(memory.witness)
        read, against = seen.pop("read_ns", 0), seen.pop("against", None)
        touched = max(int(str(witness["mtime_ns"])), int(str(witness["ctime_ns"])))
        if seen != witness or not isinstance(read, int) or read - touched < FRESH:
            return None
        record = request.look.record
        recorded = record.facts.get("content", "") if record is not None else ""
        facts = dict(memory.facts)
        if recorded in ("", facts.get("content")):
            facts.pop("since", None)  # a comparison with what was recorded then
        elif recorded != against:
            return None
        return Evidence(facts=facts, witness=memory.witness)


def locate(spec: Mapping[str, Json], root: Path) -> Path:
    """Return the file a spec names, symbolic links resolved; raise ``OrdainError`` where there is none."""
    written = str(spec["path"])
    path = Path(os.path.realpath(root / written))
    try:
        status = path.stat()
    except FileNotFoundError:
        raise OrdainError(_missing(written, path)) from None
    except (OSError, ValueError) as error:
        raise OrdainError(_unreadable(written if len(written) < 200 else f"{written[:200]}…", error)) from None
    if stat.S_ISDIR(status.st_mode):
        raise fault("source-is-folder", f"{written} is a folder", "name one file in it; several need a source each")
    if not stat.S_ISREG(status.st_mode):
        raise fault("source-not-a-file", f"{written} is not a regular file", "name a file that can be read twice")
    return path


def fault(code: str, summary: str, fix: str, detail: str = "") -> OrdainError:
    """Return the error for a file that cannot be used; ``look`` adds the address."""
    return OrdainError(
        Diagnostic(code=code, summary=summary, detail=detail, fix=fix, blame=Blame.WORLD, path=("spec", "path"))
    )


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise OrdainError(_unreadable(path.name, error)) from None


def _load(path: Path) -> tuple[bytes, os.stat_result, os.stat_result]:
    try:
        with open(path, "rb") as file:
            before = os.fstat(file.fileno())
            data = file.read()
            return data, before, os.fstat(file.fileno())
    except OSError as error:
        raise OrdainError(_unreadable(path.name, error)) from None


def _addressed(diagnostic: Diagnostic, request: LookRequest) -> Diagnostic:
    return replace(diagnostic, address=request.look.address)


def _missing(written: str, path: Path) -> Diagnostic:
    try:
        there = sorted(one.name for one in path.parent.iterdir())
        near = difflib.get_close_matches(path.name, there, n=3) or there[:8]
        nearby = f"in its folder there are: {', '.join(near)}" if near else "its folder is empty"
    except OSError:
        nearby = f"the folder {path.parent.name} cannot be read, or does not exist either"
    return Diagnostic(
        code="source-missing",
        summary=f"there is no file {written}",
        detail=nearby,
        fix="correct the path (it is relative to the project's folder), or put the file there",
        blame=Blame.WORLD,
        path=("spec", "path"),
    )


def _unreadable(written: str, error: Exception) -> Diagnostic:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Diagnostic(
        code="source-unreadable",
        summary=f"{written} cannot be read: {reason}",
        fix="let the user Ordain runs as read it",
        blame=Blame.WORLD,
        path=("spec", "path"),
    )
