"""The generated projects are twins: the same resources, the same edges, no cycles."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml


def ordain_edges(files: dict[str, str]) -> dict[int, tuple[int, ...]]:
    edges = {}
    for name, text in files.items():
        for document in yaml.safe_load_all(text):
            if document["kind"] == "Value":
                value = document["spec"]["value"]
                assert document["name"] == f"v{value['id']:05}", name
                edges[value["id"]] = tuple(
                    int(re.fullmatch(r"\$\{\{ value\.v(\d+)\.outputs\.value\.id \}\}", parent).group(1))
                    for parent in value["parents"]
                )
    return edges


def terraform_edges(files: dict[str, str]) -> dict[int, tuple[int, ...]]:
    text = "\n".join(files.values())
    blocks = re.findall(
        r'resource "terraform_data" "v(\d+)" \{.*?id\s+= (\d+).*?parents\s+= \[(.*?)\]', text, re.DOTALL
    )
    assert all(int(name) == int(number) for name, number, _ in blocks)
    return {
        int(name): tuple(int(parent) for parent in re.findall(r"terraform_data\.v(\d+)\.output\.id", parents))
        for name, _, parents in blocks
    }


def dvc_edges(files: dict[str, str]) -> dict[int, tuple[int, ...]]:
    stages = yaml.safe_load(files["dvc.yaml"])["stages"]
    edges = {}
    for name, stage in stages.items():
        assert stage["outs"] == [f"out/{name}.txt"]
        assert all(path in files for path in (*stage["deps"], *stage["outs"]))
        edges[int(name[1:])] = tuple(int(path[5:-4]) for path in stage["deps"] if path.startswith("out/"))
    return edges


@pytest.mark.parametrize("shape", ["flat", "layered"])
@pytest.mark.parametrize("count", [1, 2, 3, 21, 100, 999, 1_001])
def test_the_twins_have_the_same_resources_and_edges(generate: ModuleType, shape: str, count: int) -> None:
    nodes = generate.SHAPES[shape](count)
    edges = ordain_edges(generate.ordain_files(nodes))
    assert sorted(edges) == list(range(1, count + 1))
    assert edges == terraform_edges(generate.terraform_files(nodes)) == dvc_edges(generate.dvc_files(nodes))


@pytest.mark.parametrize("count", [100, 1_000, 1_010])
def test_layered_is_acyclic_with_two_parents_in_the_layer_before(generate: ModuleType, count: int) -> None:
    depth: dict[int, int] = {}
    for node in generate.layered(count):
        assert all(parent < node.number for parent in node.parents)
        assert len({depth[parent] for parent in node.parents}) <= 1
        depth[node.number] = 1 + max((depth[parent] for parent in node.parents), default=0)
        assert len(set(node.parents)) == (2 if depth[node.number] > 1 else 0)
    assert max(depth.values()) == generate.LAYERS
    assert generate.layered(count) == generate.layered(count)


def test_documents_are_spread_over_files_of_500(generate: ModuleType) -> None:
    files = generate.ordain_files(generate.flat(1_001))
    counts = [len(list(yaml.safe_load_all(text))) for name, text in files.items() if name != "ordain.yaml"]
    assert counts == [500, 500, 1]
    assert yaml.safe_load(files["ordain.yaml"]) == {"kind": "Project", "name": "bench", "format": 1}


def test_an_edit_changes_one_value_in_one_file(generate: ModuleType, tmp_path: Path) -> None:
    nodes = generate.layered(1_001)
    generate.write(tmp_path, generate.ordain_files(nodes))
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    generate.write(tmp_path, generate.ordain_files(generate.edited(nodes, 3)))
    changed = [path for path in tmp_path.iterdir() if path.stat().st_mtime_ns != before[path.name]]
    assert [path.name for path in changed] == ["values-003.yaml"]
    (last,) = yaml.safe_load_all(changed[0].read_text(encoding="utf-8"))
    assert (last["spec"]["value"]["id"], last["spec"]["value"]["revision"]) == (1_001, 3)
    assert not any(1_001 in node.parents for node in nodes)


def planned(folder: Path) -> dict[str, tuple[int, int]]:
    """Plan with the real command; return the number and the revision of each value."""
    command = [str(Path(sys.executable).with_name("ordain")), "plan", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    changes = json.loads(done.stdout)["changes"]
    values = {change["address"]: change["after"]["value"] for change in changes}
    return {address: (value["id"], value["revision"]) for address, value in values.items()}


@pytest.mark.parametrize("shape", ["for_each", "blueprints", "overrides", "mixed", "judged"])
def test_other_words_make_the_values_of_the_flat_project(generate: ModuleType, tmp_path: Path, shape: str) -> None:
    nodes, files = generate.flat(32), generate.writer(shape)
    generate.write(tmp_path, files(nodes))
    before = planned(tmp_path)
    assert sorted(number for number, _ in before.values()) == list(range(1, 33))
    overridden = sum(revision == 1000 for _, revision in before.values())
    assert overridden == {"overrides": 4, "mixed": 5}.get(shape, 0)
    generate.write(tmp_path, files(generate.edited(nodes, 3)))
    after = planned(tmp_path)
    assert [after[address] for address in before if before[address] != after[address]] == [(32, 3)]


def test_other_words_are_known_to_the_report(generate: ModuleType, report: ModuleType) -> None:
    assert tuple(generate.WRITTEN) == report.WRITTEN
    assert generate.writer("layered") is generate.ordain_files
