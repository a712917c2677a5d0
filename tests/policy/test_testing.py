"""Cases beside rules: what they give, what they do not, and that they are judged as a plan judges."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ordain.api.registry import Registry
from ordain.config.load import FileText, parse
from ordain.config.locate import locate
from ordain.config.resolve import Resolution, ResolveOptions, resolve
from ordain.expr.rules import FIELDS, ROOTS
from ordain.kinds.policy_tests import Given
from ordain.policy.testing import run_tests
from ordain.values.address import Address
from ordain.values.change import CauseCode, Effect
from ordain.values.span import Span
from ordain.values.tested import Case, PolicyReport

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PROJECT = "kind: Project\nname: demo\nformat: 1\n"
GOES = "{address: model.a, effect: delete}, {address: model.b, effect: retire}"
PERSONAL = "resource.facts.columns.exists(c, c.personal)"


def read(text: str) -> Resolution:
    data = (PROJECT + text).encode()
    documents, broken = parse(
        (FileText(path="ordain.yaml", data=data, size=len(data), mtime_ns=0, ctime_ns=0, inode=0),)
    )
    assert broken == ()
    return resolve(documents, Registry(kinds={}, providers={}, origin={}), ResolveOptions())


def report_of(text: str) -> PolicyReport:
    resolution = read(text)
    assert not any(one.is_error for one in resolution.diagnostics) and resolution.desired is not None
    return run_tests(resolution.desired.policies, resolution.desired.policy_tests, NOW, locate)


def policy(require: str, test: str, *, match: str = "true", stage: str = "plan", more: str = "") -> str:
    """A policy with one test, which begins on line 12, in column 7."""
    head = f"---\nkind: Policy\nname: p\nspec:\n  level: hard\n  stage: {stage}\n  match: '{match}'\n"
    return f"{head}  require: '{require}'\n  tests:\n    - {test}\n{more}"


def case(require: str, test: str, **more: Any) -> Case:
    ((found,),) = (one.cases for one in report_of(policy(require, "{expect: pass, " + test + "}", **more)).policies)
    return found


def wrong(test: str) -> list[tuple[str, str, Span | None]]:
    return [(one.summary, one.fix, one.at) for one in read(policy("true", "{expect: pass, " + test + "}")).diagnostics]


@pytest.mark.parametrize(
    ("require", "test", "found"),
    [
        ('resource.owner == "me"', "given: {resource: {owner: me}}", "pass"),
        ('resource.owner == "me"', "name: nothing given", "fail"),
        ('resource.owner == "me"', "unknown: [resource.owner]", "unknown"),
        ('resource.spec.size == 1', "name: nothing given", "error"),
        ('resource.address == "model.example" && resource.kind == "Model"', "name: ordinary", "pass"),
        ('resource.address == "data_source.d"', "given: {resource: {kind: DataSource, name: d}}", "pass"),
        ('resource.kind + resource.name == "DataSourced"', "given: {resource: {address: data_source.d}}", "pass"),
        ('resource.kind == "MLModel"', "given: {resource: {kind: MLModel, name: d}}", "pass"),
        (PERSONAL, "given: {resource: {facts: {columns: {a: {personal: true}}}}}", "pass"),
        (PERSONAL, "given: {resource: {facts: {columns: [{name: a, personal: true}]}}}", "pass"),
        (PERSONAL, "given: {resource: {facts: {columns: {a: {type: integer}}}}}", "fail"),
        ("resource.facts.columns.all(c, c.nulls == 0)", "given: {resource: {facts: {columns: [{name: a}]}}}", "pass"),
        (PERSONAL, "name: nothing given", "fail"),
        ("resource.facts.rows > 10", "given: {resource: {facts: {rows: 11}}}", "pass"),
        ("resource.facts.rows > 10", "unknown: [resource.facts]", "unknown"),
        ("resource.facts.rows > 10 || true", "unknown: [resource.facts]", "pass"),
        ("resource.spec.a.b == 1", "given: {resource: {spec: {a: {c: 2}}}}, unknown: [resource.spec.a.b]", "unknown"),
        ("resource.spec.a.c == 2", "given: {resource: {spec: {a: {c: 2}}}}, unknown: [resource.spec.a.b]", "pass"),
        ('change.causes == ["data", "new"]', "given: {change: {causes: [new, data]}}", "pass"),
        ('change.effect == "none" && !change.deferred', "name: stays as it is", "pass"),
        ('plan.duration.p90 <= duration("2h")', "given: {plan: {duration: {p90: 2h}}}", "pass"),
        ('plan.duration.p90 <= duration("2h")', "given: {plan: {duration: {p90: 121m}}}", "fail"),
        ('plan.duration.p90 <= duration("2h")', "unknown: [plan.duration.p90]", "unknown"),
        ('change.duration.p50 == duration("0s")', "name: no time", "pass"),
        ("plan.summary.delete == 2", f"given: {{plan: {{changes: [{GOES}]}}}}", "pass"),
        ("plan.summary.delete == 3", "given: {plan: {summary: {delete: 3}}}", "pass"),
        ('plan.changes[0].kind == "DataSource"', "given: {plan: {changes: [{address: data_source.a}]}}", "pass"),
        ('env.name == "prod" && env.promotes_from == ""', "given: {env: {name: prod}}", "pass"),
        ('now == timestamp("2026-12-24T10:00:00Z")', "given: {now: '2026-12-24T12:00:00+02:00'}", "pass"),
        ('now == timestamp("2026-11-21T00:00:00Z")', "name: the present", "pass"),
    ],
)  # fmt: skip
def test_what_is_given_and_what_is_not(require: str, test: str, found: str) -> None:
    assert case(require, test).found == found


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("given: {candidate: {auc: 0.7}, champion: {auc: 0.71}}", "pass"),
        ("given: {candidate: {auc: 0.7}, champion: {auc: 0.8}}", "fail"),
        ("given: {candidate: {auc: 0.7}}", "pass"),
        ("given: {champion: {auc: 0.7}}", "unknown"),
        ("given: {candidate: {auc: 0.7}}, unknown: [champion]", "unknown"),
        ("given: {candidate: {auc: 0.7}, champion: {auc: 0.7}}, unknown: [candidate.auc]", "unknown"),
        ("given: {candidate: {}, champion: {auc: 0.7}}", "error"),
        ("given: {resource: {spec: {metrics: [f1]}}, champion: {auc: 0.7}}", "error"),
    ],
)
def test_a_version_beside_the_one_in_use(test: str, found: str) -> None:
    assert case("candidate.auc >= champion.auc - 0.011", test, stage="gate").found == found


def test_a_rule_that_is_not_about_the_resource_is_skipped() -> None:
    about = {"match": 'resource.kind == "Model"'}
    assert case("false", "given: {resource: {kind: Dataset}}", **about).found == "skip"
    assert case("false", "given: {resource: {kind: Model}}", **about).found == "fail"


def test_deletes_are_put_to_rules_about_changes_only() -> None:
    gone = "given: {change: {action: delete, effect: delete}}"
    assert case('resource.owner != ""', gone).found == "skip"
    assert case('resource.owner != "" || change.action != "delete"', gone).found == "fail"
    forgotten = "given: {change: {action: forget, effect: forget}}"
    assert case('resource.owner != ""', forgotten).found == "skip"
    assert case('resource.owner != "" || change.action != "forget"', forgotten).found == "fail"


def test_exceptions_do_not_count() -> None:
    spared = "  exceptions: [{resources: ['*.*'], reason: old}]\n"
    assert case("false", "name: spared", more=spared).found == "fail"


def test_a_case_says_what_was_expected_found_and_said_and_where_it_stands() -> None:
    said = "  message: ${{ resource.owner }} is not me\n"
    found = case('resource.owner == "me"', "given: {resource: {owner: you}}, message: is me", more=said)
    assert found == Case(
        policy=Address.parse("policy.p"), name="test 1", expected="pass", found="fail", message="you is not me",
        wanted="is me", at=Span(file="ordain.yaml", line=13, column=7),
    )  # fmt: skip
    assert not found.passed


@pytest.mark.parametrize(("words", "passed"), [("not me", True), ("NOT ME", False), ("", True)])
def test_the_message_must_hold_the_words(words: str, passed: bool) -> None:
    text = policy("false", f"{{expect: fail, message: '{words}'}}", more="  message: it is not me\n")
    (one,) = report_of(text).policies
    assert [found.passed for found in one.cases] == [passed]


def test_what_the_tests_cover() -> None:
    text = policy("true", "{expect: pass}")
    text += "---\nkind: Policy\nname: bare\nspec: {level: hard, require: 'true'}\n"
    text += "---\nkind: Policy\nname: all\nspec:\n  level: hard\n  require: resource.protected\n  tests:\n"
    text += "    - {expect: fail}\n    - {given: {resource: {protected: true}}, expect: fail}\n"
    report = report_of(text)
    assert [str(one.policy) for one in report.policies] == ["policy.all", "policy.bare", "policy.p"]
    assert [(one.found, one.passed) for one in report.cases] == [("fail", True), ("pass", False), ("pass", True)]
    assert report.failed == (report.cases[1],)
    assert report.untested == (Address.parse("policy.bare"),)
    assert report.never("fail") == (Address.parse("policy.p"),)
    assert report.never("pass") == ()


@pytest.mark.parametrize(
    ("test", "summary", "fix", "word"),
    [
        ("given: {resource: {ownr: me}}", "'ownr' in spec.tests[0].given.resource", "did you mean 'owner'?", "ownr"),
        ("given: {chage: {}}", "unknown key 'chage' in spec.tests[0].given", "did you mean 'change'?", "chage"),
        ("given: {plan: {sumary: {}}}", "unknown key 'sumary'", "did you mean 'summary'?", "sumary"),
        ("given: {resource: {protected: 3}}", "boolean", "", "3}"),
        ("given: {change: {effect: retrian}}", "'retrain'", "", "retrian"),
        ("given: {plan: {summary: {delete: -1}}}", "greater than or equal to 0", "", "-1"),
        ("given: {plan: {duration: {p90: long}}}", "2h", "", "long"),
        ("given: {now: 2026-12-24}", "a time with its zone", "", "2026"),
        ("given: {candidate: 3}", "dictionary", "", "3}"),
        ("given: {resource: {facts: {columns: [a]}}}", "each column of a list needs its name", "", "[a]"),
        ("given: {resource: {facts: {columns: [{name: a}, {name: a}]}}}", "two columns a", "", "[{name"),
        ("given: {resource: {facts: {columns: [{name: a, personal: 3}]}}}", "personal of a", "", "[{name"),
        ("given: {resource: {facts: {columns: {a: {max: [1]}}}}}", "a text, a number", "", "[1]"),
        ("unknown: [resource.ownr]", "resource has no ownr; did you mean owner?", "", "resource.ownr"),
        ("unknown: [env.name]", "env.name is always known", "", "env.name"),
        ("unknown: [resource]", "as in resource.facts", "", "resource]"),
        ("unknown: [resource.facts.columns.a]", "write resource.facts.columns", "", "resource.facts"),
        ("unknown: [roc_auc]", "'roc_auc' is no fact", "", "roc_auc]"),
    ],
)  # fmt: skip
def test_what_cannot_be_given_is_told_at_its_place(test: str, summary: str, fix: str, word: str) -> None:
    ((said, remedy, at),) = wrong(test)
    assert summary in said
    assert remedy.startswith(fix)
    column = f"    - {{expect: pass, {test}}}".index(word) + 1
    assert at == Span(file="ordain.yaml", line=13, column=column)


def test_there_is_to_give_what_rules_may_read() -> None:
    """``Given`` and ``FIELDS`` are two lists of the same facts: a rule and its tests agree on what there is."""

    def fields(model: Any, *path: str) -> set[str]:
        for step in path:
            model = model.model_fields[step].annotation
        return set(model.model_fields)

    assert fields(Given) == ROOTS
    for path, known in FIELDS.items():
        if path != ("plan", "summary"):
            assert fields(Given, *path) == known, path


def test_every_effect_and_cause_may_be_given() -> None:
    effects = ", ".join(f"{one.value}: 1" for one in Effect)
    causes = ", ".join(one.value for one in CauseCode)
    given = f"given: {{plan: {{summary: {{{effects}}}}}, change: {{causes: [{causes}]}}}}"
    assert case('plan.summary["re-evaluate"] == 1 && "data" in change.causes', given).found == "pass"
