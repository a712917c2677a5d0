"""The laws of the language, over random projects with for_each, environments, overrides and several files."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

LAW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEYS = ("north", "south-1", "1", "A.b@c")
TEAMS = st.sampled_from(("red", "blue"))
Document = dict[str, Any]

plain = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text("ab é'\"#:{}-", max_size=6) | st.just("${{ var.size }}"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner),
    max_leaves=4,
)
patches = st.recursive(
    st.none() | st.integers(-9, 9) | st.just("${{ env.name }}"),
    lambda one: st.lists(st.integers(0, 3), max_size=2) | st.dictionaries(st.text("abc", min_size=1, max_size=2), one),
    max_leaves=4,
)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A Value: what it holds, its keys (None: one without), and the earlier ones it reads, each with a key."""

    name: str
    own: Any
    keys: tuple[str, ...] | None = None
    parents: tuple[tuple[int, str | None], ...] = ()
    team: str = "red"
    words: Mapping[str, Any] = field(default_factory=dict)


def address(node: Node, key: str | None) -> str:
    return f"value.{node.name}" + (f'["{key}"]' if key is not None else "")


def addresses(nodes: list[Node]) -> list[str]:
    return [address(node, key) for node in nodes for key in (node.keys if node.keys is not None else (None,))]


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    """A random DAG of Values, some multiplied."""
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 4))):
        several = draw(st.none() | st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True).map(tuple))
        read = draw(st.lists(st.sampled_from(range(number)), max_size=2, unique=True)) if number else []
        parents = [
            (one, draw(st.sampled_from(nodes[one].keys)) if nodes[one].keys is not None else None)  # type: ignore[arg-type]
            for one in read
        ]
        words = draw(st.fixed_dictionaries({}, optional={"description": st.text("ab ", max_size=4), "owner": TEAMS}))
        nodes.append(
            Node(
                name=f"v{number}", own=draw(plain), keys=several, parents=tuple(parents), team=draw(TEAMS), words=words
            )
        )
    return nodes


def written(nodes: list[Node]) -> list[Document]:
    """Return the documents of a graph."""
    found = []
    for node in nodes:
        value: Document = {"own": node.own}
        for number, (one, key) in enumerate(node.parents):
            value[f"p{number}"] = f"${{{{ {address(nodes[one], key)}.outputs.value.own }}}}"
        document: Document = {"kind": "Value", "name": node.name, "labels": {"team": node.team}, **node.words}
        if node.keys is not None:
            document["for_each"] = list(node.keys)
            value["key"] = "${{ each.key }}"
        found.append({**document, "spec": {"value": value}})
    return found


@st.composite
def overrides(draw: st.DrawFn, nodes: list[Node]) -> dict[str, Document]:
    """Overrides of documents, and of single ones of those with keys."""
    bases = [f"value.{node.name}" for node in nodes]
    chosen = draw(st.lists(st.sampled_from([*bases, *addresses(nodes)]), max_size=3, unique=True))
    out = {}
    for one in chosen:
        spec = {"value": {"own": draw(patches.filter(lambda patch: patch is not None)), "more": draw(patches)}}
        labels = st.fixed_dictionaries({}, optional={"team": st.none() | TEAMS, "x": st.none() | TEAMS})
        optional = {"labels": labels, "owner": st.none() | TEAMS, "description": st.none()}
        out[one] = {"spec": spec, **draw(st.fixed_dictionaries({}, optional=optional))}
    return out


def project(found: list[Document], dev: Mapping[str, Any] | None = None) -> list[Document]:
    """Return the documents with a Project and two environments before them."""
    head = {"kind": "Project", "name": "laws", "format": 1,
            "spec": {"variables": {"size": {"type": "integer", "default": 3}}}}  # fmt: skip
    environments = [
        {"kind": "Environment", "name": "dev", "spec": {"default": True, "overrides": dict(dev or {})}},
        {"kind": "Environment", "name": "prod", "spec": {"variables": {"size": 30}}},
    ]
    return [head, *environments, *found]


def text_of(found: list[Document], **style: Any) -> str:
    return yaml.safe_dump_all(found, sort_keys=False, allow_unicode=True, **style)


def scattered(found: list[Document], chance: random.Random) -> dict[str, str]:
    """The same documents in other files, in another order, with other keys first, in another style."""

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            chance.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        return [shuffled(one) for one in value] if isinstance(value, list) else value

    head, *rest = map(shuffled, found)
    chance.shuffle(rest)
    files: dict[str, list[Document]] = {"ordain.yaml": [head]}
    for document in rest:
        files.setdefault(chance.choice(["ordain.yaml", "a.yaml", "z.yml"]), []).append(document)
    return {
        name: "# a comment\n---\n"
        + text_of(documents, default_flow_style=chance.choice([True, False]), width=chance.choice([30, 200]))
        for name, documents in files.items()
    }


def bare(value: Any) -> Any:
    """A plan without what tells where things are written, and when."""
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items() if key not in ("at", "envelope", "digest")}
    return [bare(one) for one in value] if isinstance(value, list) else value


