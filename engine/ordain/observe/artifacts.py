"""Which recorded versions have lost their artifacts: nothing can be reused, promoted or compared with what is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from ordain.values.record import Recorded, VersionRecord

_PARTS = ("train", "test")
"""The facts of a version that name further artifacts of it."""


def without_lost(recorded: Recorded, digests: Callable[[], Iterable[str]]) -> Recorded:
    """Return what is recorded, with ``artifact`` empty in each version whose artifact, or a part of it, is gone.

    ``digests`` lists what the store holds; it is asked once, and only where there are versions.
    """
    if not recorded.versions:
        return recorded
    there = frozenset(digests())
    return replace(
        recorded,
        versions={
            address: tuple(one if there.issuperset(_needed(one)) else replace(one, artifact="") for one in versions)
            for address, versions in recorded.versions.items()
        },
    )


def _needed(version: VersionRecord) -> Iterator[str]:
    if version.artifact:
        yield version.artifact
    for part in _PARTS:
        digest = version.facts.get(part)
        if isinstance(digest, str):
            yield digest
