from dataclasses import replace

import pytest

from ordain.api import Blame, ExitCode, Reference, ResourceRecord, Secret, Unknown
from ordain.api.fingerprints import fingerprint_of, record_part
from ordain.api.registry import load_kind, spec_model
from ordain.apply import fold
from ordain.apply.run import Live
from ordain.apply.scrub import Scrub
from ordain.apply.worker import perform
from ordain.plan.resolve import known_outputs
from ordain.values.address import Address
from ordain.values.change import Action
from ordain.values.fingerprint import Fingerprint
from ordain.values.record import Head, Recorded
from ordain.values.resource import Lifecycle, Resource
from ordain.values.span import Source

CANARY = "canary-7f3a-sings"
PASSWORD = "correct-horse-battery"
VAULT = Address.parse("infrastructure.vault")
UP = Address.parse("probe.up")
PRINT = Fingerprint(build="b", judge="j", serve="s", record="r")
CANARY_LEAF = Secret(expression="${{ secret.CANARY }}", names=("secret.CANARY",), digest="c" * 32)


def reference(text):
    kind, name, _, *path = text.split(".")
    return Reference(address=Address(kind=kind, name=name), path=tuple(path))


def unknown(expression, *refs):
    return Unknown(expression=expression, refs=tuple(map(reference, refs)))


def sealed_output(name):
    text = f"infrastructure.vault.outputs.{name}"
    return Secret(expression=f"${{{{ {text} }}}}", names=(text,), digest="d" * 32)


UPSTREAM = (
    ResourceRecord(
        address=VAULT,
        kind="Infrastructure",
        provider="vault",
        spec={},
        fingerprint=PRINT,
        outputs={"password": sealed_output("password"), "login": sealed_output("login"), "host": "db1"},
    ),
    ResourceRecord(
        address=UP,
        kind="Probe",
        provider=None,
        spec={},
        fingerprint=PRINT,
        outputs={"value": {"port": 5432, "list": [1, 2], "secret": CANARY_LEAF, "handed": sealed_output("password")}},
    ),
)
SECRETS = {"secret.CANARY": CANARY}
ASKING = {"upstream": UPSTREAM, "targets": {str(VAULT): "step_kinds:Vault"}}


@pytest.fixture
def run(make, tmp_path):
    """Perform one step of a probe and return its outcome; what it reported is kept in ``heard``."""

    def run(spec, *, operation="make", secrets=SECRETS, **more):
        change_fields = {name: more.pop(name) for name in ("action", "lifecycle", "outputs", "needs") if name in more}
        change = make.change("probe.a", spec, **change_fields)
        (step,) = make.steps([change], {"probe.a": [operation]})
        run.heard, run.change, run.step = [], change, step
        return perform(make.request(tmp_path, step, change, **{**ASKING, **more}), secrets, run.heard.append)

    return run


def result_of(outcome):
    assert outcome.diagnostics == ()
    return outcome.result


def problem_of(outcome):
    assert outcome.result is None
    (problem,) = outcome.diagnostics
    return problem


def test_a_known_spec_is_performed_as_planned(run):
    outcome = run({"value": {"a": [1, 2.5, None]}})
    assert result_of(outcome).outputs == {"value": {"a": [1, 2.5, None]}}
    assert outcome.change is None and outcome.seconds > 0


def test_unknown_outputs_are_filled_in_with_their_types(run):
    outcome = run({
        "value": {
            "port": unknown("${{ probe.up.outputs.value.port }}", "probe.up.outputs.value.port"),
            "url": unknown("${{ infrastructure.vault.outputs.host }}:5", "infrastructure.vault.outputs.host"),
        },
        "number": unknown("${{ probe.up.outputs.value.port + 1 }}", "probe.up.outputs.value.port"),
    })  # fmt: skip
    assert result_of(outcome).outputs == {"value": {"port": 5432, "url": "db1:5"}}
    assert outcome.change.after["number"] == 5433 and outcome.change.after["do"] == ""


READS = {
    "plain": unknown("${{ probe.up.outputs.value.port }}", "probe.up.outputs.value.port"),
    "text": unknown("x-${{ infrastructure.vault.outputs.host }}", "infrastructure.vault.outputs.host"),
    "secret": unknown("${{ infrastructure.vault.outputs.password }}", "infrastructure.vault.outputs.password"),
    "joined": unknown(
        "${{ infrastructure.vault.outputs.host }}:${{ infrastructure.vault.outputs.password }}",
        "infrastructure.vault.outputs.host",
        "infrastructure.vault.outputs.password",
    ),
    "handed": unknown("${{ probe.up.outputs.value.handed }}", "probe.up.outputs.value.handed"),
    "own": CANARY_LEAF,
    "mixed": Secret(
        expression="${{ secret.CANARY }}@${{ infrastructure.vault.outputs.host }}",
        names=("secret.CANARY",),
        refs=(reference("infrastructure.vault.outputs.host"),),
        digest="e" * 32,
    ),
}


