"""Bodies of blueprints: what they may say, what becomes of it, where each line comes from, and how far they may go."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from ordain.expr import blueprints
from ordain.expr.blueprints import VALUE, BodyError, check, render
from ordain.expr.filling import Filling
from ordain.values.data import Unknown

LATER = Unknown(expression="${{ model.m.outputs.version }}")


def read(body: str, **values: Any) -> Any:
    """Return what a body's one document says, and what was wrong with its values."""
    rendered = render(body, values)
    wrong: list[tuple[object, str]] = []
    filling = Filling(values=rendered.values, wrong=lambda path, said, key: wrong.append((path, said)))
    tree = filling.tree(yaml.safe_load(rendered.text))
    assert not wrong, wrong
    return tree


@pytest.mark.parametrize("value", ["text", "", "a: b", "- a", "no", "12", 12, 1.5, True, None, [1, "b"], {"a": [None]}])
def test_a_value_that_stands_alone_keeps_its_type(value):
    assert read("a: {{ x }}\nb: [{{ x }}]\nc: {d: {{ x }}}", x=value) == {"a": value, "b": [value], "c": {"d": value}}


def test_inside_text_a_value_is_spelled_out():
    said = read('a: the {{ x }} of {{ n }}\nb: "{{ x }}: {{ xs }}"\nc: |\n  <{{ x }}>', x="y: 1", n=3, xs=[1, "z"])
    assert said == {"a": "the y: 1 of 3", "b": 'y: 1: [1,"z"]', "c": "<y: 1>"}


def test_statements_leave_no_line_behind():
    body = (
        "a:\n  {% for x in xs %}\n  {{ x }}: {{ loop.index }}\n  {% endfor %}\n  {# r #}\nb: {% if xs %}1{% endif %}\n"
    )
    rendered = render(body, {"xs": ["p", "q"]})
    assert [VALUE.sub("?", line) for line in rendered.text.split("\n")] == ["a:", "  ?: ?", "  ?: ?", "b: 1", ""]
    assert rendered.lines == (1, 3, 3, 6, 7)


def test_an_expression_is_left_for_later_and_may_be_written_into():
    said = read(
        'a: ${{ var.x }}\nb: ${{ model.{{ n }}-x.outputs.{{ n }} }}\nc: >\n  ${{ {"k": "}}"}["k"] }}\nd: $${{ x }}',
        n="m",
    )
    assert said["a"] == "${{ var.x }}" and said["b"] == "${{ model.m-x.outputs.m }}"
    assert said["c"] == '${{ {"k": "}}"}["k"] }}\n' and said["d"] == "$${{ x }}"


@pytest.mark.parametrize("value", ["a b", "x.y", "x }} ${{ secret.S", "", None, [1], LATER])
def test_only_a_plain_name_can_be_written_into_an_expression(value):
    rendered = render("a: ${{ model.{{ n }}.outputs.version }}", {"n": value})
    wrong: list[str] = []
    Filling(values=rendered.values, wrong=lambda path, said, key: wrong.append(said)).tree(
        yaml.safe_load(rendered.text)
    )
    assert bool(wrong) == (value != "")


def test_text_of_a_value_is_never_an_expression():
    said = read("a: {{ x }}\nb: see {{ x }}\nc: [{{ xs }}]", x="${{ secret.S }}", xs=["${{ var.v }}"])
    assert said == {"a": "$${{ secret.S }}", "b": "see $${{ secret.S }}", "c": [["$${{ var.v }}"]]}


@pytest.mark.parametrize("body", ["a: ${% if true %}{{ x }}{% endif %}", "a: {{ d }}{{ x }}", "a: {{ d }}${{ var.v }}"])
def test_text_and_a_value_make_no_expression_together(body):
    rendered = render(body, {"x": "{{ secret.S }}", "d": "$"})
    wrong: list[str] = []
    Filling(values=rendered.values, wrong=lambda path, said, key: wrong.append(said)).tree(
        yaml.safe_load(rendered.text)
    )
    assert wrong == ["a value and the text beside it would make an expression together"]


def test_what_is_known_later_is_written_down_as_its_expression():
    said = read('a: {{ x }}\nb: v/{{ x }}\nc: {{ "$" ~ x ~ 1 }}\nd: {{ [x] }}', x=LATER)
    expression = "${{ model.m.outputs.version }}"
    assert said == {"a": expression, "b": f"v/{expression}", "c": f"${expression}1", "d": [expression]}


@pytest.mark.parametrize(
    "body",
    ["{% if x %}{% endif %}", "{{ x | upper }}", "{{ x + 1 }}", '{{ x == "a" }}',
     "{{ x.y }}", "{% for a in x %}{% endfor %}", "{{ x | tojson }}", "{{ x | length }}", '{{ "a" in x }}'],
)  # fmt: skip
def test_what_is_known_later_cannot_be_read(body):
    with pytest.raises(BodyError):
        render(body, {"x": LATER})


