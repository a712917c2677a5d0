"""Rules: CEL over the facts of a plan, with a third answer where a fact is not known yet.

CEL lets ``&&``, ``||``, ``?:``, ``all`` and ``exists`` absorb an error that cannot change their result. A fact that is
not known yet is therefore handed to it as a name without a value: ``unknown || true`` is true, ``unknown || false``
is unknown. To that end the chains of a rule that read something unknown are replaced in its text; a chain that reads
a whole of which only a part is unknown counts as unknown. That may say unknown too often, and never pass too early.

How long something will take (``plan.duration.p90``) is a CEL duration, which this library takes as a variable only, not
inside a map: such chains are replaced by variables of that type, so that they are type-checked too.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, lru_cache

from ordain.expr.cel import CelError, CelType, Compiled, Fault, compile_expression
from ordain.expr.chains import Chain, chains
from ordain.expr.errors import ExpressionError
from ordain.values.change import Effect
from ordain.values.data import Secret, Tree, Unknown, leaves
from ordain.values.record import Outcome

_UNKNOWN = "__unknown__"
_ABSENT = "__absent__"
ROOTS = frozenset(("resource", "change", "plan", "env", "candidate", "champion", "now"))
DURATIONS: Mapping[tuple[str, ...], str] = {
    (root, "duration", part): f"__{root}_{part}" for root in ("plan", "change") for part in ("p50", "p90")
}
"""Facts that are durations, and the variables that stand for them: no longer than any way to write the fact."""
_FACT_OF = {name: ".".join(path) for path, name in DURATIONS.items()}
OWN = frozenset(("resource", "change", "candidate", "champion"))
"""What differs from resource to resource: a rule that reads none of it is about the plan as a whole."""
VARIABLES: Mapping[str, CelType] = {
    **dict.fromkeys(sorted(ROOTS), CelType.DYN),
    **dict.fromkeys(DURATIONS.values(), CelType.DURATION),
    "now": CelType.TIMESTAMP,
    _UNKNOWN: CelType.DYN,
    _ABSENT: CelType.DYN,
}
_PERCENTILES = frozenset(("p50", "p90"))
FIELDS: Mapping[tuple[str, ...], frozenset[str]] = {
    ("resource",): frozenset(
        (
            *("address", "kind", "name", "provider", "owner", "description", "labels", "spec", "facts", "protected"),
            *("depends_on", "dependents"),
        )
    ),
    ("change",): frozenset(("action", "effect", "causes", "deferred", "blocked", "duration")),
    ("change", "duration"): _PERCENTILES,
    ("plan",): frozenset(("summary", "changes", "duration")),
    ("plan", "summary"): frozenset(effect.value for effect in Effect),
    ("plan", "duration"): _PERCENTILES,
    ("env",): frozenset(("name", "promotes_from")),
}
"""Facts with members that are known whatever the project, by their path: any other member is a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleProblem:
    """What is wrong with a rule's text, ``offset`` characters from its start."""

    message: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a rule says; ``detail`` tells what is not known yet, or what broke."""

    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a rule may read: ``values`` by root name, with ``Unknown`` and ``Secret`` leaves (a secret is never known).

    ``known`` are further roots as plain containers without leaves, shared by many facts (the plan, the time). A rule
    that cannot do without a root in ``absent`` (the champion, where there is none) passes; ``has()`` of it is false.
    ``durations`` are those of ``DURATIONS`` that there are, None where nobody knows yet.
    """

    values: Mapping[str, Tree]
    known: Mapping[str, object] = field(default_factory=dict)
    absent: frozenset[str] = field(default_factory=frozenset)
    durations: Mapping[tuple[str, ...], timedelta | None] = field(default_factory=dict)

    @cached_property
    def _clouded(self) -> frozenset[str]:
        """The roots that hold something unknown: only their chains need a closer look."""
        return frozenset(root for root, tree in self.values.items() if next(leaves(tree), None) is not None)

    @cached_property
    def activation(self) -> object:
        data = {root: _plain(tree) for root, tree in self.values.items()}
        lengths = {DURATIONS[path]: length for path, length in self.durations.items() if length is not None}
        return compiled("true").activate({**data, **{root: {} for root in self.absent}, **self.known, **lengths})

    def is_there(self, chain: Chain) -> bool:
        """Whether ``chain`` reads something that is there and known, or a key of it that may be missing."""
        return not (self.is_absent(chain) or self.is_unknown(chain))

    def is_absent(self, chain: Chain) -> bool:
        return chain.root in self.absent and not chain.tested

    def is_unknown(self, chain: Chain) -> bool:
        """Whether ``chain`` reads something unknown, or a whole with something unknown in it."""
        path = (chain.root, *chain.path)
        if path in DURATIONS:
            return path in self.durations and self.durations[path] is None
        if chain.root not in self._clouded:
            return False
        node = self.values[chain.root]
        for step in chain.path[:-1] if chain.tested else chain.path:
            if not isinstance(node, Mapping) or step not in node:
                return isinstance(node, Unknown | Secret)
            node = node[step]
        if chain.tested:  # a key that stands there is there, whatever its value will be
            return isinstance(node, Unknown | Secret)
        return next(leaves(node), None) is not None

    def is_secret(self, chain: Chain) -> bool:
        """Whether what an unknown ``chain`` reads is unknown only for the secrets in it: no plan will ever know it."""
        node: Tree = self.values.get(chain.root)
        for step in chain.path:
            if not isinstance(node, Mapping) or step not in node:
                break
            node = node[step]
        found = [isinstance(leaf, Secret) for _, leaf in leaves(node)]
        return bool(found) and all(found)

    def missing(self, chain: Chain, name: str) -> str:
        """Return what ``chain`` reads up to its step ``name``, where that is not there; "" where it is."""
        node: Tree = self.values.get(chain.root)
        for number, step in enumerate(chain.path, 1):
            if not isinstance(node, Mapping):
                return ""
            if step not in node:
                return ".".join((chain.root, *chain.path[:number])) if step == name else ""
            node = node[step]
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that reads well; ``chains`` are the facts it reads, ``ready`` is for facts that are all known."""

    text: str
    chains: tuple[Chain, ...]
    ready: Compiled = field(repr=False, compare=False)

    @property
    def roots(self) -> frozenset[str]:
        return frozenset(chain.root for chain in self.chains)

    def evaluate(self, facts: Facts) -> Ruling:
        """Judge: pass, fail, unknown where the answer hangs on what is not known, error where it cannot be judged."""
        unknown = [chain for chain in self.chains if facts.is_unknown(chain)]
        absent = [chain for chain in self.chains if facts.is_absent(chain)]
        program = self.ready
        if unknown or absent:
            names = dict.fromkeys(unknown, _UNKNOWN) | dict.fromkeys(absent, _ABSENT)
            program = compiled(_with(self.text, {**_durations(self.chains), **names}))
        try:
            value = program.evaluate(facts.activation)
        except CelError as error:
            return self._without_answer(error, facts, unknown, absent)
        if not isinstance(value, bool):
            return Ruling(outcome=Outcome.ERROR, detail="it gives a value that is neither true nor false")
        return Ruling(outcome=Outcome.PASS if value else Outcome.FAIL)

    def _without_answer(
        self, error: CelError, facts: Facts, unknown: Sequence[Chain], absent: Sequence[Chain]
    ) -> Ruling:
        """Say why there is no answer. What waits for nothing but secrets waits for ever: that is an error."""
        if error.fault is not Fault.MISSING:
            return Ruling(outcome=Outcome.ERROR, detail=error.message)
        if error.name == _UNKNOWN:
            waited = [chain for chain in unknown if not facts.is_secret(chain)]
            names = ", ".join(dict.fromkeys(str(chain) for chain in waited or unknown))
            if waited:
                return Ruling(outcome=Outcome.UNKNOWN, detail=f"waits for {names}")
            return Ruling(outcome=Outcome.ERROR, detail=f"no rule reads secrets, as there are in {names}")
        if error.name == _ABSENT:
            roots = ", ".join(dict.fromkeys(chain.root for chain in absent))
            return Ruling(outcome=Outcome.PASS, detail=f"there is no {roots}")
        if error.name in _FACT_OF:
            return Ruling(outcome=Outcome.ERROR, detail=f"{_FACT_OF[error.name]} is not there at this stage")
        holes = {hole for chain in self.chains if (hole := facts.missing(chain, error.name))}
        return Ruling(outcome=Outcome.ERROR, detail=f"{holes.pop()} is not there" if len(holes) == 1 else error.message)


def _durations(chains: Iterable[Chain]) -> Mapping[Chain, str]:
    return {chain: DURATIONS[path] for chain in chains if (path := (chain.root, *chain.path)) in DURATIONS}


def _with(text: str, names: Mapping[Chain, str]) -> str:
    """Return the rule with names in the place of chains; what is behind a shorter name stays where it is."""
    for chain in sorted(names, key=lambda chain: chain.start, reverse=True):
        # has() wants a field, and answers for a name without a value as for any other error.
        name = f"{names[chain]}.{chain.path[-1]}" if chain.tested else names[chain]
        text = text[: chain.start] + name.ljust(chain.end - chain.start) + text[chain.end :]
    return text


def check(text: str, *, gate: bool = False) -> tuple[RuleProblem, ...]:
    """Return what is wrong with a rule as written: syntax, names, types; () for a rule that can be judged.

    ``gate``: it judges a version that was just made, when there is no more to tell of how long that takes.
    """
    try:
        rule = compile_rule(text)
    except ExpressionError as error:
        return (RuleProblem(message=error.message, offset=error.offset),)
    late = next((chain for chain in rule.chains if is_of_the_plan(chain)), None) if gate else None
    if late is not None:
        return (RuleProblem(message=f"{late} is there at stage plan, not at stage gate", offset=late.start),)
    return ()


def is_of_the_plan(chain: Chain) -> bool:
    """Say whether only a plan can tell: a version that was just made is judged without it."""
    path = (chain.root, *chain.path)
    return path in DURATIONS or path[:2] == ("resource", "dependents")


@lru_cache(maxsize=4096)
def compile_rule(text: str) -> Rule:
    """Return the rule that ``text`` spells; raise ``ExpressionError`` where it spells none."""
    found = chains(text, ROOTS)
    durations = _durations(chain for chain in found if not chain.tested)
    try:
        ready = compiled(_with(text, durations))
    except CelError as error:
        raise _explained(text, error, durations) from None
    if ready.returns not in (CelType.BOOL, CelType.DYN):
        raise ExpressionError(f"a rule must be true or false; this gives {ready.returns}", 0)
    for chain in found:
        check_members(chain)
    return Rule(text=text, chains=found, ready=ready)


def check_members(chain: Chain) -> None:
    """Raise ``ExpressionError`` where a chain reads a member that its whole can never have."""
    path = (chain.root, *chain.path)
    for length in range(1, len(path)):
        known = FIELDS.get(path[:length])
        if known is not None and path[length] not in known:
            raise ExpressionError(_no_field(".".join(path[:length]), path[length], known), chain.start)
    if "duration" not in path[1:2] or chain.root not in ("plan", "change"):
        return
    if chain.tested:
        whole = ".".join(path[:2])
        raise ExpressionError(f"{whole} is always there; a rule that reads it waits where nobody knows it", chain.start)
    if path not in DURATIONS:
        wanted = f"{chain.root}.duration.p90"
        raise ExpressionError(f"write {wanted} or .p50: {'.'.join(path)} is no duration", chain.start)


def _explained(text: str, error: CelError, durations: Mapping[Chain, str]) -> CelError:
    if durations and error.fault is Fault.TYPE and "duration" in error.message:
        chain = next(iter(durations))
        message = f'{error.message}: {chain} is a duration; compare it with one, as in duration("1h")'
        return CelError(message, error.offset, error.fault, error.name)
    return _no_root(text, error)


def _no_root(text: str, error: CelError) -> CelError:
    """Name the root of a chain that begins with no name of ours, and the name that was meant."""
    root, dot, _ = error.name.partition(".")
    if error.fault is not Fault.NAME or not error.message.endswith("here"):
        return error
    close = difflib.get_close_matches(root, sorted(ROOTS), n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(ROOTS))}"
    offset = max(text.rfind(root, 0, error.offset + 1), 0) if dot else error.offset
    return CelError(f"there is no {root} here; {hint}", offset, Fault.NAME, root)


def _no_field(whole: str, name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(sorted(known))}"
    return f"{whole} has no {name}; {hint}"


@lru_cache(maxsize=8192)
def compiled(text: str) -> Compiled:
    """Return an expression over the facts that rules read; raise ``CelError``."""
    return compile_expression(text, VARIABLES)


_SCALARS = frozenset((str, bool, float, type(None)))


def _plain(tree: Tree) -> object:
    """Return plain containers, as CEL takes no others; a leaf becomes null (its chains are replaced before)."""
    kind = type(tree)  # most values are of exactly these types: asking the abstract classes takes five times as long
    if kind in _SCALARS:
        return tree
    if isinstance(tree, dict):
        return {key: value if type(value) in _SCALARS else _plain(value) for key, value in tree.items()}
    if isinstance(tree, int):
        return int(tree) if -(2**63) <= tree < 2**63 else float(tree)
    if isinstance(tree, list | tuple):
        return [_plain(value) for value in tree]
    if isinstance(tree, Unknown | Secret):
        return None
    if isinstance(tree, Mapping):
        return {key: _plain(value) for key, value in tree.items()}
    return str(tree)
