"""What is recorded, and what is installed, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ordain.render.durations import prediction_text, range_text
from ordain.render.tables import table
from ordain.render.words import clean, cut, listed, seconds_text, value_text
from ordain.values.codec import dumps
from ordain.values.data import Tree
from ordain.values.record import Recorded, ResourceRecord, VersionRecord

if TYPE_CHECKING:
    from ordain.api.store import RunRecord

PluginRow = tuple[str, str, str, str, str]


def records_text(recorded: Recorded) -> str:
    """Return the resources of an environment, one a line."""
    if not recorded.resources:
        return f"Nothing is recorded in {recorded.environment}.\n"
    rows = [
        (str(address), record.provider or "-", _gist(record), record.health.value)
        for address, record in sorted(recorded.resources.items())
    ]
    return table(rows, ("ADDRESS", "PROVIDER", "OUTPUTS", "HEALTH"))


def _gist(record: ResourceRecord) -> str:
    # Short ones first: a model's version says more than its metrics.
    short = sorted(
        record.outputs.items(), key=lambda item: (isinstance(item[1], dict | list), item[0] == "digest", item[0])
    )
    return ", ".join(f"{name}={value_text(value, 40)}" for name, value in short)[:100]


def records_json(recorded: Recorded) -> str:
    """Return the resources of an environment as one JSON object by address."""
    found = {str(address): record for address, record in sorted(recorded.resources.items())}
    head = {"environment": recorded.environment, "lineage": recorded.head.lineage, "serial": recorded.head.serial}
    return dumps({**head, "resources": found}, indent=True).decode() + "\n"


def record_text(found: tuple[ResourceRecord, tuple[VersionRecord, ...]]) -> str:
    """Return one resource as it was applied, and its versions."""
    record, versions = found
    lines = [f"{record.address}  ({record.kind}{f', {record.provider}' if record.provider else ''})\n"]
    for name in ("description", "owner"):
        if getattr(record, name):
            lines.append(f"  {name}: {getattr(record, name)}\n")
    if record.hold is not None:
        lines.append(clean(f"  held at {record.hold.version} by {record.hold.actor}: {record.hold.reason}") + "\n")
    for title, tree in (("spec", record.spec), ("outputs", record.outputs)):
        lines += [f"  {title}:\n", *(f"    {line}\n" for line in _lines(tree))]
    lines.append(f"  build fingerprint: {record.fingerprint.build}\n")
    if record.depends_on:
        lines.append(f"  depends on: {', '.join(map(str, record.depends_on))}\n")
    if versions:
        lines.append("  versions:\n")
        rows = [(one.name, one.standing.value, one.made_by, value_text(one.metrics, 80)) for one in versions]
        lines += [f"    {line}\n" for line in table(rows, ("VERSION", "STANDING", "MADE BY", "METRICS")).splitlines()]
    return "".join(lines)


def _lines(tree: Mapping[str, Tree]) -> list[str]:
    return [f"{name}: {value_text(value, 100)}" for name, value in tree.items()]


def record_json(found: tuple[ResourceRecord, tuple[VersionRecord, ...]]) -> str:
    """Return one resource as JSON, its versions under ``versions``."""
    record, versions = found
    data = {name: getattr(record, name) for name in type(record).__slots__}
    return dumps({**data, "versions": versions}, indent=True).decode() + "\n"


def plugins_text(rows: Iterable[PluginRow]) -> str:
    """Return what plugins bring, one a line."""
    return table(rows, ("PLUGIN", "VERSION", "KIND", "PROVIDER", "WHAT IT IS"))


def plugins_json(rows: Iterable[PluginRow]) -> str:
    """Return what plugins bring as JSON."""
    names = ("plugin", "version", "kind", "provider", "summary")
    return dumps([dict(zip(names, row, strict=True)) for row in rows], indent=True).decode() + "\n"


def history_text(runs: Sequence[RunRecord], environment: str) -> str:
    """Return the runs of an environment as a table, in the order given, with what was asked for and how it ended."""
    if not runs:
        return f"No run of {clean(environment)} is recorded.\n"
    headers = ("RUN", "STARTED (UTC)", "WHO", "OUTCOME", "TOOK", "PREDICTED", "WHAT")
    return table([_run_row(run) for run in runs], headers)


def _run_row(run: RunRecord) -> tuple[str, ...]:
    started = datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%d %H:%M:%S")
    took = seconds_text(run.finished - run.started) if run.finished is not None else "-"
    outcome = run.outcome or "not ended"
    return run.id[:8], started, cut(run.actor, 24) or "-", outcome, took, _predicted(run), _what(run)


def _what(run: RunRecord) -> str:
    """Say what was asked for, and under whose word: loud where nobody gave it."""
    alarm = f"BREAK-GLASS: {run.break_glass}" if run.break_glass else ""
    people = dict.fromkeys(one.person or "somebody (the approval cannot be read)" for one in run.approvals)
    approved = f"approved by {listed(list(people))}" if people else ""
    return clean("; ".join(part for part in (alarm, run.what, approved) if part)) or "-"


def _predicted(run: RunRecord) -> str:
    told = run.predicted
    return "-" if told is None or told.p50 is None else range_text(told.p50, told.p90)


def history_json(runs: Sequence[RunRecord], environment: str) -> str:
    """Return the runs as JSON: ``environment`` and ``runs``, each with its fields and ``seconds`` (None: not ended)."""
    found = [
        {**{name: getattr(run, name) for name in type(run).__slots__},
         "seconds": None if run.finished is None else run.finished - run.started}
        for run in runs
    ]  # fmt: skip
    return dumps({"environment": environment, "runs": found}, indent=True).decode() + "\n"


__all__ = [
    "history_json",
    "history_text",
    "plugins_json",
    "plugins_text",
    "prediction_text",
    "record_json",
    "record_text",
    "records_json",
    "records_text",
]
