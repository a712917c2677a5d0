"""What a database must offer to hold the state: one small connection type that SQLite has and PostgreSQL can have.

All statements of this folder use ``?`` for values and the SQL that both share; a database with another mark for values
translates it in ``execute``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Row = tuple[Any, ...]


class Cursor(Protocol):
    """The answer to a statement; ``rowcount`` is the number of rows it changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """An open transaction."""

    def execute(self, sql: str, parameters: Sequence[str | int | float | None] = (), /) -> Cursor: ...
