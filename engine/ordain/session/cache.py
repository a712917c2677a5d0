"""The cache of a plan without changes (DESIGN §5): what has not moved since is not read, parsed or validated again.

Two files for each environment. The head names everything the empty plan rested on but the world: the project's files
(size, mtime, ctime, inode; those younger than the entry are compared by content, as git does), variables and secrets
(a keyed digest), the environment, the installed plugins, the state's serial; and it holds the plan as text. It is plain
data: this module imports nothing of the plan. The body, which the head names by digest, has the looks with the
digest of what they saw, the artifacts that were there, and the program; ``again`` reads it. The looks are always taken
again: neither probes nor drift are ever skipped. Law: the plan with the cache equals the plan without.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from ordain import __version__
from ordain.config.files import SHIPPED, FileStat, stat_project, stat_shipped
from ordain.session.context import Context
from ordain.session.files import write_file
from ordain.session.keyed import find_secret, keyed_digest
from ordain.session.variables import given_variables
from ordain.state.peek import peek
from ordain.values.codec import dumps, loads

_FORMAT = 3
_RACY_NS = 2_000_000_000
"""A file changed less than two seconds before the entry was written may have changed again within the clock's grain."""

CachedFile = tuple[str, int, int, int, int, str]
"""A file the plan was made from: path, size, mtime, ctime, inode, digest of its content."""
_FILE_TYPES = list(get_args(CachedFile))


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What an empty plan rested on. ``written`` is in nanoseconds since the epoch; ``state`` the state's format.

    ``world`` says whether there is something in the world to look at again; ``text`` is the plan for a person to read,
    None where there is more to say than fits in its one line; ``body`` is the digest of the file with all the rest.
    """

    around: str
    written: int
    lineage: str
    serial: int
    state: int
    environment: str
    files: tuple[CachedFile, ...]
    secret_names: tuple[str, ...]
    secrets: str | None
    world: bool
    text: str | None
    body: str


_TYPES: Mapping[str, tuple[type, ...]] = {
    "around": (str,), "written": (int,), "lineage": (str,), "serial": (int,), "state": (int,), "environment": (str,),
    "files": (list,), "secret_names": (list,), "secrets": (str, type(None)), "world": (bool,),
    "text": (str, type(None)), "body": (str,),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A head that still holds, apart from the world; the variables and the state's digest key of now."""

    head: Head
    variables: Mapping[str, str]
    key: bytes | None


def standing(context: Context) -> Standing | None:
    """Return the entry for the chosen environment where all of its head still holds, None where anything moved."""
    head = _load_head(context)
    now = None if head is None else peek(context.state_file)
    if head is None or now is None:
        return None
    variables, key = given_variables(context), now.key or None
    texts = [find_secret(name, context.environ, variables) for name in head.secret_names]
    holds = (
        (now.lineage, now.serial, now.format) == (head.lineage, head.serial, head.state)
        and around(context, variables, key) == head.around
        and keyed_digest(key, texts) == head.secrets
        and _files_hold(context, head)
    )
    return Standing(head=head, variables=variables, key=key) if holds else None


def around(context: Context, variables: Mapping[str, str], key: bytes | None) -> str:
    """Return the digest of what a plan rests on beside files, state and world: options, versions, installed plugins."""
    roots = [(path, _mtime(path)) for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    what = [__version__, sys.version, roots, context.choice.environment, sorted(variables.items()), _FORMAT]
    # Its spelling in Python is unambiguous, and has no trouble with a variable whose bytes are no text.
    return hmac.new(key or b"", ascii(what).encode(), hashlib.sha256).hexdigest()


def _mtime(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def content_digest(data: bytes) -> str:
    """Return the digest of a file's bytes."""
    return hashlib.sha256(data).hexdigest()


def _files_hold(context: Context, head: Head) -> bool:
    """Say whether the project's files, and the blueprints it used, are those of the entry, byte for byte."""
    stats = list(stat_project(context.root))
    shipped = _shipped(head)
    if shipped is not None:
        stats += [stat_shipped(shipped, path) for path, *_ in head.files if path.startswith(f"{SHIPPED}/")]
        stats.sort(key=lambda file: file.path)
    if len(stats) != len(head.files):
        return False
    for now, (*then, content) in zip(stats, head.files, strict=True):
        if _spelled(now) != then:
            return False
        young = max(now.mtime_ns, now.ctime_ns) > head.written - _RACY_NS
        if not young:
            continue
        used = shipped is not None and now.path.startswith(f"{SHIPPED}/")
        place = shipped / now.path.removeprefix(f"{SHIPPED}/") if used and shipped else context.root / now.path
        try:
            if content_digest(place.read_bytes()) != content:
                return False
        except OSError:  # gone meanwhile, or never readable: the whole plan says so
            return False
    return True


def _shipped(head: Head) -> Path | None:
    """Return the folder of the blueprints that come with Ordain, None where the plan used none of them."""
    if not any(path.startswith(f"{SHIPPED}/") for path, *_ in head.files):
        return None
    from ordain.resources import packaged  # not free to import

    return Path(str(packaged("templates")))


def _spelled(stat: FileStat) -> list[str | int]:
    return [stat.path, stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode]


def cached_file(stat: FileStat, data: bytes) -> CachedFile:
    """Return a file as it is kept in a head."""
    return (stat.path, stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, content_digest(data))


def _path(context: Context, part: str) -> Path:
    name = context.choice.environment or "+default"
    return context.cache / f"{part}-{name}.json"


def _load_head(context: Context) -> Head | None:
    try:
        return _decoded(loads(_path(context, "plan").read_bytes()))
    except (OSError, ValueError):
        return None


def _decoded(data: Any) -> Head | None:
    """Return the head that JSON data spells, None where it has another shape: whatever else it is, it is no head."""
    if type(data) is not dict or data.pop("format", None) != _FORMAT or data.keys() != _TYPES.keys():
        return None
    if not all(type(data[name]) in types for name, types in _TYPES.items()):
        return None
    files, names = data["files"], data["secret_names"]
    if not all(type(one) is list and [type(item) for item in one] == _FILE_TYPES for one in files):
        return None
    if not all(type(name) is str for name in names):
        return None
    return Head(**{**data, "files": tuple(map(tuple, files)), "secret_names": tuple(names)})


def load_body(context: Context, head: Head) -> bytes | None:
    """Return the body that belongs to a head; None where others, or none, are there."""
    try:
        data = _path(context, "program").read_bytes()
    except OSError:
        return None
    return data if content_digest(data) == head.body else None


def save(context: Context, head: Head, body: bytes) -> None:
    """Write the entry for the chosen environment, where it can be written."""
    fields = {name: getattr(head, name) for name in _TYPES}
    with suppress(OSError):  # a project that may only be read is planned all the same
        write_file(_path(context, "program"), body, durable=False)
        write_file(_path(context, "plan"), dumps({"format": _FORMAT, **fields}), durable=False)


def drop(context: Context) -> None:
    """Forget the entry for the chosen environment."""
    with suppress(OSError):  # no plan is wrong for an entry that stays: it holds, or it does not
        for part in ("plan", "program"):
            _path(context, part).unlink(missing_ok=True)
