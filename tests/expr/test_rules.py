"""Rules: four answers, and that what is not known can never pass."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from ordain.expr.chains import chains
from ordain.expr.rules import ROOTS, Facts, check, compile_rule
from ordain.values.data import Secret, Tree, Unknown, replace_leaves
from ordain.values.record import Outcome

LATER = Unknown(expression="${{ model.m.outputs.version }}")
HIDDEN = Secret(expression="${{ secret.X }}", names=("secret.X",))
PASS, FAIL, UNKNOWN, ERROR = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR


def _facts(**more: object) -> Facts:
    resource: Mapping[str, Tree] = {
        "address": "model.a",
        "owner": "",
        "labels": {"tier": "gold"},
        "spec": {"later": LATER, "hidden": HIDDEN, "one": 1, "half": 0.5, "list": [1, LATER], "map": {"inner": LATER}},
        "facts": {"columns": [{"name": "age", "personal": False}, {"name": "contact", "personal": True}]},
    }
    values = {"resource": resource, "candidate": {"roc_auc": 0.8}, "champion": {"roc_auc": 0.7}}
    known = {"env": {"name": "dev"}, "now": datetime(2026, 11, 21, tzinfo=UTC)}
    return Facts(**{"values": values, "known": known, **more})


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("resource.address == 'model.a'", PASS),
        ("resource.owner != ''", FAIL),
        ("resource.spec.one >= 1.0 && resource.spec.half < 1", PASS),
        ("resource.facts.columns.exists(c, c.personal)", PASS),
        ("!resource.facts.columns.exists(c, c.personal)", FAIL),
        ("env.name == 'dev' && now < timestamp('2027-01-01T00:00:00Z')", PASS),
        ("candidate.roc_auc >= champion.roc_auc", PASS),
        # not known yet
        ("resource.spec.later == 1", UNKNOWN),
        ("resource.spec.later != 1", UNKNOWN),
        ("resource.spec.list[0] == 1", UNKNOWN),
        ("2 in resource.spec.list", UNKNOWN),
        ("size(resource.spec) > 2", UNKNOWN),
        ("!(resource.spec.map == {'inner': 1})", UNKNOWN),
        ("resource.spec.exists(k, resource.spec[k] == 7)", UNKNOWN),
        ("(resource.spec).later == 1", UNKNOWN),
        ('resource["spec"]["later"] == 1', UNKNOWN),
        ("resource // a comment\n . spec . later == 1", UNKNOWN),
        ("string(resource.spec.later) == 'a'", UNKNOWN),
        ("resource.spec.later.startsWith('v')", UNKNOWN),
        ("has(resource.spec.later.deeper)", UNKNOWN),
        # known although something is not
        ("has(resource.spec.later)", PASS),
        ("has(resource.spec.map.inner) || true", PASS),
        ("has(resource.spec.nothing)", FAIL),
        ("resource.spec.one == 1", PASS),
        ("'resource.spec.later' == r'resource.spec.later'", PASS),
        # broken when judged
        ("resource.spec.hidden == 'x'", ERROR),
        ("resource.spec.nothing == 1", ERROR),
        ("resource.spec.one == 1 && resource.labels.gone == 'x'", ERROR),
        ("resource.owner", ERROR),
        ("resource.spec.one + resource.owner == 2", ERROR),
        ("resource.spec.one / 0 == 1", ERROR),
    ],
)
def test_the_four_answers(text: str, outcome: Outcome) -> None:
    ruling = compile_rule(text).evaluate(_facts())
    assert ruling.outcome is outcome, ruling.detail
    assert bool(ruling.detail) is (outcome in (UNKNOWN, ERROR))


SHORT = {"true": PASS, "false": FAIL, "resource.spec.later": UNKNOWN, "resource.spec.nothing == 1": ERROR}


@pytest.mark.parametrize("left", SHORT)
@pytest.mark.parametrize("right", SHORT)
def test_and_or_absorb_only_what_cannot_matter(left: str, right: str) -> None:
    one, two = SHORT[left], SHORT[right]
    either = compile_rule(f"({left}) || ({right})").evaluate(_facts()).outcome
    both = compile_rule(f"({left}) && ({right})").evaluate(_facts()).outcome
    assert (either is PASS) is (PASS in (one, two))
    assert (both is FAIL) is (FAIL in (one, two))
    assert (either is FAIL) is ((one, two) == (FAIL, FAIL))
    assert (both is PASS) is ((one, two) == (PASS, PASS))


def test_an_unknown_condition_decides_nothing() -> None:
    assert compile_rule("resource.spec.later ? true : true").evaluate(_facts()).outcome is UNKNOWN
    assert compile_rule("env.name == 'dev' ? true : resource.spec.later").evaluate(_facts()).outcome is PASS


def test_unknown_says_what_it_waits_for() -> None:
    text = "resource.spec.later == 1 && resource.spec.map.inner == 2 && resource.spec.later == 3"
    assert compile_rule(text).evaluate(_facts()).detail == "waits for resource.spec.later, resource.spec.map.inner"


def test_what_only_a_secret_could_answer_is_never_known_and_so_an_error() -> None:
    facts = _facts(values={"resource": {"spec": {"password": HIDDEN, "both": {"a": HIDDEN, "b": LATER}}}})
    ruling = compile_rule("resource.spec.password == 'x'").evaluate(facts)
    assert (ruling.outcome, ruling.detail) == (ERROR, "no rule reads secrets, as there are in resource.spec.password")
    assert compile_rule("resource.spec.password.size() > 0 || true").evaluate(facts).outcome is PASS
    assert compile_rule("has(resource.spec.password)").evaluate(facts).outcome is PASS
    ruling = compile_rule("resource.spec.password == resource.spec.both.b").evaluate(facts)
    assert (ruling.outcome, ruling.detail) == (UNKNOWN, "waits for resource.spec.both.b")
    assert compile_rule("size(resource.spec.both) == 2").evaluate(facts).outcome is UNKNOWN


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("resource.spec.map.gone.more == 1", "resource.spec.map.gone is not there"),
        ("resource.labels['gone'] == 'x'", "resource.labels.gone is not there"),
        ("resource.spec.gone == resource.labels.gone", "gone is not there"),  # either of them
        ("[{'a': 1}].all(x, x.gone == 1)", "gone is not there"),
        ("resource.owner.name == 'x'", "a field is read of something that has no fields"),
    ],
)
def test_a_fact_that_is_not_there_is_named_in_full(text: str, detail: str) -> None:
    assert compile_rule(text).evaluate(_facts()).detail == detail


def test_metrics_before_training_are_unknown() -> None:
    facts = _facts(values={"candidate": Unknown(expression="metrics")})
    assert compile_rule("candidate.roc_auc > 0.7").evaluate(facts).outcome is UNKNOWN
    assert compile_rule("has(candidate.roc_auc)").evaluate(facts).outcome is UNKNOWN


def test_without_a_champion_a_comparison_passes_and_says_so() -> None:
    facts = _facts(values={"candidate": {"roc_auc": 0.6}}, absent=frozenset({"champion"}))
    ruling = compile_rule("candidate.roc_auc >= champion.roc_auc").evaluate(facts)
    assert (ruling.outcome, ruling.detail) == (PASS, "there is no champion")
    both = "candidate.roc_auc >= 0.7 && candidate.roc_auc >= champion.roc_auc"
    assert compile_rule(both).evaluate(facts).outcome is FAIL
    assert compile_rule("has(champion.roc_auc)").evaluate(facts).outcome is FAIL


def test_a_runaway_rule_is_an_error() -> None:
    facts = _facts(values={"resource": {"spec": {"l": list(range(300))}}})
    three = "resource.spec.l.all(x, resource.spec.l.all(y, resource.spec.l.all(z, x + y + z >= 0)))"
    ruling = compile_rule(three).evaluate(facts)
    assert ruling.outcome is ERROR
    assert "too many steps" in ruling.detail


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        ("resource.adress == 'a'", "resource has no adress; did you mean address?", 0),
        ("true && resource.adress == 'a'", "resource has no adress; did you mean address?", 8),
        ("true || recource.address == 'a'", "there is no recource here; did you mean resource?", 8),
        ("1 + 1", "a rule must be true or false; this gives int", 0),
        ("'a' + 1 == 2", "+ does not take (string, int)", 4),
        ("plan.summary.retrian == 0", "plan.summary has no retrian; did you mean retrain?", 0),
        ("plan.duration.p99 < duration('1h')", "plan.duration has no p99; did you mean p90?", 0),
        ("true || plan.duration < duration('1h')", "write plan.duration.p90 or .p50", 8),
        ("change.duration.p90.x == 1", "write change.duration.p90 or .p50", 0),
        ("has(plan.duration.p90)", "plan.duration is always there", 4),
        ("plan.duration.p90 < 3600", 'is a duration; compare it with one, as in duration("1h")', 18),
        ("plan.duration.p90", "a rule must be true or false; this gives duration", 0),
        ("resource.", "this is not CEL", 9),
        ("", "the expression is empty", 0),
        ("[1].all(resource, resource > 0)", "call the variable something else", 8),
        ("1 in .resource.spec.list", "without the leading dot", 5),
        (".resource.spec.later == 1", "without the leading dot", 0),
        ("[true].all(__unknown__, __unknown__)", "Ordain's own", 11),
    ],
)
def test_check_says_what_is_wrong_and_where(text: str, message: str, offset: int) -> None:
    (problem,) = check(text)
    assert message in problem.message
    assert problem.offset == offset


def test_check_has_nothing_against_good_rules() -> None:
    for text in (
        "true",
        'resource.kind == "Model"',
        "!resource.facts.columns.exists(c, c.personal)",
        "plan.summary.delete < 3",
        'plan.summary["refresh-data"] == 0',
        'plan.duration.p90 < duration("1h")',
        'change["duration"].p50 + plan.duration.p90 < duration("90m")',
        "change.duration.p90.getMinutes() < 5",
    ):
        assert check(text) == ()


def test_a_gate_reads_no_durations() -> None:
    rule = 'true && plan.duration.p90 < duration("1h")'
    assert check(rule) == ()
    (problem,) = check(rule, gate=True)
    assert (problem.message, problem.offset) == ("plan.duration.p90 is there at stage plan, not at stage gate", 8)
    assert check("candidate.roc_auc > 0.7", gate=True) == ()


def test_durations_are_known_or_not() -> None:
    p50, p90 = ("plan", "duration", "p50"), ("plan", "duration", "p90")
    half = Facts(values={}, durations={p50: timedelta(seconds=5), p90: None})

    def outcome(text: str, facts: Facts = half) -> Outcome:
        return compile_rule(text).evaluate(facts).outcome

    assert outcome('plan.duration.p50 < duration("6s")') is PASS
    assert outcome('plan.duration.p50 < duration("4s")') is FAIL
    assert outcome('plan.duration.p90 < duration("6s")') is UNKNOWN
    assert outcome('plan["duration"]["p90"] < duration("6s")') is UNKNOWN
    assert outcome('plan.duration.p50 < duration("4s") && plan.duration.p90 < duration("6s")') is FAIL
    assert outcome('[plan.duration.p50].all(d, d < duration("6s"))') is PASS
    assert outcome('plan.duration.p50 < duration("6s")', Facts(values={})) is ERROR


def test_chains_are_found_behind_strings_comments_and_methods() -> None:
    text = (
        "resource.spec.a // resource.x\n + 'resource.y' + resource.spec.b.size() + resource['spec'][\"c\"] + x.resource"
    )
    assert [str(chain) for chain in chains(text, ROOTS)] == ["resource.spec.a", "resource.spec.b", "resource.spec.c"]
    assert [c.tested for c in chains("has(resource.spec.a) && a.has(resource.spec.b)", ROOTS)] == [True, False]


KEYS = ("a", "b", "m", "l")
ATOMS = st.sampled_from(
    [
        "resource.spec.a == 1",
        "resource.spec.b",
        "resource.spec['a'] != resource.spec.m.x",
        "has(resource.spec.a)",
        "has(resource.spec.m.x)",
        "has(resource.spec.zz)",
        "size(resource.spec.m) == 1",
        "resource.spec.m == {'x': 1}",
        "resource.spec.exists(k, k == 'a')",
        "resource.spec.m.exists(k, resource.spec.m[k] == 1)",
        "resource.spec.l.exists(e, e == 1)",
        "resource.spec.l.all(e, e == resource.spec.a)",
        "1 in resource.spec.l",
        "resource.spec.l == [1, 2]",
        "resource.spec.l.map(e, e + 1)[0] == 2",
        "resource.spec.a < 2 ? resource.spec.b : resource.spec.m.x == 1",
        "[resource.spec.a, 2].exists(e, e == 2)",
        "{'k': resource.spec.a}.k == 1",
        "'x' in resource.spec.m",
        "true",
        "false",
    ]
)
RULES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda a: f"!({a})"),
        st.tuples(inner, st.sampled_from(["&&", "||", "=="]), inner).map(lambda t: f"(({t[0]}) {t[1]} ({t[2]}))"),
    ),
    max_leaves=5,
)
NUMBER = st.sampled_from([0, 1, 2])
SPECS = st.fixed_dictionaries(
    {
        "a": NUMBER | st.just(LATER),
        "b": st.booleans() | st.just(LATER),
        "m": st.fixed_dictionaries({"x": NUMBER | st.just(LATER)}),
        "l": st.lists(NUMBER | st.just(LATER), min_size=1, max_size=3) | st.just(LATER),
    }
)


@settings(max_examples=400, deadline=None)
@given(RULES, SPECS, st.data())
def test_an_answer_given_early_is_the_answer_given_later(
    text: str, spec: Mapping[str, Tree], data: st.DataObject
) -> None:
    early = compile_rule(text).evaluate(Facts(values={"resource": {"spec": spec}})).outcome
    later_values = st.sampled_from([0, 1, 2, True, False, "x"])
    known = replace_leaves(spec, lambda leaf: data.draw(later_values))
    late = compile_rule(text).evaluate(Facts(values={"resource": {"spec": known}})).outcome
    if early in (PASS, FAIL):
        assert late is early
