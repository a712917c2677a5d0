"""Many rules put to the same facts at once: that all of them hold costs one evaluation.

Most resources keep most rules, and a call into CEL costs more than what it does there. So the rules are joined,
``(match ? require : true) && …``: true only where every one of them holds. Where it is anything else, halves are asked,
and what is left over is for each rule's own evaluation to tell: this only ever says that a rule passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from ordain.expr.cel import CelError, Compiled
from ordain.expr.chains import Chain
from ordain.expr.errors import ExpressionError
from ordain.expr.rules import Facts, Rule, compile_rule, compiled


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Where ``match`` holds, ``require`` must."""

    match: str
    require: str

    @property
    def rules(self) -> tuple[Rule, Rule] | None:
        """The two rules; None where one of them cannot be read."""
        try:
            return compile_rule(self.match), compile_rule(self.require)
        except ExpressionError:
            return None


@dataclass(frozen=True, kw_only=True)
class Together:
    """Cases that are put to the same facts."""

    cases: tuple[Case, ...]

    @cached_property
    def _readable(self) -> tuple[int, ...]:
        return tuple(number for number, case in enumerate(self.cases) if case.rules is not None)

    @cached_property
    def _readers(self) -> Mapping[Chain, frozenset[int]]:
        """By a fact that is read, wherever it stands: the numbers of the cases that read it."""
        found: dict[Chain, set[int]] = {}
        for number in self._readable:
            for rule in self.cases[number].rules or ():
                for chain in rule.chains:
                    found.setdefault(replace(chain, start=0, end=0), set()).add(number)
        return {chain: frozenset(numbers) for chain, numbers in found.items()}

    def undecided(self, facts: Facts) -> list[int]:
        """Return the numbers of the cases that may not hold, in order: each is still to be evaluated by itself."""
        clear = self._readable
        waiting = [numbers for chain, numbers in self._readers.items() if not facts.is_there(chain)]
        if waiting:
            clouded = frozenset[int]().union(*waiting)
            clear = tuple(number for number in clear if number not in clouded)
        failed = list(self._failed(clear, facts))
        if len(clear) == len(self.cases):
            return failed
        return sorted({*failed, *(number for number in range(len(self.cases)) if number not in clear)})

    def _failed(self, numbers: Sequence[int], facts: Facts) -> Iterator[int]:
        if not numbers or _hold(tuple(self.cases[number] for number in numbers), facts):
            return
        if len(numbers) == 1:
            yield numbers[0]
            return
        middle = len(numbers) // 2
        yield from self._failed(numbers[:middle], facts)
        yield from self._failed(numbers[middle:], facts)


def _hold(cases: tuple[Case, ...], facts: Facts) -> bool:
    joined = _joined(cases)
    if joined is None:
        return False
    try:
        return joined.evaluate(facts.activation) is True
    except CelError:
        return False


@lru_cache(maxsize=4096)
def _joined(cases: tuple[Case, ...]) -> Compiled | None:
    """Return the cases as one expression; None where it would be too long, or is none."""
    asked: dict[str, list[str]] = {}
    for case in cases:
        match, require = (compile_rule(text).ready.text for text in (case.match, case.require))
        asked.setdefault(match, []).append(f"(\n{require}\n)")  # on lines of their own: it may end in a comment
    text = " && ".join(f"((\n{match}\n) ? ({' && '.join(ones)}) : true)" for match, ones in asked.items())
    try:
        return compiled(text)
    except CelError:
        return None
