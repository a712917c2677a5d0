"""What an environment asked for at its last apply, from the settings that were recorded."""

from __future__ import annotations

from collections.abc import Mapping

from ordain.api.quantities import seconds
from ordain.values.address import Address
from ordain.values.approval import ApprovalRule, Signer
from ordain.values.data import Tree
from ordain.values.record import SettingRecord


def recorded_rule(settings: Mapping[Address, SettingRecord], environment: str) -> ApprovalRule | None:
    """Return what an environment asked for at its last apply: what a change of it must still meet."""
    record = settings.get(Address.of("Environment", environment))
    spec = record.spec.get("approvals") if record is not None else None
    if not isinstance(spec, Mapping):
        return None
    count, expires = spec.get("count"), spec.get("expires")
    roles = _texts(spec.get("roles"))
    people = {name: _texts(_spec(settings, Address.of("Role", name)).get("people")) for name in roles}
    return ApprovalRule(
        count=count if isinstance(count, int) else 1,
        roles=tuple(sorted(set(roles))),
        people={name: found for name, found in people.items() if found},
        not_author=spec.get("not_author") is True,
        expires=seconds(expires) if isinstance(expires, str) else None,
        break_glass=spec.get("break_glass") is not False,
        signers=_signers(_spec(settings, Address.of("Signers", "allowed")).get("keys")),
    )


def _spec(settings: Mapping[Address, SettingRecord], address: Address) -> Mapping[str, Tree]:
    record = settings.get(address)
    return record.spec if record is not None else {}


def _signers(keys: Tree) -> tuple[Signer, ...]:
    if not isinstance(keys, Mapping):
        return ()
    return tuple(
        Signer(
            people=_texts(one.get("people")), key=key, after=_text(one.get("after")), before=_text(one.get("before"))
        )
        for key, one in keys.items()
        if isinstance(one, Mapping)
    )


def _text(value: Tree) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Tree) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list | tuple) else ()
