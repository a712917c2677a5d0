"""Jinja2 expressions in a box: no statements, no loops, no attribute of Python's, bounded in size.

What can grow is checked before it grows: ``*``, ``**``, ``+``, ``join``, ``replace``; formatting is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NoReturn, cast

from ordain.expr.errors import ExpressionError
from ordain.values.codec import dumps
from ordain.values.data import Tree

if TYPE_CHECKING:
    from jinja2.environment import TemplateExpression
    from jinja2.sandbox import SandboxedEnvironment

PLACEHOLDER = "ordain__"
LARGEST = 100_000
"""Characters or items a computed value may have."""
_BITS = 1024
_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items", "last", "length"),
    *("list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "round", "select", "selectattr"),
    *("sort", "sum", "title", "trim", "truncate", "unique", "upper"),
)
_METHODS = frozenset(
    (
        *("upper", "lower", "title", "capitalize", "strip", "lstrip", "rstrip", "split", "rsplit", "startswith"),
        *("endswith", "removeprefix", "removesuffix", "get", "keys", "values", "items", "count", "index", "find"),
    )
)


def run(code: str, names: Mapping[str, Tree], offset: int) -> Tree:
    """Evaluate ``code`` with ``names``; raise ``ExpressionError`` (its offset is ``offset``)."""
    expression = _compiled(code, frozenset(names), offset)
    try:
        return plain(expression(**names))
    except RecursionError:
        _fail("the expression is nested too deeply", offset)
    except Exception as error:  # whatever code of the user's raises is the user's error
        _fail(str(error) or type(error).__name__, offset)


def check(code: str, names: frozenset[str], offset: int) -> None:
    """Raise ``ExpressionError`` where ``code`` is no expression, or uses names other than ``names``."""
    _compiled(code, names, offset)


def text(value: Tree) -> str:
    """Spell a value inside text: strings as they are, everything else as JSON."""
    return value if isinstance(value, str) else dumps(value).decode()


def _fail(message: str, offset: int) -> NoReturn:
    raise ExpressionError(message.replace(PLACEHOLDER, "name "), offset) from None


@lru_cache(maxsize=4096)
def _compiled(code: str, names: frozenset[str], offset: int) -> TemplateExpression:
    from jinja2 import TemplateError, meta

    if code.count(PLACEHOLDER) != sum(name.startswith(PLACEHOLDER) for name in names):
        raise ExpressionError(f"names that begin with {PLACEHOLDER} are reserved", offset)
    environment = box()
    try:
        expression = environment.compile_expression(code, undefined_to_none=False)
        roots = meta.find_undeclared_variables(environment.parse("{{ " + code + " }}")) - names
    except TemplateError as error:
        _fail(f"this is not an expression: {error.message}", offset)
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError):
        _fail("the expression is nested too deeply, or a number in it is too long", offset)
    if roots:
        root = min(roots)
        _fail(f"{root!r} is not known here; {_hint(code, root)}", offset)
    return expression


def _hint(code: str, root: str) -> str:
    known = "there are var.NAME, env.name, secret.NAME and KIND.NAME.outputs.OUTPUT"
    if f"{root}." in code and "[" in code.partition(f"{root}.")[2]:
        return f'{known}; in brackets stands a key: ["north"], [each.key], [var.NAME]'
    return known


def _size(value: object) -> int:
    return len(value) if isinstance(value, str | list | tuple | dict) else 0


def bounded(size: int) -> None:
    """Raise ``ValueError`` where a value would be larger than one may be."""
    if size > LARGEST:
        raise ValueError(f"the result would have {size:,} characters or items; {LARGEST:,} is the limit")


def _guard(operator: str, left: Any, right: Any) -> None:
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if operator == "*" and not numbers:
        if isinstance(left, list | tuple) or isinstance(right, list | tuple):
            raise TypeError("* takes numbers, or text and a number")
        bounded((_size(left) or int(left)) * (_size(right) or int(right)))
    elif operator == "+" and not numbers:
        bounded(_size(left) + _size(right))
    elif operator == "%" and not numbers:
        raise TypeError("% takes numbers; join text with ~")
    elif operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * abs(right) if operator == "**" else left.bit_length() + right.bit_length()
        if bits > _BITS:
            raise ValueError(f"the number would have more than {_BITS:,} bits")


def _join(value: Iterable[object], separator: str = "") -> str:
    items = [text(cast("Tree", item)) for item in value]
    bounded(sum(map(len, items)) + len(separator) * len(items))
    return separator.join(items)


def _replace(value: str, old: str, new: str) -> str:
    bounded(len(value) + value.count(old) * len(new))
    return value.replace(old, new)


@cache
def box() -> SandboxedEnvironment:
    """Return the environment that everything of a user's runs in."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    class Box(SandboxedEnvironment):
        intercepted_binops = frozenset(("+", "*", "**", "%"))

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            _guard(operator, left, right)
            return super().call_binop(context, operator, left, right)

        def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
            if not self.is_safe_callable(obj):
                raise TypeError(f"{getattr(obj, '__name__', type(obj).__name__)!r} cannot be called here")
            return super().call(context, obj, *args, **kwargs)

        def is_safe_callable(self, obj: Any) -> bool:
            owner = getattr(obj, "__self__", None)
            return isinstance(owner, str | list | tuple | dict) and getattr(obj, "__name__", "") in _METHODS

        def getattr(self, obj: Any, attribute: str) -> Any:
            # A member called `items` or `count` wins over the method of that name.
            if isinstance(obj, Mapping) and attribute in obj:
                return obj[attribute]
            return super().getattr(obj, attribute)

    environment = Box(undefined=StrictUndefined, autoescape=False, optimized=False)
    environment.globals.clear()
    kept: dict[str, Callable[..., Any]] = {name: environment.filters[name] for name in _FILTERS}
    environment.filters.clear()
    environment.filters.update(kept, join=_join, replace=_replace, string=text, tojson=lambda v: dumps(v).decode())
    return environment


def plain(value: object) -> Tree:
    """Return a result as plain data; raise ``TypeError`` where it is something else."""
    from jinja2 import Undefined

    budget = LARGEST

    def convert(value: object) -> Tree:
        nonlocal budget
        budget -= 1
        if budget < 0:
            bounded(LARGEST + 1)
        if isinstance(value, Undefined):
            value._fail_with_undefined_error()
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ValueError("the result is not a finite number")
            return value
        if isinstance(value, str):
            bounded(len(value))
            return value
        if isinstance(value, Mapping):
            if any(not isinstance(key, str) for key in value):
                raise TypeError("the keys of a mapping must be text")
            return {key: convert(item) for key, item in value.items()}
        if isinstance(value, list | tuple | Iterator | KeysView | ValuesView | ItemsView):
            return [convert(item) for item in value]
        raise TypeError(f"the result is a {type(value).__name__}, which is no value")

    return convert(value)
