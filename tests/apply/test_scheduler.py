import threading
import time
from concurrent.futures import Future
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ordain.api import Diagnostic, Executor, ExitCode, OrdainError, StepOutcome, StepResult
from ordain.api.store import PutResource, StepEnd
from ordain.apply.run import RunReport, StepReport, StepStatus
from ordain.apply.scheduler import execute
from ordain.state.host import this_process
from ordain.values.address import Address
from ordain.values.change import Action
from ordain.values.codec import plain
from ordain.values.diagnostic import Blame
from ordain.values.plan import Step
from ordain.values.record import JournalEntry, SettingRecord
from ordain.values.resource import RunOptions


def statuses(report):
    return {one.step: one.status.value for one in report.steps}


def test_steps_run_in_order_and_are_recorded(world, make):
    changes = [make.change("probe.a", {"value": 1}), make.change("probe.b", {"value": 2}, needs=["probe.a"])]
    report = world.apply(changes, {"probe.b": ["first", "second"]})
    assert report.exit is ExitCode.DONE
    assert statuses(report) == dict.fromkeys(["probe.a:make", "probe.b:first", "probe.b:second"], "done")
    recorded = world.recorded
    assert {str(a): r.outputs for a, r in recorded.resources.items()} == {
        "probe.a": {"value": 1},
        "probe.b": {"value": 2},
    }
    assert recorded.resources == world.live.resources
    assert recorded.resources[Address.parse("probe.b")].facts == {"made": "second"}
    assert recorded.interrupted == ()
    assert set(recorded.durations) == {"probe.a:make", "probe.b:first", "probe.b:second"}
    kinds = [(event.type.value, event.step) for event in world.events]
    assert kinds[0] == ("run-started", None) and kinds[-1] == ("run-finished", None)
    order = [step for kind, step in kinds if kind == "step-done"]
    assert order == ["probe.a:make", "probe.b:first", "probe.b:second"]
    assert kinds.index(("step-done", "probe.a:make")) < kinds.index(("step-started", "probe.b:first"))
    assert world.events[-1].data == {"done": 3, "exit": 0}


def test_progress_is_told(world, make):
    world.apply([make.change("probe.a", {"value": "x"})])
    (event,) = [event for event in world.events if event.type == "step-progress"]
    assert (event.message, event.data, event.step) == ("working on x", {"fraction": 0.5}, "probe.a:make")


def test_events_come_in_the_thread_of_the_caller(world, make):
    heard = set()
    changes = [make.change(f"probe.p{number}", {"value": number}) for number in range(30)]
    world.apply(changes, emit=lambda event: heard.add(threading.get_ident()))
    assert heard == {threading.get_ident()}


def test_a_begin_is_durable_before_the_call_and_an_end_before_a_dependent_starts(world, make):
    changes = [make.change("probe.a", {"value": 1}), make.change("probe.b", {"value": 2}, needs=["probe.a"])]
    seen = []

    class Looking(Executor):
        def submit(self, request, secrets, report):
            recorded = world.recorded
            seen.append((request.step.id, [entry.step for entry in recorded.interrupted], sorted(recorded.resources)))
            return world.executor.submit(request, secrets, report)

        attach = request = cancel = logs = close = None

        def forget(self, key):
            world.executor.forget(key)

    Looking.__abstractmethods__ = frozenset()
    world.apply(changes, executor=Looking())
    assert seen == [
        ("probe.a:make", ["probe.a:make"], []),
        ("probe.b:make", ["probe.b:make"], [Address.parse("probe.a")]),
    ]


def test_a_failed_step_skips_its_dependents_and_nobody_else(world, make):
    changes = [
        make.change("probe.a", {"do": "fail"}),
        make.change("probe.b", needs=["probe.a"]),
        make.change("probe.c", needs=["probe.b"]),
        make.change("probe.d"),
        make.change("probe.e", needs=["probe.d", "probe.c"]),
    ]
    report = world.apply(changes)
    assert statuses(report) == {
        "probe.a:make": "failed",
        "probe.b:make": "skipped",
        "probe.c:make": "skipped",
        "probe.d:make": "done",
        "probe.e:make": "skipped",
    }
    assert {one.step: (one.root, one.message) for one in report.steps if one.status == "skipped"} == dict.fromkeys(
        ["probe.b:make", "probe.c:make", "probe.e:make"], ("probe.a:make", "probe.a failed (make)")
    )
    assert [one.step for one in report.roots] == ["probe.a:make"]
    assert report.exit is ExitCode.STEP_FAILED
    assert [str(address) for address in world.recorded.resources] == ["probe.d"]
    assert world.recorded.interrupted == ()
    assert len(world.heard("step-skipped")) == 3


