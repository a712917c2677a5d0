"""The built-in kinds, brought in through the same hooks as a stranger's."""

from __future__ import annotations

from ordain.api.hookspecs import hookimpl
from ordain.api.registry import KindEntry

_KINDS = {
    "Value": ("ordain.kinds.value:Value", "anything, given back as outputs.value"),
    "DataSource": ("ordain.kinds.data_source:DataSource", "data that is read where it lies, with a contract"),
    "Dataset": ("ordain.kinds.dataset:Dataset", "a prepared, split, immutable snapshot of a data source"),
    "Model": ("ordain.kinds.model:Model", "a trained model, judged by gates, versioned by its recipe"),
    "Deployment": ("ordain.kinds.deployment:Deployment", "a model that answers requests"),
    "Infrastructure": ("ordain.kinds.infrastructure:Infrastructure", "what another tool plans and applies"),
}


@hookimpl
def register_kinds() -> tuple[KindEntry, ...]:
    """Register the resources of DESIGN §3."""
    return tuple(KindEntry(name=name, target=target, summary=summary) for name, (target, summary) in _KINDS.items())
