"""libyaml's error messages, said so that a person can act on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ordain.config.events import Problem
from ordain.values.span import Source

if TYPE_CHECKING:
    import yaml

_INDENT = "check the indentation of this line and the one before it"
_SAID: tuple[tuple[str, str, str], ...] = (
    ("mapping values are not allowed", "a `: ` where no key can stand", f"quote the text before it, or {_INDENT}"),
    ("did not find expected ',' or ']'", "`[` is never closed, or a comma is missing", "close it, or add the comma"),
    ("did not find expected ',' or '}'", "`{` is never closed, or a comma is missing", "close it, or add the comma"),
    ("did not find expected key", "a key is expected here", _INDENT),
    ("did not find expected '-' indicator", "a list item `- ` is expected here", _INDENT),
    ("could not find expected ':'", "a `:` is missing after a key", "write `key: value`"),
    ("found unexpected end of stream", "a quote is never closed", "close the quotes"),
    ("found unexpected document indicator", "a quote is never closed before `---`", "close the quotes"),
    ("found unknown escape character", "an unknown `\\` escape in double quotes", "use single quotes, or `\\\\`"),
    ("found invalid Unicode character escape", "half a character as `\\u` escape", "write the character itself"),
    ("did not find expected alphabetic or numeric character", "`&` or `*` with no name", "quote it if it is text"),
    ("found undefined tag handle", "a foreign tag", "leave the tag out, or quote the text"),
    ("block sequence entries are not allowed", "a list item `- ` cannot stand here", "begin the list on a new line"),
    ("did not find expected <document start>", "text after the end of the document", f"add `---`, or {_INDENT}"),
    ("did not find expected node content", "a value is missing", "write one, or close the bracket"),
    ("control characters are not allowed", "a character that has no place in a file", "remove it"),
)


def inside(lines: list[str], line: int, column: int) -> tuple[int, int]:
    """Return a position, or the end of the last word where it lies behind that (libyaml's often do)."""
    if any(rest.strip() for rest in lines[line:]):
        return line, column
    last = max((number for number, rest in enumerate(lines) if rest.strip()), default=0)
    return last, len(lines[last].rstrip())


def explain(error: yaml.YAMLError, source: Source) -> Problem:
    """Return what ``error`` means, at its position in ``source``."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "this is not YAML")
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = source.text.split("\n")
    began = getattr(error, "context_mark", None)
    if began and (said.startswith("found unexpected") or line >= len(lines) or not lines[line].strip("-. ")):
        line, column = began.line, began.column  # it shows only at the end of the document: say where it began
    line, column = inside(lines, line, column)
    text = lines[line]
    code, summary, fix = "yaml-syntax", said, _INDENT
    if text[column : column + 1] == "\t" or (not text[:column].strip() and "\t" in text[:column]):
        code, summary, fix = "yaml-tab", "a tab cannot indent", "indent with spaces"
    elif "cannot start any token" in said:
        summary, fix = f"a value cannot begin with {text[column : column + 1]!r}", "quote it"
    else:
        for start, meaning, remedy in _SAID:
            if start in said:
                summary, fix = meaning, remedy
                break
        if "${{" in text and "${{" in text[: column + 3] and ("[" in text or "{" in text.replace("{{", "")):
            summary, fix = "an expression inside `[ ]` or `{ }` needs quotes", 'write "${{ … }}" with the quotes'
    return Problem(code=code, summary=summary, fix=fix, line=line, column=column)
