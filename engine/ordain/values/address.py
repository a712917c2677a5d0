"""Names of things: an ``Address`` names a resource or a setting, a ``Reference`` one of its outputs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter

NAME = re.compile(r"[a-z][a-z0-9-]*")
KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,62}")
"""The key of one of several resources that a document with ``for_each`` stands for."""
ADDRESS_PATTERN = rf"([a-z][a-z0-9_]*)\.([a-z][a-z0-9-]*)(?:\[\"?({KEY.pattern})\"?\])?"
_ADDRESS = re.compile(ADDRESS_PATTERN)
_REFERENCE = re.compile(rf"{ADDRESS_PATTERN}\.outputs((?:\..+)?)", re.DOTALL)
_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=256)
def snake(kind: str) -> str:
    """Return a kind's word in addresses: ``DataSource`` → ``data_source``."""
    return _BOUNDARY.sub("_", kind).lower()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Address:
    """The name of a resource or setting: the kind in snake_case, a dot, the name (``model.subscriber``).

    ``key`` tells the resources of one document with ``for_each`` apart (``model.churn["north"]``); "" for all others.
    """

    kind: str
    name: str
    key: str = ""
    _hash: int = field(init=False, repr=False, compare=False)
    # A plan of 10,000 resources asks for half a million hashes of addresses: kept, it takes a third of the time.

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.kind, self.name, self.key)))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:  # another process hashes texts differently
        return _address, (self.kind, self.name, self.key)

    @staticmethod
    def parse(text: str) -> Address:
        """Return the address that ``text`` spells; raise ``ValueError`` where it spells none."""
        return _parse(text)

    @staticmethod
    def of(kind: str, name: str) -> Address:
        """Return the address of a document of ``kind`` (``DataSource``) called ``name``."""
        return Address(kind=snake(kind), name=name)

    @property
    def base(self) -> Address:
        """The address without its key: that of the document."""
        return Address(kind=self.kind, name=self.name) if self.key else self

    @property
    def slug(self) -> str:
        """The address as the name of a file or folder: ``model.churn@north``."""
        return f"{self.kind}.{self.name}@{self.key}" if self.key else f"{self.kind}.{self.name}"

    def __str__(self) -> str:
        return f'{self.kind}.{self.name}["{self.key}"]' if self.key else f"{self.kind}.{self.name}"


BY_ADDRESS = attrgetter("kind", "name", "key")
"""The order of addresses, as a sort key: comparing addresses themselves takes ten times as long."""


def _address(kind: str, name: str, key: str) -> Address:
    return Address(kind=kind, name=name, key=key)


@lru_cache(maxsize=200_000)
def _parse(text: str) -> Address:
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an address: write kind.name, as in model.subscriber")
    return Address(kind=match[1], name=match[2], key=match[3] or "")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Reference:
    """One output of a resource: ``model.subscriber.outputs.version`` (an empty path is all outputs)."""

    address: Address
    path: tuple[str, ...]

    @staticmethod
    def parse(text: str) -> Reference:
        """Return the reference that ``text`` spells; raise ``ValueError`` where it spells none."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no reference: write kind.name.outputs.name")
        path = tuple(match[4][1:].split(".")) if match[4] else ()
        return Reference(address=Address(kind=match[1], name=match[2], key=match[3] or ""), path=path)

    def __str__(self) -> str:
        return ".".join((str(self.address), "outputs", *self.path))
