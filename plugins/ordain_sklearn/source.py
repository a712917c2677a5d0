"""Reads scikit-learn's source as text: which modules, names and classes there are. Nothing of it is imported.

An answer is certain or it is ``None``: whatever is bound on a condition, by a star, by code that runs, or lives in a
compiled module is not known. The source of a process's installation does not change: everything is read once.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

BASE = "sklearn.base"
_FURTHEST = 9
"""Imports that are followed, one into the next."""
_SUFFIXES = (".so", ".pyd")
_LEFT_OUT = frozenset(("conftest", "experimental", "externals", "tests"))
_DYNAMIC = frozenset(("exec", "globals", "locals", "modules", "setattr", "vars"))
"""What a statement that binds names behind our back would mention."""
_HARMLESS = frozenset(("AttributeError", "ImportError", "KeyError", "_importlib", "_submodules", "globals", "__name__"))
"""What scikit-learn's ``__getattr__`` may mention and still know no names but the ones it spells."""


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such module or name: ``name`` is the first part of the path that is missing."""

    name: str


@dataclass(frozen=True, slots=True)
class Other:
    """The name is there, and is no class."""


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """A module: what its top level binds (None: not known to what), the classes it offers.

    ``late`` are the names its ``__getattr__`` may know; None where it may hold any name.
    """

    name: str
    path: Path
    bound: Mapping[str, ast.stmt | None]
    classes: tuple[str, ...]
    late: frozenset[str] | None

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


@dataclass(frozen=True, slots=True, eq=False)
class Class:
    """A class statement and the module it stands in."""

    module: Module
    node: ast.ClassDef


@cache
def folder() -> Path | None:
    """Return the folder of the installed scikit-learn; None where there is none."""
    try:
        spec = find_spec("sklearn")
    except ValueError:  # something that is no real module stands in its place
        return None
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if len(places) == 1 and Path(places[0], "__init__.py").is_file() else None


def modules() -> Iterator[str]:
    """Yield the names of scikit-learn's public modules."""
    root = folder()
    for path in root.iterdir() if root is not None else ():
        public = not path.name.startswith("_") and path.stem not in _LEFT_OUT
        if public and (path.suffix == ".py" or (path / "__init__.py").is_file()):
            yield path.stem


@cache
def module(name: str) -> Module | Absent | None:
    """Return the module called ``sklearn.…``; None where that is not known."""
    place = folder()
    first, *parts = name.split(".")
    if place is None or first != "sklearn" or (parts and parts[0] in _LEFT_OUT):
        return None
    so_far = first
    for index, part in enumerate(parts):
        so_far = f"{so_far}.{part}"
        if (place / part / "__init__.py").is_file():
            place = place / part
        elif (place / part).is_dir() or any(path.suffix in _SUFFIXES for path in place.glob(f"{part}.*")):
            return None
        elif not (place / f"{part}.py").is_file():
            return Absent(so_far)
        elif index < len(parts) - 1:
            return Absent(f"{so_far}.{parts[index + 1]}")
        else:
            return _read(name, place / f"{part}.py")
    return _read(name, place / "__init__.py")


@cache
def find(module_name: str, name: str) -> Class | Other | Absent | None:
    """Return the class that ``from module_name import name`` would give, imports followed to where it stands."""
    home = module(module_name)
    if not isinstance(home, Module):
        return home
    if name not in home.bound:
        if home.is_package and not isinstance(module(f"{module_name}.{name}"), Absent):
            return Other()
        certain = home.late is not None and name not in home.late
        return Absent(f"{module_name}.{name}") if certain else None
    node = home.bound[name]
    if isinstance(node, ast.ClassDef):
        return Class(home, node)
    if isinstance(node, ast.ImportFrom):
        place = origin(module_name, name)
        found = find(*place) if place is not None and place != (module_name, name) else None
        return None if isinstance(found, Absent) else found
    return Other() if isinstance(node, ast.Import | ast.FunctionDef) else None


def origin(module_name: str, name: str) -> tuple[str, str] | None:
    """Return the module that a name comes from and its name there: ``sklearn.base``, or where no import binds it."""
    for _ in range(_FURTHEST):
        home = module(module_name) if module_name != BASE else None
        node = home.bound.get(name) if isinstance(home, Module) else None
        if not isinstance(home, Module) or not isinstance(node, ast.ImportFrom):
            return module_name, name
        place = _imported(home, node, name)
        if place is None:
            return None
        module_name, name = place
    return None


def _imported(home: Module, node: ast.ImportFrom, name: str) -> tuple[str, str] | None:
    """Return module and name that an import statement of ``home`` binds to ``name``."""
    real = next((one.name for one in node.names if (one.asname or one.name) == name), None)
    base = home.name.split(".")
    up = node.level - home.is_package
    if real is None or up >= len(base):
        return None
    parts = [*(base[: len(base) - up] if node.level else ()), *(node.module.split(".") if node.module else ())]
    return ".".join(parts), real


def _read(name: str, path: Path) -> Module | None:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    bound: dict[str, ast.stmt | None] = {}
    for node in tree.body:
        for one, plain in names(node):
            bound[one] = node if plain and one not in bound else None
    return Module(name=name, path=path, bound=bound, classes=_classes(bound), late=_late(tree, bound))


def names(node: ast.stmt) -> Iterator[tuple[str, bool]]:
    """Yield the names a statement binds, and whether it does so plainly."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from (((one.asname or one.name).split(".")[0], True) for one in node.names)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, True
    else:
        plain = isinstance(node, ast.Assign | ast.AnnAssign)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                yield inner.id, plain
            elif isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield inner.name, False
            elif isinstance(inner, ast.Import | ast.ImportFrom):
                yield from (((one.asname or one.name).split(".")[0], False) for one in inner.names)


def _classes(bound: Mapping[str, ast.stmt | None]) -> tuple[str, ...]:
    """Return the public names that are spelt as classes: those of ``__all__``, or where it is not plain, the own."""
    listed = bound.get("__all__")
    if isinstance(listed, ast.Assign) and isinstance(listed.value, ast.List | ast.Tuple):
        names = [one.value for one in listed.value.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        return tuple(one for one in names if one[:1].isupper())
    return tuple(one for one, node in bound.items() if isinstance(node, ast.ClassDef) and not one.startswith("_"))


def _late(tree: ast.Module, bound: Mapping[str, ast.stmt | None]) -> frozenset[str] | None:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            continue
        mentioned = {one.id if isinstance(one, ast.Name) else one.attr for one in ast.walk(node)
                     if isinstance(one, ast.Name | ast.Attribute)}  # fmt: skip
        if mentioned & _DYNAMIC:
            return None
    if "*" in bound:
        return None
    if "__getattr__" not in bound:
        return frozenset()
    asked = bound["__getattr__"]
    if not isinstance(asked, ast.FunctionDef) or len(asked.args.args) != 1:
        return None
    read = {one.id for one in ast.walk(asked) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    if not read <= {*_HARMLESS, asked.args.args[0].arg}:
        return None
    return frozenset(one.value for one in ast.walk(asked) if isinstance(one, ast.Constant) and type(one.value) is str)
