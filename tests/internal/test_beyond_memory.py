"""A table that is larger than memory is validated, split and learned from as a small one is."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from seedling.config import Dataset, Project
from seedling.data import (
    datasets,
    derived,
    large_look,
    large_sides,
    large_source,
    large_table,
    split,
    table_folders,
)
from seedling.data.large_sides import LargeSides, Places
from seedling.data.large_table import LargeTable
from seedling.data.split import HOLDOUT
from seedling.data.validation import examine
from seedling.errors import ProjectError
from seedling.fitting import GroupedLinear, preprocessing
from seedling.monitoring import profiles
from seedling.registry.model_files import PROFILE
from seedling.steps import prepare, train
from seedling.testing import first_model, sample_rows
from seedling.training import notes, sums
from seedling.training.batches import OtherRows, begun, fitted
from seedling.training.fits import Fit, Table
from seedling.training.notes import Prepared, TrainingRun

GROUPED = Dataset.model_validate(
    {
        "name": "demand",
        "source": "x.csv",
        "file_name": "demand.parquet",
        "version": "1",
        "task": "regression",
        "metric": "rmse",
        "entity_key": ["shop", "week"],
        "one_row_per_key": True,
        "target": {"name": "units", "type": "number"},
        "features": [
            {"name": "shop_code", "type": "category", "categories": ["a", "b", "c"]},
            {"name": "price", "type": "number", "minimum": 0, "maximum": 10},
        ],
    }
)
COUNT = 900


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_table, "BATCH", 130)


def rows() -> pd.DataFrame:
    generator = np.random.default_rng(1)
    shops = generator.integers(0, 3, COUNT)
    price = generator.uniform(1, 9, COUNT).round(2)
    return pd.DataFrame(
        {
            "shop": [f"shop {number}" for number in shops],
            "week": np.arange(COUNT),
            "shop_code": np.array(["a", "b", "c"])[shops],
            "price": price,
            "units": 20 + shops - (1 + shops) * price + generator.normal(0, 3, COUNT),
        }
    )


def look(path: Path, table: pd.DataFrame, dataset: Dataset = GROUPED) -> large_look.Look:
    table.to_parquet(path / "demand.parquet", index=False)
    derivation = derived.in_project(path, dataset)
    return large_look.at(LargeTable(path / "demand.parquet", dataset, derivation), 0.2)


def written(path: Path, dataset: Dataset = GROUPED, most: int = 200) -> tuple[LargeSides, Places]:
    rows().to_parquet(path / "demand.parquet", index=False)
    places = Places(path / "drawn.parquet", path / "others", path / "holdout.parquet")
    return large_sides.of_file(path / "demand.parquet", path, dataset, 0.2, places, most), places


def faulty(kind: str) -> pd.DataFrame:
    table = rows()
    if kind == "gaps":
        table.loc[[3, 400, 401, 650, 651, 652, 899], "price"] = None
    elif kind == "beyond":
        table.loc[[200, 800], "price"] = [11.5, 12.0]
        table.loc[[5, 300], "shop_code"] = "new"
    elif kind == "twice":
        table.loc[[10, 700, 850], ["shop", "week"]] = ["shop 0", 1_000]
    elif kind == "missing":
        table = table.drop(columns="price")
    elif kind == "leak":
        table["price"] = table["units"].clip(0, 10) + 0.0
        table["units"] = table["price"] * 2
    return table


@pytest.mark.parametrize("kind", ["sound", "gaps", "beyond", "twice", "missing", "leak"])
def test_faults_are_named_in_the_same_words_as_those_of_a_small_table(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_look, "DRAWN", 10 * COUNT)
    table = faulty(kind)
    found, wanted = look(tmp_path, table).findings, examine(table, GROUPED)
    drawn = f" (in {COUNT} rows drawn at random from {COUNT})"
    assert [str(each).removesuffix(drawn) for each in found.problems] == [
        str(each) for each in wanted.problems
    ]
    assert [*map(str, found.warnings)] == [*map(str, wanted.warnings)]
    assert bool(found.problems) == (kind not in ("sound", "beyond"))


def test_each_row_is_on_one_side_by_the_rule_and_the_holdout_is_bounded(tmp_path: Path) -> None:
    found, places = written(tmp_path, most=100)
    others = pd.concat(pd.read_parquet(path) for path in places.others.iterdir())
    drawn, holdout = pd.read_parquet(places.drawn), pd.read_parquet(places.holdout)
    whole = rows()
    held_out = split.is_held_out(whole, GROUPED, found.rule)
    learned = pd.concat([drawn, others]).sort_values("week")
    assert learned["week"].tolist() == whole["week"][~held_out].tolist()
    assert (found.training, found.held_out) == ((~held_out).sum(), held_out.sum())
    assert len(holdout) == found.measured == 100 < found.held_out
    assert held_out[holdout.index].all()
    assert holdout["week"].tolist() == holdout.index.tolist()
    assert 0 < found.drawn == len(drawn) < len(others)


def test_the_last_rows_are_held_out_where_the_table_is_split_by_time(tmp_path: Path) -> None:
    document = GROUPED.model_dump() | {"split": {"by": "week"}}
    dataset = Dataset.model_validate(document)
    found, places = written(tmp_path, dataset)
    _, rule = split.divide(rows(), dataset, 0.2, HOLDOUT)
    assert found.rule == rule
    assert pd.read_parquet(places.holdout)["week"].min() == rule.since


def test_a_model_that_learns_in_batches_is_the_one_of_all_rows(tmp_path: Path) -> None:
    found, places = written(tmp_path)
    drawn = Table.of(pd.read_parquet(places.drawn), GROUPED)
    model = GroupedLinear(["shop_code"]).fit(drawn.X, drawn.y)
    others = OtherRows(places.others, GROUPED, found.training)
    kept, refit = fitted(Fit(model, {}, {}, 0.0), drawn, others)
    whole = others.joined(drawn)
    wanted = GroupedLinear(["shop_code"]).fit(whole.X, whole.y)
    np.testing.assert_allclose(kept.model.predict(whole.X), wanted.predict(whole.X), rtol=1e-9)
    assert not np.allclose(model.predict(whole.X), wanted.predict(whole.X), rtol=1e-9)
    assert (refit.rows, refit.batches) == (len(whole.y), 8)


def test_machines_that_sum_up_parts_twice_give_the_model_of_one_machine(tmp_path: Path) -> None:
    found, places = written(tmp_path)
    drawn = Table.of(pd.read_parquet(places.drawn), GROUPED)
    transformer = preprocessing(drawn.X[["price"]], scale=True)
    first = Fit(GroupedLinear(["shop_code"], preprocessing=transformer), {}, {}, 0.0)
    others = OtherRows(places.others, GROUPED, found.training, tmp_path / "sums")
    (tmp_path / "sums").mkdir()
    machines = [begun(first, drawn) for _ in range(2)]
    paths = sorted(places.others.glob("*.parquet"), reverse=True)

    def write(machine: int, path: Path, identity: str = "this") -> None:
        (rows,) = others.frames_of(path)
        part = Table.of(rows, GROUPED)
        moments = machines[machine].sums_of(part.X, part.y)
        moments.to_file(sums.place(tmp_path / "sums", path, identity))

    for at, path in enumerate(paths[:-1]):
        write(at % 2, path)
    with pytest.raises(ProjectError, match=f"1 part are missing, .* {paths[-1].name}"):
        fitted(first, drawn, others)
    write(0, paths[-1])
    write(1, paths[-1])
    write(1, paths[0])
    kept, refit = fitted(first, drawn, others)
    wanted, here = fitted(first, drawn, others._replace(sums=None))
    np.testing.assert_array_equal(kept.model.coef_, wanted.model.coef_)
    np.testing.assert_array_equal(kept.model.intercept_, wanted.model.intercept_)
    assert (refit.rows, refit.batches) == (here.rows, here.batches)

    write(0, paths[2], "other code")
    with pytest.raises(ProjectError, match=f"{paths[2].name} has sums from 2 sources"):
        fitted(first, drawn, others)


ONLINE = """
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import SGDClassifier
from seedling.fitting import preprocessing