def rewrite(one: Any, files: Mapping[str, str]) -> None:
    for old in one.root.glob("*.yml"):
        old.unlink()
    one.write(dict(files))


def effects(plan: Any) -> dict[str, str]:
    return {change["address"]: change["effect"] for change in plan["changes"]}


ENVIRONMENTS = st.sampled_from(("dev", "prod"))


@LAW
@given(data=st.data(), nodes=graphs(), environment=ENVIRONMENTS, chance=st.randoms(use_true_random=False))
def test_the_order_of_files_and_keys_never_matters(
    new_project: Callable[[], Any], data: st.DataObject, nodes: list[Node], environment: str, chance: random.Random
) -> None:
    found = project(written(nodes), data.draw(overrides(nodes)))
    one = new_project()
    one.write({"ordain.yaml": text_of(found)})
    first = one.plan("--env", environment)
    assert sorted(effects(first)) == sorted(addresses(nodes))
    rewrite(one, scattered(found, chance))
    assert bare(one.plan("--env", environment)) == bare(first)
    one.ordain("apply", "--yes", "--env", environment)
    rewrite(one, scattered(found, chance))  # a cosmetic edit plans nothing
    assert not one.plan("--env", environment, "--detailed-exitcode")["steps"]


@LAW
@given(data=st.data(), nodes=graphs())
def test_overriding_and_inlining_give_the_same_plan(
    new_project: Callable[[], Any], data: st.DataObject, nodes: list[Node]
) -> None:
    patched = data.draw(overrides(nodes))
    documents = written(nodes)
    alone = {address(node, node.keys[0]): node.name for node in nodes if node.keys is not None and len(node.keys) == 1}
    keyed = {name: patch for name, patch in patched.items() if "[" in name and name not in alone}
    of_one = {alone[name]: patch for name, patch in patched.items() if name in alone}  # laid over after the document's
    inlined = [
        merged(merged(one, patched.get(f"value.{one['name']}", {})), of_one.get(one["name"], {})) for one in documents
    ]
    one = new_project()
    one.write({"ordain.yaml": text_of(project(inlined, keyed))})
    inline = bare(one.plan())
    one.write({"ordain.yaml": text_of(project(documents, patched))})
    assert bare(one.plan()) == inline
    one.apply()
    one.write({"ordain.yaml": text_of(project(inlined, keyed))})
    assert not one.plan("--detailed-exitcode")["changes"]


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396, as its own pseudocode has it."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), value)
    return out


@LAW
@given(nodes=graphs(), environment=ENVIRONMENTS, data=st.data())
def test_what_is_only_for_people_makes_nothing_again(
    new_project: Callable[[], Any], nodes: list[Node], environment: str, data: st.DataObject
) -> None:
    one = new_project()
    one.write({"ordain.yaml": text_of(project(written(nodes)))})
    one.ordain("apply", "--yes", "--env", environment)
    edited = [
        replace(node, team=data.draw(TEAMS), words=data.draw(st.fixed_dictionaries({}, optional={"owner": TEAMS})))
        for node in nodes
    ]
    one.write({"ordain.yaml": text_of(project(written(edited)))})
    differ = {
        address(after, key)
        for before, after in zip(nodes, edited, strict=True)
        for key in (after.keys if after.keys is not None else (None,))
        if (before.team, before.words.get("owner", ""), before.words.get("description", ""))
        != (after.team, after.words.get("owner", ""), "")
    }
    plan = one.plan("--env", environment)
    assert effects(plan) == dict.fromkeys(sorted(differ), "cosmetic")
    assert all(change["fields"] and change["causes"] for change in plan["changes"])
    one.ordain("apply", "--yes", "--env", environment)
    assert not one.plan("--env", environment)["changes"]


