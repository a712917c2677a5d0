"""``provider: http``: one server process on this host, known again by what it answers, not by its id alone."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from time import monotonic, sleep

from ordain.api import (
    Address,
    Blame,
    Call,
    DeploymentTarget,
    Diagnostic,
    Evidence,
    ExitCode,
    Json,
    LookRequest,
    OrdainError,
    Progress,
    ResourceRecord,
    StepResult,
    digest,
)
from ordain_serving.generation import Config, Generation, generation, generations
from ordain_serving.probe import TIMEOUT, Answer, Probe, probe, taken
from ordain_serving.process import Process, boot_id, host_name, spawn, stop

PORTS = range(20_000, 30_000)
"""Where ``port: 0`` chooses: below the range that systems give to outgoing connections."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_TICK = 0.03


class Http(DeploymentTarget):
    """See the module. Facts of ``look`` also say ``foreign``: another program answers on the recorded port."""

    def look(self, request: LookRequest) -> Evidence:
        record = request.look.record
        if record is None:
            return Evidence(facts={"running": False, "version": None, "url": None, "detail": "nothing is recorded"})
        private, url = record.private, record.outputs.get("url")
        base: dict[str, Json] = {"running": False, "version": None, "url": str(url), "foreign": False}
        if _elsewhere(private):
            return Evidence(facts={**base, "running": None, "detail": f"unknown: lives on host {private.get('host')}"})
        if not isinstance(private.get("port"), int) or not isinstance(private.get("bind"), str):
            return Evidence(facts={**base, "detail": "where its server listens was not recorded"})
        heard = probe(str(private["bind"]), int(str(private["port"])))
        if heard.answer is Answer.READY and heard.identity == private.get("identity"):
            return Evidence(facts={**base, "running": True, "version": heard.version, "detail": ""})
        foreign = _is_foreign(private, heard)
        return Evidence(facts={**base, "foreign": foreign, "detail": _detail(private, heard, foreign)})

    def deploy(self, call: Call) -> StepResult:
        for needed in ("starlette", "uvicorn"):
            if find_spec(needed) is None:
                raise _error(call, f"{needed} is not installed", fix="install it: pip install 'ordain[serve]'")
        config = _config(call)
        new = generation(call.places.private, config.identity)
        begun = new.config() if new.alive else None  # by this very step, before it was cut off
        config = begun if begun is not None else replace(config, port=_port(call, config))
        others = [other for other in generations(call.places.private) if other.folder != new.folder]
        if not _answers(config):
            _bring_up(call, new, config, others)
        for other in others:
            other.discard()
        return _result(call, new, config)

    def remove(self, call: Call) -> StepResult:
        private = call.record.private if call.record is not None else {}
        if _elsewhere(private):
            host = private["host"]
            fix = f"run this on {host}, or have it forgotten: lifecycle.keep_on_remove, apply, then remove the document"
            raise _error(call, f"its server lives on host {host}", fix=fix)
        for one in generations(call.places.private):
            one.end()
        _stop_recorded(call)
        shutil.rmtree(call.places.private / "servers", ignore_errors=True)
        return StepResult(message="stopped")


def _elsewhere(private: Mapping[str, Json]) -> bool:
    """Say whether it lives on another host; one that runs here does not, whatever this host is called by now."""
    process = Process.of(private)
    return private.get("host") not in (None, host_name()) and not (process is not None and process.alive)


def _is_foreign(private: Mapping[str, Json], heard: Probe) -> bool:
    """Say whether another program has the port: it answered as another, or holds it although ours is gone."""
    process = Process.of(private)
    silent = heard.answer is Answer.TIMEOUT and not (process is not None and process.alive)
    return silent or heard.answer in (Answer.FOREIGN, Answer.READY)


