"""The outcomes of a training run: collect them, note the champions, and print a table."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from seedling import tasks
from seedling.ci import build
from seedling.config import Dataset, Project, RegisteredModel, registrations
from seedling.errors import ProjectError
from seedling.files import replacing
from seedling.registry import audit
from seedling.settings import BUILD_ID
from seedling.tasks.training_protocol import Setbacks
from seedling.training import notes, pipeline
from seedling.training.notes import Compiled, CrossValidated, Refit, Registration
from seedling.training.pipeline import TRAINING, Pipeline
from seedling.training.runner import Runner
from seedling.wording import counted

MOST_SETBACKS = 3  # that a registration has of many
FEW = 100  # rows; on fewer, a difference of two models is hardly more than chance
OUTPUT = "Training_Output"  # in local_assets/: files of the version that was registered last
HOLDOUT_FILE = "holdout_predictions.csv"  # beside a report
NOT_REGISTERED = "Model was not registered for this run."
MOST_WARNINGS = 10  # that the console shows; the reports have them all


class Outcome(NamedTuple):
    """A model's registration, and its report's path from the project's root."""

    registration: Registration
    report: str


def build_id() -> str:
    """Return the id of this build, by which CI finds the versions it registered.

    It is BUILD_ID, or what the CI system says itself.
    """
    now = build.current()
    return BUILD_ID.get() or (now.id if now else "") or "local"


def chosen_of(project: Project, models: Sequence[str]) -> Pipeline:
    """Return the training pipeline, narrowed to these models; the whole one if none is named.

    Raises:
        ProjectError: the pipeline, or model.yaml, does not have one of them, or trains none.
    """
    training = pipeline.load(project.root / TRAINING)
    if not models:
        project.config.refuse_untrainable()
    for model in models:
        if model not in training.models:
            known = ", ".join(training.models)
            raise ProjectError(f"{TRAINING.name} trains no model {model!r}; it has {known}.")
    chosen = training.only(list(models)) if models else training
    for model in chosen.models:
        project.config.trained_model(model)
    return chosen


def collect(project: Project, run: Runner) -> list[Outcome]:
    """Return the outcomes of the models whose register step has ended.

    Their reports are copied to local_assets/reports/<run>/<model>/.
    """
    found = []
    for model in run.models:
        noted = run.output(f"register_{model}", "registration") / notes.REGISTRATION
        if noted.exists():
            pages = project.assets / "reports" / run.id / model
            with replacing(pages) as aside:
                shutil.copytree(run.output(f"evaluate_{model}", "evaluation"), aside)
            report = (pages / "report.html").relative_to(project.root).as_posix()
            registration = notes.read(noted, Registration)
            found.append(Outcome(registration, report))
            if registration.version is not None:
                _put_out(project, model, pages)
    return found


def _put_out(project: Project, model: str, pages: Path) -> None:
    """Copy what a model's task leaves beside it to local_assets/Training_Output/."""
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    files = [pages / name for name in tasks.of(dataset).leaves if (pages / name).exists()]
    for file in files:
        (project.assets / OUTPUT).mkdir(parents=True, exist_ok=True)
        with replacing(project.assets / OUTPUT / file.name) as aside:
            shutil.copy(file, aside)


