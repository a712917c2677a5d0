"""Rules about time: what they were judged at is written down, and apply judges them again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest

from ordain.policy.judge import Subjects
from ordain.render.json import plan_json, read_plan
from ordain.session.applying import ApplyOptions, apply_project
from ordain.session.context import Context
from ordain.session.session import PlanOptions, plan_project
from ordain.session.stores import open_state
from ordain.session.timing import judged_again, timed
from ordain.values.address import Address
from ordain.values.approval import Override
from ordain.values.change import Action, Change, Effect
from ordain.values.diagnostic import ExitCode
from ordain.values.plan import Estimate, Plan
from ordain.values.resource import Resource
from ordain.values.setting import Level, Policy, PolicyStage
from ordain.values.span import Source

PROJECT = """\
kind: Project
name: timed
format: 1
---
kind: Value
name: a
labels: {until: "2026-06-01T00:00:00Z"}
spec: {value: 1}
---
kind: Value
name: b
spec: {value: 2}
---
kind: Policy
name: untimed
spec: {level: advisory, require: resource.owner != ""}
---
kind: Policy
name: %s
"""
FREEZE = """freeze
spec:
  level: hard
  require: now < timestamp("2026-06-01T00:00:00Z") || plan.summary.create == 0
  message: frozen since June, and it is ${{ now }}
"""
EXPIRED = """expired
spec:
  level: hard
  match: '"until" in resource.labels && change.action != "no-op"'
  require: now < timestamp(resource.labels.until)
  message: ${{ resource.address }} was good until ${{ resource.labels.until }}
"""
NOWHERE = Source(file="", line=1, text="")
MAY, JUNE = (datetime(2026, month, 2, 12, tzinfo=UTC).timestamp() for month in (5, 6))


class Person:
    """Says yes after a while, and keeps what was shown."""

    def __init__(self, clock: list[float], answers_at: float | None = None) -> None:
        self.stop, self.yes = Flag(), False
        self.clock, self.answers_at = clock, answers_at
        self.shown: list[Plan] = []
        self.done: list[ExitCode] = []

    def show_plan(self, plan: Plan) -> None:
        self.shown.append(plan)

    def approve(self, plan: Plan) -> bool:
        if self.answers_at is not None:
            self.clock[0] = self.answers_at
        return True

    def hear(self, event: Any) -> None: ...
    def problems(self, diagnostics: Any) -> None: ...
    def declined(self) -> None: ...
    def finished(self, plan: Plan, code: ExitCode) -> None:
        self.done.append(code)


@pytest.fixture
def clock() -> list[float]:
    return [MAY]


@pytest.fixture(params=[FREEZE, EXPIRED], ids=["freeze", "expired"])
def context(request: Any, tmp_path: Path, clock: list[float]) -> Context:
    (tmp_path / "ordain.yaml").write_text(PROJECT % request.param, encoding="utf-8")
    return Context(root=tmp_path, clock=lambda: clock[0])


def planned(context: Context) -> Plan:
    return plan_project(context, PlanOptions(), keep=True)[0]


def saved(context: Context) -> Path:
    path = context.root / "p.json"
    path.write_bytes(plan_json(planned(context)))
    return path


def recorded(context: Context) -> list[str]:
    with open_state(context, create=False) as state:
        return sorted(map(str, state.recorded("default").resources))


def denials(plan: Plan) -> list[str]:
    return [finding.message for finding in plan.program.policy if finding.denies]


def test_the_plan_says_when_it_was_judged(context: Context, clock: list[float]) -> None:
    early = planned(context)
    assert early.envelope.created_at == "2026-05-02T12:00:00+00:00"
    assert early.program.status.applyable and not denials(early)
    clock[0] = JUNE
    late = planned(context)
    assert not late.program.status.applyable and denials(late)


def test_a_saved_plan_is_judged_again_when_it_is_applied(context: Context, clock: list[float]) -> None:
    path, person = saved(context), Person(clock)
    clock[0] = JUNE
    assert apply_project(context, ApplyOptions(plan_file=path), person) is ExitCode.DENIED
    (shown,) = person.shown
    (said,) = denials(shown)
    assert "June" in said or "value.a was good until" in said
    assert next(str(one.at) for one in shown.program.policy if one.denies).startswith("ordain.yaml:")
    assert recorded(context) == []
    clock[0] = MAY
    assert apply_project(context, ApplyOptions(plan_file=path), person) is ExitCode.DONE
    assert recorded(context) == ["value.a", "value.b"]


def test_what_was_denied_then_may_be_good_now(context: Context, clock: list[float]) -> None:
    clock[0] = JUNE
    path = saved(context)
    clock[0] = MAY
    assert apply_project(context, ApplyOptions(plan_file=path), Person(clock)) is ExitCode.DONE


def test_an_answer_that_took_its_time_is_too_late(context: Context, clock: list[float]) -> None:
    person = Person(clock, answers_at=JUNE)
    assert apply_project(context, ApplyOptions(), person) is ExitCode.DENIED
    assert len(person.shown) == 2 and denials(person.shown[1]) and recorded(context) == []


@pytest.mark.parametrize("at", [MAY, JUNE])
def test_at_the_same_time_the_same_is_found(context: Context, clock: list[float], at: float) -> None:
    clock[0] = at
    plan = read_plan(plan_json(planned(context)))
    again = judged_again(plan, at)
    assert again.program.status == plan.program.status
    assert again.program.policy == plan.program.policy


def test_only_what_speaks_of_time_is_kept(tmp_path: Path, clock: list[float], request: Any) -> None:
    context = Context(root=tmp_path, clock=lambda: clock[0])

    def program(policy: str) -> Any:
        (tmp_path / "ordain.yaml").write_text(PROJECT % policy, encoding="utf-8")
        return planned(context).program

    assert [str(one.policy.address) for one in program(FREEZE).timed] == ["policy.freeze"]
    assert not program(FREEZE).timed_subjects  # it speaks of no resource
    assert [str(one.address) for one in program(EXPIRED).timed_subjects] == ["value.a", "value.b"]
    none = program("other\nspec: {level: soft, require: 'true'}\n")
    assert not none.timed and not none.timed_subjects
    assert judged_again(planned(context), JUNE).program.policy == none.policy


EVERYTHING = """\
kind: Project
name: timed
format: 1
---
kind: Environment
name: default
spec: {default: true, promotes_from: dev}
---
kind: Environment
name: dev
---
kind: Value
name: a
owner: ana
description: a word
labels: {tier: gold}
lifecycle: {protect: true}
spec: {value: 1}
---
kind: Policy
name: all
spec:
  level: soft
  require: >-
    now < timestamp("2026-06-01T00:00:00Z") || (resource.owner == "ana" && resource.description == "a word" &&
    resource.labels.tier == "gold" && resource.protected && resource.spec.value == 1 && resource.kind == "Value" &&
    env.promotes_from == "dev" && change.duration.p90 < duration("1h") && plan.duration.p90 < duration("2h") && %s)
