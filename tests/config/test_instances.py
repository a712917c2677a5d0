"""``for_each``: one document, several resources."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ordain.config.locate import locate
from ordain.values.address import Address
from ordain.values.data import Unknown

REGIONS = """kind: Thing
name: t
for_each: {north: {region: eu, base: south}, south: {region: us, base: north}}
spec: {value: "${{ each.value.region }}"}
---
"""


def spec(resolution: Any, address: str) -> Any:
    assert resolution.desired is not None, resolution.diagnostics
    return resolution.desired.resources[Address.parse(address)].spec


def names(resolution: Any) -> list[str]:
    assert resolution.desired is not None, resolution.diagnostics
    return list(map(str, resolution.desired.resources))


def said(resolution: Any) -> list[str]:
    assert resolution.desired is None
    return [f"{one.code} {one.at.line}:{one.at.column}" for one in resolution.diagnostics]


@pytest.mark.parametrize(
    ("each", "found"),
    [
        ("[north, south]", {"north": ["north", "north"], "south": ["south", "south"]}),
        ("[1, true, 1.5]", {"1": ["1", 1], "true": ["true", True], "1.5": ["1.5", 1.5]}),
        ("{a: {x: 1}, b: null}", {"a": ["a", {"x": 1}], "b": ["b", None]}),
        ("'${{ var.regions }}'", {"de": ["de", 1], "fr": ["fr", 2]}),
        ("'${{ var.regions.keys() }}'", {"de": ["de", "de"], "fr": ["fr", "fr"]}),
        ("['${{ env.name }}']", {"default": ["default", "default"]}),
        ("[]", {}),
        ("{}", {}),
    ],
)
def test_keys_and_values(load: Any, each: str, found: dict[str, Any]) -> None:
    text = (
        "kind: Project\nname: demo\nspec: {variables: {regions: {type: map, default: {de: 1, fr: 2}}}}\n---\n"
        f"kind: Thing\nname: t\nfor_each: {each}\n"
        "spec: {value: ['${{ each.key }}', '${{ each.value }}']}\nlabels: {k: '${{ each.key }}'}\n"
    )
    resolution = load(text, project=False)
    assert {one: spec(resolution, one)["value"] for one in names(resolution)} == {
        f'thing.t["{key}"]': value for key, value in found.items()
    }
    for key in found:
        one = resolution.desired.resources[Address.parse(f'thing.t["{key}"]')]
        assert one.labels == {"k": key}
        assert str(locate(one.source, ("spec", "value"))) == "ordain.yaml:8:15"


@pytest.mark.parametrize(
    ("each", "place", "word"),
    [
        ("[a, b, a]", "for-each-duplicate 7:18", "'a'"),
        ("[1, '1']", "for-each-duplicate 7:15", "'1'"),
        ("[a, 'x y']", "for-each-key 7:15", "'x y'"),
        ("{a: 1, -b: 1}", "for-each-key 7:18", "'-b'"),
        (f"[{'a' * 64}]", "for-each-key 7:12", "63"),
        ("[a, null]", "for-each-type 7:15", "true or false"),
        ("[a, [b]]", "for-each-type 7:15", "true or false"),
        ("north", "for-each-type 7:11", "[north, south]"),
        ("", "for-each-type 7:1", "[]"),
        ("['${{ thing.u.outputs.value }}']", "for-each-unknown 7:12", "known before anything is planned"),
        ("{a: '${{ thing.u.outputs.value }}'}", "for-each-unknown 7:15", "known before anything is planned"),
        ("'${{ secret.X }}'", "for-each-unknown 7:11", "addresses, which show"),
        ("'${{ each.key }}'", "expression 7:16", "for_each"),
        ("'${{ var.nope }}'", "expression 7:16", "nope"),
    ],
)
def test_what_for_each_refuses(load: Any, each: str, place: str, word: str) -> None:
    text = f"kind: Thing\nname: t\nfor_each: {each}\nspec: {{value: '${{{{ each.value.x }}}}'}}\n"
    resolution = load(
        text + "---\nkind: Thing\nname: u\ndepends_on: ['thing.t[a]']\n"
    )  # that what is said here breaks nothing else
    assert said(resolution) == [place]
    one = resolution.diagnostics[0]
    assert word in f"{one.summary} {one.detail} {one.fix}"
    assert one.fix
    if one.code == "for-each-duplicate":
        assert [word for _, word in one.related] == ["first here"]


def test_a_wrong_for_each_hides_nothing_else(load: Any) -> None:
    text = "kind: Table\nname: t\nfor_each: 3\nspec: {path: '${{ each.key }}', rows: '${{ each.value }}', rowz: 1}\n"
    assert said(load(text)) == ["for-each-type 7:11", "spec-unknown-key 8:60"]


def test_settings_are_not_multiplied(load: Any) -> None:
    text = "kind: Policy\nname: p\nfor_each: [a]\nspec: {level: hard, require: 'true'}\n"
    assert said(load(text)) == ["for-each-setting 7:1"]


def test_each_is_for_documents_with_for_each(load: Any) -> None:
    resolution = load("kind: Thing\nname: t\nspec: {value: '${{ each.value }}'}\n")
    assert said(resolution) == ["expression 7:20"]
    assert "for_each" in resolution.diagnostics[0].summary


def test_one_is_named_by_its_key_everywhere(load: Any) -> None:
    text = REGIONS + (
        "kind: Table\nname: tab\nfor_each: [north, south]\nspec: {path: x}\n---\n"
        "kind: Learner\nname: l\nfor_each: {north: {base: south}}\n"
        "depends_on: ['thing.t[\"${{ each.key }}\"]']\n"
        "spec:\n"
        '  table: table.tab["${{ each.key }}"]\n'
        "  extra: ['table.tab[\"${{ each.value.base }}\"]']\n"
        "  params:\n"
        '    literal: ${{ thing.t["north"].outputs.value }}\n'
        "    single: ${{ thing.t['north'].outputs.value.x }}\n"
        "    key: ${{ thing.t[each.key].outputs.value }}\n"
        "    value: ${{ thing.t[each.value.base].outputs.value }}\n"
        "    mixed: a-${{ thing.t[ each.value.base ].outputs.value ~ each.key }}\n"
    )
    resolution = load(text)
    found = spec(resolution, "learner.l[north]")
    assert found["table"] == 'table.tab["north"]'
    expressions = {name: one.expression for name, one in found["params"].items() if isinstance(one, Unknown)}
    assert expressions == {
        "literal": '${{ thing.t["north"].outputs.value }}',
        "single": '${{ thing.t["north"].outputs.value.x }}',
        "key": '${{ thing.t["north"].outputs.value }}',
        "value": '${{ thing.t["south"].outputs.value }}',
        "mixed": 'a-${{ thing.t["south"].outputs.value ~ "north" }}',
    }
    needs = resolution.desired.resources[Address.parse("learner.l[north]")].depends_on
    assert list(map(str, needs)) == [f'{a}["{k}"]' for a in ("table.tab", "thing.t") for k in ("north", "south")]


def test_a_variable_may_say_the_key(load: Any) -> None:
    text = (
        "kind: Project\nname: demo\nspec: {variables: {home: {default: 7, type: integer}, pw: {secret: true}}}\n---\n"
        "kind: Thing\nname: t\nfor_each: [7]\n---\n"
        "kind: Thing\nname: u\nspec: {value: '${{ thing.t[var.home].outputs.value }}'}\n"
    )
    options: dict[str, Any] = {"project": False, "variables": {"pw": "x"}}
    assert spec(load(text, **options), "thing.u")["value"].expression == '${{ thing.t["7"].outputs.value }}'
    secret = load(text.replace("[var.home]", "[var.pw]"), **options)
    assert "cannot be a key" in secret.diagnostics[0].summary


@pytest.mark.parametrize(
    ("mention", "summary", "fix"),
    [
        (
            "thing.t",
            "thing.t has `for_each:` and stands for 2 resources",
            'name one, as in thing.t["north"]; keys: north, south',
        ),
        ("thing.t[nort]", "thing.t has no 'nort'", "did you mean 'north'? keys: north, south"),
        ("thing.one[a]", "thing.one has no `for_each:`: it is one resource, without a key", "write thing.one"),
        (
            "thing.empty[a]",
            'there is no thing.empty["a"]: the `for_each:` of thing.empty is empty here',
            "add a key there",
        ),
        ("thing.empty", "there is no thing.empty: the `for_each:` of thing.empty is empty here", "add a key there"),
    ],
)  # fmt: skip
def test_naming_what_is_not_there(load: Any, mention: str, summary: str, fix: str) -> None:
    text = REGIONS + (
        "kind: Thing\nname: one\n---\nkind: Thing\nname: empty\nfor_each: []\n---\n"
        f"kind: Thing\nname: u\ndepends_on: ['{mention}']\n"
    )
    resolution = load(text)
    assert [(one.summary, one.fix) for one in resolution.diagnostics] == [(summary, fix)]
    if "[" in mention:
        text = text.replace(f"depends_on: ['{mention}']", "")
        keyed = mention.replace("[", '["').replace("]", '"]')
        resolution = load(text + f"spec: {{value: '${{{{ {keyed}.outputs.value }}}}'}}\n")
        assert [(one.summary, one.fix) for one in resolution.diagnostics] == [(summary, fix)]


def test_outputs_are_checked_for_each(load: Any) -> None:
    text = REGIONS + "kind: Thing\nname: u\nspec: {value: '${{ thing.t[\"north\"].outputs.valeu }}'}\n"
    assert said(load(text)) == ["output-unknown 12:15"]


def test_cycles_are_found_between_keys(load: Any) -> None:
    text = (
        "kind: Thing\nname: t\nfor_each: {north: south, south: north}\n"
        "spec: {value: '${{ thing.t[each.value].outputs.value }}'}\n"
    )
    resolution = load(text)
    assert said(resolution) == ["dependency-cycle 8:15"]
    assert 'thing.t["north"] → thing.t["south"] → thing.t["north"]' in resolution.diagnostics[0].summary
    chain = text.replace("{north: south, south: north}", "{north: south, south: west, west: '1', '1': '2'}")
    assert said(load(chain)) == ["reference-unknown 8:15"]
    self_made = load(text.replace("[each.value]", "[each.key]"))
    assert {one.code for one in self_made.diagnostics} == {"reference-self"}


def test_a_mistake_in_every_one_is_told_once_and_names_a_key(load: Any) -> None:
    keys = ", ".join(f"k{number}" for number in range(100))
    text = f"kind: Table\nname: t\nfor_each: [{keys}]\nspec: {{path: x, rowz: 1, rows: '${{{{ each.value }}}}'}}\n"
    resolution = load(text)
    assert said(resolution).count("spec-unknown-key 8:17") == 1
    first = next(one for one in resolution.diagnostics if one.code == "spec-unknown-key")
    assert (str(first.address), first.related[-1][1]) == ('table.t["k0"]', "for the key 'k0'")
    assert str(first.related[-1][0]) == "ordain.yaml:7:12"
    assert len(resolution.diagnostics) < 25
    # One that is wrong alone is told with its own key.
    one = load("kind: Table\nname: t\nfor_each: {a: 1, b: x}\nspec: {path: x, rows: '${{ each.value }}'}\n")
    assert [(d.at.line, d.related[-1][1], str(d.related[-1][0])) for d in one.diagnostics] == [
        (8, "for the key 'b'", "ordain.yaml:7:18")
    ]


OVERRIDES = """kind: Environment
name: dev
spec:
  overrides:
    table.t: {labels: {all: "yes"}, spec: {rows: 2, columns: {a: all}}}
    table.t["north"]: {spec: {rows: 3, columns: {b: one}}, lifecycle: {protect: true}}
