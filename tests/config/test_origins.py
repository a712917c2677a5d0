"""Where the value of a field comes from."""

from __future__ import annotations

from typing import Any

import pytest

from ordain.config.origins import origin
from ordain.values.address import Address

TEXT = """kind: Project
name: demo
format: 1
spec:
  variables:
    n: {type: integer, default: 3}
    m: {type: integer, default: 3}
    out: {type: integer, default: 3}
    tree: {type: map, default: {a: {b: deep}}}
    regions: {type: map, default: {north: {size: 1}}}
---
kind: Environment
name: dev
spec:
  variables: {m: 4}
  overrides:
    thing.a: {spec: {value: {over: "${{ var.n }}"}}}
---
kind: Thing
name: a
spec:
  value:
    n: ${{ var.n }}
    m: "${{ var.m }}"
    out: ${{ var.out }}
    flow: {x: "${{ var.tree.a }}", y: 1}
    list: ["${{ var.n }}", '${{ var.n }}']
    whole: ${{ var.tree }}  # a comment
    text: n=${{ var.n }}
    sum: ${{ var.n + 1 }}
    quoted: "a ${{ var.n }}"
    over: 1
---
kind: Thing
name: e
for_each: {north: {size: 1, other: "${{ var.n }}"}}
spec: {value: ["${{ each.value.size }}", "${{ each.value.other }}", "${{ each.key }}"]}
---
kind: Thing
name: f
for_each: ${{ var.regions }}
spec: {value: "${{ each.value.size }}"}
"""


@pytest.mark.parametrize(
    ("address", "path", "place"),
    [
        ("a", ("n",), "6:33"), ("a", ("m",), "15:18"), ("a", ("out",), "25:10"), ("a", ("flow", "x", "b"), "9:40"),
        ("a", ("flow", "y"), "26:39"), ("a", ("list", 0), "6:33"), ("a", ("list", 1), "6:33"),
        ("a", ("whole", "a"), "9:36"), ("a", ("text",), "29:11"), ("a", ("sum",), "30:10"),
        ("a", ("quoted",), "31:13"), ("a", ("over",), "6:33"), ("a", ("nothing",), "22:3"),
        ("e[north]", (0,), "36:26"), ("e[north]", (1,), "6:33"), ("e[north]", (2,), "37:69"),
        ("f[north]", (), "10:50"),
    ],
)  # fmt: skip
def test_the_place_of_the_value(load: Any, address: str, path: Any, place: str) -> None:
    desired = load(TEXT, project=False, variables={"out": "5"}).desired
    resource = desired.resources[Address.parse(f"thing.{address}")]
    found = origin(desired, resource, ("spec", "value", *path))
    assert f"{found.line}:{found.column}" == place
