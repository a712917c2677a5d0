"""Imports: what the world has already comes into Terraform's state by exactly the plan that was shown."""

import zipfile

import pytest

from ordain.api import Blame, ExitCode, OrdainError
from ordain.values.look import Sight
from ordain_terraform import importing
from ordain_terraform.command import Finished
from ordain_terraform.importing import Import, parse
from ordain_terraform.problems import Teller
from ordain_terraform.secrets import Scrubber

THIRD = 'resource "terraform_data" "third" {}\n'


def changes(evidence):
    return {change["address"]: change for change in evidence.facts["changes"]}


def test_an_import_is_planned_applied_and_then_inert(lab):
    lab.write("infra/bucket/third.tf", THIRD)
    lab.importing = ('terraform_data.bucket=the ${id} %{of} "it"', "terraform_data.third=three")
    before = lab.module_files()
    planned = changes(lab.look())
    bucket, third = planned["terraform_data.bucket"], planned["terraform_data.third"]
    assert (bucket["action"], bucket["id"]) == ("import and update", 'the ${id} %{of} "it"')
    assert {"path": ["input"], "before": None, "after": "eu-bucket"} in bucket["fields"]
    assert (third["action"], third["id"], third["fields"]) == ("import", "three", [])
    assert lab.apply().outputs["url"] == "eu-bucket"
    assert lab.look().facts["empty"] is True  # with its Import documents still there
    lab.importing = ()
    assert lab.look().facts["empty"] is True
    assert lab.module_files() == before


def test_a_plan_with_imports_made_twice_says_the_same(lab):
    lab.importing = ("terraform_data.bucket=b",)
    assert lab.look().facts == lab.look().facts


def test_a_further_import_into_what_is_recorded_comes_in_too(lab):
    lab.settle()
    lab.write("infra/bucket/third.tf", THIRD)
    lab.importing = ("terraform_data.bucket=other", "terraform_data.third=three")
    (change,) = lab.look().facts["changes"]  # the bucket is there already: Terraform lets that be
    assert (change["address"], change["action"], change["id"]) == ("terraform_data.third", "import", "three")
    lab.apply()
    assert lab.look().facts["empty"] is True


def test_instances_and_called_modules_are_imported_and_relative_paths_lead_where_they_did(lab):
    lab.write("infra/part/main.tf", 'resource "terraform_data" "p" { input = file("${path.module}/../text") }')
    lab.write("infra/text", "beside")
    lab.write(
        "infra/bucket/more.tf",
        'module "part" { source = "../part" }\n'
        'resource "terraform_data" "each" {\n  for_each = toset(["a=b", "c"])\n  input = file("../text")\n}\n'
        'output "cwd" { value = path.cwd }\n',
    )
    lab.importing = ('terraform_data.each["a=b"]=one', "module.part.terraform_data.p=two")
    planned = changes(lab.look())
    assert planned['terraform_data.each["a=b"]']["id"] == "one"
    assert planned["module.part.terraform_data.p"]["action"] == "import and update"
    assert planned['terraform_data.each["c"]']["action"] == "create"
    assert lab.apply().outputs["cwd"] == str(lab.module)
    assert lab.look().facts["empty"] is True


def test_workspaces_and_backends_import_into_their_own_state(lab):
    lab.write("infra/bucket/backend.tf", 'terraform {\n  backend "local" {}\n}')
    lab.spec |= {"backend": {"path": str(lab.root.parent / "mine.tfstate")}, "workspace": "west"}
    lab.importing = ("terraform_data.bucket=b",)
    before = lab.module_files()
    assert lab.settle().outputs["workspace"] == "west"
    assert lab.look().facts["empty"] is True
    assert [name for name in lab.module_files() if name not in before and "tfstate" not in name] == []


def test_a_destroy_after_the_module_is_gone_knows_nothing_of_imports(lab):
    lab.importing = ("terraform_data.bucket=b",)
    lab.settle()
    with zipfile.ZipFile(lab.private / "module.zip") as kept:
        assert not any(importing.FILE in name for name in kept.namelist())
    for path in sorted(lab.root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert [change["action"] for change in lab.look(deleting=True).facts["changes"]] == ["delete"]
    lab.destroy()
    assert list(lab.private.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("terraform_data.nope=x", "does not exist"),
        ("module.nope.terraform_data.x=x", "does not exist"),
        ('terraform_data.each["zz"]=x', "does not exist"),
        ("terraform_data.each=x", "for_each"),
        ("terraform_data.bucket[0]=x", "count"),
        ("data.terraform_data.bucket=x", "Only managed resources"),
        ("what is this=x", "character"),
        ("aws_s3_bucket.b=x", "aws"),
    ],
)
def test_what_terraform_refuses_is_told_of_the_import_in_its_words(lab, refused, text, words):
    lab.write("infra/bucket/each.tf", 'resource "terraform_data" "each" { for_each = toset(["a"]) }')
    lab.importing = ("terraform_data.bucket=fine", text)
    problem = refused(lab.look)
    assert problem.code == "terraform-import" and problem.path == ("importing", text)
    assert text in problem.summary and words in f"{problem.summary} {problem.detail}"
    assert problem.blame is Blame.USER and problem.exit is ExitCode.SPEC and "Import document" in problem.fix
    assert importing.FILE not in f"{problem}"


