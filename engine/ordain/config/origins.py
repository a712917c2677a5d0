"""Where the value of a field comes from: the place of the variable, or of the value in ``for_each``, that it is."""

from __future__ import annotations

import re

from ordain.config.locate import locate, position
from ordain.values.data import Path
from ordain.values.resource import Desired, Resource
from ordain.values.span import Source, Span

_ONE = re.compile(
    r"""["']?\$\{\{\s*(?:var\.(?P<var>[A-Za-z_]\w*)|(?P<each>each\.value))(?P<rest>(?:\.[A-Za-z_]\w*)*)\s*\}\}["']?"""
    r"""\s*(?:[,}\]#]|$)""",
    re.ASCII,
)


def origin(desired: Desired, resource: Resource, path: Path) -> Span:
    """Return where the value at ``path`` of a resource's document comes from.

    A field that is nothing but a variable gives the place of the variable's value (a default's, an environment's); one
    that is nothing but ``each.value`` gives that of the value in ``for_each``. Anything else, and a variable given from
    outside, gives the field's own place.
    """
    return _origin(desired, resource, resource.source, path) or locate(resource.source, path)


def _origin(desired: Desired, resource: Resource, source: Source, path: Path) -> Span | None:
    for length in range(len(path), 0, -1):
        owner, line, column = position(source, path[:length])
        found = _ONE.match(owner.text.split("\n")[line], column)
        if found is None:
            continue
        inside = (*found["rest"].split(".")[1:], *path[length:])
        if found["each"]:
            there = ("for_each", resource.address.key, *inside)
            return _origin(desired, resource, resource.source, there) or locate(resource.source, there)
        if found["var"] in desired.variables:
            stands, at = desired.variables[found["var"]]
            return locate(stands, (*at, *inside))
        return None
    return None