def _detail(private: Mapping[str, Json], heard: Probe, foreign: bool) -> str:
    where = f"{private['bind']}:{private['port']}"
    process, pid = Process.of(private), private.get("pid")
    if process is not None and process.boot != boot_id():
        state = f"the host was started again since, process {pid} is gone"
    else:
        state = f"process {pid} still runs" if process is not None and process.alive else f"process {pid} is gone"
    if foreign:
        return f"another program holds {where} ({state})"
    late = f"did not answer within {TIMEOUT:g} s" if heard.answer is Answer.TIMEOUT else "does not answer"
    return f"server on {where} {late} ({state})"


def _config(call: Call) -> Config:
    """Return what the server shall be; ``port`` as written. Raises ``OrdainError`` for a lost artifact."""
    from ordain_serving.options import bounds  # pydantic: a plan without changes looks, and never comes here

    spec = call.spec
    address = Address.parse(str(spec["model"]))
    model = call.upstream[address]
    artifact = str(model.facts["artifact"])
    facts = model.facts.get("model")
    config = Config(
        identity="",
        deployment=str(call.address),
        model=address.name,
        version=str(model.outputs["version"]),
        provider=call.targets[address],
        artifact=str(call.store.fetch(artifact).absolute()),
        digest=artifact,
        host=str(spec["host"]),
        port=int(str(spec["port"])),
        startup=seconds(str(spec["startup_timeout"])),
        log_level=str(spec["log_level"]),
        limits=bounds(spec.get("limits")),
        facts=facts if isinstance(facts, Mapping) else {},
        columns=_columns(model),
        trusted=call.trusted,
    )
    identity = digest([call.key, call.environment, str(call.places.private.absolute()), config])
    return replace(config, identity=identity.removeprefix("sha256:")[:32])


def _columns(model: ResourceRecord) -> dict[str, str]:
    """Return the model's inputs and their types: what the trainer says it takes, in the dataset's order and types."""
    facts, columns = model.facts.get("model"), model.facts.get("columns")
    inputs = facts.get("inputs") if isinstance(facts, Mapping) else None
    known = columns if isinstance(columns, Mapping) else {}
    if not isinstance(inputs, Mapping):
        inputs = dict.fromkeys(name for name in known if name != model.spec.get("target"))
    names = [*(name for name in known if name in inputs), *(name for name in inputs if name not in known)]
    return {name: _type_of(known.get(name)) or str(inputs[name] or "") for name in names}


def _type_of(column: Json) -> str:
    return str(column.get("type", "")) if isinstance(column, Mapping) else ""


def seconds(text: str) -> float:
    """Return the seconds a duration spells (``500ms``, ``20s``, ``2m``)."""
    digits = text.rstrip("ms")
    return float(digits) * _UNITS[text[len(digits) :]]


def _port(call: Call, config: Config) -> int:
    """Return the port to listen on: as written, as kept, or a free one. Raises ``OrdainError`` where it is taken."""
    private = call.record.private if call.record is not None else {}
    own = [one.config() for one in generations(call.places.private) if one.alive]
    ours: set[int] = {one.port for one in own if one is not None}
    process, known = Process.of(private), private.get("port")
    recorded = known if isinstance(known, int) else None
    if recorded is not None and process is not None and process.alive:
        ours.add(recorded)
    if config.port:
        reason = "" if config.port in ours else taken(config.host, config.port)
        if reason:
            where = f"{config.host}:{config.port}"
            raise _error(call, f"nothing can listen on {where}: {reason}", fix="free the port, or write another one")
        return config.port
    kept = sorted(ours) if recorded is None else [recorded]
    start = zlib.crc32(f"{call.environment}/{call.address}/{call.places.private.absolute()}".encode()) % len(PORTS)
    choices: tuple[int, ...] = (*kept, *PORTS[start:], *PORTS[:start])
    for port in choices:
        if port in ours or not taken(config.host, port):
            return port
    raise _error(call, f"no port of {PORTS.start}–{PORTS.stop - 1} is free", fix="write a port")


def _answers(config: Config) -> bool:
    heard = probe(config.host, config.port)
    return (heard.answer, heard.identity, heard.version) == (Answer.READY, config.identity, config.version)


class _Failed(Exception):
    """A server did not come up; says why."""


