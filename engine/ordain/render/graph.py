"""The graph of resources: layers of text, Mermaid, Graphviz, JSON, and a drawing of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ordain.values.address import BY_ADDRESS, Address
from ordain.values.codec import dumps

Needs = Mapping[Address, Sequence[Address]]
FORMS = ("text", "mermaid", "dot", "svg", "json")
_MERMAID = {"data_source": ("[(", ")]"), "dataset": ("[/", "/]"), "model": ("{{", "}}"), "deployment": ("([", "])"),
            "monitor": (">", "]"), "infrastructure": ("[[", "]]")}  # fmt: skip
_DOT = {"data_source": "cylinder", "dataset": "parallelogram", "model": "hexagon", "deployment": "ellipse",
        "monitor": "note", "infrastructure": "box3d"}  # fmt: skip


def graph_text(needs: Needs, form: str) -> str:
    """Return the graph in one of ``FORMS``; edges go from need to needer."""
    if form == "svg":
        from ordain.render.drawing import graph_svg

        return graph_svg(needs)
    return {"mermaid": _mermaid, "dot": _dot, "json": _json}.get(form, _layers)(needs)


def edges(needs: Needs) -> list[tuple[Address, Address]]:
    """Return the edges, sorted: what is needed first."""
    return sorted((other, address) for address, others in needs.items() for other in others if other in needs)


def mermaid_text(text: str) -> str:
    """Return ``text`` as a quoted Mermaid label shows it: quotes, brackets and markup as numbered entities."""
    return "".join(char if char.isalnum() or char in "._- @+/" else f"#{ord(char)};" for char in text)


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
    lines = ["flowchart LR\n"]
    for address, name in names.items():
        opening, closing = _MERMAID.get(address.kind, ("[", "]"))
        lines.append(f'  {name}{opening}"{mermaid_text(str(address))}"{closing}\n')
    return "".join(lines) + "".join(f"  {names[a]} --> {names[b]}\n" for a, b in edges(needs))


def _dot(needs: Needs) -> str:
    nodes = "".join(f"  {_quoted(one)} [shape={_DOT.get(one.kind, 'box')}];\n" for one in sorted(needs))
    arrows = "".join(f"  {_quoted(a)} -> {_quoted(b)};\n" for a, b in edges(needs))
    return f"digraph ordain {{\n  rankdir=LR;\n{nodes}{arrows}}}\n"


def _quoted(address: Address) -> str:
    text = str(address).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _json(needs: Needs) -> str:
    ordered = sorted(needs, key=BY_ADDRESS)
    nodes = [{"address": str(one), "kind": one.kind, "name": one.name, "key": one.key} for one in ordered]
    pairs = [{"from": str(a), "to": str(b)} for a, b in edges(needs)]
    return dumps({"nodes": nodes, "edges": pairs}, indent=True).decode() + "\n"