---
kind: Table
name: t
for_each: [north, south]
spec: {path: "${{ each.key }}", rows: 1}
"""


def test_overrides_before_and_after(load: Any) -> None:
    resolution = load(OVERRIDES)
    north, south = (resolution.desired.resources[Address.parse(f"table.t[{key}]")] for key in ("north", "south"))
    assert (north.spec["rows"], north.spec["columns"], north.spec["path"]) == (3, {"a": "all", "b": "one"}, "north")
    assert (south.spec["rows"], south.spec["columns"], south.spec["path"]) == (2, {"a": "all"}, "south")
    assert (north.lifecycle.protect, south.lifecycle.protect) == (True, False)
    assert (north.labels, south.labels) == ({"all": "yes"}, {"all": "yes"})
    places = [str(locate(north.source, ("spec", *path))) for path in (("rows",), ("columns", "a"), ("columns", "b"))]
    assert places == ["ordain.yaml:10:37", "ordain.yaml:9:66", "ordain.yaml:10:53"]


def test_the_last_override_is_where_a_value_stands(load: Any) -> None:
    text = OVERRIDES.replace("{spec: {rows: 3, columns: {b: one}}", "{labels: null, spec: {provider: sql, query: q}")
    north = load(text).desired.resources[Address.parse("table.t[north]")]
    assert (north.provider, north.spec["query"], north.spec["columns"], north.labels) == ("sql", "q", {}, {})
    assert [locate(north.source, path).line for path in (("labels", "all"), ("spec", "query"))] == [10, 10]


def test_an_override_may_change_the_keys(load: Any) -> None:
    text = OVERRIDES.replace('{labels: {all: "yes"}', '{for_each: [north, east], labels: {all: "yes"}')
    assert names(load(text)) == ['table.t["east"]', 'table.t["north"]']
    none = OVERRIDES.replace("{spec: {rows: 3,", "{for_each: [a], spec: {rows: 3,")
    assert said(load(none)) == ["override-invalid 10:24"]


@pytest.mark.parametrize(
    ("old", "new", "place", "word"),
    [
        ('t["north"]:', 't["nort"]:', "override-unknown 10:5", "did you mean 'north'"),
        ("table.t:", "table.x:", "override-unknown 9:5", "table.t"),
        ('t["north"]:', 't["north"]: {}\n    table.t[north]:', "override-duplicate 11:5", "make one"),
    ],
)
def test_overrides_of_what_is_not_there(load: Any, old: str, new: str, place: str, word: str) -> None:
    resolution = load(OVERRIDES.replace(old, new))
    assert said(resolution) == [place]
    assert word in resolution.diagnostics[0].fix


def test_keys_may_differ_in_another_environment(load: Any) -> None:
    text = (
        OVERRIDES + "---\nkind: Environment\nname: prod\nspec: {overrides: {'table.t[west]': {}, 'table.u[a]': {}}}\n"
    )
    assert said(load(text, environment="dev")) == ["override-unknown 19:41"]
    both = said(load(text, environment="prod"))
    assert both == ["override-unknown 19:20", "override-unknown 19:41"]


KEYS = st.from_regex(r"[a-z0-9_][a-zA-Z0-9_.@+-]{0,5}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a b", "'", "${x}", "$$", "{{ x }}", "1"]),
    lambda tree: st.lists(tree, max_size=2) | st.dictionaries(st.sampled_from("abc"), tree, max_size=2),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_a_map_equals_the_documents_written_out(load: Any, each: dict[str, Any]) -> None:
    import json

    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    multiplied = load(
        f"kind: Thing\nname: t\nfor_each: {text(each)}\nlabels: {{k: '${{{{ each.key }}}}'}}\n"
        "spec: {value: ['${{ each.value }}', 'x-${{ each.key }}']}\n"
    )
    numbers = {key: number for number, key in enumerate(each)}
    written = load(
        "---\n".join(
            f"kind: Thing\nname: t{numbers[key]}\nlabels: {{k: {text(key)}}}\n"
            f"spec: {{value: [{text(value)}, {text('x-' + key)}]}}\n"
            for key, value in each.items()
        )
    )
    assert multiplied.diagnostics == written.diagnostics == ()
    assert len(multiplied.desired.resources) == len(each)
    for key, number in numbers.items():
        one = multiplied.desired.resources[Address.parse(f'thing.t["{key}"]')]
        other = written.desired.resources[Address.parse(f"thing.t{number}")]
        assert (one.spec, one.labels, one.lifecycle, one.depends_on) == (
            other.spec, other.labels, other.lifecycle, other.depends_on,
        )  # fmt: skip
