"""Findings of monitor that fill a page: many columns, hostile names and values."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from seedling.monitoring.drift import Drift
from seedling.monitoring.findings import Findings, Shape, Window
from seedling.monitoring.performance import Performance
from seedling.tasks.evidence import Bin, Calibration, Interval

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)
HOSTILE = '<img src=x onerror=alert(1)>"&{{ 7*7 }}'


def large(columns: int = 200, weeks: int = 12, name: Callable[[int], str] = "column_{}".format):
    """Findings with many columns, some of which have moved."""
    statuses = ["steady"] * 7 + ["moved, harmless", "moderate", "severe"]
    drifts = [
        Drift(
            name(at),
            "numbers" if at % 2 else "categories",
            "feature",
            1000,
            20_000,
            statuses[at % 10],
            effect=at % 10 / 20,
            new_values=[HOSTILE] if at == 9 else [],
            new_share=0.1 if at == 9 else 0.0,
        )
        for at in range(columns)
    ]
    shapes = [
        Shape(
            each.name,
            "feature",
            [f"{bar} to {bar + 1}" for bar in range(20)],
            [0.05] * 20,
            [0.05] * 20,
        )
        if each.kind == "numbers"
        else Shape(each.name, "feature", ["a", HOSTILE, "others"], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5])
        for each in drifts
    ]
    auc = Interval(0.68, 0.6, 0.76)
    performance = Performance(
        900,
        "roc_auc",
        metrics={"roc_auc": auc, "brier": Interval(0.05)},
        then={"roc_auc": Interval(0.75, 0.73, 0.77)},
        calibration=Calibration(
            "scores of yes",
            900,
            25,
            0.1,
            0.03,
            0.07,
            0.01,
            0.001,
            [Bin(500, 0.05, 0.02, 0.01, 0.04)],
        ),
        verdict="too few rows",
        thin="25 of yes",
        sentences=["Truth is too thin."],
    )
    start = NOW - timedelta(weeks=weeks)
    return Findings(
        "A project",
        "linear",
        "3",
        "pets",
        "adopted",
        NOW.isoformat(),
        cut="Windows of 7d.",
        reference="Compared with the 20,000 rows that it was trained and measured on.",
        moderate=0.1,
        severe=0.25,
        windows=[
            Window(
                (start + timedelta(weeks=at)).isoformat(),
                (start + timedelta(weeks=at + 1)).isoformat(),
                1000,
                verdict="severe",
                drifts=drifts,
                performance=performance,
            )
            for at in range(weeks)
        ],
        shapes=shapes,
        verdict="severe",
        reasons=[f"1 column changed severely: {name(9)} (0.5 sd)."],
    )
