"""Runs saved plans: exactly the one that was reviewed, once, told step by step."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ordain.api import Call, ExitCode, Json, OrdainError, Progress, Secret, StepResult, Tree, digest, sha256
from ordain_terraform import importing
from ordain_terraform.command import FLAG, Command, Event, parse_events, run
from ordain_terraform.modules import digests
from ordain_terraform.planning import LOCK_TIMEOUT, Ask, keyed, make_plan
from ordain_terraform.secrets import Scrubber
from ordain_terraform.site import Site, initialise, scratch, tidy, wait_for_lock, write_private

SNAPSHOT = "module.zip"


def apply(site: Site, call: Call, deadline: float | None) -> StepResult:
    """Run the attached plan and return the outputs; under a key that was done already, only return them."""
    with scratch(site, deadline) as folder, tidy(site):
        initialise(site, folder, deadline)
        _settle(site, call.key, deadline)
        plan = call.attachments.get("plan")
        if plan is not None:
            _apply_once(site, call, call.store.fetch(plan), folder, deadline)
        elif not call.change.facts.get("empty"):
            raise OrdainError(_plan_lost(site))
        values = read_outputs(site, folder, deadline)
    code = digests(site.order.places.root, site.module.folder, site.data)
    made: dict[str, Json] = {"module": digest(code), "files": code}
    planned = {name: call.change.facts[name] for name in made if name in call.change.facts}  # what the plan was made of
    return StepResult(
        outputs=outputs(site, call, values),
        facts={**made, **planned, "changes": [], "empty": True},
        private={"workspace": site.workspace, "state": _where(site)},
        message=_summary(call.change.facts),
    )


def _where(site: Site) -> str:
    return "local" if site.state is not None else site.module.backend


def _summary(facts: Mapping[str, Json]) -> str:
    changes = facts.get("changes")
    count = len(changes) if isinstance(changes, list | tuple) else 0
    return f"{count} resource change{'' if count == 1 else 's'} by Terraform"


def _apply_once(site: Site, call: Call, plan: Path, folder: Path, deadline: float | None) -> None:
    """Apply a saved plan, unless it was applied under this key.

    Terraform is asked first: a key alone proves nothing, for the same step may have to be done again later (the
    state was lost, say); a plan that is stale under its own key was applied.
    """
    try:
        run_plan(site, call, plan, folder, deadline)
    except OrdainError as error:
        if error.exit is not ExitCode.STALE or _applied_key(site) != call.key:
            raise
        return
    _remember(site, call.key)


def run_plan(site: Site, call: Call, plan: Path, folder: Path, deadline: float | None) -> None:
    """Apply one saved plan. Raises ``OrdainError``: stale (exit 10), timed out, or what Terraform says failed."""
    transcript = _transcript(site, call.key)
    options: dict[str, object] = {"json": FLAG, "input": False, "lock_timeout": LOCK_TIMEOUT, **site.state_option()}
    command = Command(words="apply", arguments=(str(plan),), options=options, deadline=deadline, transcript=transcript)
    try:
        finished = run(site.surroundings(folder), command, _Told(call.report, site.scrub))
    finally:
        transcript.unlink(missing_ok=True)
    if finished.code != 0 or finished.timed_out:
        raise site.tell.failure(finished, "apply", applying=True)
    _keep_module(site, plan)


class _Told:
    """Turns Terraform's events into words on progress; counts what was planned to say how far it is."""

    def __init__(self, report: Callable[[Progress], None], scrub: Scrubber) -> None:
        self.report, self.scrub = report, scrub
        self.planned = self.ended = 0

    def __call__(self, event: Event) -> None:
        kind = event.get("type")
        if kind == "planned_change":
            self.planned += 1
        elif kind in ("apply_start", "apply_progress", "apply_complete", "apply_errored", "provision_start"):
            self.ended += kind in ("apply_complete", "apply_errored")
            fraction = min(self.ended / self.planned, 1.0) if self.planned else None
            self.report(Progress(message=self.scrub.text(str(event.get("@message", ""))), fraction=fraction))


def _settle(site: Site, key: str, deadline: float | None) -> None:
    """Wait for a Terraform that outlived the Ordain that had started it; remember if it finished this very step."""
    ours = _transcript(site, key)
    for transcript in site.private.glob(_transcript_name("*")):
        with open(transcript, "rb") as file:
            wait_for_lock(file, site, deadline)  # Terraform holds it as long as it runs, whoever started it
            if transcript == ours and _ended_well(file.read()):
                _remember(site, key)
        transcript.unlink()


