"""Pull requests whose runs come twice, late, or beside another project's: nothing is told or applied twice."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from ordain.session.context import Context
from ordain.session.stores import open_state


def load_story() -> Any:
    place = Path(__file__).with_name("test_pull_request.py")
    spec = importlib.util.spec_from_file_location("the_story_of_a_pull_request", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


story = load_story()
World, git, PULL = story.World, story.git, story.PULL
keys, world = story.keys, story.world
BEFORE, AFTER = "name: rate\nspec: {value: 1}", "name: rate\nspec: {value: 2}"


def test_a_run_after_the_merge_leaves_what_was_told(world: Any) -> None:
    head = world.open(BEFORE, AFTER)
    world.ci()
    told, states = world.comment(), world.states(head)
    assert f"Planned at <code>{head[:12]}</code>" in told
    world.merge()
    world.command.extra |= world.github.environ(pull=PULL)
    assert "pull request 7 is merged" in world.command("ci").stderr
    assert (world.comment(), world.states(head)) == (told, states)


def test_plans_are_nothing_to_commit_and_no_change(world: Any) -> None:
    world.open(BEFORE, AFTER)
    summary = world.folder / "no" / "summary.md"
    world.command.extra["GITHUB_STEP_SUMMARY"] = str(summary)
    done = world.ci("--out", "mine")
    # A summary that cannot be written is no failure of the plan.
    assert "The summary of the job was not written" in done.stderr
    assert "dev: 1 to create; may be applied" in done.stderr
    assert git(world.runner, "status", "--short") == ""
    world.ci("--out", "other")
    assert "Not touched: `lab`." in world.comment()


def test_two_projects_of_one_repository(world: Any) -> None:
    head = world.open(BEFORE, AFTER)
    world.ci()
    for sub in ("teams/a", "teams/b"):
        (world.ann / sub).mkdir(parents=True)
        shutil.copy(world.ann / "ordain.yaml", world.ann / sub)
    git(world.ann, "rm", "-q", "ordain.yaml")
    head = world.commit("two of a name")
    git(world.ann, "push", "-q", "origin", "change")
    world.github.push(PULL, head)
    for sub in ("teams/a", "teams/b"):
        world.ci("-C", sub, "--out", f"plans/{sub}", "--env", "dev")
    assert {"ordain/teams/a/dev", "ordain/teams/b/dev"} <= {*world.states(head)}
    comments = [one["body"] for one in world.github.comments(PULL)]
    assert [
        f"<!-- ordain:{place} -->" in text for place, text in zip((".", "teams/a", "teams/b"), comments, strict=True)
    ]
    # The project that went away says so, in its own comment, and does not leave a required status waiting.
    world.ci()
    assert "Taken away, and nothing is left there: `dev`, `lab` and `prod`." in world.comment()
    assert world.states(head)["ordain/prod"] == ("success", "taken away")


def test_an_old_job_again(world: Any) -> None:
    """What was applied is not applied again, nor is it a failure, whatever was applied since."""
    world.open(BEFORE, AFTER)
    world.ci("--env", "dev")
    merged = world.merge()
    world.apply(merged, "--env", "dev")
    text = (world.runner / "ordain.yaml").read_text(encoding="utf-8")
    (world.runner / "ordain.yaml").write_text(text.replace("value: 2}", "value: 3}"), encoding="utf-8")
    world.command("apply", "--env", "dev", "--yes")
    git(world.runner, "checkout", "-q", "ordain.yaml")
    assert world.apply(merged, "--env", "dev").stdout == "dev: applied already\n"
    assert world.value("dev") == 3 and world.states(merged)["ordain/dev"][0] == "success"


def test_a_plan_that_was_begun_and_cut_off(world: Any) -> None:
    world.open(BEFORE, AFTER)
    world.ci("--env", "dev")
    merged = world.merge()
    plan = json.loads(world.plan("dev").read_bytes())
    # As after kill -9: its run has no outcome, and what it did makes another plan of the rest.
    done = world.command("apply", "ordain-plans/dev.json")
    assert "done" in done.stdout
    with open_state(Context(root=world.runner), create=False) as state:
        (run,) = state.runs("dev")
        assert run.plan_digest == plan["digest"] and run.outcome == "done"
        state.finish_run(run.id, "interrupted", 1.0)
    done = world.apply(merged, "--env", "dev", expect=10)
    assert "this plan was begun in dev and not finished (interrupted)" in done.stderr
    assert "ordain plan --env dev --out dev.json" in done.stderr


def test_how_a_missing_approval_gets_there(world: Any) -> None:
    world.open(BEFORE, AFTER)
    world.ci()
    merged = world.merge()
    done = world.apply(merged, expect=5)
    assert "Applying dev:" in done.stderr
    last = world.github.comments(PULL)[-1]["body"]
    assert "ordain approve prod.json --as" in last and "--block" in last and str(world.runner) not in last
    assert world.states(merged)["ordain/prod"][1] == "not applied, denied: prod asks for approval of the plan"
