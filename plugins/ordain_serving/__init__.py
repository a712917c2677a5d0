"""Deployments that answer over HTTP."""

from __future__ import annotations

from ordain.api import ProviderEntry, hookimpl


@hookimpl
def register_providers() -> tuple[ProviderEntry, ...]:
    """Register ``provider: http`` of a Deployment."""
    return (
        ProviderEntry(
            kind="Deployment",
            name="http",
            target="ordain_serving.target:Http",
            options="ordain_serving.options:HttpOptions",
            summary="a server process on this host that answers predictions over HTTP",
        ),
    )
