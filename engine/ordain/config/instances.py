"""``for_each``: one document that stands for several resources, by a list of keys or a map of keys to values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ordain.config.load import Document
from ordain.config.report import Place, Report, choose
from ordain.config.trees import Reader
from ordain.expr.syntax import KEY_RULE
from ordain.expr.templates import OPEN, Scope
from ordain.values.address import KEY, Address
from ordain.values.data import Path, Tree, Unknown, leaves
from ordain.values.diagnostic import Diagnostic

_PATH: Path = ("for_each",)
_UNCLEAR = Unknown(expression="${{ each.key }}")
"""Stands for the key and the value of a document whose ``for_each`` is wrong, so that the rest is checked too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The resources there are, by address. ``keys`` are those of each document with ``for_each``, as they stand.

    ``unclear`` are documents whose ``for_each`` is wrong; ``complete``: no blueprint failed, so that what is not among
    ``documents`` does not exist.
    """

    documents: Mapping[Address, Document]
    keys: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    unclear: frozenset[Address] = frozenset()
    complete: bool = True

    def missing(self, target: Address) -> tuple[str, str] | None:
        """Return what is wrong with naming ``target``, and a remedy; None where it exists, or may exist."""
        base = target.base
        if target in self.documents or base in self.unclear:
            return None
        if base in self.keys:
            return _wrong_key(target, self.keys[base])
        if base in self.documents:
            return f"{base} has no `for_each:`: it is one resource, without a key", f"write {base}"
        if not self.complete:
            return None
        every = {one.base for one in self.documents} | set(self.keys)
        same = [str(one) for one in every if one.kind == target.kind]
        fix = choose(str(base), same or map(str, every), f"{target.kind} resources" if same else "resources")
        return f"there is no resource {base}", fix


def _wrong_key(target: Address, keys: tuple[str, ...]) -> tuple[str, str]:
    if not keys:
        return f"there is no {target}: the `for_each:` of {target.base} is empty here", "add a key there"
    if target.key:
        return f"{target.base} has no {target.key!r}", choose(target.key, keys, "keys")
    example = f'{target}["{keys[0]}"]'
    what = f"{len(keys)} resources" if len(keys) > 1 else "one resource, which has a key"
    return f"{target} has `for_each:` and stands for {what}", f"name one, as in {example}; {choose('', keys, 'keys')}"


def multiplied(documents: Mapping[Address, Document], scope: Scope, report: Report, complete: bool) -> Known:
    """Return ``documents`` with an entry for each key in the place of those with ``for_each``."""
    several = [address for address, document in documents.items() if "for_each" in document.data]
    if not several:
        return Known(documents=documents, complete=complete)
    found = dict(documents)
    keys: dict[Address, tuple[str, ...]] = {}
    unclear = []
    for address in several:
        document = documents[address]
        each = each_of(document, scope, report, address)
        if each is None:
            found[address] = replace(document, each={"key": _UNCLEAR, "value": _UNCLEAR})
            unclear.append(address)
            continue
        del found[address]
        keys[address] = tuple(each)
        for one in instances(document, each):
            found[Address.parse(f'{address}["{one.key}"]')] = one
    return Known(documents=found, keys=keys, unclear=frozenset(unclear), complete=complete)


def instances(document: Document, each: Mapping[str, Tree]) -> Iterator[Document]:
    """Yield the document once for each key."""
    for key, value in each.items():
        yield replace(document, key=key, each={"key": key, "value": value})


def varies(document: Document) -> bool:
    """Say whether the keys of a document may differ from one environment to another."""
    return OPEN in json.dumps(document.data.get("for_each"), default=str)


def place_of_key(document: Document) -> Place:
    """Return where the key of one of several stands; where ``for_each`` is an expression, that."""
    written = document.data.get("for_each")
    step: str | int = document.key
    if isinstance(written, list):
        step = next((number for number, item in enumerate(written) if _spelled(item) == document.key), 0)
    return Place(source=document.source, path=(*_PATH, step), key=True)


def _spelled(item: Tree) -> str:
    return item if isinstance(item, str) else json.dumps(item) if isinstance(item, bool | int | float) else ""


def each_of(
    document: Document, scope: Scope, report: Report, address: Address | None = None
) -> Mapping[str, Tree] | None:
    """Return what a document's ``for_each`` comes to, keys to values; None where it is wrong, which is reported."""
    reader = Reader(source=document.source, scope=scope, report=report, address=address)
    before = len(report.diagnostics)
    value = reader.tree(document.data["for_each"], _PATH)
    for path, leaf in leaves(value):
        if isinstance(leaf, Unknown) and not leaf.refs:
            return None  # of a variable whose value is wrong: that was said
        _not_known(reader.place((*_PATH, *path)), isinstance(leaf, Unknown), report)
    found: Mapping[str, Tree] = {}
    if len(report.diagnostics) > before:
        return None
    if isinstance(value, Mapping):
        found = value
        for key in value:
            _check_key(key, reader.place((*_PATH, key), key=True), report)
    elif isinstance(value, list | tuple):
        found = _of_list(value, reader)
    else:
        what = "is empty" if value is None else "must be a list of keys, or a map of keys to values"
        report.add(
            reader.place(_PATH, key=value is None), "for-each-type", f"for_each {what}",
            "write `for_each: [north, south]`, or `for_each: {north: …, south: …}`; `[]` makes no resources",
        )  # fmt: skip
    return found if len(report.diagnostics) == before else None


def _not_known(place: Place, output: bool, report: Report) -> None:
    detail = (
        "How many resources there are, and what they are called, must be known before anything is planned: a plan "
        "names each step by its address. "
    )
    if output:
        summary = "for_each reads an output of a resource, which is known only after that resource is applied"
        fix = (
            "write the keys here, or in a variable that both documents read; the document's own fields may read outputs"
        )
    else:
        summary = "for_each reads a secret"
        detail = "Keys become addresses, which show in plans, logs and the state. "
        fix = "write the keys here, and read the secret in the document's own fields: `${{ secret.NAME }}`"
    report.add(place, "for-each-unknown", summary, fix, detail.strip())


def _of_list(items: list[Tree] | tuple[Tree, ...], reader: Reader) -> Mapping[str, Tree]:
    found: dict[str, Tree] = {}
    where: dict[str, int] = {}
    for number, item in enumerate(items):
        place = reader.place((*_PATH, number))
        if not isinstance(item, str | bool | int | float):
            reader.report.add(
                place, "for-each-type", "an item of for_each names a resource: it is text, a number, true or false",
                "for values of several fields, write a map: `for_each: {north: {…}}`",
            )  # fmt: skip
            continue
        key = _spelled(item)
        if key in found:
            reader.report.add_related(
                place,
                Diagnostic(code="for-each-duplicate", summary=f"the key {key!r} is there twice", fix="remove one"),
                [(reader.place((*_PATH, where[key])), "first here")],
            )
        elif _check_key(key, place, reader.report):
            found[key], where[key] = item, number
    return found


def _check_key(key: str, place: Place, report: Report) -> bool:
    if KEY.fullmatch(key):
        return True
    report.add(
        place, "for-each-key", f"{key!r} cannot be a key of for_each", f"a key is {KEY_RULE}; give it a shorter name"
    )
    return False
