"""What a module's files say before Terraform reads them: variables, backend, preset values; and their digest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ordain.api import sha256
from ordain_terraform.hcl import Block, parse

LOCK_FILE = ".terraform.lock.hcl"
_CODE = (".tf", ".tf.json", ".tofu", ".tofu.json", ".tfvars", ".tfvars.json", ".tftpl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable as declared; ``type`` is the text of its type constraint, "" where it has none."""

    name: str
    type: str = ""
    ephemeral: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A root module: its folder, its variables by name, the backend it declares ("" for none; ``cloud`` counts).

    ``preset`` names the file of the folder that Terraform takes a variable's value from by itself.
    """

    folder: Path
    variables: Mapping[str, Variable] = field(default_factory=dict)
    backend: str = ""
    preset: Mapping[str, str] = field(default_factory=dict)


def read_module(folder: Path) -> Module:
    """Read the module in ``folder``; files that cannot be parsed count for nothing."""
    variables: dict[str, Variable] = {}
    backend = ""
    for path in _in_order(folder):
        for block in _file(path).blocks:
            if block.type == "variable" and block.labels:
                known = variables.get(block.labels[0], Variable(name=block.labels[0]))
                variables[known.name] = _declared(known, block)
            elif block.type == "terraform":
                for inner in block.blocks:
                    if inner.type in ("backend", "cloud"):
                        backend = inner.labels[0] if inner.labels else "cloud"
    return Module(folder=folder, variables=variables, backend=backend, preset=dict(_preset(folder)))


def _in_order(folder: Path) -> list[Path]:
    """Return the files as Terraform merges them: override files last, each group by name."""
    paths = [path for path in _files(folder) if path.name.endswith((".tf", ".tf.json", ".tofu", ".tofu.json"))]
    return sorted(paths, key=lambda path: (_is_override(path.name), path.name))


def _is_override(name: str) -> bool:
    stem = name.removesuffix(".json").rpartition(".")[0]
    return stem == "override" or stem.endswith("_override")


def _declared(known: Variable, block: Block) -> Variable:
    given = block.attributes
    if "type" in given:
        known = replace(known, type=given["type"])
    if "ephemeral" in given:
        known = replace(known, ephemeral=given["ephemeral"] == "true")
    return known


def _preset(folder: Path) -> Iterator[tuple[str, str]]:
    for path in _files(folder):
        name = path.name
        if name.endswith((".auto.tfvars", ".auto.tfvars.json")) or name in (
            "terraform.tfvars",
            "terraform.tfvars.json",
        ):
            yield from ((variable, name) for variable in _file(path).attributes)


def _files(folder: Path) -> list[Path]:
    """Return the regular files of a folder, by name; dot files and editors' leavings are not part of a module."""
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.is_file())
    return [folder / name for name in names if not name.startswith((".", "#")) and not name.endswith("~")]


def _file(path: Path) -> Block:
    text = path.read_bytes().decode("utf-8", "replace")
    try:
        return _json_block("", (), json.loads(text)) if path.name.endswith(".json") else parse(text)
    except (ValueError, RecursionError):  # Terraform will say what is wrong with it, and where
        return Block(type="")


def _json_block(type_: str, labels: tuple[str, ...], data: object) -> Block:
    """Read Terraform's JSON syntax as far as variables and backends go: an object is both attributes and blocks."""
    if not isinstance(data, Mapping):
        return Block(type=type_, labels=labels)
    attributes = {key: value if isinstance(value, str) else json.dumps(value) for key, value in data.items()}
    blocks: list[Block] = []
    if not type_:
        for labelled in _objects(data.get("variable")):
            blocks += [
                _json_block("variable", (name,), one) for name, held in labelled.items() for one in _objects(held)
            ]
        blocks += [_json_block("terraform", (), one) for one in _objects(data.get("terraform"))]
    elif type_ == "terraform":
        blocks += [Block(type="backend", labels=(name,)) for one in _objects(data.get("backend")) for name in one]
        blocks += [Block(type="cloud") for _ in _objects(data.get("cloud"))]
    return Block(type=type_, labels=labels, attributes=attributes, blocks=tuple(blocks))


def _objects(data: object) -> list[Mapping[str, object]]:
    items = data if isinstance(data, list) else [data]
    return [item for item in items if isinstance(item, Mapping)]


def digests(root: Path, folder: Path, data: Path) -> Mapping[str, str]:
    """Return the digest of every file that is the module's code, by its path relative to ``root``, sorted.

    Modules that it calls by a local path count too, once ``data`` (Terraform's own folder) lists them; modules from
    elsewhere count by source and version.
    """
    out: dict[str, str] = {}
    for one in (folder, *local_modules(folder, data)):
        if one.is_dir():
            found = [path for path in _files(one) if path.name.endswith(_CODE)]
            out.update((_relative(root, path), sha256(path.read_bytes())) for path in found)
    lock = folder / LOCK_FILE
    if lock.is_file():
        out[_relative(root, lock)] = sha256(lock.read_bytes())
    for entry in _manifest(data):
        if entry.get("Version"):
            out[f"module.{entry['Key']}"] = f"{entry.get('Source')}@{entry['Version']}"
    return dict(sorted(out.items()))


def _relative(root: Path, path: Path) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")


def local_modules(folder: Path, data: Path) -> list[Path]:
    """Return the folders of the modules called by a local path, as far as ``data`` lists them."""
    installed = os.path.normpath(data)
    found = {os.path.normpath(folder / str(entry.get("Dir", "."))) for entry in _manifest(data)}
    return sorted(Path(one) for one in found if not one.startswith(installed) and one != os.path.normpath(folder))


def _manifest(data: Path) -> list[Mapping[str, object]]:
    try:
        manifest = json.loads((data / "modules" / "modules.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return []
    return _objects(manifest.get("Modules") if isinstance(manifest, dict) else None)
