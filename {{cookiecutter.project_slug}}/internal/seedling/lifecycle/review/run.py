"""The review: both sides trained and measured, each in a process of its own, and compared."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from msgspec import structs
from scipy import stats

from seedling.config import Dataset, Project
from seedling.data import datasets
from seedling.data.dataset_files import note_path, query_hash
from seedling.data.distinct import label_texts
from seedling.data.sides import Sides
from seedling.errors import ProjectError
from seedling.files import read_json
from seedling.lifecycle.comparing import spread
from seedling.lifecycle.review import base, data_changes, measured, notes, samples
from seedling.lifecycle.review.base import Base
from seedling.lifecycle.review.before import words_of
from seedling.lifecycle.review.measured import Trained
from seedling.lifecycle.review.notes import (
    BASE,
    BETTER,
    CHAMPION,
    FEW,
    SAME,
    SAMPLE,
    WORSE,
    Compared,
    Created,
    Measured,
    Result,
    Review,
    Rows,
    Sample,
    Task,
)
from seedling.processes import attended
from seedling.registry import model_files
from seedling.registry.model_files import Predictor
from seedling.scaffold import in_repository
from seedling.training import champions, made_with

FEWEST = 30  # rows from which losses are compared
LEVEL = 0.95  # of the interval of their difference

Say = Callable[[str], object]


class Wishes(NamedTuple):
    """The wishes of a person about a review; `base` is a git ref, the usual one if it is None."""

    base: str | None
    rows: int
    models: Sequence[str] = ()


class Drawn(NamedTuple):
    """The sample of a dataset, divided by the files of this checkout."""

    sample: Sample
    sides: Sides


def review(project: Project, wishes: Wishes, say: Say) -> Review:
    """Train and measure this checkout's models and those of before, and compare them.

    Args:
        project: this checkout.
        wishes: what to compare with, and on how many rows.
        say: is called with a sentence about each step.

    Raises:
        ProjectError: there is no such ref, or the datasets of this checkout cannot be made.
    """
    config = project.config
    config.refuse_untrainable()
    names = [*wishes.models] or [each.name for each in config.training.models]
    wanted = {name: config.trained_model(name).dataset for name in names}
    project.assets.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=project.assets, prefix=".review-") as scratch:
        folder = Path(scratch)
        found = base.take(project.root, wishes.base, folder / "before")
        before = found if isinstance(found, Base) else None
        root = before.root if before else None
        for dataset in config.datasets:
            _create(project, dataset, say)
        drawn = {name: _draw(project, folder, name, wishes.rows) for name in wanted.values()}
        old = data_changes.entries(root) if root else {}
        champion = {name: _champion(project, name, drawn[wanted[name]]) for name in names}
        task = Task(
            samples=[each.sample for each in drawn.values()],
            models=[] if root is None else _of_before(old, names, champion),
            datasets=[] if root is None else _made_otherwise(project, root, old),
        )
        with _started(project, root, folder, task) as result:
            say("Training this checkout's models on the sample.")
            ours = {name: _trained(project, name, drawn[wanted[name]].sides) for name in names}
            theirs = result()
        return Review(
            project=config.name,
            base=f"{before.ref} ({before.commit[:10]})" if before else "",
            head=made_with.commit(project.root),
            remark=found if isinstance(found, str) else _not_there(found),
            samples=task.samples,
            models=[
                _compared(ours[name], champion[name], theirs.models.get(name)) for name in names
            ],
            data=_data(project, old, theirs) if root else [],
            mark=in_repository.words(config.slug, _path(project))["mark"],
        )


def _path(project: Project) -> str:
    """Return the project's folder in its repository; empty where it is the root."""
    path = project.root.resolve().relative_to(in_repository.top(project.root)).as_posix()
    return "" if path == "." else path


def _not_there(found: Base) -> str:
    return "" if found.root else f"{found.ref} does not have this project yet"


def _create(project: Project, dataset: Dataset, say: Say) -> None:
    """Create a dataset unless it is there, by the query as it is now."""
    path = project.dataset_path(dataset)
    noted = note_path(path)
    if path.exists() and noted.exists():
        known = read_json(noted)
        if known.get("query_sha256", "") in ("", query_hash(project, dataset)):
            return
    if dataset.source.endswith(".sql"):
        datasets.fill_sample_store(project)
    note = datasets.create(project, dataset)
    say(f"Created {dataset.name}: {note['rows']:,} rows.")


def _draw(project: Project, folder: Path, name: str, most: int) -> Drawn:
    dataset = project.config.dataset(name)
    in_memory = project.config.training.rows_in_memory
    rows, count = samples.draw(project.dataset_path(dataset), dataset, most, in_memory)
    found = samples.divided(project, dataset, rows)
    (folder / SAMPLE).mkdir(exist_ok=True)
    rows.to_parquet(folder / SAMPLE / f"{name}.parquet", index=True)
    return Drawn(Sample(name, len(rows), count, found.holdout.index.tolist()), found)


def _champion(project: Project, model: str, drawn: Drawn) -> tuple[Predictor | None, str]:
    """Return the registered champion if its files are here, or why it cannot be compared."""
    entries = [each for each in project.config.models if each.model == model and each.is_champion]
    if not entries or not project.model_path(entries[0]).is_dir():
        return None, ""
    entry = entries[0]
    try:
        loaded = model_files.load(model, entry.version, project.model_path(entry), entry.sha256)
        reason = champions.why_not(loaded, drawn.sides.dataset, drawn.sides.holdout)
    except ProjectError as error:
        reason = words_of(error)
    if reason:
        return None, f"Version {entry.version}, the champion, cannot be compared: {reason}."
    return loaded, ""


