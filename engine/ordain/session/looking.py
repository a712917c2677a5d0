"""Takes looks: finds the provider, opens its secrets for the call, and remembers what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from ordain.api.providers import DeploymentTarget, InfrastructureDriver, LookRequest, Places, Provider
from ordain.api.registry import load_provider
from ordain.api.store import ArtifactStore
from ordain.expr.templates import resolve_leaf
from ordain.session.context import Context
from ordain.session.files import write_file
from ordain.session.secrets import Secrets
from ordain.values.address import Address, Reference
from ordain.values.codec import decode, dumps, loads
from ordain.values.data import Json, Leaf, Secret, Tree, dig, leaves, replace_leaves
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError, Severity
from ordain.values.fingerprint import digest
from ordain.values.look import Evidence, Look, Sight
from ordain.values.record import ResourceRecord

_ANYWAY = "looked-anyway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What looks saw last time, by environment and address; ``question`` is the digest of what was asked."""

    question: str
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Answers looks for one environment. ``records`` are where outputs that are secrets are asked for."""

    context: Context
    environment: str
    targets: Mapping[tuple[str, str], str]
    secrets: Secrets
    store: ArtifactStore
    memories: Mapping[str, Memory]
    records: Mapping[Address, ResourceRecord] = field(default_factory=dict)

    def ask(self, look: Look) -> Evidence:
        """Take one look, or answer from memory. Raises ``OrdainError`` for what the provider cannot plan around."""
        provider = load_provider(self.targets[look.kind, look.provider])
        remembered = self.memories.get(str(look.address))
        recalled = recall(look, remembered, provider)
        if recalled is not None:
            return recalled
        held = tuple(path for path, leaf in leaves(look.spec) if isinstance(leaf, Secret))
        request = LookRequest(
            look=look,
            spec=self._clear(look.spec),
            environment=self.environment,
            memory=remembered.evidence if remembered and remembered.question == question(look) else None,
            places=self._places(look.address, look.record, look.place),
            store=self.store,
            secret_fields=held,
        )
        seen = provider.look(request)
        return replace(seen, problems=(*seen.problems, _looked_anyway(look))) if _unasked(look, provider) else seen

    def _clear(self, spec: Mapping[str, Tree]) -> Mapping[str, Json]:
        return cast("Mapping[str, Json]", replace_leaves(spec, self._open))

    def _open(self, leaf: Leaf) -> Tree:
        return resolve_leaf(leaf, self._output, self.secrets.open)

    def _output(self, reference: Reference) -> Tree:
        """Return an output in clear: a secret one is kept by its own provider."""
        record = self.records.get(reference.address)
        held = record.outputs.get(reference.path[0]) if record is not None and reference.path else None
        if record is None or held is None:
            raise OrdainError(_no_output(reference))
        own = Reference(address=reference.address, path=reference.path[:1])
        if isinstance(held, Secret) and _is_own(held, own):
            held = self._reveal(record, own)
        return replace_leaves(dig(held, reference.path[1:]), self._open)

    def _reveal(self, record: ResourceRecord, own: Reference) -> Json:
        provider = load_provider(self.targets[record.kind, record.provider or ""])
        if not isinstance(provider, InfrastructureDriver):
            raise OrdainError(_no_output(own))
        return provider.reveal(record, own.path[0], self._places(record.address, record))

    def _places(self, address: Address, record: ResourceRecord | None, new: str = "") -> Places:
        return Places(root=self.context.root, private=self.context.private(self.environment, address, record, new))


def _is_own(held: Secret, own: Reference) -> bool:
    """Say whether a secret is the output itself, under its present name or one it had before it was moved."""
    try:
        named = Reference.parse(held.names[0]) if len(held.names) == 1 else None
    except ValueError:  # a secret of the project's, handed through
        return False
    return named is not None and (named.address.kind, named.path) == (own.address.kind, own.path)


def recall(look: Look, memory: Memory | None, provider: Provider) -> Evidence | None:
    """Return the answer to a look that is not to see the world; None where it has to be taken all the same.

    Without ``--no-refresh``, and for what is not recorded, every look is taken. A driver plans without looking by
    itself. What was seen last time counts whatever its age, as long as the same was asked. Where nothing is
    remembered, a deployment is taken to stand as recorded; data is read, for nothing can be planned without it.
    """
    if look.sight is not Sight.NO_REFRESH or look.record is None or isinstance(provider, InfrastructureDriver):
        return None
    if memory is not None and memory.question == question(look):
        return memory.evidence
    return Evidence() if isinstance(provider, DeploymentTarget) else None


def _unasked(look: Look, provider: Provider) -> bool:
    driven = isinstance(provider, InfrastructureDriver)
    return look.sight is Sight.NO_REFRESH and look.record is not None and not driven


def _looked_anyway(look: Look) -> Diagnostic:
    return Diagnostic(
        code=_ANYWAY,
        severity=Severity.WARNING,
        summary=f"{look.address} was looked at in spite of --no-refresh",
        detail="what it holds is not remembered here: its spec changed, or it was never planned on this machine",
        fix="nothing: from now on it is remembered",
        blame=Blame.WORLD,
        address=look.address,
    )


def _no_output(reference: Reference) -> Diagnostic:
    return Diagnostic(
        code="secret-output",
        summary=f"the output {reference} cannot be read",
        detail="it is not recorded, or its provider does not reveal what it keeps",
        fix=f"apply {reference.address} first; see ordain state show {reference.address}",
        blame=Blame.WORLD,
        exit=ExitCode.FAILURE,
    )


def question(look: Look) -> str:
    """Return the digest of what a look asks, apart from what was recorded meanwhile and from how it may be answered."""
    what = [str(look.address), look.kind, look.provider, look.spec, look.deleting, look.importing]
    return digest([*what, "forced"] if look.forced else what)


def memory_file(context: Context, environment: str) -> Path:
    return context.cache / f"looks-{environment}.json"


def load_memories(context: Context, environment: str) -> Mapping[str, Memory]:
    """Return what looks saw last time; nothing where that was never written or cannot be read."""
    try:
        data = loads(memory_file(context, environment).read_bytes())
        return {name: decode(Memory, one) for name, one in data.items()} if isinstance(data, dict) else {}
    except (OSError, ValueError, TypeError):
        return {}


def save_memories(
    context: Context,
    environment: str,
    looks: Mapping[Address, Look],
    evidence: Mapping[Address, Evidence],
    records: Iterable[Address] = (),
) -> None:
    """Write down what was seen, for the providers' next look; a witness without facts is no use and stays out.

    What others saw earlier stays where looks only refresh, for they are few, and of all that is recorded: a plan may
    not get as far as looking at it. So does the answer to a question that could not be answered this time.
    """
    few = any(look.sight is Sight.REFRESH_ONLY for look in looks.values())
    unseen = {str(address): question(looks[address]) for address, seen in evidence.items() if not _saw(seen)}
    looked = {str(address) for address in looks}
    recorded = {str(address) for address in records}
    kept = {
        name: one
        for name, one in load_memories(context, environment).items()
        if (unseen.get(name) == one.question if name in looked else few or name in recorded)
    }
    kept |= {
        str(address): Memory(question=question(looks[address]), evidence=replace(seen, attachments={}, problems=()))
        for address, seen in evidence.items()
        if seen.witness and _saw(seen)
    }
    write_file(memory_file(context, environment), dumps(kept), durable=False)


def _saw(seen: Evidence) -> bool:
    return bool(seen.facts) and all(problem.code == _ANYWAY for problem in seen.problems)
