"""What a session is made of: folders, clock, ids, environment variables, plugins. Made once, at the edge."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ordain.values.address import Address

if TYPE_CHECKING:
    import pluggy

    from ordain.api.registry import Registry
    from ordain.values.record import ResourceRecord

HOME = ".ordain"


def _new_id() -> str:
    import uuid  # not free to import

    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the user chose on the command line: environment, variables, files of variables."""

    environment: str | None = None
    variables: tuple[tuple[str, str], ...] = ()
    variable_files: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Context:
    """The outside of a session. ``root`` is the project's folder; everything Ordain keeps is under ``home``."""

    root: Path
    choice: Choice = field(default_factory=Choice)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Callable[[], float] = time.time
    new_id: Callable[[], str] = _new_id

    @cached_property
    def _plugins(self) -> tuple[pluggy.PluginManager, Registry]:
        from ordain.session.plugins import load_plugins  # a plan from the cache needs none of it

        return load_plugins()

    @property
    def registry(self) -> Registry:
        return self._plugins[1]

    @property
    def plugins(self) -> pluggy.PluginManager:
        return self._plugins[0]

    @property
    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)

    @property
    def home(self) -> Path:
        return self.root / HOME

    @property
    def state_file(self) -> Path:
        return self.home / "state.db"

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def artifacts(self) -> Path:
        return self.home / "artifacts"

    def private(self, environment: str, address: Address, record: ResourceRecord | None, new: str = "") -> Path:
        """Return the private folder of a resource's provider, made 0700."""
        from ordain.apply.aside import take_back
        from ordain.values.record import place_of

        folder = self.home / "private" / environment / place_of(address, record, new)
        take_back(folder, record)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    @property
    def actor(self) -> str:
        """Return who is at work, for locks and the log: ``user@host``."""
        import getpass
        import socket

        user = self.environ.get("ORDAIN_ACTOR") or self.environ.get("USER") or getpass.getuser()
        return f"{user}@{socket.gethostname()}"
