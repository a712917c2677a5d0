"""What is particular to artifacts in a folder: where they lie, who may read them, what a crash leaves."""

import os
import stat
import subprocess
import sys

import pytest

from ordain.state.artifacts import LocalArtifacts
from ordain.testing.samples import refused
from ordain.values.diagnostic import ExitCode
from ordain.values.fingerprint import sha256


@pytest.fixture
def artifacts(tmp_path):
    return LocalArtifacts(tmp_path / "store" / "artifacts")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_an_artifact_lies_under_its_digest_for_its_owner_alone(artifacts, tmp_path):
    old = os.umask(0)
    try:
        digest = artifacts.put_bytes(b"model")
    finally:
        os.umask(old)
    path = artifacts.fetch(digest)
    assert path == tmp_path / "store" / "artifacts" / "sha256" / digest[7:9] / digest[7:]
    assert mode(path) == 0o400
    assert {mode(folder) for folder in tmp_path.rglob("*") if folder.is_dir()} == {0o700}


def test_looking_makes_no_folder(artifacts, tmp_path):
    assert list(artifacts.digests()) == []
    assert not artifacts.has(sha256(b"x"))
    artifacts.delete(sha256(b"x"))
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_written_again(artifacts, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"model")
    before = artifacts.fetch(artifacts.put(file)).stat()
    artifacts.put(file)
    artifacts.put_bytes(b"model")
    assert artifacts.fetch(sha256(b"model")).stat() == before


def test_other_files_in_the_folder_are_no_artifacts(artifacts):
    digest = artifacts.put_bytes(b"model")
    folder = artifacts.fetch(digest).parent
    (folder / "notes").write_text("x")
    (folder / ("0" * 64)).write_text("in the wrong folder")
    (folder.parent / "zz").mkdir()
    assert list(artifacts.digests()) == [digest]


def test_a_planted_link_is_judged_by_what_it_leads_to(artifacts, tmp_path):
    digest = artifacts.put_bytes(b"model")
    path = artifacts.fetch(digest)
    path.unlink()
    (tmp_path / "evil").write_bytes(b"evil")
    path.symlink_to(tmp_path / "evil")
    with refused(ExitCode.FAILURE, "artifact-corrupt", sha256(b"evil")):
        artifacts.fetch(digest)


@pytest.mark.parametrize("size", [0, 1, 4])
def test_a_cut_artifact_is_corrupt(artifacts, size):
    path = artifacts.fetch(artifacts.put_bytes(b"model"))
    path.chmod(0o600)
    os.truncate(path, size)
    with refused(ExitCode.FAILURE, "artifact-corrupt"):
        artifacts.fetch(sha256(b"model"))


def test_what_the_disk_refuses_is_told(artifacts, tmp_path):
    with refused(ExitCode.FAILURE, "artifact-store", "missing", "No such file"):
        artifacts.put(tmp_path / "missing")
    with refused(ExitCode.FAILURE, "artifact-store", "directory"):
        artifacts.put(tmp_path)
    (tmp_path / "store").write_text("a file where the folder should be")
    with refused(ExitCode.FAILURE, "artifact-store"):
        artifacts.put_bytes(b"model")


def test_a_killed_put_leaves_no_artifact(tmp_path):
    source = (
        "import sys, itertools\nfrom pathlib import Path\nfrom ordain.state.artifacts import LocalArtifacts\n"
        "store = LocalArtifacts(Path(sys.argv[1]))\n"
        "for n in itertools.count():\n    print(store.put_bytes(str(n).encode() * 300_000), flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", source, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(5):
            process.stdout.readline()
    finally:
        process.kill()
        process.communicate()
    artifacts = LocalArtifacts(tmp_path)
    found = list(artifacts.digests())
    assert len(found) >= 5
    for digest in found:
        artifacts.fetch(digest)
