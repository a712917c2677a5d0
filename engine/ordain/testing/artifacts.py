"""The contract of an artifact store, as tests: a store's author subclasses and runs them."""

from __future__ import annotations

import os
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ordain.api import ArtifactStore, ExitCode, sha256
from ordain.testing.samples import refused


class ArtifactStoreContract:
    """What holds of every artifact store."""

    @abstractmethod
    def open(self, place: Path) -> ArtifactStore:
        """Open the artifacts that belong to ``place``; the same place, the same artifacts."""

    @abstractmethod
    def damage(self, place: Path, digest: str) -> None:
        """Change a byte of a stored artifact behind the store's back."""

    @pytest.fixture
    def artifacts(self, tmp_path: Path) -> ArtifactStore:
        return self.open(tmp_path / "artifacts")

    def test_what_is_put_is_fetched(self, artifacts: ArtifactStore, tmp_path: Path) -> None:
        for data in (b"", b"model", os.urandom(3_000_000)):
            file = tmp_path / "file"
            file.write_bytes(data)
            digest = artifacts.put(file)
            assert digest == sha256(data) == artifacts.put_bytes(data)
            file.write_bytes(b"changed later")
            assert artifacts.has(digest)
            assert artifacts.fetch(digest).read_bytes() == data
            assert self.open(tmp_path / "artifacts").fetch(digest).read_bytes() == data

    def test_putting_again_changes_nothing(self, artifacts: ArtifactStore) -> None:
        assert artifacts.put_bytes(b"a") == artifacts.put_bytes(b"a")
        artifacts.put_bytes(b"b")
        assert sorted(artifacts.digests()) == sorted([sha256(b"a"), sha256(b"b")])

    def test_an_artifact_that_is_not_there_is_lost(self, artifacts: ArtifactStore) -> None:
        digest = sha256(b"never put")
        assert not artifacts.has(digest)
        assert list(artifacts.digests()) == []
        with refused(ExitCode.FAILURE, "artifact-lost", digest):
            artifacts.fetch(digest)

    def test_deleting_is_repeatable(self, artifacts: ArtifactStore) -> None:
        digest = artifacts.put_bytes(b"a")
        artifacts.delete(digest)
        artifacts.delete(digest)
        assert not artifacts.has(digest)
        with refused(ExitCode.FAILURE, "artifact-lost"):
            artifacts.fetch(digest)

    def test_damage_is_noticed_and_healed_by_the_same_bytes(self, artifacts: ArtifactStore, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"model")
        digest = artifacts.put(file)
        for put in (artifacts.put, lambda path: artifacts.put_bytes(path.read_bytes())):
            self.damage(tmp_path / "artifacts", digest)
            with refused(ExitCode.FAILURE, "artifact-corrupt", digest):
                artifacts.fetch(digest)
            assert put(file) == digest
            assert artifacts.fetch(digest).read_bytes() == b"model"

    @pytest.mark.parametrize(
        "name", ["", "model", "sha256:", "sha256:../../x", f"sha256:{'A' * 64}", f"md5:{'a' * 64}"]
    )
    def test_what_is_no_digest_is_refused(self, artifacts: ArtifactStore, name: str) -> None:
        assert not artifacts.has(name)
        with refused(ExitCode.FAILURE, "artifact-name"):
            artifacts.fetch(name)
        with refused(ExitCode.FAILURE, "artifact-name"):
            artifacts.delete(name)

    def test_many_may_put_the_same(self, tmp_path: Path) -> None:
        data = os.urandom(100_000)

        def put(_: int) -> str:
            artifacts = self.open(tmp_path / "artifacts")
            digest = artifacts.put_bytes(data)
            assert artifacts.fetch(digest).read_bytes() == data
            return digest

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(put, range(32))) == {sha256(data)}
