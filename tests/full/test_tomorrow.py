"""Tomorrow's file of the same table: taken over, trained from, compared; the team's edits stay.

The verbs run in the environment of the tests, as processes that begin with their libraries loaded:
nothing is installed for this.
"""

import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import warm
import yaml
from baking import generate

pytestmark = pytest.mark.full


class Life(NamedTuple):
    """A project of a vertical, the table that it is brought, and one model of it."""

    vertical: str
    target: str
    metric: str  # the team's own, not the one that is proposed
    model: str
    own: str  # a hyperparameter that the team has set


LIVES = {
    "loan": Life("finance", "approved", "accuracy", "logistic_regression", "C: 0.5"),
    "sales": Life("hello_world", "sold", "mae", "linear_regression", "fit_intercept: true"),
}
COMPARED = re.compile(r"\d of version \d")
EDITS = {
    "name: income,": "name: income, description: before taxes,",
    "maximum: 5": "maximum: 50",  # years: nobody of more than 5 has come yet
    "    metric: ": "    # agreed with Ann\n    metric: ",
}


def table(life: Life, rows: int, later: bool) -> pd.DataFrame:
    """The rows of a file; later there are more, a new town, higher incomes, and `channel`."""
    draw = np.random.default_rng(4)
    towns = ["Bath", "Ely", "Wells", *(["York"] if later else [])]
    income = draw.normal(3_000, 600, rows).round(2) * (1.4 if later else 1)
    found = pd.DataFrame(
        {
            "client": [f"C{at:05}" for at in range(rows)],
            "opened": pd.date_range("2024-01-01", periods=rows, freq="8h").strftime("%d/%m/%Y"),
            "income": [f"{value:,.2f}" for value in income],
            "years": draw.integers(0, 6, rows),
            "town": draw.choice(towns, rows),
        }
    )
    if later:
        found["channel"] = draw.choice(["web", "shop"], rows)
    score = income / 1000 + found["years"] / 2 + (found["town"] == "Ely")
    score += draw.normal(0, 0.4, rows)
    good = np.where(score > np.median(score), "yes", "no")
    return found.assign(**{life.target: good if life.target == "approved" else score.round(3)})


def seedling(project: Path, *words: str) -> str:
    return warm.verb(project, *words, python=Path(sys.executable))


def dataset(project: Path) -> dict[str, Any]:
    return yaml.safe_load((project / "model.yaml").read_text(encoding="utf-8"))["datasets"][0]


@pytest.mark.parametrize("name", LIVES)
def test_tomorrows_file_is_taken_over_and_trained_from(name: str, tmp_path: Path):
    life = LIVES[name]
    project = generate(tmp_path / "projects", {"vertical": life.vertical, "models": life.model})
    today, tomorrow = tmp_path / f"{name}.csv", tmp_path / "export (2).csv"
    table(life, 400, later=False).to_csv(today, index=False)
    table(life, 600, later=True).to_csv(tomorrow, index=False, sep=";")
    options = ("--target", life.target, "--key", "client", "--yes")
    seedling(project, "create-local-datasets", "--from", str(today), *options)
    path = project / "model.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in EDITS.items():
        assert text.count(old) == 1, text
        text = text.replace(old, new)
    text = text.replace(f"metric: {dataset(project)['metric']}", f"metric: {life.metric}")
    text = text.replace("C: 1.0", "C: 0.5")
    path.write_text(text, encoding="utf-8")
    assert "it has no champion to beat" in seedling(project, "train")

    seedling(project, "update-schema", "--from", str(tomorrow), "--yes")
    found, after = dataset(project), path.read_text(encoding="utf-8")
    features = {feature["name"]: feature for feature in found["features"]}
    assert found["name"] == name
    assert found["metric"] == life.metric
    assert "# agreed with Ann" in after
    assert life.own in after
    assert features["income"]["description"] == "before taxes"
    assert features["income"]["maximum"] > 4_500
    assert features["years"]["maximum"] == 50
    assert features["town"]["categories"] == ["Bath", "Ely", "Wells", "York"]
    assert "channel" not in features  # a model's inputs change only where somebody says so
    said = seedling(project, "train")
    assert COMPARED.search(said), said
    assert "Warning" not in said

    if life.target == "approved":
        column_gone(project, life, tomorrow)


def column_gone(project: Path, life: Life, tomorrow: Path) -> None:
    """A column is gone: nothing is dropped, before somebody says so."""
    table(life, 600, later=True).drop(columns="years").to_csv(tomorrow, index=False, sep=";")
    gone = seedling(project, "update-schema", "--yes")
    assert "years: the table has no such column any more" in gone
    assert "--drop-gone" in gone
    seedling(project, "update-schema", "--yes", "--drop-gone", "--add-columns")
    assert "channel" in {feature["name"] for feature in dataset(project)["features"]}
    said = seedling(project, "train")
    assert "the dataset has no years any more" in said  # why the champion was not compared
    assert "# agreed with Ann" in (project / "model.yaml").read_text(encoding="utf-8")
