"""Finds the diagnostic codes in the sources, with the words that go with each; ``generate.py`` makes a page of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GROUPS = {
    "Specs: what stands in the files": ("engine/ordain/config", "engine/ordain/expr"),
    "Data, models and deployments": ("engine/ordain/kinds", "engine/ordain/observe", "engine/ordain/api"),
    "Plans": ("engine/ordain/plan", "engine/ordain/policy", "engine/ordain/render"),
    "Commands": ("engine/ordain/session", "engine/ordain/cli"),
    "Steps": ("engine/ordain/apply",),
    "State and artifacts": ("engine/ordain/state",),
    "Files (`csv`, `parquet`, `duckdb`)": ("plugins/ordain_files",),
    "scikit-learn": ("plugins/ordain_sklearn",),
    "Serving (`http`, `batch`)": ("plugins/ordain_serving",),
    "Terraform": ("plugins/ordain_terraform",),
    "GitHub": ("plugins/ordain_github",),
}
"""Headings, with the folders whose codes stand under them; a code stands under the first one it is found in."""
GAP = "…"
"""Stands for what is filled in."""


@dataclass(frozen=True, slots=True)
class Code:
    """A code, and what is said with it, as far as the source says it; ``several``: it is said of other things too."""

    name: str
    summary: str
    fix: str
    several: bool = False


@dataclass(frozen=True, slots=True)
class _Scope:
    """A module, and what its names stand for."""

    tree: ast.Module
    makers: Mapping[str, tuple[str, ...]]


def found() -> Mapping[str, tuple[Code, ...]]:
    """Return the codes under each heading, in order."""
    seen: set[str] = set()
    out = {}
    for heading, folders in GROUPS.items():
        codes: dict[str, Code] = {}
        for folder in folders:
            for code in _of_folder(ROOT / folder):
                if code.name not in seen:
                    codes[code.name] = _joined(codes.get(code.name, code), code)
        seen |= set(codes)
        out[heading] = tuple(codes[name] for name in sorted(codes))
    return out


def _joined(first: Code, other: Code) -> Code:
    if not first.summary:
        return other
    several = first.several or bool(other.summary and other.summary != first.summary)
    return Code(first.name, first.summary, first.fix, several)


def _of_folder(folder: Path) -> Iterator[Code]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))]
    shared = {"add": ("place", "code", "summary", "fix", "detail")}  # config's Report
    if folder.parent.name == "plugins":  # its modules share their helpers
        for tree in trees:
            shared |= _makers(tree)
    for tree in trees:
        yield from _of_module(_Scope(tree, {**shared, **_makers(tree)}))


def _makers(tree: ast.Module) -> Mapping[str, tuple[str, ...]]:
    """Return the functions that take a ``code``, with their parameters."""
    out = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = tuple(one.arg for one in (*node.args.posonlyargs, *node.args.args) if one.arg != "self")
            if "code" in names:
                out[node.name] = names
    return out


def _of_module(scope: _Scope) -> Iterator[Code]:
    functions = [node for node in ast.walk(scope.tree) if isinstance(node, ast.FunctionDef)]
    for node in ast.walk(scope.tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = dict(zip(scope.makers.get(name, ()), node.args, strict=False))
        given |= {one.arg: one.value for one in node.keywords if one.arg}
        code = given.get("code")
        if not isinstance(code, ast.Constant | ast.JoinedStr) or not (text := _text(code, {})):
            continue
        around = [f for f in functions if f.lineno <= node.lineno <= (f.end_lineno or f.lineno)]
        names = _assigned(around[-1]) if around else {}
        yield Code(text, _text(given.get("summary"), names), _text(given.get("fix"), names))


def _assigned(function: ast.FunctionDef) -> Mapping[str, ast.expr]:
    """Return what the names of a function stand for, where they are first given something."""
    out: dict[str, ast.expr] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            out.setdefault(node.targets[0].id, node.value)
    return out


def _text(node: ast.expr | None, names: Mapping[str, ast.expr]) -> str:
    """Return the words of an expression, with a gap for what is filled in; "" where there is nothing but that."""
    if isinstance(node, ast.Name) and node.id in names:
        return _text(names[node.id], {})
    words = _words(node)
    return words if any(letter.isalpha() for letter in words) else ""


def _words(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else GAP
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(one) for one in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _words(node.left) + _words(node.right)
    if isinstance(node, ast.IfExp):
        either = _words(node.body)
        return _words(node.orelse) if either.startswith("did you mean") else either
    return GAP
