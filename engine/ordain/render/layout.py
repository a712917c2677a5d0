"""Where the nodes of a layered graph go: longest path first, few crossings, long edges around what lies between."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

_SWEEPS = 8
N = TypeVar("N", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers(Generic[N]):
    """Nodes by layer, top to bottom, with the bends (``(from, to, layer)``) of edges that pass a layer between.

    ``paths`` has for each edge the places it goes through, ends included.
    """

    layers: tuple[tuple[object, ...], ...]
    paths: Mapping[tuple[N, N], tuple[object, ...]]


def layered(nodes: Sequence[N], edges: Sequence[tuple[N, N]]) -> Layers[N]:
    """Lay out a graph without cycles. Same input, same layout."""
    depth = _depths(nodes, edges)
    layers: list[list[object]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in nodes:
        layers[depth[node]].append(node)
    paths: dict[tuple[N, N], tuple[object, ...]] = {}
    for one, other in edges:
        bends = [(one, other, level) for level in range(depth[one] + 1, depth[other])]
        for bend in bends:
            layers[bend[2]].append(bend)
        paths[one, other] = (one, *bends, other)
    before: dict[object, list[object]] = {}
    after: dict[object, list[object]] = {}
    for path in paths.values():
        for one_place, next_place in pairwise(path):
            after.setdefault(one_place, []).append(next_place)
            before.setdefault(next_place, []).append(one_place)
    _untangle(layers, before, after)
    return Layers(layers=tuple(tuple(layer) for layer in layers), paths=paths)


def _depths(nodes: Sequence[N], edges: Sequence[tuple[N, N]]) -> dict[N, int]:
    needs: dict[N, list[N]] = {node: [] for node in nodes}
    users: dict[N, list[N]] = {node: [] for node in nodes}
    for one, other in edges:
        needs[other].append(one)
        users[one].append(other)
    left = {node: len(found) for node, found in needs.items()}
    ready = [node for node in nodes if not left[node]]
    depth: dict[N, int] = dict.fromkeys(nodes, 0)
    while ready:
        node = ready.pop()
        for user in users[node]:
            depth[user] = max(depth[user], depth[node] + 1)
            left[user] -= 1
            if not left[user]:
                ready.append(user)
    for node in nodes:  # what needs nothing stands beside what uses it first: no long edges around all the rest
        if users[node] and not needs[node]:
            depth[node] = min(depth[user] for user in users[node]) - 1
    return depth


def _untangle(
    layers: list[list[object]], before: Mapping[object, list[object]], after: Mapping[object, list[object]]
) -> None:
    """Sort each layer by the middle of its neighbours, forth and back; keep the order with the fewest crossings."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers, after)
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        order = range(1, len(layers)) if forth else range(len(layers) - 2, -1, -1)
        for number in order:
            beside = layers[number - 1 if forth else number + 1]
            place = {node: index for index, node in enumerate(beside)}
            _sort(layers[number], place, before if forth else after)
        crossings = _crossings(layers, after)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    for layer, found in zip(layers, best, strict=True):
        layer[:] = found


def _sort(layer: list[object], place: Mapping[object, int], neighbours: Mapping[object, list[object]]) -> None:
    middles: dict[object, float] = {}
    for index, node in enumerate(layer):
        found = [place[other] for other in neighbours.get(node, ()) if other in place]
        middles[node] = sum(found) / len(found) if found else float(index)
    layer.sort(key=middles.__getitem__)


def _crossings(layers: Sequence[Sequence[object]], after: Mapping[object, list[object]]) -> int:
    total = 0
    for layer, following in pairwise(layers):
        place = {node: index for index, node in enumerate(following)}
        ends: list[int] = []
        for node in layer:
            found = sorted(place[other] for other in after.get(node, ()) if other in place)
            total += sum(len(ends) - bisect_right(ends, one) for one in found)
            for one in found:
                insort(ends, one)
    return total


def heights(layers: Sequence[Sequence[object]], paths: Iterable[Sequence[object]]) -> Mapping[object, float]:
    """Return how far down each node goes, in rows: near the middle of its neighbours, at least one row apart."""
    beside: dict[object, list[object]] = {}
    for path in paths:
        for one, other in pairwise(path):
            beside.setdefault(one, []).append(other)
            beside.setdefault(other, []).append(one)
    tallest = max((len(layer) for layer in layers), default=0)
    down = {node: index + (tallest - len(layer)) / 2 for layer in layers for index, node in enumerate(layer)}
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            _settle(layer, down, beside)
    top = min(down.values(), default=0.0)
    return {node: value - top for node, value in down.items()}


def _settle(layer: Sequence[object], down: dict[object, float], beside: Mapping[object, list[object]]) -> None:
    wanted = []
    for node in layer:
        found = sorted(down[other] for other in beside.get(node, ()))
        wanted.append((found[(len(found) - 1) // 2] + found[len(found) // 2]) / 2 if found else down[node])
    # Blocks of nodes that would lie closer than a row are put around the middle of what their nodes want.
    blocks: list[tuple[list[float], int]] = []
    for index, want in enumerate(wanted):
        blocks.append(([want - index], 1))
        while len(blocks) > 1 and _mean(blocks[-2][0]) > _mean(blocks[-1][0]):
            last = blocks.pop()
            blocks[-1] = (blocks[-1][0] + last[0], blocks[-1][1] + last[1])
    index = 0
    for found, number in blocks:
        for _ in range(number):
            down[layer[index]] = _mean(found) + index
            index += 1


def _mean(found: Sequence[float]) -> float:
    return sum(found) / len(found)
