"""Writes a model's compiled form while training, and compares it with the model.

The form is read from a fitted pipeline: `preprocessing` of `seedling.fitting`, then an estimator
that `estimators.py` knows. A model without a form is served as it was saved.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from seedling import tasks
from seedling.columns import part_names
from seedling.compiled import by_target, estimators, forms, grouped, grouping, tree_ensembles
from seedling.compiled.by_target import Means
from seedling.compiled.encoder import Category, Feature, Key, Number
from seedling.compiled.estimators import NotCompilable
from seedling.compiled.forms import (
    CHECK,
    FOLDER,
    FORM,
    TOLERANCE,
    TREES,
    Check,
    Form,
)
from seedling.config import Dataset
from seedling.data.example_rows import example
from seedling.data.scalars import plain
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.registry.model_files import Predictor
from seedling.training.notes import Compiled

CHECK_ROWS = 8
MOST_ROWS = 20_000  # that are compared; more, drawn at random, show nothing else
MOST_SPLITS = 300  # of those that the comparison looks at


def add(folder: Path, predictor: Predictor, predict: Path, rows: pd.DataFrame) -> Compiled:
    """Write the compiled form into a model's new folder, unless it answers differently.

    Args:
        folder: where the model was saved.
        predictor: the same model.
        predict: the team's predict.py.
        rows: some of the dataset's.

    Returns:
        The kind of the form and its largest difference from the model, or why there is none;
        neither for a task whose models have none.
    """
    if not tasks.of(predictor.dataset).compiles:
        return Compiled()
    home = folder / FOLDER
    home.mkdir()
    try:
        _write(home, predictor, {"model.pkl": folder / "model.pkl", "predict.py": predict})
        _write_check(home, predictor)
        return compare(folder, predictor, predict, rows)
    except ProjectError as error:
        shutil.rmtree(home)
        return Compiled(refused=str(error))


def compare(folder: Path, predictor: Predictor, predict: Path, rows: pd.DataFrame) -> Compiled:
    """Compare the compiled form's answers with the model's: on rows, and on `edges`.

    Of many rows some are drawn at random; the result says how many.

    Returns:
        The kind of the form, the number of rows and the largest difference.

    Raises:
        ProjectError: it differs by more than the tolerance, or cannot be loaded.
    """
    form = forms.load(folder, predict)
    dataset = predictor.dataset
    if len(rows) > MOST_ROWS:
        rows = rows.sample(MOST_ROWS, random_state=0)
    extreme = edges(dataset, form.form, tree_ensembles.splits(folder / FOLDER / TREES))
    table = pd.concat([rows[dataset.feature_names], extreme], ignore_index=True)
    try:
        given = values(table, dataset)
        answer, truth = form.undecided(given), predictor.undecided(table)
    except Exception as error:
        raise NotCompilable(f"the model fails at the edges of its features: {error}") from None
    rounding = _rounding(folder / FOLDER, form.form, given)
    beyond = form.task.difference(answer, truth, rounding)
    if not beyond <= TOLERANCE:
        more = " more than it rounds" if rounding else ""
        raise NotCompilable(f"its answers differ from the model's by {beyond:.1g}{more}")
    kind = "trees" if (folder / FOLDER / TREES).exists() else "tables"
    kind = "groups" if form.form.groups else kind
    return Compiled(kind, len(table), float(form.task.difference(answer, truth)))


def _rounding(home: Path, form: Form, rows: list[tuple[Any, ...]]) -> list[float]:
    """Return by how much the model itself may be off in each of n rows; empty if it may not.

    Each addition in single precision rounds to the nearest number, hence by at most half an epsilon
    of the sum so far, and that is at most the sum of all absolute values.
    """
    if not form.additions:
        return []
    absolute = msgspec.structs.replace(form, base=[abs(base) for base in form.base])
    sums = forms.Compiled(absolute, tree_ensembles.magnitudes((home / TREES).read_bytes()))
    share = form.additions * float(np.finfo(np.float32).eps) / 2
    return [share * max(row) for row in sums.outputs(rows)]


def values(rows: pd.DataFrame, dataset: Dataset) -> list[tuple[Any, ...]]:
    """Return n rows as tuples of feature values, as the service gives them to a compiled form."""
    columns = (column.values(rows[column.name]) for column in dataset.features)
    return list(zip(*columns, strict=True))


def edges(dataset: Dataset, form: Form, splits: list[tuple[int, float]]) -> pd.DataFrame:
    """Return rows with missing values, unseen categories, extreme numbers, and numbers at splits.

    Args:
        dataset: the dataset of the features.
        form: the compiled form.
        splits: (column, threshold) of the form's trees.
    """
    usual: dict[str, Any] = example(dataset.features)
    rows = [usual, dict.fromkeys(usual)]
    for column in dataset.features:
        rows.append({**usual, column.name: None})
        rows += [{**usual, column.name: value} for value in column.edges()]
    return pd.DataFrame(rows + list(_at_splits(dataset, form, splits, usual)), columns=list(usual))


def _at_splits(
    dataset: Dataset, form: Form, splits: list[tuple[int, float]], usual: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield `usual` rows in which one number is a split's threshold, or the number next to it."""
    named = dict(zip(part_names(dataset.features), form.features, strict=True))
    numeric = (column.name for column in dataset.features if column.numeric)
    features = {
        feature.column: (name, feature)
        for name in numeric
        if isinstance(feature := named[name], Number)
    }
    splits = [(column, value) for column, value in splits if column in features]
    step = max(1, len(splits) // MOST_SPLITS)
    for column, threshold in splits[::step]:
        name, feature = features[column]
        value = threshold * feature.scale + feature.mean
        for number in (np.nextafter(value, -np.inf), value, np.nextafter(value, np.inf)):
            yield {**usual, name: float(number)}


def _write_check(home: Path, predictor: Predictor) -> None:
    """Write a few rows with the model's own answer, with missing values and an unseen category."""
    usual = example(predictor.dataset.features)
    strange = {
        column.name: column.unseen
        for column in predictor.dataset.features
        if column.unseen is not None
    }
    rows = [usual, dict.fromkeys(usual), {**usual, **strange}]
    rows += [{**usual, name: None} for name in list(usual)[: CHECK_ROWS - len(rows)]]
    table = pd.DataFrame(rows, columns=list(usual))
    given = values(table, predictor.dataset)
    form = msgspec.json.decode((home / FORM).read_bytes(), type=Form)
    check = Check(
        rows=[list(row) for row in given],
        answer=tasks.of(predictor.dataset).answer(predictor.undecided(table), predictor.dataset),
        rounding=_rounding(home, form, given),
    )
    (home / CHECK).write_bytes(msgspec.json.encode(check))


def _write(home: Path, predictor: Predictor, sources: dict[str, Path]) -> None:
    """Write the form, and its trees where it has some.

    Args:
        home: the folder of the form.
        predictor: the model.
        sources: the files that the form is made from, by name.

    Raises:
        NotCompilable: the pipeline is none that a form is known for.
    """
    transformer, estimator, keys = _parts(predictor.model)
    features, width = _features(transformer, predictor.dataset, keys)
    columns = enumerate(predictor.dataset.features)
    target = predictor.dataset.target
    made_from = {name: sha256(path) for name, path in sources.items()}
    groups = None
    if keys:
        core, groups = grouping.write(estimator, predictor.dataset, home)
        arrays = sorted((home / grouped.FOLDER).iterdir())
        made_from |= {f"{grouped.FOLDER}/{path.name}": sha256(path) for path in arrays}
    else:
        core = estimators.read(estimator)
    if core.trees:
        trees = tree_ensembles.as_onnx(core.trees, len(core.base), core.comparison)
        (home / TREES).write_bytes(trees)
        made_from[TREES] = sha256(home / TREES)
    form = Form(
        task=predictor.dataset.task,
        target={} if target.threshold is None else target.model_dump(),
        features=features,
        split_up={place: column.model_dump() for place, column in columns if column.endings()},
        width=width,
        link=core.link,  # type: ignore[arg-type]
        labels=[plain(label) for label in core.labels],
        base=core.base,
        weights=list(core.weights),
        single=core.single,
        groups=groups,
        additions=core.additions,
        made_from=made_from,
    )
    (home / FORM).write_bytes(msgspec.json.format(msgspec.json.encode(form), indent=1))


def _parts(model: Any) -> tuple[Any, Any, Sequence[str]]:
    """Return a model's fitted preprocessing, its estimator, and the columns that make groups.

    Raises:
        NotCompilable: it is no such model.
    """
    if hasattr(model, "steps") and len(model.steps) == 2:
        return model[0], model[1], ()
    if grouping.reads(model):
        return model.preprocessing_, model, list(model.groups)
    raise NotCompilable("it is no pipeline of preprocessing and a model")


def _features(
    transformer: Any, dataset: Dataset, keys: Sequence[str] = ()
) -> tuple[list[Feature], int]:
    """Read a fitted preprocessing.

    Args:
        transformer: the preprocessing.
        dataset: has the features.
        keys: those that it is not given.

    Returns:
        Each part's columns after it, and how many columns there are in all.

    Raises:
        NotCompilable: it is no `preprocessing` of seedling.
    """
    if type(transformer).__name__ != "ColumnTransformer":
        raise NotCompilable(f"its preprocessing is a {type(transformer).__name__}")
    found: dict[str, Feature] = {name: Key() for name in keys}
    means: dict[str, Means] = {}
    for name, fitted, columns in transformer.transformers_:
        start = transformer.output_indices_[name].start
        steps = [step for _, step in fitted.steps] if hasattr(fitted, "steps") else [fitted]
        kinds = [type(step).__name__ for step in steps]
        if kinds[:2] == ["SimpleImputer", "SimpleImputer"]:  # for NaN, and for None
            steps, kinds = steps[1:], kinds[1:]
        if not len(columns) or fitted == "drop":
            continue
        if kinds in (["SimpleImputer"], ["SimpleImputer", "StandardScaler"]):
            found |= dict(zip(columns, _numbers(start, *steps), strict=True))
        elif kinds == ["SimpleImputer", "OneHotEncoder"]:
            found |= dict(zip(columns, _categories(start, *steps), strict=True))
        elif kinds[:2] == ["SimpleImputer", "CategoriesByTarget"]:
            means |= dict(zip(columns, by_target.read_means(start, *steps), strict=True))
        elif kinds[0] == "WordsByTarget":
            found |= dict(zip(columns, by_target.read_words(start, *steps), strict=True))
        else:
            raise NotCompilable(f"its preprocessing holds {', '.join(kinds)}")
    names = part_names(dataset.features)
    missing = [name for name in names if name not in found]
    if missing:
        raise NotCompilable(f"its preprocessing leaves {', '.join(missing)} out")
    for name, numbers in means.items():
        category = found[name]
        if not isinstance(category, Category):
            raise NotCompilable(f"its preprocessing encodes {name} by the target only")
        category.means = numbers
    width = max(columns.stop for columns in transformer.output_indices_.values())
    return [found[name] for name in names], width


def _numbers(start: int, imputer: Any, scaler: Any = None) -> list[Number]:
    """Read numeric features, whose columns begin at `start`."""
    fills = imputer.statistics_.tolist()
    means = scaler.mean_.tolist() if scaler else [0.0] * len(fills)
    scales = scaler.scale_.tolist() if scaler else [1.0] * len(fills)
    together = enumerate(zip(fills, means, scales, strict=True))
    return [
        Number(start + place, 0.0 if np.isnan(fill) else fill, mean, scale)
        for place, (fill, mean, scale) in together
    ]


def _categories(start: int, imputer: Any, encoder: Any) -> list[Category]:
    """Read categories, whose columns begin at `start`.

    Frequent values have a column each, in their order; infrequent ones share the last.
    """
    if encoder.drop_idx_ is not None or encoder.handle_unknown == "error":
        raise NotCompilable("its OneHotEncoder drops a category, or refuses unknown ones")
    found = []
    rare = encoder.infrequent_categories_ if hasattr(encoder, "infrequent_categories_") else None
    for number, names in enumerate(encoder.categories_):
        few = set() if rare is None or rare[number] is None else set(rare[number])
        often = [name for name in names if name not in few]
        columns = {str(name): start + place for place, name in enumerate(often)}
        shared = start + len(often) if few else None
        columns |= {str(name): start + len(often) for name in few}
        unknown = shared if encoder.handle_unknown == "infrequent_if_exist" else None
        missing = columns.get(str(imputer.statistics_[number]), unknown)
        found.append(Category(columns, missing, unknown))
        start += len(often) + bool(few)
    return found
