"""Documents → what one environment asks for. Everything that is wrong is reported in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ordain.config import environments, instances, overrides, refactoring, silent, variables
from ordain.config.blueprints import Blueprint, expand
from ordain.config.collector import paused
from ordain.config.files import PROJECT_FILE
from ordain.config.graph import check_cycles
from ordain.config.instances import Known
from ordain.config.load import Document
from ordain.config.report import Place, Report, choose
from ordain.config.resources import Resources
from ordain.config.settings import (
    Checked,
    Settings,
    approval_rule,
    check_format,
    meant,
    project_value,
    signers_setting,
)
from ordain.config.variables import Declared, Digest, Given
from ordain.expr.templates import Scope
from ordain.values.address import BY_ADDRESS, Address, snake
from ordain.values.approval import Signer
from ordain.values.data import Leaf, Path, Secret, Tree, replace_leaves
from ordain.values.diagnostic import Diagnostic, in_order
from ordain.values.fingerprint import digest
from ordain.values.resource import Desired, Lifecycle, Resource, RunOptions
from ordain.values.setting import Environment, Policy, PolicyTest, Setting
from ordain.values.span import Overlay, Source, Span

if TYPE_CHECKING:
    from ordain.api.registry import Registry

BUILT_IN: Mapping[str, str] = {
    "Project": "ordain.kinds.settings:ProjectSpec",
    "Environment": "ordain.kinds.settings:EnvironmentSpec",
    "Policy": "ordain.kinds.settings:PolicySpec",
    "Role": "ordain.kinds.settings:RoleSpec",
    "Moved": "ordain.kinds.settings:MovedSpec",
    "Import": "ordain.kinds.settings:ImportSpec",
    "Removed": "ordain.kinds.settings:RemovedSpec",
}
NOT_YET = ("Notification", "Monitor")
"""Kinds of the language that this version does not read."""


_LIFECYCLE, _RUN = Lifecycle(), RunOptions()


def _no_digest(name: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveOptions:
    """What the command line says.

    ``environment``: None picks the only one, or the default. ``variables`` are texts from outside, ``origins`` where
    each came from (``--var``, ``ORDAIN_VAR_x``, a file; for messages), ``sources`` the files they stand in. ``digest``
    gives the keyed digest of a secret called ``secret.NAME`` or ``var.name``, None where it is not at hand.
    ``settings`` are the setting kinds and the import paths of their models. ``blueprints`` are those that documents may
    ``use``. ``signers`` are the keys that may approve.
    """

    environment: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    digest: Digest = _no_digest
    settings: Mapping[str, str] = field(default_factory=lambda: BUILT_IN)
    blueprints: Mapping[str, Blueprint] = field(default_factory=dict)
    signers: tuple[Signer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What is desired (None where an error stands in the way), and everything there is to say."""

    desired: Desired | None
    diagnostics: tuple[Diagnostic, ...]


@dataclass(slots=True, kw_only=True)
class _Index:
    """The documents by what they are; ``broken``: some could not be read, so nothing can be desired.

    ``uses`` are those that a blueprint is still to be expanded for; ``complete``: each of them could be expanded.
    """

    registry: Registry
    options: ResolveOptions
    report: Report
    named: dict[Address, Document] = field(default_factory=dict)
    projects: list[Document] = field(default_factory=list)
    uses: list[Document] = field(default_factory=list)
    refactorings: list[Document] = field(default_factory=list)
    broken: bool = False
    complete: bool = True

    def add(self, documents: Iterable[Document]) -> None:
        """Put documents in their places; reports unknown kinds, and equal names."""
        kinds, first = self.registry.kinds, self.named
        for document in documents:
            if document.broken:
                self.broken = True
            kind = document.kind
            if kind not in kinds:
                if document.use:
                    self.uses.append(document)
                    continue
                if kind == "Project":
                    self.projects.append(document)
                    continue
                if kind in refactoring.KINDS:
                    self.refactorings.append(document)
                    continue
                if kind not in self.options.settings:
                    _unknown_kind(document, kinds, self.options, self.report)
                    continue
            # Parsed, so that it is the same object as in expressions that name it: such lookups are twice as fast.
            address = Address.parse(f"{snake(kind)}.{document.name}")
            if address in first:
                _twice(address, document, first[address], self.report)
            else:
                first[address] = document

    def expand(self, scope: Scope) -> None:
        """Expand the documents that use a blueprint, and put what they stand for in place."""
        made: list[Document] = []
        before = len(self.report.diagnostics)
        for document in self.uses:
            each: Mapping[str, Tree] | None = None
            if "for_each" in document.data:
                each = instances.each_of(document, scope, self.report)
                if each is None:
                    continue
            for one in (document,) if each is None else instances.instances(document, each):
                here = scope if one.each is None else replace(scope, each=one.each)
                made += expand(one, self.options.blueprints, here, self.report)
        wrong = any(one.is_error for one in self.report.diagnostics[before:])
        self.complete = not wrong and not any(self._broken(document) for document in self.uses)
        self.add(made)

    def _broken(self, document: Document) -> bool:
        blueprint = self.options.blueprints.get(document.use)
        return blueprint is None or blueprint.broken

    def of(self, kind: str) -> list[Document]:
        return sorted((one for one in self.named.values() if one.kind == kind), key=lambda one: one.name)

    def resources(self) -> Mapping[Address, Document]:
        return {address: one for address, one in self.named.items() if one.kind in self.registry.kinds}