def test_a_refused_step_keeps_the_record_and_writes_its_version(world, make):
    assert world.apply([make.change("probe.a", {"value": "old"})]).exit is ExitCode.DONE
    before = world.recorded.resources
    changes = [
        make.change("probe.a", {"do": "reject"}),
        make.change("probe.b", needs=["probe.a"]),
        make.change("probe.c"),
    ]
    report = world.apply(changes)
    assert statuses(report) == {"probe.a:make": "rejected", "probe.b:make": "skipped", "probe.c:make": "done"}
    assert report.exit is ExitCode.GATE
    assert report.roots[0].message == "roc_auc 0.6 is less than 0.7"
    recorded = world.recorded
    address = Address.parse("probe.a")
    assert recorded.resources[address] == before[address]
    assert [version.name for version in recorded.versions[address]] == ["v1"]
    assert world.live.versions == recorded.versions
    assert world.heard("step-rejected") == [("step-rejected", "probe.a:make")]


def test_fail_fast_starts_nothing_more(world, make):
    changes = [make.change("probe.a", {"do": "fail"}), *(make.change(f"probe.z{n}") for n in range(5))]
    report = world.apply(changes, fail_fast=True, parallelism=1)
    found = statuses(report)
    assert found["probe.a:make"] == "failed" and "not-started" in found.values()
    assert report.exit is ExitCode.STEP_FAILED
    assert world.recorded.interrupted == ()


def test_stop_lets_what_runs_finish_and_starts_nothing_more(world, make):
    def stop(event):
        if event.type == "step-progress":  # the step is at work
            world.stop.set()

    changes = [make.change("probe.a", {"seconds": 0.2}), make.change("probe.b", needs=["probe.a"])]
    report = world.apply(changes, emit=stop)
    assert statuses(report) == {"probe.a:make": "done", "probe.b:make": "not-started"}
    assert report.exit is ExitCode.INTERRUPTED
    assert world.recorded.interrupted == ()
    world.stop.clear()
    assert world.apply(changes[1:]).exit is ExitCode.DONE


def test_a_stop_after_the_last_step_changes_nothing(world, make):
    def stop(event):
        if event.type == "step-done":
            world.stop.set()

    assert world.apply([make.change("probe.a")], emit=stop).exit is ExitCode.DONE


def test_a_program_without_steps_is_done(world, make):
    assert world.apply([]).exit is ExitCode.DONE


def test_settings_and_cosmetic_changes_need_no_executor(world, make):
    world.apply([make.change("probe.a", {"value": 1})])
    setting = SettingRecord(address=Address.parse("policy.p"), kind="Policy", spec={"require": "true"})
    change = make.change("probe.a", {"value": 1}, description="new", outputs={"value": 1})
    program = make.program([change], {"probe.a": ["record"]}, settings_after=(plain(setting),))
    step = Step(id="settings:record", address=Address.parse("project.p"), operation="settings", key="k")
    program = type(program)(
        **{name: getattr(program, name) for name in program.__slots__} | {"steps": (*program.steps, step)}
    )
    serial = world.store.head().serial
    report = world.apply([], program=program, executor=None)
    assert report.exit is ExitCode.DONE
    assert world.store.head().serial == serial + 1
    record = world.recorded.resources[Address.parse("probe.a")]
    assert record.description == "new" and record.outputs == {"value": 1} and record.facts == {"made": "make"}
    assert world.recorded.settings == {setting.address: setting}


def test_a_delete_removes_the_record_and_the_private_folder(world, make):
    world.apply([make.change("probe.a", {"value": 1})])
    private = world.home / "private" / "dev" / "probe.a"
    private.mkdir(parents=True)
    assert world.apply([make.change("probe.a", {"value": 1}, action=Action.DELETE)]).exit is ExitCode.DONE
    assert world.recorded.resources == {} and not private.exists()


def test_a_step_is_tried_again_as_often_as_its_run_says(world, make):
    report = world.apply([make.change("probe.a", {"do": "flaky"}, run=RunOptions(retries=1))])
    assert report.exit is ExitCode.DONE
    assert [event.message for event in world.events if event.data.get("attempt")] == [
        "attempt 1 of 2: the plugin step_kinds broke in make of probe.a: RuntimeError"
    ]
    report = world.apply([make.change("probe.b", {"do": "fail"}, run=RunOptions(retries=2))])
    assert report.exit is ExitCode.STEP_FAILED
    assert len([event for event in world.events if event.step == "probe.b:make" and event.type == "step-started"]) == 3
    assert world.recorded.interrupted == ()


