"""Why: every edit of a document is named, with its place, before and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ordain.api.kind import Decision, Delta, Outlook, Situation
from ordain.kinds.model import Model
from ordain.plan.causes import causes_of
from ordain.values.address import Address
from ordain.values.change import Cause, CauseCode, Effect
from ordain.values.fingerprint import Facet, Fingerprint
from ordain.values.record import ResourceRecord
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
