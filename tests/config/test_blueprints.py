"""Documents that use a blueprint: what they become, where each value stands, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ordain.config.blueprints import read_blueprints
from ordain.config.files import SHIPPED, read_blueprint_files, read_shipped, stat_project, stat_shipped
from ordain.config.locate import locate, locate_key, snippet
from ordain.config.resolve import Resolution
from ordain.values.address import Address
from ordain.values.data import Secret, Unknown
from ordain.values.diagnostic import Diagnostic, Severity
from ordain.values.span import Source

DECLARED = """\
kind: Blueprint
name: one
description: a thing
spec:
  parameters:
    text: {type: string, description: what to say}
    count: {type: integer, default: 2, min: 1, max: 5}
    tags: {type: list, default: []}
"""
BODY = """\
{# things #}
kind: Thing
name: {{ name }}
description: made of {{ name }}
spec:
  value:
    say: {{ text }}
    long: it says {{ text }} {{ count }} times
    tags: {{ tags }}
    {% for tag in tags %}
    {{ tag }}: [{{ count }}]
    {% endfor %}
---
kind: Thing
name: {{ name }}-next
spec: {value: "${{ thing.{{ name }}.outputs.value }}"}
"""
PROJECT = "kind: Project\nname: demo\nformat: 1\n"
USE = "use: one\nname: a\nwith:\n  text: hello\n"
THING = Address.parse("thing.a")


@pytest.fixture
def use(load, files):
    """Resolve a project's text with one blueprint, given as its two texts."""

    def run(text: str, body: str = BODY, declared: str = DECLARED, **options: Any) -> Resolution:
        texts = {"templates/one/blueprint.yaml": declared, "templates/one/body.yaml.j2": body}
        known, problems = read_blueprints(files(texts))
        found: Resolution = load(text, blueprints=known, **options)
        return Resolution(desired=None if problems else found.desired, diagnostics=(*problems, *found.diagnostics))

    return run


def value(found: Resolution, address: Address = THING) -> Any:
    assert found.desired is not None, found.diagnostics
    return found.desired.resources[address].spec["value"]


def source(found: Resolution, address: Address = THING) -> Source:
    assert found.desired is not None, found.diagnostics
    return found.desired.resources[address].source


def only(found: Resolution) -> Diagnostic:
    assert found.desired is None
    assert len(found.diagnostics) == 1, found.diagnostics
    return found.diagnostics[0]


def places(one: Diagnostic) -> list[str]:
    return [str(one.at), *(f"{span} {word}" for span, word in one.related)]


def test_a_use_stands_for_the_documents_of_the_body(use):
    found = use(USE + "  count: 3\n  tags: [x, y]\n")
    assert value(found) == {
        "say": "hello", "long": "it says hello 3 times", "tags": ["x", "y"], "x": [3], "y": [3],
    }  # fmt: skip
    assert str(value(found, Address.parse("thing.a-next")).refs[0].address) == "thing.a"
    assert found.desired.resources[THING].description == "made of a"


def test_a_default_stands_in_and_the_name_is_the_blueprints_where_none_is_given(use):
    found = use("use: one\nwith: {text: hi}\n")
    assert value(found, Address.parse("thing.one"))["long"] == "it says hi 2 times"


def test_values_are_evaluated_where_the_caller_stands(use):
    text = (
        PROJECT
        + "spec: {variables: {who: {default: you}}}\n---\n"
        + USE.replace("hello", "hi ${{ var.who }} in ${{ env.name }}")
    )
    assert value(use(text, project=False))["say"] == "hi you in default"


def test_for_each_makes_one_use_of_each(use):
    found = use('use: one\nname: a-${{ each.key }}\nfor_each: [x, y]\nwith: {text: "${{ each.value }}"}\n')
    assert {str(one) for one in found.desired.resources} == {
        "thing.a-x",
        "thing.a-x-next",
        "thing.a-y",
        "thing.a-y-next",
    }
    assert value(found, Address.parse("thing.a-y"))["say"] == "y"


def test_an_output_is_passed_on_whatever_the_type(use):
    text = "kind: Thing\nname: base\nspec: {value: 1}\n---\n"
    text += 'use: one\nname: a\nwith: {text: t, count: "${{ thing.base.outputs.value }}"}\n'
    said = value(use(text))
    assert isinstance(said["long"], Unknown) and said["long"].refs[0].address == Address.parse("thing.base")


def test_a_secret_is_passed_on_and_its_text_never_seen(use):
    said = value(
        use(USE.replace("hello", "${{ secret.TOKEN }}"), BODY.replace("long: it says {{ text }}", "long: it says"))
    )
    assert isinstance(said["say"], Secret) and said["say"].names == ("secret.TOKEN",)


TRICKS = st.sampled_from(["${{ secret.S }}", "}}", "\n---\nkind: Thing\n", ": ", "- x", "#", '"', "'", "{", "&a", "$"])


@settings(max_examples=60, deadline=None)
@given(text=st.lists(st.one_of(TRICKS, st.text(max_size=4))).map("".join))
def test_no_value_is_anything_but_itself(load, files, text):
    known, _ = read_blueprints(
        files(
            {
                "templates/one/blueprint.yaml": DECLARED,
                "templates/one/body.yaml.j2": BODY.replace(" {{ count }} times", ""),
            }
        )
    )
    project = PROJECT + 'spec: {variables: {t: {}}}\n---\nuse: one\nname: a\nwith: {text: "${{ var.t }}"}\n'
    found = load(project, blueprints=known, variables={"t": text}, project=False)
    assert value(found) == {"say": text, "long": f"it says {text}", "tags": []}
    assert len(found.desired.resources) == 2


def test_a_value_stands_where_the_caller_wrote_it(use):
    one = source(use(USE + "  count: 3\n  tags: [x, y]\n"))
    assert str(locate(one, ("spec", "value", "say"))) == "ordain.yaml:8:9"
    assert str(locate(one, ("spec", "value", "tags", 1))) == "ordain.yaml:10:13"
    assert str(locate(one, ("name",))) == "ordain.yaml:6:7"
    assert snippet(one, locate(one, ("spec", "value", "say"))) == "  text: hello"
    body = "templates/one/body.yaml.j2"
    assert str(locate_key(one, ("spec", "value", "say"))) == f"{body}:7:5"
    assert str(locate(one, ("spec", "value", "long"))) == f"{body}:8:11"
    assert str(locate(one, ("spec", "value", "y", 0))) == f"{body}:11:5"  # two values stand on that line
    assert str(locate(one, ("spec", "value", "y"))) == f"{body}:11:5"  # a value was written into the line before it
    assert str(locate(one, ("kind",))) == f"{body}:2:7"
    assert snippet(one, locate(one, ("spec", "value", "y"))) == "    {{ tag }}: [{{ count }}]"


def test_a_default_stands_in_the_body(use):
    one = source(use(USE, BODY + "    \n"))
    assert str(locate(one, ("spec", "value", "tags"))) == "templates/one/body.yaml.j2:9:11"


def test_the_body_of_later_documents_has_its_lines_too(use):
    one = source(use(USE), Address.parse("thing.a-next"))
    assert str(locate(one, ("spec", "value"))) == "templates/one/body.yaml.j2:16:15"


def test_what_is_wrong_in_an_expanded_document_names_both_places(use):
    body = BODY + "---\nkind: Table\nname: {{ name }}-t\nspec: {path: p, rows: {{ count }}, colums: {}}\n"
    found = use(USE + "  count: -1\n", body, DECLARED.replace("min: 1", "min: -5"))
    assert sorted((one.code, *places(one)) for one in found.diagnostics) == [
        ("spec-invalid", "ordain.yaml:9:10", "templates/one/body.yaml.j2:20:23 written here"),
        ("spec-unknown-key", "templates/one/body.yaml.j2:20:1", "ordain.yaml:5:1 used here"),
    ]
    assert [one.snippet for one in found.diagnostics] == ["  count: -1", body.split("\n")[19]]


def test_an_expression_of_the_body_is_shown_at_its_character(use):
    one = only(use(USE, BODY.replace("description: made of {{ name }}", "description: the ${{ var.nope }}")))
    assert places(one) == ["templates/one/body.yaml.j2:4:22", "ordain.yaml:5:1 used here"]
    assert one.snippet == "description: the ${{ var.nope }}"


def test_two_uses_of_one_name_are_both_shown(use):
    found = use(USE + "---\n" + USE)
    first = next(one for one in found.diagnostics if "thing.a is" in one.summary)
    assert first.code == "name-duplicate"
    assert {"ordain.yaml:11:7", "ordain.yaml:6:7 first here"} <= set(places(first))
    second = next(one for one in found.diagnostics if "thing.a-next" in one.summary)
    assert {"ordain.yaml:10:1 used here", "ordain.yaml:5:1 used here"} <= set(places(second))


@pytest.mark.parametrize(
    ("text", "code", "where", "said"),
    [
        ("use: on\n", "blueprint-unknown", "ordain.yaml:5:6", "did you mean 'one'? blueprints: one"),
        (
            "use: one\nwith: {}\n",
            "blueprint-parameter",
            "ordain.yaml:6:1",
            "write `text: …` below `with:` (what to say)",
        ),
        ("use: one\n", "blueprint-parameter", "ordain.yaml:5:1", "write `text: …`"),
        (USE + "  conut: 1\n", "blueprint-parameter", "ordain.yaml:9:3", "did you mean 'count'?"),
        (USE + "  count: two\n", "blueprint-parameter", "ordain.yaml:9:10", "give it another value"),
        (USE + "  count: 9\n", "blueprint-parameter", "ordain.yaml:9:10", "give it another value"),
        (USE.replace("hello", "[]"), "blueprint-parameter", "ordain.yaml:8:9", "what to say"),
        (USE + "kind: Thing\n", "use-invalid", "ordain.yaml:9:1", "leave it out"),
        (USE + "wiht: {}\n", "use-invalid", "ordain.yaml:9:1", "did you mean 'with'?"),
        (USE + "labels: {a: b}\n", "use-invalid", "ordain.yaml:9:1", "known keys: use, name, with, for_each"),
        ("use: [one]\n", "use-invalid", "ordain.yaml:5:1", "name a folder of templates/"),
        ("use: one\nname: A b\n", "use-invalid", "ordain.yaml:6:1", "lower-case letters"),
        ("use: one\nwith: text\n", "use-invalid", "ordain.yaml:6:1", "`parameter: value`"),
        (USE.replace("name: a", "name: A-${{ env.name }}"), "document-name", "ordain.yaml:6:7", "lower-case letters"),
        (USE.replace("hello", "${{ var.nope }}"), "expression", "ordain.yaml:8:13", "correct the expression"),
    ],
)
def test_a_use_that_is_wrong_says_where_and_what_to_do(use, text, code, where, said):
    one = only(use(text))
    assert (one.code, str(one.at)) == (code, where)
    assert said in one.fix
    if code == "blueprint-parameter":
        assert [word for _, word in one.related] == ["declared here"]
        assert one.related[0][0].file == "templates/one/blueprint.yaml"


@pytest.mark.parametrize(
    ("body", "code", "line", "said"),
    [
        ("kind: Thing\nname: x\nspec: {value: {{ text.y }}}\n", "blueprint-body", 3, "has no attribute"),
        ("kind: Thing\nname: x\nspec: {value: [\n", "yaml-syntax", 3, ""),
        ("kind: Thing\nname: x\n  spec: 1\n", "yaml-syntax", 3, ""),
        ("kind: Thing\nname: x\nkind: {{ text }}\n", "yaml-duplicate-key", 3, "'kind' stands here twice"),
        ("kind: Thing\nname: x\n{{ text }}: 1\n{{ text }}: 1\n", "blueprint-value", 3, "'hello' stands here twice"),
        ("kind: Thing\nname: x\n{{ count }}: 1\n", "blueprint-value", 3, "a key must be text, and 2 is not"),
        ("- 1\n", "document-shape", 1, ""),
        ("name: x\n", "document-kind", 1, "has no `kind:`"),
        ("kind: Thing\nname: {{ text }} x\n", "document-name", 2, "'hello x' is no name"),
        ("use: one\nwith: {text: a}\n", "blueprint-nested", 1, "another use of a blueprint"),
        ("kind: Project\nname: x\nformat: 1\n", "blueprint-nested", 1, "kind Project"),
        ("\nkind: Environment\nname: x\n", "blueprint-nested", 2, "kind Environment"),
        ("kind: Thong\nname: x\n", "kind-unknown", 1, "Thong"),
        ('kind: Thing\nname: x\nspec: {value: "${{ a.{{ tags }} }}"}\n', "blueprint-value", 3, "must be a plain name"),
    ],
)
def test_a_body_that_is_wrong_names_its_line_and_the_caller(use, body, code, line, said):
    one = only(use(USE, body))
    assert one.code == code and said in one.summary
    assert (one.at.file, one.at.line) == ("templates/one/body.yaml.j2", line)
    assert "ordain.yaml:5:1 used here" in places(one)
    assert one.snippet == body.split("\n")[line - 1]
    assert "\ue002" not in f"{one.summary}{one.fix}{one.snippet}"


def test_a_body_that_makes_nothing_is_a_warning(use):
    found = use("kind: Thing\nname: z\n---\n" + USE, "{% if count > 5 %}kind: Thing{% endif %}\n# nothing\n")
    assert [(one.code, one.severity, str(one.at)) for one in found.diagnostics] == [
        ("blueprint-empty", Severity.WARNING, "ordain.yaml:8:6")
    ]
    assert found.desired is not None


@pytest.mark.parametrize(
    ("declared", "code", "line"),
    [
        (DECLARED.replace("name: one", "name: two"), "blueprint-invalid", 2),
        (DECLARED.replace("kind: Blueprint", "kind: Thing"), "blueprint-invalid", 1),
        (DECLARED + "---\n" + DECLARED, "blueprint-invalid", 10),
        (DECLARED.replace("description: a", "descripton: a"), "spec-unknown-key", 3),
        (DECLARED.replace("description: a thing", "description: []"), "spec-invalid", 3),
        (DECLARED.replace("  parameters:", "  params:"), "spec-unknown-key", 5),
        (DECLARED.replace("default: 2", "default: 7"), "blueprint-invalid", 7),
        (DECLARED.replace("default: 2", "defualt: 2"), "spec-unknown-key", 7),
        (DECLARED.replace("type: list", "type: lists"), "spec-invalid", 8),
        (DECLARED + "    token: {secret: true}\n", "blueprint-invalid", 9),
        (DECLARED + "    name: {}\n", "blueprint-invalid", 9),
        (DECLARED + "    loop: {}\n", "blueprint-invalid", 9),
        (DECLARED + "    a-b: {}\n", "blueprint-invalid", 9),
        (DECLARED + "    x: text\n", "spec-invalid", 9),
        (DECLARED + "    x: [\n", "yaml-syntax", 9),
    ],
)
def test_a_declaration_that_is_wrong_says_where(use, declared, code, line):
    found = use(USE, declared=declared)
    assert code in [one.code for one in found.diagnostics], found.diagnostics
    assert [(one.at.file, one.at.line) for one in found.diagnostics] == [("templates/one/blueprint.yaml", line)]


def test_a_body_is_checked_before_anyone_uses_it(use):
    one = only(use("kind: Thing\nname: z\n", "kind: Thing\nname: {{ nmae }}\n"))
    assert (one.code, places(one)) == ("blueprint-body", ["templates/one/body.yaml.j2:2:1"])
    assert "'nmae' is no parameter" in one.summary


@pytest.mark.parametrize("missing", ["blueprint.yaml", "body.yaml.j2"])
def test_half_a_blueprint_is_refused(files, missing):
    texts = {"templates/one/blueprint.yaml": DECLARED, "templates/one/body.yaml.j2": BODY}
    del texts[f"templates/one/{missing}"]
    known, problems = read_blueprints(files(texts))
    assert known["one"].broken and [f"has no {missing}" in one.summary for one in problems] == [True]


def test_a_body_that_is_no_text_is_refused(files):
    known, problems = read_blueprints(
        files({"templates/one/blueprint.yaml": DECLARED, "templates/one/body.yaml.j2": b"\xff"})
    )
    assert known["one"].broken and [one.code for one in problems] == ["yaml-encoding"]


def test_the_projects_own_blueprint_wins(files):
    texts = {"templates/one/blueprint.yaml": DECLARED, "templates/one/body.yaml.j2": BODY}
    other = {f"{SHIPPED}/one/{name}": "broken: [" for name in ("blueprint.yaml", "body.yaml.j2")}
    known, problems = read_blueprints(files({**texts, **other}))
    assert not problems and known["one"].body.file == "templates/one/body.yaml.j2"


def _write(folder: Any, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_only_the_files_of_blueprints_are_read_from_templates(tmp_path):
    _write(tmp_path, {
        "ordain.yaml": "", "templates/a/blueprint.yaml": "", "templates/a/body.yaml.j2": "", "templates/a/x.yaml": "",
        "templates/.b/blueprint.yaml": "", "templates/page.yaml": "", "sub/templates/c/blueprint.yaml": "",
    })  # fmt: skip
    read = read_blueprint_files(tmp_path)
    assert [one.path for one in read] == ["templates/a/blueprint.yaml", "templates/a/body.yaml.j2"]
    stats = {one.path: one for one in stat_project(tmp_path)}
    assert sorted(stats) == ["ordain.yaml", "templates/a/blueprint.yaml", "templates/a/body.yaml.j2"]
    assert all(stats[one.path] == one.stat for one in read)


def test_the_blueprints_that_come_along_have_a_place_of_their_own(tmp_path):
    _write(tmp_path, {"a/blueprint.yaml": DECLARED, "a/body.yaml.j2": BODY})
    read = read_shipped(tmp_path)
    assert [one.path for one in read] == [f"{SHIPPED}/a/blueprint.yaml", f"{SHIPPED}/a/body.yaml.j2"]
    assert [stat_shipped(tmp_path, one.path) for one in read] == [one.stat for one in read]


def test_a_broken_blueprint_breaks_nothing_else(use):
    found = use(
        USE + '---\nkind: Thing\nname: z\nspec: {value: "${{ thing.a.outputs.value }}"}\n', declared="kind: [\n"
    )
    assert {one.code for one in found.diagnostics} == {"yaml-syntax"}
