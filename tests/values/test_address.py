"""Addresses as keys: equal ones are found, in other processes too."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

from ordain.values.address import Address

_LOOK_UP = """
import pickle, sys
from ordain.values.address import Address
sent = pickle.loads(sys.stdin.buffer.read())
assert {sent: 1}[Address(kind="model", name="churn", key="north")] == 1
"""


def test_equal_addresses_have_one_hash_however_they_were_made() -> None:
    parsed, made = Address.parse('model.churn["north"]'), Address(kind="model", name="churn", key="north")
    assert {parsed: 1}[made] == 1
    assert {parsed, made, copy.deepcopy(made)} == {made}
    assert len({made, made.base, Address(kind="model", name="churn", key="south")}) == 3


def test_an_address_sent_to_another_process_is_found_there() -> None:
    sent = pickle.dumps(Address.parse('model.churn["north"]'))
    environment = {**os.environ, "PYTHONHASHSEED": "1"}  # texts have other hashes under it
    subprocess.run([sys.executable, "-c", _LOOK_UP], input=sent, check=True, env=environment)
