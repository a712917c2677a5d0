"""How long a plan will take: each change, and the whole along its critical path."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ordain.plan.estimates import Forecast, forecast
from ordain.values.address import Address
from ordain.values.change import Action, Change, Effect
from ordain.values.fingerprint import Fingerprint
from ordain.values.plan import Estimate, Step
from ordain.values.record import Head, Recorded, ResourceRecord

HEAVY = frozenset(("train", "build"))
Durations = Mapping[str, tuple[float, ...]]


def _step(name: str, *needs: str) -> Step:
    address, _, operation = name.rpartition(":")
    return Step(
        id=name, address=Address.parse(address), operation=operation, key="k", needs=needs, heavy=operation in HEAVY
    )


def _change(address: str, provider: str = "sklearn", **more: Any) -> Change:
    name = Address.parse(address)
    return Change(
        address=name, kind=name.kind.title(), provider=provider, action=Action.UPDATE, effect=Effect.UPDATE, **more
    )


def _recorded(durations: Durations, providers: Mapping[str, str] | None = None) -> Recorded:
    records = {
        Address.parse(text): ResourceRecord(
            address=Address.parse(text),
            kind=Address.parse(text).kind.title(),
            provider=provider,
            spec={},
            fingerprint=Fingerprint(build="b", judge="j", serve="s", record="r"),
        )
        for text, provider in (providers or {}).items()
    }
    head = Head(lineage="l", serial=1, format=1)
    return Recorded(head=head, environment="dev", resources=records, settings={}, durations=durations)


def _of(steps: tuple[Step, ...], durations: Durations, providers: Mapping[str, str] | None = None) -> Forecast:
    changes = [_change(str(address)) for address in dict.fromkeys(step.address for step in steps)]
    return forecast(steps, changes, _recorded(durations, providers))


@pytest.mark.parametrize(
    ("past", "p50", "p90"),
    [
        ((3.0,), 3.0, 3.0),
        ((4.0, 2.0), 2.0, 4.0),
        ((5.0, 1.0, 3.0), 3.0, 5.0),
        (tuple(float(n) for n in range(10, 0, -1)), 5.0, 9.0),
        (tuple(float(n) for n in range(1, 21)), 10.0, 18.0),
    ],
)
def test_percentiles_are_values_that_were_measured(past: tuple[float, ...], p50: float, p90: float) -> None:
    found = _of((_step("model.a:train"),), {"model.a:train": past})
    assert found.changes == {Address.parse("model.a"): Estimate(p50=p50, p90=p90, runs=len(past))}
    assert found.plan == Estimate(p50=p50, p90=p90, runs=len(past))


def test_the_steps_of_a_change_add_up_and_operations_are_told_apart() -> None:
    past = {"model.a:train": (10.0, 20.0), "model.a:judge": (1.0, 1.0, 2.0), "model.a:promote": (99.0,)}
    steps = (_step("model.a:train"), _step("model.a:judge", "model.a:train"))
    assert _of(steps, past).changes == {Address.parse("model.a"): Estimate(p50=11.0, p90=22.0, runs=2)}
    promoted = _of((_step("model.a:promote"),), past)
    assert promoted.plan == Estimate(p50=99.0, p90=99.0, runs=1)


def test_a_plan_takes_as_long_as_its_longest_path() -> None:
    steps = (
        _step("dataset.d:build"),
        _step("model.slow:train", "dataset.d:build"),
        _step("model.fast:train", "dataset.d:build"),
        _step("deployment.api:deploy", "model.fast:train", "model.slow:train"),
        _step("model.alone:train"),
    )
    past = {
        "dataset.d:build": (2.0,) * 5,
        "model.slow:train": (10.0,) * 4,
        "model.fast:train": (3.0,) * 9,
        "deployment.api:deploy": (1.0,) * 7,
        "model.alone:train": (11.0,),
    }
    assert _of(steps, past).plan == Estimate(p50=13.0, p90=13.0, runs=4)


def test_p50_and_p90_may_lie_on_different_paths() -> None:
    steady, wild = (10.0,) * 10, (1.0,) * 8 + (50.0, 50.0)
    found = _of((_step("model.a:train"), _step("model.b:train")), {"model.a:train": steady, "model.b:train": wild})
    assert found.plan == Estimate(p50=10.0, p90=50.0, runs=10)


def test_without_the_history_of_a_heavy_step_there_is_no_telling() -> None:
    steps = (_step("model.a:train"), _step("dataset.d:build"))
    found = _of(steps, {"model.a:train": (5.0,)})
    assert found.plan is None
    assert list(found.changes) == [Address.parse("model.a")]


def test_a_light_step_without_history_counts_as_nothing_beside_one_with() -> None:
    steps = (_step("model.a:train"), _step("model.a:judge", "model.a:train"))
    found = _of(steps, {"model.a:train": (5.0,)})
    assert found.plan == Estimate(p50=5.0, p90=5.0, runs=1)
    assert found.changes == {Address.parse("model.a"): Estimate(p50=5.0, p90=5.0, runs=1)}
    alone = _of((_step("deployment.api:deploy"),), {})
    assert alone.plan is None
    assert alone.changes == {}


def test_what_only_writes_to_the_state_takes_no_time() -> None:
    assert _of((), {}).plan == Estimate(p50=0.0, p90=0.0, runs=0)
    for past in ({}, {"model.a:train": (5.0,)}):
        found = _of((_step("model.a:record"), _step("model.b:forget")), past)
        assert found.plan == Estimate(p50=0.0, p90=0.0, runs=0)
        assert found.changes == {}


def test_a_new_resource_borrows_the_median_of_its_kin() -> None:
    past = {
        'model.churn["north"]:train': (10.0, 12.0),
        'model.churn["south"]:train': (20.0,),
        "model.other:train": (30.0, 30.0, 30.0),
        "model.foreign:train": (900.0,),
        "model.gone:train": (900.0,),
        "dataset.d:build": (900.0,),
    }
    providers = dict.fromkeys(('model.churn["north"]', 'model.churn["south"]', "model.other", "dataset.d"), "sklearn")
    steps = (_step('model.churn["west"]:train'),)
    found = _of(steps, past, {**providers, "model.foreign": "torch"})
    assert found.plan == Estimate(p50=20.0, p90=20.0, runs=6, basis="kin")
    assert found.changes == {Address.parse('model.churn["west"]'): found.plan}
    assert _of((_step("model.new:judge"),), past, providers).plan is None
    own = _of((_step("model.other:train"),), past, providers)
    assert own.plan == Estimate(p50=30.0, p90=30.0, runs=3)


def test_a_moved_resource_keeps_its_history() -> None:
    change = _change("model.new", previous_address=Address.parse("model.old"))
    found = forecast((_step("model.new:train"),), (change,), _recorded({"model.old:train": (7.0,)}))
    assert found.plan == Estimate(p50=7.0, p90=7.0, runs=1)


@st.composite
def _graphs(draw: st.DrawFn) -> tuple[tuple[Step, ...], Durations]:
    count = draw(st.integers(1, 7))
    steps = [
        _step(f"model.m{n}:train", *(f"model.m{m}:train" for m in range(n) if draw(st.booleans())))
        for n in range(count)
    ]
    seconds = st.lists(st.integers(0, 50).map(float), min_size=1, max_size=20).map(tuple)
    return tuple(draw(st.permutations(steps))), {step.id: draw(seconds) for step in steps}


@given(_graphs())
def test_the_whole_lies_between_its_longest_step_and_the_sum_of_all(graph: tuple[tuple[Step, ...], Durations]) -> None:
    steps, past = graph
    found = _of(steps, past)
    assert found.plan is not None
    each = list(found.changes.values())
    for part in ("p50", "p90"):
        all_of = [getattr(one, part) for one in each]
        assert max(all_of) <= getattr(found.plan, part) <= sum(all_of)
    assert found.plan.p50 <= found.plan.p90
    assert min(one.runs for one in each) <= found.plan.runs <= max(one.runs for one in each)
    # Nothing it needs, nothing it waits for: all at once.
    apart = _of(tuple(replace(step, needs=()) for step in steps), past).plan
    assert apart is not None
    assert apart.p90 == max(one.p90 for one in each)
    # One after the other: what is slow is slow together.
    row = [replace(step, needs=tuple(one.id for one in steps[:n])) for n, step in enumerate(steps)]
    assert _of(tuple(row), past).plan.p90 == sum(one.p90 for one in each)
    assert _of(tuple(reversed(steps)), past) == replace(found, changes=_of(tuple(reversed(steps)), past).changes)


# Through the command line

SPECS = """kind: DataSource
name: rows
spec: {provider: csv, path: rows.csv}
---
kind: Dataset
name: table
spec:
  from: data_source.rows
  prepare: [{filter: VALUE}]
