"""The setting documents: the project, its environments, its policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from ordain import api
from ordain.api.quantities import moment, seconds
from ordain.config.files import SIGNERS_FILE
from ordain.config.load import Document
from ordain.config.report import Place, Report, choose
from ordain.config.trees import Reader
from ordain.config.variables import Digest, of_environment
from ordain.expr.errors import ExpressionError
from ordain.expr.templates import Scope
from ordain.values.address import Address
from ordain.values.approval import ApprovalRule, Signer
from ordain.values.data import Json, Tree
from ordain.values.setting import (
    Environment,
    Exemption,
    Level,
    Policy,
    PolicySeverity,
    PolicyStage,
    PolicyTest,
    Project,
    Setting,
)
from ordain.values.span import Source

FORMAT = 1
"""The newest format of the language that is read."""
COMMON = ("kind", "name", "description", "owner", "labels", "spec")
Models = Mapping[str, str]
"""Setting kinds and the import paths of their specs' models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A setting's document and its normalised spec (None where it is wrong)."""

    document: Document
    spec: Mapping[str, Tree] | None

    @property
    def source(self) -> Source:
        return self.document.source

    def raw(self, key: str) -> Mapping[str, Tree]:
        """Return a mapping of the spec as written, templates and all; empty where there is none."""
        spec = self.document.data.get("spec")
        value = spec.get(key) if isinstance(spec, Mapping) else None
        return value if isinstance(value, Mapping) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Reads setting documents. ``as_written`` are the spec's keys whose templates are read later, or elsewhere."""

    models: Models
    digest: Digest
    report: Report
    variables: Mapping[str, Tree] = field(default_factory=dict)

    def check(self, document: Document, environment: str | None, as_written: tuple[str, ...] = ()) -> Checked:
        """Validate a document against its model."""
        reader = self.reader(document, environment)
        keys = (*COMMON, "format") if document.kind == "Project" else COMMON
        if "for_each" in document.data:
            self.report.add(
                reader.place(("for_each",), key=True), "for-each-setting",
                f"for_each multiplies resources; a {document.kind} is a setting", "write the documents out",
            )  # fmt: skip
            keys = (*keys, "for_each")
        unknown_keys(document, keys, reader)
        texts(document, reader)
        spec = document.data.get("spec")
        if spec is None:
            spec = {}
        if not isinstance(spec, Mapping):
            place = reader.place(("spec",))
            self.report.add(place, "spec-invalid", "spec must be a mapping", "write its keys below it")
            return Checked(document=document, spec=None)
        known = {key: value if key in as_written else reader.known(value, ("spec", key)) for key, value in spec.items()}
        model = cast("type[api.Spec]", api.load_object(self.models[document.kind]))
        normal = reader.checked(model, known, ("spec",))
        return Checked(document=document, spec=None if reader.failed else normal)

    def reader(self, document: Document, environment: str | None) -> Reader:
        scope = Scope(variables=self.variables, environment=environment, digest=self.digest)
        address = Address.of(document.kind, document.name) if document.name else None
        return Reader(source=document.source, scope=scope, report=self.report, address=address)

    def policy(
        self, document: Document, environment: str, levels: Mapping[str, Level]
    ) -> tuple[Policy, Setting, tuple[PolicyTest, ...]] | None:
        """Return a policy with the level in force, what it means as a setting, and the cases beside it."""
        from ordain.expr.messages import check_policy

        checked = self.check(document, environment, ("message", "tests"))
        spec = checked.spec
        if spec is None:
            return None
        reader = self.reader(document, environment)
        rules = {key: str(spec[key]) for key in ("match", "require", "message")}
        for key, problem in check_policy(rules, gate=spec["stage"] == PolicyStage.GATE):
            what = problem.message if key == "message" else f"spec.{key} is no rule: {problem.message}"
            self.report.expression(reader.place(("spec", key)), rules[key], ExpressionError(what, problem.offset))
        level = levels.get(document.name, Level(str(spec["level"])))
        address = Address.of(document.kind, document.name)
        owner = document.data.get("owner")
        policy = Policy(
            address=address,
            stage=PolicyStage(str(spec["stage"])),
            level=level,
            match=str(spec["match"]),
            require=str(spec["require"]),
            message=rules["message"],
            remedy=str(spec["remedy"]),
            severity=PolicySeverity(str(spec["severity"])),
            link=str(spec["link"]),
            owner=owner if isinstance(owner, str) else "",
            exceptions=tuple(_exemption(one) for one in _mappings(spec["exceptions"])),
            source=document.source,
        )
        meant = {key: value for key, value in spec.items() if key != "tests"} | {"level": level.value}
        setting = Setting(address=address, kind=document.kind, spec=meant, source=document.source)
        return policy, setting, tuple(_test(one, number) for number, one in enumerate(_mappings(spec["tests"]), 1))

    def environment(self, checked: Checked, declared: Mapping[str, Mapping[str, Tree]] | None) -> Environment:
        """Return an environment as it means; ``declared`` are the variables there are, None where that is unclear."""
        spec = checked.spec or {}
        name = checked.document.name
        policies = spec.get("policies")
        secrets = spec.get("secrets")
        promotes_from = spec.get("promotes_from")
        return Environment(
            name=name,
            promotes_from=promotes_from if isinstance(promotes_from, str) else None,
            levels={k: Level(str(v)) for k, v in policies.items()} if isinstance(policies, Mapping) else {},
            variables=of_environment(checked.raw("variables"), declared, self.reader(checked.document, name))
            if declared is not None
            else {},
            secrets=cast("Mapping[str, Json]", secrets) if isinstance(secrets, Mapping) else {},
        )


