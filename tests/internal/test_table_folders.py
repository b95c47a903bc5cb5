"""A folder is a table: partitioned Parquet, files of one kind, a folder for each group of rows."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from seedling.config import Dataset, Project
from seedling.containers import entry_points
from seedling.data import cells, datasets, table_folders
from seedling.data.inputs import keep
from seedling.data.reading import read_table
from seedling.errors import ProjectError
from seedling.testing import invoke

DEMAND = {
    "name": "demand",
    "source": "demand",
    "local_directory_path": "local_assets/DataPrep_outputs",
    "file_name": "demand.parquet",
    "version": "1",
    "task": "regression",
    "metric": "rmse",
    "partition_by": ["place", "product"],
    "target": {"name": "units", "type": "number"},
    "features": [
        {"name": "place", "type": "category", "categories": ["a/b", "Köln."], "nullable": True},
        {"name": "product", "type": "integer", "minimum": 0, "maximum": 99},
        {"name": "price", "type": "number"},
    ],
}


def demand() -> pd.DataFrame:
    places = ["a/b", "a/b", "Köln.", None, "a/b", "Köln."]
    products = [7, 12, 7, 7, 7, 12]
    numbers = [1.0, 2.0, 3.5, 4.0, 5.0, 6.0]
    return pd.DataFrame({"place": places, "product": products, "price": numbers, "units": numbers})


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[["place", "product", "price", "units"]].sort_values("price", ignore_index=True)


@pytest.mark.parametrize("name", ["demand.parquet", "demand.csv"])
def test_a_dataset_in_folders_is_the_one_in_a_file(name: str, project: Project) -> None:
    """Codes, gaps, slashes and points of a group's name come back as they were."""
    dataset = Dataset.model_validate(DEMAND | {"file_name": name})
    for _ in range(2):  # the second replaces the first
        note = datasets.save(project, dataset, demand())
    folder = project.dataset_path(dataset)
    assert len([*folder.glob("place=*/product=*")]) == 5
    assert (folder / "place=K%C3%B6ln%2E" / "product=7").is_dir()
    assert note["rows"] == 6
    pd.testing.assert_frame_equal(in_order(datasets.load(project, dataset)), in_order(demand()))
    (folder / "place=new").mkdir()
    (folder / "place=new" / "part-0.parquet").write_bytes(b"")
    with pytest.raises(ProjectError, match="changed since it was created"):
        datasets.load(project, dataset)


def test_a_file_takes_the_place_of_a_folder_and_a_folder_that_of_a_file(project: Project) -> None:
    dataset = Dataset.model_validate(DEMAND)
    for given in (dataset, dataset.model_copy(update={"partition_by": []}), dataset):
        datasets.save(project, given, demand())
        path = project.dataset_path(given)
        assert path.is_dir() == bool(given.partition_by)
        assert len(datasets.load(project, given)) == 6


def groups(folder: Path) -> None:
    """Write a folder per group, as the accelerators for batches of models have them."""
    for place, product in (("Ashby", "007"), ("Ashby", "12"), ("Corby", "007")):
        home = folder / place / product
        home.mkdir(parents=True)
        (home / "data.csv").write_text("week,price\n2026-01-05,2.5\n2026-01-12,3\n", "utf-8")
        (home / "target.csv").write_text("week,units\n2026-01-05,9\n2026-01-12,8\n", "utf-8")
    (folder / "_SUCCESS").write_text("")
    (folder / "README.md").write_text("what this is")


def test_a_folder_of_data_and_target_for_each_group_is_one_table(tmp_path: Path) -> None:
    groups(tmp_path)
    found = table_folders.read(tmp_path, levels=["location", "product_id"])
    assert found.is_text
    assert list(found.rows) == ["location", "product_id", "week", "price", "units"]
    assert found.rows["product_id"].tolist() == ["007", "007", "12", "12", "007", "007"]
    assert found.rows["units"].tolist() == ["9", "8"] * 3


