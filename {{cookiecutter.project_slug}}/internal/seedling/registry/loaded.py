"""A registered model for a notebook or a script: `load_model`, `predict`, `explain`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from seedling import tasks
from seedling.config import Dataset, Project
from seedling.data import cells, datasets
from seedling.errors import ProjectError
from seedling.registry import model_files
from seedling.registry.model_files import Predictor
from seedling.registry.open import registry_of
from seedling.training import explaining
from seedling.training.explaining import Explanation
from seedling.wording import listed

MOST_OTHERS = 1_000  # rows of the dataset with which a row is compared


def load_model(
    name: str | None = None, version: str | None = None, project: Project | None = None
) -> "LoadedModel":
    """Load a registered version of a model.

    Args:
        name: a folder of models/; the best champion unless given.
        version: as training named it; the champion unless given.
        project: the one of this folder unless given.

    Raises:
        ProjectError: there is no such version, or its files are not the registered ones.
    """
    from seedling.serving import assets, unnamed

    project = project or Project.find()
    champions = [entry for entry in project.config.models if entry.is_champion]
    if name is None:
        name = unnamed.choose(project.config, unnamed.on_disk(project, project.config)).model
    elif name not in {entry.model for entry in champions}:
        project.config.trained_model(name)  # says which there are
    entry = next((each for each in champions if each.model == name), None)
    if name is None or entry is None:
        words = f"{name} is not registered" if name else "No model is registered yet"
        raise ProjectError(f"{words}: run train.")
    if version in (None, entry.version):
        assets.fetch(project, entry)
        folder, sha256 = project.model_path(entry), entry.sha256
    else:
        registry = registry_of(project, entry)
        found = registry.find(entry.name, str(version))
        folder, sha256 = registry.fetch(found), found.sha256
    loaded = model_files.load(name, version or entry.version, folder, sha256)
    return LoadedModel(loaded, project)


class LoadedModel:
    """A version of a model, which answers and explains rows of the table that it learned from.

    Attributes:
        name, version: as they were registered.
        dataset: the schema that it learned.
        estimator: what train_model returned.
    """

    def __init__(self, predictor: Predictor, project: Project) -> None:
        self._predictor, self._project = predictor, project
        self.name, self.version = predictor.name, predictor.version
        self.dataset: Dataset = predictor.dataset
        self.estimator = predictor.model

    def __repr__(self) -> str:
        return f"<{self.name}, version {self.version}, predicts {self.dataset.target.name}>"

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the answer to each row, by the rows' index.

        Args:
            rows: a table with the columns that the model asks for; others are ignored. Texts are
                read as those of a file.

        Returns:
            `prediction`, and what else a scored file has: probabilities as `score_<label>`.

        Raises:
            ProjectError: a column is missing, or does not fit the schema.
        """
        return self._answered(self._raw(rows))

    def explain(
        self,
        row: Mapping[str, Any] | pd.Series | pd.DataFrame,
        output: str | None = None,
        others: pd.DataFrame | None = None,
    ) -> Explanation:
        """Say what each column adds to the answer for one row, beside the average answer.

        Args:
            row: one row, with the columns that the model asks for.
            output: a column of numbers that `predict` returns; unless given, the score of what is
                predicted for the row, or the predicted number.
            others: the rows with which it is compared; the dataset's unless given.

        Raises:
            ProjectError: what `predict` raises, or there is no such output.
        """
        raw = self._raw(row if isinstance(row, pd.DataFrame) else pd.DataFrame([dict(row)]))
        if len(raw) != 1:
            raise ProjectError(f"One row is explained at a time, not {len(raw)}.")
        if others is None:
            dataset = self._project.config.dataset(self.dataset.name)
            others = datasets.load(self._project, dataset)
        others = self._raw(others.sample(min(MOST_OTHERS, len(others)), random_state=0))
        found = self._answered(raw)
        score = f"score_{found['prediction'].iloc[0]}"
        output = output or (score if score in found else "prediction")
        numbers = [str(name) for name in found.select_dtypes("number")]
        if not numbers:
            raise ProjectError(f"The answers of {self.name} have no number to explain.")
        if output not in numbers:
            raise ProjectError(
                f"{output!r} is no number of the answer: there are {listed(numbers)}."
            )
        effects, average = explaining.effects(
            raw, others, lambda rows: self._answered(rows)[output].to_numpy(dtype="float64")
        )
        table = pd.DataFrame({"value": raw.iloc[0].astype(object), "effect": effects}, raw.columns)
        table = table.loc[table["effect"].abs().sort_values(ascending=False, kind="stable").index]
        return Explanation(output, float(found[output].iloc[0]), average, table)

    def _raw(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the raw columns that the model asks for, typed by its schema."""
        names = [column.name for column in self.dataset.raw]
        missing = [name for name in names if name not in rows]
        if missing:
            raise ProjectError(f"The table lacks {listed(missing)}: {self.name} asks for it.")
        found = cells.typed(rows[names], self.dataset, infer=False)
        for words in found.refused.values():
            raise ProjectError(f"{words}.")
        return found.rows

    def _answered(self, raw: pd.DataFrame) -> pd.DataFrame:
        task = tasks.of(self.dataset)
        answer = task.answer(self._predictor.answer(self._predictor.derived(raw)), self.dataset)
        columns, lines = task.batch_columns(answer), task.batch_cells(answer)
        return pd.DataFrame(lines, index=raw.index, columns=columns)
