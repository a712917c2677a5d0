"""Plans that must be approved: signed, refused, voided by any change; overrides that stick; a broken glass."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest

from ordain.plan.finish import seal
from ordain.policy.sshsig import sign
from ordain.render.json import plan_json
from ordain.session.applying import ApplyOptions, apply_project
from ordain.session.approving import Approving, approve_plan, statement_of
from ordain.session.context import Context
from ordain.session.permission import Plea, check_judges, folder_of, read_approvals, violations_of, with_authors
from ordain.session.policies import revoke_overrides
from ordain.session.session import PlanOptions, plan_project
from ordain.session.stores import open_state
from ordain.values.address import Address
from ordain.values.approval import NAMESPACE
from ordain.values.diagnostic import Diagnostic, ExitCode, OrdainError
from ordain.values.estimate import Estimate
from ordain.values.plan import Finding, Plan
from ordain.values.record import Outcome
from ordain.values.setting import Level

DAY = 86_400.0
NOW = 1_800_000_000.0
PROJECT = """\
kind: Project
name: bank
format: 1
---
kind: Environment
name: prod
spec:
  approvals: {count: 2, roles: [risk], not_author: true, expires: 3d}
---
kind: Role
name: risk
spec: {people: [bob@example.com]}
---
kind: Value
name: a
owner: growth@example.com
spec: {value: 1}
---
kind: Policy
name: owner
owner: platform@example.com
spec: {level: soft, require: resource.owner != ""}
---
kind: Policy
name: limit
spec: {level: hard, match: resource.kind == "Value", require: resource.spec.value < 100}
"""
ORPHAN = "---\nkind: Value\nname: %s\nspec: {value: 2}\n"
PEOPLE = ("alice", "bob", "carol", "mallory")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of key pairs, by name."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    folder = tmp_path_factory.mktemp("keys")
    form = serialization
    for name in PEOPLE:
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())
        (folder / name).write_bytes(private)
        public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
        (folder / f"{name}.pub").write_bytes(public)
    return folder


class Person:
    """Says yes, and keeps what was shown and said."""

    def __init__(self) -> None:
        self.stop, self.yes = Flag(), True
        self.shown: list[Plan] = []
        self.said: list[Diagnostic] = []

    def show_plan(self, plan: Plan) -> None:
        self.shown.append(plan)

    def approve(self, plan: Plan) -> bool:
        return True

    def hear(self, event: Any) -> None: ...

    def problems(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.said += diagnostics

    def declined(self) -> None: ...

    def finished(self, plan: Plan, code: ExitCode) -> None: ...


class Bank:
    """A project under git, whose only author is carol, at a time that is set."""

    def __init__(self, root: Path, keys: Path) -> None:
        self.root, self.keys, self.now = root, keys, NOW
        self.plan_file = root / "p.json"

    @property
    def context(self) -> Context:
        return Context(root=self.root, clock=lambda: self.now, environ={"ORDAIN_ACTOR": "ci", "HOME": str(self.root)})

    def signers(self, *names: str) -> None:
        lines = (f"{name}@example.com {(self.keys / f'{name}.pub').read_text()}\n" for name in names)
        (self.root / "allowed_signers").write_text("".join(lines))

    def write(self, text: str) -> None:
        (self.root / "ordain.yaml").write_text(text)

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=c", "-c", "user.email=carol@example.com"]
        subprocess.run(["git", "-C", str(self.root), *who, *words], check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", "specs")

    def plan(self, **options: Any) -> Plan:
        found, _ = plan_project(self.context, PlanOptions(**options), keep=True)
        self.plan_file.write_bytes(plan_json(found))
        return found

    def sign(self, who: str, key: str = "", **asked: Any) -> Any:
        approving = Approving(person=f"{who}@example.com", key=self.keys / (key or who), **asked)
        return approve_plan(self.context, self.plan_file, approving, lambda _: None)

    def apply(self, *, saved: bool = True, **plea: Any) -> tuple[ExitCode, Person]:
        person = Person()
        options = ApplyOptions(plan_file=self.plan_file if saved else None, plea=Plea(**plea))
        return apply_project(self.context, options, person), person

    def refusal(self, act: Callable[[], Any]) -> Diagnostic:
        with pytest.raises(OrdainError) as caught:
            act()
        (found,) = caught.value.diagnostics
        return found

    @property
    def runs(self) -> Any:
        with open_state(self.context, create=False) as state:
            return state.runs("prod")


@pytest.fixture
def bank(tmp_path: Path, keys: Path) -> Iterator[Bank]:
    found = Bank(tmp_path, keys)
    found.write(PROJECT)
    (tmp_path / ".gitignore").write_text("p.json*\n.ordain\n")
    found.signers("alice", "bob", "carol")
    found.git("init", "-q")
    found.commit()
    found.plan()
    yield found


def test_a_plan_goes_once_all_who_must_have_signed_it(bank: Bank) -> None:
    first = bank.refusal(bank.apply)
    assert (first.code, first.exit) == ("approval-missing", ExitCode.DENIED)
    assert "2 more approvals" in first.detail
    assert "risk (bob@example.com)" in first.detail
    bank.sign("alice")
    second = bank.refusal(bank.apply)
    assert "1 more approval" in second.detail
    assert "risk" in second.detail
    signed = bank.sign("bob")
    assert signed.approved.people == ("alice@example.com", "bob@example.com")
    assert signed.approved.missing == ()
    code, _ = bank.apply()
    assert code is ExitCode.DONE
    (run,) = bank.runs
    assert [json.loads(one.text)["person"] for one in run.approvals] == ["alice@example.com", "bob@example.com"]
    assert run.break_glass == ""


def test_a_plan_that_was_not_saved_cannot_have_been_approved(bank: Bank) -> None:
    found = bank.refusal(lambda: bank.apply(saved=False))
    assert (found.code, found.exit) == ("approval-missing", ExitCode.DENIED)
    assert "--out" in found.fix
    assert bank.runs == ()


def test_who_wrote_it_may_not_approve_it(bank: Bank) -> None:
    found = bank.refusal(lambda: bank.sign("carol"))
    assert (found.code, found.exit) == ("approval-refused", ExitCode.NOT_PERMITTED)
    assert "wrote" in found.detail
    assert not bank.plan_file.with_name("p.json.approvals").exists()


def test_a_plan_that_says_nobody_wrote_it_is_not_believed(bank: Bank) -> None:
    found = bank.plan()
    assert found.envelope.authors == ("carol@example.com",)
    nobody = replace(found, envelope=replace(found.envelope, authors=()))
    bank.plan_file.write_bytes(plan_json(nobody))
    bank.sign("bob")
    assert bank.refusal(lambda: bank.sign("carol")).code == "approval-refused"
    text = statement_of(bank.context, bank.plan_file, Approving(person="carol@example.com"))
    mine = bank.plan_file.with_name("p.json.approvals") / "carol@example.com.json"
    mine.write_text(text)
    signature = sign(text.encode(), (bank.keys / "carol").read_bytes(), None, NAMESPACE)
    mine.with_name(f"{mine.name}.sig").write_text(signature)
    refused = bank.refusal(bank.apply)
    assert refused.code == "approval-missing"
    assert "carol@example.com wrote" in refused.detail


def test_authors_are_of_all_commits_since_the_branch_that_judges(bank: Bank) -> None:
    bank.git("branch", "-q", "judges")
    bank.write(PROJECT.replace("value: 1}", "value: 2}"))
    bank.git("commit", "-qam", "hers", "--author=a <alice@example.com>")
    bank.git("commit", "-qm", "last", "--allow-empty")
    found = bank.plan()
    bank.plan_file.write_bytes(plan_json(replace(found, envelope=replace(found.envelope, authors=()))))
    for who in ("alice", "bob"):
        bank.sign(who)
    judged = ApplyOptions(plan_file=bank.plan_file, plan=PlanOptions(judges_from="judges"))
    refused = bank.refusal(lambda: apply_project(bank.context, judged, Person()))
    assert refused.code == "approval-missing"
    assert "alice@example.com wrote" in refused.detail
    assert bank.apply()[0] is ExitCode.DONE, "without a branch to compare with, only the last commit is known"


@pytest.mark.parametrize(
    ("who", "key", "why"),
    [
        ("mallory", "mallory", "not in allowed_signers"),
        ("bob", "alice", "that of alice@example.com"),
        ("bob", "mallory", ""),
    ],
)
def test_nobody_signs_for_somebody_else(bank: Bank, who: str, key: str, why: str) -> None:
    found = bank.refusal(lambda: bank.sign(who, key))
    assert found.code == "approval-refused"
    assert why in found.detail


def test_another_plan_needs_other_approvals(bank: Bank) -> None:
    bank.sign("alice")
    bank.sign("bob")
    bank.write(PROJECT.replace("value: 1", "value: 3"))
    bank.commit()
    bank.plan()
    found = bank.refusal(bank.apply)
    assert found.code == "approval-missing"
    assert "another plan" in found.detail
    assert bank.runs == ()


def test_approvals_expire(bank: Bank) -> None:
    bank.sign("alice")
    bank.now += 2 * DAY
    bank.sign("bob")
    bank.now += 1 * DAY + 1
    found = bank.refusal(bank.apply)
    assert "expired" in found.detail
    assert "1 more approval" in found.detail
    bank.sign("alice")
    assert bank.apply()[0] is ExitCode.DONE


@pytest.mark.parametrize("part", ["json", "json.sig"])
def test_an_approval_that_was_edited_counts_for_nothing(bank: Bank, part: str) -> None:
    bank.sign("alice")
    bank.sign("bob")
    path = bank.plan_file.with_name("p.json.approvals") / f"alice@example.com.{part}"
    text = path.read_text()
    path.write_text(text.replace("prod", "dev ") if part == "json" else text.replace("A", "B", 1))
    assert bank.refusal(bank.apply).code == "approval-missing"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen here")
def test_a_signature_of_ssh_keygen_counts(bank: Bank) -> None:
    folder = bank.plan_file.with_name("p.json.approvals")
    folder.mkdir()
    for name in ("alice", "bob"):
        path = folder / f"{name}@example.com.json"
        path.write_text(statement_of(bank.context, bank.plan_file, Approving(person=f"{name}@example.com")))
        key = bank.keys / name
        key.chmod(0o600)
        command = ["ssh-keygen", "-Y", "sign", "-q", "-n", "ordain-approval", "-f", str(key), str(path)]
        subprocess.run(command, check=True, capture_output=True)
    assert bank.apply()[0] is ExitCode.DONE


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen here")
def test_a_public_key_is_signed_with_by_ssh_keygen(bank: Bank) -> None:
    (bank.keys / "alice").chmod(0o600)
    assert bank.sign("alice", "alice.pub").approved.people == ("alice@example.com",)


def test_where_nobody_is_asked_there_is_nothing_to_sign(bank: Bank) -> None:
    bank.write(PROJECT.replace("  approvals: {count: 2, roles: [risk], not_author: true, expires: 3d}\n", "  {}\n"))
    bank.plan()
    assert bank.refusal(lambda: bank.sign("alice")).code == "approval-not-asked"


# What the last apply asked for still holds


def approve_all(bank: Bank) -> None:
    bank.plan()
    bank.sign("alice")
    bank.sign("bob")
    assert bank.apply()[0] is ExitCode.DONE


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  approvals: {count: 2, roles: [risk], not_author: true, expires: 3d}\n", "  {}\n"),
        ("count: 2, roles: [risk], not_author: true", "count: 1"),
        ("people: [bob@example.com]", "people: [mallory@example.com]"),
        ("name: prod", "name: prod\nlabels: {a: b}"),
    ],
)
def test_a_change_of_the_judges_does_not_win_by_itself(bank: Bank, before: str, after: str) -> None:
    approve_all(bank)
    assert before in PROJECT
    bank.write(PROJECT.replace(before, after).replace("value: 1", "value: 7"))
    bank.signers("alice", "bob", "carol", "mallory")
    bank.commit()
    found = bank.plan()
    assert found.program.approvals_before is not None
    with suppress(OrdainError):
        bank.sign("mallory")  # counts as the files stand now, if at all, and not as they stood
    bank.sign("alice")
    assert bank.refusal(bank.apply).code == "approval-missing"


def test_a_new_signer_is_shown_and_approved_by_the_old_ones(bank: Bank) -> None:
    approve_all(bank)
    bank.signers("alice", "bob", "carol", "mallory")
    bank.commit()
    found = bank.plan()
    assert [str(one.address) for one in found.program.settings if one.weakened] == ["signers.allowed"]
    bank.sign("alice")
    bank.sign("bob")
    assert bank.apply()[0] is ExitCode.DONE
    bank.write(PROJECT.replace("value: 1", "value: 8"))
    bank.commit()
    bank.plan()
    bank.sign("mallory")
    bank.sign("bob")
    assert bank.apply()[0] is ExitCode.DONE


# Overrides


def orphaned(bank: Bank, *names: str) -> None:
    bank.write(PROJECT + "".join(ORPHAN % name for name in names))
    bank.commit()
    bank.plan()


def test_an_override_is_signed_and_sticks_while_nothing_new_is_found(bank: Bank) -> None:
    orphaned(bank, "b", "c")
    bank.sign("alice")
    bank.sign("bob")
    code, person = bank.apply()
    assert code is ExitCode.DENIED
    assert [one.outcome for one in person.shown[-1].program.policy if one.denies]
    bank.sign("bob", overrides=("owner",), reason="the team moves")
    assert bank.apply()[0] is ExitCode.DONE
    # fewer violations, another plan: the plan must be approved anew, the violation need not
    bank.write((PROJECT + ORPHAN % "b").replace("value: 1", "value: 9"))
    bank.commit()
    found = bank.plan()
    assert found.program.status.applyable
    (excuse,) = [one.excuse for one in found.program.policy if one.stands]
    assert excuse is not None
    assert (excuse.by, excuse.reason) == ("bob@example.com", "the team moves")
    assert bank.refusal(bank.apply).code == "approval-missing"
    orphaned(bank, "b", "d")  # a new one
    assert not bank.plan().program.status.applyable
    bank.write(PROJECT + ORPHAN % "b")
    bank.now += 8 * DAY
    assert not bank.plan().program.status.applyable


def test_an_approval_before_the_change_was_applied_sticks_too(bank: Bank) -> None:
    orphaned(bank, "b")
    bank.sign("bob", overrides=("owner",), reason="soon")
    bank.write((PROJECT + ORPHAN % "b").replace("value: 1", "value: 5"))
    bank.commit()
    bank.plan()
    bank.sign("alice")
    bank.sign("bob")  # the same file name, for another plan: what was overridden still is
    assert bank.apply()[0] is ExitCode.DONE


def test_an_override_that_was_revoked_does_not_come_back_with_its_file(bank: Bank) -> None:
    orphaned(bank, "b")
    bank.sign("alice")
    bank.sign("bob", overrides=("owner",), reason="soon")
    assert bank.apply()[0] is ExitCode.DONE
    bank.now += 60
    _, ended = revoke_overrides(bank.context, "owner")
    assert [one.by for one in ended] == ["bob@example.com"]
    bank.write((PROJECT + ORPHAN % "b").replace("value: 1", "value: 5"))
    bank.commit()
    bank.plan()
    bank.sign("alice")
    bank.sign("bob")
    assert (folder_of(bank.plan_file) / "bob@example.com.overrides.json").is_file()
    assert bank.apply()[0] is ExitCode.DENIED
    with pytest.raises(OrdainError):
        revoke_overrides(bank.context, "owner")  # there is nothing left to end
    bank.now += 60
    bank.sign("bob", overrides=("owner",), reason="once more")
    assert bank.apply()[0] is ExitCode.DONE


def test_only_who_has_the_role_may_override(bank: Bank) -> None:
    orphaned(bank, "b")
    bank.sign("bob")
    bank.sign("alice", overrides=("owner",), reason="I say so")
    assert bank.apply()[0] is ExitCode.DENIED


def test_an_override_by_the_command_line_alone_is_not_enough(bank: Bank) -> None:
    orphaned(bank, "b")
    bank.sign("alice")
    bank.sign("bob")
    found = bank.refusal(lambda: bank.apply(overrides=("owner",), reason="quick"))
    assert (found.code, found.exit) == ("override-unsigned", ExitCode.DENIED)
    assert "ordain approve" in found.fix


def test_nothing_is_overridden_where_nothing_is_applied(bank: Bank) -> None:
    """It would be shown as overridden, exit 0, and be kept by nothing."""
    orphaned(bank, "b")
    assert bank.apply(break_glass=True, overrides=("owner",), reason="prod is down")[0] is ExitCode.DONE
    found = bank.refusal(lambda: bank.apply(saved=False, overrides=("owner",), reason="for good"))
    assert (found.code, found.exit) == ("override-nothing", ExitCode.SPEC)
    assert "changes nothing" in found.detail


def test_a_hard_policy_cannot_be_overridden(bank: Bank) -> None:
    bank.write(PROJECT.replace("value: 1", "value: 200"))
    bank.commit()
    bank.plan()
    found = bank.refusal(lambda: bank.sign("bob", overrides=("limit",), reason="please"))
    assert (found.code, found.exit) == ("override-level", ExitCode.NOT_PERMITTED)
    assert str(found.at).startswith("ordain.yaml:")


def test_an_override_from_before_approvals_were_asked_for_counts_no_more(bank: Bank) -> None:
    free = PROJECT.replace("  approvals: {count: 2, roles: [risk], not_author: true, expires: 3d}\n", "  {}\n")
    bank.write(free + ORPHAN % "b")
    assert bank.apply(saved=False, overrides=("owner",), reason="free")[0] is ExitCode.DONE
    assert bank.plan().program.status.applyable
    orphaned(bank, "b")
    assert not bank.plan().program.status.applyable
    bank.sign("alice")
    bank.sign("bob")
    code, person = bank.apply()
    assert code is ExitCode.DENIED
    assert not person.shown[-1].program.status.applyable


def test_a_plan_from_before_approvals_were_asked_for_is_stale(bank: Bank) -> None:
    free = PROJECT.replace("  approvals: {count: 2, roles: [risk], not_author: true, expires: 3d}\n", "  {}\n")
    bank.write(free)
    bank.apply(saved=False)
    bank.write(free.replace("value: 1", "value: 3"))
    bank.plan()
    kept = bank.plan_file.read_bytes()
    bank.write(PROJECT)
    approve_all(bank)
    bank.plan_file.write_bytes(kept)
    found = bank.refusal(bank.apply)
    assert (found.code, found.exit) == ("plan-stale", ExitCode.STALE)


def test_a_plan_that_was_judged_by_settings_of_before_is_stale(bank: Bank) -> None:
    approve_all(bank)
    bank.write(PROJECT.replace("value: 1", "value: 50"))
    bank.commit()
    bank.plan()
    bank.sign("alice")
    bank.sign("bob")
    kept = bank.plan_file.read_bytes()
    bank.write(PROJECT.replace("value < 100", "value < 10"))  # who must approve is the same, what is allowed is not
    approve_all(bank)
    bank.plan_file.write_bytes(kept)
    bank.sign("alice")
    bank.sign("bob")
    found = bank.refusal(bank.apply)
    assert (found.code, found.exit) == ("plan-stale", ExitCode.STALE)
    assert "settings" in found.summary


def test_approvals_are_good_for_one_apply(bank: Bank) -> None:
    approve_all(bank)
    bank.write(PROJECT + (ORPHAN % "b").replace("name: b", "name: b\nowner: growth@example.com"))
    bank.commit()
    bank.plan()
    bank.sign("alice")
    bank.sign("bob")
    kept = bank.plan_file.read_bytes()
    assert bank.apply()[0] is ExitCode.DONE
    bank.write(PROJECT)
    approve_all(bank)  # what was made is gone again, and nothing that the plan read is another than it was
    bank.plan_file.write_bytes(kept)
    bank.sign("alice")
    bank.sign("bob")
    found = bank.refusal(bank.apply)
    assert (found.code, found.exit) == ("plan-stale", ExitCode.STALE)
    assert "applied already" in found.summary


# The glass


def test_a_broken_glass_is_loud_until_an_approved_apply(bank: Bank) -> None:
    code, person = bank.apply(break_glass=True, reason="prod is down")
    assert code is ExitCode.DONE
    assert [one.code for one in person.said] == ["break-glass"]
    assert bank.runs[0].break_glass == "prod is down"
    bank.write(PROJECT.replace("value: 1", "value: 4"))
    bank.commit()
    (warning,) = [one for one in bank.plan().program.diagnostics if one.code == "break-glass"]
    assert "prod is down" in warning.detail
    bank.now += 60
    bank.sign("alice")
    bank.sign("bob")
    assert bank.apply()[0] is ExitCode.DONE
    assert bank.plan().program.diagnostics == ()


def test_where_the_glass_may_not_be_broken(bank: Bank) -> None:
    bank.write(PROJECT.replace("expires: 3d", "break_glass: false"))
    bank.commit()
    bank.plan()
    found = bank.refusal(lambda: bank.apply(break_glass=True, reason="prod is down"))
    assert (found.code, found.exit) == ("break-glass-forbidden", ExitCode.NOT_PERMITTED)


def test_the_glass_that_was_not_to_be_broken_is_not_by_a_plan_that_allows_it(bank: Bank) -> None:
    bank.write(PROJECT.replace("expires: 3d", "break_glass: false"))
    approve_all(bank)
    bank.write(PROJECT.replace("value: 1", "value: 3"))
    bank.commit()
    bank.plan()
    assert bank.refusal(lambda: bank.apply(break_glass=True, reason="now")).code == "break-glass-forbidden"


def test_an_override_of_the_command_line_is_for_ninety_days_at_most(bank: Bank) -> None:
    free = PROJECT.replace("  approvals: {count: 2, roles: [risk], not_author: true, expires: 3d}\n", "  {}\n")
    bank.write(free + ORPHAN % "b")
    plea = {"overrides": ("owner",), "reason": "free"}
    assert bank.refusal(lambda: bank.apply(saved=False, seconds=90 * DAY + 1, **plea)).code == "override-long"
    assert bank.apply(saved=False, seconds=90 * DAY, **plea)[0] is ExitCode.DONE
    orphaned(bank, "b", "c")
    signed = {"overrides": ("owner",), "reason": "free"}
    assert bank.refusal(lambda: bank.sign("bob", seconds=90 * DAY + 1, **signed)).code == "override-long"


def test_what_may_yet_be_found_is_overridden_too_and_only_of_soft_policies(bank: Bank) -> None:
    plan, owner = bank.plan(), Address.parse("policy.owner")

    def found(*levels: Level) -> tuple[str, ...]:
        ones = tuple(
            Finding(policy=owner, outcome=outcome, level=level, violation=f"{outcome} {level}")
            for level in levels
            for outcome in Outcome
        )
        return violations_of(replace(plan, program=replace(plan.program, policy=ones)), owner)

    assert found(Level.SOFT) == ("error soft", "fail soft", "unknown soft")
    for other in (Level.HARD, Level.ADVISORY):
        assert bank.refusal(lambda other=other: found(other)).code == "override-level"  # type: ignore[misc]


def test_what_goes_through_a_broken_glass_goes_once(bank: Bank) -> None:
    orphaned(bank, "b")
    plea = {"break_glass": True, "overrides": ("owner",), "reason": "prod is down"}
    assert bank.apply(**plea)[0] is ExitCode.DONE
    with open_state(bank.context, create=False) as state:
        assert state.recorded("prod").overrides == ()
    bank.now += 60
    assert not bank.plan().program.status.applyable


def test_a_recorded_override_holds_for_later_applies(bank: Bank) -> None:
    free = PROJECT.replace("  approvals: {count: 2, roles: [risk], not_author: true, expires: 3d}\n", "  {}\n")
    bank.write(free + ORPHAN % "b")
    assert bank.apply(saved=False, overrides=("owner",), reason="free")[0] is ExitCode.DONE
    bank.write(free.replace("value: 1", "value: 3") + ORPHAN % "b")
    assert bank.apply(saved=False)[0] is ExitCode.DONE
    bank.now += 8 * DAY
    bank.write(free.replace("value: 1", "value: 4") + ORPHAN % "b")
    assert bank.apply(saved=False)[0] is ExitCode.DENIED


def test_authors_are_those_the_plan_names_and_those_git_names_where_either_rule_minds(bank: Bank) -> None:
    found = bank.plan()
    asked = found.program.approvals
    assert asked is not None
    for now, before in ((asked, replace(asked, not_author=False)), (replace(asked, not_author=False), asked)):
        program = replace(found.program, approvals=now, approvals_before=before)
        plan = replace(found, program=program, envelope=replace(found.envelope, authors=("dan@example.com",)))
        wrote = with_authors(bank.context, plan, None).envelope.authors
        assert wrote == ("carol@example.com", "dan@example.com")


def test_a_broken_glass_opens_no_hard_policy(bank: Bank) -> None:
    bank.write(PROJECT.replace("value: 1", "value: 200"))
    bank.commit()
    bank.plan()
    assert bank.apply(break_glass=True, reason="prod is down")[0] is ExitCode.DENIED
    assert bank.runs == ()


def test_with_all_approvals_there_the_glass_stays_whole(bank: Bank) -> None:
    bank.sign("alice")
    bank.sign("bob")
    code, person = bank.apply(break_glass=True, reason="just in case")
    assert code is ExitCode.DONE
    assert bank.runs[0].break_glass == ""
    assert person.said == []


def test_an_override_that_nobody_signed_breaks_the_glass_of_an_approved_plan_too(bank: Bank) -> None:
    orphaned(bank, "b")
    bank.sign("alice")
    bank.sign("bob")
    code, person = bank.apply(break_glass=True, overrides=("owner",), reason="prod is down")
    assert code is ExitCode.DONE
    assert bank.runs[0].break_glass == "prod is down"
    (said,) = person.said
    assert said.code == "break-glass" and "a signed override of policy.owner" in said.detail


def test_what_stands_around_the_program_is_not_believed(bank: Bank) -> None:
    plan = bank.plan(judges_from="HEAD")
    files = {"value.a": {"plan": "sha256:" + "0" * 64}}  # what another tool is to run: under no signature
    forged = replace(plan, envelope=replace(plan.envelope, authors=(), attachments=files))
    assert forged.envelope.attachments != plan.envelope.attachments
    made = check_judges(bank.context, forged, PlanOptions(judges_from="HEAD"))
    assert made.digest == plan.digest
    assert made.envelope.attachments == plan.envelope.attachments


def test_a_saved_plan_says_not_how_long_it_takes(bank: Bank) -> None:
    """A rule about time is judged again when it is applied, by what is recorded and not by the file's own word."""
    rule = "---\nkind: Policy\nname: slow\nspec:\n  level: hard\n  match: now > timestamp('2000-01-01T00:00:00Z')\n"
    rule += "  require: plan.duration.p90 > duration('1h')\n"
    approve_all(bank)
    bank.write(PROJECT.replace("value: 1", "value: 3") + rule)
    bank.commit()
    honest = bank.plan()
    assert not honest.program.status.applyable
    hours = Estimate(p50=9_000.0, p90=9_000.0, runs=3)
    status, kept = replace(honest.program.status, applyable=True), replace(honest.envelope, duration=hours)
    bank.plan_file.write_bytes(plan_json(seal(replace(honest.program, status=status), kept)))
    bank.sign("alice")
    bank.sign("bob")
    assert bank.apply()[0] is ExitCode.DENIED


