"""Names of things: an ``Address`` names a resource or a setting, a ``Reference`` one of its outputs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

NAME = re.compile(r"[a-z][a-z0-9-]*")
_ADDRESS = re.compile(r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9-]*)")
_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=256)
def snake(kind: str) -> str:
    """Return a kind's word in addresses: ``DataSource`` → ``data_source``."""
    return _BOUNDARY.sub("_", kind).lower()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Address:
    """The name of a resource or setting: the kind in snake_case, a dot, the name (``model.subscriber``)."""

    kind: str
    name: str

    @staticmethod
    def parse(text: str) -> Address:
        """Return the address that ``text`` spells; raise ``ValueError`` where it spells none."""
        return _parse(text)

    @staticmethod
    def of(kind: str, name: str) -> Address:
        """Return the address of a document of ``kind`` (``DataSource``) called ``name``."""
        return Address(kind=snake(kind), name=name)

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"


@lru_cache(maxsize=200_000)
def _parse(text: str) -> Address:
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an address: write kind.name, as in model.subscriber")
    return Address(kind=match[1], name=match[2])


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Reference:
    """One output of a resource: ``model.subscriber.outputs.version`` (an empty path is all outputs)."""

    address: Address
    path: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join((str(self.address), "outputs", *self.path))
