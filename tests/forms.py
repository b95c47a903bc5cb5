"""A dataset of forms for tests that need its schema, and no table."""

from collections.abc import Sequence

from seedling.config import Dataset


def forms(labels: Sequence[str], sample: str, longest: int) -> Dataset:
    """Return the dataset whose target are spans of these labels in the feature `text`.

    Args:
        labels: of the target.
        sample: the text that the documentation shows.
        longest: the most characters of a text.
    """
    return Dataset.model_validate(
        {
            "name": "forms",
            "source": "forms.csv",
            "file_name": "forms.parquet",
            "version": "1",
            "task": "spans",
            "metric": "f2",
            "entity_key": ["form_id"],
            "target": {"name": "spans", "type": "text", "labels": [*labels]},
            "features": [{"name": "text", "type": "text", "sample": sample, "longest": longest}],
        }
    )
