"""Which rows are held out. Each row is on exactly one side; the same rows and the same seed give the same sides."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ordain.api import Diagnostic, Json, OrdainError

if TYPE_CHECKING:
    import pyarrow as pa


def parts(table: pa.Table, split: Mapping[str, Json]) -> tuple[pa.Table, pa.Table]:
    """Return the training and the test part, rows in their order; each has one row at least.

    ``order`` holds out the last share. ``random`` holds out the rows with the smallest draws of PCG64 (O'Neill 2014,
    the raw stream, which numpy keeps the same between versions), one draw a row. ``group`` holds out whole groups, in
    the order of the SHA-256 of seed and value, until the share is reached. Raises ``OrdainError`` where a part would be
    empty.
    """
    import numpy as np
    import pyarrow as pa

    share = split.get("test", 0.2)
    held = _held(table, split, float(share) if isinstance(share, int | float) else 0.2)
    mask = np.asarray(held)
    if not mask.any() or mask.all():
        raise _too_small(
            f"{table.num_rows} rows, split by {split.get('by', 'order')}", "test" if not mask.any() else "training"
        )
    return table.filter(pa.array(~mask)), table.filter(pa.array(mask))


def _held(table: pa.Table, split: Mapping[str, Json], share: float) -> Any:
    import numpy as np

    rows = table.num_rows
    count = min(max(math.floor(rows * share + 0.5), 1), max(rows - 1, 0))
    seed = split.get("seed")
    seed = seed if isinstance(seed, int) else 0
    held = np.zeros(rows, dtype=bool)
    if split.get("by") == "group":
        return _groups(table, str(split.get("column")), (seed, count))
    if split.get("by") == "random":
        draws = np.random.PCG64(seed).random_raw(rows)
        held[np.argsort(draws, kind="stable")[:count]] = True
    elif count:
        held[-count:] = True
    return held


def _groups(table: pa.Table, column: str, draw: tuple[int, int]) -> Any:
    import numpy as np
    import pyarrow as pa

    if column not in table.column_names:
        raise OrdainError(
            Diagnostic(
                code="dataset-step",
                summary=f"split: there is no column {column} after the preparation",
                fix=f"name one of {', '.join(table.column_names)}",
                path=("spec", "split", "column"),
            )
        )
    seed, count = draw
    encoded = table.column(column).cast(pa.string()).combine_chunks().dictionary_encode(null_encoding="encode")
    values = encoded.dictionary.to_pylist()
    codes = encoded.indices.to_numpy()
    sizes = np.bincount(codes, minlength=len(values))
    held: list[int] = []
    for group in sorted(range(len(values)), key=lambda index: _rank(seed, values[index])):
        if sizes[held].sum() >= count or len(held) == len(values) - 1:
            break
        held.append(group)
    return np.isin(codes, held)


def _rank(seed: int, value: str | None) -> bytes:
    text = "null" if value is None else f"text:{value}"
    return hashlib.sha256(f"{seed}:{text}".encode()).digest()


def _too_small(what: str, part: str) -> OrdainError:
    return OrdainError(
        Diagnostic(
            code="dataset-too-small",
            summary=f"the {part} part would be empty: {what}",
            fix="take out a filter, split another way, or bring more rows",
            path=("spec", "split"),
        )
    )
