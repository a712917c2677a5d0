"""What policies found, and who must approve: order, words, the way out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from ordain.render.approvals import approvals_markdown, approvals_text
from ordain.render.findings import findings, policy_summary, remedy_text, until_text, with_options
from ordain.render.lines import TerminalOptions
from ordain.render.markdown import plan_markdown
from ordain.render.sarif import plan_sarif
from ordain.render.settings import key_text, setting_fields
from ordain.render.terminal import plan_text
from ordain.values.address import Address
from ordain.values.approval import Approved, Override, Refused, Signer
from ordain.values.change import FieldChange
from ordain.values.diagnostic import Diagnostic, Severity
from ordain.values.plan import Excuse, ExcuseKind, Finding, Plan, SettingChange
from ordain.values.record import Outcome
from ordain.values.setting import Level

Plans = Mapping[str, Callable[[], Plan]]
WIDE = TerminalOptions(width=0)
APPROVE = "ordain approve p.json --as YOUR-EMAIL"
ASKED = replace(WIDE, apply_command="ordain apply p.json", approve_command=APPROVE)
ONE = Approved(
    people=("risk@example.com",),
    missing=("1 more approval", "somebody with the role ops (olga@example.com)"),
    refused=(
        Refused(person="alice@example.com", why="alice@example.com wrote part of this"),
        Refused(person="bob@example.com", why="expired 2 hours ago"),
    ),
    overrides=(
        Override(policy=Address.parse("policy.freeze"), violations=("v1", "v2"), reason="it must go out\x1b[31m",
                 by="risk@example.com", at="2026-11-21T09:00:00+00:00", until="2026-11-28T09:00:00+00:00"),
    ),
)  # fmt: skip


def _with(plan: Plan, **parts: object) -> Plan:
    return replace(plan, program=replace(plan.program, **parts))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["judged", "signers"])
@pytest.mark.parametrize("width", [80, 120])
def test_face(plans: Plans, name: str, width: int, snapshot: SnapshotAssertion) -> None:
    assert plan_text(plans[name](), replace(ASKED, width=width)).splitlines() == snapshot


def test_what_denies_stands_first_then_as_the_summary_has_it_then_by_severity(plans: Plans) -> None:
    found = findings(plans["judged"]().program)
    assert [(str(one.policy).removeprefix("policy."), one.severity.value) for one in found] == [
        ("no-personal-data", "critical"),
        ("freeze", "low"),
        ("small-changes", "medium"),
        ("owner-required", "high"),
        ("owner-required", "low"),
        ("licence", "high"),
        ("age", "medium"),
        ("fair-enough", "medium"),
    ]
    assert policy_summary(found) == "2 denied, 1 broken, 2 warnings, 1 exception, 1 override, 1 unknown"


def test_of_equal_severity_the_harder_level_stands_first(plans: Plans) -> None:
    plan = plans["judged"]()
    hard, soft = (
        Finding(policy=Address.parse(f"policy.{name}"), outcome=Outcome.FAIL, level=level)
        for name, level in (("z", Level.HARD), ("a", Level.SOFT))
    )
    assert findings(_with(plan, policy=(soft, hard)).program) == (hard, soft)


@pytest.mark.parametrize(
    ("until", "text"),
    [
        (None, "without end"),
        ("2027-03-02T00:00:00+00:00", "until 2027-03-01"),
        ("2027-03-02T00:30:00+02:00", "until 2027-03-01 22:30 UTC"),
        ("0001-01-01T00:00:00+00:00", "until 0001-01-01 00:00 UTC"),
        ("0001-01-01T00:00:00+14:00", "until 0001-01-01T00:00:00+14:00"),
        ("some day\x1b", "until some day\\u001b"),
    ],
)
def test_ends(until: str | None, text: str) -> None:
    assert until_text(until) == text


def test_what_is_excused_is_never_folded_with_what_stands(plans: Plans) -> None:
    excuse = Excuse(kind=ExcuseKind.EXCEPTION, reason="legacy", until=None)
    later = replace(excuse, until="2027-03-02T00:00:00+00:00")

    def found(number: int) -> Finding:
        address = Address.parse(f"model.m{number:02}")
        return Finding(policy=Address.parse("policy.p"), outcome=Outcome.FAIL, level=Level.HARD, address=address,
                       message=f"{address} has no owner",
                       lapsed=later if number < 5 else None,
                       excuse=None if number < 10 else excuse if number < 20 else later)  # fmt: skip

    plan = _with(plans["spec_change"](), policy=tuple(found(number) for number in range(26)))
    text = plan_text(plan, TerminalOptions(width=0, verbose=True)).split("Policy: ")[1]
    assert text.startswith("10 denied, 16 exceptions\n")
    parts = re.split(r"\n  [✗○] ", text.split("\n\n")[0])[1:]
    assert [re.findall(r"model\.m(\d+)", part) for part in parts] == [
        [f"{number:02}" for number in numbers] for numbers in (range(5), range(5, 10), range(10, 20), range(20, 26))
    ]
    assert "was excepted until 2027-03-01: legacy" in parts[0] and "was excepted" not in parts[1]
    assert "excepted without end: legacy" in parts[2] and "excepted until 2027-03-01: legacy" in parts[3]


def test_an_excused_finding_tells_no_remedy_and_a_standing_one_does(plans: Plans) -> None:
    text, page = plan_text(plans["judged"](), WIDE), plan_markdown(plans["judged"]())
    assert "must not be shown" not in text and "must not be shown" not in page
    assert "remedy  exclude the column" in text and "Remedy: exclude the column" in page
    for one in ExcuseKind:
        standing = replace(plans["judged"]().program.policy[1], remedy="do it", excuse=None)
        excused = replace(standing, excuse=Excuse(kind=one, reason="r", until=None))
        assert (remedy_text(standing), remedy_text(excused)) == ("do it", "")
    assert "excepted until 2027-03-01: contract ends in March" in text
    assert "overridden by risk@example.com until 2026-12-01 09:30 UTC: the auditors know; see RISK|42" in text
    assert "**excepted** until 2027-03-01&#58; contract ends in March" in page


def test_the_way_out_of_a_hard_and_of_a_soft_denial(plans: Plans) -> None:
    plan = plans["judged"]()
    last = plan_text(plan, ASKED).splitlines()[-3:]
    assert last[0].endswith("cannot be applied: policy.freeze and policy.no-personal-data deny it.")
    assert last[1] == (
        "policy.no-personal-data is hard, no override helps: change what is found, or ask its owner (risk@example.com)."
    )
    assert last[2] == f"What is soft may be overridden: {APPROVE} --override policy.freeze --reason '…'"
    free = _with(plan, approvals=None)
    assert plan_text(free, replace(ASKED, apply_command="ordain apply -C a (with the same variables)")).endswith(
        "overridden: ordain apply -C a --override policy.freeze --reason '…' (with the same variables)\n"
    )
    assert plan_text(free, replace(ASKED, apply_command="")).endswith(
        "overridden: ordain apply --override policy.freeze --reason '…'\n"
    )
    page = plan_markdown(plan)
    assert "is hard, no override helps" in page
    assert "<code>ordain approve FILE --as YOUR-EMAIL --override policy.freeze --reason '…'</code>" in page
    soft = _with(plan, policy=tuple(one for one in plan.program.policy if one.level is Level.SOFT))
    assert "is hard" not in plan_text(soft, ASKED) and "is hard" not in plan_markdown(soft)
    hard = _with(plan, policy=tuple(one for one in plan.program.policy if one.level is Level.HARD))
    assert "--override" not in plan_text(hard, ASKED) and "--override" not in plan_markdown(hard)


def test_options_stand_before_a_note_and_behind_a_file_with_parentheses() -> None:
    assert with_options("ordain apply 'a (b).json'", "-x") == "ordain apply 'a (b).json' -x"
    assert with_options("ordain apply (so)", "-x") == "ordain apply -x (so)"


def test_a_link_acts_only_where_it_cannot_do_harm(plans: Plans) -> None:
    plan = plans["judged"]()
    finding = plan.program.policy[1]
    for link in ("javascript:alert(1)", "https://a)b](http://evil|x", "https://a/@everyone", "docs/a.md"):
        page = plan_markdown(_with(plan, policy=(replace(finding, link=link),)))
        assert "](" not in page and "evil|" not in page and "@everyone" not in page, link
    assert "[more](https://wiki.example.com/policies/personal-data?v=2)" in plan_markdown(plan)


def test_what_will_be_asked(plans: Plans) -> None:
    plan = plans["judged"]()
    plan = replace(plan, envelope=replace(plan.envelope, authors=("ana@example.com",)))
    assert approvals_text(plan, None, WIDE) == (
        "Approvals for prod: 2 different people must sign, among them somebody with the role risk"
        " (risk@example.com and rita@example.com); nobody who wrote part of it (ana@example.com); good for 3 days.\n"
    )
    assert approvals_text(plans["denied"](), None, WIDE) == approvals_markdown(plans["denied"](), None) == ""
    text = approvals_text(plans["signers"](), None, WIDE)
    assert text.splitlines()[1:] == [
        "  Before: 2 different people must sign, among them somebody with the role risk (risk@example.com).",
        "  Now: one person must sign.",
    ]
    rule = plans["signers"]().program.approvals_before
    assert rule is not None
    other_keys = replace(rule, signers=(Signer(people=("ana@example.com",), key="k"),))
    assert approvals_text(_with(plan, approvals=rule, approvals_before=other_keys), None, WIDE).count("\n") == 1
    for number, end in ((7, "p5 and p6"), (8, "p5 and 2 more")):
        many = replace(rule, roles=("risk",), people={"risk": tuple(f"p{one}" for one in range(number))})
        assert f"{end})" in approvals_text(_with(plan, approvals=many), None, WIDE)
    assert "; good for 36 h.\n" in approvals_text(_with(plan, approvals=replace(rule, expires=36 * 3600.0)), None, WIDE)


def test_how_far_a_plan_is_approved(plans: Plans) -> None:
    plan = plans["judged"]()
    assert approvals_text(plan, ONE, WIDE).splitlines() == [
        "Approvals for prod: 1 of 2 (risk@example.com).",
        "  Still needed: 1 more approval; somebody with the role ops (olga@example.com).",
        "  Does not count: alice@example.com wrote part of this.",
        "  Does not count: bob@example.com: expired 2 hours ago.",
        "  Overrides policy.freeze (2 violations) by risk@example.com until 2026-11-28 09:00 UTC:"
        " it must go out\\u001b[31m",
    ]
    page = approvals_markdown(plan, ONE)
    assert page.startswith("**Approvals for prod&#58;** 1 of 2 (risk@&#8203;example.com).<br>**Still needed&#58;** 1")
    assert len(page.splitlines()) == 1
    lacking = Approved(people=("a@x.example",), missing=("1 more approval",))
    assert approvals_text(plans["signers"](), lacking, WIDE).startswith("Approvals for prod: 1 of 2 (a@x.example).\n")
    done = Approved(people=("a@x.example", "b@x.example"))
    assert approvals_text(plan, done, WIDE) == (
        "Approvals for prod: 2 of 2 (a@x.example and b@x.example): all that is asked for.\n"
    )


def test_what_to_type_next_where_approvals_are_asked_for(plans: Plans) -> None:
    plan = _with(plans["spec_change"](), approvals=plans["judged"]().program.approvals)
    assert plan_text(plan, ASKED).splitlines()[-1].endswith(f"To approve it: {APPROVE}")
    unsaved = replace(WIDE, apply_command="ordain apply --env prod (with the same variables)")
    assert plan_text(plan, unsaved).endswith(
        "save it first: ordain plan --env prod --out FILE (with the same variables)\n"
    )
    done = Approved(people=("a@x.example", "b@x.example"))
    assert plan_text(plan, replace(ASKED, approved=ONE)).splitlines()[-1].endswith(APPROVE)
    assert plan_text(plan, replace(ASKED, approved=done)).endswith("To make these changes: ordain apply p.json\n")
    assert "ordain a" not in plan_text(plan, replace(ASKED, apply_command="", approve_command=""))
    assert f"<code>{APPROVE.replace('p.json', 'FILE').replace('@', '&#64;')}</code>" in plan_markdown(plan)
    assert "ordain approve" not in plan_markdown(plan, approved=done)
    text = plan_text(plan, ASKED)
    assert text.index("1 to retrain") < text.index("Approvals for dev") < text.index("↻ model.subscriber")


def test_warnings_are_named_near_the_top(plans: Plans) -> None:
    plan = plans["signers"]()
    text, page = plan_text(plan, WIDE), plan_markdown(plan)
    line = "! bob@example.com applied to prod on 2026-11-20 without the approvals that were asked for\n"
    assert text.index("Changed settings") < text.index(line) < text.index("Approvals for prod")
    assert page.index("> **bob@&#8203;example.com applied") < page.index("#### Changed settings")
    many = tuple(Diagnostic(code="w", severity=Severity.WARNING, summary=f"w{number}.") for number in range(9))
    text, page = plan_text(_with(plan, diagnostics=many), WIDE), plan_markdown(_with(plan, diagnostics=many))
    assert re.findall(r"^! (w\d)", text, re.M) == ["w0", "w1", "w2"] and "… and 6 more warnings, see below" in text
    assert len(re.findall(r"^> \*\*w\d\.\*\*$", page, re.M)) == 3 and "6 more warnings below." in page
    errors = _with(plan, diagnostics=(Diagnostic(code="e", summary="wrong"),))
    assert "! wrong" not in plan_text(errors, WIDE)


def test_the_summary_survives_a_small_budget(plans: Plans) -> None:
    plan = plans["judged"]()
    loud = "what is |`<wrong>`| here " * 20
    many = tuple(Diagnostic(code="w", severity=Severity.WARNING, summary=f"{number} {loud}") for number in range(90))
    found = tuple(replace(plan.program.policy[1], message=loud, address=Address.parse(f"model.m{number}"))
                  for number in range(3000))  # fmt: skip
    for budget in (0, 60_000):
        page = plan_markdown(_with(plan, diagnostics=many, policy=found), budget)
        assert len(page.encode()) <= max(budget, 4_000)
        assert "Cannot be applied: policy.no-personal-data denies it." in page and "| to retrain | 1 |" in page
        assert page.rstrip().endswith("</sub>")


def test_keys_are_told_as_ssh_keygen_tells_them(tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen here")
    for kind, bits in (("ed25519", "256"), ("ecdsa", "256"), ("rsa", "2048")):
        path = tmp_path / kind
        make = ["ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", "", "-C", "", "-f", str(path)]
        subprocess.run(make, check=True, timeout=60)
        told = subprocess.run(["ssh-keygen", "-l", "-f", f"{path}.pub"], capture_output=True, text=True, check=True)
        _, fingerprint, *_, name = told.stdout.split()
        public = " ".join((tmp_path / f"{kind}.pub").read_text().split()[:2])
        assert key_text(public) == f"{name.strip('()')} {fingerprint}"


def test_a_key_that_is_none_is_shown_short_and_harmless() -> None:
    assert key_text("odd\x1b !!") == "odd\\u001b !!"
    assert len(key_text("x" * 5000 + " " + "é" * 5000)) < 100


def test_who_came_and_who_went(plans: Plans) -> None:
    key, other = "ssh-ed25519 AAAA", "ssh-rsa BBBB"
    gone = FieldChange(path=("keys", other), before={"people": ["a@x", "b@x"], "after": None, "before": None})
    moved = FieldChange(path=("keys", key, "before"), before="2027-01-01T00:00:00+00:00", after=None)
    people = FieldChange(path=("keys", key, "people"), before=["a@x"], after=["c@x"])
    change = SettingChange(
        address=Address.parse("signers.allowed"), kind="Signers", action="update", fields=(moved, people, gone)
    )
    told = setting_fields(change)
    assert [name for name, _ in told] == ["changed", "removed"]
    assert told[0][1] == f"{key_text(key)}: before: 2027-01-01T00:00:00+00:00 → (none); people: [a@x] → [c@x]"
    assert told[1][1] == f"a@x and b@x with {key_text(other)}"
    assert "AAAA" not in plan_text(plans["signers"](), WIDE) and "AAAA" not in plan_markdown(plans["signers"]())


def test_what_a_policy_spares_now_and_spares_no_longer() -> None:
    def one(name: str, until: str | None) -> dict[str, object]:
        return {"resources": [name, "model.b"], "reason": "le\ngacy", "until": until}

    field = FieldChange(path=("exceptions",), before=[one("model.a", None), one("model.x", None)],
                        after=[one("model.x", None), one("model.a", "2027-03-01")])  # fmt: skip
    change = SettingChange(address=Address.parse("policy.p"), kind="Policy", action="update", fields=(field,))
    assert setting_fields(change) == (
        ("spares", "model.a and model.b until 2027-03-01: le⏎gacy"),
        ("no longer spares", "model.a and model.b without end: le⏎gacy"),
    )


def test_findings_as_sarif(plans: Plans) -> None:
    (run,) = json.loads(plan_sarif(plans["judged"](), version="1.2.3", prefix="ml/"))["runs"]
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in results)
    assert "security-severity" not in json.dumps(run)
    by_rule = {rule["id"]: rule for rule in rules}
    assert by_rule["policy.no-personal-data"]["helpUri"] == "https://wiki.example.com/policies/personal-data?v=2"
    assert "helpUri" not in by_rule["policy.owner-required"]
    assert by_rule["policy.no-personal-data"]["properties"] == {"severity": "critical", "owner": "risk@example.com"}
    told = [(one["ruleId"].removeprefix("policy."), one["kind"], one["level"]) for one in results]
    assert told == [
        ("no-personal-data", "fail", "error"), ("freeze", "fail", "error"), ("small-changes", "fail", "warning"),
        ("owner-required", "fail", "warning"), ("owner-required", "fail", "warning"), ("licence", "fail", "error"),
        ("age", "fail", "error"), ("fair-enough", "open", "none"),
    ]  # fmt: skip
    assert [one.get("suppressions") for one in results[5:]] == [
        [{"kind": "inSource", "status": "accepted", "justification": "until 2027-03-01: contract ends in March"}],
        [{"kind": "external", "status": "accepted",
          "justification": "risk@example.com, until 2026-12-01 09:30 UTC: the auditors know; see RISK|42"}],
        None,
    ]  # fmt: skip
    assert not any("suppressions" in one for one in results[:5])
    first = results[0]
    assert first["message"]["text"].startswith("model.subscriber reads personal data. exclude the column")
    assert first["properties"] == {
        "verdict": "denied", "policyLevel": "hard", "severity": "critical", "owner": "risk@example.com"
    }  # fmt: skip
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "ml/models.yaml" and place["region"]["startColumn"] == 9
    assert first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "model.subscriber"
    marks = [one["partialFingerprints"]["primaryLocationLineHash"] for one in results]
    assert len(set(marks)) == len(marks)


def test_a_message_is_no_link_in_sarif(plans: Plans) -> None:
    linked = Finding(policy=Address.parse("policy.p"), outcome=Outcome.FAIL, level=Level.HARD,
                     message="[log in](https://example.org) for model.m[a]")  # fmt: skip
    (run,) = json.loads(plan_sarif(_with(plans["judged"](), policy=(linked,)), version="1"))["runs"]
    assert run["results"][0]["message"]["text"] == "[log in\\](https://example.org) for model.m[a]"


def test_a_plans_diagnostics_stand_in_its_sarif_too(plans: Plans) -> None:
    (run,) = json.loads(plan_sarif(plans["errored"](), version="1"))["runs"]
    assert [one["ruleId"] for one in run["results"]] == ["contract-broken", "plugin-slow"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["contract-broken", "plugin-slow"]