def test_a_stop_while_a_step_waits_for_its_next_attempt_ends_it(world, make):
    begun = []

    def stop(event):
        begun.extend([event.step] if event.type == "step-started" else [])
        if "attempt" in event.data:
            threading.Timer(0.05, world.stop.set).start()

    change = make.change("probe.a", {"do": "fail"}, run=RunOptions(retries=3))
    started = time.monotonic()
    report = world.apply([change], retry_delay=120.0, emit=stop)
    assert statuses(report) == {"probe.a:make": "failed"} and time.monotonic() - started < 60
    assert begun == ["probe.a:make"]
    assert world.recorded.interrupted == ()


def test_what_hinders_a_request_fails_its_step_alone(world, make):
    def secrets_for(change):
        if str(change.address) == "probe.a":
            raise OrdainError(Diagnostic(code="secret-missing", summary="no secret", exit=ExitCode.NOT_PERMITTED))
        return {}

    changes = [make.change("probe.a"), make.change("probe.b", needs=["probe.a"]), make.change("probe.c")]
    report = world.apply(changes, secrets_for=secrets_for)
    assert statuses(report) == {"probe.a:make": "failed", "probe.b:make": "skipped", "probe.c:make": "done"}
    assert report.exit is ExitCode.NOT_PERMITTED
    assert world.recorded.interrupted == ()


def test_a_holder_who_lost_the_lock_writes_nothing_more(world, make):
    world.store.force_release("dev")
    world.store.acquire("dev", this_process(run="run-2", actor="bob", started=time.time()))
    report = world.apply([make.change("probe.a"), make.change("probe.b")])
    assert statuses(report) == {"probe.a:make": "not-started", "probe.b:make": "not-started"}
    assert report.diagnostics and report.exit is ExitCode.TIMEOUT
    assert world.recorded.resources == {}


def test_a_lock_lost_on_the_way_leaves_steps_interrupted(world, make):
    def lose(event):
        if event.type == "step-started":
            world.store.force_release("dev")

    report = world.apply([make.change("probe.a"), make.change("probe.b", needs=["probe.a"])], emit=lose)
    assert statuses(report) == {"probe.a:make": "interrupted", "probe.b:make": "not-started"}
    assert report.exit is ExitCode.TIMEOUT
    assert [entry.step for entry in world.recorded.interrupted] == ["probe.a:make"]


def test_heavy_steps_keep_to_their_limit(world, make):
    running, most = 0, 0

    class Counting(Instant):
        def submit(self, request, secrets, report):
            nonlocal running, most
            running += 1
            most = max(most, running)
            future = Future()

            def finish():
                nonlocal running
                running -= 1
                future.set_result(StepOutcome(result=StepResult(outputs={})))

            threading.Timer(0.02, finish).start()
            return future

    changes = [make.change(f"probe.p{n}") for n in range(8)]
    operations = {str(change.address): ["train*"] for change in changes}
    assert world.apply(changes, operations, executor=Counting(), heavy=2).exit is ExitCode.DONE
    assert most == 2


class Instant(Executor):
    """Does nothing, at once; fails or refuses what it was told to."""

    def __init__(self, failing=(), refused=()):
        self.failing, self.refused, self.order = set(failing), set(refused), []

    def submit(self, request, secrets, report):
        name = str(request.step.address)
        self.order.append(request.step.id)
        future = Future()
        if name in self.failing:
            outcome = StepOutcome(result=None, diagnostics=(Diagnostic(code="x", summary="failed"),))
        else:
            outcome = StepOutcome(result=StepResult(rejected="no" if name in self.refused else ""))
        future.set_result(outcome)
        return future

    def attach(self, key, report):
        return None

    def request(self, key):
        return None

    def cancel(self, key):
        return None

    def forget(self, key):
        return None

    def logs(self, key):
        return ""

    def close(self):
        return None


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 12))
    needs = {n: draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else set() for n in range(count)}
    label = st.sampled_from(["ok", "ok", "ok", "fail", "reject", "written"])
    return needs, {n: draw(label) for n in range(count)}, draw(st.integers(1, 3))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs())
