"""Runs one Terraform command: argv from python-terraform's command builder, everything else our own.

python-terraform 0.10.1 passes removed flags, keeps no time, hands on no environment and runs a subcommand for any
misspelt attribute; its builder is sound. Output goes to files, not pipes: a Terraform whose parent died must be able
to finish its work, and a broken pipe would kill it half way.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

GRACE = 30.0
"""Seconds that Terraform has, once interrupted, to write its state before it is killed."""

_FIRST_POLL, _LONGEST_POLL = 0.002, 0.05

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command. ``options`` are python-terraform's (``lock_timeout="30s"``; ``FLAG`` for a flag without a value).

    ``deadline`` is in seconds of ``time.monotonic``; ``transcript`` names the file its events go to where they must
    outlive this process.
    """

    words: str
    arguments: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    deadline: float | None = None
    transcript: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where commands run: the binary, the module's folder, the whole environment, a scratch folder for output.

    ``copy`` is the folder that stands for the module's where a command is not to read that one itself; what Terraform
    calls ``path.cwd`` stays the module's.
    """

    binary: str
    folder: Path
    env: Mapping[str, str]
    scratch: Path
    copy: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended. ``events`` are its ``-json`` lines, ``text`` all of stdout, ``complaint`` stderr."""

    code: int
    events: tuple[Event, ...]
    text: str
    complaint: str
    timed_out: bool = False


class _Flag:
    """Stands for a flag without a value until the builder's own mark can be imported."""


FLAG = _Flag()


@cache
def _builder() -> tuple[Callable[..., Any], object]:
    """Return python-terraform's command builder, stripped of all that runs or reads, and its mark for flags."""
    import python_terraform

    class Builder(python_terraform.Terraform):  # type: ignore[misc,unused-ignore]
        def __getattr__(self, item: str) -> Any:  # the original makes every misspelling a command, and logs to the root
            raise AttributeError(item)

        def read_state_file(self, file_path: str | None = None) -> None:
            """Read nothing: the original loads the whole state after each command."""

    return Builder, python_terraform.IsFlagged


def argv(binary: str, command: Command) -> list[str]:
    """Return the command line. Values of options must be text, truth values or lists of text, never secrets."""
    builder, flagged = _builder()
    options = {name: flagged if value is FLAG else value for name, value in command.options.items()}
    built: list[str] = builder(terraform_bin_path=binary).generate_cmd_string(
        command.words, *command.arguments, **options
    )
    return built


def run(around: Surroundings, command: Command, on_event: Callable[[Event], None] | None = None) -> Finished:
    """Run a command to its end.

    At the deadline, and when the caller is interrupted, Terraform gets one SIGINT, time to write its state, and is
    then killed with everything it started. Raises ``OSError`` where the binary cannot be started.
    """
    with _outputs(around, command) as (out, err):
        reader = _Reader(Path(out.name), on_event)
        process = subprocess.Popen(
            _line(around, command),
            cwd=around.folder,
            env=dict(around.env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,  # a Ctrl-C at the terminal reaches us alone; we hand it on, once
        )
        timed_out = _wait(process, command.deadline, reader)
        reader.read(last=True)
        err.seek(0)
        return Finished(
            code=process.returncode,
            events=tuple(reader.events),
            text=reader.text(),
            complaint=err.read().decode("utf-8", "replace"),
            timed_out=timed_out,
        )


def _line(around: Surroundings, command: Command) -> list[str]:
    binary, *words = argv(around.binary, command)
    return [binary, *([f"-chdir={around.copy}"] if around.copy is not None else []), *words]


@contextmanager
def _outputs(around: Surroundings, command: Command) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Open the two output files, readable by us alone; a transcript stays locked while anybody writes to it."""
    with tempfile.NamedTemporaryFile(dir=around.scratch, prefix="err-") as err:
        if command.transcript is None:
            with tempfile.NamedTemporaryFile(dir=around.scratch, prefix="out-") as out:
                yield out, err
            return
        with open(command.transcript, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            fcntl.flock(out, fcntl.LOCK_EX)  # Terraform inherits the open file, and with it the lock
            yield out, err


class _Reader:
    """Follows a growing file of JSON lines; lines that are no events are kept as text only."""

    def __init__(self, path: Path, on_event: Callable[[Event], None] | None) -> None:
        self.path, self.on_event = path, on_event
        self.events: list[Event] = []
        self.offset = 0

    def read(self, *, last: bool = False) -> bool:
        """Take in the lines that were completed since the last time; say whether there were any."""
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            data = file.read()
        end = len(data) if last else data.rfind(b"\n") + 1
        self.offset += end
        for event in parse_events(data[:end]):
            self.events.append(event)
            if self.on_event is not None:
                self.on_event(event)
        return end > 0

    def text(self) -> str:
        return self.path.read_bytes().decode("utf-8", "replace")


def parse_events(data: bytes) -> Iterator[Event]:
    """Yield the events among the lines of ``data``."""
    for line in data.splitlines():
        if line.startswith(b'{"@level"'):
            with suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    yield event


def _wait(process: subprocess.Popen[bytes], deadline: float | None, reader: _Reader) -> bool:
    """Wait for the end, reading along; return whether the deadline was passed."""
    pause = _FIRST_POLL
    try:
        while process.poll() is None:
            if deadline is not None and time.monotonic() > deadline:
                _stop(process)
                return True
            pause = _FIRST_POLL if reader.on_event is not None and reader.read() else min(pause * 1.5, _LONGEST_POLL)
            time.sleep(pause)
    except BaseException:
        _stop(process)
        raise
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Interrupt Terraform once and let it write its state; then, or at a second interrupt, kill its whole group."""
    try:
        process.send_signal(signal.SIGINT)
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        pass  # it had its time; what is left of it goes below
    finally:
        with suppress(ProcessLookupError):  # nothing is left
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
