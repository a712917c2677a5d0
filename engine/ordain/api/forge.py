"""A forge: the host of the code, where pull requests, comments and commit statuses live (GitHub …)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What a commit status says."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request: ``base`` and ``head`` are commits, ``target`` is the branch it is to be merged into.

    ``base`` is where ``target`` stood when the forge last looked, not where the branches part. ``merged`` is the
    commit it was merged as; None while it is open, and where it was closed without.
    """

    number: int
    title: str
    base: str
    head: str
    target: str
    url: str = ""
    merged: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment on a pull request; ``author`` is the forge's name of who wrote it."""

    id: int
    author: str
    body: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """What is said of a commit; ``context`` names who says it: a later one of the same context replaces it."""

    commit: str
    context: str
    state: State
    description: str
    url: str = ""


class Forge(ABC):
    """One repository on a forge. Every method may raise ``OrdainError`` (blame: the world) where it does not answer.

    Made by ``connect``. Reads and writes are tried again by the forge's own rules (rate limits, faults of its servers)
    before they fail; a write is not done twice.
    """

    largest_comment: int
    """How many characters a comment's body may have; a longer one is refused before anything is sent."""
    run_url: str
    """The address of the page of this CI run; "" where it has none. A status without a ``url`` leads there."""

    @classmethod
    @abstractmethod
    def connect(cls, environ: Mapping[str, str]) -> Forge | None:
        """Return the repository that the CI's environment variables name; None where they are not this forge's.

        Raises ``OrdainError`` that names what is missing where they are only half there.
        """

    @abstractmethod
    def pull(self, number: int) -> Pull:
        """Return one pull request."""

    @abstractmethod
    def pull_here(self) -> int | None:
        """Return the number of the pull request that this CI run is of; None where it is of none."""

    @abstractmethod
    def pull_of(self, commit: str) -> Pull | None:
        """Return the merged pull request that brought ``commit`` to its branch; None where none did."""

    @abstractmethod
    def comments(self, pull: int) -> Iterator[Comment]:
        """Yield all comments of a pull request, oldest first."""

    @abstractmethod
    def comment(self, pull: int, body: str, marker: str) -> Comment:
        """Write a comment that has ``marker`` in it: in place of our own that has it already, else a new one.

        Of several of our own it is the newest. A comment that only quotes one with the marker, or that somebody else
        wrote, is left alone.
        """

    @abstractmethod
    def add_comment(self, pull: int, body: str) -> Comment:
        """Write a new comment."""

    @abstractmethod
    def status(self, status: CommitStatus) -> None:
        """Say something of a commit."""

    @abstractmethod
    def annotations(self, annotations: tuple[Annotation, ...]) -> str:
        """Return what to print so that the forge's CI shows annotations at their lines; "" where there is no form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A word at a line of a file (relative to the repository); ``level`` is error, warning or notice."""

    level: str
    title: str
    message: str
    file: str
    line: int
    column: int = 1
