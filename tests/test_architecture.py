"""The rules of the house (DESIGN §2). Each rule is a function from source files to complaints, and is shown to fail."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STAGES = ("config", "observe", "plan", "policy", "render", "state", "apply", "kinds")
LAYERS = {"values": 0, "api": 1, "expr": 2, **dict.fromkeys(STAGES, 3), "session": 4, "cli": 5}
PURE = ("values", "expr", "plan", "policy", "render", "config")
IMPURE_MODULES = {
    "time", "random", "secrets", "uuid", "os", "io", "pathlib", "shutil", "tempfile", "glob", "subprocess", "socket",
    "http", "urllib", "asyncio", "threading", "multiprocessing", "concurrent", "sqlite3", "requests", "signal", "sys",
    "logging",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "exit", "breakpoint", "__import__"}
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}
HEAVY = {
    "pandas", "numpy", "scipy", "sklearn", "networkx", "jinja2", "rich", "pyarrow", "duckdb", "skops", "starlette",
    "uvicorn", "cel_expr_python", "python_terraform", "matplotlib", "cryptography", "urllib3",
}  # fmt: skip
MODULE_LINES, FUNCTION_LINES = 400, 60

Files = Mapping[str, str]


def sources() -> Files:
    paths = [*ROOT.glob("engine/**/*.py"), *ROOT.glob("plugins/**/*.py")]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def folder_of(path: str) -> str:
    """``engine/ordain/plan/diff.py`` → ``plan``; modules of the package itself (``resources.py``) → ``""``."""
    parts = path.split("/")
    return parts[2] if path.startswith("engine/ordain/") and len(parts) > 3 else ""


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield every import, those inside functions included, ``from a import b`` as ``a`` and ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def dotted(node: ast.expr) -> tuple[str, str] | None:
    """Return ``("sys", "exit")`` for the expression ``sys.exit``."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id, node.attr
    return None


def type_checking_lines(tree: ast.AST) -> set[int]:
    """Return the lines under ``if TYPE_CHECKING:``, which never run."""
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def one_direction(files: Files) -> Iterator[str]:
    """cli → session → stages → expr → api → values; stages never import each other."""
    for path, text in files.items():
        here = folder_of(path)
        if here not in LAYERS:
            continue
        for line, name in imports(ast.parse(text)):
            there = name.split(".")[1] if name.startswith("ordain.") else ""
            if there not in LAYERS or there == here:
                continue
            if LAYERS[there] > LAYERS[here] or LAYERS[there] == LAYERS[here]:
                yield f"{path}:{line}: {here} imports {there}"


def plugins_keep_to_the_api(files: Files) -> Iterator[str]:
    """Plugins import ``ordain.api`` and nothing else of ours, and never each other."""
    for path, text in files.items():
        if not path.startswith("plugins/"):
            continue
        own = path.split("/")[1]
        for line, name in imports(ast.parse(text)):
            top = name.split(".")[0]
            if top == "ordain" and not (name == "ordain" or name == "ordain.api" or name.startswith("ordain.api.")):
                yield f"{path}:{line}: a plugin imports {name}"
            if top.startswith("ordain_") and top != own:
                yield f"{path}:{line}: a plugin imports another ({top})"


def purity(files: Files) -> Iterator[str]:
    """No clock, randomness, file system, process or network in the pure folders (config/files.py aside)."""
    for path, text in files.items():
        if folder_of(path) not in PURE or path == "engine/ordain/config/files.py":
            continue
        tree = ast.parse(text)
        for line, name in imports(tree):
            if name.split(".")[0] in IMPURE_MODULES:
                yield f"{path}:{line}: imports {name}"
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
                yield f"{path}:{node.lineno}: calls {node.func.id}"
            if dotted(node.func) in CLOCKS:
                yield f"{path}:{node.lineno}: asks the clock"


def only_the_cli_speaks(files: Files) -> Iterator[str]:
    """Only ``cli/`` prints or exits; a process of its own (``__main__``) may exit."""
    for path, text in files.items():
        if folder_of(path) == "cli":
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Name) and node.func.id in ("print", "exit", "quit"):
                yield f"{path}:{node.lineno}: calls {node.func.id}"
            if dotted(node.func) == ("sys", "exit"):
                yield f"{path}:{node.lineno}: calls sys.exit"


def pluggy_in_two_files(files: Files) -> Iterator[str]:
    """pluggy is imported where hooks are declared and where plugins are loaded."""
    users = {
        path for path, text in files.items() for _, name in imports(ast.parse(text)) if name.split(".")[0] == "pluggy"
    }
    allowed = {"engine/ordain/api/hookspecs.py", "engine/ordain/session/plugins.py"}
    type_only = {
        path
        for path in users - allowed
        if all(
            line in type_checking_lines(ast.parse(files[path]))
            for line, name in imports(ast.parse(files[path]))
            if name.split(".")[0] == "pluggy"
        )
    }
    yield from (f"{path}: imports pluggy" for path in sorted(users - allowed - type_only))


