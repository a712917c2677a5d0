"""Moved, Removed, protect, keep_on_remove, ignore_changes and replace_when, through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

ONE = "kind: Value\nname: {name}\n{more}spec: {{value: {value}}}\n"
MOVED = "---\nkind: Moved\nspec: {{from: value.{old}, to: value.{new}}}\n"


def value(name: str, value: object = 1, more: str = "") -> str:
    return ONE.format(name=name, value=value, more=more)


def moved(old: str, new: str) -> str:
    return MOVED.format(old=old, new=new)


@pytest.fixture
def applied(project: Callable[[str], Any]) -> Callable[[str], Any]:
    def made(text: str) -> Any:
        one = project(text)
        one.apply()
        return one

    return made


def test_what_is_moved_keeps_what_it_is(applied: Callable[[str], Any]) -> None:
    one = applied(value("old"))
    before = json.loads(one.run("state", "show", "value.old", "--json"))
    one.write(value("new") + moved("old", "new"))
    (change,) = one.changes().values()
    assert (change["action"], change["effect"], change["previous_address"]) == ("update", "move", "value.old")
    (cause,) = change["causes"]
    assert cause["code"] == "moved" and cause["at"] == {"file": "ordain.yaml", "line": 10, "column": 14}
    one.apply()
    assert one.recorded() == ["value.new"] and not one.changes()
    after = json.loads(one.run("state", "show", "value.new", "--json"))
    assert after["outputs"] == before["outputs"] and after["fingerprint"] == before["fingerprint"]
    one.write(value("new"))  # once it is applied the document may go
    assert not one.changes()


def test_what_is_moved_and_changed_is_one_change(applied: Callable[[str], Any]) -> None:
    one = applied(value("old"))
    one.write(value("new", 2) + moved("old", "new"))
    (change,) = one.changes().values()
    assert change["effect"] == "update" and change["previous_address"] == "value.old"
    assert [cause["code"] for cause in change["causes"]] == ["spec", "moved"]
    one.apply()
    assert one.recorded() == ["value.new"] and not one.changes()


def test_moves_are_followed_to_the_end(applied: Callable[[str], Any]) -> None:
    one = applied(value("a"))
    one.write(value("c") + moved("b", "c") + moved("a", "b"))
    assert one.effects() == {"value.c": "move"}
    one.apply()
    assert one.recorded() == ["value.c"]


def test_dependents_follow_a_move_without_being_made_again(applied: Callable[[str], Any]) -> None:
    reader = 'kind: Value\nname: reader\nspec: {{value: "${{{{ value.{name}.outputs.value }}}}"}}\n---\n'
    one = applied(reader.format(name="old") + value("old"))
    one.write(reader.format(name="new") + value("new") + moved("old", "new"))
    assert one.effects() == {"value.new": "move", "value.reader": "cosmetic"}
    one.apply()
    assert not one.changes()
    assert one.effects("--destroy") == {"value.new": "delete", "value.reader": "delete"}


def test_the_new_name_of_what_is_read_is_no_other_reason(applied: Callable[[str], Any]) -> None:
    data = "kind: DataSource\nname: {name}\nspec: {{provider: csv, path: a.csv}}\n---\n"
    read = "kind: Dataset\nname: rows\nspec: {{from: data_source.{name}, split: {{by: order, test: 0.2}}}}\n"
    one = applied("kind: Value\nname: v\nspec: {value: 1}\n")
    (one.root / "a.csv").write_text("n,y\n" + "1,a\n2,b\n" * 20, encoding="utf-8")
    one.write((data + read).format(name="old"))
    one.apply()
    document = "---\nkind: Moved\nspec: {from: data_source.old, to: data_source.new}\n"
    one.write((data + read).format(name="new") + document)
    codes = [cause["code"] for cause in one.changes()["dataset.rows"]["causes"]]
    assert one.effects()["dataset.rows"] == "cosmetic" and codes == ["moved"]
    assert one.changes()["dataset.rows"]["causes"][0]["at"]["line"] == 11
    with (one.root / "a.csv").open("a", encoding="utf-8") as file:
        file.write("3,a\n" * 9)
    causes = one.changes()["dataset.rows"]["causes"]
    assert [cause["code"] for cause in causes] == ["data", "upstream", "moved"]
    assert causes[-1]["detail"] == "data_source.old is called data_source.new now"
    one.apply("--select", "data_source.new")
    causes = one.changes()["dataset.rows"]["causes"]  # the move was taken in: its document still says what is meant
    assert [(cause["code"], "not data_source.old" in cause["detail"]) for cause in causes] == [
        ("data", False), ("moved", False)
    ]  # fmt: skip


def test_a_key_is_a_name_too(applied: Callable[[str], Any]) -> None:
    one = applied(value("region"))
    several = "kind: Value\nname: region\nfor_each: [north, south]\nspec: {value: 1}\n"
    one.write(several + "---\nkind: Moved\nspec: {from: value.region, to: 'value.region[\"north\"]'}\n")
    assert one.effects() == {'value.region["north"]': "move", 'value.region["south"]': "create"}
    one.apply()
    assert not one.changes()
    one.write(several.replace("name: region", "name: area") + moved("region", "area"))
    assert one.effects() == {'value.area["north"]': "move", 'value.area["south"]': "move"}
    one.apply()
    assert one.recorded() == ['value.area["north"]', 'value.area["south"]']


def test_nothing_is_moved_onto_another(applied: Callable[[str], Any]) -> None:
    one = applied(value("old") + "---\n" + value("new"))
    one.write(value("new") + moved("old", "new"))
    out = one.run("plan", expect=6)
    assert "value.old cannot become value.new: that is in the state already" in out and "ordain.yaml:10:" in out
    one.apply(expect=6)
    assert one.recorded() == ["value.new", "value.old"]


def test_a_stale_plan_of_a_move_is_refused(applied: Callable[[str], Any]) -> None:
    one = applied(value("old"))
    one.write(value("new") + moved("old", "new"))
    plan = str(one.root / "p.json")
    one.run("plan", "--out", plan)
    one.write(value("old", 5))
    one.apply()
    assert "value.old moved since the plan was made" in one.run("apply", plan, expect=10)


def test_a_saved_plan_moves(applied: Callable[[str], Any]) -> None:
    one = applied(value("old"))
    one.write(value("new") + moved("old", "new"))
    plan = str(one.root / "p.json")
    one.run("plan", "--out", plan)
    one.apply(plan)
    assert one.recorded() == ["value.new"]
    assert "was applied already" in one.run("apply", plan, expect=10)


@pytest.mark.parametrize(("destroy", "effect"), [("true", "delete"), ("false", "forget")])
def test_what_is_removed_leaves_the_state(applied: Callable[[str], Any], destroy: str, effect: str) -> None:
    keep = "lifecycle: {keep_on_remove: true}\n" if destroy == "true" else ""
    one = applied(value("gone", more=keep) + "---\n" + value("stays"))
    one.write(value("stays") + f"---\nkind: Removed\nspec: {{from: value.gone, destroy: {destroy}}}\n")
    (change,) = one.changes().values()
    assert change["effect"] == effect
    assert change["causes"][0]["at"]["line"] == 10
    one.apply()
    assert one.recorded() == ["value.stays"] and not one.changes()


def test_what_is_kept_on_remove_is_forgotten(applied: Callable[[str], Any]) -> None:
    one = applied(value("kept", more="lifecycle: {keep_on_remove: true}\n") + "---\n" + value("stays"))
    one.write(value("stays"))
    assert one.effects() == {"value.kept": "forget"}


def test_protection_outlives_its_line_and_names_all_it_keeps(applied: Callable[[str], Any]) -> None:
    protect = "lifecycle: {protect: true}\n"
    one = applied("---\n".join([value("a", more=protect), value("b", more=protect), value("c"), value("d")]))
    one.write(value("d", 2))
    changes = one.changes()
    assert {name: bool(change.get("protected")) for name, change in changes.items()} == {
        "value.a": True, "value.b": True, "value.c": False, "value.d": False,
    }  # fmt: skip
    out = one.apply(expect=3)
    assert "value.a, value.b may not be destroyed" in out
    assert one.recorded() == ["value.a", "value.b", "value.c", "value.d"]
    one.apply("--select", "value.c")  # what is not in its way may be done
    assert one.recorded() == ["value.a", "value.b", "value.d"]


def test_ignored_differences_keep_their_reason(applied: Callable[[str], Any]) -> None:
    ignoring = "lifecycle: {ignore_changes: [value]}\n"
    one = applied(value("a", 1, ignoring))
    one.write(value("a", 2, ignoring))
    assert not one.changes()
    assert "lifecycle.ignore_changes" in one.run("why", "value.a")
    one.write(value("a", 2, ignoring + "description: new\n"))
    (change,) = one.changes().values()
    (field,) = [field for field in change["fields"] if field.get("suppressed")]
    assert (field["path"], field["before"], field["after"]) == (["spec", "value"], 1, 2)


TRIGGER = "lifecycle: {{replace_when: [{what}]}}\ndepends_on: [value.cause]\n"


@pytest.mark.parametrize("what", ["value.cause", "value.cause.outputs.value"])
def test_what_is_watched_makes_it_again(applied: Callable[[str], Any], what: str) -> None:
    follower = "---\n" + value("follower", 0, TRIGGER.format(what=what))
    one = applied(value("cause", 1) + follower)
    one.write(value("cause", 1, "description: only words\n") + follower)
    assert one.effects() == {"value.cause": "cosmetic"}
    one.write(value("cause", 2) + follower)
    changes = one.changes()
    assert {name: change["effect"] for name, change in changes.items()} == {
        "value.cause": "update", "value.follower": "update",
    }  # fmt: skip
    codes = [cause["code"] for cause in changes["value.follower"]["causes"]]
    assert codes == ["spec", "trigger"]
    one.apply("--select", "value.cause")
    assert one.effects() == {"value.follower": "update"}  # it is remembered, though its cause is applied already
    one.apply()
    assert not one.changes()


def test_what_is_watched_from_now_on_makes_nothing_again(applied: Callable[[str], Any]) -> None:
    one = applied(value("cause", 1) + "---\n" + value("follower", 0))
    one.write(value("cause", 1) + "---\n" + value("follower", 0, TRIGGER.format(what="value.cause")))
    assert one.effects() == {"value.follower": "cosmetic"}
    one.apply()
    assert not one.changes()


def test_an_output_that_is_known_only_after_apply_is_compared_then(applied: Callable[[str], Any]) -> None:
    chain = 'kind: Value\nname: cause\nspec: {{value: "${{{{ value.root.outputs.value }}}}"}}\n---\n'
    follower = "---\n" + value("follower", 0, TRIGGER.format(what="value.cause.outputs.value"))
    one = applied(chain.format() + value("root", 1) + follower)
    assert not one.changes()
    one.write(chain.format() + value("root", 2) + follower)
    assert one.effects() == {"value.cause": "update", "value.follower": "update", "value.root": "update"}
    one.apply()
    assert not one.changes()


def test_refresh_only_brings_nothing_about(applied: Callable[[str], Any]) -> None:
    one = applied(value("a", 1))
    one.write(value("a", 2) + "---\n" + value("b"))
    plan = one.plan("--refresh-only")
    assert plan["mode"] == "refresh-only" and not plan["changes"] and not plan["steps"]
    told = one.run("plan", "--refresh-only")
    assert told.startswith("Nothing to take in. What can be looked at of 1 resource stands as recorded; the project")
    assert "Nothing to take in (1 left as recorded" in one.run("plan", "--refresh-only", "--format", "markdown")


def test_refresh_only_shows_what_it_does_not_take_in(applied: Callable[[str], Any]) -> None:
    one = applied(value("a", 1))
    (one.root / "a.csv").write_text("n,y\n" + "1,a\n2,b\n" * 20, encoding="utf-8")
    one.write("kind: DataSource\nname: rows\nspec: {provider: csv, path: a.csv}\n")
    one.apply()
    assert not one.plan("--refresh-only").get("drift")
    with (one.root / "a.csv").open("a", encoding="utf-8") as file:
        file.write("3,a\n" * 9)
    one.write("kind: DataSource\nname: rows\nspec: {provider: csv, path: gone.csv}\n")  # an edit is not looked at
    plan = one.plan("--refresh-only")
    (drift,) = plan["drift"]
    assert drift["address"] == "data_source.rows" and "9 rows added" in drift["detail"] and not plan["changes"]
    told = one.run("plan", "--refresh-only")
    assert told.startswith("Nothing to take in. 1 left as recorded.") and "9 rows added" in told
    one.apply("--refresh-only")
    assert one.plan("--refresh-only")["drift"] == [drift]
    (one.root / "a.csv").unlink()
    plan = one.plan("--refresh-only")
    (problem,) = plan["diagnostics"]
    assert problem["code"] == "source-missing" and problem["severity"] == "warning" and plan["status"]["applyable"]


def test_an_import_of_what_cannot_be_imported_is_explained(applied: Callable[[str], Any]) -> None:
    one = applied(value("a", 1))
    one.write(value("a", 1) + "---\n" + value("b") + "---\nkind: Import\nspec: {to: value.b, id: x}\n")
    out = one.run("plan", expect=6)
    assert "Value" in out and "Infrastructure" in out and "ordain.yaml:14:12" in out


def test_what_is_new_under_a_former_name_gets_a_folder_of_its_own(applied: Callable[[str], Any]) -> None:
    one = applied(value("old"))
    one.write(value("new") + moved("old", "new"))
    one.apply()
    one.write(value("new") + "---\n" + value("old"))
    one.apply()
    places = {name: json.loads(one.run("state", "show", name, "--json")).get("place") for name in one.recorded()}
    assert places == {"value.new": "value.old", "value.old": "value.old~2"}
    assert not one.changes()


def test_what_was_one_is_not_moved_onto_several_without_a_key(applied: Callable[[str], Any]) -> None:
    one = applied(value("old"))
    several = "kind: Value\nname: new\nfor_each: [north, south]\nspec: {value: 1}\n"
    one.write(several + moved("old", "new"))
    out = one.run("plan", expect=6)
    assert "value.old cannot become value.new" in out and 'value.new["north"]' in out and "ordain.yaml:11:" in out
    one.apply(expect=6)
    assert one.recorded() == ["value.old"]


def test_what_were_several_are_not_moved_onto_one(applied: Callable[[str], Any]) -> None:
    one = applied("kind: Value\nname: old\nfor_each: [north]\nspec: {value: 1}\n")
    one.write(value("new") + moved("old", "new"))
    assert 'value.old["north"] cannot become' in one.run("plan", expect=6)
    assert one.effects("--destroy") == {'value.new["north"]': "delete"}  # then its name does not matter


def test_what_becomes_several_may_be_kept_as_one_of_them(applied: Callable[[str], Any]) -> None:
    one = applied(value("a"))
    one.write("kind: Value\nname: a\nfor_each: [north, south]\nspec: {value: 1}\n")
    (note,) = one.changes()["value.a"]["notes"]
    assert "Moved" in note and "from: 'value.a', to: 'value.a[\"north\"]'" in note
    one.write(value("b"))
    assert not one.changes()["value.a"].get("notes")


def test_what_is_protected_may_be_forgotten_by_a_document_that_says_so(applied: Callable[[str], Any]) -> None:
    one = applied(value("kept", more="lifecycle: {protect: true}\n") + "---\n" + value("stays"))
    one.write(value("stays") + "---\nkind: Removed\nspec: {from: value.kept, destroy: false}\n")
    assert one.effects() == {"value.kept": "forget"}
    one.apply()
    assert one.recorded() == ["value.stays"]
