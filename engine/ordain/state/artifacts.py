"""The local artifact store: files named by what they hold (``sha256/aa/HEX``), checked each time they are fetched."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ordain.api.store import ArtifactStore
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, OrdainError

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_CHUNK = 1 << 20


class LocalArtifacts(ArtifactStore):
    """Artifacts below ``folder``: files 0400 in folders 0700, made with the first ``put``.

    Safe from several threads and processes: a file appears whole, under its name, or not at all. Every method raises
    ``OrdainError`` (``artifact-store``) where the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, path: Path) -> str:
        try:
            with path.open("rb") as source:
                # Known bytes are not written again; what does get stored is hashed anew while it is copied, since
                # the file may change in between.
                digest = f"sha256:{hashlib.file_digest(source, 'sha256').hexdigest()}"
                if self._whole(digest):
                    return digest
                source.seek(0)
                return self._store(source)
        except OSError as error:
            raise _refused(f"cannot keep {path}", error) from error

    def put_bytes(self, data: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        try:
            if not self._whole(digest):
                self._store(memoryview(data))
        except OSError as error:
            raise _refused("cannot keep an artifact", error) from error
        return digest

    def fetch(self, digest: str) -> Path:
        path = self._path(digest)
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise _lost(digest, path) from None
        except OSError as error:
            raise _refused(f"cannot read the artifact {digest}", error) from error
        if found != path.name:
            raise _corrupt(digest, path, found)
        return path

    def has(self, digest: str) -> bool:
        match = _DIGEST.fullmatch(digest)
        return match is not None and self._place(match[1]).is_file()

    def delete(self, digest: str) -> None:
        path = self._path(digest)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _refused(f"cannot delete the artifact {digest}", error) from error

    def digests(self) -> Iterator[str]:
        for path in sorted(self._folder.glob("sha256/??/*")):
            digest = f"sha256:{path.name}"
            if _DIGEST.fullmatch(digest) and path.parent.name == path.name[:2]:
                yield digest

    def _place(self, name: str) -> Path:
        return self._folder / "sha256" / name[:2] / name

    def _path(self, digest: str) -> Path:
        match = _DIGEST.fullmatch(digest)
        if match is None:  # it may come from an edited plan file, and must never become a path
            raise _fault(
                "artifact-name",
                f"{digest!r} names no artifact",
                "An artifact is named sha256: and 64 hexadecimal digits.",
                "Make the plan again.",
            )
        return self._place(match[1])

    def _whole(self, digest: str) -> bool:
        """Say whether the artifact is there and undamaged: putting its bytes again heals one that is not."""
        path = self._path(digest)
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == path.name

    def _store(self, data: BinaryIO | memoryview) -> str:
        drafts = self._folder / "drafts"
        _make_folder(drafts)
        draft = drafts / os.urandom(16).hex()
        try:
            hasher = hashlib.sha256()
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o400), "wb") as target:
                for chunk in _chunks(data):
                    hasher.update(chunk)
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
            place = self._place(hasher.hexdigest())
            _make_folder(place.parent)
            draft.replace(place)
            _sync(place.parent)
        finally:
            draft.unlink(missing_ok=True)
        return f"sha256:{place.name}"


def _chunks(data: BinaryIO | memoryview) -> Iterator[bytes | memoryview]:
    if isinstance(data, memoryview):
        yield data
        return
    while chunk := data.read(_CHUNK):
        yield chunk


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each 0700 and durable in the one above."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _fault(code: str, summary: str, detail: str, fix: str) -> OrdainError:
    return OrdainError(
        Diagnostic(code=code, summary=summary, detail=detail, fix=fix, blame=Blame.WORLD, exit=ExitCode.FAILURE)
    )


def _lost(digest: str, path: Path) -> OrdainError:
    return _fault(
        "artifact-lost",
        f"the artifact {digest} is gone",
        f"The state refers to it, but there is no file {path}.",
        "Put the file back from a backup, or make it again: ordain apply --replace ADDRESS (of the model or dataset).",
    )


def _corrupt(digest: str, path: Path, found: str) -> OrdainError:
    return _fault(
        "artifact-corrupt",
        f"the artifact {digest} was changed or damaged",
        f"The bytes of {path} have the digest sha256:{found}. It was not used.",
        "Put the file back from a backup, or make it again: ordain apply --replace ADDRESS (of the model or dataset).",
    )


def _refused(what: str, error: OSError) -> OrdainError:
    return _fault(
        "artifact-store",
        what,
        f"The system says: {error.strerror or error}.",
        "Check the disk's room and the permissions of the artifact folder, then run the command again.",
    )
