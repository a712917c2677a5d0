"""The same project for each tool: N trivial resources, flat or layered, as files of text.

A project is a tuple of nodes; a writer turns it into ``{file name: text}``; ``write`` puts on disk only what differs,
so that the edit of one node touches one file, as an editor would.

    python benchmarks/generate.py ordain layered 1000 /tmp/project
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

FILE_DOCUMENTS = 500
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


def edited(nodes: Nodes, revision: int) -> Nodes:
    """The same project with one value changed: the last, on which nothing depends, so that all tools see one change."""
    return (*nodes[:-1], replace(nodes[-1], revision=revision))


def ordain_files(nodes: Nodes) -> Files:
    """``Value`` documents; a node's value has its number and those of its parents, so values do not grow with depth."""
    files = {"ordain.yaml": "kind: Project\nname: bench\nformat: 1\n"}
    for index, chunk in _chunks(nodes):
        files[f"values-{index:03}.yaml"] = "---\n".join(_ordain_document(node) for node in chunk)
    return files


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


def _ordain_document(node: Node) -> str:
    parents = "".join(f"\n      - ${{{{ value.v{parent:05}.outputs.value.id }}}}" for parent in node.parents)
    return (
        f"kind: Value\nname: {node.name}\nspec:\n  value:\n    id: {node.number}\n    revision: {node.revision}\n"
        f"    parents:{parents or ' []'}\n"
    )


def _terraform_resource(node: Node) -> str:
    parents = ", ".join(f"terraform_data.v{parent:05}.output.id" for parent in node.parents)
    return (
        f'resource "terraform_data" "{node.name}" {{\n  input = {{\n    id       = {node.number}\n'
        f"    revision = {node.revision}\n    parents  = [{parents}]\n  }}\n}}\n"
    )


def main() -> None:
    writers = {"ordain": ordain_files, "terraform": terraform_files, "dvc": dvc_files}
    parser = argparse.ArgumentParser(description="Write one generated project.")
    parser.add_argument("tool", choices=writers)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    write(asked.folder, writers[asked.tool](SHAPES[asked.shape](asked.count)))


if __name__ == "__main__":
    main()
