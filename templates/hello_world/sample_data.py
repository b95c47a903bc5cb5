"""Yours: the sample data of the local feature store, drawn with a fixed seed (synthetic)."""

import numpy as np
import pandas as pd

RUNNERS = 400


def sample_tables() -> dict[str, pd.DataFrame]:
    """The tables of the sample store: runners, how often and how fit they run, and how far."""
    generator = np.random.default_rng(7)
    fitness = generator.integers(1, 6, RUNNERS)
    usage = np.clip(generator.poisson(1.5 + 0.5 * fitness), 1, 7)
    miles = -55 + 20 * usage + 27 * fitness + generator.normal(0, 18, RUNNERS)
    table = {
        "runner_id": np.arange(1, RUNNERS + 1),
        "usage": usage,
        "fitness": fitness,
        "miles": np.clip(miles, 5, None).round(1),
    }
    return {"treadmill": pd.DataFrame(table)}


if __name__ == "__main__":
    for name, table in sample_tables().items():
        print(name, table, sep="\n")
