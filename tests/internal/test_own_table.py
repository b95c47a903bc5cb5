"""`create-local-datasets --from`: a table of the team's own, with a schema proposed for it."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small import PETS, pets
from sqlalchemy import create_engine

from seedling import implementations, tasks
from seedling.config import Project
from seedling.data import datasets, instances
from seedling.data.datasets import read_table
from seedling.data.infer_schema import propose
from seedling.errors import ProjectError
from seedling.testing import first_model, invoke, sample_rows

pytestmark = pytest.mark.every_vertical


def test_types_key_and_target_are_proposed() -> None:
    proposal = propose(pets(), "pets", "pets.csv", "classification", "adopted")
    entry = proposal.entry
    assert entry["entity_key"] == ["id"]
    assert entry["target"] == {
        "name": "adopted",
        "type": "category",
        "labels": ["no", "yes"],
        "positive": "yes",
    }
    types = {feature["name"]: feature["type"] for feature in entry["features"]}
    assert types == {column.name: column.type for column in PETS.features}
    assert proposal.left_out == {}


@pytest.mark.parametrize(
    ("labels", "positive", "words"),
    [
        (["Ja", "Nein"], "Ja", "Ja is positive"),
        (["kept", "lost"], "lost", "lost is positive"),
        ([0, 1], 1, "1 is positive"),
        (["complaint", "fine", "lawsuit"], None, "3 labels"),
    ],
)
def test_the_label_that_means_yes_is_positive_and_the_proposal_says_so(
    labels: list[Any], positive: Any, words: str
) -> None:
    rows = pets()
    rows["adopted"] = [labels[at % len(labels)] for at in range(len(rows))]
    proposal = propose(rows, "pets", "pets.csv", "classification", "adopted")
    assert proposal.entry["target"].get("positive") == positive
    assert words in proposal.lines[0].seen


def test_columns_that_teach_nothing_are_left_out_with_the_reason() -> None:
    rows = pets().assign(
        country="UK",
        empty=None,
        note=[f"note {number}" for number in range(60)],
    )
    left_out = propose(rows, "pets", "pets.csv", "classification", target="adopted").left_out
    assert left_out == {
        "country": "it holds one value only",
        "empty": "it holds no value",
        "note": "it holds 60 different texts",
    }


def test_codes_with_leading_zeros_stay_text(tmp_path: Path) -> None:
    table = tmp_path / "wards.csv"
    table.write_text("ward;beds\n0012;7\n0112;\n", encoding="utf-8")
    rows = read_table(table)
    assert rows["ward"].tolist() == ["0012", "0112"]
    assert rows["beds"].tolist()[0] == 7


def test_only_the_dataset_changes_and_what_it_is_tried_with(
    project: Project, tmp_path: Path
) -> None:
    dataset, first = project.config.datasets[0], first_model(project)
    table = tmp_path / "own_rows.csv"
    sample_rows(dataset).to_csv(table, index=False)
    before = project.config_path.read_text(encoding="utf-8")
    words = ("--from", str(table), "--target", dataset.target.name, "--yes")
    result = invoke(project, "create-local-datasets", *words)
    assert result.exit_code == 0, result.output
    after = project.config_path.read_text(encoding="utf-8")
    (old_head, old_rest), (head, rest) = (text.split("\n\ntraining:") for text in (before, after))
    assert rest == old_rest.replace(f"dataset: {dataset.name}\n", "dataset: own_rows\n")
    assert head.split("\ndatasets:")[0] == old_head.split("\ndatasets:")[0]
    (row,) = instances.read(project, first)["payload"]["instances"]
    assert list(row) == Project(project.root).config.datasets[0].feature_names


def test_a_target_that_is_not_there_is_refused() -> None:
    with pytest.raises(ProjectError, match="no column 'price'"):
        propose(pets(), "pets", "pets.csv", "classification", target="price")


def test_a_continuous_target_does_not_fit_classification() -> None:
    rows = pets().assign(price=[number / 7 for number in range(60)])
    with pytest.raises(ProjectError, match="price has 60 different values"):
        propose(rows, "pets", "pets.csv", "classification", target="price")


def grouped(project: Project) -> tuple[str, ...]:
    """The option that names a column of pets, where the project's task needs groups."""
    return ("--groups", "age") if project.config.datasets[0].groups else ()


def own(project: Project) -> tuple[pd.DataFrame, str, str]:
    """Return a table for the project's task, its target, and a feature that is not of numbers."""
    dataset = project.config.datasets[0]
    task, rows = tasks.of(dataset), pets()
    if not task.text_column(dataset):
        return rows, "adopted" if dataset.task == "classification" else "weight", "kind"
    rows["words"] = [f"The pet in house {number} is good" for number in rows["id"]]
    ranks = pd.Series(range(len(rows))) / len(rows)
    return rows.assign(found=task.training.made_up(ranks, dataset.target)), "found", "words"


