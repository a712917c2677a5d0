"""Whether a saved plan still rests on what it read (DESIGN §4: stale by what it read, not by a global serial)."""

from __future__ import annotations

from collections.abc import Mapping

from ordain.plan.steps import ABSENT
from ordain.values.address import Address
from ordain.values.codec import plain
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode
from ordain.values.fingerprint import digest
from ordain.values.plan import Program
from ordain.values.record import Recorded, ResourceRecord, SettingRecord

SETTINGS = "settings"


def moved(program: Program, recorded: Recorded) -> tuple[Diagnostic, ...]:
    """Return a diagnostic (exit 10) for each recorded object that is not what the plan read; none where it holds."""
    if program.lineage and recorded.head.lineage != program.lineage:
        return (_stale("the state is another one", f"the plan was made for lineage {program.lineage}"),)
    out = []
    for read in program.reads:
        if read.object == SETTINGS and not _same_settings(program, read.version, recorded):
            out.append(_stale("the settings moved since the plan was made", "another apply recorded others"))
        where, _, name = read.object.partition(":")
        if where not in ("state", "source"):
            continue
        address = Address.parse(name)
        records = recorded.resources if where == "state" else recorded.source
        if _version(records.get(address)) != read.version:
            out.append(_stale(f"{address} moved since the plan was made", _how(read.version, records.get(address))))
    return tuple(out)


def settings_version(settings: Mapping[Address, SettingRecord]) -> str:
    """Return the version of all settings that are recorded: what is planned under other ones may mean less."""
    return digest([plain(settings[address]) for address in sorted(settings)])


def _same_settings(program: Program, version: str, recorded: Recorded) -> bool:
    """Whether they are those that were read, or by now those that the plan itself writes down."""
    now = settings_version(recorded.settings)
    return now == version or (bool(program.settings_after) and now == digest(list(program.settings_after)))


def _version(record: ResourceRecord | None) -> str:
    return digest(record) if record is not None else ABSENT


def _how(before: str, record: ResourceRecord | None) -> str:
    if before == ABSENT:
        return "it was not in the state then, and is now"
    if record is None:
        return "it was in the state then, and is not now"
    return f"another apply ({record.run or 'unknown run'}) changed it"


def _stale(summary: str, detail: str) -> Diagnostic:
    return Diagnostic(
        code="plan-stale",
        summary=summary,
        detail=detail,
        fix="plan again: ordain plan --out FILE",
        blame=Blame.WORLD,
        exit=ExitCode.STALE,
    )
