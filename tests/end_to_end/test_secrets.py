"""A planted secret appears in no output, plan, state file, artifact or log; a changed one shows."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CANARY = "canary-7f3a-do-not-print"
OTHER = "second-91bc-do-not-print"
PROJECT = """\
kind: Project
name: secret
format: 1
spec:
  variables:
    token: {type: string, secret: true}
---
kind: Value
name: holder
spec:
  value: {url: "https://user:${{ var.token }}@host", plain: 1}
"""
TERRAFORM = """\
---
kind: Infrastructure
name: db
spec:
  provider: terraform
  module: infra
  variables:
    password: ${{ var.token }}
    name: main
"""
MODULE = """\
variable "name" { type = string }
variable "password" {
  type      = string
  ephemeral = true
  sensitive = true
}
resource "terraform_data" "db" { input = var.name }
output "name" { value = terraform_data.db.output }
"""


def everything_written(root: Path) -> bytes:
    """Return the bytes of every file of a project, zip archives opened as well."""
    out = []
    for path in root.rglob("*"):
        if path.is_file():
            out.append(path.read_bytes())
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    out += [archive.read(name) for name in archive.namelist()]
    return b"\0".join(out)


@pytest.mark.parametrize("with_terraform", [False, True])
def test_a_secret_is_nowhere(cli: Callable[..., Any], with_terraform: bool) -> None:
    if with_terraform and shutil.which("terraform") is None:
        pytest.skip("no terraform binary on this machine")
    files = {"ordain.yaml": PROJECT}
    if with_terraform:
        files |= {"infra.yaml": TERRAFORM.removeprefix("---\n"), "infra/main.tf": MODULE}
    project = cli(files)
    project.extra["ORDAIN_VAR_token"] = CANARY
    said: list[subprocess.CompletedProcess[str]] = [
        project("plan"),
        project("plan", "--json"),
        project("plan", "--format", "markdown"),
        project("plan", "--out", "p.json"),
        project("apply", "p.json"),
        project("plan", "--detailed-exitcode"),
        project("why", "value.holder"),
        project("state", "list", "--json"),
        project("state", "show", "value.holder"),
        project("state", "show", "value.holder", "--json"),
    ]
    project.extra["ORDAIN_VAR_token"] = OTHER
    changed = project("plan", "--detailed-exitcode", expect=2)
    said += [changed, project("apply", "--yes"), project("plan", "--detailed-exitcode")]
    assert "value.holder" in changed.stdout
    said.append(project("destroy", "--yes"))
    spoken = "".join(one.stdout + one.stderr for one in said)
    written = everything_written(project.root)
    for canary in (CANARY, OTHER):
        assert canary not in spoken
        assert canary.encode() not in written


UNTYPED = """\
kind: Project
name: unset
format: 1
---
kind: Value
name: a
spec: {value: "x-${{ secret.UNSET_TOKEN }}"}
"""


def test_an_unset_secret_is_said_by_the_plan_and_changes_nothing(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": UNTYPED})
    assert "UNSET_TOKEN" in project("plan").stdout
    assert "export UNSET_TOKEN" in project("apply", "--yes", expect=3).stderr
    project.extra["UNSET_TOKEN"] = CANARY
    project("apply", "--yes")
    del project.extra["UNSET_TOKEN"]
    assert project.effects("--detailed-exitcode") == {}
    project.extra["UNSET_TOKEN"] = OTHER
    assert project.effects("--detailed-exitcode", expect=2) == {"value.a": "update"}


def test_a_secret_that_is_not_set_is_named(cli: Callable[..., Any]) -> None:
    project = cli({"ordain.yaml": PROJECT})
    done = project("plan", expect=6)
    assert "token" in done.stderr and "ORDAIN_VAR_token" in done.stderr


def test_terraform_is_not_given_a_secret_it_would_store(cli: Callable[..., Any]) -> None:
    if shutil.which("terraform") is None:
        pytest.skip("no terraform binary on this machine")
    module = MODULE.replace("  ephemeral = true\n", "")
    project = cli({"ordain.yaml": PROJECT + TERRAFORM, "infra/main.tf": module})
    project.extra["ORDAIN_VAR_token"] = CANARY
    done = project("plan", expect=6)
    assert "ephemeral" in done.stdout + done.stderr
    assert CANARY.encode() not in everything_written(project.root)
