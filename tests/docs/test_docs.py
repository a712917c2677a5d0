"""The documentation says what is: generated pages are fresh, links lead somewhere, tables name what there is."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from ordain.api.fields import Spec
from ordain.cli.main import COMMANDS, ordain
from ordain.kinds.settings import SETTINGS
from ordain.session.plugins import load_plugins
from ordain.values.diagnostic import ExitCode

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("plugins/*/README.md"), *ROOT.glob("benchmarks/README.md")]
)
PLAYED = [DOCS / "tutorial.md", *sorted((DOCS / "guides").glob("*.md"))]
FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def title(page: Path) -> str:
    return page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else page.name


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    heads = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def dead_links(page: Path) -> Iterator[str]:
    for target in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        if not there.exists():
            yield f"{title(page)}: {target} is not there"
        elif anchor and there.suffix == ".md" and anchor not in anchors(there):
            yield f"{title(page)}: {target} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(dead_links(page)) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A heading\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text("[a](nowhere.md) [b](there.md#nothing) [c](there.md#a-heading) [d](https://example.com)\n")
    assert len(list(dead_links(page))) == 2


def test_every_page_is_reached_from_the_index() -> None:
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            there = (page.parent / target.partition("#")[0]).resolve()
            if there.is_file():
                waiting.append(there)
    assert {page for page in DOCS.rglob("*.md") if page not in reached} == set()


def test_generated_pages_are_fresh() -> None:
    generate = script("generate")
    stale = [path.name for path, text in generate.pages().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run make docs"


def test_diagnostics_are_found_with_their_words() -> None:
    found = {code.name: code for codes in script("generate").script("codes").found().values() for code in codes}
    some = "spec-unknown-key for-each-key select-nothing rollback-kind source-missing terraform-missing state-busy"
    assert {*some.split(), "contract-…-unfit"} <= set(found)
    assert found["for-each-duplicate"].summary == "the key … is there twice"
    assert found["moved-occupied"].fix.startswith("remove this Moved document")
    text = (DOCS / "reference" / "diagnostics.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in found)


def test_every_command_and_option_is_documented() -> None:
    text = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    root = click.Context(ordain, info_name="ordain")

    def check(command: click.Command, path: str) -> None:
        section = text.partition(f"\n## {path}\n")[2].partition("\n## ")[0]
        assert section, path
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                check(inner, f"{path} {name}")
            return
        for parameter in command.params:
            for word in parameter.opts if isinstance(parameter, click.Option) else ():
                assert word in section, f"{path}: {word}"

    for name in COMMANDS:
        command = ordain.get_command(root, name)
        assert command is not None
        check(command, f"ordain {name}")
    assert all(f"\n| {int(code)} | " in text for code in ExitCode)


def test_every_kind_provider_and_field_is_documented() -> None:
    text = (DOCS / "reference" / "kinds.md").read_text(encoding="utf-8")
    generate, registry = script("generate"), load_plugins()[1]
    models: dict[str, list[type[Spec]]] = {kind: [model] for kind, model in SETTINGS.items()}
    for kind in registry.kinds:
        if registry.origin[kind] in generate.OURS:
            names = [name for name in registry.providers_of(kind) if registry.origin[f"{kind}/{name}"] in generate.OURS]
            models[kind] = [registry.model(kind, None), *(registry.model(kind, name) for name in names)]
            assert all(f"### provider: {name}" in text for name in names), kind
    for kind, found in models.items():
        section = text.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
        for model in found:
            for name in generate.properties(model):
                assert f"| `{name}` |" in section, f"{kind}: {name}"


def test_no_meaning_is_given_twice() -> None:
    """A description in the code wins; then the words here would be dead."""
    generate, registry = script("generate"), load_plugins()[1]
    models = [*SETTINGS.values(), *(registry.model(kind, None) for kind in registry.kinds)]
    schemas = {model.__name__: model.model_json_schema() for model in models}
    for schema in tuple(schemas.values()):
        schemas |= schema.get("$defs", {})
    dead = [
        entry
        for entry in generate.MEANINGS
        for owner, _, name in (entry.partition("."),)
        if schemas.get(owner, {}).get("properties", {}).get(name, {}).get("description")
    ]
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_no_page_names_a_place_of_one_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|work|Users)/", text)


def test_commands_on_the_pages_exist() -> None:
    for page in PAGES:
        for block in FENCED.findall(page.read_text(encoding="utf-8")):
            for command in re.findall(r"^\$ ordain ([a-z]+)", block, re.M):
                assert command in COMMANDS, f"{title(page)}: ordain {command}"


@pytest.mark.slow
@pytest.mark.parametrize("page", PLAYED, ids=title)
def test_a_page_says_what_its_commands_print(page: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "replay.py"), "--check", str(page)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_page_that_says_something_else_is_found() -> None:
    replay = script("replay")
    page = "```console\n$ echo hello\nhello\n```\n"
    assert replay.rewritten(page, [("goodbye\n", 0)]) == "```console\n$ echo hello\ngoodbye\n```\n"
    assert replay.words("trained in 4.3 s: v0123456789ab") == replay.words("trained in 71 s: vba9876543210")
    assert replay.words("hello") != replay.words("goodbye")
    quick = "Plan 0123456789ab. To make these changes: ordain apply\n2 steps done.\n"
    slow = "Plan ba9876543210 takes about 4.1 s–1 min 3 s (p50–p90 of 2 runs). To make these changes: ordain apply\n"
    slow += "2 steps done in 1 min 2 s.\nIt took 1 min 2 s, predicted 4.1 s–1 min 3 s (2 runs).\n"
    assert replay.words(quick) == replay.words(slow)
    assert replay.words("takes  3.1 s (p50–p90 of 1 run)") == replay.words("takes  12–13 s (p50–p90 of 1 run)")


def test_progress_is_left_out_of_a_page() -> None:
    replay = script("replay")
    lines = ("value.a: writing …", 'value.a["b-c"]: writing …', "model.a: restoring …", "model.a: trained in 3 s")
    assert replay.shown("\n".join(lines)) == "model.a: trained in 3 s\n"
