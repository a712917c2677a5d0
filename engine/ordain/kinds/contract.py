"""Data contracts: what a document asks of its data, and what the data's profile has to say to it.

A contract is judged from the profile alone, so that planning reads the data once. What the profile cannot tell (the
values of a column with more than 1,000 levels) is said to be unknown, never passed.
"""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
    model_serializer,
    model_validator,
)

from ordain.api.fields import Spec
from ordain.values.address import Address
from ordain.values.data import Json, Path
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, Severity

ColumnType = Literal["integer", "number", "boolean", "category", "text", "datetime", "date"]
Bound = StrictInt | StrictFloat | StrictStr

_FITS: Mapping[str, tuple[str, ...]] = {"number": ("number", "integer"), "text": ("text", "category")}
"""What besides itself a type in a contract takes: an integer is a number, a category a text."""
_ORDERED = ("integer", "number", "datetime", "date")
_TIMES = ("datetime", "date")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)


class _Terse(Spec):
    """A rule whose clauses that were not written stay out of the normalised spec."""

    @model_serializer(mode="wrap")
    def _written(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in inner(self).items() if value is not None}


class RowsRule(_Terse):
    """How many rows there may be, both ends included."""

    min: int | None = Field(default=None, ge=0, description="fewest rows")
    max: int | None = Field(default=None, ge=0, description="most rows")

    @model_validator(mode="after")
    def _ordered(self) -> RowsRule:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class ColumnRule(_Terse):
    """What one column must be. Ends are included; dates and datetimes are bounded by ISO texts."""

    type: ColumnType | None = Field(
        default=None, description="what its values are; an integer fits ``number``, a category fits ``text``"
    )
    min: Bound | None = Field(default=None, description="least value")
    max: Bound | None = Field(default=None, description="greatest value")
    values: Annotated[tuple[StrictBool | StrictInt | StrictFloat | StrictStr, ...], Field(min_length=1)] | None = Field(
        default=None, description="the values there may be"
    )
    nullable: bool = Field(default=True, description="whether cells may be empty")
    max_null_share: float | None = Field(
        default=None, ge=0, le=1, description="the greatest share of empty cells, from 0 to 1"
    )
    unique: bool = Field(default=False, description="whether no value may come twice")
    pattern: str | None = Field(default=None, description="a regular expression (RE2) that matches the whole text")
    personal: bool = Field(default=False, description="whether it is personal data; policies see it")
    required: bool = Field(default=True, description="whether the column must be there")
    description: str = Field(default="", description="for people")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _consistent(self) -> ColumnRule:
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        if bounds and self.type is not None and self.type not in _ORDERED:
            raise ValueError(f"min and max need a column that has an order, and a {self.type} has none")
        if self.pattern is not None and self.type not in (None, "text", "category"):
            raise ValueError(f"a pattern is for texts, and this column is {_a(str(self.type))}")
        times = [bound for bound in bounds if isinstance(bound, str)]
        if (times and len(times) < len(bounds)) or (bounds and self.type and bool(times) != (self.type in _TIMES)):
            raise ValueError("min and max are numbers for numbers, and ISO texts (2024-01-31) for dates and datetimes")
        for time in times:
            moment(time)
        if self.min is not None and self.max is not None and _key(self.min) > _key(self.max):
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class Contract(Spec):
    """What must hold of the data before anything is made of it."""

    rows: RowsRule | None = Field(default=None, description="how many rows there may be")
    columns: dict[str, ColumnRule] = Field(default_factory=dict, description="rules by column name")
    closed: bool = Field(default=False, description="whether the data may have no other columns")
    on_fail: Literal["stop", "quarantine", "warn"] = Field(
        default="stop",
        description="``stop``: nothing is made of it, exit 7; ``warn``: it is only said; ``quarantine``: not yet",
    )

    @field_validator("on_fail")
    @classmethod
    def _supported(cls, on_fail: str) -> str:
        if on_fail == "quarantine":
            raise ValueError("quarantine is not supported yet: write stop or warn")
        return on_fail


@dataclass(frozen=True, slots=True, kw_only=True)
class _Breach:
    """One clause that does not hold, or (not ``known``) cannot be judged; ``wrong`` where the clause is a mistake."""

    clause: str
    path: Path
    summary: str
    detail: str = ""
    known: bool = True
    wrong: bool = False


