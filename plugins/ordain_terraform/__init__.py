"""Infrastructure, planned and applied by Terraform."""

from __future__ import annotations

from collections.abc import Iterable

from ordain.api import ProviderEntry, hookimpl


@hookimpl
def register_providers() -> Iterable[ProviderEntry]:
    return (
        ProviderEntry(
            kind="Infrastructure",
            name="terraform",
            target="ordain_terraform.driver:Terraform",
            options="ordain_terraform.options:TerraformOptions",
            summary="A Terraform (or OpenTofu) module: a folder of .tf files and its variables",
        ),
    )
