"""Causes that lie in what a provider runs on: its own recipe, and the libraries that count for a version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ordain.values.address import Address
from ordain.values.change import Cause, CauseCode
from ordain.values.data import Json


def library_causes(
    address: Address, before: Mapping[str, Json], after: Mapping[str, Json], names: Iterable[str], whose: str
) -> Iterator[Cause]:
    """Yield a cause for each of ``names`` that is another than it was; ``whose`` recipe it is ("the trainer's")."""
    for name in sorted(names):
        if before.get(name) != after.get(name):
            word = f"{whose} recipe" if name == "recipe" else name
            yield Cause(
                code=CauseCode.LIBRARY,
                address=address,
                before=before.get(name),
                after=after.get(name),
                detail=f"{word}: {before.get(name, 'none')} → {after.get(name, 'none')}",
            )
