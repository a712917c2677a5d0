"""What differs between two trees, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ordain.values.change import FieldChange
from ordain.values.codec import canonical
from ordain.values.data import Path, Secret, Tree, Unknown, has_unknown, leaves


def fields(before: Tree, after: Tree, path: Path = ()) -> Iterator[FieldChange]:
    """Yield the fields that differ, in the order of ``after`` with removed ones last.

    Mappings are compared key by key, lists as a whole unless they have the same length. Equal numbers of another
    type (1 and 1.0) differ; secrets differ where their digests or their names do.
    """
    if _same(before, after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*after, *(key for key in before if key not in after)]:
            yield from fields(before.get(key), after.get(key), (*path, key))
        return
    if isinstance(before, list | tuple) and isinstance(after, list | tuple) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from fields(old, new, (*path, index))
        return
    yield FieldChange(
        path=path,
        before=before,
        after=after,
        unknown=has_unknown(after),
        sensitive=any(isinstance(leaf, Secret) for tree in (before, after) for _, leaf in leaves(tree)),
    )


def _same(before: Tree, after: Tree) -> bool:
    if isinstance(after, Unknown) or has_unknown(after):
        return False
    if isinstance(before, Secret) and isinstance(after, Secret):
        unknown = before.digest is None or after.digest is None
        return before.expression == after.expression and (unknown or before.digest == after.digest)
    return before is after or canonical(before) == canonical(after)
