"""Rollbacks: which version a person means, from what is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from ordain.api.registry import Registry
from ordain.kinds.model_judging import stood_in
from ordain.session.naming import find, hint
from ordain.values.address import Address
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError
from ordain.values.record import Hold, Recorded, ResourceRecord, VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """What is asked for: an address, the version to go back to (None: the one before), why; or to ``release`` it."""

    address: str
    version: str | None = None
    reason: str = ""
    release: bool = False


def target(asked: Rollback, recorded: Recorded, registry: Registry) -> tuple[Address, ResourceRecord]:
    """Return the resource that is meant. Raises ``OrdainError`` (exit 6): it has no versions, or no hold to end."""
    address = find(asked.address, recorded.resources)
    if address is None:
        fix = hint(asked.address, recorded.resources, "see what is recorded: ordain state list")
        raise OrdainError(_wrong("rollback-unknown", f"{asked.address} is not in the state", fix))
    record = recorded.resources[address]
    if record.kind not in registry.kinds or not registry.kind(record.kind).judged:
        follows = [other for other in record.depends_on if recorded.versions.get(other)]
        fix = f"roll back what it follows: ordain rollback {follows[0]}" if follows else "apply the spec it had before"
        raise OrdainError(_wrong("rollback-kind", f"{address} has no versions to go back to", fix))
    if asked.release and record.hold is None:
        raise OrdainError(_wrong("rollback-no-hold", f"{address} is not held", "there is nothing to release"))
    return address, record


def hold(asked: Rollback, recorded: Recorded, record: ResourceRecord, actor: str) -> Hold:
    """Return the hold a rollback leaves. Raises ``OrdainError`` (exit 6) where there is no such version.

    It is one that stood in this very environment: what others trained on their data under their gates never did.
    """
    versions = recorded.versions.get(record.address, ())
    standing = str(record.facts.get("recipe", ""))
    fit = [one for one in versions if stood_in(one, recorded.environment) and one.recipe != standing]
    if asked.version is None:
        found = _before(versions, fit, standing)
        if found is None:
            raise OrdainError(_none(record, fit))
    else:
        named = [one for one in fit if one.name.startswith(asked.version)]
        if len({one.recipe for one in named}) != 1:
            raise OrdainError(_no_version(asked.version, record, versions, fit, standing))
        found = named[-1]
    return Hold(version=found.name, recipe=found.recipe, actor=actor, reason=asked.reason)


def _before(versions: tuple[VersionRecord, ...], fit: list[VersionRecord], standing: str) -> VersionRecord | None:
    """Return the newest fit version that is older than the one that stands."""
    order = [one.recipe for one in versions]
    limit = order.index(standing) if standing in order else len(order)
    older = [one for one in fit if order.index(one.recipe) < limit]
    return older[-1] if older else None


def _none(record: ResourceRecord, fit: list[VersionRecord]) -> Diagnostic:
    fix = f"name one with --to: {', '.join(one.name for one in fit)}" if fit else "there is nothing to go back to"
    return _wrong("rollback-version", f"no version of {record.address} is older than the one that stands", fix)


def _no_version(
    text: str, record: ResourceRecord, versions: tuple[VersionRecord, ...], fit: list[VersionRecord], standing: str
) -> Diagnostic:
    same = [one for one in versions if one.name.startswith(text)]
    if any(one.recipe == standing for one in same):
        summary = f"{text} of {record.address} is what stands"
    elif same and not any(one in fit for one in same):
        summary = f"{text} of {record.address} never stood in this environment: no gate of it let it pass"
    else:
        summary = f"{text} names {'several versions' if same else 'no version'} of {record.address}"
    listed = ", ".join(one.name for one in fit)
    return _wrong("rollback-version", summary, f"there are: {listed}" if listed else "there is nothing to go back to")


def _wrong(code: str, summary: str, fix: str) -> Diagnostic:
    return Diagnostic(code=code, summary=summary, fix=fix, exit=ExitCode.SPEC)
