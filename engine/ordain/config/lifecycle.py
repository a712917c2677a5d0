"""A document's ``lifecycle``: how a resource ends, what of it is not compared, what makes it anew."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, cast, get_args, get_origin

from ordain.config.common import LifecycleSpec, part
from ordain.config.graph import Mention
from ordain.config.report import choose, shown
from ordain.config.trees import Reader
from ordain.values.address import Address, Reference
from ordain.values.data import Path, Tree, Unknown
from ordain.values.resource import Lifecycle

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ordain.api.fields import Spec

_KEY = "lifecycle"


def read(tree: Tree, model: type[Spec] | None, reader: Reader) -> tuple[Lifecycle, list[Mention]]:
    """Return a ``lifecycle`` and what its ``replace_when`` names; ``model`` is the spec's, None where that is unclear.

    References in ``${{ }}`` reach the reader's ``on_leaf`` instead.
    """
    mentions: list[Mention] = []
    if isinstance(tree, Mapping) and isinstance(tree.get("replace_when"), list):
        items = cast("list[Tree]", tree["replace_when"])
        tree = {**tree, "replace_when": list(_triggers(items, reader, mentions))}
    found = part(LifecycleSpec, tree, _KEY, reader)
    if found is None:
        return Lifecycle(), mentions
    lifecycle = cast("LifecycleSpec", found).value()
    if model is not None:
        for index, text in enumerate(lifecycle.ignore_changes):
            _check_ignored(text, index, model, reader)
    return lifecycle, mentions


def _triggers(items: Sequence[Tree], reader: Reader, mentions: list[Mention]) -> Iterator[str]:
    """Yield each item of ``replace_when`` as an address or a reference."""
    for index, item in enumerate(items):
        path: Path = (_KEY, "replace_when", index)
        failed = len(reader.failed)
        value = reader.tree(item, path)
        if isinstance(value, Unknown):
            if not value.refs:  # of a variable whose value is wrong: that was said
                continue
            if len(value.refs) == 1 and value.refs[0].path and value.expression == f"${{{{ {value.refs[0]} }}}}":
                yield str(value.refs[0])
                continue
        elif isinstance(value, str) and len(reader.failed) == failed:
            mention = _named(value.strip(), path)
            if mention is not None:
                mentions.append(mention)
                yield str(mention.reference or mention.target)
                continue
        if len(reader.failed) == failed:
            what = shown(item) if isinstance(item, str | int | float | None) else "this"
            reader.report.add(
                reader.place(path), "replace-when-invalid",
                f"{what} names no resource and no output: replace_when cannot watch it",
                "write an address (infrastructure.bucket), or one output (infrastructure.bucket.outputs.url)",
            )  # fmt: skip


def _named(text: str, path: Path) -> Mention | None:
    try:
        reference = Reference.parse(text)
        # All outputs of a resource are no one thing to watch: its address is.
        return Mention(target=reference.address, path=path, reference=reference) if reference.path else None
    except ValueError:
        pass  # then it is an address, or nothing
    try:
        return Mention(target=Address.parse(text), path=path)
    except ValueError:
        return None


def _check_ignored(text: str, index: int, model: type[BaseModel], reader: Reader) -> None:
    place = reader.place((_KEY, "ignore_changes", index))
    rest = text.removeprefix("spec.")
    if rest in ("", "*", "all", "spec"):
        reader.report.add(
            place, "ignore-changes-unknown", f"ignore_changes takes paths of the spec; {text!r} is none",
            f"name what is not to be compared; {choose('', _names([model]), 'keys')}",
        )  # fmt: skip
        return
    shapes: list[Any] = [model]
    walked = "spec"
    for step in rest.split("."):
        if _Free in shapes:
            return
        names = _names(shapes)
        below = [one for shape in shapes for one in _below(shape, step)]
        if not below:
            summary = f"there is no {walked}.{step} that ignore_changes could name"
            fix = choose(step, names, "keys") if names else f"name {walked} as a whole"
            reader.report.add(place, "ignore-changes-unknown", summary, fix)
            return
        shapes = [shape for annotation in below for shape in _shapes(annotation)]
        walked = f"{walked}.{step}"


class _Free:
    """Stands for a value of any shape."""


def _is_model(shape: Any) -> bool:
    return isinstance(shape, type) and hasattr(shape, "model_fields")


def _names(shapes: Sequence[Any]) -> list[str]:
    """Return the keys of the models among ``shapes``, as they are written."""
    models = [one for one in shapes if _is_model(one)]
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _below(shape: Any, step: str) -> Iterator[Any]:
    """Yield the annotations of what stands under a key of a model, or of a mapping."""
    if not _is_model(shape):
        yield from get_args(shape)[1:2]
        return
    for name, field in shape.model_fields.items():
        if step == (field.alias or name):
            yield field.annotation
    if shape.model_config.get("extra") == "allow":
        yield Any


def _shapes(annotation: Any) -> Iterator[Any]:
    """Yield the models and mappings a field may hold, ``_Free`` where it may hold anything."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _shapes(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for one in get_args(annotation):
            yield from _shapes(one)
    elif _is_model(annotation) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        yield annotation
    elif annotation in (Any, dict, object):
        yield _Free
    elif not isinstance(annotation, type) and not isinstance(origin, type) and origin is not Literal:
        yield _Free  # a name that is resolved later, a variable of a generic model
