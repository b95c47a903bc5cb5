"""What a person writes in half an hour: read_csv, and a histogram gradient boosting on it.

A column of texts of which 95 % are numbers is numbers. Days become year, month, day, weekday, hour
and a number of seconds. Texts of up to 200 different values are categories that scikit-learn splits
natively, other texts are target-encoded; texts of several words are TF-IDF, reduced to 50
dimensions. Everything else has its default.
Runs in the benchmark's environment: `plain.py JOB.json`, see `peers.py`.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, TargetEncoder

MOST_CATEGORIES = 200


def read(job: dict[str, Any]) -> tuple[pd.DataFrame, pd.Series]:
    """The features of all rows of the file, days as days, and the target as it is compared."""
    path = Path(job["path"])
    rows = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, **job["read"])
    y = rows.pop(job["target"])
    rows = rows.drop(columns=[name for name in job["left_out"] if name in rows])
    rows = rows.dropna(axis="columns", how="all")
    for name in rows.select_dtypes(["object", "string"]):
        known = rows[name].dropna()
        numbers = pd.to_numeric(rows[name], errors="coerce")
        if numbers.notna().sum() >= 0.95 * len(known):
            rows[name] = numbers
        elif len(known) and are_days(known.head(100), job).mean() > 0.9:
            days = as_days(rows[name], job)
            if days.notna().sum() >= 0.95 * len(known):
                rows[name] = days.dt.tz_localize(None)
    return rows, y


def as_days(cells: pd.Series, job: dict[str, Any]) -> pd.Series:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pd.to_datetime(cells, errors="coerce", dayfirst=job["day_first"], utc=True)


def are_days(cells: pd.Series, job: dict[str, Any]) -> pd.Series:
    """Whether each cell is a day, and not a number."""
    return as_days(cells, job).notna() & pd.to_numeric(cells, errors="coerce").isna()


def with_parts(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with the parts of each day in place of it."""
    for name in rows.select_dtypes("datetime"):
        days = rows.pop(name)
        for part in ("year", "month", "day", "dayofweek", "hour"):
            rows[f"{name} {part}"] = getattr(days.dt, part)
        rows[f"{name} seconds"] = (days - pd.Timestamp(0)).dt.total_seconds()
    return rows


def filled(cells: pd.Series) -> pd.Series:
    return cells.fillna("").astype(str)


def pipeline(rows: pd.DataFrame, numbers: bool) -> Any:
    texts = [name for name in rows if rows[name].dtype == object]
    many = [name for name in texts if rows[name].nunique() > MOST_CATEGORIES]
    words = [name for name in many if rows[name].dropna().astype(str).str.count(" ").mean() > 3]
    many = [name for name in many if name not in words]
    few = [name for name in texts if name not in (*many, *words)]
    rows[few] = rows[few].astype("category")
    kind = "continuous" if numbers else "auto"  # whole numbers would be classes
    encoder = TargetEncoder(target_type=kind, random_state=0)
    parts: list[Any] = [("many", encoder, many)] if many else []
    for name in words:
        reduced = make_pipeline(
            FunctionTransformer(filled), TfidfVectorizer(), TruncatedSVD(50, random_state=0)
        )
        parts.append((f"words {name}", reduced, name))
    prepared = ColumnTransformer(parts, remainder="passthrough", verbose_feature_names_out=False)
    prepared.set_output(transform="pandas")
    model = HistGradientBoostingRegressor if numbers else HistGradientBoostingClassifier
    return make_pipeline(prepared, model(categorical_features="from_dtype", random_state=0))


def main(job: dict[str, Any]) -> None:
    rows, y = read(job)
    rows = with_parts(rows)
    for name in rows:
        if rows[name].dtype == object:  # words and numbers in one column are words
            rows[name] = (
                rows[name].map(str, na_action="ignore").astype(object).where(rows[name].notna())
            )
        elif rows[name].dtype.kind in "bui" or str(rows[name].dtype) == "boolean":
            rows[name] = rows[name].astype(float)
    y = y if job["numbers"] else y.astype(str)
    training, holdout = job["training"], job["holdout"]
    model = pipeline(rows, job["numbers"]).fit(rows.iloc[training], y.iloc[training])
    answer(job, model, rows.iloc[holdout])


def answer(job: dict[str, Any], model: Any, rows: pd.DataFrame) -> None:
    """Write what the model says of the holdout: numbers, or probabilities and their labels."""
    scores = model.predict(rows) if job["numbers"] else model.predict_proba(rows)
    labels = [] if job["numbers"] else [str(label) for label in model.classes_]
    np.savez(job["answer"], scores=np.asarray(scores, dtype=float), labels=np.array(labels))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
