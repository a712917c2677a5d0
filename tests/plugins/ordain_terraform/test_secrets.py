"""A planted secret reaches the module, and no file, argument, fact, output or word of ours."""

import io
import zipfile
from pathlib import Path

import pytest

from ordain.api import ExitCode, OrdainError, Secret, Severity, canonical
from ordain_terraform import command
from ordain_terraform.modules import Variable
from ordain_terraform.secrets import Scrubber, environment, scrubber

CANARY = 'c4nary-${x}-"quoted"-%{y}-wert'
TOKEN = ("variables", "token")
USES_IT = """\
variable "token" {
  type      = string
  ephemeral = true
}
resource "terraform_data" "uses" {
  input = "told"
  provisioner "local-exec" {
    command     = <<-EOT
      printf %s "$TOKEN" > '%OUT%'
      tr '\\0' ' ' < /proc/$PPID/cmdline > '%OUT%.argv'
      echo $TOKEN; exit %CODE%
    EOT
    environment = { TOKEN = var.token }
  }
}
"""


@pytest.fixture
def planted(lab, tmp_path):
    """The module takes a secret, uses it and prints it; ``told`` is the file in which it ends up, outside of Ordain."""

    def plant(code=0):
        told = tmp_path / "told"
        lab.write("infra/bucket/token.tf", USES_IT.replace("%OUT%", str(told)).replace("%CODE%", str(code)))
        lab.spec["variables"] = {"token": CANARY}
        lab.secret_fields = (TOKEN,)
        return told

    return plant


def files_with(folder, secret):
    """Return the files below ``folder`` that hold the secret, also those inside zip archives."""
    found = []
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            parts = [data]
            if zipfile.is_zipfile(io.BytesIO(data)):
                archive = zipfile.ZipFile(io.BytesIO(data))
                parts += [archive.read(name) for name in archive.namelist()]
            needles = (secret.encode(), secret.replace('"', '\\"').encode())
            if any(needle in part for part in parts for needle in needles):
                found.append(str(path))
    return found


def test_an_ephemeral_secret_is_used_and_leaves_no_trace(lab, planted, tmp_path, monkeypatch):
    told = planted()
    ran = []
    argv = command.argv
    monkeypatch.setattr(command, "argv", lambda *args: ran.append(argv(*args)) or ran[-1])
    evidence = lab.look()
    result = lab.apply()
    assert told.read_text() == CANARY
    assert not files_with(tmp_path / "home", CANARY) and not files_with(tmp_path / "artifacts", CANARY)
    spoken = [canonical(evidence), canonical(result), *(word.message.encode() for word in lab.said)]
    assert not any(b"c4nary" in text for text in spoken)
    assert len(ran) >= 5 and not any("c4nary" in part for line in ran for part in line)
    assert "c4nary" not in (tmp_path / "told.argv").read_text()


def test_the_secret_is_masked_in_what_terraform_complains_of(lab, planted, tmp_path):
    lab.write("infra/bucket/check.tf", 'variable "other" { default = "x" }')
    told = planted(code=1)
    lab.look()
    with pytest.raises(OrdainError) as caught:
        lab.apply()
    assert told.read_text() == CANARY
    assert "c4nary" not in repr(caught.value.diagnostics)
    assert caught.value.exit is ExitCode.STEP_FAILED
    assert not files_with(tmp_path / "home", CANARY)


def test_a_secret_that_terraform_would_store_is_refused(lab, refused):
    lab.write("infra/bucket/token.tf", 'variable "token" { type = string }')
    lab.spec["variables"] = {"token": CANARY}
    lab.secret_fields = (TOKEN,)
    diagnostic = refused(lab.look)
    assert diagnostic.code == "terraform-secret-stored" and diagnostic.exit is ExitCode.SPEC
    assert diagnostic.path == ("spec", "variables", "token")
    assert "plan and its state" in diagnostic.summary
    assert "ephemeral = true" in diagnostic.fix and "stored_secrets: [token]" in diagnostic.fix
    assert not files_with(lab.private, CANARY)


def test_a_declaration_our_reader_took_for_ephemeral_is_caught_in_terraforms_plan(lab, monkeypatch, refused):
    lab.write("infra/bucket/token.tf", 'variable "token" { type = string }')
    lab.spec["variables"] = {"token": CANARY}
    lab.secret_fields = (TOKEN,)
    monkeypatch.setattr(
        "ordain_terraform.modules._declared", lambda known, block: Variable(name=known.name, ephemeral=True)
    )
    assert refused(lab.look).code == "terraform-secret-stored"
    assert not files_with(lab.private, CANARY) and list(lab.store.digests()) == []


