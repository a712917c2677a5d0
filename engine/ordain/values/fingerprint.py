"""Canonical bytes, digests, and the four fingerprints of a resource (DESIGN §1.5)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ordain.values.codec import canonical
from ordain.values.data import Tree

ALGORITHM = 1
"""Version of the way fingerprints are made; kept with each record so that a newer Ordain can hash again."""


class Facet(StrEnum):
    """What a change of a field asks for: make it again, only judge it again, only redeploy, only write it down."""

    BUILD = "build"
    JUDGE = "judge"
    SERVE = "serve"
    RECORD = "record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The four digests of a resource; each is the first 32 hexadecimal digits of a SHA-256."""

    build: str
    judge: str
    serve: str
    record: str
    algorithm: int = ALGORITHM


def sha256(data: bytes) -> str:
    """Return ``sha256:`` and the hexadecimal digest of ``data``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def digest(value: object) -> str:
    """Return the digest of a value's canonical bytes."""
    return sha256(canonical(value))


def short(tree: Mapping[str, Tree]) -> str:
    """Return the 32 hexadecimal digits that stand for ``tree`` in a fingerprint."""
    return hashlib.sha256(canonical(tree)).hexdigest()[:32]
