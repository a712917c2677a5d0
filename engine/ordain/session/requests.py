"""Makes the requests of steps from what is recorded as the apply goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ordain.api.executor import StepRequest
from ordain.apply.resolving import known_spec
from ordain.apply.run import Live
from ordain.session.context import Context
from ordain.session.reviewing import Reviewer
from ordain.session.secrets import Secrets
from ordain.values.change import Action, Change
from ordain.values.plan import Plan, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What ``RunContext`` asks for: the request of a step, and the texts of the secrets a change names."""

    context: Context
    plan: Plan
    live: Live
    run: str
    secrets: Secrets
    reviewer: Reviewer

    def request_for(self, step: Step, change: Change) -> StepRequest:
        """Return the request of a step, with the records as they stand now.

        Raises ``OrdainError`` where a policy that waited for what the step reads denies it now.
        """
        registry, context = self.context.registry, self.context
        provider = registry.entry(change.kind, change.provider)
        upstream = self.live.upstream(change)
        request = StepRequest(
            run=self.run,
            environment=self.plan.program.environment,
            step=step,
            change=self._sealed(change),
            kind_target=registry.kinds[change.kind].target,
            provider_target=provider.target if provider else "",
            options_target=provider.options if provider else "",
            root=str(context.root),
            home=str(context.home),
            artifacts=str(context.artifacts),
            record=self.live.previous(change),
            upstream=upstream,
            versions=self.live.versions_of(change),
            targets={
                str(record.address): registry.providers[record.kind, record.provider].target
                for record in upstream
                if record.provider is not None and (record.kind, record.provider) in registry.providers
            },
            trusted=self.plan.program.trusted,
            plugin=registry.origin.get(f"{change.kind}/{change.provider}", ""),
        )
        if change.action is not Action.DELETE and self.reviewer.awaits(change):
            self.reviewer.check(replace(change, after=known_spec(request)))
        return request

    def _sealed(self, change: Change) -> Change:
        # A plan made before there was a state had no key for its secrets' digests; the record gets them now.
        attached = self.plan.envelope.attachments.get(str(change.address))
        change = replace(change, attachments=attached) if attached else change
        after = self.secrets.seal(change.after) if self.plan.program.lineage == "" else change.after
        if after is change.after or not isinstance(after, Mapping):
            return change
        return replace(change, after=after, fingerprint=None)

    def secrets_for(self, change: Change) -> Mapping[str, str]:
        """Return the texts of the secrets a change names; raise ``OrdainError`` for one that is not at hand."""
        return self.secrets.needed(change.after) if change.action is not Action.FORGET else {}
