"""The comment on a pull request, statuses and annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from ordain.api.forge import State
from ordain.render.pull import (
    Done,
    Page,
    Report,
    annotations_of,
    marker,
    outcome_markdown,
    outcome_of,
    pull_markdown,
    status_of,
)
from ordain.values.approval import ApprovalRule, Approved
from ordain.values.change import Effect
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode
from ordain.values.plan import Plan
from ordain.values.setting import Level
from ordain.values.span import Span

Plans = Mapping[str, Callable[[], Plan]]
RULE = ApprovalRule(count=2)
HALF = Approved(people=("rita@example.com",), missing=("1 more approval",))
LIMIT = 65_000


def page(*reports: Report, **more: tuple[str, ...]) -> Page:
    return Page(project="bank", base="origin/main", reports=reports, **more)


def named(plan: Plan, environment: str, rule: ApprovalRule | None = None) -> Plan:
    return replace(plan, program=replace(plan.program, environment=environment, approvals=rule, approvals_before=None))


def report(plan: Plan, environment: str = "dev", approved: Approved | None = None) -> Report:
    rule = RULE if approved is not None else None
    file = f"plans/{environment}.json"
    return Report(environment=environment, plan=named(plan, environment, rule), approved=approved, file=file)


def problem(summary: str = "unknown key", **more: object) -> Diagnostic:
    at = Span(file="models.yaml", line=3, column=5)
    return replace(Diagnostic(code="spec-unknown-key", summary=summary, fix="remove it", at=at), **more)  # type: ignore[arg-type]


def test_every_plan_there_is_keeps_its_row_whatever_the_room(plans: Plans) -> None:
    reports = tuple(report(make(), f"env-{number}", HALF) for number, make in enumerate(plans.values()))
    rows = [f"| `{one.environment}` |" for one in reports]
    for limit in (12_000, 20_000, LIMIT, 10_000_000):
        text = pull_markdown(page(*reports), limit)
        assert len(text.encode()) <= limit
        assert text.startswith(f"{marker('')}\n") and all(row in text for row in rows)
        assert text.count("<details>") == text.count("</details>")
        assert text == pull_markdown(page(*reports), limit)


def test_what_is_cut_says_so_and_where_it_is(plans: Plans) -> None:
    plan = plans["judged"]()
    findings = tuple(replace(one, message=f"finding {number}") for number in range(60) for one in plan.program.policy)
    big = report(replace(plan, program=replace(plan.program, policy=findings)), "prod")
    whole = pull_markdown(page(big), 10_000_000)
    assert "not the whole plan" not in whole and "ordain show" not in whole and len(whole) > 15_000
    room = len(whole.encode()) - 100
    cut = pull_markdown(page(big), room)
    assert "This is not the whole plan: `ordain show plans/prod.json` shows it" in cut
    # A second plan takes what the first leaves.
    small = pull_markdown(page(big, report(plans["denied"](), "dev")), 12_000)
    assert small.count("<details><summary><b>") == 1 or "not the whole plan" in small
    assert "The plan of `prod` has no room here: `ordain show plans/prod.json`" in pull_markdown(page(big), 3_000)


def test_two_hundred_environments_are_all_named(plans: Plans) -> None:
    reports = tuple(report(plans["denied"](), f"environment-{number}", HALF) for number in range(200))
    text = pull_markdown(page(*reports), LIMIT)
    assert len(text.encode()) <= LIMIT
    assert all(f"`environment-{number}`" in text for number in range(200))


def test_who_is_still_needed_and_what_to_type(plans: Plans) -> None:
    plan = plans["first"]()
    text = pull_markdown(page(report(plan, "prod", HALF)), LIMIT)
    assert "| **1 of 2**; still needed: 1 more approval |" in text
    assert "ordain approve plans/prod.json --as you@example.com --block" in text
    enough = replace(HALF, missing=(), people=("rita@example.com", "carl@example.com"))
    done = pull_markdown(page(report(plan, "prod", enough)), LIMIT)
    assert "2 of 2 (rita@" in done and "ordain approve" not in done
    # Nobody can approve away what a hard policy denies.
    denied = plans["denied"]()
    hard = tuple(replace(one, level=Level.HARD) for one in denied.program.policy)
    denied = replace(denied, program=replace(denied.program, policy=hard))
    assert "ordain approve" not in pull_markdown(page(report(denied, "prod", HALF)), LIMIT)
    unread = replace(report(plan, "prod", HALF), approved=None)
    assert "2 approvals asked for" in pull_markdown(page(unread), LIMIT)


def test_what_strangers_write_does_not_act() -> None:
    evil = "</details> | [x](http://evil) @everyone ``` <!-- ordain:other -->\n::error::x"
    broken = Report(environment="dev", diagnostics=(problem(evil, detail=evil, fix=evil),))
    text = pull_markdown(page(broken), LIMIT)
    assert text.count("</details>") == 1 and "<!-- ordain:other" not in text
    for part in ("](", "@everyone", "```"):
        assert part not in text
    assert "**not planned: 1 error**" in text


def test_environments_that_are_left_alone_or_go(plans: Plans) -> None:
    empty = pull_markdown(page(untouched=("dev",)), LIMIT)
    assert "No environment is touched" in empty
    gone = ("empty", "old", "older")
    text = pull_markdown(page(report(plans["first"]()), untouched=("lab",), gone=gone, left=gone[1:]), LIMIT)
    assert "Taken away, and nothing is left there: `empty`." in text
    assert "Not touched: `lab`." in text
    assert "`old` and `older` have no document any more. What they have stays" in text


@pytest.mark.parametrize(
    ("name", "approved", "state", "words"),
    [
        ("first", None, State.SUCCESS, "may be applied"),
        ("first", HALF, State.PENDING, "1 of 2 approvals: 1 more approval"),
        ("first", replace(HALF, missing=()), State.SUCCESS, "may be applied"),
        ("denied", HALF, State.FAILURE, "cannot be applied: "),
        ("errored", None, State.FAILURE, "cannot be applied: "),
        ("empty", None, State.SUCCESS, "nothing to do"),
    ],
)
def test_a_status_says_it_in_a_line(
    plans: Plans, name: str, approved: Approved | None, state: State, words: str
) -> None:
    found = status_of(report(plans[name](), approved=approved))
    assert found[0] is state and words in found[1] and len(found[1]) <= 140


def test_whose_fault_it_is_decides_between_failure_and_error() -> None:
    assert status_of(Report(environment="dev", diagnostics=(problem(),)))[0] is State.FAILURE
    ours = Report(environment="dev", diagnostics=(problem("x" * 500, blame=Blame.WORLD),))
    assert status_of(ours)[0] is State.ERROR and len(status_of(ours)[1]) == 140


def test_a_plan_that_stops_by_itself_is_a_failure(plans: Plans) -> None:
    plan = plans["first"]()

    def status(**more: object) -> tuple[State, str]:
        first = replace(plan.program.changes[0], **more)  # type: ignore[arg-type]
        return status_of(report(replace(plan, program=replace(plan.program, changes=(first,)))))

    assert status(effect=Effect.REJECTED) == (State.FAILURE, "cannot be applied: rejected by a gate")
    assert status(effect=Effect.REJECTED, unselected=True)[0] is State.SUCCESS
    rules = {"approvals": RULE, "approvals_before": ApprovalRule(count=3)}
    both = replace(plan, program=replace(plan.program, **rules))  # type: ignore[arg-type]
    assert "1 of 3 approvals" in status_of(Report(environment="dev", plan=both, approved=HALF))[1]


def test_what_only_warns_is_annotated_as_a_warning(plans: Plans) -> None:
    plan = plans["denied"]()
    policy = tuple(replace(one, level=Level.ADVISORY, excuse=None) for one in plan.program.policy)
    found = annotations_of((report(replace(plan, program=replace(plan.program, policy=policy))),), "")
    assert {one.level for one in found if "warns in dev" in one.title} == {"warning"}


def test_only_what_failed_by_the_worlds_fault_is_an_error() -> None:
    world = (problem("moved", blame=Blame.WORLD),)
    for code, state in ((ExitCode.FAILURE, State.ERROR), (ExitCode.STALE, State.FAILURE)):
        assert outcome_of(Done(environment="dev", exit=code, diagnostics=world))[0] is state


def test_of_many_problems_the_first_are_shown_and_the_rest_counted() -> None:
    broken = tuple(problem(f"problem {number}") for number in range(50))
    text = pull_markdown(page(Report(environment="dev", diagnostics=broken)), LIMIT)
    assert "problem 39" in text and "problem 40" not in text and "and 10 more problems" in text


def test_annotations_stand_where_it_is_written_once_each(plans: Plans) -> None:
    broken = (problem(), problem("odd", at=None))
    reports = [Report(environment=name, diagnostics=broken) for name in ("dev", "prod")]
    found = annotations_of((*reports, report(plans["denied"](), "dev")), "ml/churn/")
    diagnostics = [one for one in found if "denies" not in one.title and "warns" not in one.title]
    assert [(one.level, one.file, one.line, one.column) for one in diagnostics[:2]] == [
        ("error", "ml/churn/models.yaml", 3, 5),
        ("error", "ml/churn/ordain.yaml", 1, 1),
    ]
    denied = [one for one in found if "denies in dev" in one.title]
    assert denied and all(one.level == "error" and one.file.startswith("ml/churn/") for one in denied)
    assert len(set(found)) == len(found)


def test_the_outcome_names_each_environment(plans: Plans) -> None:
    plan = plans["first"]()
    fine = Done(environment="dev", exit=ExitCode.DONE, plan=plan)
    stale = Done(environment="prod", exit=ExitCode.STALE, plan=plan, diagnostics=(problem("a read moved"),))
    assert outcome_of(fine) == (State.SUCCESS, "applied")
    assert outcome_of(stale) == (State.FAILURE, "not applied, the plan is stale: a read moved")
    assert outcome_markdown("bank", (fine,), LIMIT).startswith("## Ordain applied: bank")
    text = outcome_markdown("bank", (fine, stale), LIMIT)
    assert "did not apply all" in text and "| `prod` | **not applied, the plan is stale" in text
    many = replace(stale, diagnostics=tuple(problem("y" * 600, detail="z" * 600) for _ in range(300)))
    assert len(outcome_markdown("bank", (many,) * 5, LIMIT).encode()) <= LIMIT


def test_two_projects_of_one_name_in_a_repository_are_told_apart() -> None:
    here, there = (replace(page(), place=place) for place in ("", "teams/a -->"))
    assert marker(here.place) not in pull_markdown(there, LIMIT) and marker(there.place) not in pull_markdown(
        here, LIMIT
    )
    assert marker(there.place) == "<!-- ordain:teams/a%20-%2D%3E -->"
    assert "## Ordain: bank in <code>teams/a --&#62;</code>" in pull_markdown(there, LIMIT)
    assert "## Ordain applied: bank in <code>teams/a" in outcome_markdown("bank", (), LIMIT, "teams/a")


def test_the_commit_that_was_planned_is_named() -> None:
    assert "Planned at <code>0123456789ab</code>. Policies" in pull_markdown(
        replace(page(), head="0123456789abcdef"), LIMIT
    )
