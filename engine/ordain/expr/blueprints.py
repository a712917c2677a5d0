"""The body of a blueprint: Jinja2 in the sandbox, rendered to YAML in which marks stand for the values.

A value is never written into the text that becomes YAML. Where the body has ``{{ x }}``, the text gets a mark; the
YAML is parsed, and then the value takes the mark's place (``expr.filling``). So no value can add a key or a document,
and one that stands alone keeps its type. ``${{ }}`` is left as it stands for whoever reads the document later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from ordain.expr import sandbox
from ordain.expr.errors import ExpressionError
from ordain.expr.syntax import OPEN, closing
from ordain.values.data import Tree, Unknown, replace_leaves

if TYPE_CHECKING:
    from jinja2 import Environment, Template, nodes

RESERVED = re.compile("[\ue000-\ue005]")
"""Characters that a body may not hold: the marks are made of them."""
VALUE = re.compile("\ue002([0-9]+)\ue003")
"""The mark of a value: its number."""
MOST_TEXT = 1_000_000
"""Characters that one body may expand to."""
MOST_ROUNDS = 100_000
"""Rounds that all the loops of one body may take together."""
_LINE, _LINE_END, _OPENED, _CLOSED = "\ue000", "\ue001", "\ue004", "\ue005"
_MARK = re.compile(f"{_LINE}([0-9]+){_LINE_END}")
_TAGS_ONLY = re.compile(r"[ \t]*(?:\{[%#].*)?[%#]\}[ \t]*")
_COUNT, _PUT, _JOIN, _STATE = "ordain__count", "ordain__put", "ordain__join", "ordain__state"
_WORDS = frozenset(
    (
        *(
            "true",
            "false",
            "none",
            "True",
            "False",
            "None",
            "and",
            "or",
            "not",
            "in",
            "is",
            "if",
            "else",
            "elif",
            "for",
        ),
        *("loop", "self", "recursive", "name"),
    )
)


class BodyError(Exception):
    """What is wrong with a body, and its line (from 1)."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class Later:
    """A value that is known only when something is applied: it can be written down, and nothing else."""

    __slots__ = ("expression",)

    def __init__(self, expression: str) -> None:
        self.expression = expression

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(f"{self.expression} is known only when it is applied: the body can write it down, not read it")

    __str__ = __bool__ = __len__ = __iter__ = __eq__ = __lt__ = __add__ = __radd__ = __getitem__ = _refuse
    __hash__ = _refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A body with values: the text with marks; for each line the body's line and the one parameter written into it.

    ``values`` are what the marks stand for, by number.
    """

    text: str
    lines: tuple[int, ...]
    parameters: tuple[str, ...]
    values: tuple[Tree, ...]


@dataclass(slots=True)
class _State:
    """One rendering: the values so far with the parameter each is of ("" for none), and how far the loops may go."""

    values: list[Tree] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    rounds: int = MOST_ROUNDS
    room: int = MOST_TEXT


def is_name(text: str) -> bool:
    """Say whether a parameter may be called so: a name of Jinja's own would hide it."""
    return re.fullmatch(r"[A-Za-z]\w*", text, re.ASCII) is not None and text not in _WORDS


def check(body: str, names: frozenset[str]) -> None:
    """Raise ``BodyError`` where ``body`` cannot be rendered with values of these names, whatever they are."""
    _compiled(body, names)


def render(body: str, values: Mapping[str, Tree]) -> Rendered:
    """Render ``body``; raise ``BodyError``."""
    template = _compiled(body, frozenset(values))
    state = _State()
    scope = {name: _bound(value) for name, value in values.items()}
    pieces: list[str] = []
    size = 0
    try:
        for piece in template.root_render_func(template.new_context({**scope, _STATE: state})):
            size += len(piece)
            if size > MOST_TEXT:
                raise ValueError(f"the body expands to more than {MOST_TEXT:,} characters")
            pieces.append(piece)
    except RecursionError:
        raise BodyError("the body is nested too deeply", 1) from None
    except Exception as error:  # whatever code of the user's raises is the user's error
        raise BodyError(str(error) or type(error).__name__, _line(error, template)) from None
    return _read("".join(pieces), body.split("\n"), state)