def resolve(documents: Sequence[Document], registry: Registry, options: ResolveOptions) -> Resolution:
    """Return what ``documents`` ask for in one environment. Never raises for what stands in them."""
    report = Report()
    with paused():
        index = _Index(registry=registry, options=options, report=report)
        index.add(documents)
        desired = _desired(index, registry, options, report)
    diagnostics = in_order(report.diagnostics)
    if index.broken or any(diagnostic.is_error for diagnostic in diagnostics):
        desired = None
    return Resolution(desired=desired, diagnostics=diagnostics)


def _unknown_kind(document: Document, kinds: Iterable[str], options: ResolveOptions, report: Report) -> None:
    place = Place(source=document.source, path=("kind",))
    kind = document.kind
    if kind in NOT_YET:
        report.add(place, "not-yet-supported", f"the kind {kind} is not yet supported in this version", "leave it out")
    else:
        fix = choose(kind, (*kinds, *options.settings), "kinds")
        report.add(place, "kind-unknown", f"there is no kind {kind!r}", fix)


def _twice(address: Address, document: Document, first: Document, report: Report) -> None:
    fix = "rename one of them, or remove it"
    if document.source.expansion is not None:
        fix = "put a parameter into the names of the blueprint's documents, and give it another value in each `with:`"
    report.add_related(
        Place(source=document.source, path=("name",), address=address),
        Diagnostic(code="name-duplicate", summary=f"{address} is defined twice", fix=fix),
        [(Place(source=first.source, path=("name",)), "first here")],
    )


def _desired(index: _Index, registry: Registry, options: ResolveOptions, report: Report) -> Desired | None:
    document = _project_document(index, report)
    settings = Settings(models=options.settings, digest=options.digest, report=report)
    checked = environments.check_all({one.name: one for one in index.of("Environment")}, settings)
    chosen = environments.choose(checked, options.environment, document.source if document else None, report)
    environment = chosen or next(iter(checked), environments.IMPLICIT)  # where it is unclear: to check the rest with
    project = (
        settings.check(document, environment, ("variables", "state")) if document and not document.broken else None
    )
    declared = _declared(project)
    names = declared.variables if declared else None
    every = {name: settings.environment(one, names) for name, one in checked.items()}
    environments.check_promotion(every, checked, report)
    here = every.get(environment, Environment(name=environment))
    values, places = _values(declared, here, checked.get(environment), options, report)
    scope = Scope(variables=values, environment=environment, digest=options.digest)
    index.expand(scope)
    reading = replace(settings, variables=values)
    policies, policy_settings, policy_tests = _policies(index, reading, here, checked.get(environment))
    roles = [reading.check(one, environment) for one in index.of("Role") if not one.broken]
    approvals = approval_rule(checked.get(environment), roles, options.signers, report)
    environments.check_levels(checked, [document.name for document in index.of("Policy")], report)
    known, varying = _known(index, checked, environment, scope)
    resources = _resources(known, Resources(registry=registry, scope=scope, report=report))
    refactorings = refactoring.Reading(settings=reading, registry=registry, known=known, varying=varying).all(
        (one for one in index.refactorings if not one.broken), environment
    )
    if project is None:
        return None
    if index.complete and not any(one.is_error for one in report.diagnostics):
        silent.warn(
            policies,
            silent.Known(environments=every or {environment}, kinds=registry.kinds, resources=resources),
            report,
        )
    own = [meant(project, ("variables",))]
    if environment in checked:
        own.append(meant(checked[environment], ("variables", "overrides", "policies")))
    if options.signers:
        own.append(signers_setting(options.signers))
    all_settings = (*own, *policy_settings, *(meant(one, ()) for one in roles))
    return Desired(
        project=project_value(project),
        environment=here,
        environments=every or {environment: here},
        policies=policies,
        settings=all_settings,
        resources=resources,
        digest=_digest(resources, all_settings, environment),
        moves=refactorings.moves,
        imports=refactorings.imports,
        removals=refactorings.removals,
        variables=places,
        approvals=approvals,
        policy_tests=policy_tests,
    )


def _values(
    declared: Declared | None, here: Environment, written: Checked | None, options: ResolveOptions, report: Report
) -> tuple[Mapping[str, Tree], Mapping[str, tuple[Source, Path]]]:
    """Return the variables' values, and where those stand."""
    if declared is None:
        return variables.Undeclared(), {}
    given = Given(
        environment=here.name,
        variables=here.variables,
        source=written.source if written is not None else None,
        texts=options.variables,
        origins=options.origins,
        sources=options.sources,
        complete=written is None or not written.document.broken,
    )
    return variables.values(declared, given, options.digest, report), variables.places(declared, given)