def _ended_well(told: bytes) -> bool:
    return any(
        event.get("type") == "change_summary" and event.get("changes", {}).get("operation") in ("apply", "destroy")
        for event in parse_events(told)
    )


def _transcript(site: Site, key: str) -> Path:
    return site.private / _transcript_name(sha256(key.encode())[-16:])


def _transcript_name(part: str) -> str:
    return f"apply-{part}.jsonl"


def _remember(site: Site, key: str) -> None:
    write_private(site.private / "applied.json", json.dumps({"key": key}))


def _applied_key(site: Site) -> str | None:
    try:
        held = json.loads((site.private / "applied.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return held.get("key") if isinstance(held, dict) else None


def _plan_lost(site: Site) -> Any:
    return site.tell.problem(
        "terraform-plan-lost",
        f"{site.tell.address}: the plan has no saved Terraform plan to apply",
        detail="it is kept in the artifact store when the plan is made",
        fix="plan again: ordain plan",
        exit=ExitCode.STALE,
    )


def read_outputs(site: Site, folder: Path, deadline: float | None) -> Mapping[str, Any]:
    """Return Terraform's outputs as its state holds them: ``{name: {"value", "type", "sensitive"}}``, in clear."""
    options = {"json": FLAG, **site.state_option()}
    finished = run(site.surroundings(folder), Command(words="output", options=options, deadline=deadline))
    if finished.code != 0:
        raise site.tell.failure(finished, "read its outputs", applying=True)
    values: Mapping[str, Any] = json.loads(finished.text)
    return values


def outputs(site: Site, call: Call, values: Mapping[str, Any]) -> Mapping[str, Tree]:
    """Return the outputs as they may be recorded: sensitive ones as references that ``reveal`` answers."""
    out: dict[str, Tree] = {}
    for name, output in sorted(values.items()):
        value = output.get("value")
        if output.get("sensitive") or site.scrub.holds(value):
            reference = f"{call.address}.outputs.{name}"
            out[name] = Secret(
                expression=f"${{{{ {reference} }}}}", names=(reference,), digest=keyed(site.private, value)
            )
        else:
            out[name] = value
    return out


def destroy(site: Site, call: Call, deadline: float | None) -> StepResult:
    """Run the attached destroy plan, or make one and run it; what is gone already is fine."""
    with scratch(site, deadline) as folder, tidy(site):
        initialise(site, folder, deadline)
        _settle(site, call.key, deadline)
        _destroy_once(site, call, folder, deadline)
        forget(site)
    return StepResult(message="destroyed by Terraform")


def _destroy_once(site: Site, call: Call, folder: Path, deadline: float | None) -> None:
    attached = call.attachments.get("plan")
    if attached is not None:
        try:
            run_plan(site, call, call.store.fetch(attached), folder, deadline)
            return
        except OrdainError as error:
            if error.exit is not ExitCode.STALE or not _nothing_left(site, folder, deadline):
                raise
            return
    planned = make_plan(site, folder, deadline, Ask(destroy=True))
    if planned.shown.get("resource_changes") or planned.shown.get("output_changes"):
        run_plan(site, call, planned.file, folder, deadline)


def _nothing_left(site: Site, folder: Path, deadline: float | None) -> bool:
    planned = make_plan(site, folder, deadline, Ask(destroy=True))
    return not planned.shown.get("resource_changes")


def forget(site: Site) -> None:
    """Remove what was kept for the resource, but for states of other workspaces that still hold resources."""
    for path in sorted(site.private.iterdir()):
        if path.name == "state" and path.is_dir():
            _forget_states(path)
        elif path.name.startswith("run-"):
            continue  # another run's; it sweeps its own
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _forget_states(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        live = folder / f"{path.name.partition('.tfstate')[0]}.tfstate"
        if path == live and _has_resources(path):
            continue
        if path != live and live.exists() and _has_resources(live):
            continue
        path.unlink(missing_ok=True)
    with suppress(OSError):  # another workspace's state is left
        folder.rmdir()


def _has_resources(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_bytes()).get("resources"))
    except (OSError, ValueError):
        return False


def _keep_module(site: Site, plan: Path) -> None:
    """Keep the module as it was applied, from the plan file: a destroy may come after the user removed the folder."""
    target = site.private / SNAPSHOT
    made = target.with_suffix(".new")
    with zipfile.ZipFile(plan) as archive, zipfile.ZipFile(made, "w") as out:
        for name in archive.namelist():
            if name.endswith(f"/{importing.FILE}"):
                continue  # done with
            if name.startswith("tfconfig/") or name == ".terraform.lock.hcl":
                out.writestr(name, archive.read(name))
    made.replace(target)
