"""The serving process: ``python -m ordain_serving.server FOLDER``. One model, one version, one loopback port.

It loads its model before it asks for its port, so that the server before it can answer until then; it waits for the
port as long as it may take to start.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import socket
import sys
import time
from pathlib import Path
from typing import cast

import uvicorn

from ordain.api import Blame, Diagnostic, ExitCode, OrdainError, Predictor, Trainer, load_provider
from ordain_serving.app import application
from ordain_serving.generation import Config, Generation
from ordain_serving.process import current

_BACKLOG = 128
_log = logging.getLogger("ordain_serving")
_GRACE = 5
"""Seconds that requests in flight have to end after SIGTERM."""


def main(folder: Path) -> int:
    """Serve until SIGTERM. Returns the exit code of a start that failed; its last words are on stderr."""
    one = Generation(folder)
    config = one.config()
    if config is None:
        _log.error("config.json is missing or broken")
        return 1
    with (folder / "lock").open("w") as lock:  # held as long as this process lives
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.warning("this server runs already")
            return 0
        deadline = time.monotonic() + config.startup
        one.say("starting", current())
        try:
            predictor = _load(config)
            one.say("loaded", current())
            listener = _listen(config, deadline)
        except OrdainError as error:
            for problem in error.diagnostics:
                _log.error(": ".join(part for part in (problem.summary, problem.detail) if part))
            return 1
        except Exception as error:  # a provider's bug: its name and word, not its insides, go to whoever deploys
            words = (config.provider, config.version, type(error).__name__, error)
            _log.error("%s cannot load %s: %s: %s", *words, exc_info=config.log_level == "debug")
            return 1
        one.say("serving", current())
        _serve(config, predictor, listener)
    return 0


def _load(config: Config) -> Predictor:
    with open(config.artifact, "rb") as file:
        found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    if found != config.digest:
        raise _refusal("artifact-corrupt", f"the artifact of {config.version} is not what its digest says")
    trainer = cast(Trainer, load_provider(config.provider))
    return trainer.load(Path(config.artifact), config.facts, config.trusted)


def _listen(config: Config, deadline: float) -> socket.socket:
    while True:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((config.host, config.port))
            listener.listen(_BACKLOG)
            return listener
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                where = f"{config.host}:{config.port}"
                raise _refusal("deployment-port", f"cannot listen on {where}: {error.strerror}") from error
        time.sleep(0.02)


def _serve(config: Config, predictor: Predictor, listener: socket.socket) -> None:
    settings = uvicorn.Config(
        application(config, predictor),
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_level=config.log_level,
        access_log=False,  # a request line may hold personal data, and nobody rotates this log
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    uvicorn.Server(settings).run(sockets=[listener])


def _refusal(code: str, summary: str) -> OrdainError:
    return OrdainError(Diagnostic(code=code, summary=summary, blame=Blame.WORLD, exit=ExitCode.STEP_FAILED))


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