def _bound(value: Tree) -> Any:
    return replace_leaves(value, lambda leaf: Later(leaf.expression))  # type: ignore[arg-type,return-value]


def _line(error: Exception, template: Template) -> int:
    """Return the line of the body on which an error was raised."""
    found, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == template.filename:
            found = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return found


def _read(text: str, body: Sequence[str], state: _State) -> Rendered:
    """Take the marks of lines out again; drop the blank lines that a line of nothing but tags leaves behind."""
    kept: list[str] = []
    lines: list[int] = []
    parameters: list[str] = []
    text = text.replace(_OPENED, OPEN).replace(_CLOSED, "}}")
    for line in text.split("\n"):
        words, found = _MARK.sub("", line), _line_of(line) or len(body)
        if not words.strip(" \t") and _TAGS_ONLY.fullmatch(body[found - 1]):
            continue
        written = [state.parameters[int(index)] for index in VALUE.findall(words)]
        kept.append(words)
        lines.append(found)
        parameters.append(written[0] if len(written) == 1 else "")
    return Rendered(text="\n".join(kept), lines=tuple(lines), parameters=tuple(parameters), values=tuple(state.values))


def _line_of(line: str) -> int:
    """Return the line of the body that the first word of a rendered line stands on; 0 for a line without a mark."""
    pieces = _MARK.split(line)  # text, number, text, number, text …
    numbers = [int(number) for number in pieces[1::2]]
    worded = (number for number, words in zip(numbers, pieces[2::2], strict=True) if words.strip(" \t"))
    return next(worded, numbers[0] if numbers else 0)


@lru_cache(maxsize=64)
def _compiled(body: str, names: frozenset[str]) -> Template:
    from jinja2 import Template, TemplateError

    environment = _environment()
    found = RESERVED.search(body)
    if found is not None:
        line = body.count("\n", 0, found.start()) + 1
        raise BodyError(f"the character U+{ord(found[0]):04X} has no place in a body", line)
    try:
        tree = environment.parse(_protected(body))
        _check_tree(tree, names)
        _prepare(tree, names)
        code = environment.compile(tree, "body", "<body of a blueprint>")
    except TemplateError as error:
        raise BodyError(_said(error), getattr(error, "lineno", None) or 1) from None
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError):
        raise BodyError("the body is nested too deeply, or a number in it is too long", 1) from None
    return Template.from_code(environment, code, {})


def _said(error: Exception) -> str:
    message = str(getattr(error, "message", None) or error).rstrip(".")
    return f"{message[:1].lower()}{message[1:]}".replace(_OPENED, OPEN).replace(_CLOSED, "}}")


def _protected(body: str) -> str:
    """Put marks in the place of what opens and closes ``${{ }}``; ``{{ x }}`` inside stays Jinja's."""
    pieces: list[str] = []
    position = 0
    while (start := body.find(OPEN, position)) >= 0:
        pieces += (body[position:start], _OPENED)
        position = start + len(OPEN)
        with suppress(ExpressionError):  # never closed: whoever reads the document says so
            end = closing(body, start)
            pieces += (body[position:end], _CLOSED)
            position = end + 2
    return "".join([*pieces, body[position:]])


def _check_tree(tree: nodes.Template, names: frozenset[str]) -> None:
    """Raise ``BodyError`` for a statement that is not read here, and for a name that is not known."""
    from jinja2 import meta, nodes

    statements = (nodes.Output, nodes.For, nodes.If, nodes.Assign)
    for node in tree.find_all((nodes.Stmt, nodes.Name, nodes.NSRef, nodes.Filter)):
        allowed = not isinstance(node, nodes.Stmt) or isinstance(node, statements)
        if not allowed or isinstance(node, nodes.NSRef) or (isinstance(node, nodes.For) and node.recursive):
            raise BodyError("a body may hold {% if %}, {% for %}, {% set %} and {{ }}, and no other tag", node.lineno)
        if not isinstance(node, nodes.Stmt) and str(getattr(node, "name", "")).startswith(sandbox.PLACEHOLDER):
            raise BodyError(f"names that begin with {sandbox.PLACEHOLDER} are reserved", node.lineno)
    stored = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
    unknown = meta.find_undeclared_variables(tree) - names - stored  # set on one branch only: seen when it is read
    for node in tree.find_all(nodes.Name):
        if node.name in unknown:
            known = ", ".join(sorted(names))
            raise BodyError(f"{node.name!r} is no parameter; there are: {known}", node.lineno)


