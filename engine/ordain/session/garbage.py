"""Takes away what nothing refers to any more, after a destroy."""

from __future__ import annotations

import shutil

from ordain.api.store import RemoveVersion, StateStore
from ordain.session.context import Context
from ordain.session.stores import open_artifacts
from ordain.values.record import ASIDE, place_of


def collect(context: Context, store: StateStore, environment: str, token: int) -> None:
    """Remove versions whose address no environment has, artifacts nothing refers to, and empty private folders.

    The user's data is never in the artifact store and never touched, nor is what was set aside of what was forgotten.
    """
    kept = {address for name in store.environments() for address in store.recorded(name).resources}
    recorded = store.recorded(environment)
    gone = [
        RemoveVersion(address=address, recipe=version.recipe)
        for address, versions in recorded.versions.items()
        if address not in kept
        for version in versions
    ]
    if gone:
        store.write(environment, gone, token)
    artifacts = open_artifacts(context)
    for digest in sorted(set(artifacts.digests()) - store.referenced_artifacts()):
        artifacts.delete(digest)
    private = context.home / "private" / environment
    for folder in sorted(private.glob("*")):
        if ASIDE not in folder.name and folder.name not in {
            place_of(address, record) for address, record in recorded.resources.items()
        }:
            shutil.rmtree(folder, ignore_errors=True)
