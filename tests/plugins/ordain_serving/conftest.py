"""Real servers on loopback, each ended by its fixture whatever became of the test."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ordain.api import (
    Address,
    ArtifactStore,
    Call,
    Change,
    Effect,
    Evidence,
    Fingerprint,
    Look,
    LookRequest,
    Places,
    ResourceRecord,
    StepResult,
    digest,
    dumps,
    loads,
    sha256,
)
from ordain.values.change import Action
from ordain_serving.process import host_name
from ordain_serving.target import Http

MODEL = Address(kind="model", name="subscriber")
DEPLOYMENT = Address(kind="deployment", name="subscriber-api")
PRINT = Fingerprint(build="", judge="", serve="", record="")


class FolderStore(ArtifactStore):
    """Artifacts as files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def put(self, path: Path) -> str:
        return self.put_bytes(path.read_bytes())

    def put_bytes(self, data: bytes) -> str:
        name = sha256(data)
        self._path(name).write_bytes(data)
        return name

    def fetch(self, name: str) -> Path:
        return self._path(name)

    def has(self, name: str) -> bool:
        return self._path(name).exists()

    def delete(self, name: str) -> None:
        self._path(name).unlink()

    def digests(self) -> Iterator[str]:
        return (path.name for path in self.folder.iterdir())

    def _path(self, name: str) -> Path:
        return self.folder / name.replace(":", "-")


@dataclass
class World:
    """One deployment of a toy model, from outside: its folder, its store, and what was recorded of it."""

    root: Path
    store: FolderStore
    target: Http = field(default_factory=Http)
    record: ResourceRecord | None = None
    said: list[str] = field(default_factory=list)
    hear: Callable[[str], object] | None = None
    serial: int = 0
    trainer: str = "toy_trainer:Toy"

    @property
    def private(self) -> Path:
        return self.root / "private"

    def model(self, version: str, content: Mapping[str, Any] | bytes) -> ResourceRecord:
        data = content if isinstance(content, bytes) else dumps(content)
        return ResourceRecord(
            address=MODEL,
            kind="Model",
            provider="toy",
            spec={"target": "deposit"},
            fingerprint=PRINT,
            facts={
                "artifact": self.store.put_bytes(data),
                "version": version,
                "columns": {"age": {"type": "integer"}, "balance": {"type": "number"}, "deposit": {"type": "category"}},
                "model": {"classes": ["no", "yes"]},
            },
            outputs={"version": version},
        )

    def call(self, operation: str, model: ResourceRecord | None, key: str | None = None, **spec: Any) -> Call:
        self.serial += 1
        change = Change(
            address=DEPLOYMENT, kind="Deployment", provider="http", action=Action.UPDATE, effect=Effect.REDEPLOY
        )
        given = {"model": str(MODEL), "host": "127.0.0.1", "port": 0, "startup_timeout": "60s", "log_level": "info"}
        self.private.mkdir(mode=0o700, exist_ok=True)
        return Call(
            key=key or digest(self.serial),
            run="r1",
            operation=operation,
            environment="dev",
            change=change,
            spec={**given, **spec},
            places=Places(root=self.root, private=self.private),
            store=self.store,
            report=lambda progress: (self.hear or self.said.append)(progress.message),
            record=self.record,
            upstream={} if model is None else {MODEL: model},
            targets={MODEL: self.trainer},
        )

    def deploy(self, version: str = "v1", content: Any = None, key: str | None = None, **spec: Any) -> StepResult:
        """Deploy and record it, as apply would."""
        call = self.call("deploy", self.model(version, {"bias": 0} if content is None else content), key, **spec)
        result = self.target.deploy(call)
        self.record = ResourceRecord(
            address=DEPLOYMENT,
            kind="Deployment",
            provider="http",
            spec=call.spec,
            fingerprint=PRINT,
            outputs=result.outputs,
            private=result.private,
        )
        return result

    def remove(self) -> StepResult:
        return self.target.remove(self.call("delete", None))

    def look(self, **private: Any) -> Evidence:
        record = self.record
        if record is not None and private:
            record = replace(record, private={**record.private, **private})
        look = Look(address=DEPLOYMENT, kind="Deployment", provider="http", spec={}, record=record)
        places = Places(root=self.root, private=self.private)
        return self.target.look(
            LookRequest(look=look, spec={}, environment="dev", memory=None, places=places, store=self.store)
        )

    @property
    def port(self) -> int:
        assert self.record is not None
        return int(str(self.record.private["port"]))

    @property
    def pid(self) -> int:
        assert self.record is not None
        return int(str(self.record.private["pid"]))

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any, Mapping[str, str]]:
        """Send a request to the port that was recorded; ``body`` is JSON unless it is bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            raw = body if isinstance(body, bytes) or body is None else dumps(body)
            connection.request(method, path, raw)
            answer = connection.getresponse()
            data = answer.read()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, loads(data) if data else None, headers
        finally:
            connection.close()


@contextmanager
def living(root: Path) -> Iterator[World]:
    """Give a world whose servers find the toy trainer, and end what is left of them."""
    world = World(root=root, store=FolderStore(root / "artifacts"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent / "support"))
        try:
            yield world
        finally:
            if world.record is not None:
                world.record = replace(world.record, private={**world.record.private, "host": host_name()})
            world.remove()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with living(tmp_path) as world:
        yield world


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One server for all tests of a module, which only ask it."""
    with living(tmp_path_factory.mktemp("served")) as world:
        world.deploy("v1", {"bias": 0})
        yield world


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One server with low limits."""
    with living(tmp_path_factory.mktemp("limited")) as world:
        world.deploy("v1", {"bias": 0}, limits={"body": "2kB", "rows": 2, "timeout": "1s"})
        yield world
