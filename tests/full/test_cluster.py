"""Scoring on a cluster of Ray, and groups fitted by workers of Dask: both on this machine."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_project import told
from baking import python_of, run
from warm import verb

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Nodes", "models": "logistic_regression"}
ROWS = """
import pandas as pd

rows = pd.read_parquet("local_assets/datasets/income.parquet").drop(columns="income")
rows.to_csv("rows.csv", index=False)
rows.to_parquet("rows.parquet", row_group_size=1_000)
"""
BY_DASK = """
import os
import joblib
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster
from sklearn.linear_model import Ridge
from seedling.fitting import GroupedEach

generator = np.random.default_rng(0)
X = pd.DataFrame({"shop": np.repeat(np.arange(20), 60), "price": generator.normal(size=1_200)})
y = X["shop"] * X["price"] + generator.normal(size=1_200)


class Noted(Ridge):
    def fit(self, X, y):
        self.process_ = os.getpid()
        return super().fit(X, y)


here = GroupedEach(Noted(), ["shop"]).fit(X, y)
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client, joblib.parallel_backend("dask"):
            there = GroupedEach(Noted(), ["shop"], n_jobs=-1).fit(X, y)
    processes = {model.process_ for model in there.estimators_.values()}
    assert os.getpid() not in processes
    np.testing.assert_array_equal(there.predict(X), here.predict(X))
    print("the same by other processes")
"""


@pytest.fixture(scope="module")
def project(installed) -> Path:
    found = installed(ANSWERS, "train,serve,dev")
    verb(found, "create-local-datasets")
    verb(found, "train")
    run([python_of(found), "-c", ROWS], found)
    return found


@pytest.fixture(scope="module")
def with_cluster(project: Path) -> Path:
    """The project, in whose environment Ray and Dask are installed."""
    packages = ("ray>=2.50", "distributed")
    run(["uv", "pip", "install", "--quiet", "--python", python_of(project), *packages], project)
    return project


@pytest.fixture
def ray(with_cluster: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings by which a verb finds a cluster of Ray."""
    command = Path(python_of(with_cluster)).with_name("ray")
    quiet = {**told({}), "RAY_DISABLE_IMPORT_WARNING": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    start = [command, "start", "--head", "--port=0", "--num-cpus=2", "--include-dashboard=false"]
    head = subprocess.Popen(
        [*start, "--block"], env=quiet, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    address = ""
    try:
        assert head.stdout
        for line in head.stdout:
            if "--address=" in line:
                address = line.partition("--address=")[2].split()[0].strip("'\"")
                break
        yield {"RAY_ADDRESS": address, "RAY_USAGE_STATS_ENABLED": "0"}
    finally:
        head.terminate()
        head.wait(timeout=60)


def score(project: Path, settings: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python_of(project), "-m", "seedling", "batch-score", *words],
        cwd=project,
        env=told(settings),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_without_ray_the_verb_says_how_it_is_installed(project: Path):
    done = score(project, {}, "rows.csv", "there.csv", "--backend", "ray")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: Ray is not installed: run init with")


def test_a_cluster_of_ray_scores_to_the_same_bytes(with_cluster: Path, ray: dict[str, str]):
    for name in ("rows.csv", "rows.parquet"):
        assert score(with_cluster, {}, name, "here.csv").returncode == 0
        done = score(with_cluster, ray, name, "there.csv", "--backend", "ray")
        assert done.returncode == 0, done.stderr
        assert (with_cluster / "there.csv").read_bytes() == (with_cluster / "here.csv").read_bytes()


def test_groups_are_fitted_by_workers_of_dask_as_they_are_here(with_cluster: Path, tmp_path: Path):
    script = tmp_path / "by_dask.py"
    script.write_text(BY_DASK, encoding="utf-8")
    done = subprocess.run(
        [python_of(with_cluster), str(script)],
        cwd=with_cluster,
        env=told({}) | {"PYTHONPATH": os.fspath(with_cluster)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "the same by other processes" in done.stdout
