"""What a pull request is told: one comment for all environments, a status for each, annotations at lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ordain.api.forge import Annotation, State
from ordain.render import findings, view
from ordain.render.escaping import code, escape, name
from ordain.render.markdown import plan_markdown
from ordain.render.words import clean, count, cut, listed, where
from ordain.values.approval import Approved
from ordain.values.change import Effect
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, Severity
from ordain.values.plan import Finding, Plan
from ordain.values.record import Outcome
from ordain.values.span import Span

_HOME = Span(file="ordain.yaml", line=1, column=1)
_WHOLE = 10_000_000
_LEAST = 4_500
"""Bytes below which no plan is shown: ``plan_markdown`` takes 4,000 at least."""
_DESCRIPTION = 140
_PROBLEMS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One environment: its plan as it is judged now and how far that is approved (None: nobody knows), or why not.

    ``file`` is where the plan was saved, as people type it; ``diagnostics`` say why there is no plan.
    """

    environment: str
    plan: Plan | None = None
    approved: Approved | None = None
    file: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the comment of one project is made of; ``base`` is the branch whose policies judge.

    ``place`` is the project's folder in the repository ("": its root), ``head`` the commit that was planned, and
    ``left`` those of ``gone`` that still have resources.
    """

    project: str
    base: str
    reports: tuple[Report, ...]
    place: str = ""
    head: str = ""
    untouched: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How the apply of one environment ended: its exit code, what went wrong, and which plan (None: there was none)."""

    environment: str
    exit: ExitCode
    plan: Plan | None = None
    diagnostics: tuple[Diagnostic, ...] = field(default=())
    word: str = ""


def marker(place: str) -> str:
    """Return what the one comment of the project in that folder has in it, and no other.

    Names of projects would not do: two may share one, and one that does not read has none.
    """
    safe = "".join(c if c.isalnum() or c in "-._/" else f"%{ord(c):X}" for c in place)
    return f"<!-- ordain:{safe.replace('--', '-%2D') or '.'} -->"


