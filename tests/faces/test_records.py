"""Runs as a table, and predictions beside what came of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ordain.api.store import RunRecord
from ordain.render.durations import estimate_text, range_text
from ordain.render.records import history_json, history_text, prediction_text
from ordain.values.approval import Approval
from ordain.values.plan import Estimate

RUNS = (
    RunRecord(id="01JB", environment="dev", plan_digest="sha256:b", actor="ana@example.com", started=1_795_000_100.0),
    RunRecord(
        id="01JA", environment="dev", plan_digest="sha256:a", actor="b\x1b[31mo", started=1_795_000_000.0,
        finished=1_795_000_012.4, outcome="done", predicted=Estimate(p50=10.0, p90=15.0, runs=4),
        what="rollback model.a: it\x1bs off",
    ),
)  # fmt: skip


def test_history_is_a_table_of_runs() -> None:
    assert history_text(RUNS, "dev").splitlines() == [
        "RUN   STARTED (UTC)        WHO              OUTCOME    TOOK  PREDICTED  WHAT",
        "01JB  2026-11-18 11:08:20  ana@example.com  not ended  -     -          -",
        "01JA  2026-11-18 11:06:40  b\\u001b[31mo     done       12 s  10–15 s    rollback model.a: it\\u001bs off",
    ]
    assert history_text((), "dev") == "No run of dev is recorded.\n"


def _signed(person: object) -> Approval:
    return Approval(text=json.dumps({"person": person, "plan": "sha256:a"}), signature="-----BEGIN SSH SIGNATURE-----")


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"break_glass": "the site\nis down", "what": "destroy"}, "BREAK-GLASS: the site⏎is down; destroy"),
        ({"approvals": (_signed("a@x.example"), _signed("b@x.example"))}, "approved by a@x.example and b@x.example"),
        ({"approvals": (_signed("a@x.example"), _signed("a@x.example"))}, "approved by a@x.example"),
        ({"approvals": (_signed(7),)}, "approved by somebody (the approval cannot be read)"),
        ({"approvals": (Approval(text="[", signature=""),)}, "approved by somebody (the approval cannot be read)"),
        ({"approvals": (Approval(text="[]", signature=""),)}, "approved by somebody (the approval cannot be read)"),
        ({"approvals": (_signed("a\x1b@x"),), "what": "rollback model.a"}, "rollback model.a; approved by a\\u001b@x"),
    ],
)
def test_history_says_under_whose_word_and_is_loud_where_nobody_gave_it(more: dict[str, Any], what: str) -> None:
    assert history_text((replace(RUNS[0], **more),), "dev").splitlines()[1].endswith(f"  {what}")


def test_history_as_json_has_the_seconds_and_the_prediction() -> None:
    found = json.loads(history_json(RUNS, "dev"))
    assert found["environment"] == "dev" and found["runs"][0]["seconds"] is None
    assert found["runs"][1]["seconds"] == pytest.approx(12.4)
    assert found["runs"][1]["predicted"] == {"p50": 10.0, "p90": 15.0, "runs": 4}


def test_a_prediction_stands_beside_the_fact() -> None:
    told = Estimate(p50=10.0, p90=15.0, runs=4)
    assert prediction_text(told, 12.4) == "took 12 s, predicted 10–15 s (4 runs)"
    assert prediction_text(None, 12.4) == "took 12 s, without a prediction"


@pytest.mark.parametrize(
    ("p50", "p90", "text"),
    [
        (6, 12, "6.0–12 s"),
        (8.24, 8.21, "8.2 s"),
        (50, 125, "50 s–2 min 5 s"),
        (120, 180, "2–3 min"),
        (3, None, "3.0 s"),
    ],
)
def test_ranges(p50: float, p90: float | None, text: str) -> None:
    assert range_text(p50, p90) == text
    assert estimate_text(Estimate(p50=p50, p90=p90, runs=1)) == f"{text} (p50–p90 of 1 run)"
