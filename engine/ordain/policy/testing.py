"""Runs the tests beside policies: the same judging as of a plan, of facts that are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import cast

from ordain.api.quantities import seconds
from ordain.expr.rules import DURATIONS, Facts
from ordain.policy import facts as told
from ordain.policy.judge import METRICS, answer
from ordain.values.address import Address
from ordain.values.change import Action, Effect
from ordain.values.data import Json, Tree, Unknown, dig
from ordain.values.resource import Locate
from ordain.values.setting import Policy, PolicyTest
from ordain.values.tested import Case, PolicyReport, Tried

SKIP = "skip"
_GOES = (Action.DELETE.value, Action.FORGET.value)


def run_tests(
    policies: Iterable[Policy], tests: Mapping[Address, tuple[PolicyTest, ...]], now: datetime, locate: Locate
) -> PolicyReport:
    """Return what the cases of the policies come to; exceptions do not count, a case is about the rule.

    ``now`` is the time in cases that give none.
    """
    return PolicyReport(
        policies=tuple(
            Tried(
                policy=policy.address,
                cases=tuple(
                    _case(policy, number, test, now, locate)
                    for number, test in enumerate(tests.get(policy.address, ()))
                ),
                at=locate(policy.source, ("name",)) if policy.source is not None else None,
            )
            for policy in sorted(policies, key=lambda one: one.address)
        )
    )


def _case(policy: Policy, number: int, test: PolicyTest, now: datetime, locate: Locate) -> Case:
    goes = dig(test.given, ("change", "action")) in _GOES
    outcome, message = answer(policy, facts_of(test, now), goes=goes)
    return Case(
        policy=policy.address,
        name=test.name,
        expected=test.expect,
        found=SKIP if outcome is None else outcome.value,
        message=message,
        wanted=test.message,
        at=locate(policy.source, ("spec", "tests", number)) if policy.source is not None else None,
    )


def facts_of(test: PolicyTest, now: datetime) -> Facts:
    """Return what a case gives to its rule."""
    given = test.given
    change, plan, champion = _part(given, "change"), _part(given, "plan"), given["champion"]
    unknown = [tuple(text.split(".")) for text in test.unknown]
    absent = champion is None and not any(path[0] == "champion" for path in unknown)
    values: Tree = {
        "resource": _resource(_part(given, "resource")),
        "change": {**change, "causes": sorted(cast("list[str]", change["causes"]))},
        "candidate": METRICS if given["candidate"] is None else given["candidate"],
        **({} if absent else {"champion": champion or {}}),
    }
    for path in unknown:
        if path not in DURATIONS:
            values = _clouded(values, path)
    time = given["now"]
    surroundings = {"env": given["env"], "now": now if time is None else datetime.fromisoformat(str(time))}
    return Facts(
        values=cast("Mapping[str, Tree]", values),
        known={**surroundings, "plan": _plan(plan)},
        absent=frozenset(("champion",)) if absent else frozenset(),
        durations={path: None if path in unknown else _length(dig(given, path)) for path in DURATIONS},
    )


def _part(given: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", given[name])


def _resource(given: Mapping[str, Json]) -> Mapping[str, Tree]:
    whole = given["address"]
    if whole is not None:
        address = Address.parse(str(whole))
    else:
        address = Address.of(str(given["kind"] or "Model"), str(given["name"] or "example"))
    return {
        **given,
        "address": str(address),
        "kind": given["kind"] or _kind(address),
        "name": given["name"] or address.name,
        "facts": told.typed(_part(given, "facts")),
    }


def _kind(address: Address) -> str:
    return "".join(part.capitalize() for part in address.kind.split("_"))


def _plan(given: Mapping[str, Json]) -> Mapping[str, object]:
    changes = cast("list[Mapping[str, Json]]", given["changes"])
    counted = told.summary(Effect(str(change["effect"])) for change in changes)
    return {
        "summary": {**counted, **_part(given, "summary")},
        "changes": [
            {**change, "kind": change["kind"] or _kind(Address.parse(str(change["address"])))} for change in changes
        ],
    }


def _length(text: Tree) -> timedelta:
    return timedelta(seconds=seconds(text)) if text is not None else timedelta()


def _clouded(tree: Tree, path: tuple[str, ...]) -> Tree:
    """Return the tree with nobody knowing what stands at ``path``."""
    if not path or isinstance(tree, Unknown):
        return Unknown(expression="not known yet")
    inner = tree if isinstance(tree, Mapping) else {}
    return {**inner, path[0]: _clouded(inner.get(path[0]), path[1:])}
