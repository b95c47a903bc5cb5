"""Yours: the query that training reads and the query that the service asks must agree."""

from pathlib import Path

import pandas as pd
import pytest

from seedling import Project, as_json
from seedling.testing import Store, root

from dataset_creation.create_datasets import create_dataset
from dataset_creation.sample_data import sample_tables

DATASET = Project(root()).config.datasets[0]
TRAINING = root() / "dataset_creation" / "dataset_query.sql"
SERVING = root() / "serve" / "feature_inference_query.sql"

pytestmark = pytest.mark.skipif(
    DATASET.source != "dataset_creation/dataset_query.sql",
    reason="the dataset is made from another source",
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A feature store with the sample data."""
    return Store(tmp_path / "store.db", sample_tables())


def test_the_training_query_yields_what_model_yaml_describes(store: Store) -> None:
    rows: pd.DataFrame = create_dataset(DATASET.name, store.query(TRAINING))
    assert not rows.empty
    wanted = {*DATASET.entity_key, DATASET.target.name, *DATASET.feature_names}
    assert wanted <= set(rows.columns)


def test_the_serving_query_yields_the_features_that_were_learned_from(store: Store) -> None:
    rows = create_dataset(DATASET.name, store.query(TRAINING))
    last = rows.iloc[-1]
    features = store.query(SERVING, as_json(last[DATASET.entity_key].to_dict()))
    assert len(features) == 1
    learned = last[features.columns]
    assert as_json(features.iloc[0].to_dict()) == as_json(learned.to_dict())
