"""A reader's whole story: a month whose data shifts, and all that follows from it."""

import json
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import warm
from baking import generate

pytestmark = pytest.mark.full

# The model, a first choice of its hyperparameters that its owners then improve, and the shifts.
STORIES = {
    "finance": ("logistic_regression", {"C": 1e-4}, ["age:0.5sd", "workclass:30%"]),
    "retail": ("grouped_linear_regression", {"pooling": "none"}, ["price:0.5sd", "promotion:30%"]),
}


class Story:
    """A project with one model, and its verbs."""

    def __init__(self, root: Path, model: str) -> None:
        self.root, self.model = root, model

    def verbs(self, *lines: str) -> dict[str, str]:
        """Run verbs one after the other; return what each has printed, by its first word."""
        python = Path(sys.executable)
        return {
            line.split()[0]: warm.verb(self.root, *line.split(), python=python) for line in lines
        }

    def write(self, hyperparameters: dict[str, Any]) -> str:
        """Change hyperparameters in model.yaml; return the text before."""
        path = self.root / "model.yaml"
        before = text = path.read_text(encoding="utf-8")
        for name, value in hyperparameters.items():
            text, count = re.subn(rf"\b{name}: [\w.]+", f"{name}: {value}", text)
            assert count == 1
        path.write_text(text, encoding="utf-8")
        return before

    def latest(self, kind: str) -> Any:
        """Return what `monitor` or `compare` has found last."""
        folder = self.root / "local_assets" / "reports" / kind / self.model
        return json.loads((folder / "latest.json").read_text(encoding="utf-8"))

    def prediction(self) -> str:
        """Return the id of a prediction that was made last."""
        query = "SELECT id FROM predictions WHERE role = 'served' ORDER BY time DESC LIMIT 1"
        with closing(sqlite3.connect(self.root / "local_assets" / "predictions.db")) as log:
            (found,) = log.execute(query).fetchone()
        return str(found)


@pytest.mark.parametrize("vertical", STORIES)
def test_a_month_shifts_and_everything_that_follows_works(vertical: str, tmp_path: Path) -> None:
    model, first, shifts = STORIES[vertical]
    story = Story(generate(tmp_path, {"vertical": vertical, "models": model}), model)
    improved = story.write(first)
    said = story.verbs(
        "create-local-datasets", "train", "simulate-month --seed 1", f"monitor {model}"
    )
    assert f"Shifted: {', '.join(shifts)};" in said["simulate-month"]
    moved = {
        drift["name"]
        for drift in story.latest("monitor")["windows"][-1]["drifts"]
        if drift["part"] == "feature" and drift.get("status") in ("moderate", "severe")
    }
    assert moved == {shift.partition(":")[0] for shift in shifts}

    (story.root / "model.yaml").write_text(improved, encoding="utf-8")
    said = story.verbs(
        "retrain --logged-rows --simulated",
        f"traffic {model} --version 1 --shadow",
        "simulate-month --seed 2 --shift none",
        f"compare {model}",
        f"retire {model}",
        f"promote {model} --version 1 --why trial",
        f"rollback {model}",
        "audit --json",
        f"lineage {story.prediction()}",
    )
    assert "It is trained: drift." in said["retrain"]
    assert re.search(r"version 2: .* is better than .* of version 1", said["retrain"])
    assert re.search(rf"{model} +2 .*the champion", said["traffic"])
    assert "version 1" in said["compare"]
    assert story.latest("compare")
    assert "version 2 is the champion again" in said["rollback"]
    changes = json.loads(said["audit"])
    assert [(each["action"], each.get("to_version", "")) for each in changes] == [
        ("register", "1"),
        ("register", "2"),
        ("shadow", "1"),
        ("retire", ""),
        ("promote", "1"),
        ("rollback", "2"),
    ]
    assert changes[1]["why"].startswith("Retrained (drift: severe (")
    assert "served, simulated" in said["lineage"]
    assert re.search(r"version +1 of", said["lineage"])
