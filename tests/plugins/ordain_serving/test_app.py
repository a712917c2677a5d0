"""What a server answers: right to good requests, plainly to bad ones, and never with an error of its own."""

from __future__ import annotations

import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ordain_serving.options import bounds

DEFAULT = bounds(None)
GOOD = {"age": 30, "balance": 1.5}
YES = {"prediction": "yes", "probabilities": {"no": 0.0, "yes": 1.0}}
INFER = "/v2/models/subscriber/infer"


def tensor(name: str, data: object, datatype: str = "FP64", shape: object = None) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}  # type: ignore[arg-type]


def test_health(served) -> None:
    status, body, headers = served.ask("GET", "/health/ready")
    assert (status, headers["x-ordain-version"]) == (200, "v1")
    assert body == {
        "ready": True,
        "version": "v1",
        "model": "subscriber",
        "deployment": "deployment.subscriber-api",
        "identity": served.record.private["identity"],
    }
    assert served.ask("GET", "/health/live")[1] == {"live": True}
    assert "server" not in headers


@pytest.mark.parametrize("key", ["rows", "instances"])
def test_predictions(served, key) -> None:
    status, body, _ = served.ask("POST", "/predict", {key: [GOOD, {"age": -30, "balance": 1}]})
    assert status == 200
    assert body["version"] == "v1"
    assert [one["prediction"] for one in body["predictions"]] == ["yes", "no"]
    assert body["predictions"][0] == YES


def test_the_open_inference_protocol(served) -> None:
    assert served.ask("GET", "/v2")[1]["name"] == "ordain"
    assert served.ask("GET", "/v2/health/ready")[0] == 200
    status, body, _ = served.ask("GET", "/v2/models/subscriber")
    assert status == 200
    assert body == {
        "name": "subscriber",
        "versions": ["v1"],
        "platform": "toy_trainer:Toy",
        "inputs": [
            {"name": "age", "datatype": "INT64", "shape": [-1]},
            {"name": "balance", "datatype": "FP64", "shape": [-1]},
        ],
        "outputs": [
            {"name": "prediction", "datatype": "BYTES", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]},
        ],
    }
    assert served.ask("GET", "/v2/models/subscriber/versions/v1/ready")[0] == 200
    assert served.ask("GET", "/v2/models/subscriber/versions/v2")[0] == 404
    assert served.ask("GET", "/v2/models/other")[0] == 404


@pytest.mark.parametrize(
    "inputs",
    [
        [tensor("age", [30, -30], "INT64"), tensor("balance", [1.5, 1])],
        [tensor("age", [[30], [-30]], "INT64", [2, 1]), tensor("balance", [1.5, 1], shape=[2, 1])],
        [tensor("all", [30, 1.5, -30, 1], shape=[2, 2])],
        [tensor("all", [[30, 1.5], [-30, 1]], shape=[2, 2])],
    ],
)
@pytest.mark.parametrize("path", [INFER, "/v2/models/subscriber/versions/v1/infer"])
def test_inference_takes_data_flat_and_nested(served, inputs, path) -> None:
    status, body, headers = served.ask("POST", path, {"id": "42", "inputs": inputs})
    assert (status, headers["x-ordain-version"]) == (200, "v1")
    assert body == {
        "model_name": "subscriber",
        "model_version": "v1",
        "id": "42",
        "outputs": [
            {"name": "prediction", "datatype": "BYTES", "shape": [2], "data": ["yes", "no"]},
            {
                "name": "probabilities",
                "datatype": "FP64",
                "shape": [2, 2],
                "data": [0.0, 1.0, 1.0, 0.0],
                "parameters": {"classes": ["no", "yes"]},
            },
        ],
    }


