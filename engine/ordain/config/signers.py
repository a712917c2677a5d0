"""``allowed_signers`` → the keys that may approve (the format of ssh-keygen(1), ALLOWED SIGNERS)."""

from __future__ import annotations

from ordain.config.files import FileText
from ordain.values.approval import Signer
from ordain.values.diagnostic import Diagnostic


def parse_signers(file: FileText) -> tuple[tuple[Signer, ...], tuple[Diagnostic, ...]]:
    """Return the keys in the order they stand, and a diagnostic for each line that names none."""
    raise NotImplementedError
