"""The DuckDB preparer of Dataset: expressions and SQL in a database of their own, in memory, shut off from the world.

This module is on the path of every plan (for ``recipe``): it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeAlias

from ordain.api import Diagnostic, Json, OrdainError, Prepared, Preparer, PrepareRequest, Progress, Tree
from ordain_files.split import parts
from ordain_files.table import normalise, type_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

RECIPE = 1
"""Version of the way rows are prepared, split and written; raise it when the same spec gives other bytes."""

_SETTINGS: Mapping[str, str] = {
    "enable_external_access": "false",  # no file, no network, no extension
    "python_enable_replacements": "false",  # no variable of this process as a table
    "threads": "1",  # rows and sums in one order
    "preserve_insertion_order": "true",
    "TimeZone": "'UTC'",
    "lock_configuration": "true",  # the last word
}


class DuckDb(Preparer):
    """Prepares rows step by step; the same rows and the same spec give the same bytes."""

    def recipe(self, spec: Mapping[str, Tree]) -> Mapping[str, Json]:
        """Return the recipe's version, and DuckDB's minor version where the spec has expressions for it."""
        words = [word for step in _steps(spec) for word in step]
        if not {"filter", "derive", "sql"} & set(words):
            return {"recipe": RECIPE}
        return {"recipe": RECIPE, "duckdb": ".".join(version("duckdb").split(".")[:2])}

    def prepare(self, request: PrepareRequest) -> Prepared:
        """Return the two parts as Parquet files. Raises ``OrdainError`` naming the step that failed."""
        from pyarrow import parquet

        table = normalise(request.source)
        steps = _steps(request.spec)
        for index, step in enumerate(steps):
            ((word, argument),) = step.items()
            request.report(Progress(message=f"prepare[{index}]: {word}", fraction=index / (len(steps) + 1)))
            table = _step(table, word, argument, (index, word))
        split = request.spec.get("split")
        request.report(Progress(message="splitting and writing", fraction=len(steps) / (len(steps) + 1)))
        train, test = parts(table, split if isinstance(split, Mapping) else {})
        files = {"train": request.folder / "train.parquet", "test": request.folder / "test.parquet"}
        for part, rows in (("train", train), ("test", test)):
            parquet.write_table(rows, files[part], compression="zstd", row_group_size=1 << 20)
        facts = {
            "rows_train": train.num_rows,
            "rows_test": test.num_rows,
            "schema": {name: type_of(table.schema.field(name).type) for name in table.column_names},
            "libraries": {name: version(name) for name in ("duckdb", "pyarrow")},
        }
        return Prepared(train=files["train"], test=files["test"], facts=facts)


def _steps(spec: Mapping[str, Tree]) -> list[Mapping[str, Json]]:
    steps = spec.get("prepare")
    return [step for step in steps if isinstance(step, Mapping)] if isinstance(steps, list | tuple) else []


_At: TypeAlias = tuple[int, str]
"""A step: its number, counted from 0, and its word."""


def _step(table: pa.Table, word: str, argument: Json, at: _At) -> pa.Table:
    if word == "drop" and isinstance(argument, list | tuple):
        _present(table, [str(name) for name in argument], at)
        return table.drop_columns([str(name) for name in argument])
    if word == "rename" and isinstance(argument, Mapping):
        _present(table, [str(name) for name in argument], at)
        return table.rename_columns([str(argument.get(name, name)) for name in table.column_names])
    if word == "filter":
        return _query(table, f"SELECT * FROM source WHERE (\n{argument}\n)", at)
    if word == "derive" and isinstance(argument, Mapping):
        return _query(table, _derivation(table, argument), at)
    return _query(table, str(argument), at)


def _derivation(table: pa.Table, derive: Mapping[str, Json]) -> str:
    old = [f"(\n{text}\n) AS {_quoted(name)}" for name, text in derive.items() if name in table.column_names]
    new = [f"(\n{text}\n) AS {_quoted(name)}" for name, text in derive.items() if name not in table.column_names]
    star = f"* REPLACE ({', '.join(old)})" if old else "*"
    return f"SELECT {', '.join([star, *new])} FROM source"


def _query(table: pa.Table, text: str, at: _At) -> pa.Table:
    """Run one SELECT over ``table``, known as ``source``, in a database that dies with it."""
    import duckdb
    import pyarrow as pa

    with duckdb.connect(":memory:") as connection:
        for name, value in _SETTINGS.items():
            connection.execute(f"SET {name} = {value}")
        try:
            _one_select(connection, text, at)
            connection.register("source", table)
            result = connection.sql(text).to_arrow_table()
        except duckdb.Error as error:
            raise _failed(at, str(error)) from None
    names = [name.lower() for name in result.column_names]  # to SQL, age and AGE are the same
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise _failed(at, f"two columns of the result are called {twice}")
    try:
        return normalise(result.combine_chunks())
    except OrdainError as error:
        raise _failed(at, "; ".join(one.summary for one in error.diagnostics)) from None
    except pa.ArrowInvalid as error:
        raise _failed(at, str(error)) from None


def _one_select(connection: duckdb.DuckDBPyConnection, text: str, at: _At) -> None:
    import duckdb

    statements = connection.extract_statements(text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise _failed(at, "it is not one SELECT")


def _present(table: pa.Table, names: list[str], at: _At) -> None:
    absent = [name for name in names if name not in table.column_names]
    if absent:
        raise _failed(at, f"there is no column {absent[0]}; there are: {', '.join(table.column_names)}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _failed(at: _At, message: str) -> OrdainError:
    first, _, rest = message.strip().partition("\n")
    return OrdainError(
        Diagnostic(
            code="dataset-step",
            summary=f"prepare[{at[0]}]: {first}",
            detail=rest.strip()[:600],
            fix="correct the expression; it is DuckDB SQL over the columns there are at that step",
            path=("spec", "prepare", *at),
        )
    )