def test_every_bad_import_is_told_of_and_so_is_a_bad_module(lab):
    lab.write("infra/bucket/bad.tf", 'output "x" {\n  value = var.nope\n}\n')
    lab.importing = ("data.terraform_data.a=x", "data.terraform_data.b=y")
    with pytest.raises(OrdainError) as caught:
        lab.look()
    found = caught.value.diagnostics
    assert [one.path for one in found if one.code == "terraform-import"] == [("importing", i) for i in lab.importing]


def test_a_broken_module_is_not_blamed_on_an_import(lab, refused):
    lab.write("infra/bucket/bad.tf", 'output "x" {\n  value = terraform_data.bucket.nope\n}\n')
    lab.importing = ("terraform_data.bucket=b",)
    problem = refused(lab.look)
    assert problem.code == "terraform-error" and problem.at.file == "infra/bucket/bad.tf"


def test_a_module_that_spells_out_its_own_path_is_not_planned_in_a_copy(lab, refused):
    lab.write("infra/bucket/here.tf", 'resource "terraform_data" "here" { input = abspath(path.module) }')
    lab.importing = ("terraform_data.bucket=b",)
    assert refused(lab.look).code == "terraform-import-path"


def test_refreshing_and_destroying_import_nothing(lab):
    lab.settle()
    lab.importing = ("terraform_data.nope=x",)
    lab.sight = Sight.REFRESH_ONLY
    assert lab.look().facts["empty"] is True
    lab.sight = Sight.FULL
    assert [change["action"] for change in lab.look(deleting=True).facts["changes"]] == ["delete"]


@pytest.fixture
def tell(lab):
    return Teller(address=lab.address, root=lab.root, folder=lab.module, scrub=Scrubber())


def test_an_id_is_split_at_the_first_equals_sign_outside_of_quotes(tell):
    texts = ('a.b["x=\\"y"] = id=1', "a.c=d", "a.c=d")
    assert [(one.to, one.id) for one in parse(tell, texts)] == [('a.b["x=\\"y"]', "id=1"), ("a.c", "d")]


def test_ids_that_say_nothing_are_refused_all_at_once(tell):
    texts = ("bucket", "=x", "a.b=", "a.c=1", "a.c=2")
    with pytest.raises(OrdainError) as caught:
        parse(tell, texts)
    assert [one.path for one in caught.value.diagnostics] == [
        ("importing", t) for t in ("bucket", "=x", "a.b=", "a.c=2")
    ]
    assert all(one.fix and one.code == "terraform-import" for one in caught.value.diagnostics)


TWO = tuple(Import(to=to, id=f"i-{to}", written=f"{to}=i-{to}") for to in ("aws_x.a", "aws_x.ab"))


@pytest.mark.parametrize(
    ("told", "about"),
    [
        ({"summary": "Cannot import non-existent remote object", "detail": 'importing to "aws_x.ab", the …'}, TWO[1:]),
        ({"summary": "No access", "address": "aws_x.a"}, TWO[:1]),
        ({"summary": "No access", "address": "aws_x.other"}, ()),
        ({"summary": "Import returned no resources", "detail": "With ID i-aws_x.ab, the provider"}, TWO[1:]),
        ({"summary": "403 AccessDenied", "detail": "not yours"}, TWO),
        ({"summary": "Bad", "address": "aws_x.a", "range": {"filename": "main.tf", "start": {"line": 2}}}, ()),
        ({"summary": "Bad", "range": {"filename": importing.FILE, "start": {"line": 3}}}, TWO[1:]),
    ],
)
def test_a_refusal_is_found_by_whatever_it_names(told, about):
    assert importing.concerned(TWO, told) == about


def test_what_fails_although_all_is_in_the_state_is_no_imports_fault(tell):
    event = {"diagnostic": {"severity": "error", "summary": "403 AccessDenied", "detail": "not yours"}}
    finished = Finished(code=1, events=(event,), text="", complaint="")

    def code(*known):
        (problem,) = importing.failure(tell, TWO, finished, lambda: known).diagnostics
        return problem.code, "aws_x.ab=i" in problem.summary

    assert code() == ("terraform-import", True)
    assert code("aws_x.ab") == ("terraform-import", False)
    assert code("aws_x.a", "aws_x.ab") == ("terraform-error", False)


def test_terraform_is_asked_which_imports_are_done(lab, monkeypatch):
    lab.importing = ("terraform_data.bucket=b",)
    lab.settle()
    asked = []
    monkeypatch.setattr(
        importing, "failure", lambda tell, imports, finished, known: asked.append(known()) or OrdainError()
    )
    lab.write("infra/bucket/bad.tf", 'output "x" {\n  value = terraform_data.bucket.nope\n}\n')
    with pytest.raises(OrdainError):
        lab.look()
    assert "terraform_data.bucket" in asked[0]
