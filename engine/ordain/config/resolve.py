"""Documents → what one environment asks for. Everything that is wrong is reported in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ordain.config import environments, variables
from ordain.config.collector import paused
from ordain.config.files import PROJECT_FILE
from ordain.config.graph import check_cycles
from ordain.config.load import Document
from ordain.config.overrides import override
from ordain.config.report import Place, Report, choose
from ordain.config.resources import Resources
from ordain.config.settings import Checked, Settings, check_format, meant, project_value
from ordain.config.variables import Declared, Digest, Given
from ordain.expr.templates import Scope
from ordain.values.address import BY_ADDRESS, Address, snake
from ordain.values.data import Leaf, Secret, Tree, replace_leaves
from ordain.values.diagnostic import Diagnostic, in_order
from ordain.values.fingerprint import digest
from ordain.values.resource import Desired, Lifecycle, Resource, RunOptions
from ordain.values.setting import Environment, Policy, Setting
from ordain.values.span import Overlay, Source, Span

if TYPE_CHECKING:
    from ordain.api.registry import Registry

BUILT_IN: Mapping[str, str] = {
    "Project": "ordain.kinds.settings:ProjectSpec",
    "Environment": "ordain.kinds.settings:EnvironmentSpec",
    "Policy": "ordain.kinds.settings:PolicySpec",
}
NOT_YET = ("Role", "Notification", "Moved", "Import", "Removed", "Monitor")
"""Kinds of the language that this version does not read."""


_LIFECYCLE, _RUN = Lifecycle(), RunOptions()


def _no_digest(name: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveOptions:
    """What the command line says.

    ``environment``: None picks the only one, or the default. ``variables`` are texts from outside, ``origins`` where
    each came from (``--var``, ``ORDAIN_VAR_x``, a file; for messages). ``digest`` gives the keyed digest of a secret
    called ``secret.NAME`` or ``var.name``, None where it is not at hand. ``settings`` are the setting kinds and the
    import paths of their models.
    """

    environment: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    digest: Digest = _no_digest
    settings: Mapping[str, str] = field(default_factory=lambda: BUILT_IN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What is desired (None where an error stands in the way), and everything there is to say."""

    desired: Desired | None
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    """The documents by what they are; ``broken``: some could not be read, so nothing can be desired."""

    projects: Sequence[Document]
    environments: Mapping[str, Document]
    policies: Sequence[Document]
    resources: Mapping[Address, Document]
    broken: bool


def resolve(documents: Sequence[Document], registry: Registry, options: ResolveOptions) -> Resolution:
    """Return what ``documents`` ask for in one environment. Never raises for what stands in them."""
    report = Report()
    with paused():
        index = _indexed(documents, registry, options, report)
        desired = _desired(index, registry, options, report)
    diagnostics = in_order(report.diagnostics)
    if index.broken or any(diagnostic.is_error for diagnostic in diagnostics):
        desired = None
    return Resolution(desired=desired, diagnostics=diagnostics)


def _indexed(documents: Sequence[Document], registry: Registry, options: ResolveOptions, report: Report) -> _Index:
    first: dict[Address, Document] = {}
    projects: list[Document] = []
    for document in documents:
        kind = document.kind
        known = kind in registry.kinds
        if not known and kind not in options.settings:
            place = Place(source=document.source, path=("kind",))
            if kind in NOT_YET:
                report.add(
                    place, "not-yet-supported", f"the kind {kind} is not yet supported in this version", "leave it out"
                )
            else:
                fix = choose(kind, (*registry.kinds, *options.settings), "kinds")
                report.add(place, "kind-unknown", f"there is no kind {kind!r}", fix)
            continue
        if kind == "Project":
            projects.append(document)
            continue
        # Parsed, so that it is the same object as in expressions that name it: such lookups are twice as fast.
        address = Address.parse(f"{snake(kind)}.{document.name}")
        if address in first:
            _twice(address, document, first[address], report)
        else:
            first[address] = document
    return _Index(
        projects=projects,
        environments={one.name: one for one in first.values() if one.kind == "Environment"},
        policies=[one for _, one in sorted(first.items()) if one.kind == "Policy"],
        resources={address: one for address, one in first.items() if one.kind in registry.kinds},
        broken=any(document.broken for document in documents),
    )


def _twice(address: Address, document: Document, first: Document, report: Report) -> None:
    report.add_related(
        Place(source=document.source, path=("name",), address=address),
        Diagnostic(
            code="name-duplicate", summary=f"{address} is defined twice", fix="rename one of them, or remove it"
        ),
        [(Place(source=first.source, path=("name",)), "first here")],
    )


