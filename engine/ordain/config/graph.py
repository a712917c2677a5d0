"""What refers to what: references that lead nowhere, and cycles."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ordain.config.report import Place, Report
from ordain.values.address import Address, Reference
from ordain.values.data import Path
from ordain.values.diagnostic import Diagnostic
from ordain.values.resource import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A place in a resource that names another; ``reference`` is the output it reads there, if it reads one."""

    target: Address
    path: Path
    reference: Reference | None = None


Mentions = Mapping[Address, Sequence[Mention]]


def check_cycles(resources: Mapping[Address, Resource], mentions: Mentions, report: Report) -> None:
    """Report each cycle with every place on it."""
    rest = _unordered(resources)
    if not rest:
        return
    import networkx as nx

    graph = nx.DiGraph()
    for address in rest:
        graph.add_edges_from((address, need) for need in resources[address].depends_on if need in rest)
    for component in sorted(nx.strongly_connected_components(graph), key=min):
        if len(component) > 1:
            start = min(component)
            _report(_shortest(graph.subgraph(component), start), resources, mentions, report)


def _unordered(resources: Mapping[Address, Resource]) -> frozenset[Address]:
    """Return the resources that no order reaches: those on cycles, and those behind them."""
    waiting = dict.fromkeys(resources, 0)
    dependents: dict[Address, list[Address]] = {}
    for address, resource in resources.items():
        for need in resource.depends_on:
            if need in resources:
                waiting[address] += 1
                dependents.setdefault(need, []).append(address)
    ready = [address for address, count in waiting.items() if not count]
    while ready:
        done = ready.pop()
        del waiting[done]
        for address in dependents.get(done, ()):
            waiting[address] -= 1
            if not waiting[address]:
                ready.append(address)
    return frozenset(waiting)


def _shortest(graph: object, start: Address) -> list[Address]:
    """Return the shortest cycle through ``start`` in a strongly connected graph."""
    import networkx as nx

    to_start = nx.single_target_shortest_path(graph, start)
    backs = [to_start[need] for need in sorted(graph.successors(start))]  # type: ignore[attr-defined]
    return [start, *min(backs, key=len)[:-1]]


def _report(cycle: list[Address], resources: Mapping[Address, Resource], mentions: Mentions, report: Report) -> None:
    around = [*cycle, cycle[0]]
    edges = list(_places(around, resources, mentions))
    report.add_related(
        edges[0][0],
        Diagnostic(
            code="dependency-cycle",
            summary=f"resources depend on each other in a circle: {' → '.join(map(str, around))}",
            detail="Nothing on the circle can be made first.",
            fix="remove one of these references",
        ),
        edges[1:],
    )


def _places(
    around: list[Address], resources: Mapping[Address, Resource], mentions: Mentions
) -> Iterator[tuple[Place, str]]:
    for one, need in itertools.pairwise(around):
        path = next(mention.path for mention in mentions[one] if mention.target == need)
        yield Place(source=resources[one].source, path=path, address=one), f"{one} needs {need}"
