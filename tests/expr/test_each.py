"""``each``, and the outputs of one of several resources."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from ordain.expr.syntax import Indexed, parse
from ordain.expr.templates import ExpressionError, Scope, evaluate, resolve_leaf
from ordain.values.address import Address, Reference
from ordain.values.data import Secret, Unknown

SECRET = Secret(expression="${{ secret.P }}", names=("secret.P",))
SCOPE = Scope(
    variables={"home": "north", "n": 7, "map": {"k": "south"}, "list": [1], "bad": "a b", "pw": SECRET,
               "wrong": Unknown(expression="${{ var.wrong }}")},
    environment="dev",
    each={"key": "north", "value": {"region": "eu", "on": True, "deep": {"x": [1]}}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ each.key }}", "north"), ("${{each.value.region}}", "eu"), ("${{ each.value.deep }}", {"x": [1]}),
        ("a-${{ each.key }}-${{ each.value.on }}", "a-north-true"), ("${{ each.key ~ '!' }}", "north!"),
        ("${{ each.value.deep.x[0] + 1 }}", 2), ("${{ each.value['region'] | upper }}", "EU"),
        ("${{ 'each.key' }}", "each.key"),
    ],
)  # fmt: skip
def test_values(text: str, value: Any) -> None:
    assert evaluate(text, SCOPE) == value


@pytest.mark.parametrize(
    ("text", "expression", "key"),
    [
        ('${{ m.a["x.y"].outputs.v }}', '${{ m.a["x.y"].outputs.v }}', "x.y"),
        ("${{ m.a['x'].outputs.v }}", '${{ m.a["x"].outputs.v }}', "x"),
        ("${{ m.a[ each.key ].outputs.v.w }}", '${{ m.a["north"].outputs.v.w }}', "north"),
        ("${{ m.a-b[each.value.region].outputs }}", '${{ m.a-b["eu"].outputs }}', "eu"),
        ("${{ m.a[each.value.on].outputs.v }}", '${{ m.a["true"].outputs.v }}', "true"),
        ("${{ m.a[var.n].outputs.v }}", '${{ m.a["7"].outputs.v }}', "7"),
        ("${{ m.a[var.map.k].outputs.v }}", '${{ m.a["south"].outputs.v }}', "south"),
        ("${{ m.a[env.name].outputs.v }}", '${{ m.a["dev"].outputs.v }}', "dev"),
        ("x ${{ m.a[each.key].outputs.v ~ each.key }}", 'x ${{ m.a["north"].outputs.v ~ "north" }}', "north"),
    ],
)  # fmt: skip
def test_a_key_in_brackets(text: str, expression: str, key: str) -> None:
    found = evaluate(text, SCOPE)
    assert isinstance(found, Unknown)
    assert found.expression == expression
    assert [ref.address.key for ref in found.refs] == [key]
    # What is kept needs outputs alone, and means the same when it is read again.
    seen: list[Reference] = []
    assert resolve_leaf(found, lambda ref: (seen.append(ref), "v")[1]) == ("x vnorth" if "~" in text else "v")
    assert tuple(seen) == found.refs


def test_known_outputs_are_taken_at_once() -> None:
    scope = Scope(each={"key": "k", "value": None}, outputs=lambda reference: str(reference))
    assert evaluate("${{ m.a[each.key].outputs.v }}", scope) == 'm.a["k"].outputs.v'


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        ("${{ each.name }}", "two members", 4), ("${{ each.key.x }}", "has no members", 4),
        ("${{ each.key-1 }}", "minus sign needs spaces", 4), ("${{ each.value.nope }}", "no member 'nope'", 4),
        ("${{ each.value.regio }}", "did you mean 'region'?", 4), ("${{ each }}", "'each' is not known", 4),
        ('${{ m.a["x y"].outputs.v }}', "cannot be the key", 4), ("${{ m.a[''].outputs.v }}", "cannot be the key", 4),
        ("${{ m.a[var.bad].outputs.v }}", "cannot be the key", 4), ("${{ m.a[var.list].outputs.v }}", "is no text", 4),
        ("${{ m.a[var.pw].outputs.v }}", "secret", 4), ("${{ m.a[var.nope].outputs.v }}", "no variable 'nope'", 4),
        ("${{ m.a[0].outputs.v }}", "in brackets stands a key", 4), ("${{ m.a[x].outputs.v }}", "in brackets", 4),
        ("ab ${{ m.a[each.keys].outputs.v }}", "two members", 7),
    ],
)  # fmt: skip
def test_mistakes(text: str, message: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, SCOPE)
    assert message in caught.value.message
    assert caught.value.offset == offset


@pytest.mark.parametrize("text", ["${{ each.key }}", "${{ each.value.x ~ 'a' }}", "${{ m.a[each.key].outputs.v }}"])
def test_outside_for_each_it_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError, match="only in a document with `for_each:`"):
        evaluate(text, Scope())


def test_a_wrong_variable_in_brackets_breaks_nothing_else() -> None:
    assert evaluate("${{ m.a[var.wrong].outputs.v }}", SCOPE) == Unknown(expression="${{ var.wrong }}")


def test_what_it_consists_of() -> None:
    template = parse("${{ m.a[each.key].outputs.v }}")
    assert template is not None and template.indexed
    assert isinstance(template.only, Indexed) and str(template.only) == "m.a[each.key].outputs.v"
    plain = parse('${{ m.a["k"].outputs.v }}')
    assert plain is not None and not plain.indexed
    assert plain.only == Reference(address=Address.parse("m.a[k]"), path=("v",))


def test_plain_ones_never_enter_jinja() -> None:
    code = (
        "import sys; from ordain.expr.templates import *; s = Scope(each={'key': 'k', 'value': {'x': 1}});"
        "[evaluate(t, s) for t in ('${{ each.key }}', 'a-${{ each.value.x }}', '${{ m.a[each.key].outputs.v }}')];"
        "assert 'jinja2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
