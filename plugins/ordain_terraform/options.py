"""What a spec may say to Terraform. A module of its own: looking needs no pydantic."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from ordain.api import Facet, Spec

_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_-]*$"


class TerraformOptions(Spec):
    """A module, its variables, and where Terraform keeps its state (by default with Ordain's own files)."""

    module: str = Field(min_length=1, description="the module's folder, relative to the project")
    variables: dict[Annotated[str, Field(pattern=_VARIABLE)], Any] = Field(
        default_factory=dict, description="the module's input variables, values of any type"
    )
    workspace: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_.~-]+$", description="Terraform's workspace; left out: default"
    )
    backend: dict[str, Any] = Field(
        default_factory=dict, description="settings for the backend block that the module declares"
    )
    binary: Annotated[str | None, Facet.RECORD] = Field(
        default=None, description="the terraform or tofu to run; left out: the one on PATH"
    )
    stored_secrets: Annotated[tuple[str, ...], Facet.RECORD] = Field(
        default=(), description="variables whose secrets Terraform may store in its plan and state, in clear"
    )
