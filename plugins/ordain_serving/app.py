"""The HTTP face of one model version: health, ``/predict``, and the Open Inference Protocol, version 2."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ordain.api import Json, Predictor, dumps, loads
from ordain_serving.generation import Bounds, Config
from ordain_serving.requests import Refusal, Row, datatype_of, input_tensors, rows_of, rows_of_tensors, tensors_of

_AGAIN = 1
"""Seconds after which a client that found the server full may ask again."""
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


Handler = Callable[["_Api", Request], Awaitable[Response]]


def _bounded(handler: Handler) -> Handler:
    """Hold a handler to the server's limits of requests at once and of time."""

    @wraps(handler)
    async def within(self: _Api, request: Request) -> Response:
        limits = self._config.limits
        if self._running >= limits.concurrency:
            raise Refusal(f"the server answers {limits.concurrency} requests already: ask again", 503, _AGAIN)
        self._running += 1
        try:
            async with asyncio.timeout(limits.timeout):
                return await handler(self, request)
        except TimeoutError:
            if not getattr(request.state, "is_read", False):
                raise Refusal(f"the body did not come within {limits.timeout:g} s", 408) from None
            # 504 and not 503, which tells clients and proxies to ask the same again at once.
            raise Refusal(f"there is no answer within {limits.timeout:g} s: send fewer rows, or later", 504) from None
        finally:
            self._running -= 1

    return within


class _Api:
    """The handlers. One prediction at a time: estimators promise nothing about threads."""

    def __init__(self, config: Config, predictor: Predictor) -> None:
        self._config = config
        self._predictor = predictor
        self._one = asyncio.Lock()
        self._running = 0

    def _answer(self, data: Mapping[str, Json], status: int = 200, again: int | None = None) -> Response:
        headers = {"X-Ordain-Version": self._config.version}
        if again is not None:
            headers["Retry-After"] = str(again)
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

    @_bounded
    async def predict(self, request: Request) -> Response:
        limits = self._config.limits
        answers = await self._predict(rows_of(await _body(request, limits), limits.rows))
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

    @_bounded
    async def infer(self, request: Request) -> Response:
        config = self._named(request)
        body = await _body(request, config.limits)
        rows = rows_of_tensors(body, tuple(config.columns), config.limits.rows)
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
        if isinstance(error, Refusal):
            return self._answer({"error": str(error)}, error.status, error.again)
        return self._answer({"error": str(error)}, 400)

    async def broke(self, request: Request, error: Exception) -> Response:
        return self._answer({"error": "the server failed on this request; its log says where"}, 500)

    def _named(self, request: Request) -> Config:
        name, version = request.path_params["name"], request.path_params.get("version", self._config.version)
        if (name, version) != (self._config.model, self._config.version):
            raise Refusal(f"this server has {self._config.model} {self._config.version}, not {name} {version}", 404)
        return self._config

    async def _predict(self, rows: list[Row]) -> list[dict[str, Json]]:
        """Return the answers. Where nobody waits for them any more, rows that wait are not asked about.

        A thread cannot be stopped: what was begun is ended, and nothing else is begun before.
        """
        await self._one.acquire()
        begun = asyncio.ensure_future(anyio.to_thread.run_sync(self._predictor.predict, rows))
        begun.add_done_callback(self._ended)
        try:
            return await asyncio.shield(begun)
        except ValueError as error:
            raise Refusal(str(error), 422) from error
        except Exception as error:
            # Where it broke, not on what: the message may quote a cell.
            _log.error("%s in the model\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            raise Refusal("the model failed on this request; the server's log says where", 500) from error

    def _ended(self, begun: asyncio.Future[Any]) -> None:
        self._one.release()
        if not begun.cancelled():
            begun.exception()  # it was looked at: asyncio does not complain of one that nobody waits for


async def _body(request: Request, limits: Bounds) -> Json:
    """Return the parsed body. Raises ``Refusal`` for one that is too big or no JSON."""
    too_big = Refusal(f"the body holds more than {limits.body} bytes: send several requests", 413)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limits.body:
        raise too_big
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > limits.body:
            raise too_big
    request.state.is_read = True
    try:
        return loads(bytes(raw))
    except ValueError as error:
        raise Refusal(f"the body is no JSON: {error}") from error
