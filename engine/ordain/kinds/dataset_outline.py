"""What a dataset will be, known before any row is read: the lineage of each column as a digest.

```
source columns ─ drop ─ rename ─ derive ─┐
source rows ───── filter ────────────────┴─ split ─→ {"rows": …, "columns": {name: {"digest": …}}}
```

A column's digest covers all that decides its values and nothing else, so that a column nobody reads moves nobody. The
rows' digest covers all that decides which rows there are and on which side of the split. Where an expression decides,
the version of what runs it (``preparer``) is part of it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ordain.kinds.sql_reads import columns_read, volatile
from ordain.values.data import Json, Path, Tree
from ordain.values.fingerprint import digest
from ordain.values.record import ResourceRecord, VersionRecord

Column = Mapping[str, Json]
_FEW_LEVELS = 20
"""Levels of a column that dependents are told; a target with more is hardly one to classify by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """``rows`` and each column's ``digest`` as in the module; ``columns`` is None where SQL decides them.

    A column: ``{"digest", "type", "personal", "reads": [columns of the source], "levels": [where they are few and
    known]}``; the type of a derived one is ``unknown``. ``personal`` says whether any personal column may still be in
    it. ``preparer`` is what of the provider counts; ``gone`` are columns that a step leaves out and that need not be
    there any more, by their place in the spec.
    """

    rows: str
    columns: Mapping[str, Column] | None
    personal: bool
    count: int | None
    preparer: Mapping[str, Json] = field(default_factory=dict)
    may_go: frozenset[str] = frozenset()
    gone: tuple[tuple[Path, str], ...] = ()


