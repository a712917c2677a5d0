"""A real provider with a world of its own: drift, refreshes, imports that it refuses.

Needs a Python with the package ``tf`` (1.2 or newer), which cannot share an environment with Ordain's dependencies:
``python -m venv X; X/bin/pip install tf "protobuf<6"``, and ``TERRAFORM_PROVIDER_PYTHON=X/bin/python`` for the tests.
"""

import os
import subprocess
from pathlib import Path

import pytest

from ordain.values.look import Sight

PYTHON = os.environ.get("TERRAFORM_PROVIDER_PYTHON", "")
pytestmark = pytest.mark.skipif(not PYTHON, reason="TERRAFORM_PROVIDER_PYTHON names no Python with the package tf")

MODULE = """\
terraform {
  required_providers {
    labcloud = { source = "lab/labcloud" }
  }
}
resource "labcloud_bucket" "data" {
  name = "data"
  tier = "cold"
}
output "tier" { value = labcloud_bucket.data.tier }
"""


@pytest.fixture
def cloud(lab, tmp_path, monkeypatch):
    """A module with one bucket, its provider installed from a mirror and locked; return the folder of buckets."""
    world = tmp_path / "cloud"
    world.mkdir()
    platform = "linux_amd64" if os.uname().machine == "x86_64" else "linux_arm64"
    folder = tmp_path / "mirror" / "registry.terraform.io" / "lab" / "labcloud" / "0.1.0" / platform
    folder.mkdir(parents=True)
    binary = folder / "terraform-provider-labcloud_v0.1.0"
    binary.write_text(f'#!/bin/sh\nexec "{PYTHON}" "{Path(__file__).parent}/provider/labcloud.py" "$@"\n')
    binary.chmod(0o755)
    config = tmp_path / "cli.tfrc"
    config.write_text(f'provider_installation {{\n filesystem_mirror {{\n path = "{tmp_path / "mirror"}"\n }}\n}}\n')
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(config))
    monkeypatch.setenv("LABCLOUD", str(world))
    lab.write("infra/bucket/main.tf", MODULE)
    lock = ["terraform", f"-chdir={lab.module}", "providers", "lock", f"-fs-mirror={tmp_path / 'mirror'}"]
    subprocess.run(lock, check=True, capture_output=True)
    return world


def changes(evidence):
    return {change["address"]: change for change in evidence.facts["changes"]}


def test_what_changed_outside_is_drift_and_is_taken_in_by_a_refresh(lab, cloud):
    lab.settle()
    (cloud / "data").write_text("hot")
    (drift,) = lab.look().facts["drift"]
    assert drift["fields"] == [{"path": ["tier"], "before": "cold", "after": "hot"}]
    lab.sight = Sight.NO_REFRESH
    assert lab.look().facts["empty"] is True
    lab.sight = Sight.REFRESH_ONLY
    change = changes(lab.look())["labcloud_bucket.data"]
    assert change["action"] == "refresh" and change["fields"] == drift["fields"]
    assert lab.apply().outputs["tier"] == "hot"
    assert (cloud / "data").read_text() == "hot"
    lab.sight = Sight.FULL
    assert changes(lab.look())["labcloud_bucket.data"]["action"] == "update"


def test_what_is_gone_outside_leaves_the_state_with_a_refresh(lab, cloud):
    lab.settle()
    (cloud / "data").unlink()
    lab.sight = Sight.REFRESH_ONLY
    assert changes(lab.look())["labcloud_bucket.data"]["action"] == "forget"
    lab.apply()
    lab.sight = Sight.FULL
    assert changes(lab.look())["labcloud_bucket.data"]["action"] == "create"


def test_a_bucket_is_imported_as_it_is(lab, cloud):
    (cloud / "data").write_text("cold")
    lab.importing = ("labcloud_bucket.data=data",)
    change = changes(lab.look())["labcloud_bucket.data"]
    assert (change["action"], change["id"], change["fields"]) == ("import", "data", [])
    assert lab.apply().outputs["tier"] == "cold"
    assert lab.look().facts["empty"] is True


@pytest.mark.parametrize(
    ("id_", "words"), [("nowhere", "Import returned no resources"), ("forbidden", "403 AccessDenied")]
)
def test_an_id_that_the_provider_refuses_is_told_of_the_import_in_its_words(lab, cloud, refused, id_, words):
    lab.importing = (f"labcloud_bucket.data={id_}",)
    problem = refused(lab.look)
    assert problem.code == "terraform-import" and problem.path == ("importing", f"labcloud_bucket.data={id_}")
    assert words in problem.summary
