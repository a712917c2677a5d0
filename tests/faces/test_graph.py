"""The graph in every form: valid, escaped, legible."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings, strategies as st

from ordain.render.graph import FORMS, graph_text
from ordain.render.layout import heights, layered
from ordain.values.address import Address

NORTH = Address.parse('model.churn["north"]')
DATA, SERVER, LIMITS = (Address.parse(one) for one in ("data_source.calls", "deployment.api", "value.limits"))
NEEDS = {SERVER: (NORTH, LIMITS), NORTH: (DATA,), DATA: (), LIMITS: ()}
SVG = "{http://www.w3.org/2000/svg}"


def many() -> dict[Address, tuple[Address, ...]]:
    needs: dict[Address, tuple[Address, ...]] = {}
    for team in ("growth", "risk", "operations"):
        data = [Address.parse(f"data_source.{team}-{name}") for name in ("calls", "accounts")]
        training = Address.parse(f"dataset.{team}-training")
        models = [Address.parse(f'model.{team}["{region}"]') for region in ("north", "south", "east", "west")]
        server = Address.parse(f"deployment.{team}-api")
        needs |= dict.fromkeys(data, ())
        needs |= {training: tuple(data), server: (*models, data[0])} | dict.fromkeys(models, (training,))
        needs |= {Address.parse(f"monitor.{team}"): (server,), Address.parse(f"infrastructure.{team}"): ()}
    return needs


@pytest.mark.parametrize("form", FORMS)
def test_every_form_names_every_resource_and_bears_none(form: str) -> None:
    text = graph_text(NEEDS, form)
    assert text == graph_text(dict(reversed(NEEDS.items())), form)
    for name in ("churn", "calls", "api", "limits"):
        assert name in text
    graph_text({}, form)


def test_quotes_and_brackets_are_escaped() -> None:
    assert r'"model.churn[\"north\"]" -> "deployment.api";' in graph_text(NEEDS, "dot")
    mermaid = graph_text(NEEDS, "mermaid")
    assert '{{"model.churn#91;#34;north#34;#93;"}}' in mermaid
    assert all(line.count('"') in (0, 2) for line in mermaid.splitlines())


def test_kinds_have_shapes_of_their_own() -> None:
    mermaid, dot = graph_text(NEEDS, "mermaid"), graph_text(NEEDS, "dot")
    assert '[("data_source.calls")]' in mermaid and '(["deployment.api"])' in mermaid
    assert '"data_source.calls" [shape=cylinder];' in dot and '"value.limits" [shape=box];' in dot
    assert {one["address"]: one["kind"] for one in json.loads(graph_text(NEEDS, "json"))["nodes"]} == {
        str(address): address.kind for address in NEEDS
    }


def boxes(root: ET.Element) -> list[tuple[float, float, float, float]]:
    """Where each node lies, by its outline: left, top, right, bottom."""
    out = []
    for group in root.iter(f"{SVG}g"):
        shape = next(one for one in group if one.tag != f"{SVG}title")
        if shape.tag == f"{SVG}rect":
            x, y, width, height = (float(shape.attrib[name]) for name in ("x", "y", "width", "height"))
            out.append((x, y, x + width, y + height))
            continue
        found = re.findall(r"(-?[\d.]+),(-?[\d.]+)", shape.attrib.get("points", ""))
        if not found:  # the drum: its path starts at the left of its rim
            x, y, width = map(
                float, re.match(r"M([\d.]+),([\d.]+) a[\d.]+,5 0 0 1 ([\d.]+)", shape.attrib["d"]).groups()
            )
            found = [(x, y), (x + width, y + 32)]
        xs, ys = [float(x) for x, _ in found], [float(y) for _, y in found]
        out.append((min(xs), min(ys), max(xs), max(ys)))
    return out


def test_the_drawing_is_xml_with_every_node_apart_and_inside() -> None:
    needs = many()
    root = ET.fromstring(graph_text(needs, "svg"))
    titles = {one.text for group in root.iter(f"{SVG}g") for one in group.iter(f"{SVG}title")}
    assert titles == {str(address) for address in needs}
    found = boxes(root)
    assert len(found) == len(needs) == 30
    for one, other in combinations(found, 2):
        apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
        assert apart, (one, other)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert all(min(box) >= 0 and box[2] <= width and box[3] <= height for box in found)
    arrows = [one for one in root.iter(f"{SVG}path") if one.attrib.get("marker-end")]
    assert len(arrows) == sum(map(len, needs.values()))
    labels = {one.text for one in root.iter(f"{SVG}text")}
    assert {"data_source", "dataset", "model", "deployment", "monitor", "infrastructure"} <= labels
    assert "http" not in graph_text(needs, "svg").replace("http://www.w3.org/2000/svg", "")


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 24).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.tuples(st.integers(0, n), st.integers(0, n))))
    )
)
def test_any_graph_is_laid_out_left_to_right_a_row_apart(drawn: tuple[int, set[tuple[int, int]]]) -> None:
    number, pairs = drawn
    nodes = list(range(number))
    edges = sorted((one, other) for one, other in pairs if one < other < number)
    found = layered(nodes, edges)
    level = {place: index for index, layer in enumerate(found.layers) for place in layer}
    assert {place for place in level if isinstance(place, int)} == set(nodes)
    for one, other in edges:
        assert [level[place] for place in found.paths[one, other]] == list(range(level[one], level[other] + 1))
    down = heights(found.layers, found.paths.values())
    for layer in found.layers:
        assert all(down[above] + 0.999 <= down[below] for above, below in pairwise(layer))
