"""Why a dataset moves where no change of its source accounts for it, and what of its source moved without moving it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ordain.api.kind import Delta, Outlook, Situation
from ordain.kinds.dataset_outline import Outline
from ordain.kinds.libraries import library_causes
from ordain.values.address import Address
from ordain.values.change import Cause, CauseCode
from ordain.values.data import Json

_SHOWN = 6


def source_of(situation: Situation) -> Outlook | None:
    """Return the data source as planned before, or None where it is not known yet."""
    spec = situation.spec if situation.spec is not None else situation.resource.spec
    written = spec.get("from")
    return situation.upstream.get(Address.parse(written)) if isinstance(written, str) else None


def moved_columns(source: Outlook) -> tuple[str, ...]:
    """Return the columns of a data source that hold other values now, are new or are gone; () where it stays."""
    found: set[str] = set()
    for cause in source.causes:
        if cause.code is CauseCode.DATA and cause.address == source.address:
            for word in ("columns", "new_columns", "gone_columns"):
                names = cause.data.get(word)
                found.update(str(name) for name in (names if isinstance(names, Mapping | list | tuple) else ()))
    return tuple(sorted(found))


def untouched(situation: Situation, source: Outlook, outlined: Outline) -> tuple[str, ...]:
    """Return a note where the source moved in columns that are not kept; to be asked where nothing is built."""
    if outlined.columns is None:
        return ()
    names = moved_columns(source)
    return (f"{source.address} changed in {_listed(names)}, not kept in {situation.resource.address}",) if names else ()


def own_causes(situation: Situation, delta: Delta, outlined: Outline) -> tuple[Cause, ...]:
    """Return what differs in the inputs and no change of the source accounts for; ``outlined`` is what it is now."""
    address, record = situation.resource.address, situation.record
    before = record.inputs.get("build") if record is not None else None
    old = before if isinstance(before, Mapping) else {}
    fields = {str(field.path[0]): field for field in delta.fields if field.path and not situation.renames(field)}
    out = list(_libraries(address, old.get("preparer"), situation.provider_recipe, "prepare" in fields))
    if not {"build.columns", "build.rows"} & {*delta.inputs} or {"prepare", "split"} & {*fields}:
        return tuple(out)
    other = _other_data(old.get("columns"), outlined)
    if "from" in fields:
        detail = f"{fields['from'].after} is not {fields['from'].before}, which it was made of: {other}"
        out.append(Cause(code=CauseCode.DATA, address=address, detail=detail))
    elif not out and not any(outlook.changes for outlook in situation.upstream.values()):
        detail = f"it was made of other data than its source holds now: {other}"
        out.append(Cause(code=CauseCode.DATA, address=address, detail=detail))
    return tuple(out)


def _libraries(address: Address, before: Json, after: Mapping[str, Json], edited: bool) -> Iterator[Cause]:
    """Yield what runs the steps and is another; where the steps were ``edited``, others may ask for others."""
    old = before if isinstance(before, Mapping) else {}
    names = {*old, *after} if not edited else {*old} & {*after}
    return library_causes(address, old, after, names, "the preparer's")


def _other_data(before: Json, outlined: Outline) -> str:
    if not isinstance(before, Mapping) or outlined.columns is None:
        return "other content"
    now = {name: column["digest"] for name, column in outlined.columns.items()}
    names = sorted(str(name) for name in {*before, *now} if before.get(name) != now.get(name))
    return _listed(tuple(names)) or "other rows"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
