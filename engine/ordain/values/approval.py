"""Who must approve a plan, and what people signed: approvals of a plan's digest, overrides of violations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ordain.values.address import Address
from ordain.values.codec import loads

NAMESPACE = "ordain-approval"
"""What an approval's signature is for (the namespace of PROTOCOL.sshsig): one for anything else counts for nothing."""


LONGEST_OVERRIDE = timedelta(days=90)
"""How long an override may hold."""
PERSON = re.compile(r"[^@\s,;*?!\"'<>/\\]{1,100}@[^@\s,;*?!\"'<>/\\]{1,100}")
"""An e-mail address of somebody who may approve: no pattern, and fit to be in a file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One key that may sign, as a line of ``allowed_signers`` has it.

    ``people`` are the e-mail addresses it speaks for: all of them one person. ``key`` is the public key as OpenSSH
    writes it (type, a space, base64). ``after`` and ``before`` bound when it is good, as ISO texts with a zone.
    """

    people: tuple[str, ...]
    key: str
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRule:
    """What an environment asks for before a plan may be applied there.

    ``count`` different people, at least one of each of ``roles``; ``people`` are who has a role, by its name.
    ``expires`` is how many seconds an approval is good for. ``signers`` are the keys that count.
    """

    count: int
    roles: tuple[str, ...] = ()
    people: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_author: bool = False
    expires: float | None = None
    break_glass: bool = True
    signers: tuple[Signer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person's word that violations of a soft policy are borne with: which, why, by whom, from when until when.

    ``violations`` are ids of findings (``Finding.violation``): one that came later is not among them. Times are ISO
    texts in UTC. ``signed``: it came with an approval; where approvals are asked for, no other counts.
    """

    policy: Address
    violations: tuple[str, ...]
    reason: str
    by: str
    at: str
    until: str
    signed: bool = False


def usable(overrides: Iterable[Override], *, signed: bool) -> tuple[Override, ...]:
    """Return the overrides that count: all, or where approvals are asked for (``signed``) those that came with one."""
    return tuple(one for one in overrides if one.signed or not signed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Somebody applied without the approvals that were asked for (broke the glass): who, when (seconds), and why."""

    actor: str
    at: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a person signs: their name, which plan of which project and environment, when, and what is overridden."""

    project: str
    environment: str
    plan: str
    person: str
    at: str
    overrides: tuple[Override, ...] = ()
    format: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A statement as it was signed: ``text`` are the signed bytes, ``signature`` is armoured SSHSIG."""

    text: str
    signature: str

    @property
    def person(self) -> str:
        """Who it says has signed; "" where the text says nobody."""
        try:
            said = loads(self.text)
        except ValueError:
            return ""
        person = said.get("person") if isinstance(said, dict) else None
        return person if isinstance(person, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An approval that does not count, and why."""

    person: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """How far a plan is approved: by whom, what is still missing in words (none: it may be applied), what was refused.

    ``overrides`` are those that the approvals that count bring along; ``accepted`` the approvals themselves.
    """

    people: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    overrides: tuple[Override, ...] = ()
    accepted: tuple[Approval, ...] = ()