def sizes(files: Files) -> Iterator[str]:
    """No module over 400 lines, no function over 60."""
    for path, text in files.items():
        if len(text.splitlines()) > MODULE_LINES:
            yield f"{path}: {len(text.splitlines())} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    yield f"{path}:{node.lineno}: {node.name} has {lines} lines"


def heavy_imports_are_lazy(files: Files) -> Iterator[str]:
    """Heavy third-party libraries are never imported at module level in the engine or in a plugin's front door."""
    for path, text in files.items():
        front_door = path.startswith("plugins/") and path.endswith("/__init__.py")
        if not (path.startswith("engine/") or front_door):
            continue
        tree = ast.parse(text)
        unrun = type_checking_lines(tree)
        for node in tree.body:
            for line, name in imports(node):
                if name.split(".")[0] in HEAVY and line not in unrun and not _inside_function(node, line):
                    yield f"{path}:{line}: imports {name} at module level"


def _inside_function(node: ast.stmt, line: int) -> bool:
    return any(
        inner.lineno < line <= (inner.end_lineno or 0)
        for inner in ast.walk(node)
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def values_are_frozen(files: Files) -> Iterator[str]:
    """Every dataclass of ``values/`` and ``api/`` is frozen and slotted."""
    for path, text in files.items():
        if folder_of(path) not in ("values", "api"):
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.ClassDef):
                continue
            for decorator in node.decorator_list:
                spelled = ast.unparse(decorator)
                if spelled.startswith("dataclass") and not ("frozen=True" in spelled and "slots=True" in spelled):
                    yield f"{path}:{node.lineno}: {node.name} is a {spelled}"


def nothing_is_swallowed(files: Files) -> Iterator[str]:
    """No ``except: pass`` and no bare ``except:``."""
    for path, text in files.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ExceptHandler):
                broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
                empty = all(isinstance(inner, ast.Pass) for inner in node.body)
                if node.type is None or (broad and empty):
                    yield f"{path}:{node.lineno}: swallows everything"


Rule = Callable[[Files], Iterator[str]]
BROKEN: list[tuple[Rule, str, str]] = [
    (one_direction, "engine/ordain/plan/x.py", "from ordain.state.sqlite import open_store"),
    (one_direction, "engine/ordain/values/x.py", "def f():\n    from ordain.api import Kind"),
    (one_direction, "engine/ordain/expr/x.py", "import ordain.session.context"),
    (one_direction, "engine/ordain/kinds/x.py", "from ordain.config import load"),
    (plugins_keep_to_the_api, "plugins/ordain_files/x.py", "from ordain.values.data import Json"),
    (plugins_keep_to_the_api, "plugins/ordain_files/x.py", "from ordain_sklearn import trainer"),
    (purity, "engine/ordain/plan/x.py", "def f():\n    import time"),
    (purity, "engine/ordain/render/x.py", "def f():\n    return open('x')"),
    (purity, "engine/ordain/policy/x.py", "from datetime import datetime\nx = datetime.now()"),
    (only_the_cli_speaks, "engine/ordain/session/x.py", "print('x')"),
    (only_the_cli_speaks, "plugins/ordain_files/x.py", "import sys\nsys.exit(1)"),
    (pluggy_in_two_files, "engine/ordain/session/x.py", "def f():\n    import pluggy"),
    (sizes, "engine/ordain/plan/x.py", "x = 1\n" * 401),
    (sizes, "plugins/ordain_files/x.py", "def f():\n" + "    x = 1\n" * 60),
    (heavy_imports_are_lazy, "engine/ordain/render/x.py", "import rich"),
    (heavy_imports_are_lazy, "plugins/ordain_sklearn/__init__.py", "from sklearn.base import clone"),
    (values_are_frozen, "engine/ordain/values/x.py", "@dataclass(frozen=True)\nclass A: ..."),
    (nothing_is_swallowed, "engine/ordain/plan/x.py", "try:\n    f()\nexcept Exception:\n    pass"),
]
RULES = list(dict.fromkeys(rule for rule, _, _ in BROKEN))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(sources())) == []


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN, ids=lambda item: getattr(item, "__name__", None))
def test_the_rule_fails_when_it_is_broken(rule: Rule, path: str, text: str) -> None:
    assert list(rule({path: text}))


def test_every_folder_of_the_engine_has_a_layer() -> None:
    folders = {path.parent.name for path in ROOT.glob("engine/ordain/*/__init__.py")}
    assert folders - {"testing"} == set(LAYERS)


def test_the_door_of_the_api_opens_to_all_it_names() -> None:
    import ordain.api as api

    text = (ROOT / "engine/ordain/api/__init__.py").read_text(encoding="utf-8")
    typed = {name.asname or name.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)
             and (node.module or "").startswith("ordain.") for name in node.names}  # fmt: skip
    assert typed == set(api.__all__)
    assert all(getattr(api, name) is not None for name in api.__all__)