def test_inference_gives_the_outputs_asked_for(served) -> None:
    inputs = [tensor("age", [30], "INT64"), tensor("balance", [1])]
    body = served.ask("POST", INFER, {"inputs": inputs, "outputs": [{"name": "prediction"}]})[1]
    assert [one["name"] for one in body["outputs"]] == ["prediction"]
    assert served.ask("POST", INFER, {"inputs": inputs, "outputs": [{"name": "x"}]})[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "word"),
    [
        ("POST", "/predict", b"", 400, "no JSON"),
        ("POST", "/predict", b"{", 400, "no JSON"),
        ("POST", "/predict", b"\xff\xfe", 400, "no JSON"),
        ("POST", "/predict", b'{"rows": [{"age": NaN, "balance": 1}]}', 400, "no JSON"),
        ("POST", "/predict", b'{"rows": [{"age": 1e999, "balance": 1}]}', 400, "no JSON"),
        ("POST", "/predict", b"[" * 3000 + b"]" * 3000, 400, "no JSON"),
        ("POST", "/predict", [GOOD], 400, "must be an object"),
        ("POST", "/predict", {}, 400, '"rows" or "instances"'),
        ("POST", "/predict", {"rows": [GOOD], "instances": [GOOD]}, 400, '"rows" or "instances"'),
        ("POST", "/predict", {"rows": GOOD}, 400, "must be a list"),
        ("POST", "/predict", {"rows": []}, 400, "no rows"),
        ("POST", "/predict", {"rows": [GOOD, 7]}, 422, "row 1 must be an object"),
        ("POST", "/predict", {"rows": [GOOD, {"age": [1], "balance": 1}]}, 422, "row 1, column 'age': a list"),
        ("POST", "/predict", {"rows": [GOOD, {"age": "old", "balance": 1}]}, 422, "row 1, column age: 'old'"),
        ("POST", "/predict", {"rows": [{"age": 1}]}, 422, "row 0: columns"),
        ("POST", "/predict", {"rows": [GOOD] * (DEFAULT.rows + 1)}, 413, "1001 rows"),
        ("POST", "/predict", b" " * (DEFAULT.body + 1), 413, "1048576 bytes"),
        ("GET", "/predict", None, 405, "GET /predict"),
        ("GET", "/nowhere", None, 404, "/nowhere"),
        ("POST", INFER, {}, 400, '"inputs"'),
        ("POST", INFER, {"inputs": [7]}, 400, "input 0"),
        ("POST", INFER, {"inputs": [tensor("age", [1], "COMPLEX")]}, 400, "datatype"),
        ("POST", INFER, {"inputs": [tensor("age", [1], shape=[-1])]}, 400, "shape"),
        ("POST", INFER, {"inputs": [tensor("age", [1], shape=[True])]}, 400, "shape"),
        ("POST", INFER, {"inputs": [tensor("age", [1], shape=[1, 1, 1])]}, 400, "shape"),
        ("POST", INFER, {"inputs": [tensor("age", [1], shape=[10**9])]}, 413, "rows"),
        ("POST", INFER, {"inputs": [tensor("age", [1], shape=[3])]}, 400, "asks for 3 values, data has 1"),
        ("POST", INFER, {"inputs": [tensor("age", [[[1]]], shape=[1])]}, 400, "nested deeper"),
        ("POST", INFER, {"inputs": [tensor("age", ["x"], "INT64")]}, 422, "row 0, column 'age': text is no INT64"),
        ("POST", INFER, {"inputs": [tensor("age", [True], "INT64")]}, 422, "a boolean is no INT64"),
        ("POST", INFER, {"inputs": [tensor("a", [1, 2]), tensor("b", [1])]}, 400, "differ"),
        ("POST", INFER, {"inputs": [tensor("a", [1]), tensor("a", [1])]}, 400, "twice"),
        ("POST", INFER, {"inputs": [tensor("a", [1, 2, 3], shape=[1, 3])]}, 400, "[rows, 2]"),
        ("POST", "/v2/models/other/infer", {"inputs": []}, 404, "not other"),
    ],
)
def test_bad_requests_are_refused_plainly(served, method, path, body, status, word) -> None:
    found, answer, headers = served.ask(method, path, body)
    assert found == status, answer
    assert set(answer) == {"error"}
    assert word in answer["error"]
    assert "Traceback" not in answer["error"]
    assert headers["content-type"] == "application/json"


def test_a_body_announced_as_too_big_is_not_waited_for(served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 413")


def test_a_bug_in_a_model_is_told_without_its_insides(served) -> None:
    status, body, _ = served.ask("POST", "/predict", {"rows": [{"age": -4711, "balance": 987654.25}]})
    assert status == 500
    assert body == {"error": "the model failed on this request; the server's log says where"}
    (log,) = (served.private / "servers").glob("*/server.log")
    assert "RuntimeError" in log.read_text()
    assert "987654.25" not in log.read_text()  # a message may quote a cell
    assert served.ask("POST", "/predict", {"rows": [GOOD]})[0] == 200


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
cells = anything | st.integers(-100, 100)
row = st.fixed_dictionaries({"age": cells, "balance": cells}) | anything
shaped = st.fixed_dictionaries({"rows": st.lists(row, max_size=5) | anything})
one_tensor = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["age", "balance"]) | anything,
        "datatype": st.sampled_from(["FP64", "INT64", "BYTES", "BOOL"]) | anything,
        "shape": st.lists(st.integers(-1, 4), max_size=3) | anything,
        "data": st.lists(cells, max_size=5) | anything,
    }
)
tensors = st.fixed_dictionaries({"inputs": st.lists(one_tensor | anything, max_size=3) | anything})
bodies = st.binary(max_size=40) | (anything | shaped | tensors).map(lambda value: json.dumps(value).encode())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies, path=st.sampled_from(["/predict", INFER]))
def test_no_body_makes_the_server_fail(served, body, path) -> None:
    status, answer, _ = served.ask("POST", path, body)
    assert status in (200, 400, 413, 422), answer
    assert status == 200 or isinstance(answer["error"], str)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=6), nested=st.booleans())
def test_both_faces_give_the_same_predictions(served, values, nested) -> None:
    rows = [{"age": age, "balance": balance} for age, balance in values]
    plain = served.ask("POST", "/predict", {"rows": rows})[1]["predictions"]
    data = [list(pair) for pair in values] if nested else [cell for pair in values for cell in pair]
    inputs = [tensor("x", data, shape=[len(values), 2])]
    (predictions, probabilities) = served.ask("POST", INFER, {"inputs": inputs})[1]["outputs"]
    assert predictions["data"] == [one["prediction"] for one in plain]
    assert probabilities["data"] == [one["probabilities"][name] for one in plain for name in ("no", "yes")]