@pytest.mark.parametrize("name", READS)
def test_the_next_plan_sees_what_was_applied(run, name):
    """The worker completes a change to what the planner would make of it, once all outputs are known."""
    outcome = run({"value": READS[name], "number": READS["plain"]})
    result_of(outcome)
    change = outcome.change
    model = spec_model("step_kinds:Probe", "")
    desired = Resource(
        address=change.address,
        kind="Probe",
        provider=None,
        spec={"value": READS[name], "number": READS["plain"]},
        source=Source(file="x", line=1, text=""),
        depends_on=(VAULT, UP),
    )

    class Outlook:
        def __init__(self, record):
            self.outputs, self.deferred = record.outputs, ""

    planned = known_outputs(desired, {record.address: Outlook(record) for record in UPSTREAM})
    defaults = {"do": "", "seconds": 0.0, "mark": "", "until": ""}
    assert change.after == {**planned.spec, **defaults}
    assert change.fingerprint == fingerprint_of(model, change.after, change.inputs, record_part(change))
    # a retry, or a plan that was made when the outputs were known already, comes to the same
    again = run(planned.spec)
    assert (again.change or run.change).after == change.after
    assert load_kind("step_kinds:Probe").name == "Probe"


CLEAR = {
    "secret": PASSWORD,
    "joined": f"db1:{PASSWORD}",
    "handed": PASSWORD,
    "own": CANARY,
    "mixed": f"{CANARY}@db1",
}


@pytest.mark.parametrize("name", CLEAR)
def test_a_call_gets_secrets_in_clear_and_nothing_else_does(run, name, tmp_path):
    outcome = run({"value": READS[name], "do": "talk"})
    assert result_of(outcome).message == "used (secret)"
    assert [word.message for word in run.heard] == ["working on (secret)", "saw (secret)"]
    assert CLEAR[name] not in f"{outcome} {run.heard}"
    leak = problem_of(run({"value": READS[name], "do": "leak"}))
    assert (leak.code, leak.blame, leak.exit, leak.plugin) == (
        "plugin-leak",
        Blame.PLUGIN,
        ExitCode.BUG,
        "step_kinds",
    )
    assert "outputs" in leak.summary and CLEAR[name] not in f"{leak}"
    assert "facts" in problem_of(run({"value": READS[name], "do": "leak-facts"})).summary
    broken = problem_of(run({"value": READS[name], "do": "crash"}))
    assert "out of luck with (secret)" in broken.detail
    files = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert files and not [text for text in files if CANARY in text or PASSWORD in text]


def test_a_part_of_a_secret_output_is_found_inside_it(run):
    leaf = unknown("${{ infrastructure.vault.outputs.login.key }}", "infrastructure.vault.outputs.login.key")
    leak = problem_of(run({"value": leaf, "do": "leak"}))
    assert leak.code == "plugin-leak"
    outcome = run({"value": leaf})
    assert isinstance(result_of(outcome).outputs["value"], Secret)


def test_a_value_that_does_not_fit_is_told_with_its_field(run):
    problem = problem_of(run({"number": unknown("${{ infrastructure.vault.outputs.host }}", f"{VAULT}.outputs.host")}))
    assert problem.code == "spec-value" and "spec.number" in problem.summary
    assert problem.exit is ExitCode.STEP_FAILED


HALVED = unknown("${{ probe.up.outputs.value.list / 2 }}", "probe.up.outputs.value.list")


@pytest.mark.parametrize(
    ("spec", "more", "code"),
    [
        ({"value": unknown("${{ probe.up.outputs.gone }}", "probe.up.outputs.gone")}, {}, "output-missing"),
        ({"value": unknown("${{ probe.no.outputs.x }}", "probe.no.outputs.x")}, {}, "output-missing"),
        ({"value": HALVED}, {}, "expression-failed"),
        ({"value": CANARY_LEAF}, {"secrets": {}}, "secret-missing"),
        ({"value": READS["secret"]}, {"targets": {}}, "secret-output"),
    ],
)  # fmt: skip
def test_what_cannot_be_resolved_is_told(run, spec, more, code):
    problem = problem_of(run(spec, **more))
    assert problem.code == code and problem.fix and problem.address == Address.parse("probe.a")


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("nothing", "gave back None where a StepResult belongs"),
        ("nan", "gave back nan at outputs.value"),
        ("object", "gave back a object at facts.a, which is no JSON"),
        ("other-outputs", "outputs that are not a Probe's: outputs.valu"),
    ],
)
def test_a_wrong_answer_is_blamed_on_the_plugin(run, do, words):
    problem = problem_of(run({"do": do}))
    assert words in problem.summary and problem.summary.startswith("the plugin step_kinds ")
    assert (problem.blame, problem.exit, problem.plugin) == (Blame.PLUGIN, ExitCode.BUG, "step_kinds")


