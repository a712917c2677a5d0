"""The same project for each tool: N trivial resources, flat or layered, as files of text.

A project is a tuple of nodes; a writer turns it into ``{file name: text}``; ``write`` puts on disk only what differs,
so that the edit of one node touches one file, as an editor would.

    python benchmarks/generate.py ordain layered 1000 /tmp/project
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

FILE_DOCUMENTS = 500
KEYS = 500  # of a document with for_each
TEN = 10  # documents that one use of the blueprint makes; every tenth resource is overridden
LAYERS = 10  # as many at every size, so that growth with N is not mixed with growth with depth
_SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One resource: its own number, what an edit changes, and the numbers of its parents (all smaller)."""

    number: int
    revision: int = 0
    parents: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return f"v{self.number:05}"


Nodes = tuple[Node, ...]
Files = Mapping[str, str]


def flat(count: int) -> Nodes:
    """``count`` nodes that know nothing of each other."""
    return tuple(Node(number=number) for number in range(1, count + 1))


def layered(count: int) -> Nodes:
    """``count`` nodes in ten layers; each has two parents in the layer before, at random but the same each time."""
    chance = random.Random(_SEED)
    width = max(2, -(-count // LAYERS))
    nodes = []
    for number in range(1, count + 1):
        first = (number - 1) // width * width + 1  # of this layer
        parents = tuple(sorted(chance.sample(range(first - width, first), 2))) if first > 1 else ()
        nodes.append(Node(number=number, parents=parents))
    return tuple(nodes)


SHAPES: Mapping[str, Callable[[int], Nodes]] = {"flat": flat, "layered": layered}
"""Projects that every tool has a twin of."""


def edited(nodes: Nodes, revision: int) -> Nodes:
    """The same project with one value changed: the last, on which nothing depends, so that all tools see one change."""
    return (*nodes[:-1], replace(nodes[-1], revision=revision))


def ordain_files(nodes: Nodes) -> Files:
    """``Value`` documents; a node's value has its number and those of its parents, so values do not grow with depth."""
    return {**_PROJECT, **_documents(nodes)}


def keyed_files(nodes: Nodes) -> Files:
    """The values of a flat project, as documents with ``for_each`` over many keys."""
    return {**_PROJECT, **_keyed(nodes)}


def used_files(nodes: Nodes) -> Files:
    """The values of a flat project, made ten at a time by uses of the project's own blueprint."""
    return {**_PROJECT, **_BLUEPRINT, **_uses(nodes)}


def overridden_files(nodes: Nodes) -> Files:
    """A flat project whose Environment overrides the revision of every tenth value."""
    return {**_PROJECT, **_documents(nodes), "environment.yaml": _environment(map(_address, nodes[::TEN]))}


def mixed_files(nodes: Nodes) -> Files:
    """A third of the values as documents, a third with ``for_each``, a third of a blueprint; every tenth overridden."""
    third = -(-len(nodes) // 3)
    plain, keyed, used = nodes[:third], nodes[third : 2 * third], nodes[2 * third :]
    overridden = (*map(_address, plain[::TEN]), *map(_instance, keyed[::TEN]), *map(_made, used[::TEN]))
    return {
        **_PROJECT,
        **_BLUEPRINT,
        **_documents(plain),
        **_keyed(keyed),
        **_uses(used),
        "environment.yaml": _environment(overridden),
    }


def judged_files(nodes: Nodes) -> Files:
    """A flat project with twenty policies that each value keeps."""
    return {**ordain_files(nodes), **_POLICIES}


WRITTEN: Mapping[str, Callable[[Nodes], Files]] = {
    "for_each": keyed_files,
    "blueprints": used_files,
    "overrides": overridden_files,
    "mixed": mixed_files,
    "judged": judged_files,
}
"""Ways to write a flat project that Ordain alone has: the same resources in other words."""


def writer(shape: str) -> Callable[[Nodes], Files]:
    """Return what writes Ordain's files of a shape."""
    return WRITTEN.get(shape, ordain_files)


def terraform_files(nodes: Nodes, backend: str = "") -> Files:
    """``terraform_data`` resources with the same content; ``backend`` is the text of a backend block, or nothing."""
    files = {"main.tf": f"terraform {{\n{backend}}}\n"}
    for index, chunk in _chunks(nodes):
        files[f"values-{index:03}.tf"] = "\n".join(_terraform_resource(node) for node in chunk)
    return files


def dvc_files(nodes: Nodes) -> Files:
    """One stage a node: one file from its parents' files, or from a file in ``in/``; the output is already there."""
    stages, files = ["stages:"], {}
    for node in nodes:
        deps = [f"out/v{parent:05}.txt" for parent in node.parents] or [f"in/{node.name}.txt"]
        if not node.parents:
            files[f"in/{node.name}.txt"] = f"{node.number}\n"
        files[f"out/{node.name}.txt"] = f"{node.number}\n"
        listed = "".join(f"\n      - {path}" for path in deps)
        stages.append(
            f"  {node.name}:\n    cmd: echo {node.number} > out/{node.name}.txt\n"
            f"    deps:{listed}\n    outs:\n      - out/{node.name}.txt"
        )
    return {"dvc.yaml": "\n".join(stages) + "\n", **files}


def write(folder: Path, files: Files) -> None:
    """Write the files whose text is not there yet."""
    for name, text in files.items():
        path = folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _chunks(nodes: Nodes) -> Iterator[tuple[int, Nodes]]:
    for index, start in enumerate(range(0, len(nodes), FILE_DOCUMENTS), start=1):
        yield index, nodes[start : start + FILE_DOCUMENTS]


def _documents(nodes: Nodes) -> Files:
    return {
        f"values-{index:03}.yaml": "---\n".join(_ordain_document(node) for node in chunk)
        for index, chunk in _chunks(nodes)
    }


def _ordain_document(node: Node) -> str:
    parents = "".join(f"\n      - ${{{{ value.v{parent:05}.outputs.value.id }}}}" for parent in node.parents)
    return (
        f"kind: Value\nname: {node.name}\nspec:\n  value:\n    id: {node.number}\n    revision: {node.revision}\n"
        f"    parents:{parents or ' []'}\n"
    )


def _keyed(nodes: Nodes) -> Files:
    """One document a file, named after its file; ``KEYS`` keys each."""
    groups: dict[int, list[Node]] = {}
    for node in nodes:
        groups.setdefault(_group(node), []).append(node)
    return {
        f"group-{number:03}.yaml": f"kind: Value\nname: group-{number:03}\nfor_each:\n"
        + "".join(f"  {node.name}: {{id: {node.number}, revision: {node.revision}}}\n" for node in group)
        + "spec:\n  value:\n    id: ${{ each.value.id }}\n    revision: ${{ each.value.revision }}\n    parents: []\n"
        for number, group in groups.items()
    }


def _group(node: Node) -> int:
    return (node.number - 1) // KEYS + 1


def _address(node: Node) -> str:
    return f"value.{node.name}"


def _instance(node: Node) -> str:
    return f'value.group-{_group(node):03}["{node.name}"]'


def _made(node: Node) -> str:
    """The address of the first value of a use."""
    return f"value.t{node.number:05}-{node.number}"


def _uses(nodes: Nodes) -> Files:
    """Uses of the blueprint, ten values each (the last may have fewer)."""
    uses = [nodes[start : start + TEN] for start in range(0, len(nodes), TEN)]
    per_file = FILE_DOCUMENTS // TEN
    return {
        f"uses-{index:03}.yaml": "---\n".join(map(_use, uses[start : start + per_file]))
        for index, start in enumerate(range(0, len(uses), per_file), start=1)
    }


def _use(nodes: Nodes) -> str:
    numbers = ", ".join(str(node.number) for node in nodes)
    return f"use: ten\nname: t{nodes[0].number:05}\nwith:\n  numbers: [{numbers}]\n  revision: {nodes[-1].revision}\n"


def _environment(addresses: Iterable[str]) -> str:
    overrides = "".join(f"    {address}: {{spec: {{value: {{revision: 1000}}}}}}\n" for address in addresses)
    return f"kind: Environment\nname: bench\nspec:\n  default: true\n  overrides:\n{overrides}"


RULES = (
    'resource.owner == "" || resource.owner.endsWith("@example.com")',
    'resource.name.matches("^v[0-9]+$")',
    'resource.address.startsWith("value.")',
    "!resource.facts.columns.exists(c, c.personal)",
    "resource.labels.all(key, key.size() < 20)",
    "resource.depends_on.size() < 100",
    "resource.dependents.all(d, !d.startsWith('deployment.'))",
    "resource.spec.value.id > 0",
    "resource.spec.value.parents.size() < 10",
    "resource.description.size() < 1000",
    "!resource.protected || change.action != 'delete'",
    "change.action in ['create', 'update', 'replace', 'no-op']",
    "change.causes.all(c, c != 'artifact-lost')",
    "!change.blocked",
    "env.name != 'prod' || env.promotes_from != ''",
    "plan.summary.delete == 0 || change.action == 'no-op'",
    "!has(resource.spec.limits) || resource.spec.limits != null",
    "!('tier' in resource.labels) || resource.labels.tier in ['gold', 'silver']",
    'change.action == "no-op" || now > timestamp("2026-01-01T00:00:00Z")',
    'resource.provider == ""',
)
"""What the shape ``judged`` asks of each value."""
_POLICIES: Files = {
    "policies.yaml": "---\n".join(
        f"kind: Policy\nname: rule-{number:02}\nspec:\n  level: hard\n  match: resource.kind == 'Value'\n"
        f"  require: >-\n    {rule}\n"
        for number, rule in enumerate(RULES, start=1)
    )
}
_PROJECT: Files = {"ordain.yaml": "kind: Project\nname: bench\nformat: 1\n"}
_BLUEPRINT: Files = {
    "templates/ten/blueprint.yaml": """kind: Blueprint
name: ten
description: values one after another, of which the last has a revision of its own
spec:
  parameters:
    numbers: {type: list, description: their numbers}
    revision: {type: integer, description: that of the last}
""",
    "templates/ten/body.yaml.j2": """{% for number in numbers %}
---
kind: Value
name: {{ name }}-{{ number }}
spec:
  value:
    id: {{ number }}
    revision: {{ revision if loop.last else 0 }}
    parents: []
{% endfor %}
""",
}


def _terraform_resource(node: Node) -> str:
    parents = ", ".join(f"terraform_data.v{parent:05}.output.id" for parent in node.parents)
    return (
        f'resource "terraform_data" "{node.name}" {{\n  input = {{\n    id       = {node.number}\n'
        f"    revision = {node.revision}\n    parents  = [{parents}]\n  }}\n}}\n"
    )


def main() -> None:
    writers = {"ordain": None, "terraform": terraform_files, "dvc": dvc_files}
    parser = argparse.ArgumentParser(description="Write one generated project.")
    parser.add_argument("tool", choices=writers)
    parser.add_argument("shape", choices=(*SHAPES, *WRITTEN))
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    if asked.shape in WRITTEN and asked.tool != "ordain":
        parser.error(f"only Ordain has projects of the shape {asked.shape}")
    write(asked.folder, (writers[asked.tool] or writer(asked.shape))(SHAPES.get(asked.shape, flat)(asked.count)))


if __name__ == "__main__":
    main()
