"""The files of one started server: what it was asked to be, what it says of itself, what it logged.

Each start of other content has a folder of its own under the deployment's private folder, so that the server before
it can be brought back as it was.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ordain.api import Json, decode, dumps, loads
from ordain_serving.process import Process, stop

_TAIL_LINES, _TAIL_BYTES = 15, 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a server takes on at most: ``body`` in bytes, ``timeout`` in seconds, ``concurrency`` requests at once."""

    body: int
    rows: int
    timeout: float
    concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a server is asked to be.

    ``identity`` tells this server from every other one that may answer on the port; it is no secret. ``provider`` is
    the import path of the trainer that loads ``artifact`` (a path; ``digest`` is checked before), ``facts`` what the
    trainer said of it. ``columns`` are the types of the model's inputs by name, in its order. ``startup`` is in
    seconds.
    """

    identity: str
    deployment: str
    model: str
    version: str
    provider: str
    artifact: str
    digest: str
    host: str
    port: int
    startup: float
    log_level: str
    limits: Bounds
    facts: Mapping[str, Json] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a server says of itself: ``state`` is ``starting``, ``loaded`` (waits for its port) or ``serving``."""

    state: str
    pid: int
    started: str
    boot: str

    @property
    def process(self) -> Process:
        return Process(pid=self.pid, started=self.started, boot=self.boot)


@dataclass(frozen=True, slots=True)
class Generation:
    """The folder of one started server."""

    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def config(self) -> Config | None:
        """Return what it was asked to be; None where that was never written, or not to the end."""
        try:
            return decode(Config, loads((self.folder / "config.json").read_bytes()))
        except (OSError, ValueError):
            return None

    def status(self) -> Status | None:
        """Return what the server said last; None before its first word."""
        try:
            return decode(Status, loads((self.folder / "server.json").read_bytes()))
        except (OSError, ValueError):
            return None

    def prepare(self, config: Config) -> None:
        """Write what a new server shall be; forget what one before it said."""
        self.folder.parent.mkdir(exist_ok=True, mode=0o700)
        self.folder.mkdir(exist_ok=True, mode=0o700)
        (self.folder / "server.json").unlink(missing_ok=True)
        _write(self.folder / "config.json", dumps(config))

    def say(self, state: str, process: Process) -> None:
        """Write the server's own word, whole or not at all."""
        status = Status(state=state, pid=process.pid, started=process.started, boot=process.boot)
        _write(self.folder / "server.json", dumps(status))

    @property
    def alive(self) -> bool:
        status = self.status()
        return status is not None and status.process.alive

    def end(self) -> None:
        """Stop its server, where it still runs."""
        status = self.status()
        if status is not None:
            stop(status.process)

    def discard(self) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tail(self) -> str:
        """Return the last lines of the log."""
        try:
            text = self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.strip().splitlines()[-_TAIL_LINES:])


def generations(private: Path) -> Iterator[Generation]:
    """Yield every server started from this private folder whose files are there, sorted by name."""
    for folder in sorted((private.absolute() / "servers").glob("*")):
        if folder.is_dir():
            yield Generation(folder)


def generation(private: Path, identity: str) -> Generation:
    return Generation(private.absolute() / "servers" / identity[:16])


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    temporary.chmod(0o600)
    temporary.replace(path)
