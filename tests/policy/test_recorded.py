"""What was recorded of who must approve is read back as it was meant: a change of it must still meet that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ordain.policy.recorded import recorded_rule
from ordain.values.address import Address
from ordain.values.approval import ApprovalRule, Signer
from ordain.values.data import Tree
from ordain.values.record import SettingRecord

ASKED: Mapping[str, Tree] = {
    "count": 2,
    "roles": ["risk", "legal", "risk"],
    "not_author": True,
    "expires": "3d",
    "break_glass": False,
}
KEYS: Mapping[str, Tree] = {
    "key 1": {"people": ["ann@example.com", "ann@home.example"], "after": "2026-01-01T00:00:00+00:00", "before": None},
    "key 2": {"people": ["bob@example.com"], "after": None, "before": "2027-01-01T00:00:00+00:00"},
}
RULE = ApprovalRule(
    count=2,
    roles=("legal", "risk"),
    people={"risk": ("ann@example.com", "bob@example.com")},
    not_author=True,
    expires=3 * 86_400.0,
    break_glass=False,
    signers=(
        Signer(people=("ann@example.com", "ann@home.example"), key="key 1", after="2026-01-01T00:00:00+00:00"),
        Signer(people=("bob@example.com",), key="key 2", before="2027-01-01T00:00:00+00:00"),
    ),
)


def recorded(approvals: Tree, keys: Tree = KEYS) -> Mapping[Address, SettingRecord]:
    specs: Mapping[tuple[str, str], Mapping[str, Tree]] = {
        ("Environment", "prod"): {"approvals": approvals},
        ("Environment", "dev"): {"approvals": {"count": 7}},
        ("Role", "risk"): {"people": ["ann@example.com", "bob@example.com"]},
        ("Role", "other"): {"people": ["eve@example.com"]},
        ("Signers", "allowed"): {"keys": keys},
    }
    return {Address.of(*name): SettingRecord(address=Address.of(*name), kind=name[0], spec=spec)
            for name, spec in specs.items()}  # fmt: skip


def test_all_that_was_asked_for_is_read_back() -> None:
    assert recorded_rule(recorded(ASKED), "prod") == RULE


def test_without_a_record_nobody_is_asked() -> None:
    assert recorded_rule({}, "prod") is None
    assert recorded_rule(recorded(None), "prod") is None
    assert recorded_rule(recorded(ASKED), "staging") is None


@pytest.mark.parametrize("keys", [None, {}, {"key 1": "ann@example.com"}])
def test_without_keys_nobody_may_sign(keys: Tree) -> None:
    assert recorded_rule(recorded(ASKED, keys), "prod") == replace(RULE, signers=())


def test_what_another_version_left_out_is_as_where_nothing_is_written() -> None:
    assert recorded_rule(recorded({"count": 1}), "prod") == ApprovalRule(count=1, signers=RULE.signers)