def _mappings(value: Tree) -> tuple[Mapping[str, Tree], ...]:
    return tuple(one for one in value if isinstance(one, Mapping)) if isinstance(value, list | tuple) else ()


def _texts(value: Tree) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()


def _exemption(written: Mapping[str, Tree]) -> Exemption:
    until = written["until"]
    return Exemption(
        resources=_texts(written["resources"]),
        reason=str(written["reason"]),
        until=moment(until) if until is not None else None,
    )


def _test(written: Mapping[str, Tree], number: int) -> PolicyTest:
    return PolicyTest(
        name=str(written["name"]) or f"test {number}",
        expect=str(written["expect"]),
        given=cast("Mapping[str, Json]", written["given"]),
        unknown=_texts(written["unknown"]),
        message=str(written["message"]),
    )


def approval_rule(
    environment: Checked | None, roles: Sequence[Checked], signers: tuple[Signer, ...], report: Report
) -> ApprovalRule | None:
    """Return what the environment asks for before a plan is applied; report roles that there are not."""
    spec = (environment.spec or {}).get("approvals") if environment is not None else None
    if environment is None or not isinstance(spec, Mapping):
        return None
    people = {one.document.name: _texts((one.spec or {}).get("people")) for one in roles}
    wanted = _texts(spec["roles"])
    for number, name in enumerate(wanted):
        if name not in people:
            place = Place(source=environment.source, path=("spec", "approvals", "roles", number))
            report.add(place, "role-unknown", f"there is no role {name!r}", choose(name, people, "roles"))
    expires = spec["expires"]
    return ApprovalRule(
        count=int(cast("int", spec["count"])),
        roles=tuple(sorted(set(wanted))),
        people={name: people[name] for name in sorted(set(wanted) & set(people))},
        not_author=spec["not_author"] is True,
        expires=seconds(expires) if expires is not None else None,
        break_glass=spec["break_glass"] is True,
        signers=signers,
    )


def signers_setting(signers: tuple[Signer, ...]) -> Setting:
    """Return who may sign as a setting: a plan shows first that somebody came or went."""
    keys = {
        one.key: {"people": list(one.people), "after": one.after, "before": one.before}
        for one in sorted(signers, key=lambda one: one.key)
    }
    return Setting(
        address=Address.of("Signers", "allowed"),
        kind="Signers",
        spec={"keys": cast("Tree", keys)},
        source=Source(file=SIGNERS_FILE, line=1, text=""),
    )


def project_value(checked: Checked) -> Project:
    """Return the project as it means."""
    spec = checked.spec or {}
    trust = spec.get("trust")
    estimators = trust.get("estimators") if isinstance(trust, Mapping) else ()
    return Project(
        name=checked.document.name,
        state=cast("Mapping[str, Tree]", spec.get("state", {})),
        artifacts=str(spec.get("artifacts", ".ordain/artifacts")),
        trusted_estimators=tuple(str(one) for one in estimators) if isinstance(estimators, list | tuple) else (),
    )


def meant(checked: Checked, without: tuple[str, ...]) -> Setting:
    """Return a setting for the plan to compare, ``without`` what shows in other places of the plan."""
    document = checked.document
    spec = {key: value for key, value in (checked.spec or {}).items() if key not in without}
    address = Address.of(document.kind, document.name)
    return Setting(address=address, kind=document.kind, spec=spec, source=document.source)


def check_format(document: Document, report: Report) -> None:
    """Refuse a project written in a newer format of the language."""
    written = document.data.get("format", FORMAT)
    place = Place(source=document.source, path=("format",))
    if isinstance(written, bool) or not isinstance(written, int) or written < 1:
        report.add(place, "format", f"format must be a whole number such as {FORMAT}", f"write `format: {FORMAT}`")
    elif written > FORMAT:
        report.add(
            place, "format-newer",
            f"the project is written in format {written}; this Ordain reads up to {FORMAT}", "install a newer Ordain",
        )  # fmt: skip


def unknown_keys(document: Document, known: tuple[str, ...], reader: Reader) -> None:
    """Report top-level keys that a document of this kind does not have."""
    for key in document.data:
        if key not in known:
            reader.report.add(
                reader.place((key,), key=True), "spec-unknown-key",
                f"unknown key {key!r} in a {document.kind}", choose(key, known, "known keys"),
            )  # fmt: skip


def texts(document: Document, reader: Reader) -> tuple[str, str, Mapping[str, str]]:
    """Return description, owner and labels."""
    data = document.data
    found = []
    for key in ("description", "owner"):
        value = reader.known(data[key], (key,)) if key in data else ""
        if not isinstance(value, str | None):
            reader.report.add(reader.place((key,)), "spec-invalid", f"{key} must be text", "quote it")
        found.append(value if isinstance(value, str) else "")
    labels = reader.known(data["labels"], ("labels",)) if "labels" in data else None
    if labels is None:
        return found[0], found[1], {}
    if not isinstance(labels, Mapping):
        reader.report.add(reader.place(("labels",)), "spec-invalid", "labels must be a mapping", "write `name: text`")
        return found[0], found[1], {}
    for name, value in labels.items():
        if not isinstance(value, str):
            reader.report.add(reader.place(("labels", name)), "spec-invalid", f"labels.{name} must be text", "quote it")
    return found[0], found[1], {name: value for name, value in labels.items() if isinstance(value, str)}
