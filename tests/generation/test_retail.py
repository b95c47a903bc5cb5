"""Retail: its scripts at the paths of the seed, and what its sample has to show."""

import csv
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from baking import VERTICALS, environment, texts
from sklearn.linear_model import LinearRegression

Bake = Callable[[dict[str, str]], Path]
RETAIL = {"vertical": "retail"}
SCRIPTS = VERTICALS["retail"]["scripts"]
TESTS = {
    "inference_test": (
        "test.inference.batchai.batchai_inference_test.BatchaiInferencingTest.test_batchinference"
    ),
    "training_test": (
        "test.training.batchai.batchai_training_test.TestTraining.test_training_dataloading"
    ),
}


def python(folder: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)


def done(folder: Path, *words: str | Path) -> str:
    """What a command prints to both streams; a failure of the test if it fails."""
    found = python(folder, *words)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout + found.stderr


def test_the_five_commands_of_the_seed_run_from_the_root(cookies, tmp_path: Path):
    """The scripts from any folder, too; what a test needs and is not there is made in a copy."""
    project = cookies.bake(RETAIL).project_path
    early = python(tmp_path, project / SCRIPTS["training"])
    assert (early.returncode, early.stdout) == (1, "")
    assert early.stderr == "Error: demand has not been created: run create-local-datasets.\n"
    said = done(project, "-m", "unittest", TESTS["training_test"])
    assert "create-local-datasets: run in a copy, since nothing is here yet." in said
    assert not (project / "local_assets").exists()
    prepared = done(project, SCRIPTS["preparation"])
    assert "local_assets/DataPrep_inputs/demand.parquet: from dataset_creation/" in prepared
    folder = project / "local_assets" / "DataPrep_outputs" / "demand.parquet"
    assert len([*folder.glob("location=*")]) == 12
    trained = done(project, SCRIPTS["training"])
    assert "Registered as demand-grouped_linear_regression, version 1" in trained
    left = {}
    for name in ("coefficient", "rmse"):
        path = project / "local_assets" / "Training_Output" / f"{name}.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            left[name] = {
                (row["location"], row["product_id"]): row for row in csv.DictReader(stream)
            }
    assert left["coefficient"].keys() == left["rmse"].keys()
    assert len(left["rmse"]) > 80
    assert {"", "collinear", "few rows"} <= {row["flag"] for row in left["rmse"].values()}
    assert "in a copy" not in done(project, "-m", "unittest", TESTS["inference_test"])
    assert "OK" in done(tmp_path, project / SCRIPTS["training_test"])


def sample(bake: Bake) -> pd.DataFrame:
    path = bake(RETAIL) / "dataset_creation" / "sample_data.py"
    return runpy.run_path(str(path))["sample_tables"]()["demand"]


def test_the_sample_has_what_real_tables_have_and_is_the_same_each_time(bake: Bake):
    rows = sample(bake)
    pd.testing.assert_frame_equal(rows, sample(bake))
    assert 4_000 < len(rows) < 8_000
    assert not rows.duplicated(["location", "product_id", "week"]).any()
    groups = rows.groupby(["location", "product_id"])
    sizes, prices = groups.size(), groups["price"].nunique()
    assert 20 < (sizes <= 12).sum() < 45
    assert (sizes == 105).sum() > 20
    assert ((sizes > 12) & (prices == 1)).sum() >= 4
    first, last = groups["week"].min(), groups["week"].max()
    since = sorted(rows["week"].unique())[-21]
    assert (first >= since).any()  # begun after what is learned from ends
    assert ((last < since) & (sizes > 20)).sum() >= 3
    whole = rows.set_index(["location", "product_id"]).loc[
        sizes.index[(sizes > 30) & (prices == 2)]
    ]
    assert (whole.groupby(level=[0, 1])[["price", "promotion"]].corr().iloc[0::2, 1] < -0.999).all()


def test_groups_of_the_sample_need_each_other(bake: Bake):
    """Neither one line for all nor one for each group is near the noise of 6 where rows are few."""
    rows = sample(bake).sort_values("week")
    angle = 2 * np.pi * pd.to_datetime(rows["week"]).dt.dayofyear / 365.25
    features = (
        rows[["price", "promotion"]].assign(sine=np.sin(angle), cosine=np.cos(angle)).to_numpy()
    )
    y, weeks = rows["units"].to_numpy(), rows["week"].to_numpy()
    training = weeks < sorted(set(weeks))[-21]
    keys = (rows["location"] + rows["product_id"]).to_numpy()
    few = np.zeros(len(rows), dtype=bool)
    alone = np.full(len(rows), np.nan)
    for key in np.unique(keys[training]):
        own, asked = training & (keys == key), ~training & (keys == key)
        few |= asked & (own.sum() <= 12)
        if asked.any():
            alone[asked] = LinearRegression().fit(features[own], y[own]).predict(features[asked])
    common = LinearRegression().fit(features[training], y[training]).predict(features)
    for answers in (alone, common):
        error = np.sqrt(np.mean((answers[few] - y[few]) ** 2))
        assert error > 9, error


def test_a_group_that_is_new_is_asked_about_in_the_readme(bake: Bake):
    readme = texts(bake(RETAIL))["README.md"]
    for row in VERTICALS["retail"]["asked"]:
        assert f"curl 'http://127.0.0.1:5111/run?{row}'" in readme


def test_scripts_stand_in_their_folders(bake: Bake):
    project = bake(RETAIL)
    assert not [*project.glob("*+*")]
    assert (project / "test" / "__init__.py").is_file()
    assert all((project / path).is_file() for path in SCRIPTS.values())