def test_a_table_takes_the_place_of_the_dataset(project: Project, tmp_path: Path) -> None:
    table = tmp_path / "pets.csv"
    rows, target, _ = own(project)
    rows.to_csv(table, index=False)
    command = ("create-local-datasets", "--from", str(table), "--target", target, "--yes")
    result = invoke(project, *command, *grouped(project))
    assert result.exit_code == 0, result.stderr
    config = Project(project.root).config
    assert config.datasets[0].name == "pets"
    assert config.datasets[0].target.name == target
    assert {model.dataset for model in config.training.models} == {"pets"}
    assert invoke(project, "validate-datasets").exit_code == 0


def test_a_table_of_a_database_goes_in_with_its_gaps(project: Project, tmp_path: Path) -> None:
    rows, target, feature = own(project)
    rows.loc[::6, feature] = None
    rows.loc[1::20, target] = None
    url = f"sqlite:///{(tmp_path / 'pets.db').as_posix()}"
    engine = create_engine(url)
    rows.to_sql("pets of May", engine, index=False)
    engine.dispose()
    command = ("create-local-datasets", "--from", f"{url}#pets of May", "--target", target)
    result = invoke(project, *command, "--yes", *grouped(project))
    assert result.exit_code == 0, result.stderr
    assert f"3 rows without {target}: left out" in result.output
    assert "still describe the table before: edit them" in " ".join(result.output.split())
    dataset = Project(project.root).config.datasets[0]
    column = next(column for column in dataset.features if column.name == feature)
    assert (column.type, column.nullable) == ({"kind": "category"}.get(feature, "text"), True)
    assert invoke(project, "validate-datasets").exit_code == 0


def test_a_dataset_that_no_longer_fits_model_yaml_is_told_not_a_traceback(
    project: Project,
) -> None:
    for dataset in project.config.datasets:
        datasets.save(project, dataset, sample_rows(dataset))
    project.edit(lambda document: document["datasets"][0].update(entity_key=[]))
    # Of the same type: a task may have one feature, and that of a type.
    project.edit(lambda document: document["datasets"][0]["features"][-1].update(name="gone"))
    result = invoke(project, "validate-datasets")
    assert result.exit_code == 1
    assert "gone: the column is missing" in result.stdout


def test_without_a_yes_nothing_is_written(project: Project, tmp_path: Path) -> None:
    table = tmp_path / "pets.csv"
    pets().to_csv(table, index=False)
    before = project.config_path.read_bytes()
    result = invoke(project, "create-local-datasets", "--from", str(table), "--target", "age")
    assert result.exit_code == 1
    assert project.config_path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no file"),
        (b"", "is empty"),
        (b"a\n1\n", "one column"),
        (b"a,b\n", "no rows"),
        (b"a,b\n1,2,3,4\n4,5,6,7\n", "has 4 values for 2 columns"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(
    project: Project, tmp_path: Path, content: bytes | None, words: str
) -> None:
    table = tmp_path / "table.csv"
    if content is not None:
        table.write_bytes(content)
    result = invoke(project, "create-local-datasets", "--from", str(table), "--yes")
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_blob_goes_in_by_the_same_door_as_a_file(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is downloaded once by a command, read and guessed as a file is, and is the source."""
    asked: list[str] = []

    def download(url: str, folder: Path) -> Path:
        asked.append(url)
        copy = folder / url.rpartition("/")[2]
        rows = "".join(f"{n};{n / 3:.2f};{'ab'[n % 2]}\n" for n in range(60))
        copy.write_text(f"id;size;kind\n{rows}", encoding="utf-8")
        return copy

    monkeypatch.setattr(implementations, "find", {"blob storage": download}.__getitem__)
    url = "abfs://tables@mine.dfs.core.windows.net/of may/things.csv"
    words = ("--from", url, "--task", "classification", "--target", "kind", "--key", "id", "--yes")
    result = invoke(project, "add-dataset", *words)
    assert result.exit_code == 0, result.output
    assert "things.csv is read with" in result.output
    assert asked == [url]
    dataset = Project(project.root).config.dataset("things")
    assert (dataset.source, dataset.read.separator) == (url, ";")
    assert len(datasets.load(project, dataset)) == 60
    result = invoke(project, "update-schema", "--dataset", "things", "--from", url, "--yes")
    assert result.exit_code == 0, result.output
    assert asked == [url]


@pytest.mark.skipif(find_spec("adlfs") is not None, reason="adlfs is installed")
def test_without_adlfs_a_blob_is_refused_by_the_group_that_has_it(project: Project) -> None:
    result = invoke(project, "add-dataset", "--from", "az://tables/things.csv", "--yes")
    assert (result.exit_code, "the group `blob`" in result.stderr) == (1, True)
