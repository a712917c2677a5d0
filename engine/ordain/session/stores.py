"""Opens the stores a project names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ordain.api.store import ArtifactStore, StateStore
from ordain.session.context import Context
from ordain.state.artifacts import LocalArtifacts
from ordain.state.sqlite import open_store

_IGNORE = "# made by Ordain: state, artifacts and caches of this folder\n*\n"


@contextmanager
def open_state(context: Context, *, create: bool) -> Iterator[StateStore]:
    """Open the state; with ``create`` it is made where there is none, otherwise a missing one reads as empty."""
    if create:
        context.home.mkdir(mode=0o700, exist_ok=True)
        ignore = context.home / ".gitignore"
        if not ignore.exists():
            ignore.write_text(_IGNORE)
    store = open_store(context.state_file, create=create, new_id=context.new_id)
    try:
        yield store
    finally:
        store.close()


def open_artifacts(context: Context) -> ArtifactStore:
    """Open the artifact store of the project."""
    return LocalArtifacts(context.artifacts)
