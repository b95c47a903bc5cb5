"""Yours: the sample data of the local feature store. Synthetic; delete it once you have your own.

Drawn with a fixed seed: what twelve shops sell of eight products, week by week. As in real tables,
some pairs of them (groups) have few rows, a price that never changes, a promotion whenever the
price falls, or begin late or end early.
"""

import numpy as np
import pandas as pd

LOCATIONS = (
    *("Ashby", "Bourne", "Corby", "Diss", "Ely", "Filey"),
    *("Goole", "Hythe", "Ilkley", "Jarrow", "Kendal", "Louth"),
)
PRODUCTS = tuple(f"P{number:02}" for number in range(1, 9))
WEEKS = pd.date_range("2024-01-01", "2025-12-29", freq="W-MON")
LIST_PRICES = (2.4, 3.1, 3.2, 4.5, 5.2, 6.0, 7.9, 9.5)
# What a unit of each does to the demand of an average group, and how far groups differ in that.
USUAL = {"base": 60.0, "price": -5.0, "promotion": 12.0, "sine": 3.0, "cosine": -6.0}
SPREAD = {"base": 9.0, "price": 1.0, "promotion": 3.0, "sine": 2.0, "cosine": 3.0}
NOISE = 6.0
KINDS = {
    "whole": 0.30,
    "sparse": 0.36,
    "constant": 0.10,
    "collinear": 0.10,
    "late": 0.08,
    "ended": 0.06,
}


def sample_tables() -> dict[str, pd.DataFrame]:
    """The tables of the sample store: a row for each week in which a group has sold something."""
    generator = np.random.default_rng(14)
    groups = []
    for location in LOCATIONS:
        for product, price in zip(PRODUCTS, LIST_PRICES, strict=True):
            kind = generator.choice([*KINDS], p=[*KINDS.values()])
            rows = _demand(_weeks(kind, generator), kind, price, generator)
            groups.append(rows.assign(location=location, product_id=product))
    table = pd.concat(groups, ignore_index=True)
    names = ["location", "product_id", "week", "price", "promotion", "units"]
    return {"demand": table[names]}


def _weeks(kind: str, generator: np.random.Generator) -> pd.DatetimeIndex:
    """The weeks in which a group of this kind has rows."""
    count = len(WEEKS)
    if kind == "sparse":
        few = generator.integers(3, 13)
        return WEEKS[np.sort(generator.choice(count, few, replace=False))]
    first = generator.integers(count - 30, count - 8) if kind == "late" else 0
    last = generator.integers(30, count - 30) if kind == "ended" else count
    return WEEKS[first:last]


def _demand(
    weeks: pd.DatetimeIndex, kind: str, list_price: float, generator: np.random.Generator
) -> pd.DataFrame:
    """The rows of one group, by coefficients of its own around the usual ones."""
    own = {name: generator.normal(usual, SPREAD[name]) for name, usual in USUAL.items()}
    promotion = generator.random(len(weeks)) < 0.2
    price = list_price * generator.choice([0.9, 1.0, 1.1], len(weeks))
    if kind == "constant":
        price, promotion = np.full(len(weeks), list_price), np.zeros(len(weeks), dtype=bool)
    if kind == "collinear":
        price = list_price * np.where(promotion, 0.8, 1.0)
    angle = 2 * np.pi * (weeks.dayofyear.to_numpy() - 1) / 365.25
    units = (
        own["base"]
        + own["price"] * price
        + own["promotion"] * promotion
        + own["sine"] * np.sin(angle)
        + own["cosine"] * np.cos(angle)
        + generator.normal(0, NOISE, len(weeks))
    )
    return pd.DataFrame(
        {
            "week": weeks.strftime("%Y-%m-%d"),
            "price": price.round(2),
            "promotion": promotion.astype(int),
            "units": np.clip(units, 0, None).round().astype(int),
        }
    )


if __name__ == "__main__":
    for name, table in sample_tables().items():
        print(name, table, sep="\n")