class Online(ClassifierMixin, BaseEstimator):
    def __init__(self, transformer=None):
        self.transformer = transformer

    def fit(self, X, y):
        return self.partial_fit(X, y, classes=sorted(set(y)))

    def partial_fit(self, X, y, classes=None):
        if not hasattr(self, "model_"):
            self.transformer_ = clone(self.transformer).fit(X, y)
            self.model_ = SGDClassifier(loss="log_loss", random_state=0)
        self.model_.partial_fit(self.transformer_.transform(X), y, classes=classes)
        self.classes_ = self.model_.classes_
        self.seen_ = getattr(self, "seen_", 0) + len(y)
        return self

    def predict(self, X):
        return self.model_.predict(self.transformer_.transform(X))

    def predict_proba(self, X):
        return self.model_.predict_proba(self.transformer_.transform(X))


def train_model(X_train, y_train, X_test, y_test, **hyperparameters):
    return Online(preprocessing(X_train, scale=True)).fit(X_train, y_train), {}, {}
"""


@pytest.fixture
def own_models() -> Iterator[None]:
    """Let `models` be those of the project that is tried, and afterwards what they were."""

    def taken() -> dict[str, ModuleType]:
        names = [name for name in sys.modules if name.partition(".")[0] == "models"]
        return {name: sys.modules.pop(name) for name in names}

    before = taken()
    yield
    taken()
    sys.modules.update(before)


@pytest.mark.usefixtures("own_models")
@pytest.mark.parametrize("online", [True, False])
def test_a_dataset_beyond_rows_in_memory_is_learned_as_a_whole(
    project: Project, online: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    dataset, name = project.config.first_dataset, first_model(project)
    datasets.save(project, dataset, sample_rows(dataset))
    project.edit(lambda document: document["training"].update(rows_in_memory=150))
    if online:
        from seedling import team_code

        path = project.root / "models" / name / "train.py"
        path.write_text(ONLINE, encoding="utf-8")
        made = team_code.function_at(path, "train_model", "train_model")
        monkeypatch.setattr(team_code, "train_model", lambda _: made)
    monkeypatch.chdir(project.root)
    monkeypatch.setattr(sys, "path", [*sys.path])  # the steps put the project into it
    prepare.main.callback(None, None, None, None, False)
    training = project.assets / "runs" / "manual" / "prepare" / "training"
    prepared = notes.read(training / f"{dataset.name}.json", Prepared)
    assert prepared.large is not None
    assert "more than rows_in_memory of model.yaml, 150" in prepared.warnings[0]
    train.main.callback(None, name, None, 20, None, (), 5, None, False)
    output = project.assets / "runs" / "manual" / f"train_{name}" / "trained"
    run = notes.read(output / notes.RUN, TrainingRun)
    assert run.learned_rows == prepared.large.rows > 250
    assert profiles.read(output / PROFILE).rows == prepared.large.rows
    assert bool(run.refit.batches) == online
    assert ("has no partial_fit: all" in capsys.readouterr().out) != online
    assert ("has no partial_fit" in " ".join(run.warnings)) != online


def test_a_class_of_few_rows_is_refused_wherever_they_stand(tmp_path: Path) -> None:
    document = GROUPED.model_dump() | {
        "task": "classification",
        "metric": "f1",
        "target": {"name": "sold", "type": "category", "labels": ["no", "yes"], "positive": "yes"},
    }
    dataset = Dataset.model_validate(document)
    table = rows().drop(columns="units").assign(sold="no")
    table.loc[[1, 500], "sold"] = "yes"
    table.to_parquet(tmp_path / "demand.parquet", index=False)
    places = Places(tmp_path / "drawn.parquet", tmp_path / "others", tmp_path / "holdout.parquet")
    with pytest.raises(ProjectError, match="sold is yes in 2 rows, and a label needs 5 rows"):
        large_sides.of_file(tmp_path / "demand.parquet", tmp_path, dataset, 0.2, places)


def test_a_folder_of_groups_is_read_as_one_table(tmp_path: Path) -> None:
    table_folders.write(rows(), tmp_path / "demand.parquet", ["shop"], "units", ".parquet")
    assert large_table.row_count(tmp_path / "demand.parquet") == COUNT
    table = LargeTable(tmp_path / "demand.parquet", GROUPED, derived.in_project(tmp_path, GROUPED))
    found = pd.concat(batch.rows for batch in table.batches())
    pd.testing.assert_frame_equal(found, datasets.read_table(table.path), check_dtype=False)
    (tmp_path / "texts").mkdir()
    rows().to_csv(tmp_path / "texts" / "data.csv")
    assert large_table.row_count(tmp_path / "texts") == 0


def test_a_large_source_becomes_the_dataset_that_it_would_become_at_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = project.config.first_dataset
    table = sample_rows(dataset)
    table.loc[[3, 200], dataset.target.name] = None
    table.to_parquet(project.root / "source.parquet", index=False)
    project.edit(lambda document: document["datasets"][0].update(source="source.parquet"))
    dataset = project.config.first_dataset
    wanted = datasets.create(project, dataset)
    rows_at_once = pd.read_parquet(project.dataset_path(dataset))
    project.edit(lambda document: document["training"].update(rows_in_memory=150))
    whole = datasets.read_source
    monkeypatch.setattr(datasets, "read_source", lambda *_: pytest.fail("it was read at once"))
    found = datasets.create(project, project.config.first_dataset)
    pd.testing.assert_frame_equal(pd.read_parquet(project.dataset_path(dataset)), rows_at_once)
    assert {**found, "sha256": ""} == {**wanted, "sha256": ""}
    assert found["unlabelled_rows"] == 2

    number = next(column.name for column in dataset.features if column.numeric)
    texts = table[number].astype(str).where(table.index != 300, "much")
    table.assign(**{number: texts}).to_parquet(project.root / "source.parquet", index=False)
    monkeypatch.setattr(datasets, "read_source", whole)  # the table decides as a whole
    assert datasets.create(project, project.config.first_dataset)["misfits"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("return rows", True),
        ("return rows.drop_duplicates()", False),
        ("if name:\n        rows = rows[:5]\n    return rows", False),
        ("return name", False),
    ],
)
def test_only_a_function_that_returns_its_rows_is_left_out(text: str, expected: bool) -> None:
    found: dict[str, Any] = {}
    exec(f"def create_dataset(name, rows):\n    {text}", found)  # noqa: S102
    assert large_source.returns_its_rows(found["create_dataset"]) == expected
