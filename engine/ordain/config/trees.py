"""Evaluates the templates in a tree; says what a model finds wrong with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ordain import api
from ordain.config.report import Place, Report, choose, shown
from ordain.expr.errors import ExpressionError
from ordain.expr.templates import OPEN, Scope, evaluate
from ordain.values.address import Address
from ordain.values.data import Leaf, Path, Secret, Tree, Unknown, dig, leaves, path_text
from ordain.values.span import Source

if TYPE_CHECKING:
    from ordain.api.fields import FieldError, Spec

OnLeaf = Callable[[Leaf, Path], None]


_NODES = frozenset((str, dict, list))
"""What may hold a template."""


def _ignore(leaf: Leaf, path: Path) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads one document: evaluates its templates and validates its parts, reporting at exact places.

    ``failed`` grows by the paths that could not be evaluated; ``on_leaf`` hears of each unknown or secret leaf.
    """

    source: Source
    scope: Scope
    report: Report
    address: Address | None = None
    on_leaf: OnLeaf = _ignore
    failed: list[Path] = field(default_factory=list)

    def place(self, path: Path, *, key: bool = False) -> Place:
        return Place(source=self.source, path=path, key=key, address=self.address)

    def tree(self, tree: Tree, path: Path) -> Tree:
        """Return ``tree``, which stands at ``path``, with every template evaluated; parts without any are shared."""
        kind = type(tree)
        if kind is str:
            return self._scalar(tree, path) if OPEN in tree else tree  # type: ignore[operator,arg-type]
        if kind is dict:
            changed: dict[str, Tree] | None = None
            for key, value in tree.items():  # type: ignore[union-attr]
                if type(value) in _NODES:
                    new = self.tree(value, (*path, key))
                    if new is not value:
                        changed = changed if changed is not None else dict(tree)  # type: ignore[arg-type]
                        changed[key] = new
            return tree if changed is None else changed
        if kind is list:
            items = [self.tree(value, (*path, index)) for index, value in enumerate(tree)]  # type: ignore[arg-type]
            return items if any(new is not old for new, old in zip(items, tree, strict=True)) else tree  # type: ignore[arg-type]
        return tree

    def _scalar(self, text: str, path: Path) -> Tree:
        try:
            value = evaluate(text, self.scope)
        except ExpressionError as error:
            self.report.expression(self.place(path), text, error)
            self.failed.append(path)
            return text
        if isinstance(value, Unknown | Secret):
            self.on_leaf(value, path)
        return value

    def known(self, tree: Tree, path: Path) -> Tree:
        """Return ``tree`` evaluated; a leaf that is unknown or secret is an error, and gives None."""
        value = self.tree(tree, path)
        for inner, leaf in leaves(value):
            if isinstance(leaf, Unknown) and not leaf.refs:  # of a variable whose value is wrong: that was said
                self.failed.append((*path, *inner))
                return None
            what = "outputs of a resource" if isinstance(leaf, Unknown) else "secrets"
            self.report.add(
                self.place((*path, *inner)),
                "spec-not-known",
                f"{path_text((*path, *inner))} cannot use {what}: it must be known before anything is planned",
                "write the value itself, or a variable",
            )
            self.failed.append((*path, *inner))
            return None
        return value

    def checked(self, model: type[Spec], tree: Mapping[str, Tree], path: Path) -> Mapping[str, Tree] | None:
        """Return ``tree`` as ``model`` normalises it; None where it is wrong or not fully known."""
        normal, errors = api.check(model, tree)
        for error in errors:
            here = (*path, *error.path)
            if not any(here[: len(failed)] == failed for failed in self.failed):
                self._field_error(error, tree, path, getattr(model, "not_yet", frozenset()))
        return normal

    def _field_error(self, error: FieldError, tree: Tree, path: Path, not_yet: frozenset[str]) -> None:
        here = (*path, *error.path)
        name = path_text(here)
        if error.code == "extra_forbidden":
            word = str(error.path[-1])
            if ".".join(map(str, error.path)) in not_yet:
                self.report.add(
                    self.place(here, key=True),
                    "not-yet-supported",
                    f"{name} is not yet supported in this version",
                    "leave it out",
                )
                return
            summary = f"unknown key {word!r} in {path_text(here[:-1]) or 'the document'}"
            fix = choose(word, error.known, "known keys")
            self.report.add(self.place(here, key=True), "spec-unknown-key", summary, fix)
        elif error.code == "missing":
            parent = path_text(here[:-1]) or "the document"
            self.report.add(
                self.place(here), "spec-missing", f"{name} is missing", f"write `{here[-1]}:` under {parent}"
            )
        else:
            self.report.add(
                self.place(here), "spec-invalid", f"{name}: {_sentence(error.message)}", "correct the value",
                detail=_found(tree, error.path),
            )  # fmt: skip


def _sentence(message: str) -> str:
    return message[:1].lower() + message[1:]


def _found(tree: Tree, path: Path) -> str:
    try:
        value = dig(tree, path)
    except KeyError:
        return ""
    return "" if any(True for _ in leaves(value)) else f"found {shown(value)}"