def _project_document(index: _Index, report: Report) -> Document | None:
    """Return the one Project; report where there is none, more than one, or one in a wrong place."""
    for document in index.projects:
        place = Place(source=document.source)
        if document.source.file != PROJECT_FILE:
            report.add(
                place, "project-place", f"the Project stands in {document.source.file}", f"move it to {PROJECT_FILE}"
            )
        if document is not index.projects[0]:
            report.add_related(
                place,
                Diagnostic(code="project-duplicate", summary="there is more than one Project", fix="keep one"),
                [(Place(source=index.projects[0].source), "first here")],
            )
        if not document.broken:
            check_format(document, report)
    if not index.projects:
        report.diagnostics.append(
            Diagnostic(
                code="project-missing",
                summary=f"{PROJECT_FILE} holds no document of kind Project",
                fix="add `kind: Project`, `name: …` and `format: 1` to it",
                at=Span(file=PROJECT_FILE, line=1, column=1),
            )
        )
        return None
    return index.projects[0]


def _declared(project: Checked | None) -> Declared | None:
    if project is None:
        return None
    declared = (project.spec or {}).get("variables")
    if not isinstance(declared, Mapping):
        return None
    return Declared(
        variables={name: one for name, one in declared.items() if isinstance(one, Mapping)},
        raw=project.raw("variables"),
        source=project.source,
    )


def _policies(
    index: _Index, reading: Settings, here: Environment, written: Checked | None
) -> tuple[tuple[Policy, ...], tuple[Setting, ...], Mapping[Address, tuple[PolicyTest, ...]]]:
    found = [reading.policy(one, here.name, here.levels) for one in index.of("Policy") if not one.broken]
    good = [one for one in found if one is not None]
    settings = tuple(_levelled(setting, here, written) for _, setting, _ in good)
    return tuple(policy for policy, *_ in good), settings, {policy.address: tests for policy, _, tests in good}


def _levelled(setting: Setting, here: Environment, written: Checked | None) -> Setting:
    """Return a policy whose level the environment sets with that place in its source."""
    name = setting.address.name
    if written is None or name not in here.levels:
        return setting
    level = Overlay(path=("spec", "level"), source=written.source, inner=("spec", "policies", name))
    return replace(setting, source=replace(setting.source, overlays=(level,)))


def _known(
    index: _Index, checked: Mapping[str, Checked], environment: str, scope: Scope
) -> tuple[Known, frozenset[Address]]:
    """Return the resources there are: overridden, multiplied, and each of those overridden again.

    Also the documents with ``for_each`` whose keys may differ in another environment.
    """
    report, registry, plain = index.report, index.registry, index.resources()
    every = {name: overrides.overrides_of(one, report) for name, one in checked.items()}
    mine = every.get(environment, ())
    documents = overrides.overridden(plain, (one for one in mine if not one.address.key), registry, report)
    known = instances.multiplied(documents, scope, report, index.complete)
    for name, some in every.items():
        overrides.check_there(some, known, report, here=name == environment)
    keyed = [one for one in mine if one.address.key]
    if keyed:
        known = replace(known, documents=overrides.overridden(known.documents, keyed, registry, report))
    patched = {one.address for some in every.values() for one in some if "for_each" in one.patch}
    varying = frozenset(one for one in known.keys if one in patched or instances.varies(plain[one]))
    return known, varying


def _resources(known: Known, building: Resources) -> Mapping[Address, Resource]:
    found: dict[Address, Resource] = {}
    for address in sorted(known.documents, key=BY_ADDRESS):
        document = known.documents[address]
        if not document.broken:
            resource = building.build(address, document)
            if resource is not None:
                found[address] = resource
    building.check_mentions(known)
    check_cycles(found, building.mentions, building.report)
    return found


def _digest(resources: Mapping[Address, Resource], settings: Sequence[Setting], environment: str) -> str:
    """Return the digest of all that is meant, wherever and however it is written."""
    return digest(
        {
            "environment": environment,
            "resources": {str(address): _meaning(one) for address, one in resources.items()},
            "settings": {str(one.address): [one.kind, one.spec] for one in settings},
        }
    )


def _meaning(one: Resource) -> tuple[object, ...]:
    return (
        *(one.kind, one.provider, replace_leaves(one.spec, _spelled), list(map(str, one.depends_on))),
        *(one.description, one.owner, one.labels),
        None if one.lifecycle == _LIFECYCLE else one.lifecycle,
        None if one.run == _RUN else one.run,
    )


def _spelled(leaf: Leaf) -> str:
    # No text of a user's begins with NUL, and the codec is three times as fast without leaves.
    return f"\0{leaf.expression}\0{leaf.digest if isinstance(leaf, Secret) else ''}"
