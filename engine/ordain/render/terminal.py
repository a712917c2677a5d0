"""The plan as a person reads it in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ordain.render import durations, findings, view
from ordain.render.approvals import approval_lines, approved_enough
from ordain.render.changes import change_lines
from ordain.render.diagnostics import diagnostic_lines
from ordain.render.lines import BLANK, Line, Style, TerminalOptions, line, paint
from ordain.render.sections import drift_lines, not_selected_lines, policy_lines, setting_lines
from ordain.render.words import clean, count, listed
from ordain.values.diagnostic import Diagnostic
from ordain.values.plan import Plan, Program

_HEADS = 3
"""Warnings that are named at the top."""
_WARNINGS = 5
"""Warnings of one sort that are shown unless all are asked for."""


def plan_text(plan: Plan, options: TerminalOptions) -> str:
    """Return the plan as text: changed settings, summary, changes with their causes, verdicts, what to type next."""
    if view.has_nothing_to_say(plan.program) and not options.show_no_ops and not options.verbose:
        return no_changes_text(plan.program)
    return paint(_plan(plan, options), options)


def no_changes_text(program: Program) -> str:
    """Return the whole of an empty plan; rich is not needed for it."""
    still = view.unchanged(program)
    are = "is" if still == 1 else "are"
    what = f"{count(still, 'resource')} {are} as specified" if still else "There is nothing here yet"
    said = f"No changes. {what}"
    if program.mode == "refresh-only" and still:
        said = (
            f"Nothing to take in. What can be looked at of {count(still, 'resource')} stands as recorded;"
            " the project and the artifacts were not compared"
        )
    return f"{said} (environment {program.environment}, state serial {program.serial}).\n"


def _plan(plan: Plan, options: TerminalOptions) -> Iterator[Line]:
    program = plan.program
    for section in (
        setting_lines(program, options),
        _summary(program),
        _alarms(program.diagnostics),
        approval_lines(plan, options.approved),
        change_lines(plan, options),
        not_selected_lines(program, options),
        policy_lines(program, options),
        drift_lines(program, options),
        _problems(program.diagnostics, options),
        _ending(plan, options),
        _legend() if options.verbose else (),
    ):
        yield from section
        yield BLANK


def _summary(program: Program) -> Iterator[Line]:
    still = view.unchanged(program)
    rest = f" {still:,} {'unchanged' if program.mode != 'refresh-only' else 'left as recorded'}." if still else ""
    said = view.summary_text(program)
    place = f"  environment {program.environment}, state serial {program.serial}"
    kind = "" if program.mode == "normal" else f"{clean(program.mode).capitalize()}: "
    if said:
        yield line((f"{kind}{said}.", Style.STRONG), rest, (place, Style.DIM))
    else:
        quiet = "Nothing to take in." if program.mode == "refresh-only" else "No changes to resources."
        empty = "This plan has errors." if program.status.errored else quiet
        yield line((empty, Style.STRONG), rest, (place, Style.DIM))
    if program.selection:
        yield line(("Selected: ", Style.STRONG), view.selection_text(program))


def _alarms(found: Iterable[Diagnostic]) -> Iterator[Line]:
    """Name the first warnings near the top: what they are about in full stands below a plan that may be long."""
    warnings = [one for one in found if not one.is_error]
    for one in warnings[:_HEADS]:
        yield Line(head=(("! ", Style.LOUD),), body=((f"{clean(one.summary)}", Style.LOUD),))
    if len(warnings) > _HEADS:
        yield line(f"  … and {count(len(warnings) - _HEADS, 'more warning')}, see below")


def _problems(found: Iterable[Diagnostic], options: TerminalOptions) -> Iterator[Line]:
    """Show every error; of warnings of one sort the first few, unless all are asked for."""
    seen: Counter[str] = Counter()
    for diagnostic in found:
        if not diagnostic.is_error:
            seen[diagnostic.code] += 1
            if seen[diagnostic.code] > _WARNINGS and not options.verbose:
                continue
        yield BLANK
        yield from diagnostic_lines(diagnostic)
    folded = sum(number - _WARNINGS for number in seen.values() if number > _WARNINGS)
    if folded and not options.verbose:
        yield BLANK
        yield line((f"… {count(folded, 'more warning')} of these sorts: --verbose shows them", Style.DIM))


def _legend() -> Iterator[Line]:
    yield from (line((f"{sign}  {meaning}", Style.DIM), indent=2) for sign, meaning in view.LEGEND)


def _ending(plan: Plan, options: TerminalOptions) -> Iterator[Line]:
    program = plan.program
    digest = view.short_digest(plan.digest)
    if program.diagnostics and program.status.errored:
        yield line((f"Plan {digest} is for reading only: {view.why_not(program)}.", Style.LOUD))
        return
    if not program.status.applyable:
        yield line((f"Plan {digest} cannot be applied: {view.why_not(program) or 'see above'}.", Style.LOUD))
        yield from _way_out(program, options)
        return
    if program.is_empty:
        yield line("Nothing to apply.")
        return
    held = [str(change.address) for change in view.protected(program)]
    if held:
        are = "is" if len(held) == 1 else "are"
        rest = "and nothing else is done either"
        yield line((f"Plan {digest} cannot be applied: {listed(held)} {are} protected, {rest}.", Style.LOUD))
        yield line("Set lifecycle.protect: false and apply; then make this plan again.")
        return
    blocked = sum(bool(change.blocked) and not change.unselected for change in program.changes)
    if blocked and not program.steps:
        yield line((f"Plan {digest} cannot be applied: {blocked:,} blocked, and nothing else to do.", Style.LOUD))
        return
    if not program.status.complete:
        later = sum(bool(change.deferred) and not change.unselected for change in program.changes)
        yield line(f"Not the whole plan yet: {later:,} deferred. An apply does the rest, then plans and shows the next"
                   " round.")  # fmt: skip
    takes = f" {durations.plan_time_text(plan)}".rstrip()
    if not options.apply_command:
        yield line(f"Plan {digest}{takes}.")
    elif approved_enough(plan, options.approved):
        yield line(f"Plan {digest}{takes}. To make these changes: ", (options.apply_command, Style.STRONG))
    else:
        said = "To approve it" if options.approve_command else "To have it approved, save it first"
        yield line(f"Plan {digest}{takes}. {said}: ", (_approve(options), Style.STRONG))


def _approve(options: TerminalOptions) -> str:
    """Return what to type to approve a plan; what is not saved cannot be approved, and is saved first."""
    if options.approve_command:
        return options.approve_command
    return findings.with_options(options.apply_command.replace("ordain apply", "ordain plan", 1), "--out FILE")


def _way_out(program: Program, options: TerminalOptions) -> Iterator[Line]:
    """Say what helps where policies deny a plan."""
    hard, soft = findings.hard_text(program), findings.soft_options(program)
    if hard:
        yield line(hard)
    if not soft:
        return
    command = options.apply_command or "ordain apply"
    if program.rules:
        command = options.approve_command or "ordain approve FILE --as YOUR-EMAIL"
    yield line("What is soft may be overridden: ", (findings.with_options(command, soft), Style.STRONG))


__all__ = ["TerminalOptions", "no_changes_text", "plan_text"]
