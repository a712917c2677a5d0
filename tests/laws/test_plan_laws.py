"""The laws of planning, over random projects of Values (DESIGN §4, §5)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

LAW = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEAD = {"kind": "Project", "name": "laws", "format": 1}

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text("abc é'\"#:{}-", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def documents(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A random DAG: each Value may read Values before it."""
    out: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 7))):
        parents = draw(st.lists(st.sampled_from(range(number)), max_size=2, unique=True)) if number else []
        own = {f"p{one}": f"${{{{ value.v{one}.outputs.value.own }}}}" for one in parents}
        document = {"kind": "Value", "name": f"v{number}", "spec": {"value": {"own": draw(plain), **own}}}
        if draw(st.booleans()):
            document["description"] = draw(st.text("abc ", max_size=6))
        out.append(document)
    return out


def text_of(found: list[dict[str, Any]]) -> str:
    return yaml.safe_dump_all([HEAD, *found], sort_keys=False, allow_unicode=True)


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same data with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    return [shuffled(one, chance) for one in value] if isinstance(value, list) else value


@LAW
@given(found=documents())
def test_a_plan_after_apply_is_empty(new_project: Callable[[], Any], found: list[dict[str, Any]]) -> None:
    project = new_project()
    project.write({"ordain.yaml": text_of(found)})
    assert len(project.plan("--detailed-exitcode", expect=2).get("changes", [])) == len(found)
    project.apply()
    assert not project.plan("--detailed-exitcode").get("steps")


@LAW
@given(found=documents(), seed=st.integers(0, 99))
def test_cosmetic_edits_plan_nothing(new_project: Callable[[], Any], found: list[dict[str, Any]], seed: int) -> None:
    project = new_project()
    project.write({"ordain.yaml": text_of(found)})
    project.apply()
    chance = random.Random(seed)
    moved = shuffled(list(reversed(found)), chance)
    flow = yaml.safe_dump_all(
        moved, default_flow_style=True, default_style='"' if seed % 2 else None, allow_unicode=True
    )
    quoted_head = "# a comment\n" + yaml.safe_dump(HEAD)
    if seed % 2:  # quoting every scalar would turn numbers into text: quote keys and strings only
        flow = yaml.safe_dump_all(moved, default_flow_style=bool(seed % 2), allow_unicode=True, width=40)
    quoted_head = "# a comment\n" + yaml.safe_dump(HEAD, default_style='"').replace('"1"', "1").replace("!!int ", "")
    project.write({"ordain.yaml": quoted_head, "other.yaml": f"# moved\n---\n{flow}"})
    assert not project.plan("--detailed-exitcode", "--no-cache").get("steps")


@LAW
@given(found=documents())
def test_the_same_input_gives_the_same_bytes(new_project: Callable[[], Any], found: list[dict[str, Any]]) -> None:
    project, other = new_project(), new_project()
    for one in (project, other):
        one.write({"ordain.yaml": text_of(found)})
    plans = [project.plan(), project.plan("--no-cache"), other.plan()]
    for plan in plans:
        del plan["envelope"]
    assert plans[0] == plans[1] == plans[2]


@LAW
@given(found=documents(), edit=st.sampled_from(["nothing", "value", "comment", "new", "gone"]))
def test_the_plan_with_the_cache_equals_the_plan_without(
    new_project: Callable[[], Any], found: list[dict[str, Any]], edit: str
) -> None:
    project = new_project()
    project.write({"ordain.yaml": text_of(found)})
    project.apply()
    project.plan()  # fills the cache
    after = [*found]
    if edit == "value":
        after[-1] = {**after[-1], "spec": {"value": {"own": "edited"}}}
    elif edit == "new":
        after.append({"kind": "Value", "name": "fresh", "spec": {"value": 1}})
    elif edit == "gone":
        after.pop()
    text = text_of(after) + ("# a comment\n" if edit == "comment" else "")
    (project.root / "ordain.yaml").write_text(text, encoding="utf-8")
    with_cache, without = project.plan(), project.plan("--no-cache")
    for plan in (with_cache, without):
        del plan["envelope"]
    assert with_cache == without
    faces = [("--format", "text"), ("--format", "markdown"), ("--verbose",), ("--show-no-ops",)]
    for words in faces:  # the first plan has read everything again where there was an edit: this asks the new cache
        assert project.face(*words) == project.face(*words, "--no-cache")


@LAW
@given(found=documents(), edit=st.sampled_from(["nothing", "value", "comment", "new", "gone"]))
def test_the_text_with_the_cache_equals_the_text_without(
    new_project: Callable[[], Any], found: list[dict[str, Any]], edit: str
) -> None:
    project = new_project()
    project.write({"ordain.yaml": text_of(found)})
    project.apply()
    filled = project.face()
    assert filled.startswith(b"No changes. ") and project.face() == filled
    after = [*found]
    if edit == "value":
        after[-1] = {**after[-1], "spec": {"value": {"own": "edited"}}}
    elif edit == "new":
        after.append({"kind": "Value", "name": "fresh", "spec": {"value": 1}})
    elif edit == "gone":
        after.pop()
    text = text_of(after) + ("# a comment\n" if edit == "comment" else "")
    (project.root / "ordain.yaml").write_text(text, encoding="utf-8")
    assert project.face() == project.face("--no-cache")


