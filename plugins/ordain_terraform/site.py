"""Where Terraform works for one resource: the user's module as it is, everything Terraform writes in our own folder.

Terraform runs in the real module folder, so that every relative path means what it means to the user's own Terraform.
Its data folder and, unless the module declares a backend, its state lie in the resource's private folder: two
environments may use one module at the same time.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ordain.api import Address, Blame, ExitCode, Json, OrdainError, Places, digest
from ordain_terraform import guards, secrets
from ordain_terraform.command import FLAG, Command, Surroundings, run
from ordain_terraform.modules import Module, digests, read_module
from ordain_terraform.problems import Teller, no_binary

LOCK = "lock"
_BINARIES = ("terraform", "tofu")
_NOT_HANDED_ON = ("TF_VAR_", "TF_CLI_ARGS", "TF_LOG", "ORDAIN_")
"""What would make a run hang on the shell it was started from, or spill secrets into a log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for one resource: its spec with secrets in clear, and which of its paths are secrets."""

    address: Address
    spec: Mapping[str, Json]
    places: Places
    secret_fields: tuple[tuple[str | int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything that commands for one resource need. ``state`` is None where the module declares a backend."""

    order: Order
    module: Module
    tell: Teller
    binary: str
    workspace: str
    state: Path | None
    env: Mapping[str, str]
    secret_names: tuple[str, ...] = ()
    plain: Mapping[str, Json] = field(default_factory=dict)

    @property
    def private(self) -> Path:
        return self.order.places.private

    @property
    def data(self) -> Path:
        return self.private / "data"

    @property
    def scrub(self) -> secrets.Scrubber:
        return self.tell.scrub

    def state_option(self) -> Mapping[str, object]:
        """Return the option that points Terraform's own local state at our folder."""
        return {"state": str(self.state)} if self.state is not None else {}

    def surroundings(self, scratch: Path) -> Surroundings:
        return Surroundings(binary=self.binary, folder=self.module.folder, env=self.env, scratch=scratch)


def open_site(order: Order, folder: Path) -> Site:
    """Check what can be checked without Terraform, and prepare its surroundings.

    Raises ``OrdainError``: no binary, or a spec that does not fit the module (see ``guards``).
    """
    spec, places = order.spec, order.places
    scrub = secrets.scrubber(spec, order.secret_fields)
    tell = Teller(address=order.address, root=places.root, folder=folder, scrub=scrub)
    guards.check_places_of_secrets(tell, order.secret_fields)
    binary = _binary(order)
    places.private.mkdir(mode=0o700, parents=True, exist_ok=True)
    guards.check_folder(tell, str(spec["module"]))
    module = read_module(folder)
    variables = _mapping(spec.get("variables"))
    secret_names = secrets.names(order.secret_fields)
    guards.check(tell, module, guards.Asked(spec=spec, variables=variables, secret_fields=order.secret_fields))
    workspace = str(spec.get("workspace") or "")
    state = None
    if not module.backend:
        state = places.private / "state" / f"{workspace or 'default'}.tfstate"
        state.parent.mkdir(mode=0o700, exist_ok=True)
    hidden = {name: variables[name] for name in secret_names}
    env = {
        **_inherited(),
        **secrets.environment(hidden, module.variables),
        **({"TF_WORKSPACE": workspace} if workspace else {}),
        "TF_DATA_DIR": str(places.private / "data"),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
    }
    plain = {name: value for name, value in variables.items() if name not in hidden}
    return Site(
        order=order,
        module=module,
        tell=tell,
        binary=binary,
        workspace=workspace,
        state=state,
        env=env,
        secret_names=secret_names,
        plain=plain,
    )


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _binary(order: Order) -> str:
    wanted = order.spec.get("binary")
    if isinstance(wanted, str) and wanted:
        inside = order.places.root / wanted
        found = shutil.which(str(inside) if inside.is_file() else wanted)
    else:
        found = next((path for name in _BINARIES if (path := shutil.which(name))), None)
    if found is None:
        raise OrdainError(no_binary(order.address, wanted if isinstance(wanted, str) else None))
    return found


