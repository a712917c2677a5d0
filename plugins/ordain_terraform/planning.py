"""Makes Terraform's plan, shows it as facts, and puts it into the store as the file that apply will run."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets as random
import shutil
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ordain.api import ArtifactStore, Diagnostic, Evidence, OrdainError, canonical, digest
from ordain_terraform import guards, importing
from ordain_terraform.command import FLAG, Command, Finished, Surroundings, run
from ordain_terraform.facts import plan_facts, replaceable
from ordain_terraform.modules import digests, local_modules
from ordain_terraform.site import Site, initialise, scratch, tidy

LOCK_TIMEOUT = "60s"
_NEEDS_INIT = ("terraform init", "tofu init")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What kind of plan is asked for: ``sight`` is spelt as ``Look.sight``, ``importing`` as ``Look.importing``.

    ``again``: all that is there is to be replaced. ``replace`` are the addresses that Terraform is to replace.
    """

    destroy: bool = False
    sight: str = "full"
    importing: tuple[str, ...] = ()
    again: bool = False
    replace: tuple[str, ...] = ()

    @property
    def refresh_only(self) -> bool:
        return self.sight == "refresh-only" and not self.destroy


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan that was made: the file (in a scratch folder), what Terraform says of it, and its warnings."""

    file: Path
    shown: Mapping[str, Any]
    warnings: tuple[Diagnostic, ...]


def look(site: Site, store: ArtifactStore, deadline: float, ask: Ask) -> Evidence:
    """Plan, and return facts, the kept plan and Terraform's warnings. Raises ``OrdainError`` where it cannot plan."""
    with scratch(site, deadline) as folder, tidy(site):
        planned = make_plan(site, folder, deadline, ask)
        there = replaceable(planned.shown) if ask.again and not ask.destroy and not ask.refresh_only else ()
        if there:  # which addresses they have, moved ones too, only a plan can say
            shutil.rmtree(folder / "tree", ignore_errors=True)
            planned = make_plan(site, folder, deadline, replace(ask, replace=there))
        facts = plan_facts(planned.shown, site.scrub, refresh_only=ask.refresh_only)
        facts |= {"again": True} if there else {}
        code = digests(site.order.places.root, site.module.folder, site.data)
        facts |= {"module": digest(code), "files": code}
        _sign_outputs(site, facts, planned.shown)
        attachments = {} if facts["empty"] else {"plan": store.put(_alone(planned.file))}
        opted = tuple(name for name in site.secret_names if not site.module.variables[name].ephemeral)
        problems = (*planned.warnings, *guards.stored_anyway(site.tell, opted))
        return Evidence(facts=facts, attachments=attachments, problems=problems)


def make_plan(site: Site, folder: Path, deadline: float | None, ask: Ask) -> Planned:
    """Run ``plan`` and ``show``, after ``init`` where it is needed. Raises ``OrdainError``."""
    imports = () if ask.destroy or ask.refresh_only else importing.parse(site.tell, ask.importing)
    fresh = initialise(site, folder, deadline)
    file = folder / "plan"
    command = _plan_command(site, folder, file, deadline, ask)
    around = _around(site, folder, imports)
    finished = run(around, command)
    if finished.code == 1 and not fresh and _wants_init(finished):
        initialise(site, folder, deadline, again=True)
        finished = run(around, command)
    if finished.code not in (0, 2) or finished.timed_out:
        raise importing.failure(site.tell, imports, finished, lambda: _in_state(site, folder, deadline))
    os.chmod(file, 0o600)
    shown = _show(site, folder, file, deadline)
    if around.copy is not None and str(around.copy) in json.dumps(shown):
        raise OrdainError(importing.absolute(site.tell))
    _check_stored(site, shown)
    return Planned(file=file, shown=shown, warnings=site.tell.warnings(finished))


def _around(site: Site, folder: Path, imports: tuple[importing.Import, ...]) -> Surroundings:
    """Return where to plan: the module's own folder, but for imports, which a copy of it declares."""
    around = site.surroundings(folder)
    if not imports:
        return around
    local = local_modules(site.module.folder, site.data)
    copied = importing.copy(site.module.folder, local, site.order.places.root, folder / "tree", imports)
    return replace(around, copy=copied)


