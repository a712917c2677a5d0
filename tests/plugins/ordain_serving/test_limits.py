"""Limits of a server: held by a real one on loopback, which stays well under each breach."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ordain.api import Facet, check, digest, facets
from ordain_serving.options import HttpOptions, bounds

GOOD = {"age": 30, "balance": 1.5}
TENSORS = {"inputs": [{"name": "all", "shape": [3, 2], "datatype": "FP64", "data": [1, 2, 3, 4, 5, 6]}]}
INFER = "/v2/models/subscriber/infer"


def waiting(number: int) -> dict[str, Any]:
    """Return a request that is answered when the file of this number is written."""
    return {"rows": [{"age": -816, "balance": number}]}


def folder(world: Any) -> Path:
    (found,) = (world.private / "servers").iterdir()
    return Path(found)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def answer_on(connection: socket.socket) -> bytes:
    """Return an answer whose body is an object; head and body may come one after the other."""
    heard = b""
    while not heard.endswith(b"}") and (more := connection.recv(4096)):
        heard += more
    return heard


def log(world: Any) -> str:
    return (folder(world) / "server.log").read_text()


def answers(world: Any) -> bool:
    return bool(world.ask("POST", "/predict", {"rows": [GOOD, GOOD]})[0] == 200)


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/predict", b" " * 2001, "2000 bytes"),
        ("/predict", {"rows": [GOOD] * 3}, "3 rows are more than the 2"),
        (INFER, TENSORS, "3 rows are more than the 2"),
    ],
)
def test_too_much_in_one_request_is_413(limited: Any, path: str, body: Any, word: str) -> None:
    status, answer, headers = limited.ask("POST", path, body)
    assert (status, set(answer)) == (413, {"error"}) and word in answer["error"]
    assert "retry-after" not in headers
    until(lambda: answers(limited))


def test_the_limit_itself_is_not_too_much(limited: Any) -> None:
    body = json.dumps({"rows": [GOOD, GOOD]}).encode()
    assert limited.ask("POST", "/predict", body.ljust(2000))[0] == 200


def test_a_body_of_no_told_length_is_cut_off_at_the_limit(limited: Any) -> None:
    chunk = b"3e8\r\n" + b" " * 1000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", limited.port), timeout=60) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 3)
        heard = answer_on(connection)  # though the body has not ended
    assert heard.startswith(b"HTTP/1.1 413") and b"2000 bytes" in heard
    until(lambda: answers(limited))


def test_a_body_that_does_not_come_is_408(limited: Any) -> None:
    with socket.create_connection(("127.0.0.1", limited.port), timeout=60) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        heard = answer_on(connection)
    assert heard.startswith(b"HTTP/1.1 408") and b'{"error":"the body did not come within 1 s"}' in heard
    until(lambda: answers(limited))


def test_an_answer_that_takes_too_long_is_504_and_two_are_never_asked_at_once(limited: Any) -> None:
    begun = time.monotonic()
    status, answer, headers = limited.ask("POST", "/predict", waiting(2))
    assert status == 504 and 0.9 < time.monotonic() - begun < 30
    assert "within 1 s" in answer["error"] and "retry-after" not in headers
    # The model still works on what nobody waits for: the next is not begun beside it, nor when its own time is up.
    assert limited.ask("POST", "/predict", waiting(3))[0] == 504
    (folder(limited) / "2").touch()
    until(lambda: "done with 2" in log(limited))
    until(lambda: answers(limited))
    assert "waits for 3" not in log(limited)


def test_a_change_of_limits_is_another_server_and_too_many_at_once_are_503(world: Any) -> None:
    world.deploy(limits={"rows": 1})
    pid = world.pid
    assert world.ask("POST", "/predict", {"rows": [GOOD] * 2})[0] == 413
    world.deploy(limits={"rows": 2, "concurrency": 1, "timeout": "60s"}, key=digest("other"))
    assert world.pid != pid and answers(world)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(world.ask, "POST", "/predict", waiting(1))
        until(lambda: "waits for 1" in log(world))
        for path in ("/predict", INFER):
            status, answer, headers = world.ask("POST", path, {"rows": [GOOD]})
            assert (status, headers["retry-after"], set(answer)) == (503, "1", {"error"})
            assert "answers 1 requests already" in answer["error"]
        assert world.ask("GET", "/health/ready")[0] == 200  # who asks about its health is not one of them
        (folder(world) / "1").touch()
        assert asked.result()[0] == 200
    assert answers(world)


def test_what_is_not_written_has_its_default() -> None:
    one = bounds(None)
    assert (one.body, one.rows, one.timeout, one.concurrency) == (1_048_576, 1000, 5.0, 64)
    assert bounds({"rows": 7}).rows == 7 and bounds({"rows": 7}).body == one.body
    assert "limits" not in (check(HttpOptions, {})[0] or {})  # so that has(resource.spec.limits) tells
    spec, errors = check(HttpOptions, {"limits": {"rows": 7}})
    assert errors == () and spec is not None
    assert spec["limits"] == {"body": "1MiB", "rows": 7, "timeout": "5s", "concurrency": 64}
    assert facets(HttpOptions)["limits"] is Facet.SERVE


@pytest.mark.parametrize(
    ("limits", "key", "word"),
    [
        ({"body": "big"}, "body", "512MiB"),
        ({"body": 1024}, "body", "512MiB"),
        ({"body": "1TiB"}, "body", "at most 256MiB"),
        ({"rows": 0}, "rows", "greater than or equal to 1"),
        ({"timeout": "soon"}, "timeout", "30s"),
        ({"timeout": "2h"}, "timeout", "at most 1h"),
        ({"concurrency": 0}, "concurrency", "greater than or equal to 1"),
        ({"rowz": 1}, "rowz", "Extra"),
    ],
)
def test_limits_that_are_none(limits: dict[str, Any], key: str, word: str) -> None:
    (error,) = check(HttpOptions, {"limits": limits})[1]
    assert error.path == ("limits", key) and word in error.message