def _of_before(
    old: Mapping[str, Any], names: Sequence[str], champion: Mapping[str, tuple[Any, str]]
) -> list[str]:
    """Return the models of before that are trained: those without a champion to compare with."""
    training = old.get("training")
    listed = training.get("models") if isinstance(training, dict) else None
    there = {str(each.get("name")) for each in listed or [] if isinstance(each, dict)}
    return [name for name in names if name in there and champion[name][0] is None]


def _made_otherwise(project: Project, root: Path, old: Mapping[str, Any]) -> list[str]:
    """Return the datasets whose rows the change makes otherwise, or from something else."""
    return [
        each.name
        for each in project.config.datasets
        if data_changes.of_dataset(old, each.name)
        and not data_changes.is_made_alike(root, project.root, each.name)
    ]


@contextmanager
def _started(
    project: Project, root: Path | None, folder: Path, task: Task
) -> Iterator[Callable[[], Result]]:
    """Start the process of before; yield a function that waits for its result."""
    if root is None or not (task.models or task.datasets):
        yield lambda: Result()
        return
    _lend(project, root)
    notes.write(folder / notes.TASK, task)
    log = folder / "log.txt"
    words = [sys.executable, "-m", "seedling.lifecycle.review.before", str(folder)]
    with log.open("wb") as stream:
        process = attended.start_command(words, root, stream.fileno())

    def result() -> Result:
        if attended.wait(process):
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            problem = lines[-1] if lines else "its process was killed"
            failed = {name: Measured(name, problem=problem) for name in task.models}
            return Result(failed, {name: Created(problem=problem) for name in task.datasets})
        return notes.read(folder / notes.RESULT, Result)

    try:
        yield result
    finally:
        attended.finish(process)


def _lend(project: Project, root: Path) -> None:
    """Lend files to the project of before that git does not keep: its store, and its own tables."""
    for each in project.config.datasets:
        source = each.source
        if "://" in source or not source or Path(source).is_absolute():
            continue
        if (project.root / source).is_file() and not (root / source).exists():
            (root / source).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(project.root / source, root / source)
    url = project.config.feature_store.url or ""
    store = project.root / url.removeprefix("sqlite:///")
    code = "dataset_creation/sample_data.py"
    if url.startswith("sqlite:///") and store.is_file() and _same(project.root, root, code):
        target = root / url.removeprefix("sqlite:///")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(store, target)


def _same(one: Path, other: Path, name: str) -> bool:
    paths = (one / name, other / name)
    return all(each.is_file() for each in paths) and paths[0].read_bytes() == paths[1].read_bytes()


def _trained(project: Project, model: str, sides: Sides) -> Trained | Measured:
    """Train a model of this checkout; what the team's code raises is its problem."""
    try:
        return measured.trained(project, model, sides)
    except Exception as error:
        return Measured(model, sides.dataset.name, problem=words_of(error))


def _compared(
    one: Trained | Measured, champion: tuple[Predictor | None, str], of_base: Measured | None
) -> Compared:
    version, remark = champion
    if isinstance(one, Measured):
        return Compared(one, of_base, BASE if of_base else "", remark=remark)
    try:
        if version is not None:
            rows = champions.unseen(version, one.holdout)
            before = measured.of_rows(version, version.derived(rows))
            here = measured.measured(one, before.places)
            found = Compared(here, before, CHAMPION, version.version, remark=remark)
        elif of_base is None:
            return Compared(measured.measured(one), remark=remark)
        elif of_base.problem:
            return Compared(measured.measured(one), of_base, BASE, remark=remark)
        else:
            here = measured.measured(one, of_base.places)
            found = Compared(here, of_base, BASE, remark=remark)
            if here.meaning != of_base.meaning or here.loss != of_base.loss:
                problem = "it predicts another target"
                return structs.replace(found, before=Measured(here.model, problem=problem))
    except Exception as error:  # the team's predict
        name, dataset = one.predictor.name, one.predictor.dataset.name
        return Compared(Measured(name, dataset, problem=words_of(error)), of_base, BASE)
    return _judged(found, one)


def _judged(found: Compared, one: Trained) -> Compared:
    """Return a comparison with the verdict by the losses of each row on both sides."""
    assert found.before
    rows = one.holdout.loc[found.here.places]
    pairs = pd.DataFrame({"here": found.here.losses, "before": found.before.losses})
    finite = np.isfinite(pairs).all(axis=1)
    differences = (pairs["here"] - pairs["before"])[finite].to_numpy()
    key = one.predictor.dataset.entity_key
    count = len(differences)
    if count < FEWEST:
        return structs.replace(found, verdict=FEW)
    entities = pd.Series(range(len(rows)))
    if key:
        texts = [label_texts(rows[name]).fillna("").reset_index(drop=True) for name in key]
        entities = pd.util.hash_pandas_object(pd.concat(texts, axis=1), index=False)
    error = spread(differences, entities[finite]) / np.sqrt(count)
    mean, half = float(differences.mean()), float(stats.t.ppf(0.5 + LEVEL / 2, count - 1) * error)
    low, high = mean - half, mean + half
    verdict = WORSE if low > 0 else BETTER if high < 0 else SAME
    return structs.replace(found, verdict=verdict, difference=mean, low=low, high=high)


def _data(project: Project, old: Mapping[str, Any], theirs: Result) -> list[Rows]:
    here = project.config.datasets
    found = [
        data_changes.compared(
            project, each, theirs.datasets.get(each.name), data_changes.of_dataset(old, each.name)
        )
        for each in here
    ]
    names = {each.name for each in here}
    gone = [each["name"] for each in old.get("datasets") or [] if each["name"] not in names]
    return [*found, *(Rows(name, remark="The dataset is gone.") for name in gone)]
