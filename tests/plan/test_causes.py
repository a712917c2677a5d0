"""Why: every edit of a document is named, with its place, before and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ordain.api.kind import Decision, Delta, Outlook, Situation
from ordain.kinds.model import Model
from ordain.plan.assess import Asked
from ordain.plan.causes import _gravest_first, causes_of
from ordain.plan.special import adjusted
from ordain.values.address import Address
from ordain.values.change import Cause, CauseCode, Effect, FieldChange
from ordain.values.fingerprint import Facet, Fingerprint
from ordain.values.record import Health, ResourceRecord
from ordain.values.resource import Resource
from ordain.values.span import Source, Span

GLUE = "kind: Value\nname: glue\n{more}spec: {{value: 1}}\n---\nkind: Value\nname: other\nspec: {{value: 2}}\n"


@pytest.mark.parametrize(
    ("before", "after", "path", "values"),
    [
        ("description: a\n", "description: b\n", ["description"], ("a", "b")),
        ("labels: {a: b}\n", "", ["labels"], ({"a": "b"}, {})),
        ("", "lifecycle: {protect: true}\n", ["lifecycle", "protect"], (False, True)),
        ("run: {timeout: 5m}\n", "run: {timeout: 6m}\n", ["run", "timeout"], (300.0, 360.0)),
        ("run: {retries: 1}\n", "", ["run", "retries"], (1, 0)),
        ("", "run: {resources: {cpu: 2}}\n", ["run", "resources", "cpu"], (None, 2.0)),
        ("", "depends_on: [value.other]\n", ["depends_on"], ([], ["value.other"])),
    ],
)
def test_what_is_only_written_down_is_named(
    project: Callable[[str], Any], before: str, after: str, path: list[str], values: tuple[Any, Any]
) -> None:
    one = project(GLUE.format(more=before))
    one.apply()
    one.write(GLUE.format(more=after))
    changes = one.changes()
    effect = "env-only" if path[0] == "run" else "cosmetic"
    assert [(address, change["effect"]) for address, change in changes.items()] == [("value.glue", effect)]
    (cause,) = changes["value.glue"]["causes"]
    assert (cause["code"], cause["path"], cause.get("before"), cause.get("after")) == ("spec", path, *values)
    assert cause["at"]["file"] == "ordain.yaml"
    one.apply()
    assert not one.changes()


def test_what_was_made_to_depend_on_another_is_deleted_before_it(project: Callable[[str], Any]) -> None:
    one = project(GLUE.format(more=""))
    one.apply()
    one.write(GLUE.format(more="depends_on: [value.other]\n"))
    one.apply()
    assert one.changes("--destroy")["value.glue"]["depends_on"] == ["value.other"]


@pytest.mark.parametrize(("effect", "follows"), [(Effect.RETRAIN, True), (Effect.PROMOTE, False)])
def test_what_is_promoted_does_not_follow_the_data_that_lies_here(effect: Effect, follows: bool) -> None:
    model, dataset = Address.parse("model.m"), Address.parse("dataset.d")
    moved = Cause(code=CauseCode.DATA, address=dataset, detail="10 rows added")
    outlook = Outlook(
        address=dataset, kind="Dataset", effect=Effect.REFRESH_DATA, outputs={}, facts={}, causes=(moved,)
    )
    resource = Resource(
        address=model,
        kind="Model",
        provider="sklearn",
        spec={},
        source=Source(file="m.yaml", line=1, text=""),
        depends_on=(dataset,),
    )
    record = ResourceRecord(
        address=model,
        kind="Model",
        provider="sklearn",
        spec={},
        fingerprint=Fingerprint(build="", judge="", serve="", record=""),
        depends_on=(dataset,),
    )
    found = causes_of(
        Model(),
        Situation(resource=resource, environment="prod", spec={}, record=record, upstream={dataset: outlook}),
        Delta(is_new=False, facets=frozenset({Facet.BUILD}), unknown=True),
        Decision(effect=effect, causes=(Cause(code=CauseCode.PROMOTION, address=model, detail="dev has v1"),)),
        (
            lambda source, path: Span(file=source.file, line=1, column=1),
            lambda one, path: Span(file="", line=1, column=1),
        ),
    )
    assert (moved in found) is follows
    assert found[-1].code is CauseCode.PROMOTION


ADDRESS = Address.parse("model.m")


def record(**more: Any) -> ResourceRecord:
    print_ = Fingerprint(build="", judge="", serve="", record="")
    given = {"kind": "Model", "provider": "sklearn", "spec": {}, "fingerprint": print_, **more}
    return ResourceRecord(address=ADDRESS, **given)


def found(situation: dict[str, Any], **delta: Any) -> list[Cause]:
    source = Source(file="m.yaml", line=1, text="")
    resource = Resource(address=ADDRESS, kind="Model", provider="sklearn", spec={}, source=source)
    here = Span(file="m.yaml", line=1, column=1)
    return list(
        causes_of(
            Model(),
            Situation(resource=resource, environment="dev", spec=None, **situation),
            Delta(**{"is_new": False, "facets": frozenset({Facet.JUDGE}), **delta}),
            Decision(effect=Effect.RE_EVALUATE),
            (lambda source, path: here, lambda one, path: here),
        )
    )


def test_policies_at_the_gate_that_came_changed_and_went_are_named() -> None:
    before = {"judge": {"policies": {"policy.changed": "1", "policy.gone": "2", "policy.same": "3"}}}
    now = {"policy.changed": "9", "policy.fresh": "4", "policy.same": "3"}
    causes = found({"record": record(inputs=before), "gate_policies": now}, inputs=("judge.policies",))
    assert [(cause.code, cause.detail) for cause in causes] == [
        (CauseCode.GATE, "policy.changed changed"),
        (CauseCode.GATE, "policy.fresh is new"),
        (CauseCode.GATE, "policy.gone no longer judges"),
    ]


def test_what_failed_half_way_is_a_cause_of_doing_it_again() -> None:
    (cause,) = found({"record": record(health=Health.TAINTED)}, forced=True)
    assert cause.code is CauseCode.FAILED


def test_of_very_many_changed_fields_some_are_causes_and_all_are_shown(project: Callable[[str], Any]) -> None:
    text = "kind: Value\nname: many\nspec: {value: {%s}}\n"
    one = project(text % ", ".join(f"k{number}: 1" for number in range(100)))
    one.apply()
    one.write(text % ", ".join(f"k{number}: 2" for number in range(100)))
    (change,) = one.changes().values()
    assert len(change["fields"]) == 100 and len(change["causes"]) == 24


@pytest.mark.parametrize(("protect", "replaces"), [(True, True), (True, False), (False, True)])
def test_nothing_protected_is_replaced(protect: bool, replaces: bool) -> None:
    source = Source(file="m.yaml", line=1, text="")
    resource = Resource(address=ADDRESS, kind="Model", provider="sklearn", spec={}, source=source)
    situation = Situation(resource=resource, environment="dev", spec={}, record=record(protect=protect))
    asked = Asked(locate=lambda source, path: Span(file="", line=1, column=1), origin=lambda one, path: Span(
        file="", line=1, column=1))  # fmt: skip
    decision = adjusted(Decision(effect=Effect.RETRAIN, replaces=replaces), situation, asked)
    stopped = protect and replaces
    assert (decision.effect is Effect.BLOCKED, decision.protected) == (stopped, stopped)
    assert bool(decision.blocked) is stopped and ("lifecycle.protect" in decision.blocked) is stopped


def test_what_makes_a_model_again_stands_before_what_only_judges_it() -> None:
    fields = tuple(FieldChange(path=(name,), before=1, after=2) for name in ("gates", "description", "params", "model"))
    ordered = _gravest_first(Model(), Delta(is_new=False, facets=frozenset(), fields=fields))
    assert [field.path[0] for field in ordered] == ["description", "params", "model", "gates"]


def test_what_is_only_written_down_above_is_no_cause_below(project: Callable[[str], Any]) -> None:
    reader = 'kind: Value\nname: reader\nspec: {{value: "${{{{ value.glue.outputs.value }}}}"}}\n---\n'.format()
    one = project(reader + GLUE.format(more="description: a\n"))
    one.apply()
    one.write(reader + GLUE.format(more="description: b\n").replace("value: 1", "value: 3"))
    paths = [cause["path"] for cause in one.changes()["value.reader"]["causes"]]
    assert paths == [["spec", "value"], []]
