"""Diagnostics, explanations, tables and progress lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from ordain.render.diagnostics import diagnostics_json, diagnostics_text
from ordain.render.events import Progress, event_line, run_text
from ordain.render.explain import About, why_json, why_text
from ordain.render.lines import TerminalOptions
from ordain.render.tables import table
from ordain.values.address import Address
from ordain.values.change import Action, Change, Effect, FieldChange
from ordain.values.diagnostic import Diagnostic, Severity
from ordain.values.event import Event, EventType
from ordain.values.fingerprint import Fingerprint
from ordain.values.plan import Plan
from ordain.values.record import ResourceRecord
from ordain.values.span import Span

Plans = Mapping[str, Callable[[], Plan]]
MODEL = Address.parse("model.subscriber")
PLAIN = TerminalOptions()


def _diagnostic(line: int, column: int, snippet: str, **more: str) -> Diagnostic:
    at = Span(file="models.yaml", line=line, column=column)
    return Diagnostic(
        **{"code": "spec-unknown-key", "summary": 'there is no key "paramz"', **more}, at=at, snippet=snippet
    )


def test_diagnostics_face(snapshot: SnapshotAssertion) -> None:
    found = (
        _diagnostic(114, 3, "  paramz: {max_iter: 200}", detail="a Model has: params, seed", fix='write "params"'),
        _diagnostic(14, 7, '  名前: "two words" # wide', summary="names are ASCII"),
        Diagnostic(code="no-terraform", summary="terraform was not found", severity=Severity.WARNING, address=MODEL),
    )
    assert diagnostics_text(found, PLAIN).splitlines() == snapshot


def test_the_caret_stands_under_the_word() -> None:
    lines = diagnostics_text([_diagnostic(14, 7, '  名前: "two words" # wide')], PLAIN).splitlines()
    assert lines[3] == '14 |   名前: "two words" # wide'
    # Two wide characters take four columns: the caret stands at column 2 + 4 + 2 of the text.
    assert lines[4] == "   | " + " " * 8 + "^" * len('"two words"')


@pytest.mark.parametrize("column", [1, 5, 10_000])
def test_a_caret_survives_any_line(column: int) -> None:
    text = diagnostics_text([_diagnostic(3, column, "x" * 5_000)], TerminalOptions(width=0))
    assert "^" in text
    assert max(map(len, text.splitlines())) < 250


def test_diagnostics_are_sorted_and_counted() -> None:
    text = diagnostics_text([_diagnostic(9, 1, "b"), _diagnostic(2, 1, "a")], PLAIN)
    assert text.index("models.yaml:2:1") < text.index("models.yaml:9:1")
    assert text.endswith("2 errors\n")
    assert diagnostics_text([], PLAIN) == ""
    assert [
        d["range"]["start"]["line"] for d in json.loads(diagnostics_json([_diagnostic(9, 1, "b")]))["diagnostics"]
    ] == [9]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("data_change", "model.subscriber"),
        ("data_change", "data_source.campaigns"),
        ("spec_change", "deployment.subscriber-api"),
        ("promoted", "model.churn"),
        ("first", "model.subscriber"),
    ],
)
def test_why_face(plans: Plans, name: str, address: str, snapshot: SnapshotAssertion) -> None:
    assert why_text(plans[name](), Address.parse(address), PLAIN).splitlines() == snapshot


def test_why_names_rows_columns_and_psi(plans: Plans) -> None:
    text = why_text(plans["data_change"](), MODEL, PLAIN)
    assert "rows  45,211 → 45,711 (added 500)" in text
    assert "0.21" in text and "balance" in text
    assert "deployment.subscriber-api" in text.split("It sets off")[1]


def test_why_nothing_changes_says_what_it_rests_on(plans: Plans) -> None:
    prints = Fingerprint(build="1", judge="2", serve="3", record="4")
    record = ResourceRecord(
        address=MODEL, kind="Model", provider="sklearn", spec={}, fingerprint=prints,
        inputs={"build": {"rows": "sha256:ab"}, "judge": {}}, outputs={"version": "v8d1f"},
    )  # fmt: skip
    text = why_text(plans["empty"](), MODEL, PLAIN, About(record=record))
    assert "no change" in text
    assert "build.rows  " in text and "sha256:ab" in text and "v8d1f" in text


def test_why_names_each_root_with_its_shortest_way(plans: Plans) -> None:
    found = json.loads(why_json(plans["data_change"](), Address.parse("deployment.subscriber-api")))
    (chain,) = [one for one in found["chains"] if one["root"]["code"] == "data"]
    assert chain["root"]["address"] == "data_source.campaigns"
    assert chain["passes"] == [
        "data_source.campaigns", "dataset.training", "model.subscriber", "deployment.subscriber-api"
    ]  # fmt: skip
    lines = why_text(plans["data_change"](), Address.parse("deployment.subscriber-api"), PLAIN).splitlines()
    arrows = [line.strip() for line in lines if "→ " in line and line.strip().startswith("→")]
    assert arrows == [
        "→ data_source.campaigns has new data",
        "→ dataset.training has new data",
        "→ model.subscriber is retrained",
        "→ deployment.subscriber-api: redeploy",
    ]


def test_why_takes_the_shortcut(plans: Plans) -> None:
    """Where a deployment reads a data source itself, that is the way, not the one over its model."""
    plan = plans["data_change"]()
    server = Address.parse("deployment.subscriber-api")
    needs = {server: (MODEL, Address.parse("data_source.campaigns"))}
    found = json.loads(why_json(plan, server, About(needs=needs)))
    assert found["chains"][0]["passes"] == ["data_source.campaigns", "deployment.subscriber-api"]


def test_why_something_stays_names_what_moves_above_it_and_what_is_not_compared(plans: Plans) -> None:
    plan = plans["data_change"]()
    quiet, between = Address.parse("model.quiet"), Address.parse("dataset.still")
    field = FieldChange(path=("spec", "seed"), before=7, after=8, suppressed="lifecycle.ignore_changes")
    stays = Change(
        address=quiet, kind="Model", provider=None, action=Action.NO_OP, effect=Effect.NONE, fields=(field,),
        notes=("data_source.campaigns changed in duration, not read by model.quiet",),
    )  # fmt: skip
    plan = replace(plan, program=replace(plan.program, changes=(*plan.program.changes, stays)))
    needs = {quiet: (between,), between: (Address.parse("data_source.campaigns"),)}
    text = why_text(plan, quiet, PLAIN, About(needs=needs))
    assert "= model.quiet: no change" in text
    assert "data_source.campaigns changed in duration, not read by model.quiet" in text
    assert "≈ data_source.campaigns  refresh-data: 500 rows added" in text
    assert "seed: 7 → 8  lifecycle.ignore_changes" in text
    found = json.loads(why_json(plan, quiet, About(needs=needs)))
    assert found["upstream"] == [{"address": "data_source.campaigns", "effect": "refresh-data"}]
    assert found["suppressed"][0]["suppressed"] == "lifecycle.ignore_changes" and found["chains"] == []


def test_why_json(plans: Plans) -> None:
    found = json.loads(why_json(plans["data_change"](), MODEL))
    assert found["change"]["causes"][0]["code"] == "data"
    assert found["triggers"] == [{"address": "deployment.subscriber-api", "effect": "redeploy"}]
    assert json.loads(why_json(plans["empty"](), MODEL))["change"] is None


def test_tables_align_and_put_numbers_right() -> None:
    text = table([("model.a", "12", "é中"), ("deployment.bc", "3,000", "x\ty")], ("address", "rows", "note"))
    assert text == "address         rows  note\nmodel.a           12  é中\ndeployment.bc  3,000  x y\n"
    assert table([], ("a",)) == ""


def _event(kind: EventType, operation: str = "train", **more: object) -> Event:
    return Event(**{"type": kind, "time": 1.0, "run": "r", "address": MODEL, "operation": operation, **more})


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (_event(EventType.STEP_STARTED), "model.subscriber: training …"),
        (
            _event(EventType.STEP_PROGRESS, data={"fraction": 0.4}, message="fold 2"),
            "model.subscriber: training 40 %: fold 2",
        ),
        (_event(EventType.STEP_PROGRESS), None),
        (_event(EventType.STEP_DONE, data={"seconds": 3.2}), "model.subscriber: trained in 3.2 s"),
        (_event(EventType.STEP_DONE, "polish", message="a\nb"), "model.subscriber: polish done: a⏎b"),
        (_event(EventType.STEP_FAILED, message="boom"), "model.subscriber: failed: boom"),
        (
            _event(EventType.STEP_REJECTED, message="roc_auc 0.61 < 0.70"),
            "model.subscriber: rejected: roc_auc 0.61 < 0.70",
        ),
        (_event(EventType.STEP_SKIPPED, message="after model.x"), "model.subscriber: skipped: after model.x"),
        (_event(EventType.STEP_RECOVERED), "model.subscriber: trained, by the run before this one"),
        (_event(EventType.RUN_STARTED), None),
        (_event(EventType.RUN_FINISHED), None),
    ],
)
def test_event_lines(event: Event, line: str | None) -> None:
    shown = event_line(event)
    if event.type is EventType.RUN_STARTED:
        shown = None if event.message == "" else shown
    assert shown == line


def test_the_end_of_a_run() -> None:
    events = [
        _event(EventType.STEP_DONE, time=1.0),
        _event(EventType.STEP_FAILED, "deploy", message="port taken", time=4.0),
        _event(EventType.STEP_SKIPPED, time=4.5),
    ]
    assert run_text(events) == (
        "1 step done, 1 step failed, 1 step skipped in 3.5 s.\n  ✗ model.subscriber: failed: port taken\n"
    )
    assert run_text([]) == "No steps.\n"


def test_the_end_of_a_run_that_broke_off_says_what_is_left() -> None:
    events = [
        _event(EventType.STEP_DONE, time=1.0),
        _event(EventType.RUN_FINISHED, time=2.0, data={"done": 1, "not-started": 3}),
    ]
    assert run_text(events) == "1 step done, 3 steps not started in 1.0 s.\n  ordain apply goes on from here\n"


def test_a_later_step_of_what_failed_is_not_told_again() -> None:
    assert event_line(_event(EventType.STEP_SKIPPED, message="model.subscriber failed (train)")) is None


def test_a_run_of_very_many_steps_is_told_in_few_lines() -> None:
    start = _event(EventType.RUN_STARTED, data={"steps": 10_000})
    assert Progress.of(_event(EventType.RUN_STARTED, data={"steps": 200})) is None
    progress = Progress.of(start)
    assert progress is not None
    told = []
    for number in range(3000):
        for kind in (EventType.STEP_STARTED, EventType.STEP_DONE):
            told.append(progress.line(replace(_event(kind), time=start.time + number / 1000)))
    assert [line for line in told if line is not None] == [
        f"{number:,} of 10,000 steps ended" for number in (501, 1001, 1501, 2001, 2501)
    ]
    slow = replace(_event(EventType.STEP_DONE, data={"seconds": 3.2}), time=start.time + 3)
    assert progress.line(slow) == event_line(slow) is not None
    failed = replace(_event(EventType.STEP_FAILED, message="disk full"), time=start.time + 3)
    assert progress.line(failed) == event_line(failed) is not None
    last = replace(_event(EventType.STEP_SKIPPED), time=start.time + 9)
    assert progress.line(last) == "3,003 of 10,000 steps ended"
