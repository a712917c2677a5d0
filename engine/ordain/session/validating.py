"""Checks a project without looking at anything but its files."""

from __future__ import annotations

from ordain.session.context import Context
from ordain.session.loading import load
from ordain.values.diagnostic import Diagnostic


def validate(context: Context) -> tuple[tuple[Diagnostic, ...], int]:
    """Return warnings and the number of resources; raise ``OrdainError`` with every error found."""
    loaded = load(context, key=None)
    return loaded.warnings, len(loaded.desired.resources)
