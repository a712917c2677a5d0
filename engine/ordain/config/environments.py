"""The environments together: which one is meant, and whether they fit each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ordain.config import report as reports
from ordain.config.load import Document
from ordain.config.report import Place, Report
from ordain.config.settings import Checked, Settings
from ordain.values.data import Tree
from ordain.values.diagnostic import Diagnostic
from ordain.values.setting import Environment
from ordain.values.span import Source

IMPLICIT = "default"
"""The environment of a project that defines none."""


def check_all(documents: Mapping[str, Document], settings: Settings) -> Mapping[str, Checked]:
    """Validate every environment's document, sorted by name."""
    return {
        name: Checked(document=document, spec=None)
        if document.broken
        else settings.check(document, name, ("variables", "overrides"))
        for name, document in sorted(documents.items())
    }


def choose(checked: Mapping[str, Checked], wanted: str | None, project: Source | None, report: Report) -> str | None:
    """Return the name of the environment that is meant; None, and a diagnostic, where that is not clear."""
    if not checked:
        if wanted in (None, IMPLICIT):
            return IMPLICIT
        _unclear(f"there is no environment {wanted!r}: the project defines none", "leave --env out", project, report)
        return None
    if wanted is not None:
        if wanted in checked:
            return wanted
        fix = reports.choose(wanted, checked, "environments")
        _unclear(f"there is no environment {wanted!r}", fix, project, report)
        return None
    if len(checked) == 1:
        return next(iter(checked))
    defaults = [name for name, one in checked.items() if (one.spec or {}).get("default") is True]
    if len(defaults) == 1:
        return defaults[0]
    for name in defaults[1:]:
        report.add_related(
            Place(source=checked[name].source, path=("spec", "default")),
            Diagnostic(
                code="environment-default",
                summary=f"two environments are the default: {defaults[0]} and {name}",
                fix="keep `default: true` in one of them",
            ),
            [(Place(source=checked[defaults[0]].source, path=("spec", "default")), "first here")],
        )
    if not defaults and all(one.spec is not None for one in checked.values()):
        summary = f"which environment is meant? There are {', '.join(checked)}"
        _unclear(summary, "name one with --env, or mark one `default: true`", project, report)
    return None


def _unclear(summary: str, fix: str, project: Source | None, report: Report) -> None:
    if project is None:
        report.diagnostics.append(Diagnostic(code="environment-unknown", summary=summary, fix=fix))
    else:
        report.add(Place(source=project), "environment-unknown", summary, fix)


def check_promotion(every: Mapping[str, Environment], checked: Mapping[str, Checked], report: Report) -> None:
    """Report ``promotes_from`` that leads nowhere, or in a circle."""
    for name, environment in every.items():
        place = Place(source=checked[name].source, path=("spec", "promotes_from"))
        source = environment.promotes_from
        if source is None:
            continue
        if source not in every:
            fix = reports.choose(source, (one for one in every if one != name), "environments")
            report.add(place, "environment-unknown", f"there is no environment {source!r} to promote from", fix)
            continue
        seen = [name]
        while source is not None and source in every and source not in seen:
            seen.append(source)
            source = every[source].promotes_from
        if source == name:
            chain = " → ".join((*seen, name))
            report.add(place, "promotion-cycle", f"environments promote from each other: {chain}", "break the circle")


def check_levels(checked: Mapping[str, Checked], policies: Sequence[str], report: Report) -> None:
    """Report levels that environments set for policies there are not."""
    for one in checked.values():
        levels: Mapping[str, Tree] = one.raw("policies")
        for name in levels:
            if name not in policies:
                place = Place(source=one.source, path=("spec", "policies", name), key=True)
                fix = reports.choose(name, policies, "policies")
                report.add(place, "policy-unknown", f"there is no policy {name!r}", fix)
