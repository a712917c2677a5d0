"""A fitted pipeline as a file and back, with skops; never with pickle or joblib, which run code when they load.

The file is an uncompressed zip whose members have fixed names, dates and order, so that the same model is the same
bytes. Loading looks before it leaps: at the container, at the ways and types of every object in it, and afterwards
at whatever decides where compiled code reads memory.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ordain_sklearn.problems import refuse, untrusted
from ordain_sklearn.schema import Schema
from ordain_sklearn.structure import faults
from ordain_sklearn.trusted import CHECK_ARRAY, LOADERS, REVIEWED, is_trusted

_SCHEMA = "schema.json"
_DATE = (1980, 1, 1, 0, 0, 0)
_MEMBERS = 200_000
_SCHEMA_BYTES = 256 << 20
_RETRAIN = "do not open it; train the model again from its recipe: ordain apply --replace ADDRESS"


def dump(pipeline: Any, schema: Schema) -> bytes:
    """Return the bytes of an artifact. Raises ``OrdainError`` for an estimator that skops cannot keep."""
    import skops.io
    from skops.io.exceptions import UnsupportedTypeException

    try:
        raw = skops.io.dumps({"schema": json.dumps(schema.encode()), "pipeline": pipeline})
    except (UnsupportedTypeException, TypeError, ValueError) as error:
        raise refuse(
            "artifact-unkept",
            "the trained estimator cannot be kept safely",
            "use another estimator, or other parameters",
            detail=f"skops: {error}",
            path=("spec", "estimator"),
        ) from None
    return _normalised(raw)


def load(path: Path, trusted: tuple[str, ...]) -> tuple[Any, Schema]:
    """Return pipeline and schema of an artifact whose digest was checked.

    ``trusted`` are prefixes of types let in beyond the reviewed ones. Raises ``OrdainError`` with the code
    ``artifact-untrusted`` for a file that could do anything but hold a model, ``artifact-corrupt`` for one that holds
    none.
    """
    data = path.read_bytes()
    _check_container(data)
    _check_types(data, trusted)
    import skops.io

    try:
        held = skops.io.loads(data, trusted=sorted(set(skops.io.get_untrusted_types(data=data))))
        schema = Schema.decode(json.loads(held["schema"]))
        pipeline = held["pipeline"]
    except Exception as error:  # whatever a broken file makes the libraries raise
        raise _corrupt(f"{type(error).__name__}: {error}") from None
    from sklearn.pipeline import Pipeline

    if type(pipeline) is not Pipeline or list(pipeline.named_steps) != ["prepare", "estimator"]:
        raise _corrupt("it holds no pipeline")
    wrong = next(faults(pipeline), None)
    if wrong is not None:
        raise untrusted(
            "artifact-untrusted", "the artifact was made to break the program that reads it", wrong, _RETRAIN
        )
    return pipeline, schema


def _corrupt(detail: str) -> Exception:
    return untrusted("artifact-corrupt", "the artifact holds no model of this version", detail, _RETRAIN)


def _normalised(raw: bytes) -> bytes:
    """Rewrite a skops file: object ids become numbers in order of appearance, members get fixed names and dates."""
    with zipfile.ZipFile(io.BytesIO(raw)) as source:
        state = json.loads(source.read(_SCHEMA))
        ids: dict[int, int] = {}
        names: dict[str, str] = {}
        for node in _nodes(state):
            if "__id__" in node:
                node["__id__"] = ids.setdefault(node["__id__"], len(ids) + 1)
            if isinstance(node.get("file"), str):
                old = node["file"]
                suffix = old.rpartition(".")[2]
                node["file"] = names.setdefault(old, f"{len(names):06d}.{suffix}")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
            target.writestr(_member(_SCHEMA), json.dumps(state, separators=(",", ":"), ensure_ascii=True))
            for old, new in names.items():
                target.writestr(_member(new), source.read(old))
    return out.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=_DATE)
    info.create_system, info.external_attr = 3, 0o600 << 16
    return info


def _nodes(state: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a skops schema, in document order, without recursion."""
    waiting = [state]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("__loader__"), str):
                yield one
            waiting += reversed(one.values())
        elif isinstance(one, list):
            waiting += reversed(one)


def _check_container(data: bytes) -> None:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        what = "a pickle, which runs code when it is opened" if data[:1] == b"\x80" else "no skops file"
        raise untrusted("artifact-untrusted", f"the artifact is {what}", "models are kept with skops alone", _RETRAIN)
    with zipfile.ZipFile(io.BytesIO(data)) as held:
        members = held.infolist()
        sizes = {one.filename: one.file_size for one in members}
        packed = [
            one for one in members if one.compress_type != zipfile.ZIP_STORED or one.file_size != one.compress_size
        ]
        if len(members) > _MEMBERS or len(sizes) != len(members) or packed or sizes.get(_SCHEMA, 0) > _SCHEMA_BYTES:
            raise untrusted(
                "artifact-untrusted", "the artifact is not packed as we pack", "a bomb may hide in it", _RETRAIN
            )
        if _SCHEMA not in sizes:
            raise untrusted("artifact-untrusted", "the artifact is no skops file", f"it has no {_SCHEMA}", _RETRAIN)


def _check_types(data: bytes, trusted: tuple[str, ...]) -> None:
    """Refuse a file that names a type, a function or a way of making one that nobody reviewed. Makes no object."""
    import skops.io
    from skops.io._protocol import PROTOCOL

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as held:
            state = json.loads(held.read(_SCHEMA))
        nodes = list(_nodes(state))
        found = set() if state["protocol"] == PROTOCOL else {f"skops protocol {state['protocol']}"}
        found |= {f"{_name(node)} by {node['__loader__']}" for node in nodes if node["__loader__"] not in LOADERS}
        found |= {_name(node["content"]["func"]) for node in nodes if _is_strange_partial(node)}
        if not found:
            found = set(skops.io.get_untrusted_types(data=data))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _corrupt(f"{type(error).__name__}: {error}") from None
    strangers = sorted(one for one in found if one not in REVIEWED and not is_trusted(one, trusted))
    if strangers:
        listed = ", ".join(strangers[:8]) + (f" and {len(strangers) - 8} more" if len(strangers) > 8 else "")
        raise untrusted(
            "artifact-untrusted",
            f"the artifact holds what nobody trusted: {listed}",
            "opening it could run code that is in it",
            f"{_RETRAIN}; a package of yours is trusted by trust: {{estimators: [package.]}}",
        )


def _name(node: Mapping[str, Any]) -> str:
    return f"{node['__module__']}.{node['__class__']}"


def _is_strange_partial(node: Mapping[str, Any]) -> bool:
    return node["__loader__"] == "PartialNode" and _name(node["content"]["func"]) != CHECK_ARRAY