def test_what_is_no_file_is_no_approval(bank: Bank) -> None:
    folder = folder_of(bank.plan_file)
    folder.mkdir()
    (folder / "endless.json").symlink_to("/dev/zero")
    (folder / "endless.json.sig").write_text("no signature")
    (folder / "large.json").write_bytes(b" " * 3_000_000)
    (folder / "large.json.sig").write_text("no signature")
    (found,) = read_approvals([folder])
    assert len(found.text) < 3_000_000


def test_of_what_was_planned_with_other_judges_nothing_is_applied(bank: Bank) -> None:
    bank.write(PROJECT.replace("count: 2, roles: [risk], not_author: true", "count: 1").replace("value: 1", "value: 6"))
    weak = bank.plan()
    assert weak.program.approvals is not None
    assert weak.program.approvals.count == 1
    strict = bank.plan(judges_from="HEAD")
    assert strict.program.approvals is not None
    assert (strict.program.approvals.count, strict.program.approvals.roles) == (2, ("risk",))
    assert strict.digest != weak.digest
    bank.plan()
    bank.sign("alice")
    options = ApplyOptions(plan_file=bank.plan_file, plan=PlanOptions(judges_from="HEAD"))
    found = bank.refusal(lambda: apply_project(bank.context, options, Person()))
    assert (found.code, found.exit) == ("plan-other", ExitCode.STALE)
    bank.plan(judges_from="HEAD")
    bank.sign("alice")
    bank.sign("bob")
    assert apply_project(bank.context, replace(options), Person()) is ExitCode.DONE
