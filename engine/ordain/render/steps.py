"""A plan as the steps it will run, in their order: ``ordain plan --explain``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ordain.render import durations
from ordain.render.escaping import escape
from ordain.render.lines import BLANK, Line, Style, TerminalOptions, line, paint
from ordain.render.words import clean, count, listed, pad
from ordain.values.address import Address
from ordain.values.plan import Plan, Step

_WORDS = {
    "register": "read and register",
    "prepare": "prepare the data",
    "train": "train",
    "evaluate": "measure",
    "judge": "judge by its gates",
    "promote": "promote",
    "restore": "go back",
    "deploy": "deploy",
    "restart": "restart",
    "build": "build",
    "apply": "apply",
    "write": "write",
    "record": "write down",
    "settings": "write down the settings",
    "forget": "forget",
    "create": "create",
    "update": "update",
    "delete": "delete",
    "destroy": "destroy",
    "retire": "retire",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """A step at its place: ``number`` from 1, the wave it may run in, the numbers of the steps it waits for."""

    step: Step
    number: int
    wave: int
    waits: tuple[int, ...]
    takes: str = ""

    @property
    def words(self) -> str:
        """What is done, in words."""
        return _WORDS.get(self.step.operation, clean(self.step.operation))


def ordered(plan: Plan) -> tuple[Ordered, ...]:
    """Return the steps wave by wave: those of one wave wait for earlier ones only, and may run side by side."""
    steps = {step.id: step for step in plan.program.steps}
    waves = _waves(steps)
    order = sorted(steps.values(), key=lambda step: (waves[step.id], step.id))
    numbers = {step.id: number for number, step in enumerate(order, 1)}
    timed = _timed(plan)
    return tuple(
        Ordered(
            step=step,
            number=numbers[step.id],
            wave=waves[step.id] + 1,
            waits=tuple(sorted(numbers[one] for one in step.needs if one in numbers)),
            takes=timed.get(step.id, ""),
        )
        for step in order
    )


def _waves(steps: Mapping[str, Step]) -> dict[str, int]:
    left = {name: sum(one in steps for one in step.needs) for name, step in steps.items()}
    users: dict[str, list[str]] = {name: [] for name in steps}
    for name, step in steps.items():
        for one in step.needs:
            if one in users:
                users[one].append(name)
    waves = dict.fromkeys(steps, 0)
    ready = [name for name, number in left.items() if not number]
    while ready:
        name = ready.pop()
        for user in users[name]:
            waves[user] = max(waves[user], waves[name] + 1)
            left[user] -= 1
            if not left[user]:
                ready.append(user)
    return waves


def _timed(plan: Plan) -> dict[str, str]:
    """Return the estimate of each change beside the step that takes most of it: the heavy one, or the last."""
    chosen: dict[Address, Step] = {}
    for step in plan.program.steps:
        known = chosen.get(step.address)
        if known is None or (step.heavy, step.last) > (known.heavy, known.last):
            chosen[step.address] = step
    found = ((step, plan.envelope.estimates.get(str(address))) for address, step in chosen.items())
    return {step.id: durations.estimate_text(one) for step, one in found if one is not None and one.p50 is not None}


def steps_text(plan: Plan, options: TerminalOptions) -> str:
    """Return the steps as a person reads them in a terminal."""
    return paint(_lines(plan), options)


def _lines(plan: Plan) -> Iterator[Line]:
    found = ordered(plan)
    if not found:
        yield line("There are no steps to run.")
        return
    waves = found[-1].wave
    said = f": {count(len(found), 'step')} in {count(waves, 'wave')}; those of a wave may run side by side"
    yield line(("Steps, in the order they run", Style.STRONG), said)
    words = max(len(one.words) for one in found)
    names = min(max(len(_about(one)) for one in found), 44)
    wave = 0
    for one in found:
        if one.wave != wave:
            wave = one.wave
            yield BLANK
            yield line((f"Wave {wave}", Style.STRONG))
        body = "  ".join(part for part in (_weight(one), _waits(one), one.takes) if part)
        yield Line(
            head=((f"  {one.number:>{len(str(len(found)))}}. ", Style.DIM),
                  (f"{pad(one.words, words)}  ", Style.PLAIN), (f"{_about(one):{names}}  ", Style.STRONG)),
            body=((body, Style.DIM),),
        )  # fmt: skip
    total = durations.plan_time_text(plan)
    if total:
        yield BLANK
        yield line(f"All of it {total}.")


def _about(one: Ordered) -> str:
    return str(one.step.address)


def _weight(one: Ordered) -> str:
    return "heavy" if one.step.heavy else "light"


def _waits(one: Ordered) -> str:
    return f"after {listed(_spans(one.waits))}" if one.waits else ""


def _spans(numbers: Sequence[int]) -> list[str]:
    """Spell numbers with runs of them folded: ``1–3``, ``7``."""
    out: list[list[int]] = []
    for number in numbers:
        if out and number == out[-1][-1] + 1:
            out[-1].append(number)
        else:
            out.append([number])
    return [f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in out]


def steps_markdown(plan: Plan, budget: int = 60_000) -> str:
    """Return the steps as a Markdown table in at most ``budget`` bytes; what does not fit is counted."""
    found = ordered(plan)
    if not found:
        return "\n#### Steps\n\nThere are no steps to run.\n"
    begin = "\n#### Steps, in the order they run\n\n| wave | step | what | resource | how | after | takes |\n"
    out = begin + "|---:|---:|---|---|---|---|---|\n"
    left = budget - len(out.encode()) - 100
    for number, one in enumerate(found):
        after = listed(_spans(one.waits))
        cells = (str(one.wave), str(one.number), escape(one.words), f"<code>{escape(_about(one))}</code>", _weight(one),
                 after, escape(one.takes))  # fmt: skip
        row = f"| {' | '.join(cells)} |\n"
        left -= len(row.encode())
        if left < 0:
            return f"{out}\n_… and {count(len(found) - number, 'more step')}: see `ordain plan --explain`._\n"
        out += row
    return out
