"""What rules may know of data: licence, pin, age and rows; from real files through the planner to verdicts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ordain.api.fields import Facet, check, facets
from ordain.kinds.data_source import DataSourceSpec
from ordain.policy.judge import Subjects, judge
from ordain.values.address import Address
from ordain.values.change import Effect
from ordain.values.diagnostic import ExitCode
from ordain.values.record import Outcome
from ordain.values.setting import Level, Policy, PolicyStage
from ordain.values.span import Span

SOURCE, DATASET = Address.parse("data_source.bank"), Address.parse("dataset.training")
CSV: dict[str, Any] = {"path": "bank.csv"}
FILTERED: dict[str, Any] = {"prepare": [{"filter": "age >= 30"}]}
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def verdict(draft: Any, require: str, match: str) -> Outcome | None:
    """Return what a hard rule says of a draft; None where it passes."""
    policy = Policy(
        address=Address.parse("policy.p"), stage=PolicyStage.PLAN, level=Level.HARD, match=match, require=require
    )
    subjects = Subjects(
        environment="dev",
        resources=draft.resources,
        facts={address: outlook.facts for address, outlook in draft.outlooks.items()},
        changes=draft.changes,
        now=NOW,
    )
    found = judge((policy,), subjects, lambda source, path: Span(file=source.file, line=1, column=1))
    return found[0].outcome if found else None


def facts_of(draft: Any, address: Address = SOURCE) -> Any:
    return draft.outlooks[address].facts


def content_of(world: Any) -> str:
    return str(facts_of(world.plan(CSV))["content"])


def test_a_licence_is_only_written_down(data_world: Any) -> None:
    data_world.apply(data_world.plan(CSV, FILTERED))
    assert "licence" not in data_world.records[SOURCE].spec  # a project that says nothing is what it was
    draft = data_world.plan({**CSV, "licence": "CC-BY-4.0"}, FILTERED)
    assert [(change.address, change.effect) for change in draft.changes] == [(SOURCE, Effect.COSMETIC)]
    assert facts_of(draft)["licence"] == "CC-BY-4.0" and facts_of(draft, DATASET)["licences"] == ["CC-BY-4.0"]
    data_world.apply(draft)
    assert data_world.records[SOURCE].facts["licence"] == "CC-BY-4.0"
    again = data_world.plan({**CSV, "licence": "CC-BY-4.0"}, FILTERED)
    assert again.changes == () and facts_of(again, DATASET)["licences"] == ["CC-BY-4.0"]
    assert facts_of(data_world.plan(CSV, FILTERED), DATASET)["licences"] == [""]
    assert facets(DataSourceSpec)["licence"] is Facet.RECORD


@pytest.mark.parametrize(
    "text",
    ["MIT", "GPL-2.0+", "LicenseRef-bank", "DocumentRef-x:LicenseRef-y", "(MIT OR Apache-2.0) AND CC0-1.0",
     "GPL-2.0-or-later WITH Classpath-exception-2.0 or MIT", "((MIT))"],
)  # fmt: skip
def test_licence_expressions(text: str) -> None:
    assert check(DataSourceSpec, {"licence": text})[1] == ()


@pytest.mark.parametrize(
    "text",
    ["", " ", "CC BY 4.0", "MIT AND", "OR MIT", "(MIT", "MIT)", "MIT) AND (X", "MIT (OR) X", "MIT, X", "©", "()",
     "MIT AND OR X", "(MIT) WITH X", "MIT WITH (X)", "MIT (X)", "-x", "A" * 501],
)  # fmt: skip
def test_what_is_no_licence(text: str) -> None:
    (error,) = check(DataSourceSpec, {"licence": text})[1]
    assert error.path == ("licence",) and ("such as CC-BY-4.0" in error.message or len(text) > 500)


def test_data_that_is_as_pinned(data_world: Any) -> None:
    data_world.apply(data_world.plan(CSV, FILTERED))
    content = data_world.records[SOURCE].outputs["content"]
    draft = data_world.plan({**CSV, "digest": content}, FILTERED)
    assert [(change.address, change.effect) for change in draft.changes] == [(SOURCE, Effect.RE_EVALUATE)]
    assert draft.diagnostics == ()
    assert facts_of(draft)["pinned"] is True and facts_of(draft, DATASET)["pinned"] is True
    data_world.apply(draft)
    assert data_world.plan({**CSV, "digest": content}, FILTERED).changes == ()
    assert facts_of(data_world.plan(CSV, FILTERED), DATASET)["pinned"] is False


def test_data_that_is_not_as_pinned_stops_with_both_digests(data_world: Any) -> None:
    content = content_of(data_world)
    with (data_world.root / "bank.csv").open("a") as file:
        file.write("44,a,1,x\n")
    (problem,) = data_world.plan({**CSV, "digest": content}).diagnostics
    assert (problem.code, problem.exit, problem.path) == ("data-not-as-pinned", ExitCode.GATE, ("spec", "digest"))
    assert str(problem.at) == "data.yaml:1:3"
    now = content_of(data_world)
    assert content in problem.detail and now in problem.detail and problem.fix.endswith(f"digest: {now}")


@pytest.mark.parametrize("text", ["sha256:abc", "abc", "SHA256:" + "a" * 64, "sha256:" + "A" * 64, 12])
def test_what_is_no_digest(text: object) -> None:
    (error,) = check(DataSourceSpec, {"digest": text})[1]
    assert error.path == ("digest",) and "`ordain state show`" in error.message


@pytest.mark.parametrize(
    ("rows", "columns", "newest"),
    [
        ("day\n2024-01-31\n2023-12-31\n", {}, "2024-01-31T00:00:00Z"),
        ("at\n2024-01-31T10:00:00\n2024-01-31T10:00:00.5\n", {}, "2024-01-31T10:00:00.500000Z"),
        ("at,day\n2024-01-31T10:00:00,2024-02-01\n", {}, "2024-02-01T00:00:00Z"),
        ("born,day\n2024-01-31,2020-01-01\n", {"born": {"personal": True}}, "2020-01-01T00:00:00Z"),
        ("born\n2024-01-31\n", {"born": {"personal": True}}, ""),
        ("age\n12\n", {}, ""),
        ("day\n9999-12-31\n", {}, "9999-12-31T00:00:00Z"),
    ],
)
def test_the_newest_moment(data_world: Any, rows: str, columns: Any, newest: str) -> None:
    (data_world.root / "bank.csv").write_text(rows)
    draft = data_world.plan({**CSV, "contract": {"columns": columns}})
    assert facts_of(draft)["newest"] == newest
    age = 'resource.facts.newest != "" && timestamp(resource.facts.newest) > now - duration("48h")'
    fresh = newest.startswith("9999")
    assert verdict(draft, age, "resource.kind == 'DataSource'") is (None if fresh else Outcome.FAIL)
    if newest:
        exactly = f'timestamp(resource.facts.newest) == timestamp("{newest}")'
        assert verdict(draft, exactly, "true") is None


def test_a_young_file_passes_a_rule_about_age(data_world: Any) -> None:
    (data_world.root / "bank.csv").write_text("at\n2026-11-20T23:30:00+02:00\n")
    age = 'timestamp(resource.facts.newest) > now - duration("{}")'
    draft = data_world.plan(CSV)
    assert facts_of(draft)["newest"] == "2026-11-20T21:30:00Z"
    assert verdict(draft, age.format("3h"), "true") is None
    assert verdict(draft, age.format("2h"), "true") is Outcome.FAIL


def test_how_many_rows_a_dataset_has(data_world: Any) -> None:
    enough, of_data = "resource.facts.rows >= 150", "resource.kind == 'Dataset'"
    first = data_world.plan(CSV, FILTERED)
    assert verdict(first, enough, of_data) is Outcome.UNKNOWN  # a filter decides
    assert facts_of(data_world.plan(CSV, {}), DATASET)["rows"] == 200  # nothing does
    data_world.apply(first)
    rows = data_world.records[DATASET].facts["rows"]
    assert rows == data_world.records[DATASET].outputs["rows"] == 160
    again = data_world.plan(CSV, FILTERED)
    assert verdict(again, enough, of_data) is None
    assert verdict(again, "resource.facts.rows >= 161", of_data) is Outcome.FAIL
    elsewhere = data_world.elsewhere().plan(CSV, FILTERED)  # used again: known at once
    assert elsewhere.outlooks[DATASET].effect is Effect.REUSE
    assert verdict(elsewhere, enough, of_data) is None


def test_columns_that_sql_decides_are_not_known_before(data_world: Any) -> None:
    source = {**CSV, "contract": {"columns": {"contact": {"personal": True}}}}
    sql = {"prepare": [{"sql": "SELECT age, contact AS c FROM source"}]}
    rule, match = "!resource.facts.columns.exists(c, c.personal)", "resource.kind == 'Dataset'"
    draft = data_world.plan(source, sql)
    assert verdict(draft, rule, match) is Outcome.UNKNOWN
    data_world.apply(draft)
    assert verdict(data_world.plan(source, sql), rule, match) is Outcome.FAIL
    assert verdict(data_world.plan(source, sql), "resource.facts.columns.exists(c, c.name == 'age')", match) is None


def test_a_fact_of_another_kind_breaks_no_rule_that_matches_its_own(data_world: Any) -> None:
    draft = data_world.plan({**CSV, "licence": "CC-BY-4.0"}, FILTERED)
    allowed = "resource.facts.licence in ['CC-BY-4.0']"
    assert verdict(draft, allowed, "resource.kind == 'DataSource'") is None
    assert verdict(draft, allowed, "true") is Outcome.ERROR  # a dataset has licences, not a licence
    every = "resource.facts.licences.all(one, one in ['MIT'])"
    assert verdict(draft, every, "resource.kind == 'Dataset'") is Outcome.FAIL
