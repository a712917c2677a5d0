"""A pull request from its opening to the apply after its merge: real git, real keys, a stand-in of GitHub."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from ordain.cli.main import run

PLACE = Path(__file__).parents[1] / "plugins" / "ordain_github" / "server.py"
FORGE = "noreply@github.com"
PULL = 7
PROJECT = """\
kind: Project
name: churn
format: 1
---
kind: Environment
name: dev
spec: {default: true}
---
kind: Environment
name: prod
spec:
  approvals: {count: 1, roles: [risk], not_author: true}
---
kind: Environment
name: lab
spec: {overrides: {value.rate: {spec: {value: 1}}}}
---
kind: Role
name: risk
spec: {people: [rita@example.com, ann@example.com]}
---
kind: Policy
name: small
owner: rita@example.com
spec: {level: hard, match: resource.kind == "Value", require: resource.spec.value < 10, message: too large}
---
kind: Value
name: rate
spec: {value: 1}
"""


def load_server() -> Any:
    spec = importlib.util.spec_from_file_location("github_server", PLACE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an SSH key of each person."""
    folder = tmp_path_factory.mktemp("keys")
    for who in ("rita", "ann", "mallory"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(folder / who)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return folder


def public(keys: Path, who: str) -> str:
    return " ".join((keys / f"{who}.pub").read_text().split()[:2])


class Inside:
    """The command line in this process: what ``Cli`` of this folder's conftest is, without its start each time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.extra: dict[str, str] = {}

    def __call__(self, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        out, err = io.StringIO(), io.StringIO()
        handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            for name, text in self.extra.items():
                patch.setenv(name, text)
            with redirect_stdout(out), redirect_stderr(err):
                code = int(run(list(words)))
        for one, handler in handlers.items():
            signal.signal(one, handler)
        told = f"ordain {' '.join(words)}: {code}\n{out.getvalue()}{err.getvalue()}"
        assert code == expect and "a bug in Ordain" not in told, told
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json").stdout)


class World:
    """A remote repository, the clone of ann, who writes the change, the CI's clone, which keeps the state, GitHub."""

    def __init__(self, folder: Path, github: Any, keys: Path) -> None:
        self.folder, self.github, self.keys = folder, github, keys
        self.ann, self.runner = folder / "ann", folder / "runner"
        self.command: Any = Inside(self.runner)
        self.command.extra = {"ORDAIN_GITHUB_PATIENCE": "0.2s"}
        git(folder, "init", "-q", "--bare", "-b", "main", "remote.git")
        git(folder, "clone", "-q", "remote.git", "ann")
        git(self.ann, "switch", "-q", "-c", "main")
        (self.ann / "ordain.yaml").write_text(PROJECT, encoding="utf-8")
        (self.ann / ".gitignore").write_text(".ordain\n", encoding="utf-8")
        signers = "".join(f"{who}@example.com {public(keys, who)}\n" for who in ("rita", "ann"))
        (self.ann / "allowed_signers").write_text(signers, encoding="utf-8")
        self.commit("first")
        git(self.ann, "push", "-q", "origin", "main")
        git(folder, "clone", "-q", "remote.git", "runner")
        git(self.ann, "switch", "-q", "-c", "change")

    def commit(self, message: str, who: str = "ann") -> str:
        git(self.ann, "add", "-A")
        git(self.ann, "commit", "-q", "-m", message, who=who)
        return git(self.ann, "rev-parse", "HEAD")

    def edit(self, before: str, after: str, file: str = "ordain.yaml") -> None:
        path = self.ann / file
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, (before, text.count(before))
        path.write_text(text.replace(before, after), encoding="utf-8")

    def open(self, before: str, after: str, file: str = "ordain.yaml") -> str:
        """Open the pull request with one commit."""
        self.edit(before, after, file)
        head = self.commit("change")
        git(self.ann, "push", "-q", "origin", "change")
        self.github.add_pull(PULL, base=git(self.ann, "rev-parse", "main"), head=head)
        return head

    def push(self, before: str, after: str) -> str:
        self.edit(before, after)
        head = self.commit("once more")
        git(self.ann, "push", "-q", "origin", "change")
        self.github.push(PULL, head)
        return head

    def check_out_merge(self) -> str:
        """Let the runner stand at the merge of the pull request, as a workflow's checkout does."""
        git(self.runner, "fetch", "-q", "origin")
        git(self.runner, "switch", "-q", "--detach", "origin/main")
        git(self.runner, "merge", "-q", "--no-ff", "-m", "merge", "origin/change", who="ann", committer=FORGE)
        return git(self.runner, "rev-parse", "HEAD")

    def ci(self, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the workflow of the pull request."""
        self.check_out_merge()
        self.command.extra |= self.github.environ(pull=PULL)
        done: subprocess.CompletedProcess[str] = self.command("ci", *words, expect=expect)
        return done

    def merge(self, *, squash: bool = False) -> str:
        """Merge it on the remote; the runner stands at main then."""
        commit = self.check_out_merge()
        if squash:
            git(self.runner, "switch", "-q", "--detach", "origin/main")
            git(self.runner, "merge", "-q", "--squash", "origin/change")
            git(self.runner, "commit", "-q", "-m", "change (#7)", who="ann", committer=FORGE)
            commit = git(self.runner, "rev-parse", "HEAD")
        git(self.runner, "push", "-q", "origin", "HEAD:main")
        git(self.runner, "fetch", "-q", "origin")
        self.github.add_commit(git(self.runner, "rev-parse", "HEAD^1"))
        self.github.merge(PULL, commit)
        return commit

    def apply(self, commit: str, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the workflow of the push that a merge is."""
        self.command.extra |= self.github.environ(commit=commit)
        done: subprocess.CompletedProcess[str] = self.command("ci", "apply", *words, expect=expect)
        return done

    def approve(self, who: str, *words: str, expect: int = 0) -> str:
        """Sign prod's plan, taken out of the artifact, elsewhere; return the block that is printed."""
        folder = self.folder / who
        folder.mkdir(exist_ok=True)
        shutil.copy(self.runner / "ordain-plans" / "prod.json", folder / "prod.json")
        asked = (f"{who}@example.com", "--key", str(self.keys / who), "--block", *words)
        done = self.command("approve", str(folder / "prod.json"), "--as", *asked, expect=expect)
        return str(done.stdout)

    def comment(self) -> str:
        """Return the one comment of ours, without the stamp of who posts it."""
        (one,) = [c["body"] for c in self.github.comments(PULL) if "<!-- ordain:. -->" in c["body"]]
        return re.sub(r"\n\n<!-- ordain:posted:\w+ -->\Z", "", str(one))

    def states(self, commit: str) -> dict[str, tuple[str, str]]:
        found = reversed(self.github.statuses(commit))
        return {one["context"]: (one["state"], one["description"]) for one in found}

    def row(self, environment: str) -> str:
        """Return a row of the table without its digest."""
        (row,) = re.findall(rf"^\| `{environment}` \|(.*)\| `[0-9a-f]+` \|$", self.comment(), re.M)
        return str(row).strip()

    def value(self, environment: str) -> Any:
        """Return what is applied."""
        found = self.command("state", "list", "--env", environment, "--json").stdout
        if "value.rate" not in found:
            return None
        return self.command.json("state", "show", "value.rate", "--env", environment)["outputs"]["value"]

    def plan(self, environment: str = "prod") -> Path:
        return Path(self.runner / "ordain-plans" / f"{environment}.json")


def git(root: Path, *words: str, who: str = "ann", committer: str = "") -> str:
    mail = f"{who}@example.com"
    me = {"GIT_AUTHOR_NAME": who, "GIT_AUTHOR_EMAIL": mail, "GIT_COMMITTER_NAME": who}
    done = subprocess.run(
        ["git", "-C", str(root), "-c", "commit.gpgsign=false", *words],
        env={**os.environ, **me, "GIT_COMMITTER_EMAIL": committer or mail},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


@pytest.fixture
def world(tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in [one for one in os.environ if one.startswith("GITHUB_")]:
        monkeypatch.delenv(name)
    with load_server().GitHubServer() as github:
        yield World(tmp_path, github, keys)


def test_the_story(world: World, at: Callable[[Path], Any]) -> None:
    inside, outside = world.command, at(world.runner)  # here and there in processes of its own
    outside.extra = inside.extra
    world.command = outside
    # Open: one comment, a status for each environment, plans that only their owner reads.
    head = world.open("name: rate\nspec: {value: 1}", "name: rate\nspec: {value: 2}")
    summary = world.folder / "summary.md"
    world.command.extra["GITHUB_STEP_SUMMARY"] = str(summary)
    world.ci()
    first = world.comment()
    assert world.row("dev") == "1 to create | pass | not asked for"
    asked = "1 to create | pass | **0 of 1**; still needed: 1 more approval; somebody with the role risk"
    assert world.row("prod").startswith(asked)
    assert "Not touched: `lab`." in first
    assert "ordain approve ordain-plans/prod.json --as you@example.com --block" in first
    assert "<details><summary><b>prod</b>" in first and "### Plan for churn, environment `prod`" in first
    assert world.states(head) == {
        "ordain/dev": ("success", "1 to create; may be applied"),
        "ordain/lab": ("success", "not touched"),
        "ordain/prod": ("pending", world.states(head)["ordain/prod"][1]),
    }
    assert world.states(head)["ordain/prod"][1].startswith("1 to create; 0 of 1 approval: 1 more approval")
    assert summary.read_text(encoding="utf-8") == first
    assert world.plan().stat().st_mode & 0o777 == 0o600 and not world.plan("lab").exists()

    world.command = inside

    # Nothing new: the same bytes. A push: the same comment, edited.
    world.ci()
    assert world.comment() == first
    early = world.approve("rita")
    head = world.push("name: rate\nspec: {value: 2}", "name: rate\nspec: {value: 3}")
    world.github.add_comment(PULL, early, login="rita")
    world.ci()
    assert len(world.github.comments(PULL)) == 2
    assert world.comment() != first and world.states(head)["ordain/prod"][0] == "pending"
    assert "is for another plan" in world.comment()

    # Approve: the author cannot, in words that say so; a signature of rita's counts wherever it is posted.
    world.approve("ann", expect=3)
    world.command = outside
    block = world.approve("rita")
    world.command = inside
    world.github.add_comment(PULL, f"Looks right to me.\n\n{block}\nThanks!", login="somebody-else")
    world.ci()
    assert world.row("prod") == "1 to create | pass | 1 of 1 (rita@&#8203;example.com)"
    assert world.states(head)["ordain/prod"] == ("success", "1 to create; may be applied")
    assert "ordain approve" not in world.comment()
    beside = world.plan().with_name("prod.json.approvals")
    assert sorted(one.name for one in beside.iterdir()) == ["rita@example.com.json", "rita@example.com.json.sig"]

    # Merge: exactly the approved plan, dev first, and a word on it.
    approved = json.loads(world.plan().read_bytes())["digest"]
    told = world.comment()
    merged = world.merge()
    world.command = outside
    done = world.apply(merged)
    world.command = inside
    assert re.search(r"dev: applied\nprod: applied\n\Z", done.stdout[done.stdout.rindex("dev: ") :])
    assert (world.value("dev"), world.value("prod"), world.value("lab")) == (3, 3, None)
    (run,) = world.command.json("history", "--env", "prod")["runs"]
    assert run["plan_digest"] == approved
    assert world.comment() == told
    last = world.github.comments(PULL)[-1]["body"]
    assert last.startswith("## Ordain applied: churn") and "| `prod` | applied |" in last
    assert world.states(merged) == {"ordain/dev": ("success", "applied"), "ordain/prod": ("success", "applied")}

    # A job that is run again does nothing twice.
    assert "prod: applied already" in world.apply(merged).stdout
    assert len(world.command.json("history", "--env", "prod")["runs"]) == 1


def test_a_change_that_policies_deny(world: World) -> None:
    head = world.open("name: rate\nspec: {value: 1}", "name: rate\nspec: {value: 20}")
    done = world.ci(expect=5)
    assert world.row("prod").startswith("1 to create | **1 denied** |")
    assert world.states(head)["ordain/dev"] == ("failure", "cannot be applied: policy.small denies it")
    assert "ordain approve" not in world.comment()
    line = (world.ann / "ordain.yaml").read_text().split("\n").index("spec: {value: 20}") + 1
    title = r"title=policy\.small \(hard%2C medium\) denies in dev"
    assert re.search(rf"^::error file=ordain\.yaml,line={line},col=\d+,{title}", done.stdout)
    # It does not get by when it is merged all the same.
    merged = world.merge()
    world.apply(merged, expect=5)
    assert (world.value("dev"), world.value("prod")) == (None, None)
    assert world.states(merged)["ordain/dev"][0] == "failure"
    assert "Ordain did not apply all of this" in world.github.comments(PULL)[-1]["body"]


def test_a_merge_without_its_approval_and_then_with_it(world: World) -> None:
    world.open("name: rate\nspec: {value: 1}", "name: rate\nspec: {value: 2}")
    world.ci()
    merged = world.merge(squash=True)
    done = world.apply(merged, expect=5)
    assert "approval-missing" in done.stderr and "somebody with the role risk" in done.stderr
    assert (world.value("dev"), world.value("prod")) == (2, None)
    assert world.states(merged)["ordain/prod"][0] == "failure"
    # The approval that comes late lets the job go on where it stopped.
    world.github.add_comment(PULL, world.approve("rita"), login="rita")
    assert world.apply(merged).stdout.endswith("dev: applied already\nprod: applied\n")
    assert world.value("prod") == 2


def test_a_plan_that_is_stale_or_forged(world: World) -> None:
    world.open("name: rate\nspec: {value: 1}", "name: rate\nspec: {value: 2}")
    world.ci()
    plan = world.plan().read_bytes()
    forged = json.loads(plan)
    # Another plan by the same Ordain, of other files, with nobody to ask: as good as a plan can be forged.
    world.edit("  approvals: {count: 1, roles: [risk], not_author: true}", "  variables: {}")
    (world.ann / "allowed_signers").unlink()
    world.command("plan", "-C", str(world.ann), "--env", "prod", "--out", str(world.plan()))
    assert json.loads(world.plan().read_bytes())["approvals"] is None and forged["approvals"] is not None
    merged = world.merge()
    done = world.apply(merged, "--env", "prod", expect=10)
    assert "plan-other" in done.stderr and world.value("prod") is None
    # What was applied elsewhere meanwhile does not make the right plan stale. One that is not there is missed.
    world.plan().write_bytes(plan)
    world.command("apply", "--env", "lab", "--yes")
    world.plan("dev").unlink()
    done = world.apply(merged, expect=6)  # all are looked at before any is applied, and what each lacks is said
    assert "dev.json cannot be read" in done.stderr and "prod: not applied, denied" in done.stdout
    world.github.add_comment(PULL, world.approve("rita"), login="rita")
    done = world.apply(merged, expect=6)
    assert "dev.json cannot be read" in done.stderr and "prod: not applied: dev failed before" in done.stdout
    assert world.states(merged)["ordain/prod"] == ("failure", "not applied: dev failed before")


def test_an_author_that_the_plan_does_not_name(world: World) -> None:
    world.open("name: rate\nspec: {value: 1}", "name: rate\nspec: {value: 2}")
    world.ci()
    # Whoever controls the run can leave authors out: they stand outside of the digest. Ann then signs her own change.
    from dataclasses import replace

    from ordain.policy.sshsig import sign
    from ordain.policy.statements import block
    from ordain.render.json import plan_json, read_plan
    from ordain.values.approval import NAMESPACE, Approval

    plan = read_plan(world.plan().read_bytes())
    assert plan.envelope.authors == ("ann@example.com",)
    world.plan().write_bytes(plan_json(replace(plan, envelope=replace(plan.envelope, authors=()))))
    world.approve("ann", expect=3)  # git knows; but who signs needs no Ordain for it
    text = str(world.command("approve", str(world.plan()), "--as", "ann@example.com", "--print").stdout)
    signature = sign(text.encode(), (world.keys / "ann").read_bytes(), None, NAMESPACE)
    world.github.add_comment(PULL, block(Approval(text=text, signature=signature)), login="ann")
    done = world.apply(world.merge(), expect=5)
    assert "ann@example.com wrote part of this" in done.stderr
    assert world.value("prod") is None


CHEATS = {
    "a policy that is gone": ("name: small\n", "name: smaller\n"),
    "a rule that is weaker": ("value < 10", "value < 1000"),
    "a level that is lower": ("spec:\n  approvals", "spec:\n  policies: {small: advisory}\n  approvals"),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_pull_request_does_not_weaken_its_policies(world: World, cheat: str) -> None:
    world.edit("name: rate\nspec: {value: 1}", "name: rate\nspec: {value: 20}")
    if cheat == "a policy that is gone":
        world.edit("value < 10", "value < 1000")
    world.open(*CHEATS[cheat])
    world.ci("--env", "prod", expect=5)
    assert "**1 denied**" in world.row("prod") or "**2 denied**" in world.row("prod")
    world.apply(world.merge(), "--env", "prod", expect=5)
    assert world.value("prod") is None


def test_a_rebased_one_is_judged_as_before_its_first_commit(world: World) -> None:
    world.edit("value < 10", "value < 1000")
    world.commit("a weaker policy")
    world.open("name: rate\nspec: {value: 1}", "name: rate\nspec: {value: 20}")
    world.ci("--env", "dev", expect=5)
    git(world.runner, "switch", "-q", "--detach", "origin/main")
    git(world.runner, "cherry-pick", "origin/main..origin/change", committer=FORGE)
    head = git(world.runner, "rev-parse", "HEAD")
    for ref in ("HEAD^", "HEAD"):
        world.github.push(PULL, git(world.runner, "rev-parse", ref))
    world.github.add_commit(git(world.runner, "rev-parse", "origin/main"))
    world.github.merge(PULL, head)
    # Made by the judges of the last commit's parent, the plan would do.
    world.command("plan", "--env", "dev", "--policies-from", "HEAD^", "--out", str(world.plan("dev")))
    done = world.apply(head, "--env", "dev", expect=10)
    assert "plan-other" in done.stderr and git(world.runner, "rev-parse", "origin/main") in done.stderr
    assert world.value("dev") is None
    # Where the forge does not say which commits came along, nobody guesses.
    world.github.fail(1000, 502)
    assert "name that commit: --base" in world.apply(head, expect=1).stderr


def test_what_no_pull_request_brought_has_no_plan(world: World) -> None:
    git(world.runner, "commit", "-q", "--allow-empty", "-m", "pushed past it")
    head = git(world.runner, "rev-parse", "HEAD")
    world.github.add_commit(head)
    assert "no merged pull request brought" in world.apply(head, expect=1).stderr
    for name in world.github.environ(commit=head):
        world.command.extra.pop(name)
    assert "this is no run of a forge's CI" in world.command("ci", "apply", expect=6).stderr
    for words in (("ci", "--forge", "gitlab", "apply"), ("ci", "apply", "--forge", "gitlab")):
        assert "there is no forge 'gitlab'" in world.command(*words, expect=6).stderr


def test_a_pull_request_does_not_choose_who_approves_it(world: World) -> None:
    """Mallory puts a key of her own and a role into it, asks for less, and signs."""
    signers = (world.ann / "allowed_signers").read_text()
    (world.ann / "allowed_signers").write_text(signers + f"mallory@example.com {public(world.keys, 'mallory')}\n")
    world.edit("rita@example.com, ann", "mallory@example.com, ann")
    world.edit("{count: 1, roles: [risk], not_author: true}", "{count: 1, roles: [risk]}")
    world.open("name: rate\nspec: {value: 1}", "name: rate\nspec: {value: 2}")
    world.ci()
    world.approve("mallory", expect=3)
    # A block that she makes by other means: the plan of her own branch, judged by itself, has another digest.
    own = world.folder / "own.json"
    world.command("plan", "-C", str(world.ann), "--env", "prod", "--out", str(own))
    asked = ("mallory@example.com", "--key", str(world.keys / "mallory"), "--block")
    block = world.command("approve", str(own), "--as", *asked).stdout
    world.github.add_comment(PULL, block, login="mallory")
    # And one in rita's name, to take her place.
    right = world.approve("rita")
    world.github.add_comment(PULL, right, login="rita")
    world.github.add_comment(PULL, re.sub(r"(?m)^[A-Za-z0-9+/=]{20,}$", "AAAA", right), login="mallory")
    world.ci()
    assert world.row("prod").endswith("| 1 of 1 (rita@&#8203;example.com)")
    assert world.states(git(world.ann, "rev-parse", "HEAD"))["ordain/prod"][0] == "success"


def test_the_api_is_down(world: World) -> None:
    head = world.open("name: rate\nspec: {value: 1}", "name: rate\nspec: {value: 2}")
    world.github.fail(1000, 502)
    world.command.extra["GITHUB_BASE_REF"] = "main"
    done = world.ci(expect=1)
    assert "github-unanswered" in done.stderr and "1 approval asked for" in done.stdout
    assert world.plan().exists() and world.plan("dev").exists()
    world.github.heal()
    assert not world.github.comments(PULL) and not world.states(head)
    # Approved, and merged; then the comments cannot be read: what asks for approvals is not applied.
    world.ci()
    world.github.add_comment(PULL, world.approve("rita"), login="rita")
    world.ci()
    merged = world.merge()
    world.github.fail(1000, 502)
    done = world.apply(merged, expect=1)
    assert "its approvals cannot be read" in done.stderr
    assert (world.value("dev"), world.value("prod")) == (2, None)
    world.github.heal()
    assert world.apply(merged).stdout.endswith("prod: applied\n")
    assert world.value("prod") == 2


def test_what_does_not_read_well_is_told_and_the_rest_is_planned(world: World) -> None:
    head = world.open("{value.rate: {spec: {value: 1}}}", "{value.rate: {spec: {valeu: 1}}}")
    done = world.ci("--env", "lab", "--env", "dev", expect=6)
    assert "**not planned: 1 error**" in world.comment() and world.row("dev").startswith("1 to create")
    assert world.states(head)["ordain/lab"][0] == "failure" and world.states(head)["ordain/dev"][0] == "success"
    assert re.search(r"^::error file=ordain\.yaml,line=\d+,col=\d+,title=spec-unknown-key::", done.stdout, re.M)
    assert not world.plan("lab").exists()


def test_a_run_that_a_push_overtook_says_nothing(world: World) -> None:
    world.open("name: rate\nspec: {value: 1}", "name: rate\nspec: {value: 2}")
    world.check_out_merge()
    world.command.extra |= world.github.environ(pull=PULL)
    head = world.push("name: rate\nspec: {value: 2}", "name: rate\nspec: {value: 3}")
    done = world.command("ci")
    assert "Nothing was posted" in done.stderr and head[:12] in done.stderr
    assert not world.github.comments(PULL) and not world.states(head)


def test_outside_of_a_pull_request_the_page_is_printed(world: World) -> None:
    world.open("name: rate\nspec: {value: 1}", "name: rate\nspec: {value: 2}")
    world.check_out_merge()
    done = world.command("ci", "--base", "origin/main", "--out", "elsewhere")
    assert done.stdout.startswith("<!-- ordain:. -->") and "Nothing was posted" in done.stderr
    assert (world.runner / "elsewhere" / "prod.json").exists()
    assert "name the branch: --base" in world.command("ci", expect=6).stderr
    assert "git fetch origin nowhere" in world.command("ci", "--base", "origin/nowhere", expect=6).stderr
