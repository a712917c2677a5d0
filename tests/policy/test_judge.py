"""Policies: what they see, what they say, and that nothing passes by not being known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ordain.policy.judge import judge
from ordain.policy.single import GateSubject, judge_gate, waiting
from ordain.values.address import Address
from ordain.values.approval import Override
from ordain.values.change import Action, Cause, CauseCode, Effect
from ordain.values.data import Unknown
from ordain.values.plan import Estimate, Finding
from ordain.values.record import Outcome
from ordain.values.setting import Level, Policy, PolicyStage
from ordain.values.span import Source, Span

LATER = Unknown(expression="x")
FAIL, UNKNOWN, ERROR = Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR
OWNED = "resource.owner != ''"


def test_every_desired_resource_is_seen_changed_or_not(make: Any) -> None:
    subjects = make.subjects(make.resource("model.b"), make.resource("model.a"), make.resource("value.v", owner="me"))
    found = judge((make.policy(OWNED),), subjects, make.locate)
    assert [(str(f.address), f.outcome) for f in found] == [("model.a", FAIL), ("model.b", FAIL)]
    assert all(f.denies for f in found)


@pytest.mark.parametrize(
    ("match", "require", "outcome"),
    [
        ("true", "true", None),
        ("true", "false", FAIL),
        ("false", "false", None),
        ("false", "resource.spec.nothing == 1", None),
        ("true", "resource.spec.nothing == 1", ERROR),
        ("resource.spec.nothing == 1", "true", ERROR),
        ("resource.spec.later == 1", "false", UNKNOWN),
        ("resource.spec.later == 1", "true", None),
        ("resource.spec.later == 1", "resource.spec.nothing == 1", UNKNOWN),
        ("true", "resource.spec.later == 1", UNKNOWN),
        ("true", "this is no rule", ERROR),
        ("resource.", "true", ERROR),
    ],
)
def test_match_and_require(
    match: str,
    require: str,
    outcome: Outcome | None,
    make: Any,
) -> None:
    subjects = make.subjects(make.resource("model.a", spec={"later": LATER}))
    found = judge((make.policy(require, match=match),), subjects, make.locate)
    assert [f.outcome for f in found] == ([] if outcome is None else [outcome])
    assert all(f.denies is (outcome in (FAIL, ERROR)) for f in found)
    assert all(f.message for f in found)


def test_a_broken_advisory_rule_does_not_deny(make: Any) -> None:
    policy = make.policy("resource.spec.nothing == 1", level=Level.ADVISORY)
    (found,) = judge((policy,), make.subjects(make.resource("model.a")), make.locate)
    assert found.outcome is ERROR
    assert not found.denies


def test_personal_columns(make: Any) -> None:
    rule = make.policy("!resource.facts.columns.exists(c, c.personal)", match='resource.kind == "Model"')
    model = make.resource("model.a")
    plain = {"columns": {"age": {"type": "integer"}, "contact": {"type": "category"}}}
    marked = {"columns": {**plain["columns"], "contact": {"type": "category", "personal": True}}}

    def outcomes(facts: object) -> list[Outcome]:
        return [f.outcome for f in judge((rule,), make.subjects(model, facts=facts), make.locate)]

    assert outcomes({model.address: plain}) == []
    assert outcomes({model.address: marked}) == [FAIL]
    assert outcomes({}) == [UNKNOWN]


def test_facts_of_what_is_deferred_are_not_known(make: Any) -> None:
    rule = make.policy("!resource.facts.columns.exists(c, c.personal)")
    change = make.change("model.a", deferred="waits for the bucket")
    (found,) = judge((rule,), make.subjects(make.resource("model.a"), changes=(change,)), make.locate)
    assert found.outcome is UNKNOWN


def test_deletes_are_seen_by_rules_about_changes_only(make: Any) -> None:
    gone = make.change("model.old", Effect.DELETE, action=Action.DELETE, after={"seed": 7})
    subjects = make.subjects(make.resource("model.a", owner="me"), changes=(gone,))
    assert judge((make.policy(OWNED),), subjects, make.locate) == ()
    keep = make.policy("change.action != 'delete' || resource.spec.seed != 7")
    (found,) = judge((keep,), subjects, make.locate)
    assert (str(found.address), found.outcome) == ("model.old", FAIL)


def test_who_bears_with_what_a_resource_lacks_has_not_agreed_to_lose_it(make: Any) -> None:
    rule = make.policy("resource.protected && change.action != 'delete'", level=Level.SOFT)
    (lacks,) = judge((rule,), make.subjects(make.resource("model.a")), make.locate)
    borne = Override(
        policy=rule.address, violations=(lacks.violation,), reason="r", by="ann", at="", until="2099-01-01T00:00:00Z"
    )
    (still,) = judge((rule,), make.subjects(make.resource("model.a"), overrides=(borne,)), make.locate)
    assert not still.denies
    gone = make.change("model.a", Effect.DELETE, action=Action.DELETE)
    (lost,) = judge((rule,), make.subjects(changes=(gone,), overrides=(borne,)), make.locate)
    assert lost.denies


def test_a_delete_that_a_document_asks_for_is_shown_there(make: Any) -> None:
    at = Span(file="removed.yaml", line=3, column=1)
    asked = Cause(code=CauseCode.REMOVED, address=Address.parse("model.a"), at=at)
    gone = make.change("model.a", Effect.FORGET, action=Action.FORGET, causes=(asked,))
    (found,) = judge((make.policy("change.action != 'forget'"),), make.subjects(changes=(gone,)), make.locate)
    assert found.at == at


def test_a_rule_about_the_plan_is_judged_once(make: Any) -> None:
    changes = tuple(make.change(f"value.v{n}", Effect.DELETE, action=Action.DELETE) for n in range(4))
    subjects = make.subjects(make.resource("model.a"), changes=changes)
    policy = make.policy(
        "plan.summary.delete <= 3 && plan.changes.all(c, c.kind == 'Value')", message="too many at once"
    )
    (found,) = judge((policy,), subjects, make.locate)
    assert (found.address, found.outcome, found.message) == (None, FAIL, "too many at once")
    assert judge((make.policy("plan.summary.retrain == 0 && env.name == 'dev'"),), subjects, make.locate) == ()


@pytest.mark.parametrize(
    "of_plan", ["plan.summary.delete == 1", "plan.changes.exists(c, c.action == 'delete')", "size(plan) == 2"]
)
def test_a_rule_may_read_the_plan_beside_a_resource(of_plan: str, make: Any) -> None:
    gone = make.change("value.old", Effect.DELETE, action=Action.DELETE)
    subjects = make.subjects(make.resource("model.a"), make.resource("value.b"), changes=(gone,))
    rule = make.policy(f"!({of_plan})", match="resource.kind == 'Model'")
    assert [(str(f.address), f.outcome) for f in judge((rule,), subjects, make.locate)] == [("model.a", FAIL)]


def test_messages_are_rendered_with_the_rule_s_own_names(make: Any) -> None:
    resource = make.resource("model.a", labels={"tier": "gold"}, spec={"later": LATER})
    message = "${{ resource.address }} in ${{ env.name }} is ${{ resource.labels.tier }}, ${{ resource.spec.later }}"
    (found,) = judge((make.policy(OWNED, message=message),), make.subjects(resource), make.locate)
    assert found.message == "model.a in dev is gold, (known after apply)"
    (broken,) = judge(
        (make.policy(OWNED, message="${{ resource.nothing.more }}"),), make.subjects(resource), make.locate
    )
    assert broken.outcome is FAIL
    assert "cannot be rendered" in broken.message
    (silent,) = judge((make.policy(OWNED),), make.subjects(resource), make.locate)
    assert silent.message == f"{OWNED} does not hold"


def test_findings_stand_where_the_field_was_written(make: Any) -> None:
    resource = make.resource("model.a", spec={"params": {"max_iter": 500}})

    def place(require: str) -> str:
        (found,) = judge((make.policy(require),), make.subjects(resource), make.locate)
        return str(found.at)

    assert place("resource.spec.params.max_iter < 100") == "a.yaml:4:8"  # spec.params.max_iter
    assert place(OWNED) == "a.yaml:2:5"  # owner
    assert place("resource.protected") == "a.yaml:2:4"  # name


def test_a_rule_that_broke_is_shown_where_it_was_written(make: Any) -> None:
    rules = Source(file="rules.yaml", line=1, text="")

    def place(require: str, **more: Any) -> str:
        resource = make.resource("model.a", spec={"metrics": ["auc"]})
        change = make.change("model.a", Effect.TRAIN)
        policy = make.policy(require, source=rules, **more)
        (found,) = judge((policy,), make.subjects(resource, changes=(change,)), make.locate)
        assert found.outcome is Outcome.ERROR
        return str(found.at)

    assert place("resource.spec.nothing == 1") == "rules.yaml:3:7"  # spec.require
    assert place("false", match="resource.spec.nothing == 1") == "rules.yaml:3:5"  # spec.match
    assert place("candidate.f1 > 0.5", stage=PolicyStage.GATE) == "a.yaml:2:4"  # a model that should measure it


def test_findings_are_sorted_and_the_same_twice(make: Any) -> None:
    policies = tuple(make.policy(OWNED, address=Address.parse(f"policy.{name}")) for name in ("z", "a"))
    subjects = make.subjects(*(make.resource(f"model.{name}") for name in "cab"))
    found = judge(policies, subjects, make.locate)
    assert [(str(f.policy), str(f.address)) for f in found] == [
        (f"policy.{policy}", f"model.{model}") for policy in "az" for model in "abc"
    ]
    assert judge(policies[::-1], subjects, make.locate) == found


def test_a_runaway_rule_denies_instead_of_hanging(make: Any) -> None:
    loop = "resource.spec.l.all(x, resource.spec.l.all(y, resource.spec.l.all(z, x + y + z >= 0)))"
    (found,) = judge(
        (make.policy(loop),), make.subjects(make.resource("model.a", spec={"l": list(range(300))})), make.locate
    )
    assert found.outcome is ERROR and found.denies
    assert "too many steps" in found.message


def test_gates_wait_for_what_is_trained(make: Any) -> None:
    gate = make.policy("candidate.roc_auc >= 0.7", stage=PolicyStage.GATE)
    models = make.resource("model.a"), make.resource("model.b")
    changes = (make.change("model.a", Effect.RETRAIN), make.change("model.b", Effect.COSMETIC))
    (found,) = judge((gate,), make.subjects(*models, changes=changes), make.locate)
    assert (str(found.address), found.outcome, found.message) == ("model.a", UNKNOWN, "waits for candidate.roc_auc")


@pytest.mark.parametrize("effect", [Effect.REUSE, Effect.PROMOTE])
def test_gates_wait_for_a_version_that_is_there_already(make: Any, effect: Effect) -> None:
    gate = make.policy("candidate.roc_auc >= 0.7", stage=PolicyStage.GATE)
    resources = make.resource("model.a"), make.resource("dataset.d")
    judged = replace(make.change("model.a", effect), inputs={"judge": {"policies": {"policy.p": "digest"}}})
    changes = (judged, make.change("dataset.d", effect))
    (found,) = judge((gate,), make.subjects(*resources, changes=changes), make.locate)
    assert (str(found.address), found.outcome) == ("model.a", UNKNOWN)


@pytest.mark.parametrize(
    ("candidate", "champion", "outcomes"),
    [(0.8, 0.75, []), (0.72, 0.75, [FAIL]), (0.72, None, []), (0.6, None, [FAIL])],
)
def test_gate_policies_judge_metrics(
    candidate: float, champion: float | None, outcomes: list[Outcome], make: Any
) -> None:
    rule = "candidate.roc_auc >= 0.7 && candidate.roc_auc >= champion.roc_auc"
    policies = (make.policy(rule, stage=PolicyStage.GATE), make.policy("false"))
    subject = GateSubject(
        environment="dev",
        resource=make.resource("model.a"),
        facts={},
        candidate={"roc_auc": candidate},
        champion=None if champion is None else {"roc_auc": champion},
        now=make.now,
    )
    assert [f.outcome for f in judge_gate(policies, subject, make.locate)] == outcomes


def test_a_gate_that_waits_for_what_is_never_measured_is_an_error(make: Any) -> None:
    model = make.resource("model.a", spec={"metrics": ["roc_auc", "log_loss"]})
    subjects = make.subjects(model, changes=(make.change("model.a", Effect.RETRAIN),))

    def judged(rule: str, match: str = "true") -> list[tuple[Outcome, str]]:
        gate = make.policy(rule, match=match, stage=PolicyStage.GATE)
        return [(found.outcome, found.message) for found in judge((gate,), subjects, make.locate)]

    words = "it cannot be judged: candidate.roc is never known: model.a measures roc_auc, log_loss"
    assert judged("candidate.roc > 0.7") == [(ERROR, words)]
    assert judged("candidate.roc_auc >= champion.rocauc")[0][0] is ERROR
    assert judged("candidate.roc_auc > 0.7 && candidate.rows > 10") == [(UNKNOWN, "waits for " + WAITS)]
    assert judged("!has(candidate.brier_score) || candidate.brier_score < 0.2")[0][0] is UNKNOWN
    assert judged("candidate.roc > 0.7", match='resource.kind == "Dataset"') == []


WAITS = "candidate.roc_auc, candidate.rows"

# What is retired, made incompatibly, or rolled back


def test_what_is_retired_is_a_delete(make: Any) -> None:
    retired = make.change("model.old", Effect.RETIRE, action=Action.DELETE)
    deleted = make.change("value.v", Effect.DELETE, action=Action.DELETE)
    subjects = make.subjects(changes=(retired, deleted))
    rule = make.policy("plan.summary.delete <= 1 || plan.summary.retire != 1")
    assert [f.outcome for f in judge((rule,), subjects, make.locate)] == [FAIL]
    each = make.policy('change.effect != "retire"')
    assert [str(f.address) for f in judge((each,), subjects, make.locate)] == ["model.old"]
    assert judge((make.policy(OWNED),), subjects, make.locate) == ()


@pytest.mark.parametrize(
    ("effect", "inputs", "waits"),
    [
        (Effect.RETRAIN_INCOMPATIBLE, {}, True),
        (Effect.ROLL_BACK, {"judge": {"policies": {"policy.p": "digest"}}}, True),
        (Effect.ENV_ONLY, {}, False),
        (Effect.MOVE, {}, False),
    ],
)
def test_gates_wait_for_every_version_that_will_be_judged(
    make: Any, effect: Effect, inputs: dict[str, Any], waits: bool
) -> None:
    gate = make.policy("candidate.roc_auc >= 0.7", stage=PolicyStage.GATE)
    change = replace(make.change("model.a", effect), inputs=inputs)
    found = judge((gate,), make.subjects(make.resource("model.a"), changes=(change,)), make.locate)
    assert [f.outcome for f in found] == ([UNKNOWN] if waits else [])


# Plans that selectors narrow


def test_what_a_selector_leaves_out_is_not_judged(make: Any) -> None:
    resources = make.resource("model.a"), make.resource("model.b"), make.resource("model.c")
    chosen = make.change("model.a", Effect.RETRAIN)
    left = make.change("model.b", Effect.RETRAIN, unselected="not selected by model.a")
    gone = make.change("model.old", Effect.DELETE, action=Action.DELETE, unselected="not selected by model.a")
    subjects = make.subjects(*resources, changes=(chosen, left, gone))
    assert [str(f.address) for f in judge((make.policy(OWNED),), subjects, make.locate)] == ["model.a", "model.c"]
    deletes = make.policy('change.action != "delete"')
    assert judge((deletes,), subjects, make.locate) == ()
    of_plan = make.policy("size(plan.changes) == 1 && plan.summary.retrain == 1 && plan.summary.delete == 0")
    assert judge((of_plan,), subjects, make.locate) == ()


# How long it takes

HOUR = 'plan.duration.p90 < duration("1h")'


def _takes(p50: float | None, p90: float | None, runs: int = 3) -> Estimate:
    return Estimate(p50=p50, p90=p90, runs=runs)


@pytest.mark.parametrize(
    ("duration", "outcomes"),
    [
        (_takes(100.0, 3599.999), []),
        (_takes(100.0, 3600.0), [FAIL]),
        (_takes(None, None, 0), [UNKNOWN]),
        (None, [UNKNOWN]),
        (_takes(0.0, 0.0, 0), []),
    ],
)
def test_a_rule_may_limit_how_long_a_plan_takes(make: Any, duration: Estimate | None, outcomes: list[Outcome]) -> None:
    subjects = make.subjects(make.resource("model.a"), duration=duration)
    assert [f.outcome for f in judge((make.policy(HOUR),), subjects, make.locate)] == outcomes
    beside = make.policy(f"resource.owner != '' || ({HOUR})")
    assert [f.outcome for f in judge((beside,), subjects, make.locate)] == outcomes
    matched = make.policy("false", match=HOUR.replace("<", ">="))
    assert [f.outcome for f in judge((matched,), subjects, make.locate)] == outcomes


def test_a_rule_that_does_not_hang_on_the_time_needs_none(make: Any) -> None:
    subjects = make.subjects(make.resource("model.a"))
    assert judge((make.policy(f"env.name == 'dev' || {HOUR}"),), subjects, make.locate) == ()
    (found,) = judge((make.policy(HOUR),), subjects, make.locate)
    assert (found.message, found.denies) == ("waits for plan.duration.p90", False)


def test_a_rule_may_limit_how_long_a_change_takes(make: Any) -> None:
    rule = make.policy(
        'change.duration.p50 < duration("10s") && change.duration.p90 < duration("1m")',
        message="${{ resource.address }}: ${{ change.duration.p50 }} to ${{ change.duration.p90 }}",
    )
    changes = (
        make.change("model.fast", Effect.RETRAIN),
        make.change("model.slow", Effect.RETRAIN),
        make.change("model.new", Effect.TRAIN),
        make.change("model.later", Effect.TRAIN, deferred="waits for the bucket"),
        make.change("model.said", Effect.COSMETIC),
        make.change("model.stuck", Effect.BLOCKED, blocked="its table is refused"),
        make.change("model.gone", Effect.FORGET, action=Action.FORGET),
    )
    names = ("fast", "slow", "new", "later", "said", "stuck", "still")
    estimates = {Address.parse("model.fast"): _takes(5.0, 9.0), Address.parse("model.slow"): _takes(5.0, 7200.0)}
    subjects = make.subjects(*(make.resource(f"model.{n}") for n in names), changes=changes, estimates=estimates)
    found = judge((rule,), subjects, make.locate)
    assert [(str(f.address), f.outcome, f.message) for f in found] == [
        ("model.later", UNKNOWN, "waits for change.duration.p50, change.duration.p90"),
        ("model.new", UNKNOWN, "waits for change.duration.p50, change.duration.p90"),
        ("model.slow", FAIL, "model.slow: 5 s to 2 h"),
    ]


def test_a_gate_has_no_more_to_tell_of_time(make: Any) -> None:
    gate = make.policy('change.duration.p90 < duration("1h")', stage=PolicyStage.GATE)
    subject = GateSubject(
        environment="dev",
        resource=make.resource("model.a"),
        facts={},
        candidate={"roc_auc": 0.9},
        champion=None,
        now=make.now,
        change=make.change("model.a", Effect.RETRAIN),
    )
    (found,) = judge_gate((gate,), subject, make.locate)
    assert found.denies
    assert "change.duration.p90 is not there at this stage" in found.message


def test_a_message_may_read_the_plan_though_its_rule_does_not(make: Any) -> None:
    policy = make.policy(OWNED, message="${{ resource.name }}, one of ${{ plan.summary.update }} updates")
    subjects = make.subjects(make.resource("model.a"), changes=(make.change("model.a"),))
    assert [f.message for f in judge((policy,), subjects, make.locate)] == ["a, one of 1 updates"]


def test_what_waits_and_would_deny_is_kept_for_the_apply() -> None:
    def finding(name: str, outcome: Outcome = Outcome.UNKNOWN, level: Level = Level.HARD, at: str = "a") -> Finding:
        address = Address(kind="value", name=at) if at else None
        return Finding(policy=Address(kind="policy", name=name), outcome=outcome, level=level, address=address)

    def policy(name: str, require: str = "resource.spec.value < 1", stage: PolicyStage = PolicyStage.PLAN) -> Policy:
        address = Address(kind="policy", name=name)
        return Policy(address=address, stage=stage, level=Level.HARD, match="true", require=require)

    policies = (
        policy("waits"),
        policy("gate", stage=PolicyStage.GATE),
        policy("depends", "resource.dependents.size() < resource.spec.value"),
        policy("whole", "size(resource) < 3"),
        policy("advises"),
        policy("fails"),
        policy("plan"),
    )
    findings = (
        *(finding("waits", at="a"), finding("waits", at="b"), finding("gate"), finding("depends"), finding("whole")),
        *(finding("advises", level=Level.ADVISORY), finding("fails", Outcome.FAIL), finding("plan", at="")),
    )
    (late,) = waiting(policies, findings)
    assert late.policy == policies[0]
    assert [str(one) for one in late.resources] == ["value.a", "value.b"]
