"""The empty plan of last time, as a value: read from the cache, with every look taken again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ordain import __version__
from ordain.observe.evidence import take
from ordain.session import cache
from ordain.session.context import Context
from ordain.session.looking import Asker, load_memories, save_memories
from ordain.session.secrets import Secrets
from ordain.session.stores import open_artifacts
from ordain.values.address import Address
from ordain.values.codec import decode, dumps, loads
from ordain.values.data import Json
from ordain.values.diagnostic import OrdainError
from ordain.values.fingerprint import digest
from ordain.values.look import Evidence, Look

if TYPE_CHECKING:
    from ordain.values.plan import Plan, Program


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedLook:
    """A look the plan rested on, the provider that answers it, and the digest of what it saw."""

    look: Look
    target: str
    seen: str


def seen_digest(evidence: Evidence) -> str:
    """Return the digest of what a look saw, its witness aside."""
    return digest([evidence.facts, evidence.problems])


def spell_body(looks: Sequence[CachedLook], artifacts: Mapping[str, bool], program: Program) -> bytes:
    """Return the bytes of a cache entry's body; ``artifacts`` says of each digest whether the store has it."""
    return dumps({"looks": looks, "artifacts": artifacts, "program": program})


def cached_plan(context: Context, *, with_commit: bool) -> Plan | None:
    """Return the empty plan of last time where all it rested on still holds; None where anything moved."""
    from ordain.session.commit import commit_of  # neither is free to import, and the plan's text needs only the looks
    from ordain.values.plan import Envelope, Plan, Program

    found = cache.standing(context)
    body = None if found is None else _body(context, found.head)
    if found is None or body is None or not world_holds(context, found):
        return None
    try:
        program = decode(Program, body["program"])
    except ValueError:
        return None
    commit, dirty = commit_of(context.root) if with_commit else (None, None)
    envelope = Envelope(
        id=context.new_id(),
        created_at=context.now.isoformat(timespec="seconds"),
        engine_version=__version__,
        commit=commit,
        dirty=dirty,
    )
    return Plan(program=program, digest=digest(program), envelope=envelope)


def _body(context: Context, head: cache.Head) -> Mapping[str, Json] | None:
    data = cache.load_body(context, head)
    try:
        found = None if data is None else loads(data)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.keys() == {"looks", "artifacts", "program"} else None


def world_holds(context: Context, standing: cache.Standing) -> bool:
    """Say whether the artifacts of an entry are there as they were, and its looks, taken again, see what they saw."""
    if not standing.head.world:
        return True
    body = _body(context, standing.head)
    if body is None:
        return False
    try:
        looks, artifacts = decode(tuple[CachedLook, ...], body["looks"]), decode(dict[str, bool], body["artifacts"])
    except ValueError:
        return False
    store = open_artifacts(context)
    there = all(store.has(digest) is was for digest, was in artifacts.items())
    return there and (not looks or _seen_again(context, standing, looks))


def _seen_again(context: Context, standing: cache.Standing, cached: Sequence[CachedLook]) -> bool:
    environment = standing.head.environment
    memories = load_memories(context, environment)
    asker = Asker(
        context=context,
        environment=environment,
        targets={(one.look.kind, one.look.provider): one.target for one in cached},
        secrets=Secrets(environ=context.environ, variables=standing.variables, key=standing.key),
        store=open_artifacts(context),
        memories=memories,
    )
    looks: dict[Address, Look] = {one.look.address: one.look for one in cached}
    try:
        evidence: Mapping[Address, Evidence] = take(
            tuple(looks.values()), asker.ask, plugin_of=lambda look: look.provider
        )
    except OrdainError:
        return False  # the whole plan says what is wrong, with its position
    if any(seen_digest(evidence[one.look.address]) != one.seen for one in cached):
        return False
    if any(_aged(memories.get(str(address)), seen) for address, seen in evidence.items()):
        save_memories(context, environment, looks, evidence)
    return True


def _aged(memory: object, seen: Evidence) -> bool:
    remembered = getattr(memory, "evidence", None)
    return bool(seen.witness) and (remembered is None or remembered.witness != seen.witness)
