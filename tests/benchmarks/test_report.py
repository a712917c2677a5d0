"""The report computes what it says, on numbers whose answers are known."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

SIZES = (100, 1_000, 5_000, 10_000)


def records(module: ModuleType, **seconds_of_ordain: float) -> list[Any]:
    """Terraform: N/1,000 s, 1,200 MB, local apply 24 s; DVC: 5 s; Ordain: as told for 10,000, in proportion, 200 MB."""
    found = []

    def add(tool: str, operation: str, size: int, wall: float, **others: Any) -> None:
        fields = {"backend": "", "shape": "flat", "memory": 200_000_000, **others}
        for number, noise in enumerate((1.0, 0.9, 1.5), start=1):  # the median is the plain number
            found.append(
                module.Record(
                    tool=tool, operation=operation, size=size, round=number, load=0.0,
                    wall=wall * noise, cpu=wall, **fields,
                )
            )  # fmt: skip

    for size in SIZES:
        for operation in ("plan-new", "apply", "plan-unchanged", "plan-changed"):
            add("terraform", operation, size, size / 1_000, backend="http", memory=1_200_000_000)
            add("ordain", operation, size, seconds_of_ordain.get(operation.replace("-", "_"), 1.0) * size / 10_000)
    add("terraform", "apply", 1_000, 24.0, backend="local", memory=9_000_000_000)
    add("dvc", "status", 1_000, 5.0)
    add("ordain", "ordain-help", 0, 0.070, shape="start-up")
    add("ordain", "small", 0, 0.130, shape="start-up")
    return found


def verdicts(module: ModuleType, **seconds: float) -> dict[tuple[str, str], tuple[str, bool | None]]:
    judged = module.goals(module.medians(records(module, **seconds)))
    return {(goal.work, goal.goal): (goal.found, goal.met) for goal in judged}


@pytest.mark.parametrize("power", [0.5, 1.0, 1.1, 2.0])
def test_the_exponent_is_that_of_the_power_law(report: ModuleType, power: float) -> None:
    assert report.exponent({size: 3e-4 * size**power for size in SIZES}) == pytest.approx(power)


def test_the_exponent_is_a_least_squares_fit(report: ModuleType) -> None:
    # x = 0, 1, 2 in log10; y = 0, 2, 1: the slope of the line of least squares is (1 - 0) / 2
    assert report.exponent({1: 1.0, 10: 100.0, 100: 10.0}) == pytest.approx(0.5)
    assert report.exponent({1_000: 1.0}) is None


def test_growth_counts_from_a_thousand(report: ModuleType) -> None:
    found = dict(report.medians(records(report)))
    key = report.Key("ordain", "flat", 100, "plan-new")
    found[key] = found[key]._replace(wall=1e6)
    assert report.growth(found, "ordain", "flat", "plan-new") == pytest.approx(1.0)


def test_medians_keep_local_state_apart(report: ModuleType) -> None:
    found = report.medians(records(report))
    assert found[report.Key("terraform", "flat", 1_000, "apply")].wall == pytest.approx(1.0)
    assert found[report.Key("terraform", "flat", 1_000, "apply", "local")].wall == pytest.approx(24.0)
    assert found[report.Key("terraform", "flat", 1_000, "apply")].runs == 3


def test_goals_are_met_or_not(report: ModuleType) -> None:
    judged = verdicts(report, plan_unchanged=0.2, plan_new=2.5, apply=10.0)
    assert judged["plan without changes, 10,000 flat", "≤ 1/50 of Terraform"] == ("1/50.0", True)
    assert judged["plan from nothing, 10,000 flat", "≤ 1/5 of Terraform"] == ("1/4.0", False)
    assert judged["apply 1,000 flat", "≤ 1/15 of Terraform on local state"] == ("1/24.0", True)
    assert judged["apply 1,000 flat", "≤ 1 of Terraform on HTTP state"] == ("1.00 ×", True)
    assert judged["peak memory, 10,000 flat", "≤ 1/4 of Terraform"] == ("1/6.0", True)
    assert judged["growth, apply, flat", "exponent ≤ 1.1"] == ("1.00 (1,000 to 10,000)", True)
    assert judged["peak memory, 100,000 flat", "≤ 2 GB"] == ("not measured", None)
    assert judged["`ordain --help`", "≤ 80 ms"] == ("70 ms", True)
    assert judged["`ordain plan`, 5 Values unchanged", "≤ 100 ms"] == ("130 ms", False)
    assert judged["1,000 unchanged", "≤ 1/20 of `dvc status`"] == ("1/250.0", True)
    assert judged["3,000 unchanged", "≤ 1/20 of `dvc status`"] == ("not measured", None)


def test_slower_than_terraform_is_not_met(report: ModuleType) -> None:
    judged = verdicts(report, apply=12.0, plan_unchanged=20.0)
    assert judged["apply 1,000 flat", "≤ 1 of Terraform on HTTP state"] == ("1.20 ×", False)
    assert judged["plan without changes, 10,000 flat", "≤ 1/50 of Terraform"] == ("2.00 ×", False)


def test_without_terraform_nothing_beside_it_is_judged(report: ModuleType) -> None:
    alone = [record for record in records(report) if record.tool == "ordain"]
    judged = report.goals(report.medians(alone))
    assert {goal.met for goal in judged if "Terraform" in goal.goal} == {None}
    assert any(goal.met for goal in judged)
    assert "not measured" in report.markdown(report.medians(alone), {}, ["No terraform"])


def test_the_report_says_goals_and_numbers(report: ModuleType) -> None:
    text = report.markdown(report.medians(records(report, plan_new=2.5)), {"cores": 2}, ["DVC was left out"])
    assert "- cores: 2" in text
    assert "> **DVC was left out**" in text
    assert "| plan from nothing, 10,000 flat | ≤ 1/5 of Terraform | 1/4.0 | **not met** |" in text
    assert "| flat | 10,000 | ordain | 2.500 | 2.500 | 200 |  | 3 |" in text
    assert "| flat | 10,000 | terraform | 10.000 | 10.000 | 1200 | 4.0 × | 3 |" in text
    assert "| flat | 1,000 | terraform, local state | 24.000 |" in text


def test_other_words_are_judged_beside_the_flat_twin(report: ModuleType) -> None:
    own = [replace(one, shape="mixed") for one in records(report, plan_new=2.5) if one.tool == "ordain"]
    judged = {goal.work: goal for goal in report.goals(report.medians([*records(report), *own]))}
    assert judged["plan from nothing, 10,000 mixed"].found == "1/4.0"
    assert judged["growth, plan from nothing, mixed"].met is True
    assert "peak memory, 100,000 mixed" not in judged
