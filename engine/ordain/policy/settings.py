"""What changed in the settings since the last apply, and what asks for less now."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from ordain.values.address import Address
from ordain.values.change import FieldChange
from ordain.values.codec import canonical
from ordain.values.data import Path, Secret, Tree, leaves
from ordain.values.plan import SettingChange
from ordain.values.record import SettingRecord
from ordain.values.resource import Locate
from ordain.values.setting import Level, Setting

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_Specs = Mapping[Address, Mapping[str, Tree]]


def settings_changes(
    recorded: Mapping[Address, SettingRecord], desired: tuple[Setting, ...], locate: Locate
) -> tuple[SettingChange, ...]:
    """Return the settings that were added, changed or removed, sorted by address.

    ``weakened``: a policy is gone or its level in force sank; an environment's own level for a policy sank; approvals
    or soak ask for less; a project trusts more estimators. A changed rule or message alone shows, and is not called so.
    """
    before: _Specs = {address: record.spec for address, record in recorded.items()}
    after: _Specs = {setting.address: setting.spec for setting in desired}
    out = []
    for setting in desired:
        old = before.get(setting.address)
        if old is None:
            weakened = bool(before) and _weakened(setting.kind, {}, setting.spec, (before, after))
            at = locate(setting.source, ("name",))
            out.append(
                SettingChange(address=setting.address, kind=setting.kind, action="create", weakened=weakened, at=at)
            )
            continue
        fields = tuple(_differences(old, setting.spec))
        if fields:
            out.append(
                SettingChange(
                    address=setting.address,
                    kind=setting.kind,
                    action="update",
                    fields=fields,
                    weakened=_weakened(setting.kind, old, setting.spec, (before, after)),
                    at=locate(setting.source, ("spec", *fields[0].path)),
                )
            )
    gone = (record for address, record in recorded.items() if address not in after)
    out += [
        SettingChange(address=record.address, kind=record.kind, action="delete", weakened=record.kind == "Policy")
        for record in gone
    ]
    return tuple(sorted(out, key=lambda change: change.address))


def _differences(before: Tree, after: Tree, path: Path = ()) -> Iterator[FieldChange]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _differences(before.get(key), after.get(key), (*path, key))
    elif canonical(before) != canonical(after):
        secret = any(isinstance(leaf, Secret) for tree in (before, after) for _, leaf in leaves(tree))
        yield FieldChange(path=path, before=before, after=after, sensitive=secret)


def _weakened(kind: str, old: Mapping[str, Tree], new: Mapping[str, Tree], all_of: tuple[_Specs, _Specs]) -> bool:
    judge = _JUDGES.get(kind)
    return judge is not None and judge(old, new, all_of)


def _weakened_policy(old: Mapping[str, Tree], new: Mapping[str, Tree], all_of: tuple[_Specs, _Specs]) -> bool:
    return _sank(old.get("level"), new.get("level"))


def _weakened_environment(old: Mapping[str, Tree], new: Mapping[str, Tree], all_of: tuple[_Specs, _Specs]) -> bool:
    before, after = _mapping(old.get("policies")), _mapping(new.get("policies"))
    for name in {*before, *after}:
        policy = Address.of("Policy", name)
        # Where the environment sets no level, the policy's own is in force.
        was = before.get(name, all_of[0].get(policy, {}).get("level"))
        now = after.get(name, all_of[1].get(policy, {}).get("level"))
        if policy in all_of[1] and _sank(was, now):
            return True
    return _approvals_sank(old.get("approvals"), new.get("approvals")) or _less(old.get("soak"), new.get("soak"))


def _approvals_sank(old: Tree, new: Tree) -> bool:
    before, after = _mapping(old), _mapping(new)
    if not before:
        return False
    lost_roles = set(_texts(before.get("roles"))) - set(_texts(after.get("roles")))
    return (
        _less(before.get("count"), after.get("count"))
        or bool(lost_roles)
        or (before.get("not_author") is True and after.get("not_author") is not True)
        or _less(after.get("expires"), before.get("expires"))
    )


def _weakened_project(old: Mapping[str, Tree], new: Mapping[str, Tree], all_of: tuple[_Specs, _Specs]) -> bool:
    before, after = (set(_texts(_mapping(one.get("trust")).get("estimators"))) for one in (old, new))
    return bool(old) and bool(after - before)


_JUDGES: Mapping[str, Callable[[Mapping[str, Tree], Mapping[str, Tree], tuple[_Specs, _Specs]], bool]] = {
    "Policy": _weakened_policy,
    "Environment": _weakened_environment,
    "Project": _weakened_project,
}


def _sank(before: Tree, after: Tree) -> bool:
    old, new = _level(before), _level(after)
    return old is not None and (new is None or new.weight < old.weight)


def _level(value: Tree) -> Level | None:
    return next((level for level in Level if level.value == value), None)


def _less(before: Tree, after: Tree) -> bool:
    """Whether a number or duration became smaller, or is gone."""
    old, new = _number(before), _number(after)
    return old is not None and (new is None or new < old)


def _number(value: Tree) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(match[1]) * _SECONDS[match[2] or ""] if match else None


def _mapping(value: Tree) -> Mapping[str, Tree]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: Tree) -> Iterator[str]:
    if isinstance(value, list | tuple):
        yield from (item for item in value if isinstance(item, str))
