"""Training with scikit-learn."""

from __future__ import annotations

from ordain.api import ProviderEntry, hookimpl


@hookimpl
def register_providers() -> tuple[ProviderEntry, ...]:
    """Register ``provider: sklearn`` of a Model."""
    return (
        ProviderEntry(
            kind="Model",
            name="sklearn",
            target="ordain_sklearn.trainer:Sklearn",
            options="ordain_sklearn.options:SklearnOptions",
            summary="any scikit-learn classifier or regressor, with its preprocessing, kept with skops",
        ),
    )
