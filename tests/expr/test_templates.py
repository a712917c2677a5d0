"""Templates: what they give, what they keep for later, and what they never let through."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ordain.expr.templates import ExpressionError, Scope, evaluate, parse, resolve_leaf
from ordain.values.address import Address, Reference
from ordain.values.data import Json, Secret, Unknown

SECRET = Secret(expression="${{ var.pw }}", names=("var.pw",), digest="D-pw")
MIXED = Secret(expression="db://${{ secret.A }}@host", names=("secret.A",), digest="D-mixed")
SCOPE = Scope(
    variables={
        "x": 3, "minus": -2, "half": 0.5, "on": True, "off": None, "s": "a\"b}}'\\é", "list": [1, "b"],
        "map": {"a": {"b": "deep"}, "items": 7}, "pw": SECRET, "url": MIXED,
    },
    environment="dev",
    digest=lambda name: f"D-{name}",
)  # fmt: skip


def ref(text: str) -> Reference:
    address, _, path = text.partition(".outputs")
    return Reference(address=Address.parse(address), path=tuple(filter(None, path.split("."))))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""), ("plain {{ text }} {% too %}", "plain {{ text }} {% too %}"), ("${x}", "${x}"),
        ("${{ var.x }}", 3), ("${{var.x}}", 3), ("  ${{ var.x }}", "  3"), ("${{ var.half }}", 0.5),
        ("${{ var.on }}", True), ("${{ var.off }}", None), ("${{ var.list }}", [1, "b"]),
        ("${{ var.map.a.b }}", "deep"), ("${{ var.map.items }}", 7), ("${{ env.name }}", "dev"),
        ("a ${{ var.x }} b ${{ var.on }}", "a 3 b true"), ("n=${{ var.list }}", 'n=[1,"b"]'),
        ("$${{ var.x }}", "${{ var.x }}"), ("a $${{ b }} ${{ var.x }}", "a ${{ b }} 3"),
        ("${{ var.x + 1 }}", 4), ("${{ var.x - 1 }}", 2), ("${{ 7 // 2 ** 2 }}", 1), ("${{ -var.minus }}", 2),
        ("${{ var.x > 2 and not var.off }}", True), ("${{ 'a' if var.on else 'b' }}", "a"),
        ("${{ var.list[1] }}", "b"), ("${{ var.map['a']['b'] }}", "deep"), ("${{ (var.map).items }}", 7),
        ("${{ var.s ~ '!' }}", "a\"b}}'\\é!"), ("${{ '}}' }}", "}}"), ('${{ "a" ~ "}}" }}', "a}}"),
        ("${{ {'a': {'b': 1}} }}", {"a": {"b": 1}}), ("${{ {'a': {'b': 1}}.a.b }}", 1), ("${{ (1, 2) }}", [1, 2]),
        ("${{ [3, 1, 2] | sort }}", [1, 2, 3]), ("${{ ['a', 'b'] | map('upper') | join('-') }}", "A-B"),
        ("${{ [1, 2] | join(', ') }}", "1, 2"),
        ("${{ var.map.none | default(5) }}", 5), ("${{ 'a-b'.split('-') }}", ["a", "b"]),
        ("${{ 'AbC'.lower() }}", "abc"), ("${{ var.map.keys() }}", ["a", "items"]), ("${{ true | string }}", "true"),
        ("${{ {'a': 1} | tojson }}", '{"a":1}'), ("${{ 'xax' | replace('x', 'yy') }}", "yyayy"),
        ("${{ none }}", None), ("${{ 2 ** 70 }}", 2**70), ("${{ 'var.x' }}", "var.x"), ("${{ 6 / 3 }}", 2.0),
    ],
)  # fmt: skip
def test_values(text: str, value: Any) -> None:
    found = evaluate(text, SCOPE)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "expression", "refs"),
    [
        ("${{ model.a-b.outputs.version }}", "${{ model.a-b.outputs.version }}", ["model.a-b.outputs.version"]),
        ("${{model.m.outputs}}", "${{ model.m.outputs }}", ["model.m.outputs"]),
        ("v${{ model.m.outputs.n - var.x }}", "v${{ model.m.outputs.n - 3 }}", ["model.m.outputs.n"]),
        ("${{ var.s }}-${{ m.a.outputs.b }}", "${{ \"a\\\"b}}'\\\\é\" }}-${{ m.a.outputs.b }}", ["m.a.outputs.b"]),
        ("${{ m.a.outputs.b * var.minus }}", "${{ m.a.outputs.b * (-2) }}", ["m.a.outputs.b"]),
        ("${{ [m.a.outputs.b, var.map, var.off] }}", '${{ [m.a.outputs.b, {"a": {"b": "deep"}, "items": 7}, none] }}',
         ["m.a.outputs.b"]),
        ("${{ env.name ~ m.a.outputs.b ~ m.c.outputs.d.e }}", '${{ "dev" ~ m.a.outputs.b ~ m.c.outputs.d.e }}',
         ["m.a.outputs.b", "m.c.outputs.d.e"]),
        ("$${{ x }} ${{ m.a.outputs.b }}", "$${{ x }} ${{ m.a.outputs.b }}", ["m.a.outputs.b"]),
        ("${{ m.a.outputs.b.upper() }}", "${{ m.a.outputs.b.upper() }}", ["m.a.outputs.b"]),
        ("${{ 'm.a.outputs.b' ~ m.a.outputs.c }}", "${{ 'm.a.outputs.b' ~ m.a.outputs.c }}", ["m.a.outputs.c"]),
    ],
)  # fmt: skip
def test_outputs_are_left_for_later(text: str, expression: str, refs: list[str]) -> None:
    found = evaluate(text, SCOPE)
    assert found == Unknown(expression=expression, refs=tuple(map(ref, refs)))


def test_a_leaf_needs_outputs_alone() -> None:
    leaf = evaluate("${{ env.name }}/${{ model.m.outputs.n + var.x }}/${{ var.s }}$${{", SCOPE)
    assert isinstance(leaf, Unknown)
    assert resolve_leaf(leaf, lambda reference: 10) == "dev/13/a\"b}}'\\é${{"
    unknown = Unknown(expression="${{ value.v.outputs.value }}", refs=(ref("value.v.outputs.value"),))
    assert resolve_leaf(leaf, lambda reference: unknown) == leaf


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(codec="utf-8")),
        lambda tree: st.lists(tree, max_size=3) | st.dictionaries(st.text(max_size=5), tree, max_size=3),
        max_leaves=6,
    )
)  # fmt: skip
def test_a_value_written_into_an_expression_comes_back(value: Json) -> None:
    scope = Scope(variables={"v": value})
    leaf = evaluate("${{ [var.v, m.a.outputs.b] }}", scope)
    assert isinstance(leaf, Unknown)
    assert resolve_leaf(leaf, lambda reference: 1) == [value, 1]


def test_secrets_stay_names() -> None:
    assert evaluate("${{ secret.DB }}", SCOPE) == Secret(
        expression="${{ secret.DB }}", names=("secret.DB",), digest="D-secret.DB"
    )
    assert evaluate("${{ var.pw }}", SCOPE) == SECRET
    both = evaluate("${{ var.url ~ '/' ~ env.name }}?${{ var.pw }}", SCOPE)
    assert isinstance(both, Secret)
    assert both.names == ("secret.A", "var.pw")
    assert both.digest not in (None, SECRET.digest, MIXED.digest)
    assert resolve_leaf(both, ref, {"secret.A": "s3", "var.pw": "p"}.__getitem__) == "db://s3@host/dev?p"
    assert resolve_leaf(both, ref) is both
    with_output = evaluate("${{ secret.A ~ m.a.outputs.b }}", SCOPE)
    assert isinstance(with_output, Secret)
    assert with_output.refs == (ref("m.a.outputs.b"),)
    assert resolve_leaf(with_output, lambda reference: 1, lambda name: name) == "secret.A1"


def test_an_output_that_is_secret_makes_the_whole_secret() -> None:
    sensitive = Secret(expression="${{ infrastructure.db.outputs.url }}", names=(), digest="D")
    leaf = Unknown(expression="x${{ infrastructure.db.outputs.url }}", refs=(ref("infrastructure.db.outputs.url"),))
    found = resolve_leaf(leaf, lambda reference: sensitive)
    assert isinstance(found, Secret)
    assert (found.expression, found.refs) == (leaf.expression, leaf.refs)


def test_a_missing_secret_has_no_digest() -> None:
    found = evaluate("${{ secret.A }}-${{ var.pw }}", Scope(variables={"pw": SECRET}))
    assert isinstance(found, Secret)
    assert found.digest is None


def test_an_error_in_the_clear_never_quotes_a_secret() -> None:
    leaf = evaluate("${{ secret.A + 1 }}", SCOPE)
    assert isinstance(leaf, Secret)
    with pytest.raises(ExpressionError) as caught:
        resolve_leaf(leaf, ref, lambda name: "hunter2-planted")
    assert "hunter2" not in str(caught.value) + repr(caught.value.__context__) + repr(caught.value.__cause__)


ERRORS = {
    "${{": ("never closed", 0),
    "a ${{ 1 }": ("never closed", 2),
    "${{ }}": ("empty", 3),
    "${{ var.y }}": ("no variable 'y'", 4),
    "${{ var.mapp }}": ("did you mean 'map'", 4),
    "${{ var.x-1 }}": ("minus sign needs spaces", 4),
    "ab ${{ 1 + var.y }}": ("no variable 'y'", 11),
    "${{ var.map.a.c }}": ("no member 'c'", 4),
    "${{ var.x.a }}": ("no member 'a'", 4),
    "${{ var.map['q'] }}": ("has no attribute 'q'", 4),
    "${{ env.HOME }}": ("env.name", 4),
    "${{ secret.A.b }}": ("no members", 4),
    "${{ model.m.version }}": ("'model' is not known", 4),
    "${{ x }}": ("'x' is not known", 4),
    "${{ 1 + }}": ("not an expression", 4),
    "${{ 1 2 }}": ("not an expression", 4),
    "${{ {% if x %} }}": ("not an expression", 4),
    "${{ 1/0 }}": ("division", 4),
    "${{ 'a' + 1 }}": ("concatenate", 4),
    "a${{ var.off }}": ("null", 5),
    "${{ 1e999 }}": ("", 4),
    "${{ {1: 2} }}": ("keys", 4),
    "${{ (-8) ** 0.5 }}": ("complex", 4),
    # out of the box, or too large
    "${{ ''.__class__ }}": ("unsafe", 4),
    "${{ ''['__class__'] }}": ("unsafe", 4),
    "${{ [1] | map(attribute='__class__') }}": ("unsafe", 4),
    "${{ '' | attr('__class__') }}": ("No filter", 4),
    "${{ '{0.__class__}'.format(1) }}": ("cannot be called", 4),
    "${{ 'x'.format_map({}) }}": ("cannot be called", 4),
    "${{ (1).__add__ }}": ("unsafe", 4),
    "${{ [].append(1) }}": ("cannot be called", 4),
    "${{ var.map.clear() }}": ("cannot be called", 4),
    "${{ range(10) }}": ("'range' is not known", 4),
    "${{ lipsum() }}": ("'lipsum' is not known", 4),
    "${{ cycler.__init__ }}": ("'cycler' is not known", 4),
    "${{ self }}": ("no value", 4),
    "${{ self.__init__.__globals__ }}": ("unsafe", 4),
    "${{ ordain__0 }}": ("reserved", 4),
    "${{ 'a' * 10**9 }}": ("limit", 4),
    "${{ 10**9 * 'a' }}": ("limit", 4),
    # what grows on the way is stopped before it grows, however small the end
    "${{ ('a' * 200000) | length }}": ("limit", 4),
    "${{ (200000 * 'a') | length }}": ("limit", 4),
    "${{ ('a' * 60000 + 'b' * 60000) | length }}": ("limit", 4),
    "${{ ['a', 'b'] | join('c' * 99999) | length }}": ("limit", 4),
    "${{ ('a' * 90000) | replace('a', 'bb') | length }}": ("limit", 4),
    "${{ [0] * 10 }}": ("takes numbers", 4),
    "${{ 9 ** 9 ** 9 ** 9 ** 9 }}": ("bits", 4),
    "${{ '%999999999d' % 1 }}": ("takes numbers", 4),
    "${{ 'x'.center(10**9) }}": ("cannot be called", 4),
    "${{ 'x'.ljust(10**9) }}": ("cannot be called", 4),
    "${{ 'x' | center(10**9) }}": ("No filter", 4),
    "${{ 'x' | indent(10**9) }}": ("No filter", 4),
    "${{ ('a' * 90000) | replace('a', 'b' * 90000) }}": ("limit", 4),
    "${{ ['a', 'b'] | map('list') | join('c' * 99999) }}": ("limit", 4),
    "${{ " + "(" * 5000 + "1" + ")" * 5000 + " }}": ("nested", 4),
    "${{ " + "1 + " * 4000 + "1 }}": ("nested", 4),
    "${{ " + "not " * 4000 + "1 }}": ("nested", 4),
    "${{ " + "[" * 900 + "]" * 900 + " }}": ("nested", 4),
    "${{ " + "9" * 10000 + " }}": ("", 4),
    "${{ '" + "a" * 30000 + "' }}": ("longer than", 4),
}


@pytest.mark.parametrize("text", ERRORS, ids=lambda text: text[:50])
def test_errors(text: str) -> None:
    message, offset = ERRORS[text]
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, SCOPE)
    assert message in caught.value.message
    assert caught.value.offset == offset
    assert "0x" not in caught.value.message
    assert "ordain__" not in caught.value.message or text == "${{ ordain__0 }}"


@pytest.mark.parametrize(
    "code", ["x", "1 +", "m.a.outputs.b + lipsum()", "m.a.outputs.b | nofilter", "m.a.outputs.b)("]
)
def test_what_waits_for_an_output_is_checked_now(code: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate("${{ m.a.outputs.b ~ " + code + " }}", SCOPE)


def test_a_long_value_cannot_be_carried_in_an_expression() -> None:
    with pytest.raises(ExpressionError, match="longer than"):
        evaluate("${{ var.long ~ m.a.outputs.b }}", Scope(variables={"long": "a" * 30_000}))
    assert evaluate("${{ var.long }}", Scope(variables={"long": "a" * 30_000})) == "a" * 30_000


def test_further_names() -> None:
    scope = Scope(names={"resource": {"address": "model.m", "facts": {"columns": ["a"]}}})
    assert (
        evaluate("${{ resource.address }} reads ${{ resource.facts.columns | join(', ') }}", scope) == "model.m reads a"
    )


@given(st.text(alphabet="${} ab.'\"\\[](){}|~+-*%0123456789varenvsecretoutputs_,:", max_size=60))
def test_any_text_is_a_value_or_an_expression_error(text: str) -> None:
    for one in (text, "${{ " + text + " }}"):
        try:
            evaluate(one, SCOPE)
        except ExpressionError as error:
            assert 0 <= error.offset <= len(one)


@given(st.text(max_size=40))
def test_text_without_expressions_is_itself(text: str) -> None:
    if "${{" not in text:
        assert parse(text) is None
        assert evaluate(text, Scope()) == text
    escaped = text.replace("${{", "").rstrip("$") + "$${{"
    assert evaluate(escaped, Scope()) == text.replace("${{", "").rstrip("$") + "${{"


def test_plain_names_never_enter_jinja() -> None:
    code = (
        "import sys; from ordain.expr.templates import *; s = Scope(variables={'x': 1}, environment='e');"
        "[evaluate(t, s) for t in ('${{ var.x }}', 'a${{ env.name }}', '${{ m.a.outputs.b.c }}', '${{ secret.A }}')];"
        "sys.exit('jinja2' in sys.modules or 'pydantic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
