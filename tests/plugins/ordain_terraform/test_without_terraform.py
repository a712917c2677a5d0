"""What holds on a machine that has no Terraform."""

import subprocess
import sys

from ordain.api import Blame


def test_without_a_binary_it_says_how_to_get_one(lab, refused, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    diagnostic = refused(lab.look)
    assert diagnostic.code == "terraform-missing" and diagnostic.blame is Blame.WORLD
    assert "developer.hashicorp.com/terraform/install" in diagnostic.fix and "binary:" in diagnostic.fix


def test_a_binary_that_is_not_there_is_named(lab, refused):
    lab.spec["binary"] = "tools/terraform-1.99"
    diagnostic = refused(lab.look)
    assert "tools/terraform-1.99" in diagnostic.detail and diagnostic.path == ("spec", "binary")


def test_importing_the_driver_loads_neither_python_terraform_nor_pydantic_and_no_log_handler():
    code = (
        "import sys, logging, ordain_terraform.driver;"
        "assert not {'python_terraform', 'pydantic'} & set(sys.modules), 'loaded';"
        "from ordain_terraform.command import argv, Command, FLAG;"
        "line = argv('tf', Command(words='plan', arguments=('a b',), options={'json': FLAG, 'lock_timeout': '1s'}));"
        "assert line == ['tf', 'plan', '-json', '-lock-timeout=1s', 'a b'], line;"
        "assert logging.getLogger().handlers == []"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
