"""What a plugin may import. Names load when they are first used, so that a small plugin stays small."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ordain.api.executor import (
        Executor as Executor,
        StepOutcome as StepOutcome,
        StepRequest as StepRequest,
    )
    from ordain.api.fields import (
        Facet as Facet,
        FieldError as FieldError,
        Ref as Ref,
        Spec as Spec,
        check as check,
        facets as facets,
        reference_fields as reference_fields,
        split as split,
    )
    from ordain.api.forge import (
        Annotation as Annotation,
        Comment as Comment,
        CommitStatus as CommitStatus,
        Forge as Forge,
        Pull as Pull,
        State as State,
    )
    from ordain.api.hookspecs import (
        hookimpl as hookimpl,
    )
    from ordain.api.kind import (
        Decision as Decision,
        Delta as Delta,
        Inputs as Inputs,
        Kind as Kind,
        Operation as Operation,
        Outlook as Outlook,
        Situation as Situation,
    )
    from ordain.api.providers import (
        GROUP_METRICS as GROUP_METRICS,
        Call as Call,
        DataProvider as DataProvider,
        DeploymentTarget as DeploymentTarget,
        InfrastructureDriver as InfrastructureDriver,
        LookRequest as LookRequest,
        Places as Places,
        Predictor as Predictor,
        Prepared as Prepared,
        Preparer as Preparer,
        PrepareRequest as PrepareRequest,
        Progress as Progress,
        Provider as Provider,
        StepResult as StepResult,
        Trained as Trained,
        Trainer as Trainer,
        TrainRequest as TrainRequest,
    )
    from ordain.api.quantities import (
        Bytes as Bytes,
        Duration as Duration,
        Moment as Moment,
        Seconds as Seconds,
        Size as Size,
        moment as moment,
        seconds as seconds,
        size as size,
    )
    from ordain.api.registry import (
        ForgeEntry as ForgeEntry,
        KindEntry as KindEntry,
        ProviderEntry as ProviderEntry,
        Registry as Registry,
        load_kind as load_kind,
        load_object as load_object,
        load_provider as load_provider,
        spec_model as spec_model,
    )
    from ordain.api.store import (
        ArtifactStore as ArtifactStore,
        StateReader as StateReader,
        StateStore as StateStore,
    )
    from ordain.values.address import (
        Address as Address,
        Reference as Reference,
    )
    from ordain.values.change import (
        Branch as Branch,
        Cause as Cause,
        CauseCode as CauseCode,
        Change as Change,
        Effect as Effect,
        FieldChange as FieldChange,
        Nested as Nested,
    )
    from ordain.values.codec import (
        canonical as canonical,
        decode as decode,
        dumps as dumps,
        loads as loads,
        plain as plain,
        revive as revive,
    )
    from ordain.values.data import (
        Json as Json,
        Path as Path,
        Secret as Secret,
        Tree as Tree,
        Unknown as Unknown,
        dig as dig,
        has_unknown as has_unknown,
        leaves as leaves,
        path_text as path_text,
        replace_leaves as replace_leaves,
    )
    from ordain.values.diagnostic import (
        Blame as Blame,
        Diagnostic as Diagnostic,
        ExitCode as ExitCode,
        OrdainError as OrdainError,
        Severity as Severity,
    )
    from ordain.values.event import (
        Event as Event,
        EventType as EventType,
    )
    from ordain.values.fingerprint import (
        Fingerprint as Fingerprint,
        digest as digest,
        sha256 as sha256,
        short as short,
    )
    from ordain.values.look import (
        Evidence as Evidence,
        Look as Look,
    )
    from ordain.values.plan import (
        Drift as Drift,
        Plan as Plan,
        Step as Step,
    )
    from ordain.values.record import (
        Outcome as Outcome,
        ResourceRecord as ResourceRecord,
        Standing as Standing,
        Verdict as Verdict,
        VersionRecord as VersionRecord,
    )
    from ordain.values.resource import (
        Resource as Resource,
    )
    from ordain.values.span import (
        Span as Span,
    )

_HOMES = {
    "ordain.api.fields": "Facet FieldError Ref Spec check facets reference_fields split",
    "ordain.api.kind": "Decision Delta Inputs Kind Operation Outlook Situation",
    "ordain.api.providers": (
        "Call DataProvider DeploymentTarget InfrastructureDriver LookRequest Places Prepared Preparer PrepareRequest "
        "Predictor Progress Provider "
        "StepResult Trained Trainer TrainRequest GROUP_METRICS"
    ),
    "ordain.api.quantities": "Bytes Duration Moment Seconds Size moment seconds size",
    "ordain.api.registry": "ForgeEntry KindEntry ProviderEntry Registry load_kind load_object load_provider spec_model",
    "ordain.api.forge": "Annotation Comment CommitStatus Forge Pull State",
    "ordain.api.hookspecs": "hookimpl",
    "ordain.api.executor": "Executor StepOutcome StepRequest",
    "ordain.api.store": "ArtifactStore StateReader StateStore",
    "ordain.values.address": "Address Reference",
    "ordain.values.change": "Branch Cause CauseCode Change Effect FieldChange Nested",
    "ordain.values.codec": "canonical decode dumps loads plain revive",
    "ordain.values.data": "Json Path Secret Tree Unknown dig has_unknown leaves path_text replace_leaves",
    "ordain.values.diagnostic": "Blame Diagnostic ExitCode OrdainError Severity",
    "ordain.values.event": "Event EventType",
    "ordain.values.fingerprint": "Fingerprint digest sha256 short",
    "ordain.values.look": "Evidence Look",
    "ordain.values.plan": "Drift Plan Step",
    "ordain.values.record": "Outcome ResourceRecord Standing Verdict VersionRecord",
    "ordain.values.resource": "Resource",
    "ordain.values.span": "Span",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ordain.api' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
