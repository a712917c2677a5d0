"""What is installed is what the checkout holds, and the lock holds on any machine."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from ordain import __version__
from ordain.resources import packaged

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("kind", ["templates", "schemas"])
def test_an_editable_install_reads_the_checkout(kind):
    # The editable install also leaves a copy in site-packages, which goes stale: it must never be the one that is read.
    assert packaged(kind) == ROOT / kind
    assert packaged(kind).joinpath("README.md").is_file()


def test_the_version_is_the_distributions():
    assert version("ordain") == __version__


def test_every_plugin_folder_is_packaged_and_announced():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = {folder.name for folder in (ROOT / "plugins").glob("ordain_*")}
    packages = {Path(package).name for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    announced = set(project["project"]["entry-points"]["ordain.plugins"].values())
    assert packages == folders | {"ordain"}
    assert announced == folders | {"ordain.kinds"}


def test_the_lock_names_no_index_and_no_path():
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"://|^-|^\s+--(?!hash=sha256:)|\s/", lock, flags=re.MULTILINE)


def test_the_lock_pins_every_requirement_with_hashes():
    blocks = re.split(r"^(?=[a-z0-9])", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE | re.IGNORECASE)
    unpinned = [block.splitlines()[0] for block in blocks[1:] if "==" not in block or "--hash=sha256:" not in block]
    assert unpinned == []