def _bring_up(call: Call, new: Generation, config: Config, others: list[Generation]) -> None:
    """Load first, change over then: the server before answers until the new one holds its model in memory.

    Where the new one fails, the one before is brought back. Raises ``OrdainError``.
    """
    deadline = monotonic() + config.startup
    call.report(Progress(message=f"loading {config.version} of {config.model}"))
    running = sorted((other for other in others if other.alive), key=lambda one: _state(one) == "serving")
    stopped: list[Generation] = []
    process: Process | None = None
    try:
        status = new.status()
        if status is not None and status.state == "serving":
            new.end()  # it serves, but does not answer
        process = None if new.alive else _start(new, config)
        _wait(new, process, deadline, lambda: _state(new) in ("loaded", "serving"))
        if running:
            call.report(Progress(message=f"changing over to {config.version}"))
        for other in running:
            other.end()
            stopped.append(other)
        _stop_recorded(call, config.identity)  # its files may be lost
        _wait(new, process, deadline, lambda: _answers(config))
    except _Failed as failed:
        tail = new.tail()
        if process is not None:
            stop(process)  # it may not have said a word yet
        new.discard()
        back = _bring_back(stopped, running)
        detail = "\n".join(part for part in (str(failed), back, tail and f"its log ends:\n{tail}") if part)
        summary = f"the server did not come up with {config.version}"
        raise _error(call, summary, detail, "see the log's last line; then apply again") from failed


def _stop_recorded(call: Call, but: str = "") -> None:
    """Stop the server that was recorded, unless its identity is ``but``."""
    private = call.record.private if call.record is not None else {}
    process = Process.of(private)
    if process is not None and private.get("identity") != but:
        stop(process)


def _start(one: Generation, config: Config) -> Process:
    try:
        one.prepare(config)
        return spawn("ordain_serving.server", one.folder, one.log)
    except OSError as error:
        raise _Failed(f"it cannot be started: {error}") from error


def _state(one: Generation) -> str:
    status = one.status()
    return status.state if status is not None and status.process.alive else ""


def _wait(one: Generation, process: Process | None, deadline: float, done: Callable[[], bool]) -> None:
    while not done():
        # Where one of the same generation was starting already, the one we started left at once: either will do.
        if not one.alive and (process is None or not process.alive) and not done():
            raise _Failed("its process ended")
        if monotonic() > deadline:
            raise _Failed("it was not ready in time (startup_timeout)")
        sleep(_TICK)


def _bring_back(stopped: list[Generation], running: list[Generation]) -> str:
    """Start again what was stopped; say how it stands now."""
    if not stopped:
        configs = [one.config() for one in running]
        return "".join(f"{config.version} keeps serving" for config in configs[-1:] if config is not None)
    config = stopped[-1].config()
    if config is None:
        return "the server before it cannot be brought back: its files are lost"
    try:
        process = _start(stopped[-1], config)
        _wait(stopped[-1], process, monotonic() + config.startup, lambda: _answers(config))
    except _Failed as failed:
        return f"{config.version} did not come back either: {failed}"
    return f"{config.version} answers again"


def _result(call: Call, one: Generation, config: Config) -> StepResult:
    status = one.status()
    if status is None:
        raise _error(call, "its server ended while it was asked", fix="apply again")
    return StepResult(
        outputs={"url": f"http://{config.host}:{config.port}", "version": config.version},
        private={
            "pid": status.pid,
            "started": status.started,
            "boot": status.boot,
            "host": host_name(),
            "bind": config.host,
            "port": config.port,
            "identity": config.identity,
        },
        message=f"{config.version} answers on http://{config.host}:{config.port}",
    )


def _error(call: Call, summary: str, detail: str = "", fix: str = "") -> OrdainError:
    return OrdainError(
        Diagnostic(
            code="deployment-failed",
            summary=f"{call.address}: {summary}",
            detail=detail,
            fix=fix,
            blame=Blame.WORLD,
            exit=ExitCode.STEP_FAILED,
            address=call.address,
        )
    )
