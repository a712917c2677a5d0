"""The embedded stores hold the contracts of all stores."""

from ordain.state.artifacts import LocalArtifacts
from ordain.state.sqlite import open_store
from ordain.testing.store import ArtifactStoreContract, StateStoreContract


class TestSqlite(StateStoreContract):
    def open(self, place):
        return open_store(place / ".ordain" / "state.db", create=True)


class TestLocalArtifacts(ArtifactStoreContract):
    def open(self, place):
        return LocalArtifacts(place)

    def damage(self, place, digest):
        path = place / "sha256" / digest[7:9] / digest[7:]
        path.chmod(0o600)
        path.write_bytes(b"M" + path.read_bytes()[1:])
