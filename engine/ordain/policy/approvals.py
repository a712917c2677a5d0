"""How far a plan is approved: which approvals count by its rules, and who is still needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ordain.policy.sshsig import SignatureError, verify
from ordain.policy.statements import read_statement
from ordain.values.approval import (
    LONGEST_OVERRIDE,
    NAMESPACE,
    Approval,
    ApprovalRule,
    Approved,
    Override,
    Refused,
    Signer,
    Statement,
)
from ordain.values.plan import Plan, Program

GRACE = timedelta(minutes=5)
"""How far the clock of who signs may be ahead of ours."""
_BEFORE = " (by the rules of the last apply)"
"""Said of what the recorded rule asks for, and the document as it stands now does not."""
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """An approval whose signature is good: what was said, when, and with which key."""

    approval: Approval
    statement: Statement
    at: datetime
    key: str

    @property
    def person(self) -> str:
        return self.statement.person

    def refused(self, why: str) -> Refused:
        return Refused(person=self.person, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """A rule, and who it counted. ``humans`` names the person behind each key and address.

    ``barred`` are authors, by that name; ``suffix`` is said where the rule is the recorded one alone. ``counted`` are
    the approvals of each person.
    """

    rule: ApprovalRule
    signers: Mapping[str, Signer]
    humans: Mapping[str, str]
    barred: frozenset[str]
    suffix: str
    counted: dict[str, list[_Read]] = field(default_factory=dict)

    def objection(self, read: _Read, now: datetime) -> str | None:
        """Return why nothing that was signed so counts, whichever plan it is for; None where it does."""
        signer = self.signers.get(read.key)
        if signer is None:
            return f"the key is not in allowed_signers{self._none}{self.suffix}"
        if _folded(read.person) not in map(_folded, signer.people):
            return f"the key is not theirs: it is that of {', '.join(signer.people)}{self.suffix}"
        after, before = _moment(signer.after), _moment(signer.before)
        if signer.after is not None and (after is None or now < after):
            return f"the key is good only from {signer.after} on{self.suffix}"
        if signer.before is not None and (before is None or now > before):
            return f"the key was good until {signer.before}{self.suffix}"
        if self.humans[read.key] in self.barred:
            return f"{read.person} wrote part of this{self.suffix}"
        return None

    def count(self, read: _Read, plan: Plan, now: datetime) -> str | None:
        """Count an approval that nothing speaks against, or return why it is none of this plan, or counts no more."""
        if read.statement.plan != plan.digest:
            return f"is for another plan ({read.statement.plan[:19]}…)"
        age = (now - read.at).total_seconds()
        if self.rule.expires is not None and age > self.rule.expires:
            return f"expired {_length(age - self.rule.expires)} ago{self.suffix}"
        theirs = self.counted.setdefault(self.humans[read.key], [])
        if theirs and _folded(theirs[0].person) != _folded(read.person):
            return f"is the same person as {theirs[0].person}, who approved already"
        theirs.append(read)
        return None

    def has(self, role: str, read: _Read) -> bool:
        """Say whether the person of a key has a role."""
        holders = set(map(_folded, self.rule.people.get(role, ())))
        return not holders.isdisjoint(map(_folded, self.signers[read.key].people))

    def roles_missing(self) -> Iterator[str]:
        """Yield what roles are still needed, in words."""
        for role in self.rule.roles:
            if any(self.has(role, read) for theirs in self.counted.values() for read in theirs):
                continue
            able = [
                one
                for one in self.rule.people.get(role, ())
                if self.humans.get(_folded(one), "") not in {"", *self.barred}
            ]
            yield f"somebody with the role {role} ({', '.join(able) or 'nobody who may approve has it'})"

    @property
    def _none(self) -> str:
        return "" if self.rule.signers else ", which is empty"


def approved(plan: Plan, approvals: Iterable[Approval], now: datetime) -> Approved:
    """Return how far ``plan`` is approved at ``now`` (aware of its zone); every rule of its program must be met.

    Approvals of other plans of the same project and environment count for their overrides alone, until those end.
    Without rules nothing is missing, and nothing counts: there is nobody whose word would. Never raises for what an
    approval holds. Who may sign is judged at ``now``: a key that left ``allowed_signers`` takes its approvals along.
    """
    benches = tuple(_benches(plan))
    if not benches:
        return Approved()
    refused: list[Refused] = []
    partly: list[Refused] = []
    stale: list[Refused] = []
    overrides: list[Override] = []
    reads = [read for one in dict.fromkeys(approvals) if (read := _read(one, plan.program, now, refused)) is not None]
    reads.sort(key=lambda read: (read.at, read.person, read.approval.text, read.approval.signature))
    for read in reads:
        objections = [bench.objection(read, now) for bench in benches]
        whys = [why or bench.count(read, plan, now) for why, bench in zip(objections, benches, strict=True)]
        if not any(objections):
            overrides += _overrides(read, benches, now, refused)
        why = next(filter(None, whys), None)
        if why is not None:
            (partly if not all(whys) else refused if any(objections) else stale).append(read.refused(why))
    missing = tuple(_missing(benches))
    counted = {id(read) for bench in benches for theirs in bench.counted.values() for read in theirs}
    accepted = [read for read in reads if id(read) in counted]
    people: dict[str, str] = {}
    for read in accepted:
        people.setdefault(_folded(read.person), read.person)
    refused += (one for one in stale if _folded(one.person) not in people)  # who approved again is not bothered
    return Approved(
        people=tuple(people.values()),
        missing=missing,
        refused=tuple(dict.fromkeys((*refused, *(partly if missing else ())))),
        overrides=tuple(dict.fromkeys(overrides)),
        accepted=tuple(read.approval for read in accepted),
    )


def _benches(plan: Plan) -> Iterator[_Bench]:
    """Yield the rules, today's first: what both ask for is said without a word on the past."""
    authors = set(map(_folded, plan.envelope.authors))
    for rule in reversed(plan.program.rules):
        humans = _humans(rule.signers)
        yield _Bench(
            rule=rule,
            signers={signer.key: signer for signer in rule.signers},
            humans=humans,
            barred=frozenset(humans.get(one, one) for one in authors if rule.not_author),
            suffix="" if rule is plan.program.approvals else _BEFORE,
        )


