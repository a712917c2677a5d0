"""What a rule is told of a resource, and how its message spells lengths and moments."""

from __future__ import annotations

from typing import Any

import pytest

from ordain.policy.judge import judge
from ordain.values.address import Address
from ordain.values.change import Action, Effect
from ordain.values.plan import Estimate
from ordain.values.record import Outcome
from ordain.values.resource import Lifecycle

RAW = Address.parse("data_source.raw")


def told(make: Any, expression: str, *resources: Any, **more: Any) -> list[str]:
    """Return what a message says in the place of an expression, of each finding."""
    match = more.pop("match", "true")
    policy = make.policy("resource.name == ''", match=match, message=f"${{{{ {expression} }}}}")
    return [one.message for one in judge((policy,), make.subjects(*resources, **more), make.locate)]


def test_who_depends_on_a_resource_is_told_in_order(make: Any) -> None:
    resources = [make.resource(f"dataset.{name}", depends_on=(RAW,)) for name in ("c", "a", "b")]
    raw = make.resource(str(RAW))
    rule = make.policy("resource.dependents == ['dataset.a', 'dataset.b', 'dataset.c']", match="resource.name == 'raw'")
    assert judge((rule,), make.subjects(*resources, raw), make.locate) == ()
    alone = make.policy("resource.dependents.size() == 0 && resource.depends_on == ['data_source.raw']")
    assert judge((alone,), make.subjects(*resources), make.locate) == ()


@pytest.mark.parametrize("protect", [True, False])
def test_what_is_protected_is_told_while_it_stays_and_when_it_goes(make: Any, protect: bool) -> None:
    rule = make.policy("resource.protected || change.action == 'none'")
    kept = make.resource("model.a", lifecycle=Lifecycle(protect=protect))
    gone = make.change("model.b", Effect.DELETE, action=Action.DELETE, lifecycle=Lifecycle(protect=protect))
    found = judge((rule,), make.subjects(kept, changes=(gone,)), make.locate)
    assert [str(one.address) for one in found if one.outcome is Outcome.FAIL] == (
        [] if protect else ["model.a", "model.b"]
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5 s"), (119.0, "119 s"), (120.0, "2 min"), (5400.0, "90 min"), (7200.0, "2 h"), (9000.0, "2.5 h")],
)
def test_lengths_are_in_the_unit_there_are_two_of(make: Any, seconds: float, text: str) -> None:
    estimate = Estimate(p50=seconds, p90=seconds, runs=1)
    assert told(make, "plan.duration.p90", make.resource("model.a"), duration=estimate) == [text]


def test_the_plans_length_and_the_changes_are_two(make: Any) -> None:
    lengths = {
        "changes": (make.change("model.a", Effect.TRAIN),),
        "estimates": {Address.parse("model.a"): Estimate(p50=1.0, p90=2.0, runs=1)},
        "duration": Estimate(p50=3.0, p90=4.0, runs=1),
    }
    said = [told(make, f"{root}.duration.{part}", make.resource("model.a"), **lengths)
            for root in ("change", "plan") for part in ("p50", "p90")]  # fmt: skip
    assert said == [["1 s"], ["2 s"], ["3 s"], ["4 s"]]


def test_a_moment_is_spelled_as_people_write_one(make: Any) -> None:
    assert told(make, "now", make.resource("model.a")) == ["2026-11-21T00:00:00+00:00"]


@pytest.mark.parametrize("word", ["deferred", "blocked"])
def test_what_waits_and_what_is_stuck_is_told(make: Any, word: str) -> None:
    changes = (make.change("model.a", Effect.TRAIN, **{word: "the bucket"}), make.change("model.b", Effect.TRAIN))
    rule = make.policy(f"resource.kind != 'Model' || !change.{word}")
    subjects = make.subjects(make.resource("model.a"), make.resource("model.b"), changes=changes)
    found = judge((rule,), subjects, make.locate)
    assert [str(one.address) for one in found] == ["model.a"]
    listed = make.policy(f"plan.changes.filter(c, c.{word}).size() == 1")
    assert judge((listed,), make.subjects(changes=changes), make.locate) == ()


def test_what_goes_without_facts_has_none_that_are_known(make: Any) -> None:
    rule = make.policy("resource.facts.rows > 10 && change.action == 'delete'")
    gone = [make.change("dataset.a", Effect.DELETE, action=Action.DELETE, facts=facts) for facts in ({}, {"rows": 9})]
    found = [judge((rule,), make.subjects(changes=(one,)), make.locate)[0].outcome for one in gone]
    assert found == [Outcome.UNKNOWN, Outcome.FAIL]


def test_what_goes_is_told_as_it_was_recorded(make: Any) -> None:
    gone = make.change(
        "dataset.a",
        Effect.DELETE,
        action=Action.DELETE,
        provider="files",
        owner="ana",
        description="old",
        labels={"tier": "gold"},
        after={"rows": 1},
        facts={"rows": 3},
        depends_on=(RAW,),
    )
    ones = ("resource.kind == 'Dataset'", "resource.name == 'a'", "resource.provider == 'files'",
            "resource.owner == 'ana'", "resource.description == 'old'", "resource.labels.tier == 'gold'",
            "resource.spec.rows == 1", "resource.facts.rows == 3", "resource.depends_on == ['data_source.raw']",
            "resource.dependents == []", "change.action == 'delete'")  # fmt: skip
    rule = make.policy(" && ".join(ones))
    assert judge((rule,), make.subjects(changes=(gone,)), make.locate) == ()
