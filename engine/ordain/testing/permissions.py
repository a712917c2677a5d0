"""What a state store keeps of who permitted what, as tests; part of the store's contract."""

from __future__ import annotations

from dataclasses import replace

from ordain.api import Address, StateStore
from ordain.api.store import PutOverride, RemoveOverrides
from ordain.testing.samples import DEV, PROD, holder, run
from ordain.values.approval import Alarm, Approval, Override

OWNER = Address(kind="policy", name="owner")


def override(policy: Address = OWNER, by: str = "ann@example.com", reason: str = "until March") -> Override:
    """Return an override of two violations."""
    return Override(
        policy=policy,
        violations=("sha256:1", "sha256:2"),
        reason=reason,
        by=by,
        at="2026-11-21T10:00:00+00:00",
        until="2026-11-28T10:00:00+00:00",
    )


class PermissionsContract:
    """What holds of the overrides, approvals and broken glass that a store keeps."""

    def test_overrides_come_back_one_for_each_policy_and_person(self, store: StateStore, token: int) -> None:
        other = override(replace(OWNER, name="licence"))
        bob = override(by="bob@example.com")
        store.write(DEV, [PutOverride(override=one) for one in (override(), other, bob)], token)
        newer = override(reason="until April")
        store.write(DEV, [PutOverride(override=newer)], token)
        assert store.recorded(DEV).overrides == (other, newer, bob)
        assert store.recorded(PROD).overrides == ()

    def test_overrides_of_a_policy_end(self, store: StateStore, token: int) -> None:
        other = override(replace(OWNER, name="licence"))
        elsewhere = store.acquire(PROD, holder()).token
        store.write(PROD, [PutOverride(override=override())], elsewhere)
        store.write(DEV, [PutOverride(override=override()), PutOverride(override=other)], token)
        store.write(DEV, [RemoveOverrides(policy=OWNER), RemoveOverrides(policy=OWNER)], token)
        assert store.recorded(DEV).overrides == (other,)
        assert store.recorded(PROD).overrides == (override(),)

    def test_a_run_keeps_its_approvals_and_why_the_glass_was_broken(self, store: StateStore) -> None:
        signed = replace(run("run-1"), approvals=(Approval(text='{"é": 1}', signature="-----\n"),))
        broken = replace(run("run-2", 2.0), break_glass="prod is down")
        store.begin_run(signed)
        store.begin_run(broken)
        assert store.runs(DEV) == (broken, signed)

    def test_the_runs_of_one_plan_are_found_among_all(self, store: StateStore) -> None:
        mine = replace(run("run-1"), plan_digest="sha256:mine")
        again = replace(mine, id="run-3", started=3.0)
        for one in (mine, run("run-2", 2.0), again, replace(mine, id="run-4", environment=PROD)):
            store.begin_run(one)
        assert store.runs(DEV, plan="sha256:mine") == (again, mine)
        assert store.runs(DEV, 1, "sha256:mine") == (again,)
        assert store.runs(DEV, plan="sha256:other") == ()
        assert len(store.runs(DEV)) == 3

    def test_the_alarm_rings_until_an_approved_run_is_done(self, store: StateStore) -> None:
        signed = (Approval(text="{}", signature="-"),)
        assert store.recorded(DEV).alarm is None
        store.begin_run(replace(run("a", 1.0), break_glass="prod is down"))
        alarm = Alarm(actor="ann", at=1.0, reason="prod is down")
        assert store.recorded(DEV).alarm == alarm
        assert store.recorded(PROD).alarm is None
        store.begin_run(run("b", 2.0))  # without approvals
        store.finish_run("b", "done", 2.5)
        store.begin_run(replace(run("c", 3.0), approvals=signed))
        store.finish_run("c", "step_failed", 3.5)
        assert store.recorded(DEV).alarm == alarm
        store.begin_run(replace(run("d", 4.0), approvals=signed))
        assert store.recorded(DEV).alarm == alarm
        store.finish_run("d", "done", 4.5)
        assert store.recorded(DEV).alarm is None
        store.begin_run(replace(run("e", 5.0), break_glass="again"))
        assert store.recorded(DEV).alarm == replace(alarm, at=5.0, reason="again")