def breaches(contract: Contract, facts: Mapping[str, Json], address: Address) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each clause that the profile breaks (exit 7), and a warning for each it cannot tell."""
    found = (*_rows(contract.rows, _count(facts, "rows")), *_columns(contract, facts))
    return tuple(_diagnostic(breach, contract.on_fail, address) for breach in found)


def _diagnostic(breach: _Breach, on_fail: str, address: Address) -> Diagnostic:
    path: Path = ("spec", "contract", *breach.path)
    if breach.wrong:
        return Diagnostic(
            code=f"contract-{breach.clause}-unfit",
            summary=breach.summary,
            detail=breach.detail,
            fix="correct the contract",
            address=address,
            path=path,
        )
    fix = "correct the data, or loosen the contract if the data is right"
    warn = on_fail == "warn" or not breach.known
    return Diagnostic(
        code=f"contract-{breach.clause}" + ("" if breach.known else "-unknown"),
        summary=breach.summary,
        detail=breach.detail,
        fix=fix if breach.known else "check it where the data is made, or take the clause out",
        severity=Severity.WARNING if warn else Severity.ERROR,
        blame=Blame.WORLD,
        exit=ExitCode.GATE,
        address=address,
        path=path,
    )


def _rows(rule: RowsRule | None, rows: int) -> Iterator[_Breach]:
    if rule is None:
        return
    if rule.min is not None and rows < rule.min:
        yield _Breach(
            clause="rows", path=("rows", "min"), summary=f"{rows:,} rows, contract says at least {rule.min:,}"
        )
    if rule.max is not None and rows > rule.max:
        yield _Breach(clause="rows", path=("rows", "max"), summary=f"{rows:,} rows, contract says at most {rule.max:,}")


def _columns(contract: Contract, facts: Mapping[str, Json]) -> Iterator[_Breach]:
    there = facts.get("columns")
    columns = there if isinstance(there, Mapping) else {}
    for name, rule in contract.columns.items():
        profile = columns.get(name)
        if isinstance(profile, Mapping):
            yield from _column(name, rule, profile, _count(facts, "rows"))
        elif rule.required:
            near = difflib.get_close_matches(name, [str(one) for one in columns], n=1)
            yield _Breach(
                clause="missing",
                path=("columns", name),
                summary=f"{name}: no such column, contract requires it",
                detail=f"the nearest name is {near[0]}" if near else f"there are: {', '.join(map(str, columns))}"[:300],
            )
    strange = [str(name) for name in columns if name not in contract.columns] if contract.closed else []
    if strange:
        word = "column" if len(strange) == 1 else "columns"
        said = f"{len(strange)} {word} the contract does not name: {', '.join(strange[:8])}"
        yield _Breach(clause="closed", path=("closed",), summary=said + (" …" if len(strange) > 8 else ""))


def _column(name: str, rule: ColumnRule, profile: Mapping[str, Json], rows: int) -> Iterator[_Breach]:
    nulls, word = _count(profile, "nulls"), str(profile.get("type"))
    empty = nulls == rows
    if rule.type is not None and not empty and word not in _FITS.get(rule.type, (rule.type,)):
        yield _Breach(
            clause="type",
            path=("columns", name, "type"),
            summary=f"{name}: {_a(word)}, contract says {rule.type}",
            detail=f"{_count(profile, 'distinct'):,} different values" + ("" if rule.personal else _examples(profile)),
        )
        return
    if not rule.nullable and nulls:
        yield _Breach(
            clause="null",
            path=("columns", name, "nullable"),
            summary=f"{name}: {nulls:,} {'null' if nulls == 1 else 'nulls'}, contract says none",
        )
    share = nulls / rows if rows else 0.0
    if rule.max_null_share is not None and share > rule.max_null_share:
        yield _Breach(
            clause="null",
            path=("columns", name, "max_null_share"),
            summary=f"{name}: {share:.2%} null, contract says at most {rule.max_null_share:.2%}",
            detail=f"{nulls:,} of {rows:,} rows",
        )
    distinct = _count(profile, "distinct")
    if rule.unique and distinct < rows - nulls:
        yield _Breach(
            clause="unique",
            path=("columns", name, "unique"),
            summary=f"{name}: {rows - nulls - distinct:,} values occur again, contract says each once",
        )
    if not empty:
        yield from _bounds(name, rule, profile, word)
        yield from _values(name, rule, profile)
        yield from _pattern(name, rule, profile, word)


def _bounds(name: str, rule: ColumnRule, profile: Mapping[str, Json], word: str) -> Iterator[_Breach]:
    for end, bound in (("min", rule.min), ("max", rule.max)):
        if bound is None:
            continue
        path: Path = ("columns", name, end)
        found = profile.get(end)
        fits = word in _ORDERED and isinstance(bound, str) == (word in _TIMES)
        if not fits:
            said = f"{name}: {end} {bound} does not fit {_a(word)}"
            yield _Breach(clause=end, path=path, summary=said, wrong=True)
        elif profile.get("infinite"):
            said = f"{name}: {_count(profile, 'infinite'):,} infinite values, contract says {end} {bound}"
            yield _Breach(clause=end, path=path, summary=said)
        elif isinstance(found, int | float | str):
            beyond = _key(found) < _key(bound) if end == "min" else _key(found) > _key(bound)
            if beyond:
                least = "lowest" if end == "min" else "highest"
                shown = "beyond it" if rule.personal else str(found)
                said = f"{name}: the {least} value is {shown}, contract says {end} {bound}"
                yield _Breach(clause=end, path=path, summary=said)


def _values(name: str, rule: ColumnRule, profile: Mapping[str, Json]) -> Iterator[_Breach]:
    if rule.values is None:
        return
    path: Path = ("columns", name, "values")
    counted = profile.get("categories")
    if not isinstance(counted, Mapping):
        said = f"{name}: {_count(profile, 'distinct'):,} different values are too many to compare with the contract's"
        yield _Breach(clause="values", path=path, summary=said, known=False)
        return
    allowed = {_level(value) for value in rule.values}
    strange = {str(level): count for level, count in counted.items() if str(level) not in allowed}
    if strange:
        cells = sum(count for count in strange.values() if isinstance(count, int))
        shown = f"{len(strange)} of them" if rule.personal else _some(list(strange))
        cell = "cell" if cells == 1 else "cells"
        yield _Breach(
            clause="values",
            path=path,
            summary=f"{name}: {cells:,} {cell} with a value the contract does not list: {shown}",
            detail=f"it lists {', '.join(sorted(allowed))}"[:300],
        )


def _pattern(name: str, rule: ColumnRule, profile: Mapping[str, Json], word: str) -> Iterator[_Breach]:
    if rule.pattern is None:
        return
    path: Path = ("columns", name, "pattern")
    counted = profile.get("categories")
    if word not in ("text", "category"):
        yield _Breach(clause="pattern", path=path, summary=f"{name}: a pattern does not fit {_a(word)}", wrong=True)
        return
    if not isinstance(counted, Mapping):
        said = f"{name}: {_count(profile, 'distinct'):,} different values are too many to try the pattern on"
        yield _Breach(clause="pattern", path=path, summary=said, known=False)
        return
    try:
        misses = _mismatches(rule.pattern, [str(level) for level in counted])
    except ValueError as error:
        yield _Breach(clause="pattern", path=path, summary=f"{name}: {error}", wrong=True)
        return
    if misses:
        shown = "" if rule.personal else f": {_some(misses)}"
        said = f"{name}: {len(misses):,} values do not match {rule.pattern}{shown}"
        yield _Breach(clause="pattern", path=path, summary=said)


def _mismatches(pattern: str, texts: list[str]) -> list[str]:
    """Match with RE2, whose time is linear: a pattern in a stranger's pull request cannot hang the plan."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        hits = pc.match_substring_regex(pa.array(texts, pa.string()), rf"\A(?:{pattern})\z").to_pylist()
    except pa.ArrowInvalid as error:
        raise ValueError(f"not a regular expression of RE2 (no look-around, no back references): {error}") from None
    return [text for text, hit in zip(texts, hits, strict=True) if not hit]


def _examples(profile: Mapping[str, Json]) -> str:
    counted = profile.get("categories")
    if isinstance(counted, Mapping) and counted:
        return f", as {_some([str(level) for level in counted])}"
    return ""


def _some(texts: list[str]) -> str:
    return ", ".join(repr(text[:60]) for text in texts[:5]) + (" …" if len(texts) > 5 else "")


def _level(value: bool | int | float | str) -> str:
    """Spell a value as the profile spells its levels."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _key(bound: int | float | str) -> int | float:
    """Return what a bound is compared by: a number itself, a moment in microseconds."""
    return (moment(bound) - _EPOCH) // _MICROSECOND if isinstance(bound, str) else bound


def moment(text: str) -> datetime.datetime:
    """Return the moment an ISO text names (UTC where it names no zone); raise ``ValueError`` where it names none."""
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no ISO date or datetime: write 2024-01-31 or 2024-01-31T12:00:00") from None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _count(facts: Mapping[str, Json], name: str) -> int:
    value = facts.get(name)
    return value if isinstance(value, int) else 0


def _a(word: str) -> str:
    return f"an {word}" if word[:1] in "aeiou" else f"a {word}"
