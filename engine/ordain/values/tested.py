"""What the tests of policies came to."""

from __future__ import annotations

from dataclasses import dataclass

from ordain.values.address import Address
from ordain.values.span import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case beside a rule: what the rule must say (an outcome, or ``skip``), what it says, where the case stands.

    ``wanted`` is what must stand in the ``message``. The case passed where both are as they must be.
    """

    policy: Address
    name: str
    expected: str
    found: str
    message: str = ""
    wanted: str = ""
    at: Span | None = None

    @property
    def passed(self) -> bool:
        return self.found == self.expected and self.wanted in self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A policy and its cases, in the order they were written; ``at`` is where it stands."""

    policy: Address
    cases: tuple[Case, ...]
    at: Span | None = None

    @property
    def failed(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if not case.passed)

    @property
    def reached(self) -> frozenset[str]:
        """Return what its rule said in the cases."""
        return frozenset(case.found for case in self.cases)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReport:
    """All policies that were tested, sorted by address; those without a case among them."""

    policies: tuple[Tried, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        return tuple(case for one in self.policies for case in one.cases)

    @property
    def failed(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if not case.passed)

    @property
    def untested(self) -> tuple[Address, ...]:
        """Return the policies without any case."""
        return tuple(one.policy for one in self.policies if not one.cases)

    def never(self, outcome: str) -> tuple[Address, ...]:
        """Return the policies with cases, in none of which the rule said ``outcome``."""
        return tuple(one.policy for one in self.policies if one.cases and outcome not in one.reached)
