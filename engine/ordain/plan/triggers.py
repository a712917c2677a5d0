"""``lifecycle.replace_when``: a resource is made again where something it names is another than when it was made."""

from __future__ import annotations

from collections.abc import Mapping

from ordain.api.kind import Situation
from ordain.api.triggers import INPUT, named, of_fingerprint, of_output
from ordain.values.address import Address
from ordain.values.fingerprint import Fingerprint
from ordain.values.record import ResourceRecord


def now(situation: Situation, standings: Mapping[Address, Fingerprint | None]) -> Mapping[str, str]:
    """Return the stamp of each thing ``replace_when`` names, as it will be after this plan; ``UNKNOWN`` where that
    is known later. ``standings`` are the fingerprints of what was planned before."""
    out = {}
    for text in situation.resource.lifecycle.replace_when:
        address, path = named(text)
        outlook = situation.upstream.get(address)
        if path is None:
            out[text] = of_fingerprint(standings.get(address))
        else:
            out[text] = of_output(outlook.outputs if outlook is not None else {}, path)
    return out


def differing(record: ResourceRecord | None, stamps: Mapping[str, str]) -> tuple[str, ...]:
    """Return what of ``replace_when`` is another than recorded; what was not watched then triggers nothing."""
    if not stamps:
        return ()
    recorded = record.inputs.get(INPUT) if record is not None else None
    known = recorded if isinstance(recorded, Mapping) else {}
    return tuple(text for text, stamp in stamps.items() if text in known and known[text] != stamp)
