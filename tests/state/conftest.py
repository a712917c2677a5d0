"""A place for a state, and programs that write to it from a process of their own."""

import subprocess
import sys

import pytest

HEAD = """
import os, sys
from dataclasses import replace
from pathlib import Path
from ordain.state.host import this_process
from ordain.state.sqlite import open_store
from ordain.testing.samples import *
from ordain.api.store import *
from ordain.values.diagnostic import OrdainError
store = open_store(Path(sys.argv[1]), create=True)
me = this_process(run=sys.argv[2], actor="ann", started=1_700_000_000.0)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".ordain" / "state.db"


@pytest.fixture
def program(path):
    """Start Python source with ``store``, ``me`` and the samples at hand, on the state at ``path``."""
    started = []

    def start(source, run="run-1"):
        command = [sys.executable, "-c", HEAD + source, str(path), run]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
