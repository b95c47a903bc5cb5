"""Prints what a service would have logged of a model as documents of Cosmos DB, a line each.

A script for the Python of a project: rows of its dataset, whose age has risen, with answers of
which every other one is right. The records are added to the log of this machine too, and the truth
is kept.
"""

import datetime as dt
import json
import random

import pandas as pd

from seedling.azure.cosmos import item
from seedling.config import Project
from seedling.monitoring.add_truth import Wanted, add_truth
from seedling.serving.sql_store import SqlStore
from seedling.serving.stores import Record

MODEL, VERSION = "logistic_regression", "1"


def main() -> None:
    project = Project.find()
    dataset = project.config.datasets[0]
    rows = pd.read_parquet(project.dataset_path(dataset)).head(500)
    rows["age"] += 8
    target, keys = dataset.target.name, dataset.entity_key
    rows[[*keys, target]].to_csv("truth.csv", index=False)
    add_truth(project, dataset, Wanted("truth.csv"))
    labels = [str(label) for label in dataset.target.labels]
    now, records = dt.datetime.now(dt.UTC), []
    dice = random.Random(0)  # noqa: S311
    for at, row in enumerate(json.loads(rows.to_json(orient="records"))):
        is_last = str(row[target]) == labels[-1] if at % 2 else dice.random() > 0.7
        score = 0.7 if is_last else 0.2
        outputs = {
            "predictions": [labels[is_last]],
            "scores": [[1 - score, score]],
            "labels": labels,
        }
        record = Record(
            f"r{at}",
            f"q{at}",
            now - dt.timedelta(minutes=500 - at),
            f"/{MODEL}/predict",
            MODEL,
            VERSION,
            "served",
            json.dumps([{key: row[key] for key in keys}]),
            json.dumps([{column.name: row[column.name] for column in dataset.raw}]),
            json.dumps(outputs),
        )
        records.append(record)
        print(json.dumps(item(record)))
    SqlStore("sqlite:///local_assets/predictions.db", project.root).add(records)


if __name__ == "__main__":
    main()
