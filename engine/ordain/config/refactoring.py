"""Moved, Import and Removed: documents that refactor without destroying. They wear off, so no plan compares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ordain.config.instances import Known
from ordain.config.load import Document
from ordain.config.report import Place, Report, choose
from ordain.config.settings import Settings
from ordain.values.address import BY_ADDRESS, Address, snake
from ordain.values.data import Tree
from ordain.values.diagnostic import Diagnostic
from ordain.values.setting import Import, Move, Removal
from ordain.values.span import Source

if TYPE_CHECKING:
    from ordain.api.registry import Registry

KINDS = ("Moved", "Import", "Removed")
Refactoring: TypeAlias = Move | Import | Removal


@dataclass(frozen=True, slots=True, kw_only=True)
class Refactorings:
    """What the documents say, checked: moves and removals by address, imports as they stand."""

    moves: tuple[Move, ...] = ()
    imports: tuple[Import, ...] = ()
    removals: tuple[Removal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reads and checks them against the resources there are.

    ``varying`` are the documents whose keys may differ in another environment: a key that is not among them here is
    no mistake, since these documents are for all environments.
    """

    settings: Settings
    registry: Registry
    known: Known
    varying: frozenset[Address]
    _from: dict[Address, Source] = field(default_factory=dict)

    @property
    def report(self) -> Report:
        return self.settings.report

    def all(self, documents: Iterable[Document], environment: str) -> Refactorings:
        """Return what ``documents`` ask for; reports what is wrong with them."""
        read = [one for one in (self._read(document, environment) for document in documents) if one is not None]
        moves = [one for one in read if isinstance(one, Move)]
        for removal in (one for one in read if isinstance(one, Removal)):
            self._check_from(removal.address, removal.written, whole=True)
        self._check_moves(moves)
        imports = [one for one in read if isinstance(one, Import)]
        self._check_imports(imports)
        return Refactorings(
            moves=tuple(sorted(moves, key=lambda one: BY_ADDRESS(one.source))),
            imports=tuple(sorted(imports, key=lambda one: BY_ADDRESS(one.target))),
            removals=tuple(
                sorted((one for one in read if isinstance(one, Removal)), key=lambda one: BY_ADDRESS(one.address))
            ),
        )

    def _read(self, document: Document, environment: str) -> Refactoring | None:
        spec = document.data.get("spec")
        if document.kind == "Removed" and isinstance(spec, Mapping) and "destroy" not in spec:
            self.report.add(
                Place(source=document.source, path=("spec", "destroy")), "removed-destroy",
                "a Removed must say what becomes of the thing itself",
                "write `destroy: true` to delete it, or `destroy: false` to forget it and leave it in the world",
            )  # fmt: skip
            return None
        checked = self.settings.check(document, environment).spec
        if checked is None:
            return None
        if document.kind == "Removed":
            address = self._address(checked, "from", document)
            if address is None:
                return None
            return Removal(address=address, destroy=checked["destroy"] is True, written=document.source)
        target = self._address(checked, "to", document)
        if document.kind == "Import":
            return Import(target=target, id=str(checked["id"]), written=document.source) if target else None
        source = self._address(checked, "from", document)
        return Move(source=source, target=target, written=document.source) if source and target else None

    def _address(self, spec: Mapping[str, Tree], key: str, document: Document) -> Address | None:
        """Return the address under a key; None, and a report, where there is no such kind."""
        address = Address.parse(str(spec[key]))
        if self.registry.kind_of(address.kind) is None:
            kinds = [snake(kind) for kind in self.registry.kinds]
            place = Place(source=document.source, path=("spec", key))
            self.report.add(
                place, "kind-unknown", f"there is no kind {address.kind!r}", choose(address.kind, kinds, "kinds")
            )
            return None
        return address

    def _check_from(self, address: Address, written: Source, *, whole: bool) -> None:
        """Report what is said to have gone, and is still defined, or is said to go twice.

        ``whole``: an address without a key means all of that name.
        """
        place = Place(source=written, path=("spec", "from"))
        document = self.known.documents.get(address) or (self._any_of(address) if whole and not address.key else None)
        still = Place(source=document.source, path=("name",)) if document is not None else None
        if still is not None:
            self._tell(
                place, "refactoring-from", f"{address} is still defined", "remove its document, or this one",
                (still, "defined here"),
            )  # fmt: skip
        first = self._from.setdefault(address, written)
        if first is not written:
            other = Place(source=first, path=("spec", "from"))
            summary = f"two documents say what becomes of {address}"
            self._tell(place, "refactoring-twice", summary, "remove one of them", (other, "first here"))

    def _check_moves(self, moves: list[Move]) -> None:
        targets: dict[Address, Move] = {}
        for move in moves:
            place = Place(source=move.written, path=("spec", "to"))
            if move.source.kind != move.target.kind:
                self._tell(
                    place, "moved-kind", f"{move.source} cannot become {move.target}, which is of another kind",
                    "move within one kind; to replace it, remove the Moved",
                    (Place(source=move.written, path=("spec", "from")), "of this kind"),
                )  # fmt: skip
            self._check_from(move.source, move.written, whole=not move.target.key)
            first = targets.setdefault(move.target, move)
            if first is not move:
                other = Place(source=first.written, path=("spec", "to"))
                summary = f"two things move to {move.target}"
                self._tell(place, "refactoring-twice", summary, "remove one of them", (other, "first here"))
        by_source = {move.source: move for move in moves}
        for move in moves:
            self._check_end(move, by_source)

    def _check_end(self, move: Move, by_source: Mapping[Address, Move]) -> None:
        """Follow a chain of moves: a circle is an error, and so is an end that is not there."""
        chain = [move]
        while (following := _next(chain[-1].target, by_source)) is not None and following not in chain:
            chain.append(following)
        place = Place(source=move.written, path=("spec", "to"))
        if following is None:
            if len(chain) == 1 and move.source.kind == move.target.kind:
                self._check_target(move.target, place, "Moved", whole=not move.source.key)
        elif following is move and move.source == min((one.source for one in chain), key=BY_ADDRESS):
            around = " → ".join(str(one.source) for one in (*chain, move))
            others = [(Place(source=one.written, path=("spec", "to")), "and here") for one in chain[1:]]
            self._tell(place, "moved-cycle", f"things move in a circle: {around}", "remove one of these", *others)

    def _check_imports(self, imports: list[Import]) -> None:
        seen: dict[tuple[Address, str], Import] = {}
        able = {name for name in self.registry.kinds if self.registry.kind(name).importable} if imports else set()
        for one in imports:
            kind = self.registry.kind_of(one.target.kind)
            place = Place(source=one.written, path=("spec", "to"))
            if kind is not None and kind not in able:
                others = ", ".join(sorted(able)) or "no kind of this version"
                self._tell(
                    place, "import-kind", f"a {kind} cannot be imported: there is none before Ordain makes it",
                    f"remove the Import; what can be imported: {others}",
                    *self._definition(one.target),
                )  # fmt: skip
            elif kind is not None:
                self._check_target(one.target, place, "Import", whole=False)
            first = seen.setdefault((one.target, one.id), one)
            if first is not one:
                other = Place(source=first.written, path=("spec", "id"))
                summary = f"{one.id} is imported to {one.target} twice"
                self._tell(place, "refactoring-twice", summary, "remove one of them", (other, "first here"))

    def _check_target(self, target: Address, place: Place, kind: str, *, whole: bool) -> None:
        if whole and target in self.known.keys:
            return
        if target.key and target.base in self.known.keys and target.base in self.varying:
            return
        wrong = self.known.missing(target)
        if wrong is not None:
            verb = "move" if kind == "Moved" else "be imported"
            fix = f"{wrong[1]}; or remove this {kind} document, if {target} is gone for good"
            self._tell(
                place, "refactoring-to", f"nothing can {verb} to {target}: {wrong[0]}", fix,
                *self._definition(target),
            )  # fmt: skip

    def _any_of(self, base: Address) -> Document | None:
        keys = self.known.keys.get(base)
        return self.known.documents[Address.parse(f'{base}["{keys[0]}"]')] if keys else None

    def _definition(self, address: Address) -> list[tuple[Place, str]]:
        document = self.known.documents.get(address.base) or self._any_of(address.base)
        return [(Place(source=document.source, path=("name",)), "its document")] if document is not None else []

    def _tell(self, place: Place, code: str, summary: str, fix: str, *related: tuple[Place, str]) -> None:
        self.report.add_related(place, Diagnostic(code=code, summary=summary, fix=fix), related)


def _next(address: Address, by_source: Mapping[Address, Move]) -> Move | None:
    """Return the move that goes on from where another ends: of the address, or of its name with all its keys."""
    found = by_source.get(address)
    if found is None and address.key:
        found = by_source.get(address.base)
        return found if found is not None and not found.target.key else None
    return found
