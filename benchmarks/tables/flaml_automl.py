"""FLAML's search on the table as read_csv reads it, days as days: `flaml_automl.py JOB.json`."""

import json
import logging
import sys
from pathlib import Path
from typing import Any

from flaml import AutoML
from plain import answer, read


def main(job: dict[str, Any]) -> None:
    rows, y = read(job)
    for name in rows.select_dtypes(["object", "string", "bool", "boolean"]):
        rows[name] = rows[name].astype("category")
    y = y.astype(float) if job["numbers"] else y.astype(str)
    training, holdout = job["training"], job["holdout"]
    metric = "r2" if job["numbers"] else "roc_auc" if y.nunique() == 2 else "roc_auc_ovr"
    model = AutoML()
    model.fit(
        X_train=rows.iloc[training],
        y_train=y.iloc[training],
        task="regression" if job["numbers"] else "classification",
        metric=metric,
        time_budget=job["seconds"],
        seed=0,
        verbose=0,
        log_file_name="",
    )
    answer(job, model, rows.iloc[holdout])


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
