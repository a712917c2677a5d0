"""Looks run side by side; what goes wrong in one stays in that one."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings, strategies as st

from ordain.api import Address, Blame, Diagnostic, Evidence, ExitCode, Look, OrdainError
from ordain.observe.evidence import take


def look(name: str) -> Look:
    return Look(address=Address(kind="thing", name=name), kind="Thing", provider="p", spec={})


def plugin_of(asked: Look) -> str:
    return f"plugin-of-{asked.kind}"


@settings(deadline=None, max_examples=30)
@given(names=st.lists(st.from_regex(r"[a-z][a-z0-9]{0,4}", fullmatch=True), unique=True), parallel=st.integers(1, 5))
def test_every_look_is_answered_once_in_sorted_order(names: list[str], parallel: int) -> None:
    asked: list[str] = []

    def ask(one: Look) -> Evidence:
        asked.append(one.address.name)
        return Evidence(facts={"name": one.address.name})

    seen = take([look(name) for name in names], ask, plugin_of, parallel)
    assert [address.name for address in seen] == sorted(names)
    assert sorted(asked) == sorted(names)
    assert all(evidence.facts["name"] == address.name for address, evidence in seen.items())


def test_the_order_is_that_of_addresses_whatever_ends_first() -> None:
    def ask(one: Look) -> Evidence:
        time.sleep({"a": 0.05, "b": 0.02, "c": 0}[one.address.name])
        return Evidence()

    assert [address.name for address in take([look("c"), look("a"), look("b")], ask, plugin_of)] == ["a", "b", "c"]


def test_looks_really_run_at_once() -> None:
    meet = threading.Barrier(3, timeout=5)

    def ask(one: Look) -> Evidence:
        meet.wait()
        return Evidence()

    assert len(take([look("a"), look("b"), look("c")], ask, plugin_of, 3)) == 3


def test_a_failed_look_keeps_its_diagnostics_and_harms_no_other() -> None:
    known = Diagnostic(code="gone", summary="gone", address=Address(kind="other", name="one"))

    def ask(one: Look) -> Evidence:
        if one.address.name == "bad":
            raise OrdainError(Diagnostic(code="lost", summary="lost"), known)
        return Evidence(facts={"fine": True}, problems=(Diagnostic(code="hm", summary="hm"),))

    seen = take([look("bad"), look("good")], ask, plugin_of)
    bad, good = seen[look("bad").address], seen[look("good").address]
    assert [(p.code, str(p.address)) for p in bad.problems] == [("lost", "thing.bad"), ("gone", "other.one")]
    assert good.facts == {"fine": True}
    assert [str(p.address) for p in good.problems] == ["thing.good"]


@pytest.mark.parametrize(
    ("answer", "word"), [(None, "NoneType"), ({"facts": {}}, "dict"), (ZeroDivisionError("x"), "x")]
)
@pytest.mark.parametrize("parallel", [1, 4])
def test_a_broken_plugin_is_blamed_by_name(answer: object, word: str, parallel: int) -> None:
    def ask(one: Look) -> Evidence:
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]

    (evidence,) = take([look("a")], ask, plugin_of, parallel).values()
    (problem,) = evidence.problems
    assert (problem.blame, problem.exit, problem.plugin) == (Blame.PLUGIN, ExitCode.BUG, "plugin-of-Thing")
    assert word in problem.detail
    assert str(problem.address) == "thing.a"


def test_two_looks_at_one_address_are_refused() -> None:
    with pytest.raises(ValueError, match="two looks"):
        take([look("a"), look("a")], lambda one: Evidence(), plugin_of)


def test_an_interrupt_comes_through() -> None:
    def ask(one: Look) -> Evidence:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take([look("a"), look("b")], ask, plugin_of)
