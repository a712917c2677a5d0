"""Policies as text and JSON: what their tests came to, also for CI systems (JUnit), and which are in force."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from ordain.render.findings import until_text
from ordain.render.lines import BLANK, Line, Style, TerminalOptions, line, paint
from ordain.render.tables import table
from ordain.render.words import clean, count, cut, pad, where
from ordain.values.address import Address
from ordain.values.approval import Override
from ordain.values.codec import dumps
from ordain.values.setting import Level, Policy
from ordain.values.tested import Case, PolicyReport, Tried

_ABOUT = 80
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPACE = {"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def report_text(report: PolicyReport, options: TerminalOptions) -> str:
    """Return a line a policy, its failed cases below it, and at the end what the tests cover."""
    if not report.policies:
        return "There are no policies here.\n"
    return paint(_report(report), options)


def _report(report: PolicyReport) -> Iterator[Line]:
    longest = max(len(str(one.policy)) for one in report.policies)
    for one in report.policies:
        word, style = ("FAIL", Style.LOUD) if one.failed else ("ok", Style.ADD) if one.cases else ("-", Style.DIM)
        yield line((f"{word:<4}", style), f"  {pad(str(one.policy), longest)}  {_counts(one)}")
        for case in one.failed:
            yield from _failed(case)
    yield BLANK
    yield line((_coverage(report), Style.STRONG if not report.failed else Style.LOUD))


def _counts(one: Tried) -> str:
    if not one.cases:
        return "no tests"
    passed = len(one.cases) - len(one.failed)
    return f"{passed} passed" + (f", {len(one.failed)} failed" if one.failed else "")


def _failed(case: Case) -> Iterator[Line]:
    head = (("      ", Style.PLAIN),)
    yield Line(head=head, body=((clean(case.name), Style.STRONG),))
    yield Line(head=(*head, ("  --> ", Style.NOTE)), body=((where(case.at, column=True), Style.PLAIN),))
    for text in _why(case):
        yield Line(head=(*head, ("   =  ", Style.NOTE)), body=((clean(text), Style.PLAIN),))


def _why(case: Case) -> Iterator[str]:
    """Yield what is said of a case that failed."""
    same = case.found == case.expected
    yield (
        f"found {case.found}, as expected, but not the words"
        if same
        else f"expected {case.expected}, found {case.found}"
    )
    if case.message:
        yield f"it says: {case.message}"
    if case.wanted not in case.message:
        yield f"missing in what it says: {case.wanted}"


def _coverage(report: PolicyReport) -> str:
    cases = report.cases
    counted = f"{count(len(report.policies), 'policy', 'policies')}, {count(len(cases), 'test')}"
    text = f"{counted}, {len(cases) - len(report.failed):,} passed."
    for what, names in (
        ("Without tests", report.untested),
        ("Never seen to pass in a test", report.never("pass")),
        ("Never seen to fail in a test", report.never("fail")),
    ):
        text += f" {what}: {_names(names)}." if names else ""
    return text


def _names(policies: Iterable[Address]) -> str:
    return ", ".join(one.name for one in policies)


def report_json(report: PolicyReport) -> str:
    """Return the report as JSON.

    ``{passed, summary: {policies, tests, passed, failed}, coverage: {untested, never_pass, never_fail},
    policies: [{policy, at, outcomes, tests: [{name, expected, found, message, wanted, passed, at}]}]}``; ``at`` is
    ``{file, line, column}``, ``outcomes`` what the rule said in the cases, the coverage lists addresses.
    """
    cases, failed = report.cases, report.failed
    found = {
        "passed": not failed,
        "summary": {
            "policies": len(report.policies),
            "tests": len(cases),
            "passed": len(cases) - len(failed),
            "failed": len(failed),
        },
        "coverage": {
            "untested": report.untested,
            "never_pass": report.never("pass"),
            "never_fail": report.never("fail"),
        },
        "policies": [
            {
                "policy": one.policy,
                "at": one.at,
                "outcomes": sorted(one.reached),
                "tests": [_case_json(case) for case in one.cases],
            }
            for one in report.policies
        ],
    }
    return dumps(found, indent=True).decode() + "\n"


def _case_json(case: Case) -> dict[str, object]:
    told = {name: getattr(case, name) for name in ("name", "expected", "found", "message", "wanted", "passed", "at")}
    return told


def report_junit(report: PolicyReport) -> str:
    """Return the report as CI systems read it: a ``testsuite`` a policy, a ``testcase`` a case, with file and line."""
    counts = f"tests={_quoted(len(report.cases))} failures={_quoted(len(report.failed))}"
    out = [f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="ordain policy test" {counts} {_NO_MORE}>\n']
    for one in report.policies:
        counts = f"tests={_quoted(len(one.cases))} failures={_quoted(len(one.failed))}"
        out.append(f"  <testsuite name={_quoted(one.policy)} {counts} {_NO_MORE}{_place(one)}>\n")
        out += (_case_junit(case) for case in one.cases)
        out.append("  </testsuite>\n")
    return "".join((*out, "</testsuites>\n"))


_NO_MORE = 'errors="0" skipped="0" time="0"'


def _case_junit(case: Case) -> str:
    head = f'    <testcase name={_quoted(case.name)} classname={_quoted(case.policy)} time="0"{_place(case)}'
    if case.passed:
        return f"{head}/>\n"
    first, *rest = _why(case)
    text = _xml("\n".join((*rest, where(case.at, column=True))))
    return f'{head}>\n      <failure message={_quoted(first)} type="expectation">{text}</failure>\n    </testcase>\n'


def _place(one: Case | Tried) -> str:
    return f" file={_quoted(one.at.file)} line={_quoted(one.at.line)}" if one.at is not None else ""


def _quoted(value: object) -> str:
    return f'"{"".join(_SPACE.get(one, one) for one in _xml(str(value)))}"'


def _xml(text: str) -> str:
    """Escape what XML takes for its own; what it cannot hold at all is spelled out."""
    return escape(_NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)).replace("\r", _SPACE["\r"])


def policies_text(
    environment: str, policies: Sequence[Policy], overrides: Sequence[Override], over: Sequence[Override]
) -> str:
    """Return the policies of an environment as a table, then what they spare, then what people override.

    ``over`` are overrides that do not hold any more.
    """
    if not policies and not overrides and not over:
        return f"There are no policies in {clean(environment)}.\n"
    levels = {policy.address: policy.level for policy in policies}
    rows = [
        (policy.address.name, policy.level, policy.severity, policy.stage, policy.owner or "-", _about(policy))
        for policy in policies
    ]
    spared = [
        (policy.address.name, ", ".join(one.resources), _until(one.until), one.reason)
        for policy in policies
        for one in policy.exceptions
    ]
    borne = [
        (one.policy.name, one.by, _until(one.until), len(one.violations), _standing(one, levels, holds), one.reason)
        for holds, ones in ((True, overrides), (False, over))
        for one in ones
    ]
    tables = (
        ("", rows, ("POLICY", "LEVEL", "SEVERITY", "STAGE", "OWNER", "ABOUT")),
        ("Exceptions:\n", spared, ("POLICY", "SPARES", "UNTIL", "WHY")),
        ("Overrides:\n", borne, ("POLICY", "WHO", "UNTIL", "VIOLATIONS", "STANDING", "WHY")),
    )
    return "\n".join(
        title + table([tuple(map(str, row)) for row in found], headers) for title, found, headers in tables if found
    )


def _about(policy: Policy) -> str:
    """Say in one line what a policy asks for: its message, with the facts in it named, else its rule."""
    text = _EXPRESSION.sub(lambda found: f"<{found[1]}>", policy.message) or policy.require
    return cut(" ".join(text.split()), _ABOUT)


def _until(moment: str | None) -> str:
    return "-" if moment is None else until_text(moment).removeprefix("until ")


def _standing(one: Override, levels: dict[Address, Level], holds: bool) -> str:
    if holds:
        return "holds"
    level = levels.get(one.policy)
    return "policy is gone" if level is None else "ran out" if level is Level.SOFT else f"policy is {level}"


def ended_text(environment: str, ended: Iterable[Override]) -> str:
    """Return a line for each override that was ended."""
    return "".join(
        f"Ended in {clean(environment)}: {one.policy}, overridden by {clean(one.by)} {until_text(one.until)}: "
        f"{clean(one.reason)}\n"
        for one in ended
    )


def policies_json(
    environment: str, policies: Sequence[Policy], overrides: Sequence[Override], over: Sequence[Override]
) -> str:
    """Return the policies as JSON: ``{environment, policies: [{policy, level, severity, stage, owner, match, require,
    message, remedy, link, exceptions}], overrides: [{policy, by, at, until, reason, violations, holds}]}``.
    """
    names = ("level", "severity", "stage", "owner", "match", "require", "message", "remedy", "link", "exceptions")
    told = ("policy", "by", "at", "until", "reason", "violations")
    found = {
        "environment": environment,
        "policies": [{"policy": one.address, **{name: getattr(one, name) for name in names}} for one in policies],
        "overrides": [
            {**{name: getattr(one, name) for name in told}, "holds": holds}
            for holds, ones in ((True, overrides), (False, over))
            for one in ones
        ],
    }
    return dumps(found, indent=True).decode() + "\n"
