"""Values to JSON and back: one encoder and one decoder, driven by the dataclasses themselves.

Encoding leaves out fields that stand at their default, writes an ``Address`` as its text and an unknown or secret
leaf as ``{"$unknown": …}`` / ``{"$secret": …}``. Data that itself looks like such a mark is wrapped in
``{"$plain": …}``, so that whatever a user or a data set holds comes back as it was. ``canonical`` bytes have sorted
keys: same value, same bytes.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import orjson

from ordain.values.address import Address, Reference
from ordain.values.data import Json, Secret, Tree, Unknown

T = TypeVar("T")
MARKS = {"$unknown": Unknown, "$secret": Secret}
_RESERVED = frozenset((*MARKS, "$int", "$plain"))
_MARK = re.compile(rb'"\$(?:unknown|secret|int|plain)"')
_MISSING = dataclasses.MISSING
_CONTAINERS = frozenset((dict, list))


@cache
def _fields(cls: Any) -> tuple[tuple[str, object], ...]:
    out = []
    for field in dataclasses.fields(cls):
        factory = field.default_factory
        out.append((field.name, factory() if factory is not _MISSING else field.default))
    return tuple(out)


def _plain(value: object) -> dict[str, object]:
    out: dict[str, object] = {}
    for name, default in _fields(typing.cast(Any, type(value))):
        item = getattr(value, name)
        if default is _MISSING or (item is not default and item != default):
            out[name] = item
    return out


def _default(value: object) -> object:
    if isinstance(value, Address | Reference):
        return str(value)
    if isinstance(value, Unknown):
        return {"$unknown": _plain(value)}
    if isinstance(value, Secret):
        return {"$secret": _plain(value)}
    if dataclasses.is_dataclass(value):
        return _plain(value)
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} has no place in a value")


def _marked(value: Any) -> Any:
    """Return ``value`` as data that orjson encodes alone, with what only looks like a mark wrapped."""
    if isinstance(value, Unknown | Secret):
        mark = "$unknown" if isinstance(value, Unknown) else "$secret"
        return {mark: {name: _marked(item) for name, item in _plain(value).items()}}
    if isinstance(value, Address | Reference):
        return str(value)
    if dataclasses.is_dataclass(value):
        return {name: _marked(item) for name, item in _plain(value).items()}
    if isinstance(value, Mapping):
        out = {key: _marked(item) for key, item in value.items()}
        return {"$plain": out} if len(out) == 1 and not _RESERVED.isdisjoint(out) else out
    if isinstance(value, list | tuple):
        return [_marked(item) for item in value]
    return {"$int": str(value)} if isinstance(value, int) and not -(2**63) <= value < 2**64 else value


def _encode(value: object, options: int) -> bytes:
    try:
        out = orjson.dumps(value, _default, orjson.OPT_PASSTHROUGH_DATACLASS | options)
    except orjson.JSONEncodeError:  # an integer of more than 64 bits, which orjson refuses; or no value at all
        return orjson.dumps(_marked(value), _default, options)
    # Looking for a dollar sign is nearly free; only few values have a mark, and only they need the slow way.
    return orjson.dumps(_marked(value), _default, options) if b'"$' in out and _MARK.search(out) else out


def dumps(value: object, *, indent: bool = False) -> bytes:
    """Return JSON bytes of a value (dataclasses, addresses and leaves included), keys in the order they stand."""
    return _encode(value, orjson.OPT_INDENT_2 if indent else 0)


def spelled_out(value: object) -> object:
    """Return a value with every field of its dataclasses in place, those at their default included, for ``dumps``."""
    if isinstance(value, list | tuple):
        return [spelled_out(item) for item in value]
    if not dataclasses.is_dataclass(value) or isinstance(value, Address | Reference | Unknown | Secret):
        return value
    return {name: spelled_out(getattr(value, name)) for name, _ in _fields(typing.cast(Any, type(value)))}


def canonical(value: object) -> bytes:
    """Return the canonical bytes of a value: compact JSON with sorted keys."""
    return _encode(value, orjson.OPT_SORT_KEYS)


def plain(value: object) -> Json:
    """Return a value as plain JSON data."""
    return typing.cast(Json, orjson.loads(dumps(value)))


def loads(data: bytes | str) -> Json:
    """Parse JSON; raise ``ValueError`` where it is none."""
    return typing.cast(Json, orjson.loads(data))


def decode(cls: type[T], data: Json, *, lenient: bool = False) -> T:
    """Return the ``cls`` that ``data`` encodes; raise ``ValueError`` for a wrong shape or a field it does not know.

    ``lenient``: for looking only. Fields it does not know are passed over, and an unknown word of an enum stands for
    itself: a member that is none of those there are.
    """
    return typing.cast(T, _decoder(typing.cast(Any, cls), lenient)(data))


def _tree(data: Any) -> Any:
    kind = type(data)
    if kind is dict:
        if len(data) == 1:
            ((mark, inner),) = data.items()
            if mark in MARKS:
                return decode(MARKS[mark], inner)
            if mark == "$int":
                return int(inner)
            if mark == "$plain":
                return {key: _tree(item) for key, item in _dict(inner).items()}
        for key, item in data.items():
            if type(item) in _CONTAINERS:
                data[key] = _tree(item)
    elif kind is list:
        for index, item in enumerate(data):
            if type(item) in _CONTAINERS:
                data[index] = _tree(item)
    return data


def revive(data: Json) -> Tree:
    """Turn the marks of encoded leaves back into leaves, in freshly parsed JSON."""
    return typing.cast(Tree, _tree(data))


def _reference(text: Any) -> Reference:
    return Reference.parse(text)


class _DataclassDecoder:
    """Makes instances of one slotted dataclass, writing its slots directly.

    Its ``__init__`` would take a third of the time of reading a state. Nothing else is left out: the values have no
    ``__post_init__``, and fields that are missing or not known are refused here.
    """

    __slots__ = ("_cls", "_defaults", "_fields", "_lenient")

    def __init__(self, cls: Any, lenient: bool) -> None:
        self._cls = cls
        self._lenient = lenient
        self._fields: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], None]]] = {}
        self._defaults: dict[str, Any] = {}

    def _prepare(self) -> None:  # when it is first used: dataclasses may hold each other
        hints = typing.get_type_hints(self._cls)
        fields = dataclasses.fields(self._cls)
        self._defaults = {field.name: field for field in fields}
        self._fields = {
            field.name: (_decoder(hints[field.name], self._lenient), getattr(self._cls, field.name).__set__)
            for field in fields
        }

    def __call__(self, data: Any) -> Any:
        if type(data) is not dict:
            raise ValueError(f"expected an object for {self._cls.__name__}")
        if not self._fields:
            self._prepare()
        fields = self._fields
        if self._lenient:
            data = {name: item for name, item in data.items() if name in fields}
        value = self._cls.__new__(self._cls)
        try:
            for name, item in data.items():
                decode_field, put = fields[name]
                put(value, decode_field(item))
        except KeyError as error:
            raise ValueError(f"{self._cls.__name__} has no field {error.args[0]!r}") from None
        except TypeError as error:
            raise ValueError(f"{self._cls.__name__}: {error}") from None
        if len(data) < len(fields):
            self._fill(value, data)
        return value

    def _fill(self, value: Any, data: dict[str, Any]) -> None:
        for name, (_, put) in self._fields.items():
            if name not in data:
                field = self._defaults[name]
                if field.default is not _MISSING:
                    put(value, field.default)
                elif field.default_factory is not _MISSING:
                    put(value, field.default_factory())
                else:
                    raise ValueError(f"{self._cls.__name__} lacks the field {name!r}")


def _scalar(kind: type) -> Callable[[Any], Any]:
    def decode_one(data: Any) -> Any:
        if type(data) is kind:  # nearly always; the rest is for subclasses and for integers that stand for floats
            return data
        if kind is float and isinstance(data, int) and not isinstance(data, bool):
            return data
        if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
            raise ValueError(f"expected {kind.__name__}, found {type(data).__name__}")
        return data

    return decode_one


def _word(kind: Any) -> Callable[[Any], Any]:
    """Decode a word of an enum, or take one that it does not have for a member of its own."""

    def decode_one(data: Any) -> Any:
        if not isinstance(data, str) or data in {one.value for one in kind}:
            return kind(data)
        member = str.__new__(kind, data)
        member._name_ = member._value_ = data
        return member

    return decode_one


def _union_decoder(arms: tuple[Any, ...], lenient: bool) -> Callable[[Any], Any]:
    if set(arms) & {Unknown, Secret} or any(typing.get_origin(arm) for arm in arms if arm not in (type(None),)):
        concrete = [arm for arm in arms if arm is not type(None)]
        if len(concrete) != 1:
            return _tree
    inner = [_decoder(arm, lenient) for arm in arms if arm is not type(None)]
    if len(inner) != 1:
        return _tree
    one = inner[0]
    return lambda data: None if data is None else one(data)


@cache
def _decoder(hint: Any, lenient: bool) -> Callable[[Any], Any]:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Address:
        return Address.parse
    if hint is Reference:
        return _reference
    if origin in (typing.Union, types.UnionType):
        return _union_decoder(args, lenient)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        item = _decoder(args[0], lenient)
        return lambda data: tuple([item(x) for x in _list(data)])
    if origin is tuple:
        items = [_decoder(arg, lenient) for arg in args]
        return lambda data: tuple(one(x) for one, x in zip(items, _list(data), strict=True))
    if origin is not None and issubclass(origin, Mapping):
        value = _decoder(args[1], lenient)
        return _tree if value is _tree else lambda data: {key: value(x) for key, x in _unwrapped(data).items()}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _word(hint) if lenient and issubclass(hint, str) else hint
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _DataclassDecoder(hint, lenient)
    return _scalar(hint) if hint in (str, int, float, bool) else _tree


def _list(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise ValueError("expected a list")
    return data


def _unwrapped(data: Any) -> dict[str, Any]:
    return _dict(data["$plain"]) if len(_dict(data)) == 1 and "$plain" in data else data


def _dict(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValueError("expected an object")
    return data
