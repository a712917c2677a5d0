"""The driver: what the Infrastructure kind asks of Terraform."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ordain.api import (
    Call,
    Diagnostic,
    Evidence,
    InfrastructureDriver,
    Json,
    LookRequest,
    OrdainError,
    Places,
    ResourceRecord,
    StepResult,
)
from ordain_terraform import applying, planning
from ordain_terraform.site import Order, Site, initialise, open_site, scratch, tidy

LOOK_SECONDS = 900.0
"""How long Terraform may take to plan. A step's own limit is its ``run: {timeout}``."""


class Terraform(InfrastructureDriver):
    """Plans and applies a module with the terraform (or tofu) on this machine."""

    def look(self, request: LookRequest) -> Evidence:
        """Make Terraform's plan; see ``InfrastructureDriver``. Facts hold no sensitive value."""
        order = Order(
            address=request.look.address,
            spec=request.spec,
            places=request.places,
            secret_fields=request.secret_fields,
        )
        deleting = request.look.deleting
        site = open_site(order, _folder(order, deleting=deleting))
        deadline = planning.seconds_from_now(LOOK_SECONDS)
        assert deadline is not None
        sight, wanted = request.look.sight.value, request.look.importing
        ask = planning.Ask(destroy=deleting, sight=sight, importing=wanted, again=request.look.forced)
        return planning.look(site, request.store, deadline, ask)

    def apply(self, call: Call) -> StepResult:
        return applying.apply(_site(call, deleting=False), call, planning.seconds_from_now(call.change.run.timeout))

    def destroy(self, call: Call) -> StepResult:
        return applying.destroy(_site(call, deleting=True), call, planning.seconds_from_now(call.change.run.timeout))

    def reveal(self, record: ResourceRecord, output: str, places: Places) -> Json:
        """Return one output from Terraform's state, in clear. Raises ``OrdainError`` where it has none of that name."""
        spec = {name: record.spec.get(name) for name in ("module", "workspace", "backend", "binary")}
        order = Order(address=record.address, spec=_plain(spec), places=places)
        site = open_site(order, _folder(order, deleting=True))
        deadline = planning.seconds_from_now(LOOK_SECONDS)
        with scratch(site, deadline) as folder, tidy(site):
            initialise(site, folder, deadline)
            values = applying.read_outputs(site, folder, deadline)
        if output not in values:
            raise OrdainError(_no_output(site, output, tuple(values)))
        value: Json = values[output].get("value")
        return value


def _site(call: Call, *, deleting: bool) -> Site:
    order = Order(address=call.address, spec=call.spec, places=call.places, secret_fields=call.secret_fields)
    return open_site(order, _folder(order, deleting=deleting))


def _plain(spec: Mapping[str, object]) -> Mapping[str, Json]:
    plain: Mapping[str, Json] = json.loads(json.dumps(spec))
    return plain


def _folder(order: Order, *, deleting: bool) -> Path:
    """Return the module's folder; for a delete after the folder was removed, the module as it was last applied."""
    folder = Path(os.path.normpath(order.places.root / str(order.spec["module"])))
    kept = order.places.private / applying.SNAPSHOT
    if not deleting or folder.is_dir() or not kept.is_file():
        return folder
    return _unpack(kept, order.places.private / "module")


def _unpack(archive: Path, into: Path) -> Path:
    """Unpack a kept module, with the local modules it calls in the same places relative to it; return its folder."""
    shutil.rmtree(into, ignore_errors=True)
    with zipfile.ZipFile(archive) as held:
        entries = json.loads(held.read("tfconfig/modules.json"))
        folders = {str(entry["Key"]): str(entry["Dir"]) for entry in entries}
        local = {key: folder for key, folder in folders.items() if not os.path.isabs(folder)}
        depth = max((PurePosixPath(os.path.normpath(folder)).parts.count("..") for folder in local.values()), default=0)
        root = into.joinpath(*["up"] * depth, "root")
        for key, folder in local.items():
            target = Path(os.path.normpath(root / folder))
            target.mkdir(parents=True, exist_ok=True)
            prefix = f"tfconfig/m-{key}/"
            for name in held.namelist():
                if name.startswith(prefix) and "/" not in name[len(prefix) :]:
                    (target / name[len(prefix) :]).write_bytes(held.read(name))
        if ".terraform.lock.hcl" in held.namelist():
            (root / ".terraform.lock.hcl").write_bytes(held.read(".terraform.lock.hcl"))
    return root


def _no_output(site: Site, output: str, known: tuple[str, ...]) -> Diagnostic:
    return site.tell.problem(
        "terraform-no-output",
        f"Terraform's state has no output {output}",
        detail=f"it has: {', '.join(sorted(known))}" if known else "it has none",
        fix="apply the infrastructure again",
    )