def _desired(index: _Index, registry: Registry, options: ResolveOptions, report: Report) -> Desired | None:
    document = _project_document(index, report)
    settings = Settings(models=options.settings, digest=options.digest, report=report)
    checked = environments.check_all(index.environments, settings)
    chosen = environments.choose(checked, options.environment, document.source if document else None, report)
    environment = chosen or next(iter(checked), environments.IMPLICIT)  # where it is unclear: to check the rest with
    project = settings.check(document, environment, ("variables",)) if document and not document.broken else None
    declared = _declared(project)
    names = declared.variables if declared else None
    every = {name: settings.environment(one, names) for name, one in checked.items()}
    environments.check_promotion(every, checked, report)
    here = every.get(environment, Environment(name=environment))
    values: Mapping[str, Tree] = variables.Undeclared()
    if declared is not None:
        given = Given(
            environment=environment,
            variables=here.variables,
            source=checked[environment].source if environment in checked else None,
            texts=options.variables,
            origins=options.origins,
            complete=environment not in checked or not checked[environment].document.broken,
        )
        values = variables.values(declared, given, options.digest, report)
    policies, policy_settings = _policies(index, settings, here, checked.get(environment), values)
    environments.check_levels(checked, [document.name for document in index.policies], report)
    documents = _overridden(index, checked, environment, registry, report)
    scope = Scope(variables=values, environment=environment, digest=options.digest)
    resources = _resources(documents, Resources(registry=registry, scope=scope, report=report))
    if project is None:
        return None
    own = [meant(project, ("variables",))]
    if environment in checked:
        own.append(meant(checked[environment], ("variables", "overrides", "policies")))
    all_settings = (*own, *policy_settings)
    return Desired(
        project=project_value(project),
        environment=here,
        environments=every or {environment: here},
        policies=policies,
        settings=all_settings,
        resources=resources,
        digest=_digest(resources, all_settings, environment),
    )


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
    index: _Index, settings: Settings, here: Environment, written: Checked | None, values: Mapping[str, Tree]
) -> tuple[tuple[Policy, ...], tuple[Setting, ...]]:
    reading = Settings(models=settings.models, digest=settings.digest, report=settings.report, variables=values)
    found = [reading.policy(one, here.name, here.levels) for one in index.policies if not one.broken]
    good = [one for one in found if one is not None]
    return tuple(policy for policy, _ in good), tuple(_levelled(setting, here, written) for _, setting in good)


def _levelled(setting: Setting, here: Environment, written: Checked | None) -> Setting:
    """Return a policy whose level the environment sets with that place in its source."""
    name = setting.address.name
    if written is None or name not in here.levels:
        return setting
    level = Overlay(path=("spec", "level"), source=written.source, inner=("spec", "policies", name))
    return replace(setting, source=replace(setting.source, overlays=(level,)))


def _overridden(
    index: _Index, checked: Mapping[str, Checked], environment: str, registry: Registry, report: Report
) -> Mapping[Address, Document]:
    """Return the resources' documents with the environment's overrides laid over them."""
    documents = dict(index.resources)
    for name, one in checked.items():
        for text, patch in one.raw("overrides").items():
            inner = ("spec", "overrides", text)
            try:
                address = Address.parse(text)
            except ValueError:
                continue  # the model has said so
            if address not in documents:
                place = Place(source=one.source, path=inner, key=True)
                fix = choose(text, map(str, documents), "resources")
                report.add(place, "override-unknown", f"there is no resource {text} to override", fix)
            elif name == environment and isinstance(patch, Mapping):
                document = documents[address]
                default = registry.provider_name(document.kind, None)
                documents[address] = override(
                    document, _allowed(patch, one.source, inner, report), one.source, inner, default
                )
    return documents


def _allowed(patch: Mapping[str, Tree], source: Source, inner: tuple[str, ...], report: Report) -> Mapping[str, Tree]:
    for key in ("kind", "name"):
        if key in patch:
            place = Place(source=source, path=(*inner, key), key=True)
            report.add(place, "override-invalid", f"an override cannot change `{key}`", "leave it out")
    return {key: value for key, value in patch.items() if key not in ("kind", "name")}


def _resources(documents: Mapping[Address, Document], building: Resources) -> Mapping[Address, Resource]:
    found: dict[Address, Resource] = {}
    for address in sorted(documents, key=BY_ADDRESS):
        if not documents[address].broken:
            resource = building.build(address, documents[address])
            if resource is not None:
                found[address] = resource
    building.check_mentions(documents)
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