"""


def everything(folder: Path, last: str) -> Plan:
    (folder / "ordain.yaml").write_text(EVERYTHING % last, encoding="utf-8")
    plan, _ = plan_project(Context(root=folder, clock=lambda: MAY), PlanOptions(), keep=False)
    short = Estimate(p50=1.0, p90=2.0, runs=1)
    return replace(plan, envelope=replace(plan.envelope, estimates={"value.a": short}, duration=short))


def test_what_is_judged_again_is_told_all_that_it_was_told_first(tmp_path: Path) -> None:
    plan = everything(tmp_path, "true")
    assert judged_again(plan, JUNE).program.policy == plan.program.policy


def test_what_is_found_again_may_be_borne_with(tmp_path: Path) -> None:
    plan = everything(tmp_path, "false")
    late = judged_again(plan, JUNE)
    (found,) = [one for one in late.program.policy if one.denies]
    borne = Override(policy=found.policy, violations=(found.violation,), reason="r", by="ana", at="",
                     until="2026-07-01T00:00:00+00:00")  # fmt: skip
    assert judged_again(plan, JUNE, (borne,)).program.status.applyable
    assert not late.program.status.applyable
    errored = replace(plan, program=replace(plan.program, status=replace(plan.program.status, errored=True)))
    assert not judged_again(judged_again(errored, JUNE), MAY).program.status.applyable


def test_facts_are_kept_and_what_is_left_out_is_not(tmp_path: Path) -> None:
    names = [Address.parse(f"value.{name}") for name in ("a", "b")]
    ones = {one: Resource(address=one, kind="Value", provider=None, spec={}, source=NOWHERE) for one in names}
    left = Change(address=names[1], kind="Value", provider=None, action=Action.CREATE, effect=Effect.CREATE,
                  unselected="not selected")  # fmt: skip
    subjects = Subjects(environment="dev", resources=ones, facts={names[0]: {"rows": 3}}, changes=(left,),
                        now=datetime.fromtimestamp(MAY, UTC))  # fmt: skip
    rule = Policy(address=Address.parse("policy.p"), stage=PolicyStage.PLAN, level=Level.HARD, match="true",
                  require='now < timestamp("2026-06-01T00:00:00Z") || resource.facts.rows == 3')  # fmt: skip
    (kept,) = timed((rule,), subjects)[1]
    assert (kept.address, kept.facts) == (names[0], {"rows": 3})
