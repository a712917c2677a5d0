"""The HTTP face of one model version: health, ``/predict``, and the Open Inference Protocol, version 2."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ordain.api import Json, Predictor, dumps, loads
from ordain_serving.generation import Config
from ordain_serving.requests import Refusal, Row, datatype_of, input_tensors, rows_of, rows_of_tensors, tensors_of

BODY = 1_048_576
"""Bytes of body one request may hold."""
_log = logging.getLogger("uvicorn.error")


def application(config: Config, predictor: Predictor) -> Starlette:
    """Return the application that answers for one loaded model."""
    api = _Api(config, predictor)
    model = "/v2/models/{name}"
    of_version = f"{model}/versions/{{version}}"
    routes = [
        Route("/health/live", api.live),
        Route("/health/ready", api.ready),
        Route("/predict", api.predict, methods=["POST"]),
        Route("/v2", api.server),
        Route("/v2/health/live", api.live),
        Route("/v2/health/ready", api.ready),
    ]
    for prefix in (model, of_version):
        routes += [
            Route(prefix, api.metadata),
            Route(f"{prefix}/ready", api.model_ready),
            Route(f"{prefix}/infer", api.infer, methods=["POST"]),
        ]
    handlers: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
        Refusal: api.refused,
        HTTPException: api.refused,
        ClientDisconnect: api.refused,
        Exception: api.broke,
    }
    return Starlette(routes=routes, exception_handlers=dict(handlers))


class _Api:
    """The handlers. One prediction at a time: estimators promise nothing about threads."""

    def __init__(self, config: Config, predictor: Predictor) -> None:
        self._config = config
        self._predictor = predictor
        self._one = anyio.CapacityLimiter(1)

    def _answer(self, data: Mapping[str, Json], status: int = 200) -> Response:
        headers = {"X-Ordain-Version": self._config.version}
        return Response(dumps(data), status_code=status, headers=headers, media_type="application/json")

    async def live(self, request: Request) -> Response:
        return self._answer({"live": True})

    async def ready(self, request: Request) -> Response:
        config = self._config
        return self._answer(
            {
                "ready": True,
                "version": config.version,
                "model": config.model,
                "deployment": config.deployment,
                "identity": config.identity,
            }
        )

    async def predict(self, request: Request) -> Response:
        answers = await self._predict(rows_of(await _body(request)))
        return self._answer({"version": self._config.version, "predictions": answers})

    async def server(self, request: Request) -> Response:
        return self._answer({"name": "ordain", "version": self._config.version, "extensions": []})

    async def metadata(self, request: Request) -> Response:
        config = self._named(request)
        classes = config.facts.get("classes")
        outputs: list[dict[str, Json]] = [{"name": "prediction", "datatype": "FP64", "shape": [-1]}]
        if isinstance(classes, list):
            outputs[0]["datatype"] = datatype_of(classes)
            outputs.append({"name": "probabilities", "datatype": "FP64", "shape": [-1, len(classes)]})
        return self._answer(
            {
                "name": config.model,
                "versions": [config.version],
                "platform": config.provider.partition(".")[0],
                "inputs": input_tensors(config.columns),
                "outputs": outputs,
            }
        )

    async def model_ready(self, request: Request) -> Response:
        config = self._named(request)
        return self._answer({"name": config.model, "ready": True})

    async def infer(self, request: Request) -> Response:
        config = self._named(request)
        body = await _body(request)
        rows = rows_of_tensors(body, tuple(config.columns))
        answers = await self._predict(rows)
        assert isinstance(body, Mapping)  # rows_of_tensors refused all else
        out: dict[str, Json] = {
            "model_name": config.model,
            "model_version": config.version,
            "outputs": tensors_of(answers, body.get("outputs")),
        }
        if isinstance(body.get("id"), str):
            out["id"] = body["id"]
        return self._answer(out)

    async def refused(self, request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return self._answer({"error": f"{error.detail}: {request.method} {request.url.path}"}, error.status_code)
        return self._answer({"error": str(error)}, error.status if isinstance(error, Refusal) else 400)

    async def broke(self, request: Request, error: Exception) -> Response:
        return self._answer({"error": "the server failed on this request; its log says where"}, 500)

    def _named(self, request: Request) -> Config:
        name, version = request.path_params["name"], request.path_params.get("version", self._config.version)
        if (name, version) != (self._config.model, self._config.version):
            raise Refusal(f"this server has {self._config.model} {self._config.version}, not {name} {version}", 404)
        return self._config

    async def _predict(self, rows: list[Row]) -> list[dict[str, Json]]:
        try:
            return await anyio.to_thread.run_sync(self._predictor.predict, rows, limiter=self._one)
        except ValueError as error:
            raise Refusal(str(error), 422) from error
        except Exception as error:
            # Where it broke, not on what: the message may quote a cell.
            _log.error("%s in the model\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            raise Refusal("the model failed on this request; the server's log says where", 500) from error


async def _body(request: Request) -> Json:
    """Return the parsed body. Raises ``Refusal`` for one that is too big or no JSON."""
    too_big = Refusal(f"the body holds more than {BODY} bytes: send several requests", 413)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > BODY:
        raise too_big
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > BODY:
            raise too_big
    try:
        return loads(bytes(raw))
    except ValueError as error:
        raise Refusal(f"the body is no JSON: {error}") from error
