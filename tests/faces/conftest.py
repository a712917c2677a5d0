"""Plans of the flagship as the planner makes them, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from ordain.values.address import Address, Reference
from ordain.values.approval import ApprovalRule
from ordain.values.change import Action, Branch, Cause, CauseCode, Change, Effect, FieldChange, Nested
from ordain.values.data import Secret, Unknown
from ordain.values.diagnostic import Blame, Diagnostic, ExitCode, Severity
from ordain.values.fingerprint import digest
from ordain.values.plan import (
    Drift,
    Envelope,
    Estimate,
    Excuse,
    ExcuseKind,
    Finding,
    Plan,
    PluginUse,
    Program,
    Read,
    SettingChange,
    Status,
    Step,
)
from ordain.values.record import Outcome
from ordain.values.resource import Lifecycle
from ordain.values.setting import Level, PolicySeverity
from ordain.values.span import Span


def _a(text: str) -> Address:
    return Address.parse(text)


CAMPAIGNS, TRAINING = _a("data_source.campaigns"), _a("dataset.training")
MODEL, SERVER, BUCKET = _a("model.subscriber"), _a("deployment.subscriber-api"), _a("infrastructure.bucket")
VERSION = Unknown(
    expression="${{ model.subscriber.outputs.version }}", refs=(Reference(address=MODEL, path=("version",)),)
)


def _at(line: int, column: int = 1, file: str = "models.yaml") -> Span:
    return Span(file=file, line=line, column=column)


def _plan(
    environment: str = "dev",
    estimates: Mapping[str, Estimate] | None = None,
    duration: Estimate | None = None,
    **parts: object,
) -> Plan:
    changes = parts.get("changes", ())
    acting = [c for c in changes if c.acts]
    given = {
        "project": "term-deposit",
        "mode": "normal",
        "lineage": "0d9c2f3e",
        "serial": 41,
        "spec_digest": digest("spec"),
        "status": Status(applyable=bool(acting), complete=True, errored=False),
        "summary": {"no-op": 3},
        "steps": tuple(
            Step(id=f"{c.address}:{c.effect}", address=c.address, operation=str(c.effect), key=digest(str(c.address)))
            for c in acting
        ),
        "reads": tuple(Read(object=f"state:{c.address}", version=digest("x")) for c in acting),
        "plugins": (PluginUse(name="kinds", version="0.1.0"), PluginUse(name="sklearn", version="0.1.0")),
        **parts,
    }
    program = Program(environment=environment, **given)
    envelope = Envelope(
        id="01JD8Z7V3N",
        created_at="2026-11-21T09:00:00Z",
        engine_version="0.1.0",
        estimates=estimates or {},
        duration=duration,
    )
    return Plan(program=program, digest=digest(program), envelope=envelope)


def _new(address: Address, line: int, provider: str, effect: Effect = Effect.CREATE, **more: object) -> Change:
    kind = "".join(part.capitalize() for part in address.kind.split("_"))
    given = {
        "causes": (Cause(code=CauseCode.NEW, address=address, detail="not in the state of dev yet", at=_at(line)),),
        "at": _at(line),
        **more,
    }
    return Change(address=address, kind=kind, provider=provider, action=Action.CREATE, effect=effect, **given)


def _update(address: Address, effect: Effect, *causes: Cause, **more: object) -> Change:
    kind = "".join(part.capitalize() for part in address.kind.split("_"))
    given = {"provider": None, "action": Action.UPDATE, **more}
    return Change(address=address, kind=kind, effect=effect, causes=causes, **given)


def first() -> Plan:
    return _plan(
        serial=0,
        summary={},
        changes=(
            _new(CAMPAIGNS, 1, "csv"),
            _new(TRAINING, 18, "sql", depends_on=(CAMPAIGNS,)),
            _new(
                SERVER,
                58,
                "http",
                depends_on=(MODEL,),
                fields=(FieldChange(path=("model",), after=VERSION, unknown=True),),
                after={"provider": "http", "model": "model.subscriber"},
                outputs={"url": Unknown(expression="url"), "version": VERSION},
            ),
            _new(
                BUCKET,
                3,
                "terraform",
                nested=(
                    Nested(address="terraform_data.bucket", action="create"),
                    Nested(address='terraform_data.prefix["raw"]', action="create"),
                ),
            ),
            _new(
                MODEL,
                30,
                "sklearn",
                Effect.TRAIN,
                depends_on=(TRAINING,),
                branches=(
                    Branch(
                        condition='roc_auc >= 0.70 and not_worse("roc_auc", 0.01)',
                        then="v8d1f2c3b4a59 becomes the champion",
                        otherwise="v8d1f2c3b4a59 is recorded as rejected; deployment.subscriber-api is skipped",
                    ),
                ),
                notes=("there is no champion yet: comparisons pass",),
                outputs={"metrics": Unknown(expression="metrics")},
            ),
        ),
        policy=(
            Finding(
                policy=_a("policy.fair-enough"),
                outcome=Outcome.UNKNOWN,
                level=Level.HARD,
                address=MODEL,
                message="candidate metrics are known after training",
            ),
        ),
    )


def spec_change() -> Plan:
    more_rounds = Cause(
        code=CauseCode.SPEC,
        address=MODEL,
        path=("spec", "params", "max_iter"),
        before=200,
        after=300,
        at=_at(41, 23),
    )
    return _plan(
        estimates={
            "model.subscriber": Estimate(p50=8.2, p90=12.0, runs=3),
            "deployment.subscriber-api": Estimate(p50=1.1, p90=1.5, runs=3),
        },
        duration=Estimate(p50=9.3, p90=13.5, runs=3),
        changes=(
            _update(
                CAMPAIGNS,
                Effect.COSMETIC,
                Cause(
                    code=CauseCode.SPEC,
                    address=CAMPAIGNS,
                    path=("description",),
                    before="calls",
                    after="Phone calls of a Portuguese bank, 2008 to 2010",
                    at=_at(3, 14, "data.yaml"),
                ),
            ),
            _update(
                SERVER,
                Effect.REDEPLOY,
                more_rounds,
                Cause(code=CauseCode.UPSTREAM, address=MODEL, detail="model.subscriber is retrained"),
                depends_on=(MODEL,),
                fields=(FieldChange(path=("version",), before="v8d1f2c3b4a59", unknown=True),),
            ),
            _update(
                MODEL,
                Effect.RETRAIN,
                more_rounds,
                depends_on=(TRAINING,),
                fields=(FieldChange(path=("spec", "params", "max_iter"), before=200, after=300),),
                branches=(
                    Branch(
                        condition='roc_auc >= 0.70 and not_worse("roc_auc", 0.01)',
                        then="v0c44e7a91b2f becomes the champion",
                        otherwise="v8d1f2c3b4a59 stays the champion",
                        passed=4,
                        judged=5,
                    ),
                ),
            ),
        ),
    )


DATA = Cause(
    code=CauseCode.DATA,
    address=CAMPAIGNS,
    path=("content",),
    before="sha256:a1",
    after="sha256:b7",
    detail="500 rows added (45,211 → 45,711); balance and age moved",
    data={
        "rows": {"before": 45211, "after": 45711, "added": 500},
        "columns": {
            "age": {"mean": [40.94, 41.3], "psi": 0.004, "moved": False},
            "contact": {"new": ["fax", "letter"], "gone": [], "psi": 0.001, "moved": True},
            "balance": {"mean": [1362.3, 1571.0], "null_share": [0.0, 0.024], "psi": 0.21, "moved": True},
        },
        "added": [],
        "removed": ["poutcome"],
        "since": "appended",
    },
)


def data_change() -> Plan:
    moved = Cause(code=CauseCode.UPSTREAM, address=CAMPAIGNS, detail="data_source.campaigns has new data")
    remade = Cause(code=CauseCode.UPSTREAM, address=TRAINING, detail="dataset.training has new data")
    trained = Cause(code=CauseCode.UPSTREAM, address=MODEL, detail="model.subscriber is retrained")
    return _plan(
        estimates={"model.subscriber": Estimate(p50=None, p90=None, runs=0)},
        changes=(
            _update(CAMPAIGNS, Effect.REFRESH_DATA, DATA),
            _update(TRAINING, Effect.REFRESH_DATA, DATA, moved, depends_on=(CAMPAIGNS,)),
            _update(SERVER, Effect.REDEPLOY, DATA, moved, remade, trained, depends_on=(MODEL,)),
            _update(
                MODEL,
                Effect.RETRAIN,
                DATA,
                moved,
                remade,
                Cause(
                    code=CauseCode.LIBRARY, address=MODEL, before="1.8", after="1.9", detail="scikit-learn 1.8 → 1.9"
                ),
                depends_on=(TRAINING,),
                branches=(
                    Branch(condition="roc_auc >= 0.70", then="the new version serves", otherwise="v8d1 keeps serving"),
                ),
            ),
        ),
    )


def denied() -> Plan:
    plan = spec_change().program
    return _plan(
        changes=plan.changes,
        status=Status(applyable=False, complete=True, errored=False),
        policy=(
            Finding(
                policy=_a("policy.no-personal-data"),
                outcome=Outcome.FAIL,
                level=Level.HARD,
                address=MODEL,
                message="model.subscriber reads personal data",
                remedy="exclude the column, or ask the data protection officer for a waiver",
                at=_at(30, 1),
            ),
            Finding(
                policy=_a("policy.owner-required"),
                outcome=Outcome.FAIL,
                level=Level.ADVISORY,
                address=SERVER,
                message="has no owner",
                remedy="write owner: team@example.com",
                at=_at(58, 1),
            ),
            Finding(
                policy=_a("policy.small-changes"),
                outcome=Outcome.ERROR,
                level=Level.SOFT,
                message="no such key: totl",
                at=_at(12, 3, "policies.yaml"),
            ),
            Finding(policy=_a("policy.named"), outcome=Outcome.PASS, level=Level.HARD, address=MODEL),
        ),
    )


def weakened() -> Plan:
    return _plan(
        steps=(Step(id="settings:record", address=_a("project.term-deposit"), operation="settings", key="k"),),
        status=Status(applyable=True, complete=True, errored=False),
        settings=(
            SettingChange(
                address=_a("environment.prod"),
                kind="Environment",
                action="update",
                fields=(
                    FieldChange(path=("approvals", "count"), before=2, after=1),
                    FieldChange(path=("soak",), before="3d", after="1d"),
                ),
                weakened=True,
                at=_at(9, 1, "ordain.yaml"),
            ),
            SettingChange(
                address=_a("policy.no-personal-data"),
                kind="Policy",
                action="update",
                fields=(FieldChange(path=("level",), before="hard", after="advisory"),),
                weakened=True,
                at=_at(4, 10, "policies.yaml"),
            ),
            SettingChange(
                address=_a("policy.owner-required"), kind="Policy", action="create", at=_at(11, 1, "policies.yaml")
            ),
        ),
    )


def deferred() -> Plan:
    waits = "the bucket must exist first: its path is ${{ infrastructure.bucket.outputs.url }}"
    return _plan(
        summary={},
        status=Status(applyable=True, complete=False, errored=False),
        changes=(
            _new(
                CAMPAIGNS,
                1,
                "csv",
                deferred=waits,
                after={"path": Unknown(expression="${{ infrastructure.bucket.outputs.url }}")},
            ),
            _new(TRAINING, 18, "sql", deferred="data_source.campaigns is deferred"),
            _new(BUCKET, 3, "terraform", nested=(Nested(address="terraform_data.bucket", action="create"),)),
        ),
    )


def promoted() -> Plan:
    return _plan(
        "prod",
        serial=44,
        changes=(
            _new(
                MODEL,
                30,
                "sklearn",
                Effect.PROMOTE,
                causes=(
                    Cause(
                        code=CauseCode.PROMOTION,
                        address=MODEL,
                        before=None,
                        after="v0c44e7a91b2f",
                        detail="v0c44e7a91b2f of dev has the same recipe; nothing is trained",
                    ),
                ),
            ),
            _new(_a("model.churn"), 80, "sklearn", Effect.BLOCKED,
                 blocked="dev has no version of this spec: params.max_depth is 6 there, 8 here; apply dev first"),
        ),
    )  # fmt: skip


def destroyed() -> Plan:
    def gone(address: Address, **more: object) -> Change:
        cause = Cause(code=CauseCode.REMOVED, address=address, detail="destroy was asked for")
        return Change(address=address, kind="X", provider=None, action=Action.DELETE, effect=Effect.DELETE,
                      causes=(cause,), **more)  # fmt: skip

    forget = Cause(
        code=CauseCode.REMOVED, address=_a("value.note"), detail="lifecycle.keep_on_remove: stays in the world"
    )
    return _plan(
        mode="destroy",
        summary={},
        changes=(
            gone(SERVER),
            gone(BUCKET, nested=(Nested(address="terraform_data.bucket", action="delete"),)),
            gone(
                MODEL,
                blocked="protected: set lifecycle.protect: false and apply before it may be removed",
                protected=True,
                lifecycle=Lifecycle(protect=True),
            ),
            Change(
                address=_a("value.note"),
                kind="Value",
                provider=None,
                action=Action.FORGET,
                effect=Effect.FORGET,
                causes=(forget,),
            ),
        ),
    )


def empty() -> Plan:
    return _plan(summary={"no-op": 12})


def many() -> Plan:
    return _plan(
        changes=tuple(
            _update(
                _a(f"value.item-{number:03}"),
                Effect.UPDATE,
                Cause(
                    code=CauseCode.SPEC,
                    address=_a(f"value.item-{number:03}"),
                    path=("spec", "value"),
                    before=number,
                    after=number + 1,
                    at=_at(number * 5 + 4, 10, "items.yaml"),
                ),
                fields=(FieldChange(path=("spec", "value"), before=number, after=number + 1),),
                depends_on=(_a(f"value.item-{number - 1:03}"),) if number else (),
            )
            for number in range(200)
        ),
    )


def secrets() -> Plan:
    old = Secret(expression="${{ secret.DB_URL }}", names=("secret.DB_URL",), digest="k:1")
    new = Secret(expression="${{ secret.DB_URL }}", names=("secret.DB_URL",), digest="k:2")
    return _plan(
        changes=(
            _update(
                _a("data_source.warehouse"),
                Effect.UPDATE,
                Cause(
                    code=CauseCode.SPEC,
                    address=_a("data_source.warehouse"),
                    path=("spec", "url"),
                    before=old,
                    after=new,
                    at=_at(7, 8, "data.yaml"),
                ),
                fields=(
                    FieldChange(path=("spec", "url"), before=old, after=new, sensitive=True),
                    FieldChange(path=("spec", "query"), before="select 1", after=VERSION, unknown=True),
                    FieldChange(path=("spec", "token"), before="must-not-show", after="nor-this", sensitive=True),
                    FieldChange(path=("spec", "tags"), before=["a"], after=["b"], suppressed="ignore_changes"),
                ),
            ),
        ),
        drift=(
            Drift(address=SERVER, detail="the server does not answer; it was running on port 8123",
                  fields=(FieldChange(path=("url",), before="http://127.0.0.1:8123", after=None),)),
            Drift(address=_a("data_source.warehouse"), detail="the table has another owner",
                  fields=(FieldChange(path=("owner",), before="ana", after="postgres"),)),
        ),
    )  # fmt: skip


def errored() -> Plan:
    return _plan(
        status=Status(applyable=False, complete=True, errored=True),
        diagnostics=(
            Diagnostic(
                code="contract-broken",
                summary="data_source.campaigns breaks its contract",
                detail="12 of 45,711 rows have an age below 17\nthe contract says min: 17",
                fix="repair the rows, or set on_fail: quarantine",
                blame=Blame.WORLD,
                exit=ExitCode.GATE,
                address=CAMPAIGNS,
                at=_at(10, 16, "data.yaml"),
                snippet="      age:     {type: integer, min: 17, max: 100}",
                related=((_at(13, 5, "data.yaml"), "on_fail: stop stands here"),),
            ),
            Diagnostic(code="plugin-slow", summary="a plugin took long", severity=Severity.WARNING, blame=Blame.PLUGIN,
                       plugin="ordain_sklearn"),
        ),
    )  # fmt: skip


def language() -> Plan:
    """What a refactoring, an import, another signature and other ways to run come to; narrowed by selectors."""
    north = _a('model.churn["north"]')
    dropped = Cause(
        code=CauseCode.SPEC,
        address=MODEL,
        path=("spec", "features", "exclude"),
        before=["contact"],
        after=["contact", "balance"],
        at=_at(36, 24),
    )
    left = "not selected"
    return _plan(
        selection=("model.*", "infrastructure.bucket", "!deployment.shadow"),
        estimates={"model.subscriber": Estimate(p50=95.0, p90=140.0, runs=6)},
        duration=Estimate(p50=95.0, p90=140.0, runs=6),
        changes=(
            _update(
                MODEL,
                Effect.RETRAIN_INCOMPATIBLE,
                dropped,
                fields=(FieldChange(path=("spec", "features", "exclude"), before=["contact"],
                                    after=["contact", "balance"]),),
                branches=(Branch(condition="gates pass: roc_auc >= 0.70", then="v0c44 becomes champion",
                                 otherwise="champion v8d1 stays", passed=0, judged=3),),
                notes=("signature: - balance",),
            ),
            _update(
                SERVER,
                Effect.REDEPLOY,
                dropped,
                Cause(code=CauseCode.UPSTREAM, address=MODEL, detail="model.subscriber is retrained"),
                depends_on=(MODEL,),
            ),
            _update(
                north,
                Effect.MOVE,
                Cause(code=CauseCode.MOVED, address=north, before="model.old", after=str(north),
                      detail=f"model.old is called {north} now", at=_at(3, 9, "moves.yaml")),
                previous_address=_a("model.old"),
            ),
            _new(
                BUCKET,
                3,
                "terraform",
                Effect.IMPORT,
                causes=(Cause(code=CauseCode.IMPORTED, address=BUCKET, after="raw-calls",
                              detail="the world has raw-calls already", at=_at(9, 7, "moves.yaml")),),
                importing=("raw-calls",),
            ),
            _update(
                _a("model.scores"),
                Effect.ENV_ONLY,
                Cause(code=CauseCode.SPEC, address=_a("model.scores"), path=("run", "executor"), before="default",
                      after="gpu", at=_at(90, 20)),
            ),
            _update(
                _a("model.fraud"),
                Effect.ROLL_BACK,
                Cause(code=CauseCode.SPEC, address=_a("model.fraud"), path=("spec", "seed"), before=8, after=7,
                      at=_at(99, 9)),
                notes=("v77aa was trained before: nothing is trained again",),
            ),
            Change(address=_a("model.retired"), kind="Model", provider=None, action=Action.DELETE,
                   effect=Effect.RETIRE,
                   causes=(Cause(code=CauseCode.REMOVED, address=_a("model.retired"),
                                 detail="no longer in the specs"),)),
            Change(address=_a("model.quiet"), kind="Model", provider=None, action=Action.NO_OP, effect=Effect.NONE,
                   notes=("data_source.campaigns changed in duration, not read by model.quiet",)),
            _new(_a("deployment.shadow"), 70, "http", unselected="barred"),
            _new(_a("deployment.mirror"), 75, "http", unselected="it needs deployment.shadow, which is left out"),
            Change(address=_a("value.gone"), kind="Value", provider=None, action=Action.DELETE, effect=Effect.DELETE,
                   unselected=left),
        ),
    )  # fmt: skip


def judged() -> Plan:
    """What policies of each level find, and what is spared or borne with; in an environment that asks for approvals."""

    def found(name: str, level: Level, severity: PolicySeverity, address: Address | None, message: str,
              **more: object) -> Finding:  # fmt: skip
        given = {"outcome": Outcome.FAIL, "owner": "risk@example.com", "at": _at(30, 9), **more}
        return Finding(
            policy=_a(f"policy.{name}"), level=level, severity=severity, address=address, message=message, **given
        )

    spared = Excuse(kind=ExcuseKind.EXCEPTION, reason="contract ends in March", until="2027-03-02T00:00:00+00:00")
    borne = Excuse(kind=ExcuseKind.OVERRIDE, reason="the auditors know; see RISK|42", until="2026-12-01T09:30:00+00:00",
                   by="risk@example.com")  # fmt: skip
    hard, soft, shown = Level.HARD, Level.SOFT, Level.ADVISORY
    low, medium, high, critical = PolicySeverity
    plan = spec_change().program
    return _plan(
        "prod",
        changes=plan.changes,
        status=Status(applyable=False, complete=True, errored=False),
        policy=(
            found("freeze", soft, low, None, "nothing goes on a Friday", owner="", at=_at(12, 3, "policies.yaml")),
            found("no-personal-data", hard, critical, MODEL, "model.subscriber reads personal data",
                  remedy="exclude the column, or ask the data protection officer for a waiver",
                  link="https://wiki.example.com/policies/personal-data?v=2"),
            found("owner-required", shown, low, SERVER, "has no owner", remedy="write owner: team@example.com"),
            found("owner-required", shown, high, MODEL, "has no owner", link="docs/owners.md"),
            found("licence", hard, high, CAMPAIGNS, "data_source.campaigns has no licence", excuse=spared,
                  remedy="must not be shown: nothing is to be done"),
            found("age", soft, medium, CAMPAIGNS, "campaigns are 40 days old", excuse=borne),
            found("fair-enough", hard, medium, MODEL, "metrics are known after training", outcome=Outcome.UNKNOWN),
            found("small-changes", shown, medium, None, "it cannot be judged: no such key: totl",
                  outcome=Outcome.ERROR),
        ),
        approvals=ApprovalRule(
            count=2, roles=("risk",), people={"risk": ("risk@example.com", "rita@example.com")}, not_author=True,
            expires=259_200.0,
        ),
    )  # fmt: skip


KEYS = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBu15s8Jl8Tso7vkzE/jAXRhjVMYe5IMrqcfdVAxYEeY",
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBG==",
)


def signers() -> Plan:
    """Who may sign, and how much is asked for, changed; somebody went without approvals before."""
    asked = ApprovalRule(count=2, roles=("risk",), people={"risk": ("risk@example.com",)})
    settings = _a("environment.prod"), _a("policy.licence"), _a("signers.allowed")
    return _plan(
        "prod",
        steps=(Step(id="settings:record", address=_a("project.term-deposit"), operation="settings", key="k"),),
        status=Status(applyable=True, complete=True, errored=False),
        approvals_before=asked,
        approvals=replace(asked, count=1, roles=(), people={}),
        diagnostics=(
            Diagnostic(
                code="break-glass",
                summary="bob@example.com applied to prod on 2026-11-20 without the approvals that were asked for",
                detail="the reason given: the site is down",
                fix="look at what was applied (`ordain history`), and apply a plan that is approved",
                severity=Severity.WARNING,
                blame=Blame.WORLD,
            ),
        ),
        settings=(
            SettingChange(
                address=settings[0],
                kind="Environment",
                action="update",
                fields=(FieldChange(path=("approvals", "count"), before=2, after=1),),
                weakened=True,
                at=_at(9, 23, "ordain.yaml"),
            ),
            SettingChange(
                address=settings[1],
                kind="Policy",
                action="update",
                fields=(
                    FieldChange(
                        path=("exceptions",),
                        before=[],
                        after=[{"resources": ["data_source.*"], "reason": "legacy", "until": "2027-03-01"}],
                    ),
                ),
                weakened=True,
                at=_at(21, 5, "policies.yaml"),
            ),
            SettingChange(
                address=settings[2],
                kind="Signers",
                action="update",
                fields=(
                    FieldChange(path=("keys", KEYS[0]), after={"people": ["mallory@example.com"], "after": None,
                                                               "before": "2027-03-01T00:00:00+00:00"}),
                    FieldChange(path=("keys", KEYS[1], "people"), before=["ana@example.com"],
                                after=["ana@example.com", "bob@example.com"]),
                ),
                weakened=True,
                at=_at(1, 1, "allowed_signers"),
            ),
        ),
    )  # fmt: skip


PLANS: Mapping[str, Callable[[], Plan]] = {
    "first": first,
    "spec_change": spec_change,
    "data_change": data_change,
    "denied": denied,
    "weakened": weakened,
    "deferred": deferred,
    "promoted": promoted,
    "destroyed": destroyed,
    "empty": empty,
    "many": many,
    "secrets": secrets,
    "errored": errored,
    "language": language,
    "judged": judged,
    "signers": signers,
}


@pytest.fixture(params=sorted(PLANS))
def plan(request: pytest.FixtureRequest) -> Plan:
    return PLANS[request.param]()


@pytest.fixture
def plans() -> Mapping[str, Callable[[], Plan]]:
    return PLANS
