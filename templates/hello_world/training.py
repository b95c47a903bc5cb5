"""Yours: hello world from its data to a registered model.

Run it by an editor's run button, or by `python helloworld_training.py`.
"""

import csv
from pathlib import Path

from seedling import Project, list_runs, run_here

PROJECT = Project(Path(__file__).resolve().parent)
OUTPUT = PROJECT.root / "local_assets" / "Training_Output"
COEFFICIENT, RMSE = "train_coefficient_", "train_rmse_5_fold"


def main() -> None:
    """Prepare the data, train, and write down what was learned."""
    run_here(__file__, "create-local-datasets")
    run_here(__file__, "train")
    write_down()


def write_down() -> None:
    """Write coefficient.csv and rmse.csv: a line for each number of each model's latest run."""
    latest = {run.model: run.metrics for run in list_runs(PROJECT)}
    coefficients, errors = [], []
    for model, metrics in latest.items():
        if "train_intercept" in metrics:
            coefficients.append((model, "intercept", metrics["train_intercept"]))
        for name, value in metrics.items():
            if name.startswith(COEFFICIENT):
                coefficients.append((model, name.removeprefix(COEFFICIENT), value))
        if RMSE in metrics:
            errors.append((model, "rmse of five folds", metrics[RMSE]))
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for file, lines in (("coefficient.csv", coefficients), ("rmse.csv", errors)):
        with (OUTPUT / file).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("model", "name", "value"), *lines])
        print(f"Wrote {(OUTPUT / file).relative_to(PROJECT.root).as_posix()}.")


if __name__ == "__main__":
    main()
