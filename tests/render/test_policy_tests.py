"""Reports of policy tests: any text of a stranger stays text."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from hypothesis import given, strategies as st

from ordain.render.lines import TerminalOptions
from ordain.render.policy_tests import report_json, report_junit, report_text
from ordain.values.address import Address
from ordain.values.span import Span
from ordain.values.tested import Case, PolicyReport, Tried

POLICY = Address.parse("policy.p")


def report(name: str, message: str = "", file: str = "a.yaml") -> PolicyReport:
    at = Span(file=file, line=3, column=5)
    case = Case(policy=POLICY, name=name, expected="fail", found="pass", message=message, wanted="\x00", at=at)
    return PolicyReport(policies=(Tried(policy=POLICY, cases=(case,), at=at),))


@given(st.text(st.characters(codec=None, exclude_categories=()), min_size=1))
def test_junit_holds_any_text(text: str) -> None:
    (case,) = ElementTree.fromstring(report_junit(report(text, text, text)).encode()).iter("testcase")
    (failure,) = case
    if all(char.isprintable() or char in "\n\t\r" for char in text):
        assert case.get("name") == case.get("file") == text
    assert failure.get("message") == "expected fail, found pass"


def test_what_xml_cannot_hold_is_spelled_out() -> None:
    (case,) = ElementTree.fromstring(report_junit(report('\x1b[31m<a> & "b"\n\ud800')).encode()).iter("testcase")
    assert case.get("name") == '\\u001b[31m<a> & "b"\n\\ud800'


def test_text_of_strangers_stays_on_its_line() -> None:
    text = report_text(report("a\x1b[31m\nok    policy.q  9 passed", "b\nc"), TerminalOptions(width=0))
    assert "\x1b" not in text
    assert not any(line.startswith("ok") for line in text.splitlines())
    assert "it says: b⏎c" in text


def test_json_has_all_of_it() -> None:
    found = json.loads(report_json(report("a")))
    assert found["policies"][0]["tests"] == [
        {"name": "a", "expected": "fail", "found": "pass", "message": "", "wanted": "\x00", "passed": False,
         "at": {"file": "a.yaml", "line": 3, "column": 5}}
    ]  # fmt: skip
    assert found["policies"][0]["outcomes"] == ["pass"]