def _prepare(tree: nodes.Template, names: frozenset[str]) -> None:
    """Rewrite a body's tree: marks for lines and values, loops that are counted, ``~`` that is bounded."""
    from jinja2 import nodes
    from jinja2.visitor import NodeTransformer

    stored = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}

    def filtered(node: nodes.Expr, name: str, *args: nodes.Expr) -> nodes.Filter:
        return nodes.Filter(node, name, list(args), [], None, None, lineno=node.lineno)

    class Preparing(NodeTransformer):
        def visit_Output(self, node: nodes.Output) -> nodes.Node:
            written: list[nodes.Expr] = []
            for one in node.nodes:
                if isinstance(one, nodes.TemplateData):
                    one.data = _numbered(one.data, one.lineno)
                    written.append(one)
                    continue
                given = isinstance(one, nodes.Name) and one.name in names and one.name not in stored
                parameter = nodes.Const(one.name if given and isinstance(one, nodes.Name) else "", lineno=one.lineno)
                line = nodes.Const(one.lineno, lineno=one.lineno)
                written.append(filtered(self.visit(one), _PUT, parameter, line))
            node.nodes = written
            return node

        def visit_For(self, node: nodes.For) -> nodes.Node:
            self.generic_visit(node)
            node.iter = filtered(node.iter, _COUNT)  # type: ignore[arg-type]
            return node

        def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
            self.generic_visit(node)
            return filtered(nodes.List(node.nodes, lineno=node.lineno), _JOIN)

    Preparing().visit(tree)


def _numbered(data: str, line: int) -> str:
    """Return literal text with the number of its line before each line."""
    return "\n".join(f"{_LINE}{line + index}{_LINE_END}{one}" for index, one in enumerate(data.split("\n")))


@cache
def _environment() -> Environment:
    from jinja2 import pass_context

    @pass_context
    def put(context: Any, value: object, parameter: str, line: int) -> str:
        state: _State = context[_STATE]
        state.values.append(_written(value, state))
        state.parameters.append(parameter)
        return f"{_LINE}{line}{_LINE_END}\ue002{len(state.values) - 1}\ue003"

    @pass_context
    def count(context: Any, value: Any) -> list[Any]:
        items = list(value)
        state: _State = context[_STATE]
        state.rounds -= len(items)
        if state.rounds < 0:
            raise ValueError(f"the loops of the body take more than {MOST_ROUNDS:,} rounds")
        return items

    environment = sandbox.box().overlay(keep_trailing_newline=True)
    environment.filters = {**environment.filters, _PUT: put, _COUNT: count, _JOIN: _join}
    return environment


def _join(values: Sequence[Any]) -> Any:
    """Return what ``~`` makes: text, or something to compute later where one of the values is."""
    if any(isinstance(value, Later) for value in values):
        return Later("".join(v.expression if isinstance(v, Later) else literal(sandbox.plain(v)) for v in values))
    texts = [sandbox.text(sandbox.plain(value)) for value in values]
    sandbox.bounded(sum(map(len, texts)))
    return "".join(texts)


def literal(value: Tree) -> str:
    """Spell a value so that nobody takes a part of it for an expression."""
    return sandbox.text(value).replace(OPEN, "$" + OPEN)


def _written(value: Any, state: _State) -> Tree:
    """Return what a mark stands for: plain data, and an ``Unknown`` for what is known later."""
    state.room -= 1
    if state.room < 0:
        raise ValueError(f"the body writes more than {MOST_TEXT:,} values")
    if isinstance(value, Later):
        return Unknown(expression=value.expression)
    if isinstance(value, Mapping):
        return {key: _written(item, state) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_written(item, state) for item in value]
    found = sandbox.plain(value)
    state.room -= len(found) if isinstance(found, str | list) else 0
    return found
