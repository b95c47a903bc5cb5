"""Take texts out of what the prediction log gets, since they may name people.

By `serving.logged_texts` a text stays as it was sent; or becomes what the model's answer leaves of
it, null where the model's task redacts nothing; or becomes null.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from seedling.config import Dataset
from seedling.config.serving import AS_GIVEN, REDACTED
from seedling.serving.models import Version
from seedling.tasks.protocol import Task

Answered = Sequence[tuple[Version, Sequence[Sequence[Any]], Mapping[str, Any]]]


def names(dataset: Dataset) -> list[str]:
    """Return the raw columns that hold free texts."""
    return [column.name for column in dataset.raw if column.profiled == "words"]


def lost(kept: str, dataset: Dataset) -> list[str]:
    """Return the raw columns that the log of a dataset's models does not have as they were sent."""
    return [] if kept == AS_GIVEN else names(dataset)


def are_kept(kept: str, dataset: Dataset) -> bool:
    """Return whether the log has the rows of a dataset's models as they were sent."""
    return not lost(kept, dataset)


def of_answer(
    kept: str, version: Version, rows: Sequence[Any], answer: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Return n rows and their answer as the log has them.

    Args:
        kept: a value of `serving.logged_texts`.
        version: the champion.
        rows: as the reader returned them.
        answer: the task's, with the keys that the service adds.
    """
    if are_kept(kept, version.dataset):
        return rows, answer
    task, dataset = version.task, version.dataset
    found: list[dict[str, Any]] = [msgspec.to_builtins(row) for row in rows]
    own, texts = task.text_column(dataset), _redacted(kept, task, answer)
    for at, row in enumerate(found):
        for name in names(dataset):
            if name in row:
                row[name] = texts[at] if texts and name == own else None
    return found, _hidden(kept, task, answer)


def of_run(
    kept: str,
    called: tuple[Mapping[str, Any], Any, Any],
    answers: Answered,
    datasets: Sequence[Dataset],
) -> tuple[Mapping[str, Any], Any, Any]:
    """Return what a call of /run was given, and its features and outputs, as the log has them.

    A text is known by the name of its column, or by being one that a model has answered. Outputs
    that are no answer of a model are left out.

    Args:
        kept: a value of `serving.logged_texts`.
        called: the caller's inputs, and the features and outputs that serve.py returned.
        answers: of the models that it asked.
        datasets: of all models that it could ask.
    """
    if all(are_kept(kept, dataset) for dataset in datasets):
        return called
    known: dict[str, str | None] = {}
    for version, rows, answer in answers:
        features, own = version.dataset.feature_names, version.task.text_column(version.dataset)
        texts = _redacted(kept, version.task, answer)
        for name in names(version.dataset):
            if name in features:
                place = features.index(name)
                known |= {
                    row[place]: texts[at] if texts and name == own else None
                    for at, row in enumerate(rows)
                }
    columns = {name for dataset in datasets for name in names(dataset)}
    inputs, features, outputs = called
    shown = _values(inputs, known, columns), _values(features, known, columns)
    return *shown, _outputs(kept, outputs, [version.task for version, _, _ in answers])


def _values(found: Any, known: Mapping[str, str | None], columns: Collection[str]) -> Any:
    """Return an object, or a list of them, without texts; null for anything else."""
    if isinstance(found, list | tuple):
        return [_values(each, known, columns) for each in found]
    if not isinstance(found, Mapping):
        return None
    return {
        name: known.get(str(value))
        if name in columns or (isinstance(value, str) and value in known)
        else value
        for name, value in found.items()
    }


def _outputs(kept: str, outputs: Any, tasks: Sequence[Task]) -> Any:
    """Return outputs that are a task's answer, without the texts that it repeats; else null."""
    for task in tasks:
        if isinstance(outputs, Mapping) and all(
            isinstance(outputs.get(key), list) for key in task.by_row
        ):
            return _hidden(kept, task, outputs)
    return None


def _hidden(kept: str, task: Task, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer without the texts that it repeats."""
    found = {**answer, **task.hidden(answer)}
    if task.copied in found and kept != REDACTED:
        found[task.copied] = [None] * len(found[task.copied])
    return found


def _redacted(kept: str, task: Task, answer: Mapping[str, Any]) -> Sequence[str] | None:
    return answer.get(task.copied) if kept == REDACTED else None
