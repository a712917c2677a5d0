"""Which approvals count, what is still missing, and that none can be forged."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, strategies as st

from ordain.policy.approvals import approved
from ordain.policy.sshsig import public_key, sign
from ordain.policy.statements import block, blocks, read_statement, statement_text
from ordain.values.address import Address
from ordain.values.approval import NAMESPACE, Approval, ApprovalRule, Approved, Override, Signer, Statement
from ordain.values.plan import Envelope, Plan, Program, Status

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = 86_400.0
PLAN, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
ALICE, BOB, RISK, LEE, MALLORY = (f"{name}@example.com" for name in ("alice", "bob", "risk", "lee", "mallory"))
SOFT, LIMITS = Address.parse("policy.soft"), Address.parse("policy.limits")


def private(seed: str) -> bytes:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed.encode().ljust(32))
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def signer(*people: str, seed: str = "", **more: str) -> Signer:
    return Signer(people=people, key=public_key(private(seed or people[0]), None), **more)


SIGNERS = (signer(ALICE), signer(BOB), signer(RISK), signer(LEE))
RULE = ApprovalRule(count=1, expires=3 * DAY, not_author=True, signers=SIGNERS)
TWO = replace(RULE, count=2, roles=("risk",), people={"risk": (RISK, LEE)})


def plan_of(
    rule: ApprovalRule | None = RULE,
    before: ApprovalRule | None = None,
    authors: tuple[str, ...] = (),
    digest: str = PLAN,
) -> Plan:
    program = Program(
        project="churn",
        environment="prod",
        mode="apply",
        lineage="l",
        serial=1,
        spec_digest="d",
        status=Status(applyable=True, complete=True, errored=False),
        summary={},
        approvals=rule,
        approvals_before=before,
    )
    envelope = Envelope(id="p", created_at=NOW.isoformat(), engine_version="0", authors=authors)
    return Plan(program=program, digest=digest, envelope=envelope)


def ago(**length: float) -> str:
    return (NOW - timedelta(**length)).isoformat()


def signed(person: str = ALICE, seed: str = "", namespace: str = NAMESPACE, **more: object) -> Approval:
    given = {"project": "churn", "environment": "prod", "plan": PLAN, "at": ago(hours=1), **more}
    text = statement_text(Statement(person=person, **given))  # type: ignore[arg-type]
    return Approval(text=text, signature=sign(text.encode(), private(seed or person), None, namespace))


def override(policy: Address = SOFT, until: str = "", **more: object) -> Override:
    given = {"violations": ("v1", "v2"), "reason": "a freeze", "by": "x@y", "at": "whenever", **more}
    return Override(policy=policy, until=until or ago(days=-7), **given)  # type: ignore[arg-type]


def whys(found: Approved) -> list[str]:
    return [one.why for one in found.refused]


def test_an_approval_by_somebody_listed_is_all_it_takes() -> None:
    mine = signed()
    assert approved(plan_of(), [mine], NOW) == Approved(people=(ALICE,), accepted=(mine,))


def test_without_rules_nothing_is_missing_and_nothing_counts() -> None:
    assert approved(plan_of(None), [signed(overrides=(override(),))], NOW) == Approved()


def test_who_is_still_needed_is_said() -> None:
    assert approved(plan_of(TWO), [], NOW).missing == (
        "2 more approvals",
        "somebody with the role risk (risk@example.com, lee@example.com)",
    )
    assert approved(plan_of(TWO), [signed(LEE)], NOW).missing == ("1 more approval",)
    assert approved(plan_of(TWO), [signed(ALICE), signed(BOB)], NOW).missing == (
        "somebody with the role risk (risk@example.com, lee@example.com)",
    )
    assert approved(plan_of(TWO), [signed(ALICE), signed(LEE)], NOW).missing == ()


def test_one_person_may_have_every_role() -> None:
    rule = replace(TWO, count=1, roles=("legal", "risk"), people={"risk": (RISK, LEE), "legal": ("LEE@example.com",)})
    assert approved(plan_of(rule), [signed(RISK)], NOW).missing == ("somebody with the role legal (LEE@example.com)",)
    assert approved(plan_of(rule), [signed(LEE)], NOW).missing == ()


def test_a_role_is_the_persons_under_whichever_of_their_addresses_they_sign() -> None:
    both = replace(TWO, count=1, signers=(signer(ALICE), signer(RISK, "rita@home.example")))
    assert approved(plan_of(both), [signed("rita@home.example", seed=RISK)], NOW).missing == ()


def test_only_who_may_approve_is_named() -> None:
    rule = replace(TWO, people={"risk": (RISK, LEE, "nokey@example.com")})
    assert "(lee@example.com)" in approved(plan_of(rule, authors=(RISK,)), [], NOW).missing[1]
    nobody = approved(plan_of(rule, authors=(RISK, LEE)), [], NOW).missing[1]
    assert nobody == "somebody with the role risk (nobody who may approve has it)"


def test_an_empty_file_of_signers_is_named() -> None:
    found = approved(plan_of(replace(RULE, signers=())), [signed()], NOW)
    assert found.missing == ("a key in allowed_signers, which is empty", "1 more approval")
    assert whys(found) == ["the key is not in allowed_signers, which is empty"]
    nobody = replace(RULE, signers=())
    assert approved(plan_of(nobody, replace(nobody, expires=None)), [], NOW).missing == found.missing


# Forgeries, and what only looks right.

SHARED = replace(RULE, count=2, signers=(signer(ALICE, "al@example.org"), signer("al@example.org", BOB, seed="b")))
FORGERIES: dict[str, tuple[Plan, list[Approval], str]] = {
    "another plan": (plan_of(), [signed(plan=OTHER)], "is for another plan (sha256:bbbbbbbbbbbb…)"),
    "another environment": (plan_of(), [signed(environment="dev")], "is for another environment (dev)"),
    "another project": (plan_of(), [signed(project="fraud")], "is for another project (fraud)"),
    "expired": (plan_of(), [signed(at=ago(days=5))], "expired 2 days ago"),
    "expired a day ago": (plan_of(), [signed(at=ago(days=4))], "expired 1 day ago"),
    "expired just now": (plan_of(), [signed(at=ago(days=3, seconds=1))], "expired a moment ago"),
    "from the future": (plan_of(), [signed(at=ago(minutes=-6))], "was signed in the future"),
    "time without a zone": (plan_of(), [signed(at="2026-11-21T11:00:00")], "is no time in UTC"),
    "no time": (plan_of(), [signed(at="today")], "is no time in UTC"),
    "author": (plan_of(authors=("Alice@Example.com",)), [signed()], "alice@example.com wrote part of this"),
    "author by another address": (
        plan_of(replace(SHARED, count=1), authors=(ALICE,)),
        [signed("al@example.org", seed="b")],
        "al@example.org wrote part of this",
    ),
    "one person under two addresses": (
        plan_of(SHARED),
        [signed(ALICE), signed("al@example.org", ALICE, at=ago(minutes=3))],
        "is the same person as alice@example.com, who approved already",
    ),
    "one person with two keys": (
        plan_of(SHARED),
        [signed(ALICE), signed(BOB, "b", at=ago(minutes=3))],
        "is the same person as alice@example.com, who approved already",
    ),
    "key not listed": (plan_of(), [signed(MALLORY)], "the key is not in allowed_signers"),
    "somebody else's name": (plan_of(), [signed(ALICE, MALLORY)], "the key is not in allowed_signers"),
    "a colleague's name": (plan_of(), [signed(ALICE, BOB)], "the key is not theirs: it is that of bob@example.com"),
    "key not yet good": (
        plan_of(replace(RULE, signers=(signer(ALICE, after=ago(days=-1)),))),
        [signed()],
        "the key is good only from 2026-11-22",
    ),
    "key no longer good": (
        plan_of(replace(RULE, signers=(signer(ALICE, before=ago(minutes=1)),))),
        [signed()],
        "the key was good until 2026-11-21T11:59",
    ),
    "key whose bound cannot be read": (
        plan_of(replace(RULE, signers=(signer(ALICE, before="soon"),))),
        [signed()],
        "the key was good until soon",
    ),
    "key whose beginning cannot be read": (
        plan_of(replace(RULE, signers=(signer(ALICE, after="20200101"),))),
        [signed()],
        "the key is good only from 20200101 on",
    ),
    "a commit's signature": (plan_of(), [signed(namespace="git")], "it was signed for 'git'"),
    "no signature": (plan_of(), [replace(signed(), signature="")], "no SSH signature"),
    "the signature of another text": (
        plan_of(),
        [replace(signed(), signature=signed(at=ago(hours=2)).signature)],
        "the signature does not fit the text",
    ),
    "text made to fit": (
        plan_of(),
        [replace(signed(plan=OTHER), text=signed().text)],
        "the signature does not fit the text",
    ),
}


@pytest.mark.parametrize(("plan", "approvals", "why"), FORGERIES.values(), ids=FORGERIES)
def test_what_does_not_count_is_refused_in_words(plan: Plan, approvals: list[Approval], why: str) -> None:
    for order in (approvals, approvals[::-1], [*approvals, *approvals]):
        found = approved(plan, order, NOW)
        assert found.missing == ("1 more approval",)
        (refused,) = found.refused
        assert why in refused.why
        assert approvals[-1] not in found.accepted
        assert found.overrides == ()


@pytest.mark.parametrize("skew", [timedelta(minutes=5), timedelta(days=-3)])
def test_a_clock_may_be_a_little_ahead_and_the_last_moment_counts(skew: timedelta) -> None:
    assert approved(plan_of(), [signed(at=(NOW + skew).isoformat())], NOW).missing == ()


def test_bounds_of_a_key_belong_to_its_time() -> None:
    rule = replace(RULE, signers=(signer(ALICE, after=NOW.isoformat(), before=NOW.isoformat()),))
    assert approved(plan_of(rule), [signed()], NOW).people == (ALICE,)


def test_authors_count_where_nobody_minds_and_letters_size_means_nothing() -> None:
    rule = replace(RULE, not_author=False)
    assert approved(plan_of(rule, authors=(ALICE,)), [signed("ALICE@example.com", ALICE)], NOW).missing == ()


def test_who_approves_twice_counts_once_and_is_not_scolded() -> None:
    first, again = signed(), signed(at=ago(minutes=1))
    found = approved(plan_of(TWO), [again, first, first], NOW)
    assert (found.people, found.accepted, found.refused) == ((ALICE,), (first, again), ())
    assert "1 more approval" in found.missing


def test_who_approves_anew_is_not_told_of_the_past() -> None:
    past = [signed(plan=OTHER, at=ago(days=1)), signed(at=ago(days=4))]
    assert approved(plan_of(), [*past, signed()], NOW).refused == ()
    assert len(approved(plan_of(), past, NOW).refused) == 2
    assert len(approved(plan_of(TWO), [*past, signed(BOB)], NOW).refused) == 2


def test_rubbish_beside_an_approval_does_it_no_harm() -> None:
    mine = signed()
    rubbish = [Approval(text=text, signature=mine.signature) for text in ("", "{}", "[1]", "\ud800", '{"format":1}')]
    found = approved(plan_of(), [*rubbish, replace(mine, signature="\ud800"), mine], NOW)
    assert (found.people, found.missing) == ((ALICE,), ())
    assert {one.person for one in found.refused} == {"somebody", ALICE}


def test_who_uses_the_name_of_somebody_who_approved_is_told_of() -> None:
    found = approved(plan_of(), [signed(), signed(ALICE, MALLORY), signed(ALICE, BOB)], NOW)
    assert (found.people, len(found.refused)) == ((ALICE,), 2)


# What was asked for at the last apply, and what is asked for now.


def test_both_rules_must_be_met_and_each_thing_is_said_once() -> None:
    assert approved(plan_of(TWO, TWO), [], NOW) == approved(plan_of(TWO), [], NOW)
    weaker = replace(RULE, not_author=False)
    found = approved(plan_of(weaker, TWO, authors=(ALICE,)), [signed()], NOW)
    assert found.people == (ALICE,)
    assert found.missing == (
        "2 more approvals (by the rules of the last apply)",
        "somebody with the role risk (risk@example.com, lee@example.com) (by the rules of the last apply)",
    )
    assert whys(found) == ["alice@example.com wrote part of this (by the rules of the last apply)"]
    others = replace(TWO, count=1, expires=None)
    assert approved(plan_of(TWO, others), [], NOW) == approved(plan_of(TWO), [], NOW)
    stronger = approved(plan_of(TWO, weaker), [signed()], NOW)
    assert stronger.missing == (
        "1 more approval",
        "somebody with the role risk (risk@example.com, lee@example.com)",
    )
    assert stronger.refused == ()


def test_nobody_lets_themselves_in() -> None:
    opened = replace(RULE, signers=(*SIGNERS, signer(MALLORY)))
    found = approved(plan_of(opened, RULE), [signed(MALLORY)], NOW)
    assert found.missing == ("1 more approval (by the rules of the last apply)",)
    assert whys(found) == ["the key is not in allowed_signers (by the rules of the last apply)"]
    assert approved(plan_of(None, RULE), [], NOW).missing == found.missing, "nor by asking for nothing any more"
    both = approved(plan_of(opened, RULE), [signed(MALLORY), signed(ALICE)], NOW)
    assert (both.missing, both.refused) == ((), ())


# Overrides.


def test_an_override_is_the_signers_whatever_stands_inside_it() -> None:
    mine = signed(overrides=(override(by=BOB, at=ago(days=-1)),))
    (found,) = approved(plan_of(), [mine], NOW).overrides
    assert found == override(by=ALICE, at=ago(hours=1), signed=True)
    assert BOB not in mine.text


def test_an_override_sticks_where_its_approval_does_not() -> None:
    earlier = signed(plan=OTHER, at=ago(days=20), overrides=(override(),))
    found = approved(plan_of(), [earlier], NOW)
    assert [one.policy for one in found.overrides] == [SOFT]
    assert (found.people, found.accepted, found.missing) == ((), (), ("1 more approval",))
    assert whys(found) == ["is for another plan (sha256:bbbbbbbbbbbb…)"]
    expired = approved(plan_of(), [signed(at=ago(days=20), overrides=(override(),))], NOW)
    assert len(expired.overrides) == 1
    assert expired.missing


def test_an_override_lasts_ninety_days_at_most_and_counts_once() -> None:
    mine = signed(overrides=(override(until=(NOW + timedelta(days=90, hours=-1)).isoformat()),))
    assert len(approved(plan_of(), [mine], NOW).overrides) == 1
    both = [signed(plan=plan, overrides=(override(),)) for plan in (PLAN, OTHER)]
    assert len(approved(plan_of(), both, NOW).overrides) == 1


def test_in_which_order_approvals_lie_there_means_nothing() -> None:
    every = [signed(), signed(overrides=(override(),)), signed(overrides=(override(LIMITS),)), signed(BOB)]
    assert approved(plan_of(), every, NOW) == approved(plan_of(), every[::-1], NOW)


def test_an_override_ends_when_it_says() -> None:
    ended = signed(at=ago(days=9), overrides=(override(until=NOW.isoformat()),))
    assert approved(plan_of(), [ended], NOW).overrides == ()


BAD_OVERRIDES: dict[str, tuple[ApprovalRule, Approval, str]] = {
    "over before it begins": (RULE, signed(overrides=(override(until=ago(hours=1)),)), "it ends before it begins"),
    "too long": (
        RULE,
        signed(overrides=(override(until=(NOW + timedelta(days=90)).isoformat()),)),
        "it is for more than 90 days",
    ),
    "local time": (
        RULE,
        signed(overrides=(override(until="2026-11-22T12:00:00+01:00"),)),
        "'2026-11-22T12:00:00+01:00' is no time in UTC",
    ),
    "no end": (RULE, signed(overrides=(override(until="never"),)), "'never' is no time in UTC"),
    "no reason": (RULE, signed(overrides=(override(reason=" \n"),)), "it gives no reason"),
    "no role": (TWO, signed(overrides=(override(),)), "has not the role risk, and so overrides nothing"),
}


@pytest.mark.parametrize(("rule", "mine", "why"), BAD_OVERRIDES.values(), ids=BAD_OVERRIDES)
def test_an_override_that_does_not_count_leaves_the_approval_standing(
    rule: ApprovalRule, mine: Approval, why: str
) -> None:
    found = approved(plan_of(rule), [mine], NOW)
    assert found.overrides == ()
    assert found.accepted == (mine,)
    (told,) = whys(found)
    assert why in told


@pytest.mark.parametrize(
    "more",
    [
        {"environment": "dev"},
        {"project": "fraud"},
        {"seed": MALLORY},
        {"seed": BOB},
        {"namespace": "git"},
        {"at": ago(minutes=-6)},
    ],
)
def test_nobodys_override_is_none(more: dict[str, str]) -> None:
    for plan in (PLAN, OTHER):
        assert approved(plan_of(), [signed(**{"plan": plan, **more}, overrides=(override(),))], NOW).overrides == ()


def test_an_authors_override_counts_for_nothing_where_their_approval_would() -> None:
    mine = signed(overrides=(override(),))
    assert approved(plan_of(authors=(ALICE,)), [mine], NOW).overrides == ()
    assert approved(plan_of(replace(RULE, not_author=False), authors=(ALICE,)), [mine], NOW).overrides


def test_an_override_must_count_by_both_rules() -> None:
    opened = replace(RULE, signers=(*SIGNERS, signer(MALLORY)))
    assert approved(plan_of(opened, RULE), [signed(MALLORY, overrides=(override(),))], NOW).overrides == ()
    found = approved(plan_of(RULE, TWO), [signed(overrides=(override(),)), signed(LEE, overrides=(override(),))], NOW)
    assert [one.by for one in found.overrides] == [LEE]
    assert "has not the role risk, and so overrides nothing (by the rules of the last apply)" in whys(found)


# As text.

STATEMENT = Statement(project="churn", environment="prod", plan=PLAN, person=ALICE, at=ago(hours=1))
NOT_STATEMENTS: dict[str, Callable[[str], str]] = {
    "a later format": lambda text: text.replace('"format":1', '"format":2'),
    "a format that is no number": lambda text: text.replace('"format":1', '"format":true'),
    "no format": lambda text: text.replace('"format":1,', ""),
    "an unknown field": lambda text: text.replace('"format":1', '"format":1,"more":1'),
    "a field less": lambda text: text.replace(',"project":"churn"', ""),
    "a field twice": lambda text: text.replace('"format":1', '"format":1,"plan":"x"'),
    "a line break": lambda text: text + "\n",
    "spaces": lambda text: text.replace(":", ": ", 1),
    "another order": lambda text: "{" + ",".join(reversed(text[1:-1].split(","))) + "}",
    "another way to write a letter": lambda text: text.replace("churn", "\\u0063hurn"),
    "a number for a word": lambda text: text.replace('"churn"', "7"),
    "overrides that are none": lambda text: text.replace("[]", "[7]"),
    "an override without an address": lambda text: text.replace(
        "[]", '[{"policy":7,"reason":"","until":"","violations":[]}]'
    ),
    "an override by somebody else": lambda text: text.replace(
        "[]", '[{"by":"bob@example.com","policy":"policy.soft","reason":"","until":"","violations":[]}]'
    ),
    "no overrides": lambda text: text.replace('"overrides":[],', ""),
    "what a terminal obeys": lambda text: text.replace("churn", "ch\\u001b[2Jurn"),
    "what turns letters round": lambda text: text.replace("churn", "ch\u202eurn"),
    "too long": lambda text: text.replace("churn", "churn" * 20_000),
    "no object": lambda _: "[]",
    "no JSON": lambda _: "{",
}


@pytest.mark.parametrize("change", NOT_STATEMENTS.values(), ids=NOT_STATEMENTS)
def test_there_is_one_way_to_write_a_statement(change: Callable[[str], str]) -> None:
    text = statement_text(STATEMENT)
    assert read_statement(text) == STATEMENT
    assert change(text) != text
    with pytest.raises(ValueError, match="it "):
        read_statement(change(text))
    with pytest.raises(ValueError, match="it "):
        block(Approval(text=change(text), signature=signed().signature))
    mine = Approval(text=change(text), signature=sign(change(text).encode(), private(ALICE), None, NAMESPACE))
    assert approved(plan_of(), [mine], NOW).missing == ("1 more approval",)


@pytest.mark.parametrize("hidden", [{"reason": "a\u202eb"}, {"until": "2027\u200b"}, {"violations": ("v\u001b[2J",)}])
def test_an_override_hides_nothing_but_may_have_lines(hidden: dict[str, object]) -> None:
    text = statement_text(replace(STATEMENT, overrides=(override(**{"reason": "one\ntwo", **hidden}),)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="do not show"):
        read_statement(text)
    lines = statement_text(replace(STATEMENT, overrides=(override(reason="one\ntwo"),)))
    assert read_statement(lines).overrides[0].reason == "one\ntwo"


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=20)
OVERRIDES = st.builds(
    Override,
    policy=st.sampled_from((SOFT, LIMITS)),
    violations=st.lists(WORDS, max_size=2).map(tuple),
    reason=st.lists(WORDS | st.sampled_from(("```", "```json", '"$int"', "> x", "<!--", "{", "}")), max_size=4).map(
        "\n".join
    ),
    by=st.just(""),
    at=st.just(""),
    until=WORDS,
)
STATEMENTS = st.builds(
    Statement,
    project=WORDS | st.just("$plain"),
    environment=WORDS,
    plan=WORDS,
    person=WORDS,
    at=WORDS,
    overrides=st.lists(OVERRIDES, max_size=3).map(tuple),
)
SIGNATURE = signed().signature


@given(
    STATEMENTS, st.text(max_size=40), st.sampled_from(("\n", "\r\n", "\r")), st.sampled_from(("", "> ", "> > ", "  "))
)
def test_a_block_is_found_again_whatever_stands_around_it(
    statement: Statement, around: str, end: str, quote: str
) -> None:
    one = Approval(text=statement_text(statement), signature=SIGNATURE)
    overrides = tuple(replace(each, by=statement.person, at=statement.at) for each in statement.overrides)
    assert read_statement(one.text) == replace(statement, overrides=overrides)
    two = replace(one, text=statement_text(STATEMENT))
    text = f"{around}\n{block(one)}\n{around}\n\n{block(two)}{around}\n{block(one)}"
    pasted = end.join(quote + line for line in text.split("\n"))
    assert blocks(pasted) == tuple(dict.fromkeys((one, two)))


PIECES = ("```json", "```", "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----", "{", "}", '{"a":1}', "> ")


@given(st.lists(st.text(max_size=20) | st.sampled_from(PIECES)).map("\n".join))
def test_blocks_never_raises_and_what_it_finds_is_only_judged_later(text: str) -> None:
    for one in blocks(text):
        assert approved(plan_of(), [one], NOW).missing


def test_a_block_says_what_was_approved_and_hides_nothing() -> None:
    text = block(signed(overrides=(override(reason="`x`\n# <b>freeze</b>"),)))
    assert text.startswith(f"`{ALICE}` approves plan `{PLAN}` of `churn` in `prod`, at `{ago(hours=1)}`.\n")
    assert f"policy.soft` until `{ago(days=-7)}`: `'x' # <b>freeze</b>`." in text
    assert text.count("```") == 4


def test_a_statement_of_a_later_format_in_a_block_is_told_of() -> None:
    later = block(signed()).replace('"format": 1', '"format": 2')
    found = approved(plan_of(), blocks(later), NOW)
    assert "format 1, which is the one this Ordain reads" in whys(found)[0]


def test_a_signature_without_its_statement_is_nothing() -> None:
    mine = signed()
    assert blocks(mine.signature) == ()
    assert blocks(block(mine) + mine.signature) == (mine,)


def test_what_has_no_armour_is_no_block() -> None:
    for broken in ("", "x", SIGNATURE.replace("END", "FIN"), SIGNATURE + SIGNATURE):
        with pytest.raises(ValueError, match="no SSH signature"):
            block(replace(signed(), signature=broken))


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not there")
def test_ssh_keygen_can_approve_and_says_who_did(tmp_path: Path) -> None:
    key, file, signers = tmp_path / "key", tmp_path / f"{ALICE}.json", tmp_path / "allowed_signers"
    key.write_bytes(private(ALICE))
    key.chmod(0o600)
    file.write_text(statement_text(STATEMENT))
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", key, file], check=True)
    mine = Approval(text=file.read_text(), signature=(tmp_path / f"{ALICE}.json.sig").read_text())
    assert approved(plan_of(), [mine], NOW).people == (ALICE,)
    assert blocks(block(mine)) == (mine,)
    assert mine == signed(), "Ed25519 signs the same in the same way"
    signers.write_text("".join(f"{','.join(one.people)} {one.key}\n" for one in SIGNERS))
    command = ["ssh-keygen", "-Y", "find-principals", "-f", signers, "-s", f"{file}.sig"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip() == ALICE
