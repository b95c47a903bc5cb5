"""A small dataset with every type of column, for tests that must not hang on model.yaml."""

import pandas as pd

from seedling.config import Dataset

PETS = Dataset.model_validate(
    {
        "name": "pets",
        "source": "pets.csv",
        "file_name": "pets.parquet",
        "version": "1",
        "task": "classification",
        "metric": "roc_auc",
        "entity_key": ["id"],
        "target": {"name": "adopted", "type": "category", "labels": ["no", "yes"]},
        "features": [
            {"name": "age", "type": "integer", "minimum": 0, "maximum": 30},
            {"name": "weight", "type": "number", "minimum": 0, "nullable": True},
            {"name": "kind", "type": "category", "categories": ["cat", "dog"], "nullable": True},
            {"name": "tame", "type": "boolean"},
        ],
    }
)


def pets(count: int = 60) -> pd.DataFrame:
    """Valid rows; `id` counts from 1, and no feature gives `adopted` away."""
    numbers = range(count)
    return pd.DataFrame(
        {
            "id": [number + 1 for number in numbers],
            "age": [number % 13 for number in numbers],
            "weight": [1.5 + number % 7 for number in numbers],
            "kind": [("cat", "dog")[number % 2] for number in numbers],
            "tame": [number % 3 == 0 for number in numbers],
            "adopted": [("no", "yes")[number * 7 // 5 % 2] for number in numbers],
        }
    )
