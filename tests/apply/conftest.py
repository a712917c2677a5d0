"""A project in miniature: a real state, a real executor, kinds that do what their spec says."""

import os
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ordain.api import Address, Change, Effect, StepRequest, spec_model
from ordain.api.fields import check
from ordain.api.fingerprints import fingerprint_of, record_part
from ordain.apply.local import LocalExecutor
from ordain.apply.run import Live, RunContext
from ordain.apply.scheduler import execute
from ordain.state.host import this_process
from ordain.state.sqlite import open_store
from ordain.values.change import Action
from ordain.values.data import has_unknown
from ordain.values.plan import Program, Status, Step
from ordain.values.resource import RunOptions

SUPPORT = Path(__file__).parent / "support"
sys.path.insert(0, str(SUPPORT))
os.environ["PYTHONPATH"] = os.pathsep.join([str(SUPPORT), *filter(None, [os.environ.get("PYTHONPATH")])])

KINDS = {"probe": ("Probe", "step_kinds:Probe"), "value": ("Value", "ordain.kinds.value:Value")}
ENVIRONMENT = "dev"


def address(text):
    return Address.parse(text)


def make_change(name, spec=None, *, needs=(), action=Action.CREATE, run=None, **more):
    """Return a change as the planner would make it: normalised, fingerprinted where all is known."""
    where = address(name)
    kind, target = KINDS[where.kind]
    given = spec or {}
    model = spec_model(target, "")
    known = not has_unknown(given)
    after, errors = check(model, given) if known else (None, ())
    assert not errors
    known = after is not None
    change = Change(
        address=where,
        kind=kind,
        provider=None,
        action=action,
        effect=Effect.DELETE if action is Action.DELETE else Effect.CREATE,
        depends_on=tuple(map(address, needs)),
        after=after if known else given,
        run=run or RunOptions(),
        **more,
    )
    inputs = {"build": {}, "judge": {}, "serve": {}}
    print_ = fingerprint_of(model, after, inputs, record_part(change)) if known else None
    return replace(change, inputs=inputs, fingerprint=print_)


def make_steps(changes, operations=None):
    """Return the steps of changes: one ``make`` each, unless ``operations`` names others (``*`` marks heavy ones)."""
    chains = {}
    for change in changes:
        words = (operations or {}).get(str(change.address)) or ["delete" if change.action is Action.DELETE else "make"]
        names = [word.strip("*") for word in words]
        chains[change.address] = [
            Step(
                id=f"{change.address}:{name}",
                address=change.address,
                operation=name,
                key=f"{change.address}-{name}".replace(".", "-"),
                needs=(f"{change.address}:{names[number - 1]}",) if number else (),
                heavy=word.endswith("*"),
                last=number == len(words) - 1,
            )
            for number, (name, word) in enumerate(zip(names, words, strict=True))
        ]
    out = []
    for change in changes:
        first, *rest = chains[change.address]
        needs = tuple(chains[other][-1].id for other in change.depends_on if other in chains)
        out += [replace(first, needs=needs), *rest]
    return tuple(out)


def make_program(changes, operations=None, **more):
    return Program(
        project="p",
        environment=ENVIRONMENT,
        mode="normal",
        lineage="l",
        serial=1,
        spec_digest="",
        status=Status(applyable=True, complete=True, errored=False),
        summary={},
        changes=tuple(sorted(changes, key=lambda change: change.address)),
        steps=make_steps(changes, operations),
        **more,
    )


def make_request(root, step, change, live=None, **more):
    if live is not None:
        more |= {
            "record": live.previous(change),
            "upstream": live.upstream(change),
            "versions": live.versions.get(change.address, ()),
        }
    return StepRequest(
        **{
            "run": "run-1",
            "environment": ENVIRONMENT,
            "step": step,
            "change": change,
            "kind_target": KINDS[change.address.kind][1],
            "provider_target": "",
            "options_target": "",
            "root": str(root),
            "home": str(root / ".ordain"),
            "artifacts": str(root / ".ordain" / "artifacts"),
            **more,
        }
    )


@dataclass
class World:
    """A project's folder with its state open and its lock held, and what was heard of its runs."""

    root: Path
    store: Any
    token: int
    executor: LocalExecutor
    live: Live
    events: list = field(default_factory=list)
    secrets: dict = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    targets: dict = field(default_factory=dict)
    run: str = "run-1"

    @property
    def recorded(self):
        return self.store.recorded(ENVIRONMENT)

    @property
    def home(self):
        return self.root / ".ordain"

    def context(self, **more):
        return RunContext(
            **{
                "run": self.run,
                "environment": ENVIRONMENT,
                "store": self.store,
                "token": self.token,
                "executor": self.executor,
                "live": self.live,
                "clock": time.time,
                "emit": self.events.append,
                "request_for": lambda step, change: make_request(
                    self.root, step, change, self.live, targets=self.targets
                ),
                "secrets_for": lambda change: self.secrets,
                "stop": self.stop,
                "retry_delay": 0.01,
                **more,
            }
        )

    def apply(self, changes, operations=None, program=None, **more):
        return execute(self.context(**more), program or make_program(changes, operations))

    def heard(self, *types):
        return [(event.type.value, event.step) for event in self.events if event.type.value in types]


@pytest.fixture
def world(tmp_path):
    with closing(open_store(tmp_path / ".ordain" / "state.db", create=True)) as store:
        token = store.acquire(ENVIRONMENT, this_process(run="run-1", actor="ann", started=time.time())).token
        executor = LocalExecutor(tmp_path / ".ordain")
        yield World(root=tmp_path, store=store, token=token, executor=executor, live=Live(store.recorded(ENVIRONMENT)))
        executor.close()


@pytest.fixture
def make():
    """The makers of changes, steps, programs and requests."""

    class Make:
        change = staticmethod(make_change)
        steps = staticmethod(make_steps)
        program = staticmethod(make_program)
        request = staticmethod(make_request)

    return Make
