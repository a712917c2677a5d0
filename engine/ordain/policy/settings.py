"""What changed in the settings since the last apply, and what asks for less now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ordain.expr.patterns import wildcards
from ordain.values.address import Address
from ordain.values.change import FieldChange
from ordain.values.codec import canonical
from ordain.values.data import Path, Secret, Tree, leaves
from ordain.values.plan import SettingChange
from ordain.values.record import SettingRecord
from ordain.values.resource import Locate
from ordain.values.setting import Level, Setting

_Specs = Mapping[Address, Mapping[str, Tree]]


def settings_changes(
    recorded: Mapping[Address, SettingRecord], desired: tuple[Setting, ...], locate: Locate
) -> tuple[SettingChange, ...]:
    """Return the settings that were added, changed or removed, sorted by address.

    ``weakened``: a policy is gone, its level in force sank, or it spares more resources or spares them longer;
    approvals or soak ask for less; more people have a role; more keys may sign, for more people or for longer; a
    project trusts more estimators. A changed rule, severity or message alone shows, and is not called so.
    """
    before: _Specs = {address: record.spec for address, record in recorded.items()}
    after: _Specs = {setting.address: setting.spec for setting in desired}
    out = []
    for setting in desired:
        old = before.get(setting.address)
        if old is None:
            weakened = bool(before) and _weakened(setting.kind, {}, setting.spec, before)
            at = locate(setting.source, ("name",))
            out.append(
                SettingChange(
                    address=setting.address,
                    kind=setting.kind,
                    action="create",
                    fields=_signed_by(setting),
                    weakened=weakened,
                    at=at,
                )
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
                    weakened=_weakened(setting.kind, old, setting.spec, before),
                    at=locate(setting.source, ("spec", *fields[0].path)),
                )
            )
    gone = (record for address, record in recorded.items() if address not in after)
    out += [
        SettingChange(
            address=record.address,
            kind=record.kind,
            action="delete",
            weakened=_weakened(record.kind, record.spec, {}, before),
        )
        for record in gone
    ]
    return tuple(sorted(out, key=lambda change: change.address))


def _signed_by(setting: Setting) -> tuple[FieldChange, ...]:
    """Of what is new the name is enough; of who may sign each key is told."""
    return tuple(_differences({"keys": {}}, setting.spec)) if setting.kind == "Signers" else ()


def _differences(before: Tree, after: Tree, path: Path = ()) -> Iterator[FieldChange]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _differences(before.get(key), after.get(key), (*path, key))
    elif canonical(before) != canonical(after):
        secret = any(isinstance(leaf, Secret) for tree in (before, after) for _, leaf in leaves(tree))
        yield FieldChange(path=path, before=before, after=after, sensitive=secret)


def _weakened(kind: str, old: Mapping[str, Tree], new: Mapping[str, Tree], recorded: _Specs) -> bool:
    judge = _JUDGES.get(kind)
    return judge is not None and judge(old, new, recorded)


def _weakened_policy(old: Mapping[str, Tree], new: Mapping[str, Tree], recorded: _Specs) -> bool:
    exceptions = ((pattern, one.get("until")) for one in _mappings(new.get("exceptions")) for pattern in _patterns(one))
    spares_more = bool(old) and not all(_spared(pattern, until, old) for pattern, until in exceptions)
    return spares_more or _sank(old.get("level"), new.get("level"))


def _spared(pattern: str, until: Tree, old: Mapping[str, Tree]) -> bool:
    """Whether a policy spared these resources before, and at least as long."""
    return any(
        _covers(known, pattern) and not _later(until, one.get("until"))
        for one in _mappings(old.get("exceptions"))
        for known in _patterns(one)
    )


def _covers(wide: str, narrow: str) -> bool:
    """Whether one pattern of addresses has all of another: ``*`` takes in anything, wildcards too; ``?`` no ``*``."""
    return wildcards(wide, one="[^*]").fullmatch(narrow) is not None


def _patterns(exception: Mapping[str, Tree]) -> Iterator[str]:
    return _texts(exception.get("resources"))


def _later(one: Tree, other: Tree) -> bool:
    """Whether a moment lies behind another; none at all lies behind all, and what is no moment behind all others."""
    if other is None or one is None:
        return one is None and other is not None
    from ordain.api.quantities import moment  # not free to import

    try:
        return moment(one) > moment(other)
    except ValueError:  # recorded by another version
        return one != other


def _weakened_environment(old: Mapping[str, Tree], new: Mapping[str, Tree], recorded: _Specs) -> bool:
    """Its own levels of policies are told with these."""
    return _approvals_sank(old.get("approvals"), new.get("approvals")) or _less(old.get("soak"), new.get("soak"))


def _approvals_sank(old: Tree, new: Tree) -> bool:
    before, after = _mapping(old), _mapping(new)
    lost_roles = set(_texts(before.get("roles"))) - set(_texts(after.get("roles")))
    return (
        _less(before.get("count"), after.get("count"))
        or bool(lost_roles)
        or (before.get("not_author") is True and after.get("not_author") is not True)
        or _longer(before.get("expires"), after.get("expires"))
        or (before.get("break_glass") is False and after.get("break_glass") is not False)
    )


def _weakened_role(old: Mapping[str, Tree], new: Mapping[str, Tree], recorded: _Specs) -> bool:
    return bool(old) and bool(set(_texts(new.get("people"))) - set(_texts(old.get("people"))))


def _weakened_signers(old: Mapping[str, Tree], new: Mapping[str, Tree], recorded: _Specs) -> bool:
    """Where nobody was asked until now, keys that are new take nothing away."""
    if not old and not any(_mapping(spec.get("approvals")) for spec in recorded.values()):
        return False
    before = _mapping(old.get("keys"))
    return any(_may_more(_mapping(before.get(key)), _mapping(now)) for key, now in _mapping(new.get("keys")).items())


def _may_more(old: Mapping[str, Tree], new: Mapping[str, Tree]) -> bool:
    """Whether a key speaks for more people than before, or at more times."""
    people = set(_texts(new.get("people"))) - set(_texts(old.get("people")))
    earlier = old.get("after") is not None and (new.get("after") is None or _later(old["after"], new["after"]))
    return bool(people) or earlier or _later(new.get("before"), old.get("before"))


def _weakened_project(old: Mapping[str, Tree], new: Mapping[str, Tree], recorded: _Specs) -> bool:
    """Whatever it was called: a project that gets another name is not trusted with more by that."""
    known = {one for address, spec in recorded.items() if address.kind == "project" for one in _trusted(spec)}
    return bool(set(_trusted(new)) - known)


def _trusted(project: Mapping[str, Tree]) -> Iterator[str]:
    return _texts(_mapping(project.get("trust")).get("estimators"))


_JUDGES: Mapping[str, Callable[[Mapping[str, Tree], Mapping[str, Tree], _Specs], bool]] = {
    "Policy": _weakened_policy,
    "Environment": _weakened_environment,
    "Project": _weakened_project,
    "Role": _weakened_role,
    "Signers": _weakened_signers,
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


def _longer(before: Tree, after: Tree) -> bool:
    """Whether a duration became longer, or without end."""
    old, new = _number(before), _number(after)
    return old is not None and (new is None or new > old)


def _number(value: Tree) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    from ordain.api.quantities import seconds  # not free to import

    try:
        return seconds(value)
    except ValueError:
        return None


def _mapping(value: Tree) -> Mapping[str, Tree]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Tree) -> tuple[Mapping[str, Tree], ...]:
    return tuple(one for one in value if isinstance(one, Mapping)) if isinstance(value, list | tuple) else ()


def _texts(value: Tree) -> Iterator[str]:
    if isinstance(value, list | tuple):
        yield from (item for item in value if isinstance(item, str))
