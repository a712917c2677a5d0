"""Why a model moves where no change upstream accounts for it, and why it does not where one could be thought to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ordain.api.kind import Delta, Situation
from ordain.kinds.libraries import library_causes
from ordain.kinds.model_groups import sensitive
from ordain.kinds.model_outline import Columns, outline
from ordain.values.address import Address
from ordain.values.change import Cause, CauseCode
from ordain.values.data import Json

_SHOWN = 6
_CHOOSE = ("features", "roles", "target")
"""The fields that say which columns are read: another read-set is its own cause."""


def own_causes(situation: Situation, delta: Delta, build: Mapping[str, Json]) -> Iterator[Cause]:
    """Yield what differs in the inputs (``build`` are those of now) and no upstream change accounts for."""
    record = situation.record
    before = record.inputs.get("build") if record is not None else None
    old = before if isinstance(before, Mapping) else {}
    address = situation.resource.address
    if "build.provider" in delta.inputs and old.get("provider") is not None and build.get("provider") is not None:
        yield from _libraries(address, old.get("provider"), build.get("provider"))
    yield from _groups(situation, delta)
    if not {"build.columns", "build.rows"} & {*delta.inputs} or "rows" not in old or "rows" not in build:
        return
    fields = {str(field.path[0]): field for field in delta.fields if field.path and not situation.renames(field)}
    if "dataset" in fields:
        yield _data(situation, old, build, f"{fields['dataset'].before}, which {address} was trained on")
    elif not {*_CHOOSE} & {*fields} and not any(outlook.changes for outlook in situation.upstream.values()):
        yield _data(situation, old, build, f"what {address} was trained on")


def _groups(situation: Situation, delta: Delta) -> Iterator[Cause]:
    """Yield that the groups its metrics compare are others; where the spec or an upstream change says so, they do."""
    fields = {str(field.path[0]) for field in delta.fields if field.path}
    told = {"roles", "metrics"} & fields or any(outlook.changes for outlook in situation.upstream.values())
    if "judge.sensitive" in delta.inputs and not told:
        dataset = Address.parse(str((situation.spec or {}).get("dataset")))
        names = _listed(list(sensitive(situation.spec or {})))
        detail = f"{dataset} holds other groups than its metrics compare: {names}"
        yield Cause(code=CauseCode.DATA, address=dataset, detail=detail)


def _data(situation: Situation, old: Mapping[str, Json], new: Mapping[str, Json], other: str) -> Cause:
    dataset = Address.parse(str((situation.spec or {}).get("dataset")))
    names = _changed(old.get("columns"), new.get("columns"))
    what = f"column{'s' if len(names) > 1 else ''} {_listed(names)}" if names else "other rows"
    return Cause(
        code=CauseCode.DATA,
        address=dataset,
        detail=f"{dataset} is not {other}: {what}",
        data={"columns": names},
    )


def unread(situation: Situation) -> tuple[str, ...]:
    """Return a note where data moved in columns that the model does not read; () where nothing of the kind happened.

    To be asked where nothing is trained.
    """
    dataset = situation.upstream.get(Address.parse(str((situation.spec or {}).get("dataset"))))
    moved = dataset.facts.get("moved") if dataset is not None else None
    if dataset is None or not isinstance(moved, list | tuple) or not moved:
        return ()
    outlined = outline(situation)
    if outlined.promoted:  # it reads the data of the environment it comes from, whatever moved here
        return ()
    judged: Columns = {name: {} for name in sensitive(situation.spec or {})}
    read = reads({**outlined.columns, **judged}, dataset.facts)
    names = sorted(str(name) for name in moved if read is not None and name not in read)
    if not names:
        return ()
    return (f"{dataset.facts.get('from')} changed in {_listed(names)}, not read by {situation.resource.address}",)


def reads(columns: Columns, dataset: Mapping[str, Json]) -> frozenset[str] | None:
    """Return the columns of the data source behind ``columns`` of its dataset; None where SQL decides them."""
    known = dataset.get("columns")
    if not isinstance(known, Mapping):
        return None
    found = (known.get(name) for name in columns)
    behind = (column.get("reads") for column in found if isinstance(column, Mapping))
    return frozenset(str(one) for names in behind if isinstance(names, list | tuple) for one in names)


def _changed(before: Json, after: Json) -> list[str]:
    old, new = (before if isinstance(before, Mapping) else {}), (after if isinstance(after, Mapping) else {})
    return sorted(str(name) for name in {*old, *new} if old.get(name) != new.get(name))


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _libraries(address: Address, before: Json, after: Json) -> Iterator[Cause]:
    old, new = (before if isinstance(before, Mapping) else {}), (after if isinstance(after, Mapping) else {})
    return library_causes(address, old, new, {*old, *new}, "the trainer's")