def test_the_session_may_name_the_plugin(run):
    assert problem_of(run({"do": "nothing"}, plugin="probing")).plugin == "probing"


def test_an_exception_is_blamed_on_the_plugin_with_its_place(run, tmp_path):
    problem = problem_of(run({"do": "crash", "value": 7}))
    assert problem.summary == "the plugin step_kinds broke in make of probe.a: RuntimeError"
    assert "out of luck with 7 at step_kinds.py:" in problem.detail
    assert (problem.blame, problem.exit) == (Blame.PLUGIN, ExitCode.STEP_FAILED)
    log = tmp_path / ".ordain" / "logs" / "probe-a-make.log"
    assert "Traceback" in log.read_text() and ".ordain/logs/probe-a-make.log" in problem.detail


def test_a_plugin_that_is_gone_is_told(run):
    problem = problem_of(run({}, provider_target="no_such_plugin.module:Thing"))
    assert problem.plugin == "no_such_plugin" and "ModuleNotFoundError" in problem.summary


def test_inputs_that_became_known_are_in_the_fingerprint(run):
    outcome = run({"do": "inputs"})
    change = outcome.change
    assert change.inputs == {"build": {}, "judge": {}, "serve": {"model": "v7"}}
    assert change.fingerprint.serve != run.change.fingerprint.serve
    assert change.fingerprint.build == run.change.fingerprint.build


def test_a_refusal_needs_no_outputs(run):
    outcome = run({"do": "reject"})
    assert result_of(outcome).rejected and outcome.change is None


def test_what_is_ignored_stays_as_it_was_recorded(run):
    record = replace(UPSTREAM[1], address=Address.parse("probe.a"), spec={"number": 9, "value": 0})
    outcome = run(
        {"number": 1, "value": READS["plain"]}, lifecycle=Lifecycle(ignore_changes=("number",)), record=record
    )
    assert outcome.change.after["number"] == 9 and outcome.change.after["value"] == 5432


def test_a_delete_takes_the_recorded_spec_as_it_is(run, tmp_path):
    private = tmp_path / ".ordain" / "private" / "dev" / "probe.a"
    private.mkdir(parents=True)
    outcome = run({"value": CANARY_LEAF}, action=Action.DELETE, operation="delete")
    assert result_of(outcome) is not None and not private.exists()


def test_a_provider_finds_its_private_folder(run, tmp_path):
    result_of(run({"do": "private"}, provider_target="step_kinds:Vault"))
    folder = tmp_path / ".ordain" / "private" / "dev" / "probe.a"
    assert (folder / "kept").exists() and folder.stat().st_mode & 0o777 == 0o700


def test_what_is_only_written_down_is_completed_without_its_plugin(run):
    outcome = run({"value": READS["plain"], "do": "crash"}, operation="record", outputs={"value": READS["plain"]})
    assert result_of(outcome).outputs == {"value": 5432}
    (put,) = fold.mutations(outcome.change, run.step, outcome.result, "r", fold.Before())
    assert put.record.spec["value"] == 5432


def test_records_that_secrets_come_from_come_along(make):
    recorded = Recorded(
        head=Head(lineage="l", serial=1, format=1),
        environment="dev",
        resources={record.address: record for record in UPSTREAM},
        settings={},
    )
    change = make.change("probe.a", needs=["probe.up"])
    assert [record.address for record in Live(recorded).upstream(change)] == [VAULT, UP]


def test_scrubbing():
    scrub = Scrub(['pa"ss\nword', "abc", "-----BEGIN KEY-----\nAAAABBBBCCCCDDDDEEEE\n-----END KEY-----"])
    assert scrub.text('x pa"ss\nword y') == "x (secret) y"
    assert scrub.text("abc AAAABBBBCCCCDDDDEEEE") == "abc (secret)"
    assert scrub.found({"a": ['-pa"ss\nword-']}) and not scrub.found({"a": "abc"})
    assert not Scrub([]) and Scrub().text("x") == "x"
    later = Scrub()
    later.add({"user": "ann", "key": ["k1", "long-key-1"]})
    assert later.text("ann k1 long-key-1") == "ann k1 (secret)"
