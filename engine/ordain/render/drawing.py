"""The graph of resources as an SVG drawing: kinds told apart by shape and label, legible without colour or fonts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from ordain.render.layout import heights, layered
from ordain.render.words import clean, cut
from ordain.values.address import BY_ADDRESS, Address

_CHAR, _HEIGHT = 7.4, 40
_ROW, _GAP, _MARGIN = 58, 64, 20
_WIDEST = 40
"""Characters of a name that are shown; the whole address stands in the tooltip."""
_FILLS = {"data_source": "#e3eefb", "dataset": "#e2f5ec", "model": "#fdf0d5", "deployment": "#fbe4e4",
          "monitor": "#efe8fa", "infrastructure": "#ececec", "value": "#ffffff"}  # fmt: skip
_FONT = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def graph_svg(needs: Mapping[Address, Sequence[Address]]) -> str:
    """Return the graph as an SVG 1.1 document, what is needed to the left of what needs it."""
    nodes = sorted(needs, key=BY_ADDRESS)
    edges = [(other, address) for address in nodes for other in sorted(needs[address], key=BY_ADDRESS)
             if other in needs]  # fmt: skip
    found = layered(nodes, edges)
    down = heights(found.layers, found.paths.values())
    starts, widths = _columns(found.layers)
    level = {node: number for number, layer in enumerate(found.layers) for node in layer}
    width = starts[-1] + widths[-1] + _MARGIN if starts else 240
    height = 2 * _MARGIN + _HEIGHT + _ROW * max(down.values(), default=0.0)

    def middle(node: object) -> float:
        return _MARGIN + _HEIGHT / 2 + _ROW * down[node]

    parts = [_head(width, height, len(nodes), len(edges))]
    for path in found.paths.values():
        points: list[tuple[float, float]] = []
        for node in path:
            start, wide = starts[level[node]], widths[level[node]]
            y = middle(node)
            points += [(start + wide, y)] if node is path[0] else [(start, y)]
            if node is not path[0] and node is not path[-1]:
                points.append((start + wide, y))
        parts.append(_edge(points))
    for node in nodes:
        left, wide = starts[level[node]], widths[level[node]]
        parts += _node(node, (left, middle(node) - _HEIGHT / 2), wide)
    if not nodes:
        parts.append(f'<text x="{_MARGIN}" y="{_MARGIN + 20}">No resources.</text>\n')
    return "".join(parts) + "</svg>\n"


def _columns(layers: Sequence[Sequence[object]]) -> tuple[list[float], list[float]]:
    """Return where each layer starts and how wide it is, in pixels."""
    starts: list[float] = []
    widths: list[float] = []
    left = float(_MARGIN)
    for layer in layers:
        longest = max((_length(node) for node in layer if isinstance(node, Address)), default=10)
        starts.append(left)
        widths.append(longest * _CHAR + 44)
        left += widths[-1] + _GAP
    return starts, widths


def _length(address: Address) -> int:
    return max(len(_title(address)), len(address.kind))


def _title(address: Address) -> str:
    return cut(f'{address.name}["{address.key}"]' if address.key else address.name, _WIDEST)


def _head(width: float, height: float, nodes: int, edges: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" font-family="{_FONT}" font-size="12">\n'
        f"<title>Graph of {nodes} resources and {edges} dependencies</title>\n"
        '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#5b6470"/></marker></defs>\n'
        '<rect width="100%" height="100%" fill="#ffffff"/>\n'
    )


def _edge(points: Sequence[tuple[float, float]]) -> str:
    """Draw an edge: a curve between layers, a straight line through those it passes."""
    (x, y), *rest = points
    way = [f"M{x:.1f},{y:.1f}"]
    for number, (to_x, to_y) in enumerate(rest):
        if number % 2:
            way.append(f"L{to_x:.1f},{to_y:.1f}")
        else:
            bend = (to_x - x) / 2
            way.append(f"C{x + bend:.1f},{y:.1f} {to_x - bend:.1f},{to_y:.1f} {to_x:.1f},{to_y:.1f}")
        x, y = to_x, to_y
    return f'<path d="{" ".join(way)}" fill="none" stroke="#5b6470" stroke-width="1.2" marker-end="url(#to)"/>\n'


def _node(address: Address, at: tuple[float, float], width: float) -> Iterator[str]:
    x, y = at
    fill = _FILLS.get(address.kind, "#ffffff")
    style = f'fill="{fill}" stroke="#2f3a45" stroke-width="1.2"'
    yield f"<g><title>{escape(clean(str(address)))}</title>\n"
    yield from (f"{shape}\n" for shape in _shape(address.kind, x, y, width, style))
    center = x + width / 2
    y += 3 if address.kind == "data_source" else 0  # below the rim of the drum
    yield (f'<text x="{center:.1f}" y="{y + 16:.1f}" text-anchor="middle" font-size="10" fill="#46505a">'
           f"{escape(address.kind)}</text>\n")  # fmt: skip
    yield (f'<text x="{center:.1f}" y="{y + 31:.1f}" text-anchor="middle" font-weight="600" fill="#11161b">'
           f"{escape(clean(_title(address)))}</text></g>\n")  # fmt: skip


def _shape(kind: str, x: float, y: float, width: float, style: str) -> Iterator[str]:
    """Draw the outline of a kind: a drum, a slanted sheet, a hexagon, a pill, a page, a framed box, or a box."""
    right, bottom = x + width, y + _HEIGHT
    if kind == "data_source":
        yield (f'<path d="M{x:.1f},{y + 4:.1f} a{width / 2:.1f},5 0 0 1 {width:.1f},0 V{bottom - 4:.1f} '
               f'a{width / 2:.1f},5 0 0 1 {-width:.1f},0 z" {style}/>')  # fmt: skip
        yield (f'<path d="M{x:.1f},{y + 4:.1f} a{width / 2:.1f},5 0 0 0 {width:.1f},0" fill="none" '
               'stroke="#2f3a45" stroke-width="1"/>')  # fmt: skip
    elif kind == "dataset":
        yield _polygon([(x + 12, y), (right, y), (right - 12, bottom), (x, bottom)], style)
    elif kind == "model":
        half = y + _HEIGHT / 2
        yield _polygon([(x + 14, y), (right - 14, y), (right, half), (right - 14, bottom), (x + 14, bottom), (x, half)],
                       style)  # fmt: skip
    elif kind == "monitor":
        yield _polygon([(x, y), (right - 12, y), (right, y + 12), (right, bottom), (x, bottom)], style)
    else:
        round_ = _HEIGHT / 2 if kind == "deployment" else 3
        yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_HEIGHT}" rx="{round_:.0f}" {style}/>'
        if kind == "infrastructure":
            for inner in (x + 7, right - 7):
                yield f'<path d="M{inner:.1f},{y:.1f} V{bottom:.1f}" stroke="#2f3a45" stroke-width="1"/>'


def _polygon(points: Sequence[tuple[float, float]], style: str) -> str:
    return f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" {style}/>'
