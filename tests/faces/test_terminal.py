"""The terminal face: golden pictures, and what holds for each of them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, strategies as st
from syrupy.assertion import SnapshotAssertion

from ordain.render.terminal import TerminalOptions, plan_text
from ordain.render.words import cells, clean, pair_text, seconds_text, value_text
from ordain.values.address import Address
from ordain.values.data import Secret, Unknown
from ordain.values.plan import Plan

ANSI = re.compile(r"\x1b\[[\d;]*m")
Plans = Mapping[str, Callable[[], Plan]]


def test_face(plan: Plan, snapshot: SnapshotAssertion) -> None:
    lines = plan_text(plan, TerminalOptions(width=100)).splitlines()
    if len(lines) > 60:
        lines = [*lines[:8], f"[{len(lines) - 16} more lines]", *lines[-8:]]
    assert lines == snapshot


def test_verbose_face(plans: Plans, snapshot: SnapshotAssertion) -> None:
    assert plan_text(plans["data_change"](), TerminalOptions(verbose=True)).splitlines() == snapshot


def test_colour_adds_nothing_to_read(plan: Plan) -> None:
    plain = plan_text(plan, TerminalOptions(color=False))
    painted = plan_text(plan, TerminalOptions(color=True))
    assert ANSI.sub("", painted) == plain
    assert not ANSI.search(plain)


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_asked(plan: Plan, width: int) -> None:
    for line in plan_text(plan, TerminalOptions(width=width)).splitlines():
        assert len(line) <= max(width, 80), line


def test_two_renderings_are_the_same(plans: Plans) -> None:
    for make in plans.values():
        assert plan_text(make(), TerminalOptions()) == plan_text(make(), TerminalOptions())


def test_weakened_settings_come_first(plans: Plans) -> None:
    from dataclasses import replace

    text = plan_text(plans["weakened"](), TerminalOptions())
    assert text.startswith("Changed settings\n  ! environment.prod")
    assert text.index("WEAKENED") < text.index("added") < text.index("No changes to resources")
    plan = plans["weakened"]()
    strict, first, _ = plan.program.settings
    mixed = (replace(first, weakened=False), replace(strict, address=Address.parse("policy.zeal")))
    text = plan_text(replace(plan, program=replace(plan.program, settings=mixed)), TerminalOptions())
    assert text.index("policy.zeal") < text.index("policy.no-personal-data")


def test_what_costs_stands_before_what_does_not(plans: Plans) -> None:
    text = plan_text(plans["spec_change"](), TerminalOptions())
    assert text.index("↻ model.subscriber") < text.index("· data_source.campaigns")
    assert "params.max_iter: 200 → 300  models.yaml:41" in text


def test_secrets_and_unknown_are_marked_never_told(plans: Plans) -> None:
    text = plan_text(plans["secrets"](), TerminalOptions(verbose=True, width=400))
    assert "must-not-show" not in text and "nor-this" not in text
    assert "(secret) → (another secret)" in text
    assert "(known after apply)" in text
    assert "ignored: ignore_changes" in text


def test_no_ops_only_when_asked(plans: Plans) -> None:
    from dataclasses import replace

    from ordain.values.address import Address
    from ordain.values.change import Action, Change, Effect

    plan = plans["spec_change"]()
    still = Change(
        address=Address.parse("value.still"), kind="Value", provider=None, action=Action.NO_OP, effect=Effect.NONE
    )
    plan = replace(plan, program=replace(plan.program, changes=(*plan.program.changes, still)))
    assert "value.still" not in plan_text(plan, TerminalOptions())
    assert "= value.still" in plan_text(plan, TerminalOptions(show_no_ops=True))


def test_a_very_long_plan_tells_what_is_alike_as_one(plans: Plans) -> None:
    from dataclasses import replace

    from ordain.values.address import Address
    from ordain.values.change import Action, Cause, CauseCode, Change, Effect

    def change(name: str, action: Action, effect: Effect, code: CauseCode, number: int | None = None) -> Change:
        address = Address.parse(f"value.{name}")
        after = {"path": ("spec", "size"), "before": 1, "after": number} if number is not None else {}
        cause = Cause(code=code, address=address, **after)  # type: ignore[arg-type]
        return Change(address=address, kind="Value", provider=None, action=action, effect=effect, causes=(cause,))

    plan = plans["spec_change"]()
    changes = (
        *(change(f"a{n}", Action.CREATE, Effect.CREATE, CauseCode.NEW) for n in range(400)),
        *(change(f"b{n}", Action.DELETE, Effect.DELETE, CauseCode.REMOVED) for n in range(150)),
        *(change(f"c{n}", Action.UPDATE, Effect.UPDATE, CauseCode.SPEC, n) for n in range(11)),
        change("odd", Action.UPDATE, Effect.UPDATE, CauseCode.REQUESTED),
        change("gone", Action.FORGET, Effect.FORGET, CauseCode.REMOVED),
    )
    plan = replace(plan, program=replace(plan.program, changes=changes))
    text = plan_text(plan, TerminalOptions(width=0))
    lines = text.splitlines()
    heads = [line.split("  ")[1] for line in lines if re.match("  [^ ]", line)]
    assert heads == ["- value.* (150)", "- value.gone", "+ value.* (400)",
                     *sorted(f"~ value.c{n}" for n in range(11)), "~ value.odd"]  # fmt: skip
    # What is deleted is named, every one; of what is new, a few.
    assert all(re.search(rf"\bvalue\.b{n}\b", text) for n in range(150))
    assert "value.a0, value.a1, value.a10, value.a100, value.a101 and 395 more" in text and "value.a2" not in text
    every = plan_text(plan, TerminalOptions(verbose=True))
    assert all(str(one.address) in every for one in changes)


def test_a_short_row_says_what_happened_rather_than_to_what(plans: Plans) -> None:
    from dataclasses import replace

    from ordain.values.address import Address
    from ordain.values.change import Cause, CauseCode, Effect

    plan = plans["many"]()
    changes = tuple(
        replace(
            one,
            effect=Effect.RETRAIN,
            causes=(Cause(code=CauseCode.DATA, address=Address.parse(f"data_source.with-a-long-name-{n}"),
                          detail=f"{n} rows added (60 → {60 + n}); balance and age moved"),),
        )
        for n, one in enumerate(plan.program.changes[:50])
    )  # fmt: skip
    plan = replace(plan, program=replace(plan.program, changes=changes))
    narrow = plan_text(plan, TerminalOptions(width=80))
    assert "retrain  7 rows added (60 → 67); balance and age moved" in narrow
    wide = plan_text(plan, TerminalOptions(width=120))
    assert "retrain  data_source.with-a-long-name-7: 7 rows added (60 → 67); balance and age moved" in wide


@pytest.mark.parametrize("width", [80, 120])
def test_a_folded_row_takes_one_line(plans: Plans, width: int) -> None:
    from dataclasses import replace

    plan = plans["many"]()
    long = tuple(
        replace(one, causes=(replace(one.causes[0], after="and so on " * 9),), notes=("x",))
        for one in plan.program.changes
    )
    lines = plan_text(
        replace(plan, program=replace(plan.program, changes=long)), TerminalOptions(width=width)
    ).splitlines()
    rows = [line for line in lines if line.startswith("  ~ ")]
    assert len(rows) == 13 and len(lines) < 24
    assert all(cells(row) <= width for row in rows)


def test_what_differs_in_names_alone_is_alike(plans: Plans) -> None:
    from dataclasses import replace

    from ordain.values.address import Address
    from ordain.values.change import Action, Cause, CauseCode, Change, Effect

    def change(number: int, **more: object) -> Change:
        address = Address.parse(f"deployment.d{number:02}")
        given = {"action": Action.UPDATE, "effect": Effect.REDEPLOY, **more}
        return Change(address=address, kind="Deployment", provider=None, **given)  # type: ignore[arg-type]

    def upstream(number: int) -> Cause:
        return Cause(
            code=CauseCode.SPEC, address=Address.parse(f"model.m{number}"), path=("spec", "seed"), after=number % 2
        )

    waits = [
        change(n, action=Action.NO_OP, blocked=f"model.m{n} has no version, see teams/model.yaml") for n in range(30)
    ]
    moves = [change(30 + n, causes=(upstream(n),)) for n in range(40)]
    still = [
        change(70 + n, action=Action.NO_OP, effect=Effect.NONE, notes=(f"deployment.d{70 + n} rests",))
        for n in range(9)
    ]
    models = [replace(moves[0], address=Address.parse("model.m0"), kind="Model")]
    plan = plans["spec_change"]()
    plan = replace(plan, program=replace(plan.program, changes=(*waits, *moves, *still, *models)))
    text = plan_text(plan, TerminalOptions(width=0))
    heads = [re.sub(" +", " ", line) for line in text.splitlines() if re.match("  [^ ]", line)]
    assert heads == [
        " ~ deployment.* (20) redeploy model.*: seed: (none) → 0",
        " ~ deployment.* (20) redeploy model.*: seed: (none) → 1",
        " ~ model.m0 redeploy seed: (none) → 0",
        " = deployment.* (9) unchanged deployment.* rests",
        " ✗ deployment.* (30) blocked model.* has no version, see teams/model.yaml",
    ]
    assert all(f"deployment.d{n:02}" in text for n in range(30)), "what is blocked is always named"


def test_findings_that_are_alike_are_told_once_and_denials_by_name(plans: Plans) -> None:
    from dataclasses import replace

    from ordain.values.address import Address
    from ordain.values.plan import Finding
    from ordain.values.record import Outcome
    from ordain.values.setting import Level

    def found(name: str, level: Level, number: int) -> Finding:
        address = Address.parse(f"model.m{number:02}")
        return Finding(policy=Address.parse(f"policy.{name}"), outcome=Outcome.FAIL, level=level, address=address,
                       message=f"{address} has no owner", remedy="write owner:")  # fmt: skip

    findings = tuple(found(*one, n) for n in range(60) for one in (("soft", Level.ADVISORY), ("hard", Level.HARD)))
    plan = plans["spec_change"]()
    text = plan_text(replace(plan, program=replace(plan.program, policy=findings)), TerminalOptions(width=0))
    told = text[text.index("Policy: ") :]
    assert told.startswith(
        "Policy: 60 denied, 60 warnings\n  ✗ denied   policy.hard (hard, medium)  60 resources: has no owner\n"
    )
    denied, warned = told.split("policy.soft")
    assert all(f"model.m{n:02}" in denied for n in range(60))
    assert "model.m03 and 56 more" in warned and "model.m05" not in warned
    assert told.count("remedy") == 2


def test_findings_that_are_alike_are_told_with_their_places(plans: Plans) -> None:
    from dataclasses import replace

    from ordain.render.markdown import plan_markdown
    from ordain.values.address import Address
    from ordain.values.plan import Finding
    from ordain.values.record import Outcome
    from ordain.values.setting import Level
    from ordain.values.span import Span

    def found(policy: str, number: int, line: int) -> Finding:
        return Finding(policy=Address.parse(policy), outcome=Outcome.FAIL, level=Level.HARD, message="no",
                       address=Address.parse(f"model.m{number}"),
                       at=Span(file="m.yaml", line=line, column=3))  # fmt: skip

    few = [found("policy.few", n, n) for n in range(4)]
    same = [found("policy.same", n, 7) for n in range(4)]
    many = [found("policy.many", n, n) for n in range(30)]
    plan = plans["spec_change"]()
    plan = replace(plan, program=replace(plan.program, policy=(*few, *same, *many)))
    text = plan_text(plan, TerminalOptions(width=0))
    assert "model.m0 (m.yaml:0:3), model.m1 (m.yaml:1:3), model.m2 (m.yaml:2:3), model.m3 (m.yaml:3:3)" in text
    assert "4 resources: no  m.yaml:7:3\n             model.m0, model.m1" in text
    assert "m.yaml:29:3" not in text
    page = plan_markdown(plan).replace("&#58;", ":")
    assert "model.m0 (m.yaml:0:3), " in page and "| no | m.yaml:7:3 |" in page


def test_warnings_of_one_sort_are_folded_and_errors_never(plans: Plans) -> None:
    from dataclasses import replace

    from ordain.values.diagnostic import Diagnostic, Severity

    warnings = tuple(Diagnostic(code="secret-missing", severity=Severity.WARNING, summary=f"w{n}.") for n in range(30))
    errors = tuple(Diagnostic(code="spec-value", summary=f"e{n}.") for n in range(30))
    plan = plans["errored"]()
    plan = replace(plan, program=replace(plan.program, diagnostics=warnings + errors))
    text = plan_text(plan, TerminalOptions())
    assert all(f"e{n}." in text for n in range(30)) and "w4." in text and "w5." not in text
    assert "… 25 more warnings of these sorts" in text
    assert "w29." in plan_text(plan, TerminalOptions(verbose=True))


def test_an_incompatible_model_is_loud_and_names_what_breaks(plans: Plans) -> None:
    lines = plan_text(plans["language"](), TerminalOptions(width=0)).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("  ! model.subscriber"))
    assert "retrain-incompatible" in lines[at]
    assert lines[at + 1].split() == ["BREAKS", "deployment.subscriber-api"]


def test_a_narrowed_plan_says_that_settings_wait(plans: Plans) -> None:
    from dataclasses import replace

    plan = plans["weakened"]()
    narrowed = replace(plan, program=replace(plan.program, selection=("model.*",)))
    assert plan_text(plan, TerminalOptions()).startswith("Changed settings\n")
    assert plan_text(narrowed, TerminalOptions()).startswith("Changed settings; a plan of everything records them\n")
    new = replace(narrowed, program=replace(narrowed.program, settings=narrowed.program.settings[2:]))
    assert plan_text(new, TerminalOptions()).startswith("Settings left for a whole plan to record: policy.owner")


def test_what_is_only_created_is_not_broken(plans: Plans) -> None:
    from dataclasses import replace

    from ordain.values.change import Action

    plan = plans["language"]()
    changes = tuple(
        replace(one, action=Action.CREATE) if one.address.kind == "deployment" else one for one in plan.program.changes
    )
    text = plan_text(replace(plan, program=replace(plan.program, changes=changes)), TerminalOptions(width=0))
    assert "BREAKS     nothing in this plan, but whoever sends it what it took until now" in text


def test_what_is_not_selected_is_counted_and_what_would_be_destroyed_is_named(plans: Plans) -> None:
    text = plan_text(plans["language"](), TerminalOptions(width=0))
    assert "Selected: model.* infrastructure.bucket !deployment.shadow" in text
    assert "3 not selected" in text.splitlines()[0]
    left = text.split("Not selected: ")[1].split("\n\n")[0]
    assert left.splitlines()[1:] == [
        "  - delete    1  value.gone", "  + create    2  deployment.mirror, deployment.shadow"]  # fmt: skip
    assert "it needs deployment.shadow" in plan_text(plans["language"](), TerminalOptions(verbose=True))


def test_both_branches_with_how_it_went_lately(plans: Plans) -> None:
    assert "(4 of the last 5 did)" in plan_text(plans["spec_change"](), TerminalOptions(width=0))
    assert "(none of the last 3 did)" in plan_text(plans["language"](), TerminalOptions(width=0))


def test_how_long_it_takes_and_where_history_is_missing(plans: Plans) -> None:
    assert "takes about 9.3–14 s (p50–p90 of 3 runs)." in plan_text(plans["spec_change"](), TerminalOptions(width=0))
    assert "takes at least 1 min 35 s–2 min 20 s (p50–p90 of 6 runs; 4 changes without history)" in plan_text(
        plans["language"](), TerminalOptions(width=0)
    )


def test_what_takes_no_time_is_not_timed(plans: Plans) -> None:
    from dataclasses import replace

    from ordain.values.plan import Estimate

    plan = plans["spec_change"]()
    plan = replace(plan, envelope=replace(plan.envelope, duration=Estimate(p50=0.01, p90=0.03, runs=4)))
    assert "takes about" not in plan_text(plan, TerminalOptions(width=0))


def test_a_former_name_is_told_beside_what_moves_it_not_instead(plans: Plans) -> None:
    from dataclasses import replace

    from ordain.values.address import Address
    from ordain.values.change import Cause, CauseCode, Effect

    plan = plans["spec_change"]()
    change = next(one for one in plan.program.changes if one.effect is Effect.RETRAIN)
    old = Address.parse("model.former")
    moved = Cause(code=CauseCode.MOVED, address=change.address, detail="model.former has another name now")
    both = replace(change, causes=(moved, *change.causes), previous_address=old)
    changes = tuple(both if one is change else one for one in plan.program.changes)
    text = plan_text(replace(plan, program=replace(plan.program, changes=changes)), TerminalOptions(width=0))
    assert plan_text(plan, TerminalOptions(width=0)).split(f"{change.address} ")[1].splitlines()[0] in text
    assert "moved from  model.former" in text and "another name now" not in text


def test_only_drift_that_matters_is_listed(plans: Plans) -> None:
    plan = plans["secrets"]()
    text = plan_text(plan, TerminalOptions())
    assert "≠ data_source.warehouse" in text and "≠ deployment.subscriber-api" not in text
    assert "1 more resource drifted" in text
    assert "≠ deployment.subscriber-api" in plan_text(plan, TerminalOptions(verbose=True))


def test_everything_protected_is_named_and_nothing_is_offered(plans: Plans) -> None:
    last = plan_text(plans["destroyed"](), TerminalOptions(width=0)).splitlines()[-2:]
    assert "cannot be applied: model.subscriber is protected" in last[0]
    assert "lifecycle.protect: false" in last[1]


def test_names_of_strangers_do_not_break_the_columns(plans: Plans) -> None:
    from dataclasses import replace

    from ordain.values.change import Nested

    plan = plans["first"]()
    bucket = next(change for change in plan.program.changes if change.address.kind == "infrastructure")
    nested = tuple(
        Nested(address=name, action="create") for name in ("module.桶.x", "e\u0301.y\x1b[31m", "terraform_data.z")
    )
    plan = replace(plan, program=replace(plan.program, changes=(replace(bucket, nested=nested),)))
    lines = [line for line in plan_text(plan, TerminalOptions()).splitlines() if line.startswith("      +")]
    assert len(lines) == 3 and "\x1b" not in "".join(lines)
    assert {cells(line.rpartition("create")[0]) for line in lines} == {cells(lines[-1].rpartition("create")[0])}


def test_an_empty_plan_does_not_import_rich() -> None:
    code = (
        "import sys; from ordain.render.terminal import plan_text, TerminalOptions, no_changes_text\n"
        "from ordain.values.plan import *\n"
        "p = Program(project='p', environment='dev', mode='normal', lineage='l', serial=41, spec_digest='d',\n"
        "            status=Status(applyable=True, complete=True, errored=False), summary={'no-op': 12})\n"
        "e = Envelope(id='i', created_at='', engine_version='')\n"
        "print(plan_text(Plan(program=p, digest='d', envelope=e), TerminalOptions()), end='')\n"
        "sys.exit('rich' in sys.modules or 'pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (
        0,
        "No changes. 12 resources are as specified (environment dev, state serial 41).\n",
    ), done.stderr


@given(st.text(alphabet=st.characters(), max_size=60))
def test_cleaned_text_cannot_steer_a_terminal(text: str) -> None:
    safe = clean(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", safe)


def test_values_are_spelled_unambiguously() -> None:
    assert value_text("200") == '"200"'
    assert value_text(200) == "200"
    assert value_text("true") == '"true"'
    assert value_text(True) == "true"
    assert value_text("a b") == '"a b"'
    assert value_text({"a": [1, None], "b": "x"}) == "{a: [1, (none)], b: x}"
    assert value_text(Secret(expression="${{ secret.X }}", names=("secret.X",))) == "(secret)"
    assert value_text([Unknown(expression="x")]) == "[(known after apply)]"
    assert value_text(list(range(1000)), 20) == "[0, 1, 2, 3, 4, 5,…"


def test_long_texts_are_shown_where_they_differ() -> None:
    before, after = "select " + "a, " * 100 + "b from t", "select " + "a, " * 100 + "c from t"
    assert pair_text(before, after) == '…, a, a, b from t" → …, a, a, c from t"'


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (8.24, "8.2 s"), (59.6, "1 min"), (125, "2 min 5 s"), (11400, "3 h 10 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_a_plan_of_which_nothing_can_be_done_names_no_command(plans: Plans) -> None:
    from dataclasses import replace

    plan = plans["destroyed"]()
    held = tuple(replace(change, protected=False) for change in plan.program.changes if change.blocked)
    text = plan_text(replace(plan, program=replace(plan.program, changes=held, steps=())), TerminalOptions())
    assert held and "cannot be applied: 1 blocked, and nothing else to do." in text
    assert "ordain apply" not in text.splitlines()[-1]
