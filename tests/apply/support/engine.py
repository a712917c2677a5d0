"""One `apply` as a program that can be killed: settle, plan what is missing, apply. Arguments: folder, boundary.

The boundaries are before and after each write of the journal and after each submission, counted from 0; at the given
one the program kills itself with SIGKILL (-1: at none). It prints what it settled.
"""

import os
import signal
import sys
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from conftest import ENVIRONMENT, World, make_change, make_program

from ordain.apply.local import LocalExecutor
from ordain.apply.recovery import settle
from ordain.apply.run import Live
from ordain.state.host import this_process
from ordain.state.sqlite import SqliteStore, open_store


def main(root, boundary):
    passed = 0

    def pass_boundary():
        nonlocal passed
        if passed == boundary:
            os.kill(os.getpid(), signal.SIGKILL)
        passed += 1

    def between(function):
        def wrapped(*args, **named):
            pass_boundary()
            out = function(*args, **named)
            pass_boundary()
            return out

        return wrapped

    SqliteStore.end_and_begin = between(SqliteStore.end_and_begin)
    SqliteStore.end_step = between(SqliteStore.end_step)
    submit = LocalExecutor.submit

    def submitting(self, *args):
        future = submit(self, *args)
        pass_boundary()
        return future

    LocalExecutor.submit = submitting
    with closing(open_store(root / ".ordain" / "state.db", create=True)) as store:
        run = f"run-{os.getpid()}"
        token = store.acquire(ENVIRONMENT, this_process(run=run, actor="ann", started=time.time())).token
        executor = LocalExecutor(root / ".ordain")
        world = World(root=root, store=store, token=token, executor=executor, run=run, live=Live(world_of(store)))
        for one in settle(world.context(), world.recorded.interrupted):
            print(one.step, one.status.value, flush=True)
        assert world.recorded.interrupted == ()
        world.live = Live(world.recorded)
        report = world.apply([], program=plan(root, world.recorded))
        executor.close()
        store.release(ENVIRONMENT, token)
        os._exit(int(report.exit))


def world_of(store):
    return store.recorded(ENVIRONMENT)


def plan(root, recorded):
    """What is not recorded as desired is made; a version that exists is not trained again."""
    mark = str(root / "mark")
    wanted = [
        make_change("probe.a", {"value": 1}),
        make_change("probe.b", {"value": 2, "seconds": 0.1, "mark": mark}, needs=["probe.a"]),
        make_change("probe.c", {"do": "version", "seconds": 0.05, "mark": mark}, needs=["probe.a"]),
        make_change("probe.d", {"value": 4}, needs=["probe.b", "probe.c"]),
    ]
    changes = [change for change in wanted if change.address not in recorded.resources]
    trained = wanted[2].address in recorded.versions
    operations = {"probe.b": ["make*"], "probe.c": ["deploy"] if trained else ["train*", "deploy"]}
    program = make_program(changes, operations)
    serial = recorded.head.serial
    steps = tuple(
        type(step)(**{name: getattr(step, name) for name in step.__slots__} | {"key": f"{step.key}-{serial}"})
        for step in program.steps
    )
    return type(program)(**{name: getattr(program, name) for name in program.__slots__} | {"steps": steps})


main(Path(sys.argv[1]), int(sys.argv[2]))