def _humans(signers: Iterable[Signer]) -> Mapping[str, str]:
    """Return for each key and address one that stands for the person: who shares an address is one person."""
    parent: dict[str, str] = {}

    def root(one: str) -> str:
        while parent.setdefault(one, one) != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for signer in signers:
        for person in signer.people:
            parent[root(_folded(person))] = root(signer.key)
    return {one: root(one) for one in tuple(parent)}


def _folded(address: str) -> str:
    return address.casefold()


def _read(approval: Approval, program: Program, now: datetime, refused: list[Refused]) -> _Read | None:
    """Return an approval that is signed, by whomever, and speaks of this environment; else say why it does not."""
    person = "somebody"
    try:
        statement = read_statement(approval.text)
        person = statement.person
        at = _moment(statement.at)
        if at is None:
            raise ValueError(f"{statement.at!r} is no time in UTC")
        key = verify(approval.text.encode(), approval.signature, NAMESPACE)
        if statement.project != program.project:
            raise ValueError(f"is for another project ({statement.project})")
        if statement.environment != program.environment:
            raise ValueError(f"is for another environment ({statement.environment})")
        if at > now + GRACE:
            raise ValueError(f"was signed in the future ({statement.at}): a clock is wrong")
    except (SignatureError, ValueError) as error:
        refused.append(Refused(person=person, why=str(error)))
        return None
    return _Read(approval=approval, statement=statement, at=at, key=key)


def _moment(text: str | None) -> datetime | None:
    """Return a moment in UTC; None where it is none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.utcoffset() == timedelta(0) else None


def _overrides(read: _Read, benches: Iterable[_Bench], now: datetime, refused: list[Refused]) -> Iterator[Override]:
    """Yield what a statement overrides and still holds, as said by who signed it, when they signed it."""
    for bench in benches:
        roles = bench.rule.roles
        if read.statement.overrides and roles and not any(bench.has(role, read) for role in roles):
            named = f"the role {roles[0]}" if len(roles) == 1 else f"any of the roles {', '.join(roles)}"
            refused.append(read.refused(f"has not {named}, and so overrides nothing{bench.suffix}"))
            return
    for one in read.statement.overrides:
        until = _moment(one.until)
        why = None
        if until is None:
            why = f"{one.until!r} is no time in UTC"
        elif until <= read.at:
            why = "it ends before it begins"
        elif until > read.at + LONGEST_OVERRIDE:
            why = f"it is for more than {LONGEST_OVERRIDE.days} days"
        elif not one.reason.strip():
            why = "it gives no reason"
        if why is not None:
            refused.append(read.refused(f"the override of {one.policy} does not count: {why}"))
        elif until is not None and now < until:
            yield replace(one, signed=True)


def _missing(benches: tuple[_Bench, ...]) -> Iterator[str]:
    """Return what is missing, each thing once; the past is spoken of where today's rule does not ask for it."""
    most = max(benches, key=_lacking)
    said: dict[str, str] = {}
    for bench in benches:
        if not bench.rule.signers:
            said.setdefault("a key in allowed_signers, which is empty", bench.suffix)
        if bench is most and (lacking := _lacking(bench)) > 0:
            said[f"{lacking} more {'approval' if lacking == 1 else 'approvals'}"] = bench.suffix
        for words in bench.roles_missing():
            said.setdefault(words, bench.suffix)
    return (words + suffix for words, suffix in said.items())


def _lacking(bench: _Bench) -> int:
    return bench.rule.count - len(bench.counted)


def _length(seconds: float) -> str:
    """Return a length of time in its largest unit."""
    for unit, size in _UNITS:
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return "a moment"
