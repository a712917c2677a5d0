"""The graph of resources as text: layers, Mermaid, Graphviz, JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ordain.values.address import Address
from ordain.values.codec import dumps

Needs = Mapping[Address, Sequence[Address]]


def graph_text(needs: Needs, form: str) -> str:
    """Return the graph in one of the forms ``text``, ``mermaid``, ``dot``, ``json``; edges go from need to needer."""
    return {"mermaid": _mermaid, "dot": _dot, "json": _json}.get(form, _layers)(needs)


def edges(needs: Needs) -> list[tuple[Address, Address]]:
    """Return the edges, sorted: what is needed first."""
    return sorted((other, address) for address, others in needs.items() for other in others if other in needs)


def _layers(needs: Needs) -> str:
    import networkx as nx

    graph: nx.DiGraph[Address] = nx.DiGraph()
    graph.add_nodes_from(sorted(needs))
    graph.add_edges_from(edges(needs))
    lines = []
    for number, layer in enumerate(nx.topological_generations(graph)):
        for address in sorted(layer):
            others = ", ".join(str(other) for other in sorted(graph.predecessors(address)))
            lines.append(f"{'  ' * number}{address}{f'  ← {others}' if others else ''}\n")
    return "".join(lines) or "No resources.\n"


def _mermaid(needs: Needs) -> str:
    names = {address: f"n{number}" for number, address in enumerate(sorted(needs))}
    nodes = [f'  {name}["{address}"]\n' for address, name in names.items()]
    return "flowchart LR\n" + "".join(nodes) + "".join(f"  {names[a]} --> {names[b]}\n" for a, b in edges(needs))


def _dot(needs: Needs) -> str:
    nodes = "".join(f'  "{address}";\n' for address in sorted(needs))
    return (
        "digraph ordain {\n  rankdir=LR;\n" + nodes + "".join(f'  "{a}" -> "{b}";\n' for a, b in edges(needs)) + "}\n"
    )


def _json(needs: Needs) -> str:
    pairs = [{"from": str(a), "to": str(b)} for a, b in edges(needs)]
    return dumps({"nodes": sorted(map(str, needs)), "edges": pairs}, indent=True).decode() + "\n"
