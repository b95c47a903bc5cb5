"""Yours: what your queries, your models and your serve.py promise. Change it with them."""

from typing import Any

import numpy as np
import pytest

from seedling import team_code
from seedling.config import Project, TrainedModel
from seedling.data import feature_store
from seedling.data.scalars import as_json
from seedling.data.schema import model_frame, split, target_values
from seedling.testing import root, sample_rows

MODELS = Project(root()).config.training.models


@pytest.mark.parametrize("model", MODELS, ids=[model.name for model in MODELS])
def test_a_model_trains_and_answers_every_row(project: Project, model: TrainedModel) -> None:
    dataset = project.config.dataset(model.dataset)
    sides = split(sample_rows(dataset), dataset, 0.3, "test")
    (X_train, y_train), (X_test, y_test) = [
        (model_frame(side, dataset.features), target_values(side, dataset)) for side in sides
    ]
    train_model, predict = team_code.train_model(model.name), team_code.predict(model.name)
    trained, train_metrics, test_metrics = train_model(
        X_train, y_train, X_test, y_test, **model.hyperparameters
    )
    assert all(np.isfinite(value) for value in [*train_metrics.values(), *test_metrics.values()])
    answer = predict(trained, X_test)
    assert len(answer["predictions"]) == len(X_test)
    if dataset.task == "classification":
        assert set(answer["labels"]) == set(dataset.target.labels)
        np.testing.assert_allclose(np.sum(answer["scores"], axis=1), 1, atol=1e-5)


def test_the_queries_run_on_the_sample_data(tmp_path: Any) -> None:
    store = tmp_path / "store.db"
    feature_store.create_sqlite(store, team_code.sample_tables()())
    engine = feature_store.open_url(f"sqlite:///{store.as_posix()}", tmp_path, read_only=True)
    rows = feature_store.query(engine, (root() / "dataset_creation/dataset_query.sql").read_text())
    assert not rows.empty
    key = str(rows.columns[0])
    features = feature_store.query(
        engine,
        (root() / "serve/feature_inference_query.sql").read_text(),
        {key: int(rows[key].iloc[0])},
    )
    assert len(features) == 1
    first = rows[features.columns].iloc[0]
    assert as_json(features.iloc[0].to_dict()) == as_json(first.to_dict())
