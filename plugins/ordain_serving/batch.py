"""``provider: batch``: the rows of a file, scored by the version that stands, written beside it as another file.

It stands as long as its output is the scoring of its input: ``look`` compares the digests of both files with what was
recorded, so new rows, or an output that somebody changed or lost, are drift and are scored again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ordain.api import (
    Address,
    Blame,
    Call,
    DeploymentTarget,
    Diagnostic,
    Evidence,
    ExitCode,
    Json,
    LookRequest,
    OrdainError,
    Predictor,
    Progress,
    ResourceRecord,
    StepResult,
    Trainer,
    load_provider,
)

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 5_000
"""Rows that are scored at a time."""
PREDICTION = "prediction"
_TYPES = {"integer": "int64", "number": "float64", "boolean": "bool"}


class Batch(DeploymentTarget):
    """See the module. ``outputs.url`` is the path of the output, relative to the project."""

    def look(self, request: LookRequest) -> Evidence:
        record = request.look.record
        if record is None:
            return Evidence(facts={"running": False, "version": None, "url": None, "detail": "nothing is recorded"})
        detail = _gone_by(record.private, request.places.root)
        version = record.outputs.get("version")
        facts: dict[str, Json] = {
            "running": not detail,
            "version": version if isinstance(version, str) else None,
            "url": str(record.private.get("output_path")),
            "detail": detail,
        }
        return Evidence(facts=facts)

    def deploy(self, call: Call) -> StepResult:
        root = call.places.root
        source, target = root / str(call.spec["input"]), root / str(call.spec["output"])
        address = Address.parse(str(call.spec["model"]))
        model = call.upstream[address]
        version = str(model.outputs["version"])
        before = _digest(source)
        if before is None:
            raise _error(call, f"there is no file {call.spec['input']} to score", "name a CSV or Parquet file of rows")
        call.report(Progress(message=f"scoring {call.spec['input']} with {version} of {address.name}"))
        table = _scored(call, model, _rows(call, source, model), version)
        part = target.with_name(f".{target.name}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write(table, part)
            made = _digest(part)
            _check_foreign(call, target, made)
            if _digest(source) != before:
                raise _error(call, f"{call.spec['input']} changed while it was scored", "apply again")
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        _remove_former(call, target)
        private: dict[str, Json] = {
            "input": before,
            "input_path": str(call.spec["input"]),
            "output": made,
            "output_path": str(call.spec["output"]),
        }
        return StepResult(
            outputs={"url": str(call.spec["output"]), "version": version},
            facts={"rows": table.num_rows},
            private=private,
            message=f"scored {table.num_rows:,} rows into {call.spec['output']}",
        )

    def remove(self, call: Call) -> StepResult:
        private = call.record.private if call.record is not None else {}
        path = private.get("output_path")
        if not isinstance(path, str) or not (call.places.root / path).exists():
            return StepResult(message="removed")
        if _digest(call.places.root / path) != private.get("output"):
            return StepResult(message=f"left {path}, which was changed since it was written")
        (call.places.root / path).unlink()
        return StepResult(message=f"removed {path}")


def _gone_by(private: Mapping[str, Json], root: Path) -> str:
    """Return why a recorded scoring no longer holds, or ""."""
    source, target = str(private.get("input_path")), str(private.get("output_path"))
    found = _digest(root / target)
    if found is None:
        return f"{target} is gone"
    if found != private.get("output"):
        return f"{target} was changed since it was written"
    return "" if _digest(root / source) == private.get("input") else f"{source} changed since it was scored"


def _digest(path: Path) -> str | None:
    """Return the digest of a file's bytes, None where there is none."""
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _check_foreign(call: Call, target: Path, made: str | None) -> None:
    """Raise ``OrdainError`` where another file stands in the place of the output: it is not ours to overwrite."""
    private = call.record.private if call.record is not None else {}
    found = _digest(target)
    ours = found in (None, made) or private.get("output_path") == str(call.spec["output"])
    if not ours or target.is_dir():
        raise _error(call, f"{call.spec['output']} is there already, and was not written by this deployment",
                     "move it away, or name another output")  # fmt: skip


def _remove_former(call: Call, target: Path) -> None:
    """Remove the output of before where the deployment now writes another file, unless somebody changed it."""
    private = call.record.private if call.record is not None else {}
    path = private.get("output_path")
    former = call.places.root / path if isinstance(path, str) else target
    if former != target and _digest(former) == private.get("output"):
        former.unlink(missing_ok=True)


