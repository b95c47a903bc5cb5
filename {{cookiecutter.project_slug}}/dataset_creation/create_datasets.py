"""Yours: what happens to a query's rows before they become a dataset."""

import pandas as pd

from seedling import run_here


def create_dataset(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one dataset.

    Args:
        name: the dataset's name in model.yaml.
        rows: what its source yielded, a row for each entity.

    Returns:
        The table to be written: key, target and features as model.yaml describes them.
    """
    return rows


if __name__ == "__main__":
    run_here(__file__, "create-local-datasets")
