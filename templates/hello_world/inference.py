"""Yours: asks the model that helloworld_training.py has registered.

Run it by an editor's run button, or by `python helloworld_inference.py`.
"""

import json
import sys
from pathlib import Path

import pandas as pd

from seedling import LoadedModel, Project, ProjectError, load_model

PROJECT = Project(Path(__file__).resolve().parent)


def main() -> None:
    """Print the answer to each row of the model's test instances."""
    model = load_model(project=PROJECT)
    rows = example_rows(model.name)
    print(f"{model.name}, version {model.version}")
    for row, answer in zip(rows, ask(model, rows), strict=True):
        print(f"{row} -> {answer:.1f} {model.dataset.target.name}")


def example_rows(model: str) -> list[dict[str, float]]:
    """The rows that a model is tried with."""
    path = PROJECT.root / "models" / model / "test" / "test_instances.json"
    body = json.loads(path.read_text(encoding="utf-8"))
    return [*body["payload"]["instances"]]


def ask(model: LoadedModel, rows: list[dict[str, float]]) -> list[float]:
    """The model's answers to n rows: a number each."""
    return [float(answer) for answer in model.predict(pd.DataFrame(rows))["prediction"]]


if __name__ == "__main__":
    try:
        main()
    except ProjectError as error:
        sys.exit(f"Error: {error}")
