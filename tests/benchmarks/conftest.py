"""The benchmarks are scripts in a folder, not a package: load the modules without side effects by their files."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def generate() -> ModuleType:
    return _module("generate")


@pytest.fixture(scope="session")
def report() -> ModuleType:
    return _module("report")


@pytest.fixture(scope="session")
def measure() -> ModuleType:
    return _module("measure")


@pytest.fixture(scope="session")
def benchmarks() -> Path:
    return FOLDER
