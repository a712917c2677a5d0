"""What clients may send: bodies to rows and answers to bodies. Pure; every complaint names row and column.

The Open Inference Protocol's tensors come flat or nested, whatever their shape says: values count in row-major order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ordain.api import Json

_TYPES: Mapping[str, tuple[type, ...]] = {
    "BOOL": (bool,),
    **dict.fromkeys(("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"), (int,)),
    **dict.fromkeys(("FP16", "FP32", "FP64"), (int, float)),
    "BYTES": (str,),
}
_DATATYPES = {"integer": "INT64", "number": "FP64", "boolean": "BOOL"}

Row = dict[str, Any]


class Refusal(Exception):
    """A request that is not answered: the HTTP status, and one sentence for the client.

    ``again`` is after how many seconds it may ask again.
    """

    def __init__(self, message: str, status: int = 400, again: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.again = again


def rows_of(body: Json, most: int) -> list[Row]:
    """Return the rows of ``{"rows": [{column: value}]}`` (or ``"instances"``), at most ``most``. Raises ``Refusal``."""
    if not isinstance(body, Mapping):
        raise Refusal('the body must be an object: {"rows": [{column: value, …}, …]}')
    given = [key for key in ("rows", "instances") if key in body]
    if len(given) != 1:
        raise Refusal('the body must hold either "rows" or "instances": a list of {column: value, …}')
    rows = body[given[0]]
    if not isinstance(rows, list):
        raise Refusal(f'"{given[0]}" must be a list of objects, not {_word(rows)}')
    _check_count(len(rows), most)
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise Refusal(f"row {number} must be an object {{column: value, …}}, not {_word(row)}", 422)
        for column, value in row.items():
            if isinstance(value, list | dict):
                raise Refusal(f"row {number}, column {column!r}: {_word(value)} is no value of a column", 422)
    return rows


def rows_of_tensors(body: Json, columns: Sequence[str], most: int) -> list[Row]:
    """Return the rows of an inference request of the Open Inference Protocol, version 2. Raises ``Refusal``.

    Each input is a column (shape ``[n]`` or ``[n, 1]``), or all of them at once (one input of shape ``[n, k]``) in the
    model's order, which ``columns`` gives.
    """
    inputs = body.get("inputs") if isinstance(body, Mapping) else None
    if not isinstance(inputs, list) or not inputs:
        raise Refusal('the body must hold "inputs": a list of {"name", "shape", "datatype", "data"}')
    table: dict[str, list[Any]] = {}
    for number, tensor in enumerate(inputs):
        _check_shape(tensor, number, most)
        for name, values in _tensor(tensor, columns, len(inputs) == 1).items():
            if name in table:
                raise Refusal(f"column {name!r} is given twice")
            table[name] = values
    lengths = {name: len(values) for name, values in table.items()}
    if len(set(lengths.values())) != 1:
        raise Refusal(f"the inputs differ in their number of rows: {lengths}")
    count = next(iter(lengths.values()))
    _check_count(count, most)
    return [{name: values[index] for name, values in table.items()} for index in range(count)]


def _check_shape(tensor: Json, number: int, most: int) -> None:
    if not isinstance(tensor, Mapping) or not isinstance(tensor.get("name"), str):
        raise Refusal(f"input {number} must be an object with a name, shape, datatype and data")
    name, shape, datatype = tensor["name"], tensor.get("shape"), tensor.get("datatype")
    if not isinstance(datatype, str) or datatype not in _TYPES:
        raise Refusal(f"input {name!r}: datatype must be one of {', '.join(_TYPES)}")
    if not isinstance(shape, list) or len(shape) not in (1, 2) or not all(_is_size(size) for size in shape):
        raise Refusal(f"input {name!r}: shape must be [rows] or [rows, columns]")
    _check_count(shape[0], most)


def _tensor(tensor: Any, columns: Sequence[str], alone: bool) -> dict[str, list[Any]]:
    """Return the columns of a tensor whose shape and type are right."""
    name, shape, datatype = tensor["name"], tensor["shape"], tensor["datatype"]
    width = shape[1] if len(shape) == 2 else 1
    values = _flat(tensor.get("data"), len(shape), name)
    if len(values) != shape[0] * width:
        raise Refusal(f"input {name!r}: its shape asks for {shape[0] * width} values, data has {len(values)}")
    names = [name] if width == 1 else list(columns)
    if width != len(names) or (width > 1 and not alone):
        raise Refusal(
            f"input {name!r}: give each column as an input of its own, or all {len(columns)} in one of shape "
            f"[rows, {len(columns)}]"
        )
    for index, value in enumerate(values):
        _check_value(value, datatype, index // width, names[index % width])
    return {column: values[index::width] for index, column in enumerate(names)}


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _flat(data: Json, depth: int, name: str) -> list[Any]:
    if not isinstance(data, list):
        raise Refusal(f"input {name!r}: data must be a list, flat or nested as its shape is")
    out: list[Any] = []
    for item in data:
        if not isinstance(item, list):
            out.append(item)
        elif depth > 1:
            out += _flat(item, depth - 1, name)
        else:
            raise Refusal(f"input {name!r}: data is nested deeper than its shape")
    return out


def _check_value(value: Any, datatype: str, row: int, column: str) -> None:
    wrong = isinstance(value, bool) and datatype != "BOOL"
    if value is not None and (wrong or not isinstance(value, _TYPES[datatype])):
        raise Refusal(f"row {row}, column {column!r}: {_word(value)} is no {datatype}", 422)


def _check_count(count: int, most: int) -> None:
    if count == 0:
        raise Refusal("there are no rows: give at least one")
    if count > most:  # 413, not 422: nothing is wrong with the rows, and the client mends it as it does a large body
        raise Refusal(f"{count} rows are more than the {most} a request may hold: send several", 413)


def tensors_of(answers: Sequence[Mapping[str, Json]], wanted: Json) -> list[dict[str, Json]]:
    """Return answers as output tensors: ``prediction``, and for classifiers ``probabilities`` with their classes.

    ``wanted`` is the request's ``outputs``: which of them (all where it is None). Raises ``Refusal`` for others.
    """
    count = len(answers)
    predictions = [answer.get("prediction") for answer in answers]
    out: dict[str, dict[str, Json]] = {
        "prediction": {
            "name": "prediction",
            "datatype": datatype_of(predictions),
            "shape": [count],
            "data": predictions,
        }
    }
    first = answers[0].get("probabilities")
    if isinstance(first, Mapping):
        classes = list(first)
        data = [_of(answer, name) for answer in answers for name in classes]
        out["probabilities"] = {
            "name": "probabilities",
            "datatype": "FP64",
            "shape": [count, len(classes)],
            "data": data,
            "parameters": {"classes": classes},
        }
    if wanted is None:
        return list(out.values())
    items = wanted if isinstance(wanted, list) else [None]
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    if not all(isinstance(name, str) and name in out for name in names):
        raise Refusal(f'"outputs" must be a list of objects whose name is one of: {", ".join(out)}')
    return [out[str(name)] for name in names]


def _of(answer: Mapping[str, Json], name: str) -> Json:
    probabilities = answer.get("probabilities")
    return probabilities.get(name) if isinstance(probabilities, Mapping) else None


def datatype_of(values: Sequence[Json]) -> str:
    """Return the protocol's datatype that holds all of ``values``."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, bool) for value in known):
        return "BOOL"
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in known):
        return "BYTES"
    return "INT64" if known and all(isinstance(value, int) for value in known) else "FP64"


def input_tensors(columns: Mapping[str, str]) -> list[dict[str, Json]]:
    """Return the model's inputs as the protocol's metadata: one tensor a column, by its type."""
    return [{"name": name, "datatype": _DATATYPES.get(kind, "BYTES"), "shape": [-1]} for name, kind in columns.items()]


def _word(value: Any) -> str:
    if value is None:
        return "null"
    for kinds, word in (((bool,), "a boolean"), ((int, float), "a number"), ((str,), "text"), ((list,), "a list")):
        if isinstance(value, kinds):
            return word
    return "an object"
