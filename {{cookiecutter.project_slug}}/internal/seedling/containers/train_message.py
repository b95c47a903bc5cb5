"""Train for a container: a table in, the next version of MODEL_NAME out.

Runs the training pipeline on a copy of the project that has this model only. The registry is the
folder of that name.
"""

import errno
import os
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from seedling import team_code
from seedling.config import Dataset, Project, keep_models
from seedling.containers import images
from seedling.data import cells, datasets, reading
from seedling.data.validation import examine
from seedling.errors import ProjectError
from seedling.files import replacing
from seedling.registry import folder as named_models
from seedling.settings import MODELS_FOLDER, REGISTRY_FOLDER
from seedling.training import outcomes
from seedling.training.local_run import LocalRun
from seedling.training.train import complete

REPORT = "report"


def train(project: Project, model: str, table: Path, name: str) -> dict[str, Any]:
    """Train a model, and register it as the next version of `name` if it is better than the last.

    Args:
        project: the project of the model.
        model: the name of its folder below models/.
        table: a CSV or Parquet file with the columns of the model's dataset.
        name: the name of the registered model, and of the folder for its versions.

    Returns:
        model_name, model, version (None where it was not better), metric, value, message.

    Raises:
        ProjectError: the table is not as model.yaml describes it, the folder is another model's or
            cannot be written to, or a step failed.
    """
    folder = project.models_folder / name
    try:
        _refuse_taken(folder, model)
    except OSError as error:  # not even to be read
        raise ProjectError(closed(folder, error)) from None
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        copy = _copy(project, model, table, Path(scratch).resolve())
        _refuse_closed(folder)
        try:
            runs = LocalRun.start(copy, [model], {REGISTRY_FOLDER.name: str(folder.resolve())})
            ((registered, report),) = complete(copy, runs)
        except ProjectError as error:
            _show_logs(copy)
            with suppress(OSError):  # it holds earlier versions
                folder.rmdir()
            raise ProjectError(str(error).partition(" (log: ")[0]) from None
        with replacing(folder / REPORT) as aside:
            shutil.copytree((copy.root / report).parent, aside)
    return {
        "model_name": name,
        "model": registered.model,
        "version": registered.version,
        "metric": registered.metric,
        "value": registered.value,
        "message": outcomes.sentence(registered),
    }


def _refuse_taken(folder: Path, model: str) -> None:
    """Raise ProjectError if the folder holds versions of another model, or of the project."""
    noted = named_models.champion(folder)
    if noted and noted.model != model:
        raise ProjectError(
            f"{folder.name} was trained from models/{noted.model}/: choose another MODEL_NAME."
        )
    if noted is None and any(path.name.isdigit() for path in folder.glob("*")):
        raise ProjectError(
            f"{folder.name} belongs to the project's own registry: choose another MODEL_NAME."
        )


def _refuse_closed(folder: Path) -> None:
    """Raise ProjectError if the folder cannot be written to, before the training takes its time."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        raise ProjectError(closed(folder, error)) from None


def closed(folder: Path, error: OSError) -> str:
    """Return the message about a folder that cannot be written to: whose it is, and what to do.

    Args:
        folder: a folder below that of the models, which may not be there.
        error: what the system answered.
    """
    if sys.platform == "win32":
        return f"{folder} cannot be written to: {error.strerror}."
    words = f"{folder} cannot be written to by user {os.getuid()}: {error.strerror}."
    if MODELS_FOLDER.is_set() and not folder.parent.is_dir():
        return f"{words} Mount a folder there: -v FOLDER:{folder.parent}."
    if error.errno == errno.EROFS:
        return f"{words} Mount {folder.parent} without :ro."
    for path in (folder, *folder.parents):
        with suppress(OSError):
            owner = path.stat()
            break
    if owner.st_uid == os.getuid():
        return f"{words} Allow its owner to: chmod u+rwx."
    return (
        f"{words} {path} is user {owner.st_uid}'s: run the container with "
        f"--user {owner.st_uid}:{owner.st_gid}, or give what is mounted there to this user: "
        f"chown -R {os.getuid()}:{os.getgid()}."
    )


def _copy(project: Project, model: str, table: Path, root: Path) -> Project:
    """Return a copy of the project with this model and its dataset, which holds the table."""
    needed = ("mlops/components", "mlops/pipelines", f"models/{model}")
    images.copy(project.root, (*needed, *team_code.brought(project.root)), root)
    shutil.copy(project.config_path, root)
    copy = Project(root)

    def narrow(document: Any) -> None:
        trained = document["training"]
        trained["models"] = [entry for entry in trained["models"] if entry["name"] == model]
        learned = trained["models"][0]["dataset"]
        chosen = [entry for entry in document["datasets"] if entry["name"] == learned]
        chosen[0]["source"] = str(table)
        document.update(datasets=chosen, models=[])
        keep_models(document, [model])

    project.config.trained_model(model)
    copy.edit(narrow)
    (dataset,) = copy.config.datasets
    read = cells.typed(reading.read_table(table, dataset.read), dataset)
    for words in read.refused.values():
        raise ProjectError(f"{table.name}: {words}.")
    rows = _checked(read.rows, dataset, table)
    datasets.save(copy, dataset, rows, misfits=read.misfits)
    return copy


def _checked(rows: pd.DataFrame, dataset: Dataset, table: Path) -> pd.DataFrame:
    """Return the rows that have a target, validated.

    Raises:
        ProjectError: a row is not as model.yaml describes it.
    """
    labelled = datasets.labelled(rows, dataset, f"{table.name} has")
    problem = examine(labelled, dataset).first_problem()
    if problem:
        raise ProjectError(f"{table.name}: {problem}.")
    return labelled


def _show_logs(copy: Project) -> None:
    """Print the logs of steps that failed, before their folder is deleted."""
    for log in sorted(copy.assets.glob("runs/*/*/log.txt")):
        text = log.read_text(encoding="utf-8", errors="replace").strip()
        if re.search("error|exception", text, re.IGNORECASE):
            print(f"--- {log.parent.name}\n{text}", file=sys.stderr)
