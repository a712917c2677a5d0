"""What there is to say of what policies found: order, words, why something denies nothing, and the way out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ordain.render.words import clean, count, listed
from ordain.values.plan import ExcuseKind, Finding, Program
from ordain.values.record import Outcome
from ordain.values.setting import Level, PolicySeverity

REASON = "'…'"
"""What stands in a command for the reason a person has to give."""
_SEVERITIES = {one.value: number for number, one in enumerate(PolicySeverity)}
_COUNTED = (
    ("denied", "denied", "denied"),
    ("broken", "broken", "broken"),
    ("warning", "warning", "warnings"),
    ("excepted", "exception", "exceptions"),
    ("overridden", "override", "overrides"),
    ("unknown", "unknown", "unknown"),
)
"""The words of findings in the order of the list, and how the summary counts them."""
_ORDER = {word: number for number, (word, *_) in enumerate(_COUNTED)}
_URL = re.compile(r"https?://[A-Za-z0-9._~/?=&%+#,-]{1,500}")


def findings(program: Program) -> tuple[Finding, ...]:
    """Return the findings to list (passes are only counted): what denies first, then as the summary has them.

    Those of one sort by severity and level.
    """
    rest = [finding for finding in program.policy if finding.outcome is not Outcome.PASS]
    return tuple(sorted(rest, key=lambda f: (not f.denies, _ORDER[verdict_word(f)], -_severity(f), -f.level.weight,
                                             f.policy, str(f.address or ""), f.message)))  # fmt: skip


def _severity(finding: Finding) -> int:
    return _SEVERITIES.get(finding.severity.value, len(_SEVERITIES))  # one of a later plan, shown only


def verdict_word(finding: Finding) -> str:
    """Return what a finding amounts to: denied, warning, excepted, overridden, unknown, broken."""
    if finding.excuse is not None:
        return "overridden" if finding.excuse.kind is ExcuseKind.OVERRIDE else "excepted"
    if finding.outcome is Outcome.UNKNOWN:
        return "unknown"
    if finding.outcome is Outcome.ERROR:
        return "broken"
    return "denied" if finding.denies else "warning"


def policy_summary(found: Iterable[Finding]) -> str:
    """Return the findings in one line: ``1 denied, 2 warnings, 1 exception, 1 override, 1 unknown``."""
    words = Counter(verdict_word(finding) for finding in found)
    return ", ".join(count(words[word], one, many) for word, one, many in _COUNTED if words[word])


def grade_text(finding: Finding) -> str:
    """Return how much it weighs and how bad it is: ``hard, critical``."""
    return f"{clean(finding.level.value)}, {clean(finding.severity.value)}"


def message_text(finding: Finding, message: str) -> str:
    """Return what is said of it; ``message`` is its own, or what it says with others alike."""
    said = "not known before apply" if verdict_word(finding) == "unknown" else "the rule does not hold"
    return clean(message) or said


def remedy_text(finding: Finding) -> str:
    """Return what to do; "" where there is nothing to do, or not yet."""
    return "" if verdict_word(finding) in ("unknown", "excepted", "overridden") else clean(finding.remedy)


def excuse_text(finding: Finding) -> str:
    """Return why it denies nothing: ``excepted until 2027-03-01: contract ends in March``; "" where it is not excused.

    A person's word names the person: ``overridden by risk@example.com until 2026-12-01: …``. What was excused and is
    not any more: ``was excepted until …``.
    """
    excuse = finding.excuse
    if excuse is None:
        lapsed = finding.lapsed
        return f"was {excuse_text(replace(finding, excuse=lapsed, lapsed=None))}" if lapsed is not None else ""
    by = f" by {clean(excuse.by)}" if excuse.by else ""
    return f"{verdict_word(finding)}{by} {until_text(excuse.until)}: {clean(excuse.reason)}"


def until_text(until: str | None) -> str:
    """Spell an end (ISO, UTC): ``until 2027-03-01`` for the end of that day, else with the time of day."""
    if until is None:
        return "without end"
    try:
        at = datetime.fromisoformat(until).astimezone(UTC)
    except (ValueError, OverflowError):
        return f"until {clean(until)}"
    if at.time() == datetime.min.time() and at > datetime.min.replace(tzinfo=UTC):
        return f"until {(at - timedelta(days=1)).date()}"  # a day counts to its end
    return f"until {at.date()} {at:%H:%M} UTC"


def is_url(link: str) -> bool:
    """Whether a link leads to a page of the web, and has nothing in it that Markdown or HTML would act on."""
    return _URL.fullmatch(link) is not None


def hard_text(program: Program) -> str:
    """Return what helps where hard policies deny a plan, and whom to ask; "" where none does."""
    hard = [finding for finding in program.policy if finding.denies and finding.level is not Level.SOFT]
    if not hard:
        return ""
    names = listed(sorted({str(finding.policy) for finding in hard}))
    owners = listed(sorted({clean(finding.owner) for finding in hard if finding.owner}))
    one = len({finding.policy for finding in hard}) == 1
    ask = f"{'its owner' if one else 'their owners'}{f' ({owners})' if owners else ''}"
    return f"{names} {'is' if one else 'are'} hard, no override helps: change what is found, or ask {ask}."


def soft_options(program: Program) -> str:
    """Return the options that override the soft policies that deny a plan; "" where none does."""
    soft = sorted({str(finding.policy) for finding in program.policy if finding.denies and finding.level is Level.SOFT})
    return " ".join((*(f"--override {name}" for name in soft), f"--reason {REASON}")) if soft else ""


def with_options(command: str, options: str) -> str:
    """Return a command with options at its end, before a note such as ``(with the same variables)``."""
    said, note, rest = command.rpartition(" (") if command.endswith(")") else (command, "", "")
    return f"{said} {options}{note}{rest}"