def test_order_respects_needs_and_skips_are_exactly_the_descendants(world, make, drawn):
    needs, labels, parallelism = drawn
    changes = [make.change(f"value.v{n:02}", needs=[f"value.v{m:02}" for m in sorted(needs[n])]) for n in needs]
    operations = {f"value.v{n:02}": ["record"] for n in labels if labels[n] == "written"}
    program = make.program(changes, operations)
    bad = {n for n in labels if labels[n] in ("fail", "reject")}
    skipped = set()
    for n in needs:  # in topological order
        if needs[n] & (bad | skipped):
            skipped.add(n)
    executor = Instant(
        failing={f"value.v{n:02}" for n in labels if labels[n] == "fail"},
        refused={f"value.v{n:02}" for n in labels if labels[n] == "reject"},
    )
    ends = []
    report = execute(
        world.context(executor=executor, parallelism=parallelism, emit=lambda event: ends.append(event)), program
    )
    number = {step.id: n for n, step in enumerate(program.steps)}
    found = {number[one.step]: one for one in report.steps}
    assert {n for n in needs if found[n].status is StepStatus.SKIPPED} == skipped
    for n in needs:
        if n not in skipped:
            expected = {"fail": StepStatus.FAILED, "reject": StepStatus.REJECTED}.get(labels[n], StepStatus.DONE)
            assert found[n].status is expected
    for n in skipped:
        assert number[found[n].root] in bad - skipped
    submitted = [number[id] for id in executor.order]
    assert len(submitted) == len(set(submitted))
    done = {number[event.step]: place for place, event in enumerate(ends) if event.type == "step-done"}
    begun = {number[event.step]: place for place, event in enumerate(ends) if event.type == "step-started"}
    for n, place in begun.items():
        assert all(done[m] < place for m in needs[n])
    assert world.recorded.interrupted == ()


def test_ready_steps_start_in_sorted_order(world, make):
    executor = Instant()
    world.apply([make.change(f"value.v{n}") for n in (3, 1, 2)], executor=executor, parallelism=1)
    assert executor.order == ["value.v1:make", "value.v2:make", "value.v3:make"]


def test_many_light_steps_cost_few_writes(world, make):
    serial = world.store.head().serial
    report = world.apply([make.change(f"value.v{n:03}", {"value": n}) for n in range(300)])
    assert report.count(StepStatus.DONE) == 300 and len(world.recorded.resources) == 300
    assert world.store.head().serial - serial < 250  # one write each would be 600


def test_ends_and_begins_are_one_write(world, make):
    record = make.change("probe.a", {"value": 1})
    world.apply([record])
    put = PutResource(record=world.recorded.resources[record.address])
    first = JournalEntry(run="run-1", step="s1", key="k1", address=record.address, operation="make")
    second = JournalEntry(run="run-1", step="s2", key="k2", address=record.address, operation="make")
    world.store.begin_step("dev", first, 1.0, world.token)
    serial = world.store.head().serial
    end = StepEnd(
        entry=JournalEntry(run="run-1", step="s1", key="k1", address=record.address, operation="make", outcome="done"),
        at=2.0,
        mutations=(put,),
    )
    world.store.end_and_begin("dev", [end], [second], 2.0, world.token)
    assert [entry.step for entry in world.recorded.interrupted] == ["s2"]
    assert world.store.head().serial == serial + 1
    with pytest.raises(OrdainError):
        world.store.end_and_begin("dev", [end], [first], 3.0, world.token + 1)
    assert world.store.head().serial == serial + 1


@pytest.mark.parametrize(
    ("exits", "expected"),
    [
        ([], ExitCode.STEP_FAILED),
        ([ExitCode.SPEC], ExitCode.STEP_FAILED),
        ([ExitCode.FAILURE], ExitCode.STEP_FAILED),
        ([ExitCode.TIMEOUT], ExitCode.TIMEOUT),
        ([ExitCode.GATE], ExitCode.GATE),
        ([ExitCode.STALE, ExitCode.TIMEOUT], ExitCode.STALE),
        ([ExitCode.BUG, ExitCode.STALE], ExitCode.BUG),
    ],
)
def test_the_exit_code_is_that_of_what_went_wrong(exits, expected):
    diagnostics = tuple(Diagnostic(code="x", summary="x", exit=exit) for exit in exits)
    fields = {"step": "a:b", "address": Address.parse("probe.a"), "operation": "b"}
    failed = StepReport(**fields, status=StepStatus.FAILED, diagnostics=diagnostics)
    done = StepReport(**fields, status=StepStatus.DONE)
    rejected = StepReport(**fields, status=StepStatus.REJECTED)
    assert RunReport(steps=(done, failed)).exit is expected
    assert RunReport(steps=(done, rejected)).exit is ExitCode.GATE
    assert RunReport(steps=(done,), stopped=True).exit is ExitCode.DONE


def test_a_field_that_proves_wrong_only_in_apply_is_a_wrong_spec():
    wrong = Diagnostic(code="x", summary="x", path=("spec", "params"))
    for one, expected in ((wrong, ExitCode.SPEC), (replace(wrong, blame=Blame.WORLD), ExitCode.STEP_FAILED)):
        step = StepReport(
            step="s", address=Address.parse("probe.a"), operation="b", status=StepStatus.FAILED, diagnostics=(one,)
        )
        assert RunReport(steps=(step,)).exit is expected
