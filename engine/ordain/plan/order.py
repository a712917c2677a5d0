"""The order in which resources are planned and applied: dependencies first, then by address."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from ordain.values.address import BY_ADDRESS, Address


def dependencies_first(needs: Mapping[Address, Iterable[Address]]) -> tuple[Address, ...]:
    """Return the keys of ``needs`` so that each stands behind all it needs; ties go by address.

    Needs that are no keys are passed over. Raises ``ValueError`` for a cycle (the config stage reports those). O(V+E).
    """
    waiting: dict[Address, int] = {}
    dependents: dict[Address, list[Address]] = {}
    for address, needed in needs.items():
        present = [other for other in needed if other in needs]
        waiting[address] = len(present)
        for other in present:
            dependents.setdefault(other, []).append(address)
    ordered = sorted(waiting, key=BY_ADDRESS)
    rank = {address: number for number, address in enumerate(ordered)}
    ready = [number for number, address in enumerate(ordered) if not waiting[address]]
    out: list[Address] = []
    while ready:
        address = ordered[heapq.heappop(ready)]
        out.append(address)
        for dependent in dependents.get(address, ()):
            waiting[dependent] -= 1
            if not waiting[dependent]:
                heapq.heappush(ready, rank[dependent])
    if len(out) != len(waiting):
        raise ValueError("the resources need each other in a cycle")
    return tuple(out)
