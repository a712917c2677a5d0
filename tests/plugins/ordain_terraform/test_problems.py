"""Broken modules: each complaint stands at the module's own file, line and column, with something to do about it."""

import pytest

from ordain.api import Blame, ExitCode, OrdainError, Span


def complaints(action):
    with pytest.raises(OrdainError) as caught:
        action()
    return caught.value.diagnostics


@pytest.mark.parametrize(
    ("name", "text", "at", "word"),
    [
        ("infra/bucket/bad.tf", 'resource "a" {\n}\n', (1, 14), "Missing name for resource"),
        ("infra/bucket/bad.tf", 'output "x" {\n  value = var.nope\n}\n', (2, 11), "undeclared input variable"),
        ("infra/bucket/bad.tf", 'output "x" {\n  value =\n}\n', (2, 10), "Invalid expression"),
        ("infra/bucket/bad.tf", 'resource "terraform_data" "b" {\n  nope = 1\n}\n', (2, 3), "Unsupported argument"),
        ("infra/bucket/bad.tf", 'variable "must" { type = string }', (1, 1), "No value for required variable"),
        ("infra/bucket/bad.tf.json", '{"output": {"x": {}}}', (1, 19), "Missing required argument"),
        (
            "infra/bucket/bad.tf",
            'variable "r" {\n  default = 1\n  validation {\n    condition = var.r > 1\n'
            '    error_message = "too small"\n  }\n}',
            (1, 1),
            "Invalid value for variable",
        ),
    ],
)
def test_broken_modules_are_told_at_their_position(lab, name, text, at, word):
    lab.write(name, text)
    found = complaints(lab.look)
    said = [(one.at, one.summary) for one in found if one.at is not None]
    assert any(span == Span(file=name, line=at[0], column=at[1]) and word in summary for span, summary in said), said
    assert all(one.exit is ExitCode.SPEC and one.fix for one in found)
    assert lab.module_files() == sorted({"infra", "infra/bucket", "infra/bucket/main.tf", name})


def test_a_complaint_in_a_called_module_stands_in_that_modules_file(lab):
    lab.write("infra/part/deep.tf", 'output "o" {\n  value = local.nope\n}\n')
    lab.write("infra/bucket/part.tf", 'module "part" { source = "../part" }')
    (found,) = complaints(lab.look)
    assert found.at == Span(file="infra/part/deep.tf", line=2, column=11)
    assert found.snippet == "  value = local.nope"


def test_a_called_module_that_is_not_there_is_named(lab):
    lab.write("infra/bucket/bad.tf", 'module "m" {\n  source = "../gone"\n}\n')
    assert any("../gone" in one.detail for one in complaints(lab.look))


def test_nested_brackets_without_end_are_told_and_not_fallen_over(lab):
    lab.write("infra/bucket/deep.tf", "a " + "{ b " * 20_000)
    found = complaints(lab.look)
    assert found[0].at.file == "infra/bucket/deep.tf"


def test_a_step_that_fails_names_terraforms_resource_and_keeps_what_was_done(lab):
    lab.write(
        "infra/bucket/fail.tf",
        'resource "terraform_data" "fails" {\n  depends_on = [terraform_data.bucket]\n'
        '  provisioner "local-exec" {\n    command = "echo no quota; exit 3"\n  }\n}\n',
    )
    lab.look()
    (found,) = complaints(lab.apply)
    assert found.exit is ExitCode.STEP_FAILED and "terraform_data.fails" in found.summary
    assert found.at == Span(file="infra/bucket/fail.tf", line=3, column=28)
    assert "no quota" in found.detail
    (change,) = lab.look().facts["changes"]
    assert (change["address"], change["action"]) == ("terraform_data.fails", "replace")


def test_a_misspelt_module_is_told_at_its_field(lab, refused):
    lab.spec["module"] = "infra/buckt"
    found = refused(lab.look)
    assert found.code == "terraform-no-module" and found.path == ("spec", "module")
    assert "did you mean bucket?" in found.detail


def test_a_folder_without_a_module_is_told(lab, refused):
    (lab.root / "infra" / "empty").mkdir()
    lab.spec["module"] = "infra/empty"
    assert "no Terraform module" in refused(lab.look).summary


def test_a_misspelt_variable_is_told_at_its_field(lab, refused):
    lab.spec["variables"] = {"regoin": "us"}
    found = refused(lab.look)
    assert found.path == ("spec", "variables", "regoin") and found.detail == "did you mean region?"


def test_backend_settings_without_a_backend_are_told(lab, refused):
    lab.spec["backend"] = {"bucket": "x"}
    assert refused(lab.look).path == ("spec", "backend")


def mirror(tmp_path, monkeypatch):
    """Make a provider that installs but does nothing, and tell Terraform to look nowhere else."""
    folder = tmp_path / "mirror" / "registry.terraform.io" / "acme" / "void" / "1.0.0" / "linux_amd64"
    folder.mkdir(parents=True)
    binary = folder / "terraform-provider-void_v1.0.0"
    binary.write_text("#!/bin/sh\nexit 1\n")
    binary.chmod(0o755)
    config = tmp_path / "cli.tfrc"
    config.write_text(f'provider_installation {{\n filesystem_mirror {{\n path = "{tmp_path / "mirror"}"\n }}\n}}\n')
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(config))


PROVIDER = (
    'terraform {\n  required_providers {\n    void = { source = "acme/void" }\n  }\n}\nresource "void_x" "x" {}\n'
)


def test_providers_that_are_not_locked_are_refused_with_the_command_that_locks_them(
    lab, tmp_path, monkeypatch, refused
):
    mirror(tmp_path, monkeypatch)
    lab.write("infra/bucket/provider.tf", PROVIDER)
    found = refused(lab.look)
    assert found.code == "terraform-not-locked" and "-chdir=infra/bucket providers lock" in found.fix
    assert not (lab.module / ".terraform.lock.hcl").exists()


def test_a_lock_file_is_respected_and_left_alone(lab, tmp_path, monkeypatch):
    mirror(tmp_path, monkeypatch)
    lab.write("infra/bucket/provider.tf", PROVIDER)
    wrong = 'provider "registry.terraform.io/acme/void" {\n  version = "1.0.0"\n  hashes = ["h1:AAAA="]\n}\n'
    lab.write("infra/bucket/.terraform.lock.hcl", wrong)
    found = complaints(lab.look)
    assert "checksum" in " ".join(one.detail for one in found)
    assert (lab.module / ".terraform.lock.hcl").read_text() == wrong


def test_a_warning_of_terraforms_is_passed_on(lab):
    lab.write(
        "infra/bucket/check.tf",
        'check "c" {\n  assert {\n    condition     = var.region == "us"\n    error_message = "not us"\n  }\n}\n',
    )
    (warning,) = lab.look().problems
    assert not warning.is_error and warning.detail == "not us" and warning.at.file == "infra/bucket/check.tf"
    assert warning.blame in (Blame.USER, Blame.WORLD)
