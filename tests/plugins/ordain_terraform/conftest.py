"""A project with a Terraform module in it, and the calls a session would make; Terraform itself is the real one."""

import hashlib
import os
import shutil
import textwrap
from dataclasses import dataclass, field, replace
from pathlib import Path

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
    OrdainError,
    Places,
    Progress,
    ResourceRecord,
)
from ordain.values.change import Action
from ordain.values.look import Sight
from ordain.values.resource import RunOptions
from ordain_terraform.driver import Terraform

ADDRESS = Address(kind="infrastructure", name="bucket")
NEED_NONE = ("test_without_terraform.py", "test_reading.py")
NO_FINGERPRINT = Fingerprint(build="", judge="", serve="", record="")


def pytest_collection_modifyitems(items):
    if shutil.which("terraform") is None:
        reason = "NO TERRAFORM BINARY ON PATH: the terraform plugin is NOT tested. Install terraform 1.10 or newer"
        for item in items:
            if item.path.is_relative_to(Path(__file__).parent) and item.path.name not in NEED_NONE:
                item.add_marker(pytest.mark.skip(reason=reason))


class FolderStore(ArtifactStore):
    """Artifacts in a folder."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(mode=0o700)

    def put(self, path):
        return self.put_bytes(Path(path).read_bytes())

    def put_bytes(self, data):
        name = hashlib.sha256(data).hexdigest()
        if not (self.folder / name).exists():
            (self.folder / name).write_bytes(data)
            (self.folder / name).chmod(0o400)
        return f"sha256:{name}"

    def fetch(self, digest):
        return self.folder / digest.removeprefix("sha256:")

    def has(self, digest):
        return self.fetch(digest).exists()

    def delete(self, digest):
        self.fetch(digest).unlink()

    def digests(self):
        return iter(sorted(f"sha256:{path.name}" for path in self.folder.iterdir()))


@dataclass
class Lab:
    """One resource in one environment: looks, applies, destroys, as the engine would."""

    root: Path
    private: Path
    store: FolderStore
    spec: dict
    secret_fields: tuple = ()
    record: ResourceRecord | None = None
    evidence: Evidence | None = None
    said: list[Progress] = field(default_factory=list)
    timeout: float | None = 600.0
    runs: int = 0
    address: Address = ADDRESS
    sight: Sight = Sight.FULL
    importing: tuple[str, ...] = ()
    forced: bool = False

    @property
    def places(self):
        return Places(root=self.root, private=self.private)

    @property
    def module(self):
        return self.root / self.spec["module"]

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def look(self, deleting=False):
        look = Look(
            address=self.address,
            kind="Infrastructure",
            provider="terraform",
            spec=self.spec,
            record=self.record,
            deleting=deleting,
            sight=self.sight,
            importing=self.importing,
            forced=self.forced,
        )
        request = LookRequest(
            look=look,
            spec=self.spec,
            environment="dev",
            memory=None,
            places=self.places,
            store=self.store,
            secret_fields=self.secret_fields,
        )
        self.evidence = Terraform().look(request)
        return self.evidence

    def call(self, operation="apply", key=None):
        self.runs += 1
        change = Change(
            address=self.address,
            kind="Infrastructure",
            provider="terraform",
            action=Action.DELETE if operation == "delete" else Action.UPDATE,
            effect=Effect.UPDATE,
            facts=self.evidence.facts if self.evidence else {},
            attachments=self.evidence.attachments if self.evidence else {},
            run=RunOptions(timeout=self.timeout),
        )
        return Call(
            key=key or f"key-{self.runs}",
            run="run",
            operation=operation,
            environment="dev",
            change=change,
            spec=self.spec,
            places=self.places,
            store=self.store,
            report=self.said.append,
            record=self.record,
            secret_fields=self.secret_fields,
        )

    def apply(self, call=None):
        result = Terraform().apply(call or self.call())
        self.record = ResourceRecord(
            address=self.address,
            kind="Infrastructure",
            provider="terraform",
            spec=self.spec,
            fingerprint=NO_FINGERPRINT,
            facts=result.facts,
            outputs=result.outputs,
            private=result.private,
        )
        return result

    def settle(self):
        """Plan and apply."""
        self.look()
        return self.apply()

    def destroy(self, call=None):
        return Terraform().destroy(call or self.call("delete"))

    def reveal(self, output):
        return Terraform().reveal(self.record, output, self.places)

    def sibling(self, name, **spec):
        """Return the same module in another environment, or another resource."""
        private = self.private.parent / name
        private.mkdir(mode=0o700)
        return replace(self, private=private, spec={**self.spec, **spec}, record=None, evidence=None, said=[], runs=0)

    def module_files(self):
        return sorted(
            str(path.relative_to(self.root)) for path in self.root.rglob("*") if "ordain" not in path.parts[-1]
        )


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch):
    for name in list(os.environ):
        if name.startswith("TF_"):
            monkeypatch.delenv(name)


@pytest.fixture
def lab(tmp_path):
    root, private = tmp_path / "project", tmp_path / "home" / "bucket"
    private.mkdir(parents=True, mode=0o700)
    made = Lab(
        root=root,
        private=private,
        store=FolderStore(tmp_path / "artifacts"),
        spec={"module": "infra/bucket", "variables": {}},
    )
    made.write(
        "infra/bucket/main.tf",
        """\
        variable "region" {
          type    = string
          default = "eu"
        }
        resource "terraform_data" "bucket" {
          input = "${var.region}-bucket"
        }
        output "url" { value = terraform_data.bucket.output }
        output "known" { value = "known-${var.region}" }
        output "workspace" { value = terraform.workspace }
        """,
    )
    return made


@pytest.fixture
def refused():
    """Call something that must raise; return its one diagnostic."""

    def check(action, *args):
        with pytest.raises(OrdainError) as caught:
            action(*args)
        (diagnostic,) = caught.value.diagnostics
        return diagnostic

    return check
