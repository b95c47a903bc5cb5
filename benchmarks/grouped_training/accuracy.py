"""Held-out errors beside the least possible, and beside the better of two simple ways."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.grouped_training.simulation import KINDS, rmse, simple, simulate
from seedling.fitting import GroupedLinear

TABLES = ("shop_sales", "taxis", "california", "wineq_red")


def simulated(groups: int) -> None:
    """Print the error of each simulation, and the share that its intervals hold."""
    print(
        "| held-out RMSE | line of all | own line, else that of all | empirical Bayes | best "
        "possible | ratio | groups of 8 rows at most | of over 50 | intervals hold |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for kind, noise in KINDS.items():
        its = simulate(kind, groups)
        own, line = simple(its.before, its.y, its.later, ["group"])
        answers = GroupedLinear(["group"]).fit(its.before, its.y).predict_interval(its.later)
        rows = its.sizes[its.later["group"]]
        error = rmse(its.truth, answers.predictions)
        parts = [
            rmse(its.truth[some], answers.predictions[some]) for some in (rows <= 8, rows > 50)
        ]
        held = np.mean((answers.low <= its.truth) & (its.truth <= answers.high))
        cells = [rmse(its.truth, line), rmse(its.truth, own), error, noise, error / noise]
        show(kind, *(f"{cell:.3f}" for cell in (*cells, *parts, held)))


def tables(folder: Path) -> None:
    """Print the error of real tables, a fifth of whose rows is held out five times."""
    print(
        "\n| table | groups | rows | line of all | own line, else that of all | empirical Bayes | "
        "against the better | levels | intervals hold |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    found = {name: table(folder, name) for name in TABLES if (folder / f"{name}.csv").exists()}
    its = simulate("heavy tails", 1000, seed=5)
    found["simulated"] = (its.before, pd.Series(its.y), ["group"])
    for name, (rows, y, by) in found.items():
        fold = np.random.default_rng(0).integers(0, 5, len(rows))
        answers = np.empty((4, len(rows)))
        held = np.empty(len(rows), dtype=bool)
        for number in range(5):
            out = fold == number
            before, later, learned = rows[~out], rows[out], y[~out].to_numpy()
            answers[0, out], answers[1, out] = simple(before, learned, later, by)[::-1]
            pooled = GroupedLinear(by).fit(before, learned).predict_interval(later)
            answers[2, out] = pooled.predictions
            held[out] = (pooled.low <= y[out]) & (y[out] <= pooled.high)
            answers[3, out] = GroupedLinear(by, "levels").fit(before, learned).predict(later)
        line, own, bayes, levels = (rmse(y, each) for each in answers)
        count = len(rows[by].drop_duplicates())
        cells = [f"{line:.4g}", f"{own:.4g}", f"{bayes:.4g}", f"{bayes / min(line, own) - 1:+.1%}"]
        cells += [f"{levels:.4g}" if len(by) > 1 else "", f"{held.mean():.3f}"]
        show(f"{name} by {', '.join(by)}", f"{count:,}", f"{len(rows):,}", *cells)


def show(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def table(folder: Path, name: str) -> tuple[pd.DataFrame, Any, list[str]]:
    """Return features and keys of a table, its target, and the columns that make a group."""
    path = folder / f"{name}.csv"
    if name == "wineq_red":
        rows = pd.read_csv(path, sep=";").dropna()
        rows["strength"] = rows["alcohol"].round().astype(int)
        return rows.drop(columns="quality"), rows["quality"].astype(float), ["strength"]
    rows = pd.read_csv(path).dropna().reset_index(drop=True)
    if name == "shop_sales":
        rows["day"] = pd.to_datetime(rows["date"]).dt.dayofweek
        rows["promo"] = (rows["promo"] == "yes").astype(float)
        return rows[["store", "promo", "temperature", "day"]], rows["sales"], ["store"]
    if name == "taxis":
        hour = pd.to_datetime(rows["pickup"]).dt.hour
        rows = rows.assign(hour=hour)
        by = ["pickup_borough", "pickup_zone"]
        return rows[[*by, "passengers", "distance", "hour"]], rows["fare"], by
    rows = rows.rename(columns=lambda column: column.removeprefix("b'"))
    numbers = [name for name in rows if name != "ocean_proximity"]
    rows[numbers] = rows[numbers].apply(pd.to_numeric, errors="coerce")
    rows = rows.dropna().reset_index(drop=True)
    rows["area"] = rows["latitude"].round().astype(int) * 1000 + rows["longitude"].round()
    features = ["longitude", "latitude", "housing_median_age", "total_rooms", "population",
                "households", "median_income"]  # fmt: skip
    by = ["ocean_proximity", "area"]
    return rows[[*by, *features]], rows["median_house_value"].astype(float), by
