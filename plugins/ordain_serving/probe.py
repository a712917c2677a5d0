"""Asks a server on this host how it stands: one small request, bounded in time and size.

Written on a socket: ``http.client`` bounds each read, not the whole answer, and takes longer to import than to ask.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ordain.api import Json, loads

TIMEOUT = 1.0
"""Seconds a probe may take as a whole."""
_LIMIT = 65_536


class Answer(StrEnum):
    """How a port answers: ``ready`` as one of ours; not at all; too late; or as something else."""

    READY = "ready"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a probe heard: ``version`` and ``identity`` are the server's own words ("" where it said none)."""

    answer: Answer
    version: str = ""
    identity: str = ""


def probe(host: str, port: int, timeout: float = TIMEOUT) -> Probe:
    """Ask ``/health/ready``. Never raises; never takes longer than ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    try:
        raw = _get(host, port, deadline)
    except TimeoutError:
        return Probe(answer=Answer.TIMEOUT)
    except OSError:  # refused, or reset by what is just going down
        return Probe(answer=Answer.REFUSED)
    if not raw:
        return Probe(answer=Answer.REFUSED)
    body = _body(raw)
    if body is None or body.get("ready") is not True:
        return Probe(answer=Answer.FOREIGN)
    return Probe(answer=Answer.READY, version=str(body.get("version")), identity=str(body.get("identity")))


def _get(host: str, port: int, deadline: float) -> bytes:
    with socket.create_connection((host, port), timeout=_left(deadline)) as connection:
        request = f"GET /health/ready HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        raw = b""
        while len(raw) < _LIMIT:
            connection.settimeout(_left(deadline))
            part = connection.recv(_LIMIT)
            if not part:
                break
            raw += part
        return raw


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _body(raw: bytes) -> Mapping[str, Json] | None:
    head, _, body = raw.partition(b"\r\n\r\n")
    status = head.split(b"\r\n", 1)[0].split(b" ")
    if not status[0].startswith(b"HTTP/1.") or status[1:2] != [b"200"]:
        return None
    try:
        data = loads(body)
    except ValueError:
        return None
    return data if isinstance(data, Mapping) else None


def taken(host: str, port: int) -> str:
    """Return why no server can listen there now, "" where one can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""
