"""Saved plans after the merge: what there is nothing to do for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from ordain.render.pull import Done, Report, status_of
from ordain.session.context import Context
from ordain.session.merging import Saved, apply_saved, overtaken
from ordain.session.session import PlanOptions, plan_project
from ordain.values.diagnostic import ExitCode

PROJECT = "kind: Project\nname: p\nformat: 1\n---\nkind: Value\nname: v\nspec: {value: 1}\n"


def test_what_waited_for_another_environment_is_left_and_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    context = Context(root=tmp_path)
    plan, _ = plan_project(context, PlanOptions(), keep=False)
    blocked = tuple(replace(one, blocked="dev has no version of it") for one in plan.program.changes)
    plan = replace(plan, program=replace(plan.program, changes=blocked, steps=()))
    nobody = cast(Any, None)  # nothing is said, and nothing is opened: there is no such file
    done = apply_saved(context, Saved(environment="default", file=tmp_path / "none.json", plan=plan), nobody)
    assert done.exit is ExitCode.DONE and done.word.startswith("nothing to do yet: ") and "1 blocked" in done.word
    assert not (tmp_path / ".ordain").exists()


def test_a_plan_that_waited_for_what_this_job_applied_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    plan, _ = plan_project(Context(root=tmp_path), PlanOptions(), keep=False)
    waits = replace(plan.program.changes[0], blocked="dev has no version of it")
    blocked = replace(plan, program=replace(plan.program, changes=(*plan.program.changes, waits)))
    assert status_of(Report(environment="prod", plan=blocked))[1].endswith("the rest may be applied")
    applied = Done(environment="dev", exit=ExitCode.DONE)
    stale = Done(environment="prod", exit=ExitCode.STALE, plan=blocked)
    done = overtaken(stale, [applied])
    assert done.exit is ExitCode.DONE and "plan it again" in done.word
    # Anything else that is stale stays so.
    assert overtaken(stale, [replace(applied, word="applied already")]) == stale
    assert overtaken(replace(stale, plan=plan), [applied]).exit is ExitCode.STALE
    assert overtaken(replace(stale, exit=ExitCode.DENIED), [applied]).exit is ExitCode.DENIED