def test_folders_that_do_not_say_their_column_are_refused_with_the_remedy(tmp_path: Path) -> None:
    groups(tmp_path)
    with pytest.raises(ProjectError, match=r"Ashby/007 does not say .*: name them column=value\."):
        table_folders.read(tmp_path)
    with pytest.raises(ProjectError, match=r"name them location=\.\.\.\.$"):
        table_folders.read(tmp_path, levels=["location"])


def test_a_target_of_another_length_is_refused_by_its_name(tmp_path: Path) -> None:
    groups(tmp_path)
    (tmp_path / "Corby" / "007" / "target.csv").write_text("units\n9\n", "utf-8")
    words = r"Corby/007/target.csv has 1 row, and data.csv beside it 2\."
    with pytest.raises(ProjectError, match=words):
        table_folders.read(tmp_path, levels=["location", "product_id"])


def test_an_empty_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is a folder without a table"):
        table_folders.read(tmp_path)


def test_groups_that_differ_by_capitals_only_do_not_share_a_folder(tmp_path: Path) -> None:
    rows = demand().assign(place=["A", "a", "A", "a", "A", "a"])
    with pytest.raises(ProjectError, match="place=A and place=a differ by capitals only"):
        table_folders.write(rows, tmp_path / "out", ["place"], "units", ".parquet")


def test_partitions_that_others_have_written_are_read(tmp_path: Path) -> None:
    typed = cells.typed(demand(), Dataset.model_validate(DEMAND)).rows
    typed.to_parquet(tmp_path, partition_cols=["place", "product"], index=False)
    pd.testing.assert_frame_equal(in_order(read_table(tmp_path)), in_order(demand()))


def test_a_folder_is_an_own_table(project: Project) -> None:
    """Its proposal, its file, tomorrow's folder, and its copy among the inputs."""
    for at, name in enumerate(("one", "two", "three")):
        home = project.root / "sold" / f"shop={name}"
        home.mkdir(parents=True)
        lines = [f"{number},{(number * 7 + at) % 11},{number % 5}" for number in range(40)]
        (home / "sold.csv").write_text("\n".join(["id,price,units", *lines]) + "\n", "utf-8")
    words = ("create-local-datasets", "--from", "sold", "--target", "price", "--yes")
    done = invoke(project, *words)
    assert done.exit_code == 0, done.output
    (dataset,) = project.config.datasets
    assert "shop" in {column.name for column in dataset.features}
    assert len(datasets.load(project, dataset)) == 120
    done = invoke(project, "update-schema", "--from", "sold", "--yes")
    assert done.exit_code == 0, done.output
    done = invoke(project, "create-local-datasets", "--inputs", "local_assets/inputs")
    assert done.exit_code == 0, done.output
    assert "local_assets/inputs/sold: from sold" in done.output
    kept = project.root / "local_assets" / "inputs" / "sold"
    assert len([*kept.rglob("*.csv")]) == 3
    again = dataset.model_copy(update={"source": "local_assets/inputs/sold"})
    assert keep(project, again, kept.parent) == kept


def test_a_query_is_kept_among_the_inputs_as_a_file(project: Project) -> None:
    done = invoke(project, "create-local-datasets", "--inputs", "local_assets/inputs")
    assert done.exit_code == 0, done.output
    (dataset,) = project.config.datasets
    path = project.root / "local_assets" / "inputs" / f"{dataset.name}.parquet"
    assert len(read_table(path)) >= len(datasets.load(project, dataset))


def test_a_container_finds_a_dataset_where_model_yaml_has_it(project: Project) -> None:
    def elsewhere(document: Any) -> None:
        document["datasets"][0]["local_directory_path"] = "local_assets/DataPrep_outputs"

    project.edit(elsewhere)
    (dataset,) = project.config.datasets
    folder = project.root / "local_assets" / "DataPrep_outputs"
    assert entry_points.data_folder(project, f"data/{dataset.file_name}") == folder


def test_only_columns_of_the_table_partition_it() -> None:
    with pytest.raises(ValueError, match="partition_by: units is no key, feature or input"):
        Dataset.model_validate(DEMAND | {"partition_by": ["units"]})
