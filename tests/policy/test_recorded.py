"""What was recorded of who must approve is read back as it was meant: a change of it must still meet that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ordain.api.registry import Registry
from ordain.config.load import FileText, parse
from ordain.config.resolve import ResolveOptions, resolve
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


WRITTEN = b"""\
kind: Project
name: bank
format: 1
---
kind: Environment
name: prod
spec:
  default: true
  approvals: {count: 2, roles: [risk, legal, risk], not_author: true, expires: 36h, break_glass: false}
---
kind: Role
name: risk
spec: {people: [bob@example.com, ann@example.com]}
---
kind: Role
name: legal
spec: {people: [lee@example.com]}
---
kind: Role
name: other
spec: {people: [eve@example.com]}
---
kind: Policy
name: p
spec: {level: soft, require: "true", tests: [{expect: pass}]}
"""


def test_what_is_written_is_read_back_from_what_is_recorded() -> None:
    signers = tuple(sorted(RULE.signers, key=lambda one: one.key))
    file = FileText(path="ordain.yaml", data=WRITTEN, size=len(WRITTEN), mtime_ns=0, ctime_ns=0, inode=0)
    documents, broken = parse((file,))
    found = resolve(documents, Registry(kinds={}, providers={}, origin={}), ResolveOptions(signers=signers))
    assert broken == found.diagnostics == () and found.desired is not None
    settings = {one.address: SettingRecord(address=one.address, kind=one.kind, spec=one.spec)
                for one in found.desired.settings}  # fmt: skip
    rule = recorded_rule(settings, "prod")
    assert rule is not None and rule == found.desired.approvals
    assert (rule.count, rule.expires, rule.not_author, rule.break_glass) == (2, 36 * 3600.0, True, False)
    assert "tests" not in settings[Address.parse("policy.p")].spec, "a case that is added changes no plan"