---
kind: Policy
name: quick
spec:
  level: hard
  require: plan.duration.p90 < duration("LIMIT")
  message: it takes ${{ plan.duration.p90 }}
"""


def _plan(project: Any) -> Any:
    return project.plan()


def test_the_time_of_a_plan_is_known_after_the_first_apply(project: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n" + "1,2\n2,3\n" * 5, encoding="utf-8")
    one = project(SPECS.replace("VALUE", "a > 0").replace("LIMIT", "1h"))
    first = _plan(one)
    assert first["envelope"]["duration"] is None
    assert [(finding["outcome"], finding["message"]) for finding in first["policy"]] == [
        ("unknown", "waits for plan.duration.p90")
    ]
    assert first["status"]["applyable"] is True
    one.apply()
    still = _plan(one)
    assert (still["policy"], still["changes"], still["envelope"]["duration"]) == ([], [], None)
    one.write(SPECS.replace("VALUE", "a > 1").replace("LIMIT", "1h"))
    second = _plan(one)
    assert second["policy"] == []
    told = second["envelope"]["duration"]
    assert told["runs"] == 1
    assert told["p50"] == told["p90"] == second["envelope"]["estimates"]["dataset.table"]["p90"]
    assert second["digest"] == _plan(one)["digest"]
    assert "s, predicted " in one.run("apply", "--yes")
    newest, oldest = json.loads(one.run("history", "--json"))["runs"]
    assert newest["predicted"] == {"p50": told["p50"], "p90": told["p90"], "runs": 1}
    assert oldest["predicted"] is None


def test_a_plan_that_takes_too_long_is_denied(project: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n" + "1,2\n2,3\n" * 5, encoding="utf-8")
    one = project(SPECS.replace("VALUE", "a > 0").replace("LIMIT", "1h"))
    one.apply()
    one.write(SPECS.replace("VALUE", "a > 1").replace("LIMIT", "1us"))
    denied = one.run("plan", expect=5)
    assert "policy.quick" in denied
    assert re.search(r"it takes [0-9.e-]+ s\b", denied)
    assert "predicted" not in one.run("apply", "--yes", expect=5)
