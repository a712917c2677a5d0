"""Commands about the project and the installation: init, schema, plugins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ordain.cli.common import FOLDER, echo, project_options
from ordain.values.diagnostic import ExitCode

if TYPE_CHECKING:
    from ordain.session.context import Context


@click.command()
@click.option("-C", "folder", metavar="DIR", type=FOLDER, default=".", help="Project folder.")
@click.option("--name", metavar="NAME", help="The project's name; the folder's name if left out.")
@click.option("--template", metavar="NAME", help="Use this blueprint; its sample data come along.")
@click.option("--with", "given", multiple=True, metavar="NAME=VALUE", help="With --template: set a parameter.")
@click.option("--list-templates", is_flag=True, help="List the blueprints that come with Ordain, and do nothing.")
@click.option("--workflows", is_flag=True, help="Write workflows for GitHub (plan, apply), and nothing else.")
def init(folder: Path, name: str | None, template: str | None, given: tuple[str, ...], **flags: bool) -> int:
    """Start a project: an ordain.yaml to go on from, and an ignore file for .ordain/. Overwrites nothing."""
    from ordain.session import starting

    list_templates = flags["list_templates"]
    if flags["workflows"]:
        return _write_workflows(folder, plain=not (name or template or given or list_templates))

    if list_templates:
        _list("", starting.list_templates())
        _list("\nPolicies, for documents of a project, as in `use: policy-owner-required`:", starting.list_policies())
        return ExitCode.DONE
    wrong = next((text for text in given if "=" not in text), None)
    if wrong is not None:
        raise click.BadParameter(f"{wrong!r}: write NAME=VALUE", param_hint="--with")
    pairs = [(key, value) for key, _, value in (text.partition("=") for text in given)]
    for path in starting.start_project(folder.resolve(), name, template, pairs):
        echo(f"wrote {path}")
    echo("Next: ordain plan")
    return ExitCode.DONE


def _write_workflows(folder: Path, *, plain: bool) -> int:
    from ordain.session.workflows import write_workflows

    if not plain:
        raise click.UsageError("--workflows goes with no other option but -C.")
    for path in write_workflows(folder.resolve()):
        echo(f"wrote {path}")
    echo("Next: read the first lines of both; they need a runner of your own that keeps the state.")
    return ExitCode.DONE


def _list(title: str, rows: Sequence[tuple[str, str]]) -> None:
    if title:
        echo(title)
    width = max(len(one) for one, _ in rows)
    for one, description in rows:
        echo(f"{one:{width}}  {description}")


@click.command()
@click.argument("kind", required=False)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write all schemas here.")
@click.option("--check", is_flag=True, help="With --out: write nothing, fail where a file is not fresh.")
def schema(kind: str | None, out: Path | None, check: bool) -> int:
    """Print the JSON Schema of KIND (or plan), or write all of them."""
    from ordain.session.schemas import all_schemas, one_schema, write_schemas

    if out is None:
        echo(one_schema(kind) if kind else "\n".join(all_schemas()), nl=True)
        return ExitCode.DONE
    stale = write_schemas(out, check=check)
    for path in stale:
        echo(f"{'not fresh' if check else 'wrote'} {path}")
    return ExitCode.FAILURE if check and stale else ExitCode.DONE


@click.command()
@project_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(context: Context, as_json: bool) -> int:
    """List the plugins that are installed, and the kinds, providers and forges they bring."""
    from ordain.render.records import plugins_json, plugins_text

    registry = context.registry
    rows = [
        *((registry.origin[kind], kind, "", one.summary) for kind, one in registry.kinds.items()),
        *((registry.origin[f"{of}/{name}"], of, name, one.summary) for (of, name), one in registry.providers.items()),
        *((registry.origin[f"forge/{name}"], "forge", name, one.summary) for name, one in registry.forges.items()),
    ]
    found = [(plugin, registry.plugins[plugin], kind, provider, summary) for plugin, kind, provider, summary in rows]
    echo(plugins_json(sorted(found)) if as_json else plugins_text(sorted(found)), nl=False)
    return ExitCode.DONE