def pull_markdown(page: Page, limit: int) -> str:
    """Return the comment, of at most ``limit`` bytes of UTF-8 (10,000 at least are needed): the table is always whole.

    The plans share what is left of it, and what does not fit is said, with where it is. The same input gives the same
    bytes.
    """
    head = _head(page)
    room = limit - _size(head)
    shown = [report for report in page.reports if _has_more(report)]
    out = ""
    for number, report in enumerate(shown):
        text = _folded(report, (room - _size(out)) // (len(shown) - number))
        out += text
    return head + out


def _head(page: Page) -> str:
    out = f"{marker(page.place)}\n## Ordain: {_title(page.project, page.place)}\n\n"
    if page.reports:
        out += "| environment | changes | policies | approvals | plan |\n|---|---|---|---|---|\n"
        rows = [f"| {' | '.join(_row(report))} |\n" for report in page.reports]
        fitting = rows[:60]
        out += "".join(fitting)
        if len(rows) > len(fitting):
            left = ", ".join(f"{name(one.environment)} {_word(one)}" for one in page.reports[len(fitting) :][:200])
            out += f"\nAnd {count(len(rows) - len(fitting), 'more environment')}: {left}\n"
    else:
        out += "No environment is touched: there is nothing to apply.\n"
    if page.untouched and page.reports:
        out += f"\nNot touched: {_names(page.untouched)}.\n"
    out += _gone(page)
    out += _to_approve([report for report in page.reports if _is_waiting(report) and _may_be_approved(report)])
    planned = f"Planned at {code(page.head[:12])}. " if page.head else ""
    return out + f"\n<sub>{planned}Policies, roles and signers are those of {code(page.base)}.</sub>\n"


def _title(project: str, place: str) -> str:
    return f"{escape(project)} in {code(place)}" if place else escape(project)


def _gone(page: Page) -> str:
    """Say which environments are taken away; what has been destroyed before is no matter."""
    empty = tuple(one for one in page.gone if one not in page.left)
    out = f"\nTaken away, and nothing is left there: {_names(empty)}.\n" if empty else ""
    if page.left:
        has, it = ("has", "it") if len(page.left) == 1 else ("have", "they")
        have = f"{has} no document any more. What {it} {'has' if it == 'it' else 'have'} stays"
        out += f"\n> [!WARNING]\n> {_names(page.left)} {have}, and no plan speaks of it: destroy it first.\n"
    return out


def _names(names: Sequence[str]) -> str:
    shown = [name(one) for one in names[:50]]
    return listed([*shown, f"{len(names) - 50} more"] if len(names) > 50 else shown)


def _row(report: Report) -> tuple[str, ...]:
    plan = report.plan
    if plan is None:
        errors = sum(one.is_error for one in report.diagnostics)
        return name(report.environment), f"**not planned: {count(errors, 'error')}**", "", "", ""
    program = plan.program
    changes = view.summary_text(program) or ("changed settings" if program.settings else "none")
    errors = sum(one.is_error for one in program.diagnostics)
    if errors:
        changes += f"; **{count(errors, 'error')}**"
    held = view.protected(program)
    if held:
        changes += f"; **{count(len(held), 'resource')} protected**"
    return (
        name(report.environment),
        changes if errors or held else escape(changes),
        _policies(program.policy),
        _approvals(report),
        f"`{view.short_digest(plan.digest)}`",
    )


def _policies(found: Iterable[Finding]) -> str:
    rest = [one for one in found if one.outcome is not Outcome.PASS]
    if not rest:
        return "pass"
    summary = escape(findings.policy_summary(rest))
    return f"**{summary}**" if any(one.denies for one in rest) else summary


def _approvals(report: Report) -> str:
    assert report.plan is not None
    rules = report.plan.program.rules
    if not rules:
        return "not asked for"
    wanted = max(rule.count for rule in rules)
    if report.approved is None:
        return f"{count(wanted, 'approval')} asked for"
    had = f"{len(report.approved.people)} of {wanted}"
    if not report.approved.missing:
        return escape(f"{had} ({listed([clean(one) for one in report.approved.people])})")
    return f"**{had}**; still needed: {escape('; '.join(report.approved.missing))}"


def _is_waiting(report: Report) -> bool:
    if report.plan is None or not report.plan.program.rules:
        return False
    return report.approved is None or bool(report.approved.missing)


def _may_be_approved(report: Report) -> bool:
    """Whether approvals are all that is missing; with one, a soft policy may be overridden too."""
    assert report.plan is not None
    program = report.plan.program
    return not (program.status.errored or findings.hard_text(program) or view.protected(program))


def _to_approve(waiting: Sequence[Report]) -> str:
    if not waiting:
        return ""
    lines = "\n".join(f"ordain approve {report.file} --as you@example.com --block" for report in waiting[:20])
    plans = "the saved plan" if len(waiting) == 1 else "the saved plans"
    return (
        f"\nTo approve, take {plans} out of the artifact of this run, sign, and write what that prints as a comment"
        f" here:\n\n```sh\n{lines}\n```\n"
    )


def _has_more(report: Report) -> bool:
    return report.plan is None or not view.has_nothing_to_say(report.plan.program)


def _folded(report: Report, room: int) -> str:
    begin = f"\n<details><summary><b>{escape(report.environment)}</b>: {escape(_word(report))}</summary>\n\n"
    end = "\n</details>\n"
    room -= _size(begin) + _size(end)
    where_else = f"`ordain show {report.file}` shows it, with the file out of the artifact of this run"
    if report.plan is None:
        text = _problems(report.diagnostics, room)
        return begin + text + end
    text = plan_markdown(report.plan, _WHOLE, approved=report.approved)
    if _size(text) > room:
        note = f"\n_This is not the whole plan: {where_else}._\n"
        text = plan_markdown(report.plan, room - _size(note), approved=report.approved) + note if room > _LEAST else ""
    if not text or _size(text) > room:
        return f"\n_The plan of {name(report.environment)} has no room here: {where_else}._\n" if room > -100 else ""
    return begin + text + end


def _problems(diagnostics: Sequence[Diagnostic], room: int) -> str:
    out = ""
    for number, one in enumerate(diagnostics):
        at = f" {code(where(one.at, column=True))}" if one.at is not None else ""
        fix = f" Fix: {escape(one.fix.rstrip('.'), 600)}." if one.fix else ""
        detail = f" {escape(one.detail.rstrip('.'), 600)}." if one.detail else ""
        line = f"- **{one.severity.value}**{at}: {escape(one.summary, 600)}.{detail}{fix}\n"
        if number >= _PROBLEMS or _size(out) + _size(line) > room - 100:
            return f"{out}\n_… and {count(len(diagnostics) - number, 'more problem')}: see `ordain validate`._\n"
        out += line
    return out


def _size(text: str) -> int:
    return len(text.encode())


def _word(report: Report) -> str:
    return status_of(report)[1]


def status_of(report: Report) -> tuple[State, str]:
    """Return what to say of a commit for one environment, in at most 140 characters."""
    state, words = _status(report)
    return state, cut(clean(words), _DESCRIPTION)


def _status(report: Report) -> tuple[State, str]:
    plan = report.plan
    if plan is None:
        errors = [one for one in report.diagnostics if one.is_error]
        ours = not any(one.blame is Blame.USER for one in errors)
        first = f": {errors[0].summary}" if errors else ""
        return (State.ERROR if ours else State.FAILURE), f"not planned{first}"
    program = plan.program
    changes = view.summary_text(program) or ("changed settings" if program.settings else "")
    why = view.why_not(program)
    held = view.protected(program)
    if not why and held:
        why = f"{listed([str(one.address) for one in held[:3]])} may not be destroyed"
    if why or any(one.effect is Effect.REJECTED and not one.unselected for one in program.changes):
        return State.FAILURE, f"cannot be applied: {why or 'rejected by a gate'}"
    if program.is_empty or not program.steps:
        return State.SUCCESS, "nothing to do" if program.is_empty else f"nothing to do yet: {changes}"
    if _is_waiting(report):
        had = f"{len(report.approved.people)} of " if report.approved is not None else ""
        wanted = max(rule.count for rule in program.rules)
        missing = f": {'; '.join(report.approved.missing)}" if report.approved is not None else ""
        return State.PENDING, f"{changes}; {had}{count(wanted, 'approval')}{missing}"
    blocked = any(one.blocked and not one.unselected for one in program.changes)
    return State.SUCCESS, f"{changes}; {'the rest may be applied' if blocked else 'may be applied'}"


def annotations_of(reports: Iterable[Report], prefix: str) -> tuple[Annotation, ...]:
    """Return what denies and what warns, once each; ``prefix`` leads from the root of the repository to the project."""
    found: dict[Annotation, list[str]] = {}
    for report in reports:
        diagnostics = report.plan.program.diagnostics if report.plan is not None else report.diagnostics
        found |= {_of_diagnostic(one, prefix): [] for one in diagnostics}
        policy = report.plan.program.policy if report.plan is not None else ()
        for one in (each for finding in policy for each in _of_finding(finding, prefix)):
            found.setdefault(one, []).append(report.environment)
    # A forge shows few of them (GitHub ten of a kind): what is the same in many environments is one.
    return tuple(
        replace(one, title=f"{one.title} in {listed(list(dict.fromkeys(where_from)))}") if where_from else one
        for one, where_from in found.items()
    )


def _of_diagnostic(one: Diagnostic, prefix: str) -> Annotation:
    level = "error" if one.severity is Severity.ERROR else "warning"
    text = "\n".join(part for part in (one.summary, one.detail, f"fix: {one.fix}" if one.fix else "") if part)
    return _annotation(level, one.code, text, one.at, prefix)


def _of_finding(one: Finding, prefix: str) -> Iterator[Annotation]:
    word = findings.verdict_word(one)
    if not one.denies and word not in ("warning", "broken"):
        return
    remedy = findings.remedy_text(one)
    text = findings.message_text(one, one.message) + (f"\nremedy: {remedy}" if remedy else "")
    about = f"{one.address}: " if one.address is not None else ""
    title = f"{one.policy} ({findings.grade_text(one)}) {'denies' if one.denies else 'warns'}"
    yield _annotation("error" if one.denies else "warning", title, about + text, one.at, prefix)


def _annotation(level: str, title: str, message: str, at: Span | None, prefix: str) -> Annotation:
    place = at or _HOME
    return Annotation(
        level=level, title=title, message=message, file=prefix + place.file, line=place.line, column=place.column
    )


def outcome_of(done: Done) -> tuple[State, str]:
    """Return what to say of the merged commit for one environment, in at most 140 characters."""
    if done.exit is ExitCode.DONE:
        return State.SUCCESS, cut(done.word or "applied", _DESCRIPTION)
    first = next((one.summary for one in done.diagnostics if one.is_error), "").removeprefix("nothing was applied: ")
    words = done.word or f"{_ENDS.get(done.exit, 'failed')}{f': {first}' if first else ''}"
    ours = done.diagnostics and not any(one.blame is Blame.USER for one in done.diagnostics)
    return (State.ERROR if ours and done.exit is ExitCode.FAILURE else State.FAILURE), cut(clean(words), _DESCRIPTION)


_ENDS = {
    ExitCode.STALE: "not applied, the plan is stale",
    ExitCode.DENIED: "not applied, denied",
    ExitCode.STEP_FAILED: "a step failed",
    ExitCode.GATE: "a gate or contract failed",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TIMEOUT: "timed out, or locked",
}


def outcome_markdown(project: str, outcomes: Sequence[Done], limit: int, place: str = "") -> str:
    """Return the comment on what came of the saved plans, of at most ``limit`` bytes."""
    out = f"## Ordain applied: {_title(project, place)}\n\n| environment | outcome | plan |\n|---|---|---|\n"
    if any(done.exit is not ExitCode.DONE for done in outcomes):
        out = out.replace("Ordain applied", "Ordain did not apply all of this", 1)
    for done in outcomes:
        state, words = outcome_of(done)
        said = escape(words) if state is State.SUCCESS else f"**{escape(words)}**"
        digest = f"`{view.short_digest(done.plan.digest)}`" if done.plan is not None else ""
        out += f"| {name(done.environment)} | {said} | {digest} |\n"
    for done in outcomes:
        if done.diagnostics:
            out += f"\n**{escape(done.environment)}**\n\n" + _problems(done.diagnostics, limit - _size(out) - 1_000)
    return out