def _in_state(site: Site, folder: Path, deadline: float | None) -> tuple[str, ...]:
    """Return the addresses that Terraform's state has; none where it cannot say."""
    command = Command(words="state list", options=site.state_option(), deadline=deadline)
    finished = run(site.surroundings(folder), command)
    return tuple(finished.text.split("\n")) if finished.code == 0 else ()


def _plan_command(site: Site, folder: Path, file: Path, deadline: float | None, ask: Ask) -> Command:
    options: dict[str, object] = {"json": FLAG, "input": False, "lock_timeout": LOCK_TIMEOUT, "out": str(file)}
    options |= site.state_option()
    if ask.destroy:
        options["destroy"] = FLAG
    if ask.refresh_only:
        options["refresh_only"] = FLAG
    if ask.sight == "no-refresh":
        options["refresh"] = False
    if ask.replace:
        options["replace"] = list(ask.replace)
    if site.plain:
        variables = folder / "variables.tfvars.json"
        variables.write_text(json.dumps(site.plain), encoding="utf-8")
        options["var_file"] = str(variables)
    return Command(words="plan", options=options, deadline=deadline)


def _wants_init(finished: Finished) -> bool:
    told = [str(event["diagnostic"].get("detail", "")) for event in finished.events if "diagnostic" in event]
    return any(hint in text for text in (*told, finished.complaint) for hint in _NEEDS_INIT)


def _show(site: Site, folder: Path, file: Path, deadline: float | None) -> Mapping[str, Any]:
    command = Command(words="show", arguments=(str(file),), options={"json": FLAG}, deadline=deadline)
    finished = run(site.surroundings(folder), command)
    if finished.code != 0:
        raise site.tell.failure(finished, "show its plan")
    shown: Mapping[str, Any] = json.loads(finished.text)
    return shown


def _check_stored(site: Site, shown: Mapping[str, Any]) -> None:
    """Refuse a plan that holds a secret it should not: Terraform lists every variable that it stores.

    The second line of defence: ``guards`` read the module's declarations, this asks Terraform.
    """
    asked = guards.Asked(spec=site.order.spec, variables={}, secret_fields=())
    stored = [name for name in site.secret_names if name in shown.get("variables", {}) and name not in asked.opted]
    if stored:
        raise OrdainError(
            *(
                site.tell.wrong_field(
                    "terraform-secret-stored",
                    ("variables", name),
                    f"Terraform stores the secret in variable {name}, in clear, in its plan and its state",
                    detail="it did so in the plan it just made, which was thrown away",
                    fix=f"declare the variable ephemeral; or accept it: stored_secrets: [{name}]",
                )
                for name in stored
            )
        )


def private_key(private: Path) -> bytes:
    """Return this resource's own key for digests of sensitive values; made once, never leaves its folder."""
    path = private / "key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        made = path.with_name(f"new-key-{os.getpid()}-{random.token_hex(4)}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(random.token_bytes(32))
        try:
            os.link(made, path)
        except FileExistsError:
            pass  # another look was first: its key counts
        finally:
            made.unlink()
        return path.read_bytes()


def keyed(private: Path, value: object) -> str:
    """Return the keyed digest (HMAC-SHA-256, 32 hex digits) of a sensitive value."""
    return hmac.new(private_key(private), canonical(value), hashlib.sha256).hexdigest()[:32]


def _sign_outputs(site: Site, facts: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
    planned = shown.get("planned_values", {}).get("outputs", {})
    for name, fact in facts["outputs"].items():
        if fact["sensitive"] and fact["known"]:
            fact["digest"] = keyed(site.private, planned[name].get("value"))


def _alone(file: Path) -> Path:
    """Make a plan file unlike any other that does the same, and return it.

    A plan that is not kept takes its attachment out of the store again, which must not be that of one that is.
    """
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = random.token_hex(16).encode()
    return file


def seconds_from_now(seconds: float | None) -> float | None:
    """Return a deadline on the clock that commands use."""
    return None if seconds is None else time.monotonic() + seconds
