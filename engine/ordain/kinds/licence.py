"""SPDX licence expressions: whether a text is one. Which identifiers there are is not looked up.

The grammar is that of the SPDX specification's annex on licence expressions: identifiers joined by ``AND``, ``OR`` and
``WITH`` (all upper or all lower case), and parentheses.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_TOKEN = re.compile(r"\s*([()]|[^()\s]+)\s*")
_NAME = re.compile(r"(DocumentRef-[A-Za-z0-9.-]+:)?[A-Za-z0-9][A-Za-z0-9.-]*\+?", re.ASCII)
_WORDS = frozenset(("AND", "OR", "WITH", "and", "or", "with"))


def _is_expression(text: str) -> bool:
    depth, before = 0, "("  # what came before: a name, a word, or a parenthesis
    for token in _TOKEN.findall(text):
        after_operand = before == ")" or (before not in _WORDS and before != "(")
        if token == "(":
            fits = not after_operand and before not in ("WITH", "with")
            depth += 1
        elif token == ")":
            fits = after_operand and depth > 0
            depth -= 1
        elif token in _WORDS:
            fits = after_operand and (token.upper() != "WITH" or before != ")")
        else:
            fits = not after_operand and _NAME.fullmatch(token) is not None
        if not fits:
            return False
        before = token
    return depth == 0 and before not in _WORDS and before != "("


def _checked(text: str) -> str:
    if not _is_expression(text):
        raise ValueError(
            f"{text!r} is no SPDX licence expression: write an identifier such as CC-BY-4.0, several as in "
            "MIT AND CC0-1.0, or LicenseRef-NAME for a licence of your own"
        )
    return text


Licence = Annotated[str, Field(max_length=500), AfterValidator(_checked)]
"""An SPDX licence expression, as it was written."""