@LAW
@given(found=documents())
def test_destroy_leaves_nothing(new_project: Callable[[], Any], found: list[dict[str, Any]]) -> None:
    project = new_project()
    project.write({"ordain.yaml": text_of(found)})
    project.apply()
    project.ordain("destroy", "--yes")
    assert project.ordain("state", "list") == b"Nothing is recorded in default.\n"


@LAW
@given(found=documents(), which=st.integers(0, 6), deleting=st.booleans())
def test_a_selector_and_its_complement_cover_the_whole_plan(
    new_project: Callable[[], Any], found: list[dict[str, Any]], which: int, deleting: bool
) -> None:
    project = new_project()
    project.write({"ordain.yaml": text_of(found)})
    if deleting:
        project.apply()
        project.write({"ordain.yaml": text_of(found[:1])})
    selector = f"value.v{which % len(found)}"
    whole = {change["address"] for change in project.plan().get("changes", [])}
    acting: set[str] = set()
    for text in (selector, f"!{selector}"):
        part = project.plan("--select", text)
        changes = part.get("changes", [])
        assert {change["address"] for change in changes} == whole  # acting, or said to be left out
        here = {change["address"] for change in changes if not change.get("unselected")}
        assert here == {step["address"] for step in part.get("steps", [])}
        acting |= here
        waiting = {one["address"] for one in changes if "which is left out" in one.get("unselected", "")}
    assert acting | waiting == whole  # what waits for the selected one, in the complement, is all that neither does
    project.ordain("apply", "--yes", "--select", selector)
    if selector in {f"value.{one['name']}" for one in (found[:1] if deleting else found)}:
        project.ordain("apply", "--yes", "--select", f"!{selector}")
        assert not project.plan().get("changes")
    project.apply()  # the settings, which only a whole apply writes down
    assert not project.plan("--detailed-exitcode").get("changes")


@LAW
@given(found=documents(), chance=st.randoms(use_true_random=False))
def test_what_is_moved_is_never_destroyed_nor_made_again(
    new_project: Callable[[], Any], found: list[dict[str, Any]], chance: random.Random
) -> None:
    project = new_project()
    project.write({"ordain.yaml": text_of(found)})
    project.apply()
    names = {one["name"]: chance.choice([one["name"], f"{one['name']}-new"]) for one in found}
    text = text_of([{**one, "name": names[one["name"]]} for one in found])
    for old, new in names.items():
        text = text.replace(f"value.{old}.outputs", f"value.{new}.outputs")
    moves = [{"kind": "Moved", "spec": {"from": f"value.{a}", "to": f"value.{b}"}} for a, b in names.items() if a != b]
    project.write({"ordain.yaml": text, "moves.yaml": yaml.safe_dump_all(moves) if moves else "# none\n"})
    changes = project.plan().get("changes", [])
    assert {one["address"] for one in changes if one["effect"] == "move"} == {
        f"value.{new}" for old, new in names.items() if old != new
    }
    assert {one["effect"] for one in changes} <= {"move", "cosmetic"}
    project.apply()
    assert not project.plan("--detailed-exitcode").get("changes")
    project.write({"ordain.yaml": text})
    assert not project.plan("--detailed-exitcode").get("changes")


edits = st.fixed_dictionaries(
    {},
    optional={
        "description": st.text("abc ", max_size=3),
        "owner": st.sampled_from(["a@example.com", "b@example.com"]),
        "labels": st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy"), max_size=2),
        "lifecycle": st.fixed_dictionaries({}, optional={"protect": st.booleans(), "keep_on_remove": st.booleans()}),
        "run": st.fixed_dictionaries(
            {}, optional={"retries": st.integers(0, 2), "timeout": st.sampled_from(["1m", "60s", "2m"])}
        ),
        "spec": st.fixed_dictionaries({"value": plain}),
    },
)


@LAW
@given(first=st.lists(edits, min_size=1, max_size=4), second=st.lists(edits, min_size=1, max_size=4))
def test_a_plan_never_shows_an_empty_change(
    new_project: Callable[[], Any], first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> None:
    project = new_project()
    for version in (first, second):
        found = [
            {"kind": "Value", "name": f"v{number}", "spec": {"value": None}, **one}
            for number, one in enumerate(version)
        ]
        project.write({"ordain.yaml": text_of(found)})
        for change in project.plan().get("changes", []):
            assert change["causes"], change
            for cause in change["causes"]:
                assert cause["code"] != "spec" or cause.get("before") != cause.get("after"), cause
            if change["action"] == "update":
                assert change["fields"], change
                assert all(field.get("before") != field.get("after") for field in change["fields"]), change
        if any(one.get("protected") for one in project.plan().get("changes", [])):
            return
        project.apply()
    assert not project.plan("--detailed-exitcode").get("changes")