def _inherited() -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_HANDED_ON)}
    env.pop("TF_WORKSPACE", None)
    config = env.get("TF_CLI_CONFIG_FILE")
    if config is not None and not os.path.isfile(config):  # Terraform would complain of it with every command
        del env["TF_CLI_CONFIG_FILE"]
    return env


@contextmanager
def scratch(site: Site, deadline: float | None) -> Iterator[Path]:
    """Give a folder for one run, gone afterwards; one run at a time works on a resource.

    What runs that were killed left behind is swept away. Raises ``OrdainError`` where the turn never comes.
    """
    with _turn(site, deadline):
        for left in site.private.glob("run-*"):
            shutil.rmtree(left, ignore_errors=True)  # a Terraform that outlived its engine may still write there
        with tempfile.TemporaryDirectory(prefix="run-", dir=site.private, ignore_cleanup_errors=True) as folder:
            yield Path(folder)


@contextmanager
def _turn(site: Site, deadline: float | None) -> Iterator[None]:
    path = site.private / LOCK
    while True:
        with open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as lock:
            wait_for_lock(lock, site, deadline)
            # A delete may have removed the file while we waited: then the lock we got guards nothing.
            if path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino:
                yield
                return


def wait_for_lock(file: IO[bytes], site: Site, deadline: float | None) -> None:
    """Wait until nobody else, in any process, holds the file's lock. Raises ``OrdainError`` at the deadline."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if deadline is not None and time.monotonic() > deadline:
                raise OrdainError(
                    site.tell.problem(
                        "terraform-busy",
                        f"{site.tell.address}: an earlier Terraform is still at work on this",
                        fix="wait for it to end, and try again",
                        blame=Blame.WORLD,
                        exit=ExitCode.TIMEOUT,
                    )
                ) from None
            time.sleep(0.02)


@contextmanager
def tidy(site: Site) -> Iterator[None]:
    """Keep the module's folder clean of the empty folders Terraform makes there for workspaces of local state.

    Terraform makes them even though ``-state`` says where the state is. They are removed by whoever leaves last:
    a shared lock on the module's folder (an advisory one, on the folder itself) says who is still there.
    """
    if site.state is None or not site.workspace:
        yield
        return
    made = site.module.folder / "terraform.tfstate.d"
    descriptor = os.open(site.module.folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        with suppress(OSError):  # another run is still there, or the folder holds states of the user's own
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (made / site.workspace).rmdir()
            made.rmdir()
        os.close(descriptor)


def initialise(site: Site, folder: Path, deadline: float | None, *, again: bool = False) -> bool:
    """Run ``terraform init`` unless it ran for these very files; say whether it ran."""
    marker = site.private / "init.json"
    asked = _asked_of_init(site)
    if not again and site.data.is_dir() and _read(marker) == asked:
        return False
    options: dict[str, object] = {"json": FLAG, "input": False, "lockfile": "readonly", "reconfigure": FLAG}
    backend = site.order.spec.get("backend")
    if isinstance(backend, Mapping) and backend:
        file = folder / "backend.tfbackend.json"
        file.write_text(json.dumps(backend), encoding="utf-8")
        options["backend_config"] = str(file)
    env = dict(site.env)
    if site.module.backend not in ("cloud", "remote"):
        env.pop("TF_WORKSPACE", None)  # init asks which one to take instead of a new one; the other commands make it
    around = Surroundings(binary=site.binary, folder=site.module.folder, env=env, scratch=folder)
    marker.unlink(missing_ok=True)
    site.data.mkdir(mode=0o700, exist_ok=True)  # Terraform makes it only where it has something to put there
    finished = run(around, Command(words="init", options=options, deadline=deadline))
    if finished.code != 0:
        raise site.tell.failure(finished, "initialise")
    write_private(marker, _asked_of_init(site))
    return True


def _asked_of_init(site: Site) -> str:
    code = digests(site.order.places.root, site.module.folder, site.data)
    return digest([code, site.order.spec.get("backend") or {}, site.binary, str(site.module.folder)])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def write_private(path: Path, text: str) -> None:
    """Write a small file that only we may read, whole or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix="new-", encoding="utf-8", delete=False) as file:
        file.write(text)
    os.replace(file.name, path)
