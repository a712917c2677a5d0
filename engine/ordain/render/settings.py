"""The fields of a changed setting in words: what a policy spares, who may sign with which key."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping

from ordain.render import reasons
from ordain.render.words import clean, cut, field_name, listed
from ordain.values.change import FieldChange
from ordain.values.data import Tree
from ordain.values.plan import SettingChange

_TYPES = {
    "ssh-ed25519": "ED25519",
    "ssh-rsa": "RSA",
    "sk-ssh-ed25519@openssh.com": "ED25519-SK",
    "sk-ecdsa-sha2-nistp256@openssh.com": "ECDSA-SK",
}


def setting_fields(setting: SettingChange, limit: int = 60) -> tuple[tuple[str, str], ...]:
    """Return what differs in a setting, each with its name: ``("level", "hard → soft")``.

    Of who may sign: ``("added", "ana@example.com with ED25519 SHA256:…")``; of what a policy spares: ``("spares",
    "model.* until 2027-03-01: legacy")``. Other values are cut at ``limit`` characters.
    """
    if setting.kind == "Signers":
        return tuple(_signers(setting))
    return tuple(told for one in setting.fields for told in _told(setting, one, limit))


def _told(setting: SettingChange, field: FieldChange, limit: int) -> Iterator[tuple[str, str]]:
    if setting.kind == "Policy" and field.path == ("exceptions",):
        before, after = _mappings(field.before), _mappings(field.after)
        yield from (("spares", _exception(one)) for one in after if one not in before)
        yield from (("no longer spares", _exception(one)) for one in before if one not in after)
        return
    yield field_name(field.path), reasons.field_text(field, limit)


def _exception(one: Mapping[str, Tree]) -> str:
    until = one.get("until")
    end = "without end" if until is None else f"until {clean(str(until))}"
    return f"{_listed(one.get('resources'))} {end}: {clean(str(one.get('reason', '')))}"


def key_text(key: str) -> str:
    """Return a public key (``type base64``) as people compare it: ``ED25519 SHA256:…``, as ``ssh-keygen -l`` has it."""
    kind, _, encoded = key.partition(" ")
    name = _TYPES.get(kind, "ECDSA" if kind.startswith("ecdsa-sha2-") else clean(cut(kind, 40)))
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return f"{name} {clean(cut(encoded, 40))}"
    print_of = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"{name} SHA256:{print_of}"


def _signers(setting: SettingChange) -> Iterator[tuple[str, str]]:
    for key in dict.fromkeys(str(field.path[1]) for field in setting.fields if len(field.path) > 1):
        fields = {field.path[2:]: field for field in setting.fields if field.path[1:2] == (key,)}
        whole = fields.get(())
        if whole is None:
            moved = "; ".join(f"{field_name(path)}: {reasons.field_text(one)}" for path, one in fields.items())
            yield "changed", f"{key_text(key)}: {moved}"
        elif whole.before is None:
            yield "added", f"{_whose(whole.after)} with {key_text(key)}"
        else:
            yield "removed", f"{_whose(whole.before)} with {key_text(key)}"


def _whose(signer: Tree) -> str:
    """Name the people of a key, and the times that bound it."""
    told = signer if isinstance(signer, Mapping) else {}
    bounds = [f"{word} {clean(str(told[word]))}" for word in ("after", "before") if told.get(word)]
    return _listed(told.get("people")) + (f" ({', '.join(bounds)})" if bounds else "")


def _listed(texts: Tree) -> str:
    return listed([clean(str(one)) for one in texts] if isinstance(texts, list | tuple) else []) or "nobody"


def _mappings(tree: Tree) -> tuple[Mapping[str, Tree], ...]:
    return tuple(one for one in tree if isinstance(one, Mapping)) if isinstance(tree, list | tuple) else ()
