"""Policies, roles and signers are judged as they stand on the protected branch, whatever the work tree says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ordain.session.commit import commit_of
from ordain.session.context import Choice, Context
from ordain.session.judges import Judges, authors, judges_at, with_judges
from ordain.session.loading import Loaded, load
from ordain.values.diagnostic import ExitCode, OrdainError
from ordain.values.setting import Level

PROJECT = """\
kind: Project
name: judged
format: 1
spec:
  variables:
    limit: {type: integer, default: 10}
---
kind: Environment
name: dev
spec: {default: true}
---
kind: Environment
name: prod
spec:
  policies: {small: hard}
  approvals: {count: 2, roles: [risk], not_author: true}
---
kind: Role
name: risk
spec: {people: [ada@example.com]}
---
kind: Value
name: v
spec: {value: 1}
"""
POLICIES = """\
kind: Policy
name: small
spec:
  level: advisory
  require: "resource.spec.value < ${{ var.limit }}"
---
kind: Policy
name: owned
spec: {level: hard, require: resource.owner != ""}
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1LqVt8VRuc4Ck8hWYV6JlWQyMZCfE1+iLmJCyL8T7e"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZ1YvK1z0V1ZC2Wz0oFC0AfXr3tT1fQ3mR7v8y1x2w3"


def git(root: Path, *words: str, who: str = "ada", committer: str = "") -> str:
    me = {f"GIT_{one}_{what}": text for one in ("AUTHOR", "COMMITTER")
          for what, text in (("NAME", who), ("EMAIL", f"{who}@example.com"))}  # fmt: skip
    me["GIT_COMMITTER_EMAIL"] = committer or me["GIT_COMMITTER_EMAIL"]
    done = subprocess.run(
        ["git", "-C", str(root), "-c", "commit.gpgsign=false", *words],
        env={**os.environ, **me}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def commit(root: Path, message: str, who: str = "ada") -> str:
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message, who=who)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in a folder of a repository, on a branch that has left main."""
    root = tmp_path / "folder"
    root.mkdir()
    (root / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    (root / "policies.yaml").write_text(POLICIES, encoding="utf-8")
    (root / "allowed_signers").write_text(f"ada@example.com {KEY}\n", encoding="utf-8")
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path, "first")
    git(tmp_path, "switch", "-q", "-c", "change")
    return root


def here(root: Path, environment: str = "prod", **choice: object) -> Context:
    return Context(root=root, choice=Choice(environment=environment, **choice))  # type: ignore[arg-type]


def judged(root: Path, ref: str = "main", **choice: object) -> tuple[Judges, Loaded]:
    context = here(root, **choice)  # type: ignore[arg-type]
    found = judges_at(context, ref)
    return found, with_judges(load(context, None), found)


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")


def levels(loaded: Loaded) -> dict[str, Level]:
    return {one.address.name: one.level for one in loaded.desired.policies}


def test_a_policy_cannot_be_removed_or_lowered(project: Path) -> None:
    head = git(project, "rev-parse", "main")
    (project / "policies.yaml").unlink()
    edit(project / "ordain.yaml", "  policies: {small: hard}\n", "")
    found, loaded = judged(project)
    assert found.commit == head
    assert levels(loaded) == {"small": Level.HARD, "owned": Level.HARD}
    assert not load(here(project), None).desired.policies  # they are gone here


def test_a_rule_and_the_variables_in_it_are_those_of_the_branch(project: Path) -> None:
    edit(project / "policies.yaml", 'resource.owner != ""', "1 == 1")
    edit(project / "ordain.yaml", "default: 10", "default: 1000")
    _, loaded = judged(project)
    rules = {one.address.name: one.require for one in loaded.desired.policies}
    assert rules == {"small": "resource.spec.value < 10", "owned": 'resource.owner != ""'}


def test_variables_of_the_command_hold_and_those_of_files_as_committed(project: Path, tmp_path: Path) -> None:
    git(project, "switch", "-q", "main")
    (project / "vars.txt").write_text("limit: 20\n", encoding="utf-8")
    commit(project, "variables")
    git(project, "switch", "-q", "-c", "more")
    (project / "vars.txt").write_text("limit: 2000\n", encoding="utf-8")
    (project / "new.txt").write_text("limit: 3000\n", encoding="utf-8")
    outside = tmp_path.parent / f"{tmp_path.name}-outside.txt"
    outside.write_text("limit: 40\n", encoding="utf-8")

    def limit(*files: str | Path, pairs: tuple[tuple[str, str], ...] = ()) -> str:
        context = here(project, variable_files=tuple(project / one for one in files), variables=pairs)
        return next(one.require for one in judges_at(context, "main").policies if one.address.name == "small")

    assert limit("vars.txt").endswith("< 20")
    assert limit("new.txt").endswith("< 10")
    assert limit(outside).endswith("< 40")
    assert limit("vars.txt", pairs=(("limit", "30"), ("of_the_branch_only", "1"))).endswith("< 30")


def test_a_policy_of_the_work_tree_alone_judges_too(project: Path) -> None:
    more = "kind: Policy\nname: zealous\nspec: {level: hard, require: 'false'}\n"
    (project / "more.yaml").write_text(more, encoding="utf-8")
    _, loaded = judged(project)
    assert set(levels(loaded)) == {"small", "owned", "zealous"}


def test_roles_signers_and_what_is_asked_for_are_those_of_the_branch(project: Path) -> None:
    edit(project / "ordain.yaml", "count: 2, roles: [risk], not_author: true", "count: 1")
    edit(project / "ordain.yaml", "ada@example.com", "mallory@example.com")
    (project / "allowed_signers").write_text(f"mallory@example.com {OTHER}\n", encoding="utf-8")
    found, loaded = judged(project)
    rule = loaded.desired.approvals
    assert rule is not None and rule == found.approvals
    assert (rule.count, rule.roles, rule.not_author) == (2, ("risk",), True)
    assert rule.people == {"risk": ("ada@example.com",)}
    assert [(one.people, one.key) for one in rule.signers] == [(("ada@example.com",), KEY)]


def test_a_project_may_ask_for_more_where_the_branch_asks_for_nobody(project: Path) -> None:
    text = "kind: Environment\nname: new\nspec: {approvals: {count: 3}, policies: {owned: advisory}}\n"
    (project / "new.yaml").write_text(text, encoding="utf-8")
    found, loaded = judged(project, environment="new")
    assert found.approvals is None
    assert loaded.desired.approvals is not None and loaded.desired.approvals.count == 3
    # The branch knows no such environment: its policies judge it at their own levels.
    assert levels(loaded) == {"small": Level.ADVISORY, "owned": Level.HARD}


def test_the_environment_is_the_one_meant_here(project: Path) -> None:
    edit(project / "ordain.yaml", "spec: {default: true}", "spec: {}")
    edit(project / "ordain.yaml", "name: prod\nspec:\n", "name: prod\nspec:\n  default: true\n")
    found = judges_at(Context(root=project), "main")
    assert found.environment == "prod" and found.approvals is not None
    with pytest.raises(ValueError, match="cannot judge"):
        with_judges(load(here(project, "dev"), None), found)


def test_attributes_hide_nothing_and_a_link_is_what_it_leads_to(project: Path, tmp_path: Path) -> None:
    git(project, "switch", "-q", "main")
    (tmp_path / ".gitattributes").write_text("*.yaml export-ignore\n", encoding="utf-8")
    (tmp_path / "shared.yaml").write_text((project / "policies.yaml").read_text(), encoding="utf-8")
    (project / "policies.yaml").unlink()
    (project / "policies.yaml").symlink_to("../shared.yaml")
    commit(tmp_path, "a link")
    git(project, "switch", "-q", "-c", "third")
    (project / "policies.yaml").unlink()
    edit(project / "ordain.yaml", "  policies: {small: hard}\n", "")
    assert levels(judged(project)[1]) == {"small": Level.HARD, "owned": Level.HARD}
    git(project, "switch", "-q", "-f", "main")
    (project / "policies.yaml").unlink()
    (project / "policies.yaml").symlink_to("/etc/hosts")
    commit(tmp_path, "a link outside")
    with pytest.raises(OrdainError, match=r"policies\.yaml is a link"):
        judges_at(here(project), "main")


def test_a_submodule_in_the_project_is_refused(project: Path, tmp_path: Path) -> None:
    git(project, "update-index", "--add", "--cacheinfo", f"160000,{git(project, 'rev-parse', 'HEAD')},folder/rules")
    git(project, "commit", "-q", "-m", "a submodule")
    with pytest.raises(OrdainError, match="rules is a submodule"):
        judges_at(here(project), "change")


@pytest.mark.parametrize("ref", ["origin/nowhere", "--help", "main:folder"])
def test_a_ref_that_is_not_there_is_a_clear_error(project: Path, ref: str) -> None:
    for ask in (judges_at, authors):
        with pytest.raises(OrdainError) as caught:
            ask(here(project), ref)
        (one,) = caught.value.diagnostics
        assert (one.code, one.exit) == ("git-unusable", ExitCode.SPEC)
        assert ref in one.summary and "git fetch" in one.fix and "fetch-depth: 0" in one.fix


def test_a_tag_does_not_pass_for_the_branch(project: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "-b", "change", str(tmp_path), str(clone))
    (clone / "folder" / "policies.yaml").unlink()
    edit(clone / "folder" / "ordain.yaml", "  policies: {small: hard}\n", "")
    commit(clone, "no policies")
    git(clone, "tag", "origin/main")
    with pytest.raises(OrdainError, match="more than one commit") as caught:
        judges_at(here(clone / "folder"), "origin/main")
    assert "refs/remotes/origin/main" in caught.value.diagnostics[0].fix
    assert len(judges_at(here(clone / "folder"), "refs/remotes/origin/main").policies) == 2


def test_a_repository_in_the_pull_request_is_none(project: Path, tmp_path: Path) -> None:
    """Files named as those of a bare repository would make git take the folder for one, refs and settings included."""
    mark = tmp_path / "ran"
    git(tmp_path, "init", "-q", "-b", "main", "evil")
    commit(tmp_path / "evil", "no policies")
    shutil.copytree(tmp_path / "evil" / ".git", project, dirs_exist_ok=True)
    settings = f'[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = "touch {mark}; false"\n'
    (project / "config").write_text(settings, encoding="utf-8")
    for ref in ("main", None):
        with pytest.raises(OrdainError) as caught:
            authors(here(project), ref)
        (one,) = caught.value.diagnostics
        assert one.code == "git-unusable" and "remove the files HEAD" in one.fix
    with pytest.raises(OrdainError, match="does not work here"):
        judges_at(here(project), "main")
    assert commit_of(project) == (None, None)
    assert not mark.exists()


def test_a_clone_starts_no_program_of_its_own(project: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    git(project, "config", "core.fsmonitor", f"touch {mark}; false")
    assert authors(here(project), None) == ("ada@example.com",)
    assert commit_of(project)[1] is False
    assert not mark.exists()


def test_outside_of_git_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(OrdainError, match="git rev-parse does not work here") as caught:
        judges_at(here(tmp_path), "main")
    assert "not a git repository" in caught.value.diagnostics[0].detail
    assert authors(here(tmp_path), None) == ()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OrdainError, match="git is not installed"):
        judges_at(here(tmp_path), "main")


def test_a_branch_that_is_broken_says_where(project: Path) -> None:
    git(project, "switch", "-q", "main")
    edit(project / "policies.yaml", 'require: resource.owner != ""', "require: 'resource.owner ='")
    commit(project, "broken")
    git(project, "switch", "-q", "change")
    with pytest.raises(OrdainError) as caught:
        judges_at(here(project), "main")
    (one,) = caught.value.diagnostics
    assert one.exit is ExitCode.SPEC and "at main" in one.summary and one.fix.startswith("correct it on main first")
    assert one.at is not None and (one.at.file, one.at.line) == ("policies.yaml", 9)


def test_a_project_the_branch_has_not_is_judged_by_itself_and_that_is_said(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "mv", "folder", "elsewhere")
    found, loaded = judged(tmp_path / "elsewhere")
    assert found.policies == () and found.approvals is None
    assert levels(loaded) == {"small": Level.HARD, "owned": Level.HARD}
    assert [one.code for one in loaded.warnings] == ["judges-missing"]


def test_authors_are_those_of_the_commits_that_touch_the_project(project: Path, tmp_path: Path) -> None:
    edit(project / "ordain.yaml", "value: 1", "value: 2")
    git(tmp_path, "add", "-A")
    message = "second\n\nCo-authored-by: Eve <Eve@Example.com>\nCo-authored-by: Dan <dan@example.com>"
    git(tmp_path, "commit", "-q", "-m", message, "--author=Bob <BOB@example.com>", who="carol")
    (tmp_path / "beside.txt").write_text("no file of the project\n", encoding="utf-8")
    commit(tmp_path, "beside it", who="zoe")
    people = ("bob@example.com", "carol@example.com", "dan@example.com", "eve@example.com")
    assert authors(here(project), "main") == people
    assert authors(here(project), None) == ("zoe@example.com",)
    # What the forge merges it does not write.
    git(tmp_path, "switch", "-q", "main")
    edit(project / "ordain.yaml", "default: 10", "default: 11")
    before = commit(tmp_path, "on the branch meanwhile")
    merge = ("merge", "-q", "--no-ff", "-m", "merge", "change")
    git(tmp_path, *merge, who="max", committer="noreply@github.com")
    assert authors(here(project), before) == people
    git(tmp_path, "commit", "-q", "--amend", "--no-edit", who="max")  # a person's merge may hold what neither side has
    assert "max@example.com" in authors(here(project), before)
    assert set(authors(here(project), None)) == {*people, "max@example.com"}  # what HEAD merged, its authors wrote
    assert authors(here(project), "main") == authors(here(project), None)  # main is HEAD: somebody did write it
    # A commit that is undone again on the branch is no way to hide who wrote it.
    git(tmp_path, "switch", "-q", "change")
    edit(project / "ordain.yaml", "value: 2", "value: 3")
    commit(tmp_path, "third", who="ann")
    edit(project / "ordain.yaml", "value: 3", "value: 1")
    commit(tmp_path, "back", who="joe")
    assert set(authors(here(project), before)) == {*people, "ann@example.com", "joe@example.com"}


def test_who_wrote_what_another_wrote_too_is_an_author(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "branch", "side")
    for branch, who in (("side", "mia"), ("change", "bob")):
        git(tmp_path, "switch", "-q", branch)
        edit(project / "ordain.yaml", "value: 1", "value: 2")
        commit(tmp_path, "the same", who=who)
    git(tmp_path, "merge", "-q", "--no-ff", "-m", "merge", "side", who="bob")
    assert authors(here(project), "main") == ("bob@example.com", "mia@example.com")


def test_who_edits_now_is_an_author_but_a_saved_plan_is_no_edit(project: Path) -> None:
    git(project, "config", "user.email", "Me@example.com")
    (project / "p.json").write_text("{}", encoding="utf-8")
    assert authors(here(project), None) == ("ada@example.com",)
    (project / "more.yaml").write_text("", encoding="utf-8")
    assert authors(here(project), None) == ("ada@example.com", "me@example.com")
    (project / "more.yaml").unlink()
    edit(project / "ordain.yaml", "value: 1", "value: 2")
    assert authors(here(project), "main") == ("me@example.com",)


def test_an_address_may_hold_anything(project: Path) -> None:
    message = "x\n\nCo-authored-by: Eve\n  <eve@example.com>\nCo-authored-by: dan@example.com"
    git(project, "commit", "-q", "--allow-empty", "-m", message)
    text = git(project, "cat-file", "commit", "HEAD").replace("<ada@example.com>", "<\x01a\x02b@example.com>")
    words = ["git", "-C", str(project), "hash-object", "-t", "commit", "-w", "--literally", "--stdin"]
    made = subprocess.run(words, input=f"{text}\n", capture_output=True, text=True, check=True).stdout.strip()
    git(project, "update-ref", "HEAD", made)
    people = ("\x01a\x02b@example.com", "dan@example.com", "eve@example.com")
    assert authors(here(project), None) == people


def test_before_the_first_commit_the_author_is_who_edits(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "user.email", "me@example.com")
    (tmp_path / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
    assert authors(here(tmp_path), None) == ("me@example.com",)


def test_a_shallow_clone_says_what_it_lacks(project: Path, tmp_path: Path) -> None:
    edit(project / "ordain.yaml", "value: 1", "value: 2")
    commit(project, "second")
    commit(project, "third")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", "-b", "change", f"file://{tmp_path}", str(clone))
    with pytest.raises(OrdainError, match="no commit in common") as caught:
        authors(here(clone / "folder"), "origin/main")
    assert "fetch-depth: 0" in caught.value.diagnostics[0].fix
