"""plan --explain: the steps as they will run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from ordain.render.lines import TerminalOptions
from ordain.render.steps import ordered, steps_markdown, steps_text
from ordain.values.address import Address
from ordain.values.plan import Estimate, Plan, Step

Plans = Mapping[str, Callable[[], Plan]]


def _step(address: str, operation: str, *needs: str, heavy: bool = False, last: bool = True) -> Step:
    return Step(
        id=f"{address}:{operation}", address=Address.parse(address), operation=operation, key="k", needs=needs,
        heavy=heavy, last=last,
    )  # fmt: skip


@pytest.fixture
def plan(plans: Plans) -> Plan:
    steps = (
        _step("data_source.campaigns", "register"),
        _step("dataset.training", "prepare", "data_source.campaigns:register"),
        _step("deployment.subscriber-api", "deploy", "model.subscriber:judge"),
        _step("infrastructure.bucket", "apply", heavy=True),
        _step("model.subscriber", "train", "dataset.training:prepare", heavy=True, last=False),
        _step("model.subscriber", "judge", "model.subscriber:train"),
    )
    found = plans["first"]()
    told = Estimate(p50=8.2, p90=12.0, runs=3)
    envelope = replace(found.envelope, estimates={"model.subscriber": told}, duration=told)
    return replace(found, program=replace(found.program, steps=steps), envelope=envelope)


def test_face(plan: Plan, snapshot: SnapshotAssertion) -> None:
    assert steps_text(plan, TerminalOptions(width=100)).splitlines() == snapshot
    assert steps_markdown(plan).splitlines() == snapshot


def test_a_step_comes_after_what_it_waits_for_and_names_it(plan: Plan) -> None:
    found = ordered(plan)
    assert [one.number for one in found] == list(range(1, 7))
    by_id = {one.step.id: one for one in found}
    for one in found:
        assert one.waits == tuple(sorted(by_id[need].number for need in one.step.needs))
        assert all(by_id[need].wave < one.wave and by_id[need].number < one.number for need in one.step.needs)
    assert [one.wave for one in found] == [1, 1, 2, 3, 4, 5]


def test_the_estimate_stands_at_the_heavy_step(plan: Plan) -> None:
    lines = [line for line in steps_text(plan, TerminalOptions(width=0)).splitlines() if "8.2–12 s" in line]
    assert len(lines) == 2 and " train " in lines[0] and "heavy" in lines[0] and lines[1].startswith("All of it takes")


def test_markdown_keeps_its_budget(plan: Plan) -> None:
    text = steps_markdown(plan, 600)
    left = int(re.search(r"and (\d) more steps?: see", text)[1])  # type: ignore[index]
    assert len(text.encode()) <= 600 and text.count("\n| ") - 1 == 6 - left


def test_a_plan_without_steps(plans: Plans) -> None:
    assert steps_text(plans["empty"](), TerminalOptions()) == "There are no steps to run.\n"
