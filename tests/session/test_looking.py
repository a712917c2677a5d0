"""How looks are answered: by the provider, from memory, or not at all; and what is remembered of them."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from ordain.api import DataProvider, DeploymentTarget, InfrastructureDriver
from ordain.session import looking
from ordain.session.looking import Asker, Memory, load_memories, question, recall, save_memories
from ordain.values.address import Address
from ordain.values.data import Secret
from ordain.values.diagnostic import Diagnostic, Severity
from ordain.values.fingerprint import Fingerprint
from ordain.values.look import Evidence, Look, Sight
from ordain.values.record import ResourceRecord

ROWS = Address(kind="data_source", name="rows")
SEEN = Evidence(facts={"content": "old"}, witness={"size": 1})
PRINT = Fingerprint(build="", judge="", serve="", record="")
SAME, OTHER = {"path": "a.csv"}, {"path": "b.csv"}


class Data(DataProvider):
    def look(self, request):
        return Evidence(facts={"content": "new"}, witness={"size": 2})

    def read(self, spec, root):
        raise AssertionError("nothing is read")


class Target(DeploymentTarget):
    def look(self, request):
        return Evidence(facts={"running": True})

    def deploy(self, call):
        raise AssertionError

    def remove(self, call):
        raise AssertionError


class Driver(InfrastructureDriver):
    def look(self, request):
        return Evidence(facts={"sight": request.look.sight.value})

    def apply(self, call):
        raise AssertionError

    def destroy(self, call):
        raise AssertionError

    def reveal(self, record, output, places):
        return f"{record.address}: {output} in clear"


def recorded(address=ROWS, kind="DataSource", **more):
    return ResourceRecord(address=address, kind=kind, provider="mine", spec=SAME, fingerprint=PRINT, **more)


def look(sight=Sight.NO_REFRESH, spec=SAME, record=True, address=ROWS, kind="DataSource"):
    held = recorded(address, kind) if record else None
    return Look(address=address, kind=kind, provider="mine", spec=spec, record=held, sight=sight)


def memory(**more):
    return Memory(question=question(look(Sight.FULL, **more)), evidence=SEEN)


@pytest.fixture
def asker(tmp_path, monkeypatch):
    """An asker whose providers are the ones above."""
    providers = {"DataSource": Data(), "Deployment": Target(), "Infrastructure": Driver()}
    monkeypatch.setattr(looking, "load_provider", providers.__getitem__)

    def make(**more):
        context = SimpleNamespace(root=tmp_path, cache=tmp_path, private=lambda *_: tmp_path / "private")
        return Asker(
            context=context,
            environment="dev",
            targets={(kind, "mine"): kind for kind in providers},
            secrets=SimpleNamespace(open=lambda leaf: "opened"),
            store=None,
            **{"memories": {}, **more},
        )

    return make


@pytest.mark.parametrize("sight", [Sight.FULL, Sight.REFRESH_ONLY])
@pytest.mark.parametrize("provider", [Data(), Target(), Driver()])
def test_as_a_rule_every_look_is_taken(sight, provider):
    assert recall(look(sight), memory(), provider) is None


@pytest.mark.parametrize("provider", [Data(), Target()])
def test_without_refresh_what_was_seen_last_time_counts_whatever_its_age(provider):
    assert recall(look(), memory(), provider) == SEEN


@pytest.mark.parametrize("provider", [Data(), Target(), Driver()])
def test_what_is_not_recorded_is_looked_at_even_without_refresh(provider):
    assert recall(look(record=False), memory(record=False), provider) is None


def test_a_driver_is_told_itself_not_to_look():
    assert recall(look(), memory(), Driver()) is None


def test_what_is_asked_anew_is_not_answered_with_what_was_asked_before():
    assert recall(look(spec=OTHER), memory(), Data()) is None
    assert recall(look(spec=OTHER), memory(), Target()) == Evidence()


def test_a_deployment_that_nobody_remembers_stands_as_recorded():
    assert recall(look(), None, Target()) == Evidence()


def test_the_question_is_the_same_however_it_may_be_answered():
    assert len({question(look(sight, record=record)) for sight in Sight for record in (True, False)}) == 1
    assert question(look()) != question(look(spec=OTHER))
    assert question(look()) != question(replace(look(), importing=("a=b",)))
    assert question(look()) != question(replace(look(), forced=True))


def test_data_that_has_to_be_looked_at_in_spite_of_no_refresh_is_and_that_is_said(asker):
    seen = asker().ask(look())
    (warning,) = seen.problems
    assert (
        seen.facts == {"content": "new"} and warning.severity is Severity.WARNING and "--no-refresh" in warning.summary
    )
    assert asker().ask(look(record=False)).problems == ()
    assert asker().ask(look(Sight.FULL)).problems == ()
    assert asker(memories={str(ROWS): memory()}).ask(look()) == SEEN


def test_a_driver_is_asked_and_knows_how_it_may_look(asker):
    assert asker().ask(look(kind="Infrastructure")) == Evidence(facts={"sight": "no-refresh"})


def test_memories_are_kept_for_the_next_time_but_not_those_of_broken_looks(asker):
    context = asker().context
    anyway = asker().ask(look())
    save_memories(context, "dev", {ROWS: look()}, {ROWS: anyway})
    assert load_memories(context, "dev")[str(ROWS)].evidence == replace(anyway, problems=())
    assert asker(memories=load_memories(context, "dev")).ask(look()).problems == ()


BROKEN = Evidence(problems=(Diagnostic(code="broken", summary="broken"),))


@pytest.mark.parametrize(
    "failed", [BROKEN, replace(BROKEN, witness={"size": 1}), replace(SEEN, problems=BROKEN.problems)]
)
def test_a_look_that_fails_takes_nothing_from_what_is_remembered(asker, failed):
    context = asker().context
    save_memories(context, "dev", {ROWS: look()}, {ROWS: failed})
    assert load_memories(context, "dev") == {}
    save_memories(context, "dev", {ROWS: look()}, {ROWS: SEEN})
    save_memories(context, "dev", {ROWS: look(Sight.FULL)}, {ROWS: failed})
    assert load_memories(context, "dev")[str(ROWS)] == memory()
    assert asker(memories=load_memories(context, "dev")).ask(look()) == SEEN
    save_memories(context, "dev", {ROWS: look(spec=OTHER)}, {ROWS: failed})
    assert load_memories(context, "dev") == {}


def test_what_was_seen_without_a_witness_is_not_what_was_seen_before(asker):
    context = asker().context
    save_memories(context, "dev", {ROWS: look()}, {ROWS: SEEN})
    save_memories(context, "dev", {ROWS: look()}, {ROWS: Evidence(facts={"content": "half"})})
    assert load_memories(context, "dev") == {}


def test_what_is_recorded_and_not_come_to_is_remembered(asker):
    context = asker().context
    save_memories(context, "dev", {ROWS: look()}, {ROWS: SEEN})
    save_memories(context, "dev", {}, {}, [ROWS])
    assert load_memories(context, "dev").keys() == {str(ROWS)}
    save_memories(context, "dev", {}, {})
    assert load_memories(context, "dev") == {}


def test_a_refresh_of_a_few_forgets_nothing_of_the_others(asker):
    context = asker().context
    save_memories(context, "dev", {ROWS: look(Sight.FULL)}, {ROWS: SEEN})
    bucket = Address(kind="infrastructure", name="bucket")
    few = look(Sight.REFRESH_ONLY, address=bucket, kind="Infrastructure")
    save_memories(context, "dev", {bucket: few}, {bucket: SEEN})
    assert load_memories(context, "dev").keys() == {str(ROWS), str(bucket)}
    save_memories(context, "dev", {bucket: look(Sight.FULL, address=bucket)}, {bucket: SEEN})
    assert load_memories(context, "dev").keys() == {str(bucket)}


@pytest.mark.parametrize("name", ["infrastructure.bucket", "infrastructure.former", 'infrastructure.former["eu"]'])
def test_a_secret_output_is_revealed_under_its_present_name_and_a_former_one(asker, monkeypatch, name):
    bucket = Address(kind="infrastructure", name="bucket")
    token = Secret(expression="e", names=(f"{name}.outputs.token",))
    record = recorded(bucket, "Infrastructure", outputs={"token": token})
    reads = Secret(
        expression="${{ infrastructure.bucket.outputs.token }}", names=("infrastructure.bucket.outputs.token",)
    )
    seen = []
    data = Data()
    data.look = lambda request: seen.append(request.spec) or Evidence()
    monkeypatch.setattr(looking, "load_provider", {"DataSource": data, "Infrastructure": Driver()}.__getitem__)
    asker(records={bucket: record}).ask(look(Sight.FULL, spec={"token": reads}))
    assert seen == [{"token": "infrastructure.bucket: token in clear"}]
