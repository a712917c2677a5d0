"""Resources, changes and policies to judge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from ordain.policy.judge import Subjects
from ordain.values.address import Address
from ordain.values.change import Action, Change, Effect
from ordain.values.data import Path
from ordain.values.resource import Resource
from ordain.values.setting import Level, Policy, PolicyStage
from ordain.values.span import Source, Span

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def _kind(address: Address) -> str:
    return "".join(part.capitalize() for part in address.kind.split("_"))


def _resource(address: str, **more: object) -> Resource:
    name = Address.parse(address)
    given = {"provider": None, "spec": {}, "source": Source(file=f"{name.name}.yaml", line=1, text=""), **more}
    return Resource(address=name, kind=_kind(name), **given)


def _change(address: str, effect: Effect = Effect.UPDATE, **more: object) -> Change:
    name = Address.parse(address)
    given = {"provider": None, "action": Action.UPDATE, **more}
    return Change(address=name, kind=_kind(name), effect=effect, **given)


def _policy(require: str, **more: object) -> Policy:
    given = {"address": Address.parse("policy.p"), "stage": PolicyStage.PLAN, "level": Level.HARD, "match": "true"}
    return Policy(require=require, **{**given, **more})


def _subjects(*resources: Resource, changes: tuple[Change, ...] = (), **more: object) -> Subjects:
    by_address = {resource.address: resource for resource in resources}
    given = {"facts": {address: {} for address in by_address}, "environment": "dev", "now": NOW, **more}
    return Subjects(resources=by_address, changes=changes, **given)


def _locate(source: Source, path: Path) -> Span:
    """A place whose line tells the depth of the path that was asked for, and its column the last step's length."""
    return Span(file=source.file, line=len(path) + 1, column=len(str(path[-1])) if path else 1)


@pytest.fixture
def make() -> SimpleNamespace:
    """Makers of what is judged."""
    return SimpleNamespace(
        resource=_resource, change=_change, policy=_policy, subjects=_subjects, locate=_locate, now=NOW
    )


@pytest.fixture
def locate() -> Callable[[Source, Path], Span]:
    return _locate
