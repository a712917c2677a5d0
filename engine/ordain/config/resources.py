"""A document → a resource: templates evaluated, spec validated, everything it names collected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from ordain import api
from ordain.config.asking import Asked, asked
from ordain.config.graph import Mention
from ordain.config.instances import Known, place_of_key
from ordain.config.load import Document
from ordain.config.report import Place, Report, choose, shown
from ordain.config.settings import COMMON, texts, unknown_keys
from ordain.config.trees import Reader
from ordain.expr.templates import Scope
from ordain.values.address import Address
from ordain.values.data import Leaf, Path, Tree, Unknown, has_unknown
from ordain.values.resource import Lifecycle, Resource, RunOptions
from ordain.values.span import Span

if TYPE_CHECKING:
    from ordain.api.fields import Ref, Spec
    from ordain.api.registry import Registry

KEYS = (*COMMON, "lifecycle", "depends_on", "run", "for_each")
EXECUTORS = ("default",)
MOST_TOLD = 20
"""Mistakes that are told of one document with ``for_each``: what is wrong in it is often wrong for every key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Type:
    """What is the same for all resources of one kind and provider."""

    model: type[Spec]
    references: Mapping[str, Ref]
    asked: Asked | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Builds resources. ``mentions`` grows by what each of them names, in the order it stands."""

    registry: Registry
    scope: Scope
    report: Report
    mentions: dict[Address, list[Mention]] = field(default_factory=dict)
    _types: dict[tuple[str, str | None], _Type] = field(default_factory=dict)
    _providers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _outputs: dict[str, frozenset[str] | None] = field(default_factory=dict)
    _told: dict[Address, set[tuple[Span | None, str, str]]] = field(default_factory=dict)

    def build(self, address: Address, document: Document) -> Resource | None:
        """Return the resource a document describes; None where it is wrong. ``depends_on`` is what it mentions."""
        before = len(self.report.diagnostics)
        mentions: list[Mention] = []
        self.mentions[address] = mentions

        def on_leaf(leaf: Leaf, path: Path) -> None:
            mentions.extend(Mention(target=ref.address, path=path, reference=ref) for ref in leaf.refs)

        scope = self.scope if document.each is None else replace(self.scope, each=document.each)
        reader = Reader(source=document.source, scope=scope, report=self.report, address=address, on_leaf=on_leaf)
        data = document.data
        unknown_keys(document, KEYS, reader)
        description, owner, labels = texts(document, reader)
        spec = self._spec(document, reader)
        provider = self._provider(document.kind, spec, reader) if spec is not None else None
        checked = self._checked(document.kind, provider, spec, reader) if spec is not None else None
        lifecycle = self._lifecycle(document, provider, reader) if "lifecycle" in data else Lifecycle()
        run = _run(data["run"], reader) if "run" in data else RunOptions()
        if "depends_on" in data:
            mentions += _depends_on(data["depends_on"], reader)
        good = checked is not None and not any(one.is_error for one in self.report.diagnostics[before:])
        if document.key and len(self.report.diagnostics) > before:
            self._tell_key(address, document, before)
        if checked is None or not good:
            return None
        return Resource(
            address=address,
            kind=document.kind,
            provider=provider,
            spec=checked,
            source=document.source,
            description=description,
            owner=owner,
            labels=labels,
            lifecycle=lifecycle,
            run=run,
            depends_on=tuple(sorted({mention.target for mention in mentions})) if mentions else (),
        )

    def _lifecycle(self, document: Document, provider: str | None, reader: Reader) -> Lifecycle:
        from ordain.config import lifecycle

        kept = self._types.get((document.kind, provider))
        found, mentions = lifecycle.read(document.data["lifecycle"], kept.model if kept else None, reader)
        assert reader.address is not None
        self.mentions[reader.address] += mentions
        return found

    def _spec(self, document: Document, reader: Reader) -> Mapping[str, Tree] | None:
        spec = document.data.get("spec")
        if spec is None:
            return {}
        spec = reader.tree(spec, ("spec",))
        if not isinstance(spec, Mapping):
            self.report.add(
                reader.place(("spec",)), "spec-invalid", "spec must be a mapping", "write its keys below it"
            )
            return None
        return spec

    def _provider(self, kind: str, spec: Mapping[str, Tree], reader: Reader) -> str | None:
        known = self._providers.get(kind)
        if known is None:
            known = self._providers[kind] = self.registry.providers_of(kind)
        written = spec.get("provider")
        if not known and not self.registry.kind(kind).default_provider:
            return None
        if isinstance(written, Unknown) and not written.refs:
            return None  # of a variable whose value is wrong: that was said
        place = reader.place(("spec", "provider"))
        if written is not None and not isinstance(written, str):
            self.report.add(
                place, "provider-invalid", "provider must be a name, known now", choose("", known, "providers")
            )
            return None
        provider = self.registry.provider_name(kind, written)
        if provider is None:
            summary = f"a {kind} needs a provider, and spec names none"
            self.report.add(
                reader.place(("spec",), key=True), "provider-missing", summary, choose("", known, "providers")
            )
        elif provider not in known:
            summary = f"there is no provider {provider!r} for a {kind}"
            self.report.add(place, "provider-unknown", summary, choose(provider, known, "installed providers"))
            return None
        return provider

    def _checked(
        self, kind: str, provider: str | None, spec: Mapping[str, Tree], reader: Reader
    ) -> Mapping[str, Tree] | None:
        """Return the spec without ``provider``: normalised where it is fully known; None where it is wrong."""
        if provider is None and (self._providers[kind] or self.registry.kind(kind).default_provider):
            return None  # what else is wrong depends on the provider
        kept = self._type(kind, provider)
        if provider is not None and "provider" in spec:
            spec = {key: value for key, value in spec.items() if key != "provider"}
        for name, ref in kept.references.items():
            if name in spec:
                self._references(spec[name], ("spec", name), ref, reader)
        normal = reader.checked(kept.model, spec, ("spec",))
        if normal is not None and kept.asked is not None:
            kept.asked.about(normal, reader)
        return normal if normal is not None else spec if has_unknown(spec) else None

    def _type(self, kind: str, provider: str | None) -> _Type:
        found = self._types.get((kind, provider))
        if found is None:
            model = self.registry.model(kind, provider)
            found = self._types[kind, provider] = _Type(
                model=model,
                references=api.reference_fields(model),
                asked=asked(self.registry, kind, provider),
            )
        return found

    def _references(self, value: Tree, path: Path, ref: Ref, reader: Reader) -> None:
        if isinstance(value, list | tuple):
            for index, item in enumerate(value):
                self._references(item, (*path, index), ref, reader)
        elif isinstance(value, str):
            try:
                target = Address.parse(ref.check(value))
            except ValueError:
                return  # the model says so, in its own words
            assert reader.address is not None
            self.mentions[reader.address].append(Mention(target=target, path=path))

    def check_mentions(self, known: Known) -> None:
        """Report what is mentioned and is not there: resources, and outputs of kinds that name theirs."""
        resources = known.documents
        for address, mentions in self.mentions.items():
            for mention in mentions:
                document = resources.get(mention.target)
                if document is not None and mention.target != address and mention.reference is None:
                    continue
                here = resources[address]
                if self._told_enough(address, here):
                    break
                before = len(self.report.diagnostics)
                place = Place(source=here.source, path=mention.path, address=address)
                if document is None:
                    wrong = known.missing(mention.target)
                    if wrong is not None:
                        self.report.add(place, "reference-unknown", *wrong)
                elif mention.target == address:
                    self.report.add(place, "reference-self", f"{address} refers to itself", "remove the reference")
                elif mention.reference is not None and mention.reference.path:
                    self._check_output(mention.reference.path[0], document, place)
                if here.key and len(self.report.diagnostics) > before:
                    self._tell_key(address, here, before)

    def _told_enough(self, address: Address, document: Document) -> bool:
        return bool(document.key) and len(self._told.get(address.base, ())) >= MOST_TOLD

    def _tell_key(self, address: Address, document: Document, before: int) -> None:
        """Let what was found in one of a document's resources say which; what others have said goes, and too much."""
        told = self._told.setdefault(address.base, set())
        new = self.report.diagnostics[before:]
        del self.report.diagnostics[before:]
        for one in new:
            same = (one.at, one.code, one.summary)
            if same not in told and len(told) < MOST_TOLD:
                told.add(same)
                key = (place_of_key(document).at(), f"for the key {document.key!r}")
                self.report.diagnostics.append(replace(one, related=(*one.related, key)))

    def _check_output(self, name: str, document: Document, place: Place) -> None:
        known = self._outputs.get(document.kind)
        if document.kind not in self._outputs:
            model = self.registry.kind(document.kind).outputs
            closed = model.model_config.get("extra") == "forbid"
            names = frozenset(one.alias or key for key, one in model.model_fields.items())
            known = self._outputs[document.kind] = names if closed else None
        if known is None or name in known:
            return
        hint = "a minus sign needs spaces around it; " if "-" in name and name.split("-")[0] in known else ""
        self.report.add(
            place, "output-unknown", f"a {document.kind} has no output {name!r}", hint + choose(name, known, "outputs")
        )


def _run(tree: Tree, reader: Reader) -> RunOptions:
    from ordain.config.common import RunSpec, part

    found = part(RunSpec, tree, "run", reader)
    if found is None:
        return RunOptions()
    run = cast("RunSpec", found).value()
    if run.executor not in EXECUTORS:
        reader.report.add(
            reader.place(("run", "executor")), "executor-unknown", f"there is no executor {run.executor!r}",
            choose(run.executor, EXECUTORS, "executors"),
        )  # fmt: skip
    return run


def _depends_on(tree: Tree, reader: Reader) -> list[Mention]:
    path: Path = ("depends_on",)
    failed = len(reader.failed)
    tree = reader.known(tree, path)
    if len(reader.failed) > failed:
        return []
    if not isinstance(tree, list):
        reader.report.add(reader.place(path), "spec-invalid", "depends_on must be a list of addresses", "write `[…]`")
        return []
    found = []
    for index, item in enumerate(tree):
        try:
            found.append(Mention(target=Address.parse(item if isinstance(item, str) else ""), path=(*path, index)))
        except ValueError:
            reader.report.add(
                reader.place((*path, index)), "address-invalid", f"{shown(item)} is no address",
                "write kind.name, as in model.subscriber",
            )  # fmt: skip
    return found
