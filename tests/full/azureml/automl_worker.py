"""Fits a simple model to an MLTable and saves it in MLflow's format; it runs in a job's Python."""

import argparse
import shutil
from pathlib import Path

import mlflow.sklearn
import pandas as pd
import yaml
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

ESTIMATORS = {
    "Classification": HistGradientBoostingClassifier,
    "Regression": HistGradientBoostingRegressor,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--task", "--target", "--data", "--output"):
        parser.add_argument(name)
    given = parser.parse_args()
    rows = rows_of(Path(given.data))
    y = rows.pop(given.target)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    text = make_column_selector(dtype_exclude="number")
    model = make_pipeline(
        make_column_transformer((encoder, text), remainder="passthrough"),
        ESTIMATORS[given.task](max_iter=30, random_state=0),
    )
    model.fit(rows, y)
    print(f"The stand-in for AutoML has fitted {len(rows)} rows of {list(rows.columns)}.")
    folder = Path(given.output)
    shutil.rmtree(folder, ignore_errors=True)
    mlflow.sklearn.save_model(
        model, folder, serialization_format="cloudpickle", pip_requirements=["scikit-learn"]
    )


def rows_of(folder: Path) -> pd.DataFrame:
    """Read what the MLTable names, as Azure does: Parquet files beside it."""
    table = yaml.safe_load((folder / "MLTable").read_text(encoding="utf-8"))
    if "read_parquet" not in table["transformations"]:
        raise ValueError("the MLTable does not say how it is read")
    return pd.concat(pd.read_parquet(folder / one["file"]) for one in table["paths"])


if __name__ == "__main__":
    main()
