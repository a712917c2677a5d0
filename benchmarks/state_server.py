"""A Terraform HTTP state backend on loopback: states in memory, locks honoured.

Terraform's local state is written whole after each resource, so an apply of N costs N² bytes; behind HTTP it is sent
every 20 seconds and at the end. Protocol: https://developer.hashicorp.com/terraform/language/backend/http. Prints its
port, then serves until its standard input closes, so that it never outlives who started it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit


class StateHandler(BaseHTTPRequestHandler):
    """GET (404 where there is none), POST (423 under another's lock), DELETE, LOCK and UNLOCK of one state a path."""

    protocol_version = "HTTP/1.1"
    states: ClassVar[dict[str, bytes]] = {}
    locks: ClassVar[dict[str, bytes]] = {}
    guard: ClassVar[threading.Lock] = threading.Lock()

    def do_GET(self) -> None:
        state = self.states.get(self._name())
        self._answer(404 if state is None else 200, state or b"")

    def do_POST(self) -> None:
        body, name = self._body(), self._name()
        claimed = parse_qs(urlsplit(self.path).query).get("ID", [""])[0]
        with self.guard:
            holder = self.locks.get(name)
            if holder is not None and _lock_id(holder) != claimed:
                self._answer(423, holder)
                return
            self.states[name] = body
        self._answer(200)

    def do_DELETE(self) -> None:
        with self.guard:
            self.states.pop(self._name(), None)
        self._answer(200)

    def do_LOCK(self) -> None:
        body, name = self._body(), self._name()
        with self.guard:
            holder = self.locks.setdefault(name, body)
        self._answer(200 if holder is body else 423, holder)

    def do_UNLOCK(self) -> None:
        body, name = self._body(), self._name()
        with self.guard:
            holder = self.locks.get(name)
            mine = holder is None or not body or _lock_id(holder) == _lock_id(body)  # force-unlock sends no body
            if mine:
                self.locks.pop(name, None)
        self._answer(200 if mine else 423, b"" if mine else holder or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a line a request would be measured too."""

    def _name(self) -> str:
        return urlsplit(self.path).path

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class StateServer(ThreadingHTTPServer):
    """Keeps quiet about clients that hang up, as Terraform does when it ends."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def _lock_id(body: bytes) -> str:
    return str(json.loads(body).get("ID", ""))


def main() -> None:
    server = StateServer(("127.0.0.1", 0), StateHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    while os.read(sys.stdin.fileno(), 1024):
        pass


if __name__ == "__main__":
    main()
