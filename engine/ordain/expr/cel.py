"""CEL (the Common Expression Language of policies and gates): the only module that knows the library behind it.

Beyond the standard, ints and doubles compare and mix in arithmetic: ``roc_auc >= 1`` and ``n + 0.5 > 2`` are what
people write. Evaluation is bounded by the library's iteration budget and recursion limit, by the length of a text, and
by how often it may copy what it reads.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, cast

from ordain.expr.chains import copies
from ordain.expr.errors import ExpressionError
from ordain.values.data import Json

MAX_LENGTH = 10_000
MAX_COPIES = 1000
"""How often an expression may multiply what it reads."""


class CelType(StrEnum):
    """Types of variables, parameters and results; ``DYN`` is checked when evaluated."""

    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    STRING = "string"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    LIST = "list"
    MAP = "map"
    NULL = "null"
    DYN = "dyn"


class Fault(StrEnum):
    """What kind of thing is wrong: the text, a name it uses, types, a value that is not there, too much work."""

    SYNTAX = "syntax"
    NAME = "name"
    TYPE = "type"
    MISSING = "missing"
    BUDGET = "budget"
    RUNTIME = "runtime"


class CelError(ExpressionError):
    """An expression that cannot be compiled or evaluated.

    ``offset`` counts characters from the start of the text (0 when evaluating); ``fault`` is the kind of error;
    ``name`` the name, function or key it is about, where there is one.
    """

    def __init__(self, message: str, offset: int = 0, fault: Fault = Fault.RUNTIME, name: str = "") -> None:
        super().__init__(message, offset)
        self.fault = fault
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class CelFunction:
    """A function of ours. One entry an overload: the same name may come several times with other parameters."""

    name: str
    parameters: tuple[CelType, ...]
    returns: CelType
    run: Callable[..., object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A checked expression; ``returns`` is ``DYN`` where only evaluation shows the type."""

    text: str
    returns: CelType
    program: Any = field(repr=False, compare=False)
    env: Any = field(repr=False, compare=False)

    def activate(self, values: Mapping[str, object]) -> object:
        """Return values converted once, for several expressions of the same variables (see ``evaluate``)."""
        try:
            return self.env.Activation(values)
        except (RuntimeError, TypeError, ValueError) as error:
            raise _evaluation_error(str(error)) from None

    def evaluate(self, activation: object) -> Json:
        """Return the result as plain data; ``activation`` is a mapping of values, or what ``activate`` gave.

        Raises ``CelError``: a missing name or key has the fault ``MISSING``.
        """
        ready = self.activate(activation) if isinstance(activation, Mapping) else activation
        try:
            value = self.program.eval(ready)
        except (RuntimeError, TypeError, ValueError) as error:
            raise _evaluation_error(str(error)) from None
        if value.type() == _error_type():
            raise _evaluation_error(str(value.value()))
        return cast(Json, value.plain_value())


def compile_expression(
    text: str, variables: Mapping[str, CelType], functions: tuple[CelFunction, ...] = ()
) -> Compiled:
    """Parse and type-check ``text``; raise ``CelError`` with the offset of what is wrong."""
    if len(text) > MAX_LENGTH:
        raise CelError(f"the expression has {len(text)} characters; at most {MAX_LENGTH} are read", 0, Fault.BUDGET)
    if not text.strip():
        raise CelError("the expression is empty", 0, Fault.SYNTAX)
    if copies(text) > MAX_COPIES:
        message = f"it may make more than {MAX_COPIES} copies of what it reads: use each macro's variable less often"
        raise CelError(message, 0, Fault.BUDGET)
    env = _env(tuple(sorted(variables.items())), functions)
    try:
        program = env.compile(text)
    except RuntimeError as error:
        raise _compile_error(text, str(error)) from None
    return Compiled(text=text, returns=_type_of(program.return_type()), program=program, env=env)


def _library() -> Any:
    from cel_expr_python import cel

    return cel


@cache
def _error_type() -> Any:
    return _library().Type.ERROR


@lru_cache(maxsize=64)
def _env(variables: tuple[tuple[str, CelType], ...], functions: tuple[CelFunction, ...]) -> Any:
    cel = _library()
    types = {kind: getattr(cel.Type, kind.name) for kind in CelType}
    overloads: dict[str, list[Any]] = {}
    for number, one in enumerate((*_ARITHMETIC, *functions)):
        overloads.setdefault(one.name, []).append(
            cel.Overload(
                f"ordain_{number}",
                return_type=types[one.returns],
                parameters=[types[kind] for kind in one.parameters],
                impl=one.run,
            )
        )
    declared = [cel.FunctionDecl(name, several) for name, several in overloads.items()]
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(_comparisons()),
        variables={name: types[kind] for name, kind in variables},
        extensions=[cel.CelExtension("ordain", declared)],
    )


def _divide(a: float, b: float) -> float:
    """Divide as doubles do: by zero gives an infinity, zero by zero no number."""
    if b:
        return a / b
    return math.copysign(math.inf, a) if a else math.nan


