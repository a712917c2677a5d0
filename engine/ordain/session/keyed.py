"""Secrets by name, and the keyed digest that stands for their texts."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence


def find_secret(name: str, environ: Mapping[str, str], variables: Mapping[str, str]) -> str | None:
    """Return a secret's text, or None where it is not at hand: ``secret.X`` is in X, ``var.x`` a secret variable."""
    kind, _, rest = name.partition(".")
    return environ.get(rest) if kind == "secret" else variables.get(rest)


def keyed_digest(key: bytes | None, texts: Sequence[str | None]) -> str | None:
    """Return the keyed digest (HMAC-SHA-256, 32 hex digits) of texts, None without a key or where one is missing."""
    if key is None or any(text is None for text in texts):
        return None
    message = b"\0".join((text or "").encode() for text in texts)
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:32]
