"""What goes wrong in an expression."""

from __future__ import annotations


class ExpressionError(Exception):
    """An expression that cannot be read or evaluated; ``offset`` counts characters from the start of its scalar."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