_MIXED = ((CelType.DOUBLE, CelType.INT), (CelType.INT, CelType.DOUBLE))
_ARITHMETIC = tuple(
    CelFunction(name=name, parameters=pair, returns=CelType.DOUBLE, run=run)
    for name, run in (
        ("_+_", lambda a, b: float(a + b)),
        ("_-_", lambda a, b: float(a - b)),
        ("_*_", lambda a, b: float(a * b)),
        ("_/_", _divide),
    )
    for pair in _MIXED
)
_COMPARED = ("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration")
_ID = {"int": "int64", "uint": "uint64"}


@cache
def _comparisons() -> str:
    """Return the library's configuration (YAML) in which ``< <= > >= == !=`` also take an int beside a double.

    Its runtime can do that; only its type checker's declarations, which are replaced here, leave it out.
    """
    orders = {"_<_": "less", "_<=_": "less_equals", "_>_": "greater", "_>=_": "greater_equals"}
    same = {"_==_": "equals", "_!=_": "not_equals"}
    lines = ["stdlib:", "  exclude_functions:"]
    lines += [f'    - name: "{name}"' for name in (*orders, *same)]
    lines.append("functions:")
    mixed = [(a, b) for a in ("int", "uint", "double") for b in ("int", "uint", "double") if a != b]
    for name, word in orders.items():
        lines += [f'  - name: "{name}"', "    overloads:"]
        for one in _COMPARED:
            lines += _overload(f"{word}_{_ID.get(one, one)}", one, one)
        for a, b in mixed:
            lines += _overload(f"{word}_{_ID.get(a, a)}_{_ID.get(b, b)}", a, b)
    for name, word in same.items():
        lines += [f'  - name: "{name}"', "    overloads:"]
        lines += _overload(word, "A", "A")
        for a, b in mixed:
            lines += _overload(f"{word}_{a}_{b}", a, b)
    return "\n".join(lines)


def _overload(name: str, first: str, second: str) -> list[str]:
    out = [f"      - id: {name}", "        args:"]
    for one in (first, second):
        out.append(f"          - type_name: {one}")
        if one == "A":
            out.append("            is_type_param: true")
    return [*out, "        return:", "          type_name: bool"]


def _type_of(kind: Any) -> CelType:
    word = str(kind.name()).split("<")[0].split("(")[0].lower().rsplit(".", 1)[-1]
    return next((one for one in CelType if one == word), CelType.DYN)


_WHERE = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*?)(?=\n \||\nERROR:|$)", re.DOTALL)
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '\(([^']*)\)'")
_WELL_KNOWN = re.compile(r"google\.protobuf\.(Duration|Timestamp)")
_OPERATOR = re.compile(r"^_?(.*?)_?$")


def _compile_error(text: str, report: str) -> CelError:
    found = _WHERE.search(report)
    if found is None:
        fault = Fault.BUDGET if "limit" in report else Fault.SYNTAX
        return CelError(_bare(report), 0, fault)
    offset = _offset(text, int(found[1]), int(found[2]))
    message = found[3].removesuffix(" [INVALID_ARGUMENT]").strip()
    message = _WELL_KNOWN.sub(lambda name: name[1].lower(), message)
    undeclared = _UNDECLARED.search(message)
    if undeclared:
        return _undeclared(text, undeclared[1], offset)
    overload = _OVERLOAD.search(message)
    if overload:
        operator = (_OPERATOR.match(overload[1]) or overload)[1]
        return CelError(f"{operator} does not take ({overload[2]})", offset, Fault.TYPE, operator)
    if "Syntax error" in message:
        short = message.removeprefix("Syntax error: ").split(" expecting ")[0]
        short = "it ends too early" if "'<EOF>'" in short else short
        return CelError(f"this is not CEL: {short}", offset, Fault.SYNTAX)
    return CelError(message, offset, Fault.TYPE)


def _undeclared(text: str, name: str, offset: int) -> CelError:
    # The library points behind the name of a function, at its bracket.
    start = offset - len(name) if text[offset : offset + 1] == "(" else offset
    is_call = start != offset or text[offset + len(name) :].lstrip().startswith("(")
    message = f"there is no function {name} with these arguments" if is_call else f"there is no {name} here"
    return CelError(message, max(start, 0), Fault.NAME, name)


def _offset(text: str, line: int, column: int) -> int:
    before = text.split("\n")[: line - 1]
    return min(sum(len(one) + 1 for one in before) + max(column - 1, 0), len(text))


_KEY = re.compile(r'Key not found in map : "?([^"]*)"?')
_VALUE = re.compile(r'No value with name "([^"]*)"')


def _evaluation_error(report: str) -> CelError:
    bare = _bare(report)
    for pattern in (_KEY, _VALUE):
        found = pattern.search(report)
        if found:
            return CelError(f"{found[1]} is not there", 0, Fault.MISSING, found[1])
    if "Applying SELECT" in report:
        return CelError("a field is read of something that has no fields", 0, Fault.TYPE)
    if "budget" in report or "limit" in report:
        return CelError("it takes too many steps to evaluate", 0, Fault.BUDGET)
    return CelError(bare, 0, Fault.TYPE if "No matching overloads" in report else Fault.RUNTIME)


def _bare(report: str) -> str:
    """Return a report of the library without its status words: ``INVALID_ARGUMENT: divide by zero`` → the rest."""
    return re.sub(r"^[A-Z_]+: ", "", re.sub(r" \[[A-Z_]+\]$", "", report.strip())).strip()
