"""Logged rows whose truth is known: a reason to train again, and rows to learn from if wished."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import pandas as pd

from seedling.config import Dataset, Project
from seedling.data.distinct import label_texts
from seedling.data.scalars import label_text
from seedling.errors import ProjectError
from seedling.monitoring import logged, truth
from seedling.monitoring.truth import Joined
from seedling.serving import log_texts

FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class Counted(NamedTuple):
    """The number of labelled rows of callers, and of those that simulate-month has made up."""

    rows: int
    simulated: int


def count(project: Project, model: str, since: datetime, until: datetime) -> Counted:
    """Count the labelled rows that a model has answered within a time.

    Raises:
        ProjectError: the store of the prediction log does not answer.
    """
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    rows = simulated = 0
    for found in _labelled(project, model, dataset, since, until):
        made_up = int(found.records["simulated"].sum())
        simulated += made_up
        rows += len(found.records) - made_up
    return Counted(rows, simulated)


def beside(project: Project, dataset: Dataset, simulated: bool, rows: pd.DataFrame) -> pd.DataFrame:
    """Return labelled rows that a source does not have, with its columns as far as they were sent.

    Args:
        project: of the dataset; rows that any of its models has answered are looked at.
        dataset: says what makes a row the same.
        simulated: also rows that simulate-month has made up.
        rows: the n rows of the source.

    Raises:
        ProjectError: the store of the prediction log does not answer, or the log is off.
    """
    kept = project.config.serving.logged_texts
    if not log_texts.are_kept(kept, dataset):
        raise ProjectError(
            f"The prediction log keeps no texts of {dataset.name} (serving.logged_texts: {kept}), "
            "so nothing is learned from its rows: remove monitoring.retrain.logged_rows."
        )
    target = dataset.target.name
    own = list(dict.fromkeys([*dataset.entity_key, *(each.name for each in dataset.raw)]))
    tables = [rows.iloc[:0].reindex(columns=[*own, target])]
    for model in project.config.training.models:
        if model.dataset == dataset.name:
            for found in _labelled(project, model.name, dataset, FIRST, datetime.now(UTC)):
                chosen = found.rows[simulated | ~found.records["simulated"].to_numpy(dtype=bool)]
                tables.append(chosen[[*own, target]])
    known = [table for table in tables if len(table)]
    if not known:
        return rows.iloc[:0]
    labelled = _like(pd.concat(known, ignore_index=True), rows, dataset)
    labels = {label_text(label): label for label in rows[target].dropna().unique()}
    labelled[target] = labelled[target].map(lambda value: labels.get(label_text(value), value))
    keys = _identity(dataset, own)
    texts, sources = (_texts(table, keys) for table in (labelled, rows))
    return labelled[~texts.duplicated(keep="last") & ~texts.isin(sources)]


def _like(labelled: pd.DataFrame, rows: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return labelled rows with the dtypes of the source's, without those whose key has none.

    A request without a key makes floats of the others' whole numbers.
    """
    found = labelled.copy()
    for name in labelled:
        if name in rows and pd.api.types.is_numeric_dtype(rows[name]):
            found[name] = pd.to_numeric(found[name], errors="coerce")
    found = found.dropna(subset=[name for name in dataset.entity_key if name in rows])
    whole = [name for name in found if name in rows and rows[name].dtype.kind in "iu"]
    return found.astype({name: rows[name].dtype for name in whole if (found[name] % 1 == 0).all()})


def _labelled(
    project: Project, model: str, dataset: Dataset, since: datetime, until: datetime
) -> Iterator[Joined]:
    """Yield logged rows with their truth; the log is not read where no truth was added."""
    known = truth.truth_of(project, dataset)
    if known.rows:
        for page in logged.logged(project, model, since, until):
            yield known.join(page)


def _identity(dataset: Dataset, columns: list[str]) -> list[str]:
    """Return the columns in which two rows are equal that are one and the same."""
    by = [dataset.by_time] if dataset.by_time else []
    if dataset.entity_key and (by or dataset.one_row_per_key) and {*by} <= {*columns}:
        return list(dict.fromkeys([*dataset.entity_key, *by]))
    return columns


def _texts(rows: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Return the values of some columns as one text for each of n rows."""
    found = [label_texts(rows[name]).fillna("").astype(str) for name in columns]
    return found[0].str.cat(found[1:], sep="\x1f")
