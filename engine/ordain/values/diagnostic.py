"""What Ordain tells a person when something is wrong, as a value; and the exit codes of the command line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from ordain.values.address import Address
from ordain.values.data import Path
from ordain.values.span import Span


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Blame(StrEnum):
    """Whose fault it is: what the user wrote, the world around, a plugin, or Ordain itself."""

    USER = "user"
    WORLD = "world"
    PLUGIN = "plugin"
    ORDAIN = "ordain"


class ExitCode(IntEnum):
    """The exit codes of DESIGN §6."""

    DONE = 0
    FAILURE = 1
    CHANGES = 2
    NOT_PERMITTED = 3
    STEP_FAILED = 4
    DENIED = 5
    SPEC = 6
    GATE = 7
    INTERRUPTED = 8
    TIMEOUT = 9
    STALE = 10
    BUG = 255


_PRECEDENCE = (
    ExitCode.BUG,
    ExitCode.STALE,
    ExitCode.SPEC,
    ExitCode.NOT_PERMITTED,
    ExitCode.TIMEOUT,
    ExitCode.INTERRUPTED,
    ExitCode.STEP_FAILED,
    ExitCode.GATE,
    ExitCode.DENIED,
    ExitCode.FAILURE,
    ExitCode.CHANGES,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the code that wins where several hold (DESIGN §6); ``DONE`` for none."""
    present = set(codes)
    return next((code for code in _PRECEDENCE if code in present), ExitCode.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One thing that is wrong: what (summary, one line), why (detail), what to do (fix), and where.

    Who cannot know the position gives ``address`` and ``path``, the field in that resource's document
    (``("spec", "contract", "rows")``): the planner or the session fills in ``at``. ``key``: the name at the end of
    ``path`` is meant, not what stands there. ``snippet`` is the source line at
    ``at``; ``related`` are further positions with a word on each.
    ``code`` is stable (``spec-unknown-key``); ``exit`` is the exit code an error of this kind asks for;
    ``plugin`` names the plugin to blame.
    """

    code: str
    summary: str
    detail: str = ""
    fix: str = ""
    severity: Severity = Severity.ERROR
    blame: Blame = Blame.USER
    exit: ExitCode = ExitCode.SPEC
    address: Address | None = None
    path: Path = ()
    key: bool = False
    at: Span | None = None
    snippet: str | None = None
    related: tuple[tuple[Span, str], ...] = ()
    plugin: str | None = None

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


class OrdainError(Exception):
    """Carries diagnostics out of a stage that cannot go on; raised for users' and the world's faults, not for bugs."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.summary for d in diagnostics))
        self.diagnostics = diagnostics

    @property
    def exit(self) -> ExitCode:
        return worst(d.exit for d in self.diagnostics if d.is_error)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort for output: by file and position, errors before warnings, then by code and text; duplicates go."""
    return tuple(
        sorted(
            dict.fromkeys(diagnostics),
            key=lambda d: (d.at is None, d.at or Span(file="", line=0, column=0), d.severity, d.code, d.summary),
        )
    )
