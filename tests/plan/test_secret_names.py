"""A secret counts by its text: another name for the same text is only written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SPEC = 'kind: Value\nname: holder\nspec: {{value: "{text}"}}\n'


def test_another_name_for_the_same_text_is_cosmetic(project: Callable[[str], Any], monkeypatch: Any) -> None:
    for name in ("OLD", "NEW"):
        monkeypatch.setenv(f"{name}", "the-same-text")
    one = project(SPEC.format(text="${{ secret.OLD }}"))
    one.apply()
    assert not one.changes()
    one.write(SPEC.format(text="${{ secret.NEW }}"))
    change = one.changes()["value.holder"]
    assert change["effect"] == "cosmetic"
    (cause,) = change["causes"]
    assert cause["path"] == ["spec", "value"] and cause["before"] != cause["after"]
    one.apply()
    assert not one.changes()


@pytest.mark.parametrize("name", ["OLD", "NEW"])
def test_another_text_is_another_value(project: Callable[[str], Any], monkeypatch: Any, name: str) -> None:
    monkeypatch.setenv("OLD", "before")
    one = project(SPEC.format(text="${{ secret.OLD }}"))
    one.apply()
    monkeypatch.setenv(f"{name}", "after")
    one.write(SPEC.format(text=f"${{{{ secret.{name} }}}}"))
    assert one.changes()["value.holder"]["effect"] == "update"
