"""How long something will take. By itself, since the store of a state speaks of it, and not of plans."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Seconds a change will take, from ``runs`` earlier runs of this project; None where there is no history.

    ``basis``: ``own`` runs, or at least in part those of its ``kin`` (other resources of its kind and provider).
    """

    p50: float | None
    p90: float | None
    runs: int
    basis: str = "own"