class OutlineError(ValueError):
    """A step that cannot work; ``path`` is where it stands in the spec."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


def outline(
    spec: Mapping[str, Json],
    source: Mapping[str, Json],
    preparer: Mapping[str, Json],
    may_go: frozenset[str] = frozenset(),
) -> Outline:
    """Return the outline of a dataset from its normalised spec, the facts of its source and what runs the steps.

    ``may_go`` are columns that a drop may name although they are not there. Runs nothing and reads no data. Raises
    ``OutlineError`` for a step that cannot work.
    """
    count = source.get("rows")
    start = _source_columns(source)
    state = Outline(
        rows=digest(["rows", count]),
        columns=start,
        personal=any(bool(column["personal"]) for column in start.values()),
        count=count if isinstance(count, int) else None,
        preparer=preparer,
        may_go=may_go,
    )
    prepare = spec.get("prepare")
    for index, step in enumerate(prepare if isinstance(prepare, list | tuple) else ()):
        assert isinstance(step, Mapping)
        ((word, argument),) = step.items()
        state = _STEPS[word](state, argument, ("prepare", index, word))
    split = spec.get("split")
    return _split(state, split if isinstance(split, Mapping) else {})


def left_out(
    spec: Mapping[str, Json],
    spec_recipe: str,
    record: ResourceRecord | None,
    versions: Iterable[VersionRecord],
) -> frozenset[str]:
    """Return the columns that drops of this spec name and that once were there to be dropped.

    Those are the ones that what stands drops too, and all of them where this very preparation made a version before.
    """
    asked = frozenset(_dropped(spec))
    if any(one.spec_recipe == spec_recipe for one in versions):
        return asked
    return asked & frozenset(_dropped(record.spec)) if record is not None else frozenset()


def _dropped(spec: Mapping[str, Tree]) -> Iterator[str]:
    steps = spec.get("prepare")
    for step in steps if isinstance(steps, list | tuple) else ():
        names = step.get("drop") if isinstance(step, Mapping) else None
        yield from (str(name) for name in (names if isinstance(names, list | tuple) else ()))


def without_gone(spec: Mapping[str, Json], outlined: Outline) -> Mapping[str, Json]:
    """Return the spec without the drops of columns that are not there."""
    gone = {path for path, _ in outlined.gone}
    prepare = spec.get("prepare")
    steps = list(prepare) if isinstance(prepare, list | tuple) else []
    for number, step in enumerate(steps):
        names = step.get("drop") if isinstance(step, Mapping) else None
        if isinstance(names, list | tuple):
            left = [name for place, name in enumerate(names) if ("prepare", number, "drop", place) not in gone]
            steps[number] = {"drop": left}
    return {**spec, "prepare": steps} if gone else spec


def _source_columns(source: Mapping[str, Json]) -> dict[str, Column]:
    columns = source.get("columns")
    return {
        str(name): {
            "digest": profile["digest"],
            "type": profile["type"],
            "personal": bool(profile.get("personal")),
            "reads": [name],
            **_levels(profile),
        }
        for name, profile in (columns.items() if isinstance(columns, Mapping) else ())
        if isinstance(profile, Mapping)
    }


def _levels(profile: Column) -> Mapping[str, Json]:
    counted = profile.get("categories")
    few = isinstance(counted, Mapping) and len(counted) <= _FEW_LEVELS and profile["type"] in ("category", "boolean")
    return {"levels": sorted(counted)} if few and isinstance(counted, Mapping) else {}


def _drop(state: Outline, argument: Json, path: Path) -> Outline:
    names = [str(name) for name in argument] if isinstance(argument, list | tuple) else []
    if state.columns is None:
        return replace(state, rows=digest(["drop", names, state.rows]))
    gone: list[tuple[Path, str]] = []
    for index, name in enumerate(names):
        if name not in state.columns and name in state.may_go:
            gone.append(((*path, index), name))
        else:
            _exists(name, state.columns, (*path, index))
    left = {name: column for name, column in state.columns.items() if name not in names}
    if not left:
        raise OutlineError(path, "no column would be left")
    return replace(_with_columns(state, left), gone=(*state.gone, *gone))


def _rename(state: Outline, argument: Json, path: Path) -> Outline:
    names = {str(old): str(new) for old, new in argument.items()} if isinstance(argument, Mapping) else {}
    if state.columns is None:
        return replace(state, rows=digest(["rename", names, state.rows]))
    for name in names:
        _exists(name, state.columns, (*path, name))
    out: dict[str, Column] = {}
    for name, column in state.columns.items():
        new = names.get(name, name)
        if new in out:
            raise OutlineError((*path, name) if name in names else path, f"two columns would be called {new}")
        out[new] = column
    return _with_columns(state, out)


def _filter(state: Outline, argument: Json, path: Path) -> Outline:
    text = str(argument).strip()
    if state.columns is None:
        _steady(text, (), path)
        return replace(state, rows=digest(["filter", text, state.rows, state.preparer]), count=None)
    read = _read(text, state.columns, path)
    # Which levels are left is known when it has run.
    left = {name: {key: one[key] for key in one if key != "levels"} for name, one in state.columns.items()}
    rows = digest(["filter", text, _digests(read), state.rows, state.preparer])
    return replace(state, rows=rows, columns=left, count=None)


def _derive(state: Outline, argument: Json, path: Path) -> Outline:
    texts = {str(name): str(text).strip() for name, text in argument.items()} if isinstance(argument, Mapping) else {}
    if state.columns is None:
        for name, text in texts.items():
            _steady(text, (), (*path, name))
        return replace(state, rows=digest(["derive", texts, state.rows, state.preparer]))
    known = {name.lower(): name for name in state.columns}
    made: dict[str, Column] = {}
    for name, text in texts.items():
        if known.get(name.lower(), name) != name:
            raise OutlineError(
                (*path, name), f"{name} and {known[name.lower()]} differ only in case, as SQL reads them"
            )
        siblings = columns_read(text, (other for other in texts if other not in state.columns and other != name))
        if siblings:
            raise OutlineError((*path, name), f"it reads {siblings[0]}, which the same step makes: use a later step")
        read = _read(text, state.columns, (*path, name))
        made[name] = {
            # A window sees all rows there are at this point, so they decide the value too.
            "digest": digest(["derive", text, _digests(read), state.rows, state.preparer]),
            "type": "unknown",
            "personal": any(bool(column["personal"]) for column in read.values()),
            "reads": sorted({str(one) for column in read.values() for one in _list(column["reads"])}),
        }
    return _with_columns(state, {**state.columns, **made})


def _sql(state: Outline, argument: Json, path: Path) -> Outline:
    text = str(argument).strip()
    _steady(text, state.columns or (), path)
    if state.columns is not None:
        _one_case(state.columns, path)
    # Its columns are known when it has run: until then everything hangs on everything.
    before = _digests(state.columns) if state.columns is not None else None
    return replace(state, rows=digest(["sql", text, before, state.rows, state.preparer]), columns=None, count=None)


def _split(state: Outline, split: Mapping[str, Json]) -> Outline:
    column = split.get("column")
    group: Json = None
    if column is not None and state.columns is not None:
        _exists(str(column), state.columns, ("split", "column"))
        group = state.columns[str(column)]["digest"]
    # Its own recipe draws the split; the versions of what runs expressions have no part in it.
    return replace(state, rows=digest(["split", split, group, state.rows, state.preparer.get("recipe")]))


_STEPS: Mapping[str, Callable[[Outline, Json, Path], Outline]] = {
    "drop": _drop,
    "rename": _rename,
    "filter": _filter,
    "derive": _derive,
    "sql": _sql,
}


def _with_columns(state: Outline, columns: Mapping[str, Column]) -> Outline:
    return replace(state, columns=columns, personal=any(bool(column["personal"]) for column in columns.values()))


def _read(text: str, columns: Mapping[str, Column], path: Path) -> dict[str, Column]:
    _steady(text, columns, path)
    _one_case(columns, path)
    return {name: columns[name] for name in columns_read(text, columns)}


def _steady(text: str, columns: Iterable[str], path: Path) -> None:
    found = volatile(text, columns)
    if found is not None:
        raise OutlineError(path, f"{found} gives another answer each time, and a version must be made the same again")


def _one_case(columns: Iterable[str], path: Path) -> None:
    seen: dict[str, str] = {}
    for name in columns:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise OutlineError(path, f"SQL cannot tell the columns {other} and {name} apart: drop or rename one first")


def _exists(name: str, columns: Mapping[str, Column], path: Path) -> None:
    if name not in columns:
        near = difflib.get_close_matches(name, columns, n=1)
        there = f"did you mean {near[0]}?" if near else f"there are: {', '.join(columns)}"
        raise OutlineError(path, f"there is no column {name} at this point; {there}")


def _digests(columns: Mapping[str, Column]) -> dict[str, Json]:
    return {name: column["digest"] for name, column in columns.items()}


def _list(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list | tuple) else []
