"""Deployments that answer over HTTP, or score the rows of a file."""

from __future__ import annotations

from ordain.api import ProviderEntry, hookimpl


@hookimpl
def register_providers() -> tuple[ProviderEntry, ...]:
    """Register ``provider: http`` and ``provider: batch`` of a Deployment."""
    return (
        ProviderEntry(
            kind="Deployment",
            name="http",
            target="ordain_serving.target:Http",
            options="ordain_serving.options:HttpOptions",
            summary="a server process on this host that answers predictions over HTTP",
        ),
        ProviderEntry(
            kind="Deployment",
            name="batch",
            target="ordain_serving.batch:Batch",
            options="ordain_serving.options:BatchOptions",
            summary="the rows of a file scored into another file, again whenever rows or model change",
        ),
    )
