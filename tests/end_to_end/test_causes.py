"""Causes and effects of the changes that happen in real life, on the example, through the real command line."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DATA = "data/bank-marketing.csv.gz"
MODEL, SOURCE = "model.subscriber", "data_source.campaigns"
Table = tuple[list[str], list[list[str]]]


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory, at: Callable[[Path], Any]) -> Path:
    """Apply the example once, without server and Terraform; plays change copies of it."""
    root = tmp_path_factory.mktemp("applied") / "project"
    shutil.copytree(ROOT / "examples/bank-marketing", root, ignore=shutil.ignore_patterns(".ordain", "infra*", "*.py"))
    project = at(root)
    project.edit("ordain.yaml", "default: 120", "default: 10")
    model, _ = (root / "model.yaml").read_text(encoding="utf-8").split("---\n")
    (root / "model.yaml").write_text(model, encoding="utf-8")
    project("apply", "--yes")
    return root


@pytest.fixture
def project(applied: Path, tmp_path: Path, at: Callable[[Path], Any]) -> Any:
    shutil.copytree(applied, tmp_path / "project", symlinks=True)
    return at(tmp_path / "project")


def rewrite(project: Any, edit: Callable[[list[str], list[list[str]]], Table | None]) -> None:
    """Change the table: in place, or by what ``edit`` returns."""
    path = project.root / DATA
    with gzip.open(path, "rt", encoding="utf-8") as file:
        names, *rows = (line.split(",") for line in file.read().splitlines())
    names, rows = edit(names, rows) or (names, rows)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(",".join(row) for row in (names, *rows)) + "\n")


def append(names: list[str], rows: list[list[str]]) -> None:
    rows += [row.copy() for row in rows[-500:]]


def change_cells(names: list[str], rows: list[list[str]]) -> None:
    place = names.index("job")
    for row in [row for row in rows if row[place] == "services"][:20]:
        row[place] = "student"


def rename_level(names: list[str], rows: list[list[str]]) -> None:
    place = names.index("job")
    for row in rows:
        row[place] = row[place].replace("admin.", "office")


def turn(names: list[str], rows: list[list[str]]) -> None:
    rows.reverse()


def edit_unread(names: list[str], rows: list[list[str]]) -> None:
    for row in rows[:50]:
        row[names.index("duration")] = "1"


def without(column: str) -> Callable[[list[str], list[list[str]]], Table]:
    def drop(names: list[str], rows: list[list[str]]) -> Table:
        place = names.index(column)
        return [name for name in names if name != column], [row[:place] + row[place + 1 :] for row in rows]

    return drop


def planned(project: Any) -> Mapping[str, str]:
    """Return the effects by address, ``trains`` among them where a step does."""
    plan = project.json("plan")
    effects = {change["address"]: change["effect"] for change in plan["changes"]}
    return effects | ({"trains": "yes"} if any(step["operation"] == "train" for step in plan["steps"]) else {})


def why(project: Any, address: str = MODEL) -> tuple[str, Mapping[str, Any], str]:
    """Return the effect on an address, its root cause, and the whole explanation for people."""
    change = project.json("why", address)["change"]
    causes = change["causes"] or [{}]
    return change["effect"], causes[0], project("why", address).stdout


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (append, "500 rows added (45,211 → 45,711), those before unchanged; no column moved much"),
        (change_cells, "45,211 rows as before; values changed in: job (at least 20)"),
        (rename_level, "45,211 rows as before; moved: job (admin. renamed to office?)"),
        (turn, "45,211 rows as before; the same rows in another order"),
    ],
)
def test_data_that_the_model_reads_retrains_it(project: Any, edit: Any, says: str) -> None:
    rewrite(project, edit)
    effect, root, told = why(project)
    assert (effect, root["code"], root["address"]) == ("retrain", "data", SOURCE)
    assert root["detail"].startswith(says) and says in told


def test_a_column_that_no_model_reads_trains_nothing(project: Any) -> None:
    rewrite(project, edit_unread)
    assert planned(project) == {SOURCE: "refresh-data", "dataset.training": "none", MODEL: "none"}
    note = f"{SOURCE} changed in duration, not read by {MODEL}"
    assert note in project("plan").stdout and note in project("why", MODEL).stdout
    version = project.output(MODEL, "version")
    project("apply", "--yes")
    assert project.output(MODEL, "version") == version
    assert project("plan").stdout.startswith("No changes.")


def test_a_column_that_no_model_reads_may_go(project: Any) -> None:
    """First from the data alone, then from the list of what is dropped too."""
    rewrite(project, without("duration"))
    assert planned(project) == {SOURCE: "refresh-data", "dataset.training": "none", MODEL: "none"}
    done = project("plan")
    assert "column gone: duration" in done.stdout
    assert "dataset.training drops duration, which data_source.campaigns no longer has" in done.stdout + done.stderr
    project.edit("data.yaml", "    - drop: [duration] # known only after the call: it would leak the target\n", "")
    assert planned(project) == {SOURCE: "refresh-data", "dataset.training": "update", MODEL: "none"}
    version = project.output(MODEL, "version")
    project("apply", "--yes")
    assert project.output(MODEL, "version") == version
    assert project("plan").stdout.startswith("No changes.")


def test_a_column_that_the_model_leaves_out_may_go(project: Any) -> None:
    """It has a contract, so that goes first; that the model need not leave it out is said, and trains nothing."""
    rewrite(project, without("contact"))
    assert "contact" in project("plan", expect=7).stdout
    project.edit("data.yaml", "      contact: {type: category, personal: true}\n", "")
    done = project("plan")
    assert "model.subscriber leaves out contact, which dataset.training no longer has" in done.stdout + done.stderr
    project.edit("model.yaml", "  features: {exclude: [contact]} # personal data stays out\n", "")
    effects = planned(project)
    assert effects[MODEL] == "cosmetic" and "trains" not in effects
    project("apply", "--yes")
    assert project("plan").stdout.startswith("No changes.")


def test_an_edited_parameter_is_named_with_its_place(project: Any) -> None:
    project.edit("model.yaml", "learning_rate: 0.1", "learning_rate: 0.2")
    effect, root, told = why(project)
    assert (effect, root["code"], root["path"]) == ("retrain", "spec", ["spec", "params", "learning_rate"])
    assert (root["before"], root["after"]) == (0.1, 0.2)
    text = (project.root / "model.yaml").read_text(encoding="utf-8").splitlines()
    line = next(number for number, one in enumerate(text, 1) if "learning_rate" in one)
    assert f"model.yaml:{line}:" in told


@pytest.mark.parametrize(
    ("package", "address", "effects"),
    [
        ("scikit-learn", MODEL, {MODEL: "retrain"}),
        ("duckdb", "dataset.training", {"dataset.training": "update", MODEL: "retrain"}),  # it decides which rows
        ("pyarrow", "", {}),  # does not count
    ],
)
def test_an_upgraded_library_is_the_cause_where_it_counts(
    project: Any, tmp_path: Path, package: str, address: str, effects: Mapping[str, str]
) -> None:
    """The planner learns versions from the metadata of what is installed: here another one is installed before it."""
    site = tmp_path / "site"
    info = site / f"{package.replace('-', '_')}-99.7.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 99.7.0\n", encoding="utf-8")
    project.extra["PYTHONPATH"] = str(site)
    assert project.effects() == effects
    if effects:
        _, root, told = why(project)
        assert (root["code"], root["address"], root["after"]) == ("library", address, "99.7")
        assert f"{package}: " in told and "→ 99.7" in told


def test_a_deleted_artifact_is_made_again(project: Any) -> None:
    digest = project.output(MODEL, "digest").removeprefix("sha256:")
    (path,) = project.root.glob(f".ordain/artifacts/**/*{digest[2:]}")
    path.unlink()
    version = project.output(MODEL, "version")
    effect, root, told = why(project)
    assert (effect, root["code"]) == ("retrain", "lost")
    assert f"the artifact of {version} is no longer there" in told
    project("apply", "--yes")
    assert project.output(MODEL, "version") == version
    assert project("plan").stdout.startswith("No changes.")


def test_another_signature_breaks_consumers(project: Any) -> None:
    project.edit("model.yaml", "exclude: [contact]", "exclude: [contact, age]")
    effect, root, told = why(project)
    assert (effect, root["path"][:3]) == ("retrain-incompatible", ["spec", "features", "exclude"])
    assert "signature: - age" in told


def test_a_metric_is_measured_and_judged_without_training(project: Any) -> None:
    project.edit("model.yaml", "metrics: [roc_auc,", "metrics: [f1, roc_auc,")
    effect, root, _ = why(project)
    assert (effect, root["path"][:2]) == ("re-evaluate", ["spec", "metrics"])
    assert planned(project) == {MODEL: "re-evaluate"}


def test_back_to_an_earlier_recipe_is_a_roll_back(project: Any) -> None:
    first = project.output(MODEL, "version")
    project.edit("model.yaml", "learning_rate: 0.1", "learning_rate: 0.11")
    project("apply", "--yes")
    assert project.output(MODEL, "version") != first
    project.edit("model.yaml", "learning_rate: 0.11", "learning_rate: 0.1")
    assert planned(project) == {MODEL: "roll-back"}
    project("apply", "--yes")
    assert project.output(MODEL, "version") == first


def rename(project: Any) -> None:
    for before, after in (("name: training", "name: learning"), ("name: campaigns", "name: calls")):
        project.edit("data.yaml", before, after)
    project.edit("data.yaml", "from: data_source.campaigns", "from: data_source.calls")
    project.edit("model.yaml", "dataset: dataset.training", "dataset: dataset.learning")
    moves = [("dataset.training", "dataset.learning"), (SOURCE, "data_source.calls")]
    documents = [f"kind: Moved\nname: m{n}\nspec: {{from: {a}, to: {b}}}\n" for n, (a, b) in enumerate(moves)]
    (project.root / "moves.yaml").write_text("---\n".join(documents), encoding="utf-8")


def test_another_name_hides_no_new_data(project: Any) -> None:
    rename(project)
    rewrite(project, append)
    effect, root, told = why(project)
    assert (effect, root["code"], root["address"]) == ("retrain", "data", "data_source.calls")
    assert "which it was made of" not in told and "was trained on" not in told
    for address in (MODEL, "dataset.learning"):
        causes = project.json("why", address)["change"]["causes"]
        assert {cause["code"] for cause in causes} == {"data", "upstream", "moved"}
        assert ("data_source.campaigns", "data_source.calls") in {
            (one.get("before"), one.get("after")) for one in causes
        }


def test_what_it_learns_from_may_get_another_name(project: Any) -> None:
    rename(project)
    assert planned(project) == {"data_source.calls": "move", "dataset.learning": "move", MODEL: "cosmetic"}
    project("apply", "--yes")
    assert project("plan").stdout.startswith("No changes.")
    rewrite(project, append)
    effect, root, _ = why(project)
    assert (effect, root["address"]) == ("retrain", "data_source.calls")


def test_another_dataset_of_the_same_content_is_only_written_down(project: Any) -> None:
    text = (project.root / "data.yaml").read_text(encoding="utf-8")
    second = text.split("---\n")[1].replace("name: training", "name: learning")
    (project.root / "second.yaml").write_text(second, encoding="utf-8")
    project.edit("model.yaml", "dataset: dataset.training", "dataset: dataset.learning")
    effects = planned(project)
    assert effects[MODEL] == "cosmetic" and "trains" not in effects
    project.edit("second.yaml", "age >= 18", "age >= 40")
    change = project.json("why", MODEL)["change"]
    causes = {cause["code"]: cause for cause in change["causes"]}
    assert change["effect"] == "retrain" and causes["spec"]["at"]["file"] == "model.yaml"
    assert causes["spec"]["path"] == ["spec", "dataset"]
    assert (causes["spec"]["before"], causes["spec"]["after"]) == ("dataset.training", "dataset.learning")
    assert causes["data"]["detail"].endswith("which model.subscriber was trained on: other rows")


def test_a_model_that_goes_is_retired(project: Any) -> None:
    (project.root / "model.yaml").unlink()
    assert project.effects() == {MODEL: "retire"}
