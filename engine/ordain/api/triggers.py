"""The stamps of what ``lifecycle.replace_when`` names, made in one place for the planner and for apply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ordain.values.address import Address, Reference
from ordain.values.data import Tree, dig, has_unknown
from ordain.values.fingerprint import Fingerprint, short
from ordain.values.record import ResourceRecord

UNKNOWN = "?"
"""The stamp of what is only known after apply; whoever writes the record puts the real one in its place."""
INPUT = "replace"
"""Where a record keeps the stamps, beside the inputs of its fingerprints."""


def named(text: str) -> tuple[Address, tuple[str, ...] | None]:
    """Return the address an entry names, and the path of the output where it names one."""
    if ".outputs." in text:
        reference = Reference.parse(text)
        return reference.address, reference.path
    return Address.parse(text), None


def of_fingerprint(fingerprint: Fingerprint | None) -> str:
    """Return the stamp of a whole resource: what it is made of and how it serves."""
    return short({"build": fingerprint.build, "serve": fingerprint.serve}) if fingerprint is not None else UNKNOWN


def of_output(outputs: Mapping[str, Tree], path: tuple[str, ...]) -> str:
    """Return the stamp of one output."""
    try:
        value = dig(outputs, path)
    except KeyError:
        return UNKNOWN
    return UNKNOWN if has_unknown(value) else short({"value": value})


def recorded_stamps(texts: Iterable[str], records: Mapping[Address, ResourceRecord]) -> Mapping[str, str]:
    """Return the stamps as of what is recorded."""
    out = {}
    for text in texts:
        address, path = named(text)
        record = records.get(address)
        if record is None:
            out[text] = UNKNOWN
        else:
            out[text] = of_fingerprint(record.fingerprint) if path is None else of_output(record.outputs, path)
    return out
