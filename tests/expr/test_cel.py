"""CEL through the one module that knows the library."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from ordain.expr.cel import CelError, CelFunction, CelType, Fault, compile_expression

NAMES = {"d": CelType.DOUBLE, "i": CelType.INT, "n": CelType.DYN, "m": CelType.MAP, "l": CelType.LIST}
VALUES = {"d": 1.5, "i": 2, "n": 1.5, "m": {"x": 1}, "l": list(range(300))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("d >= 1", True),
        ("1 < d", True),
        ("i + 1 > 2.5", True),
        ("n * 2 == 3", True),
        ("d == 1", False),
        ("i == 2.0", True),
        ("i != 2.5", True),
        ("d - 1 > 0", True),
        ("d / 0 > 1", True),
        ("size(l) > 2.5", True),
        ("1u < 2", True),
        ("m.x == 1.0", True),
        ("has(m.y)", False),
        ("m.y > 1 || true", True),
        ("'a' < 'b'", True),
    ],
)
def test_ints_and_doubles_mix(text: str, expected: bool) -> None:
    assert compile_expression(text, NAMES).evaluate(VALUES) is expected


@given(st.integers(-1000, 1000), st.floats(-1000, 1000))
@settings(max_examples=60, deadline=None)
def test_an_int_compares_with_a_double_as_numbers_do(i: int, d: float) -> None:
    for operator, expected in (("<", i < d), (">=", i >= d), ("==", i == d), ("!=", i != d)):
        assert compile_expression(f"i {operator} d", NAMES).evaluate({**VALUES, "i": i, "d": d}) is expected


@pytest.mark.parametrize(
    ("text", "fault", "offset", "name"),
    [
        ("d >", Fault.SYNTAX, 3, ""),
        ("", Fault.SYNTAX, 0, ""),
        ("d > 1 &&\n foo", Fault.NAME, 10, "foo"),
        ("bar(1) > 2", Fault.NAME, 0, "bar"),
        ("d > 'a'", Fault.TYPE, 2, ">"),
        ("'a' == 1", Fault.TYPE, 4, "=="),
        ("(" * 40 + "d" + ")" * 40, Fault.BUDGET, 0, ""),
        ("d" * 20_000, Fault.BUDGET, 0, ""),
    ],
)
def test_what_does_not_compile_says_where(text: str, fault: Fault, offset: int, name: str) -> None:
    with pytest.raises(CelError) as caught:
        compile_expression(text, NAMES)
    assert (caught.value.fault, caught.value.offset, caught.value.name) == (fault, offset, name)


@pytest.mark.parametrize(
    ("text", "fault", "name"),
    [
        ("m.y > 1", Fault.MISSING, "y"),
        ("i / 0 > 1", Fault.RUNTIME, ""),
        ("l.all(a, l.all(b, l.all(c, a + b + c >= 0)))", Fault.BUDGET, ""),
    ],
)
def test_what_cannot_be_evaluated_says_why(text: str, fault: Fault, name: str) -> None:
    with pytest.raises(CelError) as caught:
        compile_expression(text, NAMES).evaluate(VALUES)
    assert (caught.value.fault, caught.value.name) == (fault, name)


def test_a_name_without_a_value_is_missing() -> None:
    with pytest.raises(CelError) as caught:
        compile_expression("d > 1", NAMES).evaluate({})
    assert (caught.value.fault, caught.value.name) == (Fault.MISSING, "d")


def test_functions_of_ours_are_overloaded_and_their_errors_come_through() -> None:
    def loud(a: float) -> bool:
        if a < 0:
            raise ValueError("too low")
        return a > 1

    twice = tuple(
        CelFunction(name="loud", parameters=(kind,), returns=CelType.BOOL, run=loud)
        for kind in (CelType.INT, CelType.DOUBLE)
    )
    assert compile_expression("loud(2) && !loud(0.5)", {}, twice).evaluate({}) is True
    with pytest.raises(CelError, match="too low"):
        compile_expression("loud(-1)", {}, twice).evaluate({})
    with pytest.raises(CelError, match=r"loud does not take \(string\)"):
        compile_expression("loud('a')", {}, twice)


def test_an_activation_serves_many_expressions() -> None:
    first = compile_expression("d > 1", NAMES)
    ready = first.activate(VALUES)
    assert first.evaluate(ready) is True
    assert compile_expression("d > 2", NAMES).evaluate(ready) is False


def test_the_result_type_is_known_before() -> None:
    assert compile_expression("d > 1", NAMES).returns is CelType.BOOL
    assert compile_expression("d", NAMES).returns is CelType.DOUBLE
    assert compile_expression("m.x", NAMES).returns is CelType.DYN


@pytest.mark.parametrize("step", ["a + a", "[a, a]", "[a].filter(b, true) + [a]"])
def test_what_could_eat_all_memory_is_refused_before_it_runs(step: str) -> None:
    with pytest.raises(CelError, match="copies of what it reads") as raised:
        compile_expression(f"size([['x']]{f'.map(a, {step})' * 12}) > 0", NAMES)
    assert raised.value.fault is Fault.BUDGET


@pytest.mark.parametrize(
    "text",
    [
        "l.all(x, l.all(y, x + y >= 0))",
        'm.all(k, k in m && m[k] != "" && k.startsWith("a"))',
        " && ".join(["l.exists(c, c == 1 || c == 2)"] * 8),
    ],
)
def test_what_people_write_is_not(text: str) -> None:
    compile_expression(text, NAMES)
