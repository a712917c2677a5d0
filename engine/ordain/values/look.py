"""Read-only looks at the world: what the planner asks for, and what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ordain.values.address import Address
from ordain.values.data import Json, Tree
from ordain.values.diagnostic import Diagnostic
from ordain.values.record import ResourceRecord


class Sight(StrEnum):
    """What a plan looks at: the world as ever; the world, to take in what it shows and nothing else; nothing that is
    recorded already."""

    FULL = "full"
    REFRESH_ONLY = "refresh-only"
    NO_REFRESH = "no-refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A question to one provider about one resource. ``spec`` has no ``Unknown`` leaf; it may hold secrets.

    ``deleting`` asks what a delete would do (a Terraform destroy plan) instead of how the resource stands.
    ``sight`` tells a driver how its tool may look, ``importing`` under which ids the world has the resource already.
    ``forced`` tells a driver that what is recorded is to be made again, whatever its tool thinks of it.
    ``place`` is the name of its provider's private folder, where nothing is recorded and another has the address's own.
    """

    address: Address
    kind: str
    provider: str
    spec: Mapping[str, Tree]
    record: ResourceRecord | None = None
    deleting: bool = False
    sight: Sight = Sight.FULL
    importing: tuple[str, ...] = ()
    forced: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a look saw.

    ``facts`` are what the plan reads (same world, same facts; no clock in them); ``witness`` lets the provider skip
    the reading next time (size, mtime, inode) and never reaches a plan; ``attachments`` maps a name to the digest
    of a file put in the artifact store (a saved Terraform plan); ``problems`` are what the look could not do or
    found broken (a missing file, a broken contract).
    """

    facts: Mapping[str, Json] = field(default_factory=dict)
    witness: Mapping[str, Json] = field(default_factory=dict)
    attachments: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()
