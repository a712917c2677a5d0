"""Settings that changed, and which of them ask for less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ordain.policy.settings import settings_changes
from ordain.values.address import Address
from ordain.values.data import Secret, Tree
from ordain.values.record import SettingRecord
from ordain.values.setting import Setting
from ordain.values.span import Source

KINDS = {
    "policy": "Policy", "environment": "Environment", "project": "Project", "role": "Role", "signers": "Signers"
}  # fmt: skip
RULE = {"level": "hard", "match": "true", "require": "true"}
Specs = Mapping[str, Mapping[str, Tree]]


def _changes(before: Specs, after: Specs, locate: Any) -> list[tuple[str, str, bool]]:
    found = settings_changes(_recorded(before), _desired(after), locate)
    return [(str(change.address), change.action, change.weakened) for change in found]


def _recorded(specs: Specs) -> Mapping[Address, SettingRecord]:
    names = {Address.parse(name): spec for name, spec in specs.items()}
    return {a: SettingRecord(address=a, kind=KINDS[a.kind], spec=spec) for a, spec in names.items()}


def _desired(specs: Specs) -> tuple[Setting, ...]:
    source = Source(file="settings.yaml", line=1, text="")
    names = {Address.parse(name): spec for name, spec in specs.items()}
    return tuple(Setting(address=a, kind=KINDS[a.kind], spec=spec, source=source) for a, spec in names.items())


@pytest.mark.parametrize("old", ["advisory", "soft", "hard"])
@pytest.mark.parametrize("new", ["advisory", "soft", "hard"])
def test_a_level_that_sinks_is_weakened(old: str, new: str, locate: Any) -> None:
    order = ["advisory", "soft", "hard"]
    found = _changes({"policy.p": {**RULE, "level": old}}, {"policy.p": {**RULE, "level": new}}, locate)
    assert found == ([] if old == new else [("policy.p", "update", order.index(new) < order.index(old))])


@pytest.mark.parametrize(
    ("old", "new", "weakened"),
    [
        ({"approvals": {"count": 2}}, {"approvals": {"count": 1}}, True),
        ({"approvals": {"count": 1}}, {"approvals": {"count": 2}}, False),
        ({"approvals": {"count": 1}}, {}, True),
        ({"approvals": {"count": 1, "roles": ["risk"]}}, {"approvals": {"count": 1, "roles": []}}, True),
        ({"approvals": {"count": 1, "not_author": True}}, {"approvals": {"count": 1}}, True),
        ({"approvals": {"count": 1, "expires": "3d"}}, {"approvals": {"count": 1, "expires": "14d"}}, True),
        ({"approvals": {"count": 1, "expires": "3d"}}, {"approvals": {"count": 1}}, True),
        ({"approvals": {"count": 1}}, {"approvals": {"count": 1, "expires": "3d"}}, False),
        ({"approvals": {"count": 1, "break_glass": False}}, {"approvals": {"count": 1, "break_glass": True}}, True),
        ({"approvals": {"count": 1, "break_glass": True}}, {"approvals": {"count": 1, "break_glass": False}}, False),
        ({"approvals": {"count": 1, "expires": "3d"}}, {"approvals": {"count": 1, "expires": "12h"}}, False),
        ({"soak": "3d"}, {"soak": "12h"}, True),
        ({"soak": "1d"}, {"soak": "36h"}, False),
        ({"variables": {"a": 1}}, {"variables": {"a": 2}}, False),
    ],
)
def test_environments(old: Mapping[str, Tree], new: Mapping[str, Tree], weakened: bool, locate: Any) -> None:
    found = _changes({"environment.prod": old}, {"environment.prod": new}, locate)
    assert found == [("environment.prod", "update", weakened)]


def test_a_removed_policy_is_weakened_a_changed_rule_only_shows(locate: Any) -> None:
    assert _changes({"policy.p": RULE}, {}, locate) == [("policy.p", "delete", True)]
    looser = {**RULE, "require": "true || false"}
    (change,) = settings_changes(_recorded({"policy.p": RULE}), _desired({"policy.p": looser}), locate)
    assert not change.weakened
    assert [(field.path, field.before, field.after) for field in change.fields] == [
        (("require",), "true", "true || false")
    ]
    assert str(change.at) == "settings.yaml:3:7"


def _spares(*exceptions: tuple[str, str | None]) -> Mapping[str, Tree]:
    return {**RULE, "exceptions": [{"resources": [name], "reason": "r", "until": until} for name, until in exceptions]}


@pytest.mark.parametrize(
    ("old", "new", "weakened"),
    [
        ([], [("model.a", None)], True),
        ([("model.a", None)], [], False),
        ([("model.a", None)], [("model.b", None)], True),
        ([("model.a", None)], [("model.*", None)], True),
        ([("model.*", None)], [("model.a", None)], False),
        ([("model.*", None)], [("model.a*", None), ("model.?", None)], False),
        ([("model.?", None)], [("model.*", None)], True),
        ([("*.a", None), ("model.*", None)], [("model.*", None)], False),
        ([("model.a", "2027-03-01")], [("model.a", "2027-04-01")], True),
        ([("model.a", "2027-03-01")], [("model.a", "2027-02-01")], False),
        ([("model.a", "2027-03-01")], [("model.a", "2027-03-02T01:00:00+01:00")], False),  # the same moment
        ([("model.a", "2027-03-01")], [("model.a", None)], True),
        ([("model.a", None)], [("model.a", "2027-03-01")], False),
        ([("model.a", "2027-03-01"), ("model.*", "2026-12-01")], [("model.*", "2027-03-01")], True),
        ([('model.a["x"]', None)], [('model.a["y"]', None)], True),
    ],
)
def test_sparing_more_or_longer_is_weakened(old: Any, new: Any, weakened: bool, locate: Any) -> None:
    assert _changes({"policy.p": _spares(*old)}, {"policy.p": _spares(*new)}, locate) == [
        ("policy.p", "update", weakened)
    ]


def test_what_another_version_recorded_stops_no_plan(locate: Any) -> None:
    odd, day = _spares(("model.a", "soon")), _spares(("model.a", "2027-03-01"))
    assert _changes({"policy.p": odd}, {"policy.p": day}, locate) == [("policy.p", "update", True)]
    old, new = ({"approvals": {"count": 1, "expires": one}} for one in ("a while", "3d"))
    assert _changes({"environment.prod": old}, {"environment.prod": new}, locate) == [
        ("environment.prod", "update", False)
    ]


def test_a_lower_severity_or_another_reason_only_shows(locate: Any) -> None:
    old, new = {**_spares(("model.a", None)), "severity": "high"}, {**_spares(("model.a", None)), "severity": "low"}
    assert _changes({"policy.p": old}, {"policy.p": new}, locate) == [("policy.p", "update", False)]
    another = {**RULE, "exceptions": [{"resources": ["model.a"], "reason": "another", "until": None}]}
    assert _changes({"policy.p": _spares(("model.a", None))}, {"policy.p": another}, locate) == [
        ("policy.p", "update", False)
    ]


def test_a_new_policy_with_exceptions_weakens_nothing(locate: Any) -> None:
    new = {"policy.p": RULE, "policy.q": _spares(("model.a", None))}
    assert _changes({"policy.p": RULE}, new, locate) == [("policy.q", "create", False)]


def test_an_environment_whose_document_goes_takes_its_approvals_along(locate: Any) -> None:
    both = {"policy.p": RULE, "environment.prod": {"approvals": {"count": 1}}}
    assert _changes(both, {"policy.p": RULE}, locate) == [("environment.prod", "delete", True)]
    both = {"policy.p": RULE, "environment.prod": {"approvals": None}}
    assert _changes(both, {"policy.p": RULE}, locate) == [("environment.prod", "delete", False)]


@pytest.mark.parametrize(
    ("old", "new", "weakened"),
    [(["a@x"], ["a@x", "b@x"], True), (["a@x", "b@x"], ["a@x"], False), (["a@x"], ["b@x"], True)],
)
def test_more_people_in_a_role_are_weakened(old: Any, new: Any, weakened: bool, locate: Any) -> None:
    found = _changes({"role.risk": {"people": old}}, {"role.risk": {"people": new}}, locate)
    assert found == [("role.risk", "update", weakened)]
    assert _changes({"policy.p": RULE}, {"policy.p": RULE, "role.risk": {"people": new}}, locate) == [
        ("role.risk", "create", False)
    ]


def _key(*people: str, after: str | None = None, before: str | None = None) -> Mapping[str, Tree]:
    return {"people": list(people), "after": after, "before": before}


JULY, MAY = "2027-07-01T00:00:00+00:00", "2027-05-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("old", "new", "weakened"),
    [
        ({"k": _key("a@x")}, {"k": _key("a@x"), "l": _key("a@x")}, True),
        ({"k": _key("a@x"), "l": _key("b@x")}, {"k": _key("a@x")}, False),
        ({"k": _key("a@x")}, {"k": _key("a@x", "b@x")}, True),
        ({"k": _key("a@x", "b@x")}, {"k": _key("a@x")}, False),
        ({"k": _key("a@x", before=MAY)}, {"k": _key("a@x")}, True),
        ({"k": _key("a@x", before=MAY)}, {"k": _key("a@x", before=JULY)}, True),
        ({"k": _key("a@x", before=JULY)}, {"k": _key("a@x", before=MAY)}, False),
        ({"k": _key("a@x")}, {"k": _key("a@x", before=MAY)}, False),
        ({"k": _key("a@x", after=MAY)}, {"k": _key("a@x")}, True),
        ({"k": _key("a@x", after=JULY)}, {"k": _key("a@x", after=MAY)}, True),
        ({"k": _key("a@x", after=MAY)}, {"k": _key("a@x", after=JULY)}, False),
    ],
)
def test_keys_that_may_more_are_weakened(old: Any, new: Any, weakened: bool, locate: Any) -> None:
    found = _changes({"signers.allowed": {"keys": old}}, {"signers.allowed": {"keys": new}}, locate)
    assert found == [("signers.allowed", "update", weakened)]


@pytest.mark.parametrize(("approvals", "weakened"), [(None, False), ({"count": 1}, True)])
def test_first_keys_weaken_only_where_somebody_was_asked(approvals: Any, weakened: bool, locate: Any) -> None:
    before = {"environment.prod": {"approvals": approvals}}
    after = {**before, "signers.allowed": {"keys": {"k": _key("a@x")}}}
    (change,) = settings_changes(_recorded(before), _desired(after), locate)
    assert (change.action, change.weakened) == ("create", weakened)
    assert [field.path for field in change.fields] == [("keys", "k")], "who may sign is told of new ones, too"


def test_first_settings_are_added_and_weaken_nothing(locate: Any) -> None:
    specs = {"policy.p": RULE, "environment.dev": {"approvals": {"count": 1}}}
    assert _changes({}, specs, locate) == [("environment.dev", "create", False), ("policy.p", "create", False)]
    assert _changes({"policy.p": RULE}, specs, locate) == [("environment.dev", "create", False)]


def test_trusting_more_estimators_is_weakened(locate: Any) -> None:
    old, new = {"trust": {"estimators": ["lightgbm."]}}, {"trust": {"estimators": ["lightgbm.", "mine."]}}
    assert _changes({"project.p": old}, {"project.p": new}, locate) == [("project.p", "update", True)]
    assert _changes({"project.p": new}, {"project.p": old}, locate) == [("project.p", "update", False)]
    assert _changes({}, {"project.p": new}, locate) == [("project.p", "create", False)]
    for trusted, weakened in ((old, False), (new, True)):
        renamed = _changes({"project.p": old}, {"project.q": trusted}, locate)
        assert renamed == [("project.p", "delete", False), ("project.q", "create", weakened)]


def test_the_same_settings_are_no_change_and_secrets_are_marked(locate: Any) -> None:
    one = Secret(expression="${{ secret.A }}", names=("secret.A",), digest="1")
    two = Secret(expression="${{ secret.A }}", names=("secret.A",), digest="2")
    same = {"environment.dev": {"variables": {"a": one, "b": [1, {"c": 2}]}}}
    assert _changes(same, dict(same), locate) == []
    (change,) = settings_changes(
        _recorded({"environment.dev": {"variables": {"a": one}}}),
        _desired({"environment.dev": {"variables": {"a": two}}}),
        locate,
    )
    assert [field.sensitive for field in change.fields] == [True]


def test_what_becomes_a_secret_is_marked_and_what_is_none_is_not(locate: Any) -> None:
    secret = Secret(expression="${{ secret.A }}", names=("secret.A",), digest="1")
    old, new = {"a": "open", "b": 1, "c": secret}, {"a": secret, "b": 2, "c": "open"}
    before, after = ({"environment.dev": {"variables": one}} for one in (old, new))
    (change,) = settings_changes(_recorded(before), _desired(after), locate)
    assert [(field.path[-1], field.sensitive) for field in change.fields] == [("a", True), ("b", False), ("c", True)]