def note(
    project: Project,
    registered: Iterable[Registration],
    why: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Note the champions as served: a workspace's in model.yaml, others in registered.yaml.

    Champions are noted also if nothing was registered: after a change of the dataset the noted one
    may be of other data. Challengers and shadows of the same data stay. A `FolderRegistry` has
    noted its champion itself. `why` has sentences for the audit, by model.
    """
    for one in registered:
        if one.shared is None or one.serving is None:
            continue
        entry = _entry(project, one, one.serving)
        with audit.changing(project):
            noted = project.model_yaml.models if one.shared else project.registered_here
            if any(_is(each, entry) for each in noted if each.is_champion):
                continue
            edit = registrations.edit_shared if one.shared else registrations.edit_here
            before = [each.version for each in project.config.models if _leads(each, one)]
            edit(project, one.model, partial(_with_champion, entry))
            version, evidence = one.serving.version, _evidence(one)
            words = f"{why.get(one.model, '')} {sentence(one)}".lstrip()
            audit.note(project, "register", one.model, "".join(before), version, words, evidence)


def show(outcomes: Iterable[Outcome]) -> None:
    """Print a table of the outcomes, the best of each metric first, and a sentence for each.

    What the datasets have beyond their schema, and the like, comes last, a line each.
    """
    best_first = sorted(outcomes, key=_badness)
    table = Table(title="Training run")
    for heading in ("model", "metric", "this run", "champion", "registered as"):
        table.add_column(heading)
    for one, _ in best_first:
        table.add_row(
            one.model,
            one.metric,
            f"{one.value:.4f}",
            "-" if one.champion is None else f"{one.champion:.4f}",
            f"version {one.version}" if one.version else "not registered",
        )
    Console().print(table)
    for one, report in best_first:
        print(f"{one.model}: {sentence(one)}")
        if one.smoke:
            print(f"  report: {report}")
            continue
        if one.decision:
            print(f"  {one.decision}")
        if one.setbacks.worse:
            print(f"  {setbacks(one.setbacks, one.champion_version)}")
        if not _beats(one, one.baseline):
            print(
                f"  It is no better than the baseline, the same answer for every row: "
                f"{one.metric} {one.baseline:.6g}."
            )
        for line in fits(
            one.metric, one.learned_rows, one.refit, one.cross_validated, one.compiled
        ):
            print(f"  {line}")
        print(f"  report: {report}")
        print(f"  held-out rows with predictions: {report.rpartition('/')[0]}/{HOLDOUT_FILE}")
    warnings = [*dict.fromkeys(text for one, _ in best_first for text in one.warnings)]
    for warning in warnings[:MOST_WARNINGS]:
        print(f"Warning: {warning}")
    if len(warnings) > MOST_WARNINGS:
        print(f"Warning: {len(warnings) - MOST_WARNINGS} more stand in the reports.")


def _beats(one: Registration, other: float | None) -> bool:
    if other is None:
        return True
    return one.value < other if one.lower_is_better else one.value > other


def worst(found: Setbacks) -> Setbacks:
    """Return the setbacks with the worst of them only."""
    return msgspec.structs.replace(found, listed=found.listed[:MOST_SETBACKS])


def setbacks(found: Setbacks, champion: str | None) -> str:
    """Say how many parts of the rows got worse than under the champion, and name the worst.

    It is empty for none.
    """
    if not found.worse:
        return ""
    shown = [
        f"{part.name} ({found.metric} {part.error:.4g}, was {part.champion:.4g}; "
        f"{counted(part.rows, 'row')})"
        for part in found.listed[:MOST_SETBACKS]
    ]
    got = f"{found.worse:,} of {counted(found.parts, found.kind)} got worse than under version"
    return f"{got} {champion}; most: {'; '.join(shown)}."


def sentence(one: Registration) -> str:
    """Return a registration as a sentence, with the metrics of model and champion."""
    value = f"{one.metric} {one.value:.6g}"
    champion = f"{one.champion or 0:.6g} of version {one.champion_version}"
    rows = compared(one.rows, one.held_out_rows, one.champion is not None)
    if one.smoke:
        return (
            f"{NOT_REGISTERED} A smoke check is not registered: all steps ran, and {value} is no "
            "result."
        )
    if one.version is None:
        return f"{NOT_REGISTERED} {value} is not better than {champion}. {rows}".rstrip()
    registered = f"Registered as {one.name}, version {one.version}"
    if one.champion is not None:
        return f"{registered}: {value} is better than {champion}. {rows}".rstrip()
    if one.incomparable_champion:
        return f"{registered}: {value}; {one.incomparable_champion}. {rows}".rstrip()
    return f"{registered}: {value}; it has no champion to beat. {rows}".rstrip()


def compared(rows: int, held_out: int, champion: bool) -> str:
    """Say on how many rows the gate measured, and whether these are too few to decide.

    Args:
        rows: those measured on; 0 for a note of an older version, which does not have them.
        held_out: all rows that were held out.
        champion: whether a champion was measured too.
    """
    if not rows:
        return ""
    did = "Compared" if champion else "Measured"
    where = f"{did} on {counted(rows, 'held-out row')}"
    if rows < held_out:
        where = f"{did} on {rows:,} of {counted(held_out, 'held-out row')}, new to both models"
    if rows < FEW:
        return f"{where}: so few say little."
    return f"{where}."


def fits(
    metric: str, learned: int, refit: Refit, validated: CrossValidated, compiled: Compiled
) -> list[str]:
    """Return a sentence about the cross-validation, and one about the rows learned from.

    There is another one where the model has no compiled form.
    """
    lines = []
    if validated.refused:
        lines.append(f"Not cross-validated: {validated.refused}.")
    elif metric in validated.metrics:
        found = validated.metrics[metric]
        again = f", {validated.repeats} times" if validated.repeats > 1 else ""
        lines.append(
            f"Cross-validated {metric} {found.mean:.4g} ± {found.half:.2g} (95 %; "
            f"{validated.folds} folds of {counted(validated.rows, 'row')}{again}, "
            f"{validated.seconds:.1f} s)."
        )
    if refit.rows:
        drawn = f"; a first fit drew {refit.drawn:,} of them" if refit.drawn else ""
        all_rows = counted(refit.rows, "row")
        in_batches = f", in {refit.batches:,} batches" if refit.batches else ""
        lines.append(f"Fitted again on all {all_rows} in {refit.seconds:.1f} s{in_batches}{drawn}.")
    elif refit.refused:
        lines.append(
            f"Not fitted again, it learned from {counted(learned, 'row')}: {refit.refused}."
        )
    if compiled.refused:
        reason = compiled.refused.removesuffix(".")
        lines.append(f"Served the plain way, by pandas and scikit-learn, more slowly: {reason}.")
    return lines


def description(dataset: Dataset, value: float | None) -> str:
    """Return the description of a version, for model.yaml, the page and the OpenAPI document.

    Args:
        dataset: the dataset that it was trained on.
        value: the value of the dataset's metric; None if it was not measured.
    """
    metric = "" if value is None else f"; {dataset.metric} {value:.4f}"
    return f"Predicts {dataset.target.name}{metric}"


def _badness(outcome: Outcome) -> tuple[str, float]:
    one = outcome.registration
    return one.metric, one.value if one.lower_is_better else -one.value


def _leads(registered: RegisteredModel, one: Registration) -> bool:
    return registered.model == one.model and registered.is_champion


def _evidence(one: Registration) -> dict[str, Any]:
    """Return what the gate has measured, for the audit."""
    champion = {} if one.champion is None else {"champion": one.champion}
    return {"metric": one.metric, "value": one.value, **champion, "held_out_rows": one.rows}


def _is(registered: RegisteredModel, entry: Mapping[str, Any]) -> bool:
    """Compare version and files of an entry: numbers start at 1 again in a new registry."""
    return all(getattr(registered, key) == entry[key] for key in ("name", "version", "sha256"))


def _with_champion(champion: Mapping[str, Any], entries: list[Any]) -> list[Any]:
    """Return a model's entries with a new champion; challengers and shadows of its name stay."""
    beside = [
        entry
        for entry in entries
        if ("share" in entry or entry.get("shadow"))
        and entry["name"] == champion["name"]
        and entry["version"] != champion["version"]
    ]
    return [champion, *beside]


def _entry(project: Project, one: Registration, serving: notes.Files) -> dict[str, Any]:
    dataset = project.config.dataset(project.config.trained_model(one.model).dataset)
    return {
        "name": one.name,
        "model": one.model,
        "description": description(dataset, one.value if one.version else one.champion),
        "version": serving.version,
        "is_mlflow": True,
        "sha256": serving.sha256,
    }