@LAW
@given(nodes=graphs(), environment=ENVIRONMENTS, chance=st.randoms(use_true_random=False))
def test_what_is_moved_is_never_destroyed_whatever_its_keys(
    new_project: Callable[[], Any], nodes: list[Node], environment: str, chance: random.Random
) -> None:
    """Names change, one becomes one of several, keys change; in chains of moves, too."""
    one = new_project()
    one.write({"ordain.yaml": text_of(project(written(nodes)))})
    one.ordain("apply", "--yes", "--env", environment)
    before = addresses(nodes)
    now: list[Node] = []
    names: dict[str, str] = {}
    moves: list[tuple[str, str]] = []
    for node in nodes:
        new, how = replace(node, name=f"{node.name}-new"), chance.choice(["stays", "base", "chain", "key"])
        if how == "stays":
            new = node
        elif how == "key":
            old = node.keys if node.keys is not None else (None,)
            keys = tuple(f"k{number}" for number, _ in enumerate(old))
            # What tells its key is another thing under another one: only what has none can be given one for nothing.
            new = replace(new, keys=keys) if node.keys is None else new
            names |= {address(node, key): address(new, keys[0] if node.keys is None else key) for key in old}
            moves += [(address(node, key), names[address(node, key)]) for key in old]
        elif how == "base":
            moves.append((f"value.{node.name}", f"value.{new.name}"))
        else:
            moves += [(f"value.{new.name}-half", f"value.{new.name}"), (f"value.{node.name}", f"value.{new.name}-half")]
        now.append(new)
    parents = [
        tuple((i, now[i].keys[0] if nodes[i].keys is None and now[i].keys else key) for i, key in node.parents)  # type: ignore[index]
        for node in now
    ]
    now = [replace(node, parents=found) for node, found in zip(now, parents, strict=True)]
    documents = [
        {**document, "spec": {"value": {k: v for k, v in document["spec"]["value"].items() if k != "key"}}}
        if nodes[index].keys is None
        else document
        for index, document in enumerate(written(now))
    ]
    moved = [{"kind": "Moved", "spec": {"from": old, "to": new}} for old, new in moves]
    chance.shuffle(moved)
    one.write({"ordain.yaml": text_of([*project(documents), *moved])})
    plan = one.plan("--env", environment)
    assert set(effects(plan).values()) <= {"move", "cosmetic"}, effects(plan)
    former = {change["previous_address"] or change["address"] for change in plan["changes"]}
    assert former <= set(before)
    assert {c["previous_address"] for c in plan["changes"] if c["effect"] == "move"} == {
        name for name in before if name not in addresses(now)
    }
    one.ordain("apply", "--yes", "--env", environment)
    assert not one.plan("--env", environment)["changes"]
    one.write({"ordain.yaml": text_of(project(documents))})  # and without the documents that said so
    assert not one.plan("--env", environment)["changes"]


@LAW
@given(nodes=graphs(), data=st.data(), environment=ENVIRONMENTS, deleting=st.booleans())
def test_a_selector_of_any_sort_and_its_complement_cover_the_whole_plan(
    new_project: Callable[[], Any], nodes: list[Node], data: st.DataObject, environment: str, deleting: bool
) -> None:
    one = new_project()
    one.write({"ordain.yaml": text_of(project(written(nodes)))})
    if deleting:
        one.ordain("apply", "--yes", "--env", environment)
        one.write({"ordain.yaml": text_of(project(written(nodes[:1])))})
    there = [f"value.{node.name}" for node in nodes] + addresses(nodes)
    atoms = [*there, *(f"label:team={node.team}" for node in nodes), "kind:Value", "value.v?", "*.v0*"]
    atom = data.draw(st.sampled_from(atoms))
    selector = data.draw(st.sampled_from([atom, f"+{atom}", f"{atom}+", f"+{atom}+"]))
    words = ("--env", environment)
    whole = set(effects(one.plan(*words)))
    covered: set[str] = set()
    for text in (selector, f"!{selector}"):
        part = one.plan(*words, "--select", text)
        assert set(effects(part)) == whole  # acting, or said to be left out
        acting = {change["address"] for change in part["changes"] if not change["unselected"]}
        assert acting == {step["address"] for step in part["steps"]}
        if not deleting:  # nothing is made on top of what is left out
            assert all(acting >= set(c["depends_on"]) & whole for c in part["changes"] if c["address"] in acting)
        waiting = {c["address"] for c in part["changes"] if "which is left out" in c["unselected"]}
        covered |= acting | waiting
    assert covered == whole
    one.ordain("apply", "--yes", *words, "--select", selector)
    if not deleting:  # of what is deleted by then, no selector speaks
        one.ordain("apply", "--yes", *words, "--select", f"!{selector}")
        assert not one.plan(*words)["changes"]  # what waited found the selected ones in place
    one.ordain("apply", "--yes", *words)
    assert not one.plan(*words, "--detailed-exitcode")["changes"]


@LAW
@given(first=graphs(), second=graphs(), data=st.data(), environment=ENVIRONMENTS)
def test_no_change_is_empty_whatever_was_edited(
    new_project: Callable[[], Any], first: list[Node], second: list[Node], data: st.DataObject, environment: str
) -> None:
    """Keys come and go, overrides come and go, one becomes several: what is shown differs, and says why."""
    one, words = new_project(), ("--env", environment)
    for nodes in (first, second):
        one.write({"ordain.yaml": text_of(project(written(nodes), data.draw(overrides(nodes))))})
        plan = one.plan(*words)
        for change in plan["changes"]:
            assert change["causes"] and change["action"] != "no-op", change
            if change["action"] == "update":
                assert change["fields"], change
                differs = [one for one in change["fields"] if one["unknown"] or one["before"] != one["after"]]
                assert differs == change["fields"], change
            for cause in change["causes"]:
                assert cause["code"] != "spec" or cause["before"] != cause["after"], cause
                assert cause["code"] != "spec" or (cause["at"] and cause["at"]["line"] > 1), cause
        assert set(effects(plan)) >= {step["address"] for step in plan["steps"]} - {"project.laws"}
        one.ordain("apply", "--yes", *words)
    assert not one.plan(*words, "--detailed-exitcode")["changes"]