MARKS = st.sampled_from(
    ["${{ ", " }}", "{{", "}}", "{%", "\n", "---\n", ": ", "- ", "#", '"', "'", "&", "*", "!", ", ", "]"]
)
TEXTS = st.lists(st.one_of(MARKS, st.text(max_size=5))).map("".join)
BODY = """\
plain: {{ x }}
text: before {{ x }} after
double: "{{ x }}"
single: 'a {{ x }}'
flow: {a: {{ x }}, b: [{{ x }}, "{{ x }}"]}
{{ x }}: key
block: |
  one
  {{ x }}
  two
folded: >
  {{ x }}
# {{ x }}
last: true
"""


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_no_text_adds_a_key_or_a_document(text):
    rendered = render(BODY, {"x": text})
    documents = list(yaml.safe_load_all(rendered.text))
    assert len(documents) == 1
    found: Any = Filling(values=rendered.values, wrong=lambda path, said, key: None).tree(documents[0])
    escaped = text.replace("${{", "$${{")
    fixed = {"plain", "text", "double", "single", "flow", "block", "folded", "last"}
    assert set(found) == fixed | {text}
    if text not in fixed:
        assert found["plain"] == escaped and found["double"] == escaped
        assert found["text"] == f"before {escaped} after"
        assert found["flow"] == {"a": escaped, "b": [escaped, escaped]}
        assert found["block"] == f"one\n{escaped}\ntwo\n"


LINES = st.sampled_from(
    ["x{n}: 1", "", "{# one #}", "{# two\nlines #}", "{% if y %}", "{% if z %}", "{% endif %}", "v{n}: {{ y }}",
     "{%- if y %}{%- endif %}", "{% set q = [1,\n 2] %}", "w{n}: ${{ var.x }} # {{ y }}"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=12))
def test_each_line_knows_where_it_was_written(pieces):
    depth, body = 0, []
    for piece in pieces:
        if piece == "{% endif %}":
            if not depth:
                continue
            depth -= 1
        depth += piece in ("{% if y %}", "{% if z %}")
        body.append(piece)
    text = "\n".join([*body, *["{% endif %}"] * depth])
    lines = [line.replace("{n}", str(number)) for number, line in enumerate(text.split("\n"), start=1)]
    rendered = render("\n".join(lines), {"y": True, "z": False})
    for line, number in zip(rendered.text.split("\n"), rendered.lines or (0,), strict=True):
        if line[:1] in ("x", "v", "w"):
            assert line.partition(":")[0][1:] == str(number)


def test_the_one_parameter_of_a_line_is_known():
    body = (
        "a: {{ p }}\nb: {{ p }} {{ q }}\nc: {{ p | upper }}\nd: 1 # {{ q }}\n{% for q in p %}\ne: {{ q }}\n{% endfor %}"
    )
    assert render(body, {"p": "x", "q": "y"}).parameters == ("p", "", "", "", "")


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("a\n{{ nope }}", 2, "'nope' is no parameter; there are: x, xs"),
        ("a\n\n{% include 'f' %}", 3, "no other tag"),
        ("{% macro m() %}{% endmacro %}", 1, "no other tag"),
        ("{% for a in xs recursive %}{% endfor %}", 1, "no other tag"),
        ("{% filter upper %}a{% endfilter %}", 1, "no other tag"),
        ("{% set a %}b{% endset %}", 1, "no other tag"),
        ("\n{% if x %}", 2, "end of template"),
        ("a\n{{ x.y }}", 2, "has no attribute 'y'"),
        ("a\n\n{{ 1 / 0 }}", 3, "division by zero"),
        ("\n{{ x.__class__ }}", 2, "unsafe"),
        ("\n{{ x | nofilter }}", 2, "no filter named"),
        ("\n{{ range(9) }}", 2, "'range' is no parameter"),
        ("a\nb \ue001 c", 2, "U+E001"),
        ("{% set ordain__state = 1 %}", 1, "reserved"),
        ('{{ x | ordain__put("x") }}', 1, "reserved"),
        ("a\n{% for a in xs %}{% for b in xs %}{% for c in xs %}{% endfor %}{% endfor %}{% endfor %}", 2, "rounds"),
        ("\n{% set a = 'x' * 60000 %}\n{% set a = a ~ a %}", 3, "the result would have"),
        ("{{ (((" + "1" + ")))" * 2 + " }}", 1, ""),
    ],
)
def test_a_body_that_cannot_be_rendered_says_why_and_where(body, line, said):
    with pytest.raises(BodyError) as raised:
        render(body, {"x": "text", "xs": list(range(100))})
    assert (raised.value.line, said in raised.value.message) == (line, True), raised.value.message


def test_a_body_is_bounded_in_what_it_writes(monkeypatch):
    monkeypatch.setattr(blueprints, "MOST_TEXT", 1000)
    with pytest.raises(BodyError, match="more than 1,000 characters"):
        render("{% for x in xs %}0123456789{% endfor %}", {"xs": list(range(200))})


def test_a_body_is_bounded_in_the_values_it_writes():
    with pytest.raises(BodyError, match="more than 1,000,000 values"):
        render("{% for x in xs %}{{ xs }}{% endfor %}", {"xs": list(range(2000))})


def test_what_is_wrong_whatever_the_values_is_seen_before_any():
    check("{{ x }}", frozenset(("x",)))
    with pytest.raises(BodyError):
        check("{{ y }}", frozenset(("x",)))