def test_stored_secrets_may_be_stored_and_are_warned_of_and_masked(lab):
    lab.write(
        "infra/bucket/token.tf",
        'variable "token" { type = string }\nresource "terraform_data" "t" { input = var.token }\n'
        'output "echo" { value = "x-${var.token}" }',
    )
    lab.spec |= {"variables": {"token": CANARY}, "stored_secrets": ["token"]}
    lab.secret_fields = (TOKEN,)
    evidence = lab.look()
    (warning,) = evidence.problems
    assert warning.severity is Severity.WARNING and warning.path == ("spec", "variables", "token")
    assert b"c4nary" not in canonical(evidence)
    result = lab.apply()
    assert isinstance(result.outputs["echo"], Secret)
    assert b"c4nary" not in canonical(result)
    assert lab.reveal("echo") == f"x-{CANARY}"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (
            {"t.tf": 'variable "token" { ephemeral = true }', "a.auto.tfvars": 'token = "mine"'},
            "terraform-secret-shadowed",
        ),
        ({"t.tf": "variable token {}", "t_override.tf": "variable token {\n ephemeral = true\n}"}, None),
        ({"t.tf.json": '{"variable": {"token": {"ephemeral": true, "type": "string"}}}'}, None),
        ({"t.tf": '# variable "token" { ephemeral = true }\nvariable "token" {}'}, "terraform-secret-stored"),
        ({"t.tf": 'variable "tokens" {}'}, "terraform-unknown-variable"),
    ],
)
def test_declarations_are_found_wherever_they_stand(lab, refused, files, code):
    for name, text in files.items():
        lab.write(f"infra/bucket/{name}", text)
    lab.spec["variables"] = {"token": CANARY}
    lab.secret_fields = (TOKEN,)
    if code is None:
        assert lab.look().facts["empty"] is False
    else:
        assert refused(lab.look).code == code


def test_secrets_inside_lists_and_maps_arrive_whole(lab):
    lab.write(
        "infra/bucket/t.tf",
        'variable "token" {\n type = object({ key = string, list = list(string) })\n ephemeral = true\n'
        ' validation {\n  condition = var.token.key == chomp(file("want")) && length(var.token.list) == 2\n'
        '  error_message = "not what was sent"\n }\n}',
    )
    tricky = 'a\\b"${x}%{y}\x08\x0cü'
    lab.write("infra/bucket/want", tricky)
    lab.spec["variables"] = {"token": {"key": tricky, "list": ["1", "2"]}}
    lab.secret_fields = (("variables", "token", "key"),)
    assert lab.look().facts["empty"] is False


def test_a_nested_secret_needs_a_declared_type(lab, refused):
    lab.write("infra/bucket/t.tf", 'variable "token" { ephemeral = true }')
    lab.spec["variables"] = {"token": {"key": CANARY}}
    lab.secret_fields = (("variables", "token", "key"),)
    assert refused(lab.look).code == "terraform-secret-untyped"


@pytest.mark.parametrize("name", ["backend", "workspace", "module", "binary"])
def test_a_secret_anywhere_but_in_a_variable_is_refused(lab, refused, name):
    lab.spec.setdefault(name, "dev")
    lab.secret_fields = ((name,),)
    if name == "backend":
        lab.write("infra/bucket/b.tf", 'terraform {\n  backend "local" {}\n}')
        lab.spec["backend"] = {"path": "x"}
        lab.secret_fields = (("backend", "path"),)
    assert refused(lab.look).code == "terraform-secret-field"


def test_variables_of_the_shell_do_not_reach_terraform(lab, monkeypatch):
    monkeypatch.setenv("TF_VAR_region", "from-the-shell")
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-var=region=from-the-arguments")
    monkeypatch.setenv("TF_WORKSPACE", "strange")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/does/not/exist")
    assert lab.settle().outputs == {"url": "eu-bucket", "known": "known-eu", "workspace": "default"}


def test_a_scrubber_masks_a_secret_also_where_it_was_escaped_or_cut_into_lines():
    secret = 'first line "q"\nsecond-line'
    scrub = scrubber({"variables": {"a": [secret], "pin": 12}}, (("variables", "a"), ("variables", "pin")))
    for shown in (secret, r"x first line \"q\"\nsecond-line y", "| second-line |"):
        assert "second-line" not in scrub.text(shown)
    assert scrub.text("12") == "(secret)" and scrub.text("at 12 o'clock") == "at 12 o'clock"
    assert scrub.holds({"deep": [12]}) and not Scrubber().holds("anything")


def test_values_are_spelt_as_terraform_reads_their_type():
    declared = {"text": Variable(name="text", type="string"), "any": Variable(name="any", type="any")}
    spelt = environment({"text": "${x}", "any": ["${x}", "a\\b\b"]}, declared)
    assert spelt == {"TF_VAR_text": "${x}", "TF_VAR_any": '["$${x}", "a\\\\b\\u0008"]'}
