"""Rules put together say exactly what they say one by one."""

from __future__ import annotations

from typing import Any

from hypothesis import given, strategies as st

from ordain.expr.cel import MAX_LENGTH
from ordain.expr.rules import Facts, compile_rule
from ordain.expr.together import Case, Together
from ordain.values.data import Unknown
from ordain.values.record import Outcome

RULES = (
    "true",
    "false",
    'resource.owner != ""',
    "resource.spec.value < 10",
    "resource.spec.value < 10 || true",
    "has(resource.spec.value)",
    "resource.spec.nothing.there",
    "resource.spec.value  // a word on it",
    'champion.auc < candidate.auc || resource.owner == "x"',
    "plan.summary.create < 5",
    'plan.duration.p90 < duration("1h")',
    "resource.facts.columns.all(c, !c.personal)",
    "1 / 0 == 1",
    "resource.owner.nofield",
    "(",
    "[1, 2, 3].all(a, [1, 2, 3].all(b, a * b < 100))",
)
VALUES = st.one_of(st.integers(0, 20), st.booleans(), st.just(Unknown(expression="value.x.outputs.value")), st.none())


@st.composite
def facts(draw: Any) -> Facts:
    spec = draw(st.one_of(st.just({}), st.builds(lambda value: {"value": value}, VALUES)))
    columns: Any = draw(st.sampled_from([[], [{"personal": True}], Unknown(expression="facts")]))
    values = {"resource": {"owner": draw(st.sampled_from(["", "x"])), "spec": spec, "facts": {"columns": columns}}}
    if draw(st.booleans()):
        values["candidate"] = draw(st.sampled_from([{"auc": 0.7}, Unknown(expression="metrics")]))
    absent = frozenset(("champion",)) if draw(st.booleans()) else frozenset[str]()
    known = {"plan": {"summary": {"create": draw(st.integers(0, 9))}}}
    return Facts(values=values, known=known, absent=absent, durations={("plan", "duration", "p90"): None})


def alone(case: Case, given: Facts) -> bool:
    """Whether the case passes by itself, as policies are judged: a match that is not clearly false applies."""
    rules = case.rules
    if rules is None:
        return False
    applies, holds = (rule.evaluate(given).outcome for rule in rules)
    return applies is Outcome.FAIL or (applies is Outcome.PASS and holds is Outcome.PASS)


cases = st.builds(Case, match=st.sampled_from(RULES), require=st.sampled_from(RULES))


@given(st.lists(cases, max_size=12), facts())
def test_what_is_left_is_all_that_may_not_hold(ones: list[Case], given: Facts) -> None:
    left = Together(cases=tuple(ones)).undecided(given)
    assert left == sorted(set(left))
    decided = [case for number, case in enumerate(ones) if number not in left]
    assert [case for case in decided if not alone(case, given)] == []


@given(st.lists(st.builds(Case, match=st.just("true"), require=st.sampled_from(RULES)), max_size=12), facts())
def test_what_fails_alone_is_all_that_is_left_of_what_is_known(ones: list[Case], given: Facts) -> None:
    left = Together(cases=tuple(ones)).undecided(given)
    known = [
        number
        for number, case in enumerate(ones)
        if case.rules is not None and all(given.is_there(chain) for rule in case.rules for chain in rule.chains)
    ]
    assert [number for number in known if number in left] == [n for n in known if not alone(ones[n], given)]


def test_a_rule_that_fails_costs_no_more_than_twice_its_depth() -> None:
    given = Facts(values={"resource": {"owner": "", "spec": {"value": 1}}})
    ones = tuple(Case(match="true", require=f"resource.spec.value != {number}") for number in range(2, 34))
    calls = 0
    activation = given.activation

    class Counting:
        values, known, absent, durations = given.values, given.known, given.absent, given.durations
        is_there = staticmethod(given.is_there)

        @property
        def activation(self) -> object:
            nonlocal calls
            calls += 1
            return activation

    broken = (*ones, Case(match="true", require="resource.spec.value != 1"))
    assert Together(cases=broken).undecided(Counting()) == [32]  # type: ignore[arg-type]
    assert calls <= 2 * 6 + 1
    assert compile_rule("true").ready.text == "true"


def undecided(*ones: tuple[str, str]) -> list[int]:
    given = Facts(values={"resource": {"owner": "", "spec": {"value": 1}}})
    return Together(cases=tuple(Case(match=match, require=require) for match, require in ones)).undecided(given)


def test_a_rule_that_does_not_apply_is_decided_with_the_others() -> None:
    assert (
        undecided(("false", "false"), ("resource.spec.value == 1 // a word", "true"), ("false // none", "false")) == []
    )


def test_rules_that_are_too_long_together_are_decided_apart() -> None:
    long = " || ".join(["resource.spec.value == 1"] * (MAX_LENGTH // 60))
    ones = [("true", f"{long} || resource.spec.value == {number}") for number in range(6)]
    assert undecided(*ones) == []
    assert undecided(*ones, ("true", "resource.spec.value == 2")) == [6]