def _rows(call: Call, path: Path, model: ResourceRecord) -> pa.Table:
    """Return the rows of a file, the columns that the model reads in the types it was trained with."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    known = model.facts.get("columns")
    types = {
        name: pa.type_for_alias(_TYPES.get(str(column.get("type")), "string"))
        for name, column in (known.items() if isinstance(known, Mapping) else ())
        if isinstance(column, Mapping)
    }
    try:
        if path.suffix == ".parquet":
            return parquet.read_table(path)
        options = csv.ConvertOptions(column_types=types, strings_can_be_null=True)
        return csv.read_csv(path, convert_options=options)
    except (pa.ArrowInvalid, OSError) as error:
        raise _error(call, f"{call.spec['input']} cannot be read", "name a CSV or Parquet file whose columns have the "
                     "types that the model was trained with", str(error)) from error  # fmt: skip


def _scored(call: Call, model: ResourceRecord, table: pa.Table, version: str) -> pa.Table:
    """Return the kept columns, the prediction, a probability a class, and the version that said so."""
    import pyarrow as pa

    inputs = _inputs(model)
    missing = [name for name in inputs if name not in table.column_names]
    if missing:
        raise _error(call, f"{call.spec['input']} lacks {', '.join(missing)}, which the model reads", "add the columns")
    keep = _kept(call, table.column_names)
    answers: list[Mapping[str, Any]] = []
    predictor = _predictor(call, model)
    for rows in _chunks(table.select(inputs)):
        answers += _predicted(call, predictor, rows)
        call.report(Progress(message="scoring", fraction=len(answers) / max(table.num_rows, 1)))
    columns: dict[str, Any] = {name: table[name] for name in keep}
    columns[PREDICTION] = pa.array([one["prediction"] for one in answers])
    classes = model.facts.get("model")
    for name in _classes(classes):
        columns[f"probability_{name}"] = pa.array([one["probabilities"][name] for one in answers], pa.float64())
    columns["model_version"] = pa.array([version] * table.num_rows, pa.string())
    return pa.table(columns)


def _inputs(model: ResourceRecord) -> list[str]:
    facts, columns = model.facts.get("model"), model.facts.get("columns")
    inputs = facts.get("inputs") if isinstance(facts, Mapping) else None
    known = inputs if isinstance(inputs, Mapping) else columns if isinstance(columns, Mapping) else {}
    return [name for name in known if name != model.spec.get("target")]


def _classes(facts: Json) -> Sequence[str]:
    found = facts.get("classes") if isinstance(facts, Mapping) else None
    return [str(one) for one in found] if isinstance(found, list) else []


def _kept(call: Call, names: Sequence[str]) -> Sequence[str]:
    wanted = call.spec.get("keep")
    keep = [str(one) for one in wanted] if isinstance(wanted, list | tuple) else list(names)
    unknown = [name for name in keep if name not in names]
    if unknown:
        raise _error(
            call, f"{call.spec['input']} has no column {unknown[0]!r} to keep", f"there are: {', '.join(names)}"
        )
    taken = [name for name in keep if name in (PREDICTION, "model_version") or name.startswith("probability_")]
    if taken:
        raise _error(call, f"the column {taken[0]!r} of {call.spec['input']} is one that scoring writes",
                     "rename it, or name the columns to `keep`")  # fmt: skip
    return keep


def _chunks(table: pa.Table) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, table.num_rows, CHUNK):
        yield table.slice(start, CHUNK).to_pylist()


def _predictor(call: Call, model: ResourceRecord) -> Predictor:
    facts, artifact = model.facts.get("model"), str(model.facts["artifact"])
    path = call.store.fetch(artifact)
    if _digest(path) != artifact:
        raise _error(call, "the model's artifact is not what its digest says", "make it again: ordain plan")
    trainer = cast(Trainer, load_provider(call.targets[model.address]))
    return trainer.load(path, facts if isinstance(facts, Mapping) else {}, call.trusted)


def _predicted(call: Call, predictor: Predictor, rows: list[dict[str, Any]]) -> Sequence[Mapping[str, Any]]:
    try:
        return predictor.predict(rows)
    except ValueError as error:
        raise _error(call, f"{call.spec['input']} does not fit the model", "correct the row", str(error)) from error


def _write(table: pa.Table, path: Path) -> None:
    from pyarrow import csv, parquet

    if path.name.endswith(".parquet.part"):
        parquet.write_table(table, path)
    else:
        csv.write_csv(table, path)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _error(call: Call, summary: str, fix: str, detail: str = "") -> OrdainError:
    return OrdainError(
        Diagnostic(
            code="batch-scoring",
            summary=summary,
            detail=detail,
            fix=fix,
            blame=Blame.WORLD,
            exit=ExitCode.STEP_FAILED,
            address=call.address,
        )
    )
