"""Files scored in batches: the service's answers, a line for each row, and words for the rest."""

import csv
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from seedling import tasks as tasks_of
from seedling.azure import batch
from seedling.azure import score as script
from seedling.cli.batch_score import lines
from seedling.columns.text import Text
from seedling.config import Project
from seedling.data import table_folders
from seedling.errors import ProjectError
from seedling.scoring import tasks
from seedling.scoring.run import Outcome
from seedling.serving.score_files import PART_ROWS, Scorer
from seedling.serving.score_parts import parts
from seedling.serving.service import Service
from seedling.testing import first_model, invoke, sample_rows

pytestmark = pytest.mark.every_vertical


def rows_of(project: Project, count: int = 7) -> Any:
    dataset = project.config.dataset(project.config.trained_model(first_model(project)).dataset)
    return sample_rows(dataset, count).drop(columns=dataset.target.name)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def score(project: Project, source: Path, target: Path) -> Any:
    return invoke(project, "batch-score", str(source), str(target))


def test_rows_are_answered_as_the_service_does(trained: Project, tmp_path: Path) -> None:
    rows = rows_of(trained)
    rows.to_parquet(tmp_path / "rows.parquet")
    result = score(trained, tmp_path / "rows.parquet", tmp_path / "answers.csv")
    assert result.exit_code == 0, result.output
    found = read(tmp_path / "answers.csv")
    service = Service(trained)
    body = {
        "payload": {"instances": json.loads(rows.to_json(orient="records", double_precision=15))}
    }
    expected = service.predict(json.dumps(body).encode(), first_model(trained))
    task = tasks_of.of(service.model(None).dataset)
    at = task.batch_columns(expected).index("prediction")
    cells = [str(line[at]) for line in task.batch_cells(expected)]
    assert [line["prediction"] for line in found] == cells
    scored = expected.get("scores") or []  # a task may have labels, and no scores
    for label, *scores in zip(expected["labels"] if scored else [], *scored, strict=True):
        # Rows that are answered together may differ in the last digit from rows answered in parts.
        assert [float(line[f"score_{label}"]) for line in found] == pytest.approx(scores)
    assert [line["row"] for line in found] == [str(number) for number in range(1, 8)]
    assert {line["version"] for line in found} == {expected["version"]}
    for name in service.model(None).dataset.entity_key:
        assert [line[name] for line in found] == rows[name].astype(str).tolist()


def test_the_kind_and_the_parts_of_a_file_change_nothing(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(trained)
    for folder in ("whole", "text", "parts"):
        (tmp_path / folder).mkdir()
    rows.to_parquet(tmp_path / "whole" / "rows.parquet")
    rows.to_csv(tmp_path / "text" / "rows.csv", index=False, sep=";")
    assert score(trained, tmp_path / "whole", tmp_path / "whole.csv").exit_code == 0
    monkeypatch.setattr(tasks, "PART_ROWS", 3)
    assert score(trained, tmp_path / "text", tmp_path / "text.csv").exit_code == 0
    whole, text = read(tmp_path / "whole.csv"), read(tmp_path / "text.csv")
    assert [line | {"file": ""} for line in whole] == [line | {"file": ""} for line in text]


def numeric_names(project: Project) -> list[str]:
    """Name the first feature of numbers, if there is one."""
    features = project.config.datasets[0].features
    return [column.name for column in features if column.type in ("integer", "number")][:1]


def faulty(project: Project) -> tuple[str, str, str]:
    """Return a feature's name, a cell that does not fit it, and how the reason for that ends."""
    if numeric := numeric_names(project):
        return numeric[0], "much", "got text: much"
    text = next(each for each in project.config.datasets[0].features if isinstance(each, Text))
    return text.name, "a" * (text.longest + 1), f"more than the {text.longest:,} allowed"


@pytest.fixture
def three_files(trained: Project, tmp_path: Path) -> Path:
    """Return a folder of three files; the seventh row of the second has a faulty cell."""
    source, rows = tmp_path / "source", rows_of(trained)
    name_of, cell, _ = faulty(trained)
    source.mkdir()
    for name in ("a", "b", "c"):
        rows.to_csv(source / f"{name}.csv", index=False)
    rows.astype({name_of: object}).assign(**{name_of: [*rows[name_of][:6], cell]}).to_csv(
        source / "b.csv", index=False
    )
    return source


def test_a_row_that_cannot_be_answered_stands_in_the_rejects_file_with_the_reason(
    trained: Project, tmp_path: Path, three_files: Path
) -> None:
    result = score(trained, three_files, tmp_path / "answers.csv")
    assert result.exit_code == 1
    assert "1 of 21 rows has none" in result.stdout
    found = [line["file"] for line in read(tmp_path / "answers.csv")]
    assert found == [*["a.csv"] * 7, *["b.csv"] * 6, *["c.csv"] * 7]
    (reject,) = read(tmp_path / "answers.rejects.csv")
    assert (reject["file"], reject["row"]) == ("b.csv", "7")
    name, _, reason = faulty(trained)
    assert reject["column"] == name
    assert reason in reject["reason"]


def test_a_strict_run_writes_nothing_of_a_file_with_such_a_row(
    trained: Project, tmp_path: Path, three_files: Path
) -> None:
    answers = tmp_path / "answers.csv"
    result = invoke(trained, "batch-score", str(three_files), str(answers), "--strict")
    assert result.exit_code == 1
    name, _, reason = faulty(trained)
    assert f"Error: b.csv, row 7, {name}: " in result.stderr
    assert reason in result.stderr
    found = [line["file"] for line in read(tmp_path / "answers.csv")]
    assert found == [*["a.csv"] * 7, *["c.csv"] * 7]
    assert not (tmp_path / "answers.rejects.csv").exists()


def test_every_row_of_a_file_has_a_line_or_a_reason(trained: Project, tmp_path: Path) -> None:
    rows, file = rows_of(trained, 6), tmp_path / "rows.csv"
    rows.to_csv(file, index=False)
    header, *lines = file.read_text(encoding="utf-8").splitlines()
    lines[1] += ",more"
    lines[3] = "the end"
    lines[4] = '"a"b'
    file.write_text("\n".join([header, *lines[:3], "", *lines[3:]]), encoding="utf-8")
    assert score(trained, file, tmp_path / "answers.csv").exit_code == 1
    answered = {line["row"] for line in read(tmp_path / "answers.csv")}
    rejected = {line["row"]: line["reason"] for line in read(tmp_path / "answers.rejects.csv")}
    width = len(rows.columns)
    assert answered == {"1", "3", "6"}
    assert rejected == {
        "2": f"line 3 has {width + 1} values for {width} columns",
        "4": f"line 6 has 1 value for {width} columns",
        "5": "line 7 is not valid CSV: ',' expected after '\"'",
    }


def test_rejects_of_an_earlier_run_are_gone(trained: Project, tmp_path: Path) -> None:
    rows_of(trained).to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "answers.rejects.csv").write_text("file,row,column,reason\n", encoding="utf-8")
    assert score(trained, tmp_path / "rows.csv", tmp_path / "answers.csv").exit_code == 0
    assert not (tmp_path / "answers.rejects.csv").exists()


def test_files_are_read_as_the_dataset_is(trained: Project, tmp_path: Path) -> None:
    """A comma before the fraction, a title line, Latin letters: as `read` of model.yaml says."""
    # Three digits behind a point would be thousands where the comma is decimal.
    rows, numeric = rows_of(trained).round(2), numeric_names(trained)
    reading = {"encoding": "cp1252", "separator": ";", "decimal": ",", "skip": 1, "na": ["-"]}
    trained.edit(lambda document: document["datasets"][0].update(read=reading))
    try:
        text = rows.astype(dict.fromkeys(numeric, float)).to_csv(
            sep=";", decimal=",", index=False, na_rep="-"
        )
        (tmp_path / "own.csv").write_bytes(f"Größe\n{text}".encode("cp1252"))
        rows.to_csv(tmp_path / "plain.csv", index=False)
        rows.to_json(tmp_path / "rows.jsonl", orient="records", lines=True, double_precision=15)
        rows.to_excel(tmp_path / "rows.xlsx", index=False)
        rows.to_feather(tmp_path / "rows.feather")
        rows.to_csv(tmp_path / "rows.tsv.gz", index=False, sep="\t")
        found = []
        for name in (
            "own.csv",
            "plain.csv",
            "rows.jsonl",
            "rows.xlsx",
            "rows.feather",
            "rows.tsv.gz",
        ):
            assert score(trained, tmp_path / name, tmp_path / "answers.csv").exit_code == 0, name
            lines = read(tmp_path / "answers.csv")
            found.append([{**line, "file": ""} for line in lines])
        assert all(lines == found[0] for lines in found)
    finally:
        trained.edit(lambda document: document["datasets"][0].pop("read"))


def test_types_of_a_parquet_file_change_no_answer(trained: Project, tmp_path: Path) -> None:
    """Decimals, categoricals, nullable numbers; a column of lists that no model knows."""
    rows = rows_of(trained)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    kinds = {name: "category" for name in rows.columns if rows[name].dtype == object}
    typed = rows.astype(kinds).convert_dtypes()
    for name in numeric_names(trained):
        typed[name] = [Decimal(str(value)) for value in rows[name]]
    typed["tags"] = [["x"]] * len(rows)
    typed.to_parquet(tmp_path / "rows.parquet")
    found = []
    for name in ("rows.csv", "rows.parquet"):
        assert score(trained, tmp_path / name, tmp_path / "answers.csv").exit_code == 0
        found.append([{**line, "file": ""} for line in read(tmp_path / "answers.csv")])
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", [".parquet", ".csv"])
def test_a_column_that_folders_say_is_read_as_one_that_a_file_has(
    kind: str, trained: Project, tmp_path: Path
) -> None:
    """Files of Parquet in folders, or data.csv and target.csv; all, by a pattern, and one alone."""
    dataset = trained.config.dataset(trained.config.trained_model(first_model(trained)).dataset)
    by, rows = dataset.features[0].name, sample_rows(dataset, 7)
    rows.to_parquet(tmp_path / "rows.parquet")
    folder = tmp_path / "rows"
    folder.mkdir()
    table_folders.write(rows, folder, [by], dataset.target.name, kind)
    name = "part-0.parquet" if kind == ".parquet" else "data.csv"
    expected = answers(trained, tmp_path / "rows.parquet", tmp_path / "whole.csv")
    assert answers(trained, folder, tmp_path / "all.csv") == expected
    assert answers(trained, folder / f"{by}=*" / name, tmp_path / "pattern.csv") == expected
    one = next(folder.glob(f"{by}=*/{name}"))
    scorer = Scorer(trained)
    part = next(parts(one, scorer.reading, scorer.needed, 7))  # as a cluster reads it
    assert part.file == f"{one.parent.name}/{name}"
    alone = [answers(trained, path, tmp_path / "one.csv") for path in folder.glob(f"{by}=*/{name}")]
    assert sorted(each for some in alone for each in some) == expected
    assert read(tmp_path / "all.csv")[0]["file"].startswith(f"{by}=")


def answers(project: Project, source: Path, target: Path) -> list[str]:
    """Score files; return the predictions, sorted."""
    result = score(project, source, target)
    assert result.exit_code == 0, result.output
    return sorted(line["prediction"] for line in read(target))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "x.csv is empty"),
        ("nothing\n1\n", "x.csv: the column .* is missing"),
    ],
    ids=["empty", "columns"],
)
def test_what_is_no_table_is_refused(
    trained: Project, tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    scorer = Scorer(trained)
    with pytest.raises(ProjectError, match=words):
        list(parts(tmp_path / "x.csv", scorer.reading, scorer.needed, PART_ROWS))


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.arrow", "rows.xlsx"])
def test_a_column_that_a_model_needs_stands_once_in_a_file(
    trained: Project, tmp_path: Path, name: str
) -> None:
    rows, path = rows_of(trained), tmp_path / name
    dataset = trained.config.dataset(trained.config.trained_model(first_model(trained)).dataset)
    feature, answers = dataset.raw[-1].name, tmp_path / "answers.csv"
    write(rows.assign(beside=1), ["beside"], path)
    assert score(trained, path, answers).exit_code == 0  # a model needs no such column
    for needed in (feature, dataset.entity_key[0]) if dataset.entity_key else (feature,):
        write(rows, [needed], path)
        refused = score(trained, path, answers)
        words = f"Error: {name} has the column {needed} twice: leave only one in it."
        assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (1, words)


def test_a_byte_that_is_no_text_is_named_with_what_the_verb_can_do(
    trained: Project, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    rows_of(trained).to_csv(path, index=False)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"\xff", *lines[3:]]))
    refused = score(trained, path, tmp_path / "answers.csv")
    assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (
        1,
        "Error: rows.csv, line 4, is not text in utf-8: mend it, or name its encoding as "
        "read: {encoding: ...} in model.yaml.",
    )


def write(rows: Any, again: list[str], path: Path) -> None:
    """Write a file that has some columns a second time."""
    twice = pd.concat([rows, rows[again]], axis=1)
    if path.suffix == ".csv":
        twice.to_csv(path, index=False)
    elif path.suffix == ".xlsx":
        twice.to_excel(path, index=False)
    else:
        columns = [pa.array(twice.iloc[:, at]) for at in range(twice.shape[1])]
        table = pa.table(columns, names=list(twice.columns))
        if path.suffix == ".parquet":
            parquet.write_table(table, path)
        else:
            with ipc.new_file(path, table.schema) as stream:
                stream.write_table(table)


def test_the_scoring_script_answers_with_a_text_for_each_good_file(
    trained: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows_of(trained).to_csv(tmp_path / "good.csv", index=False)
    (tmp_path / "bad.csv").write_text("", encoding="utf-8")
    monkeypatch.setattr(script, "ROOT", trained.root)
    monkeypatch.setenv("SCORED", "files")
    script.init()
    (good,) = script.run([str(tmp_path / "bad.csv"), str(tmp_path / "good.csv")])
    assert "Error: bad.csv is empty" in capsys.readouterr().err
    assert score(trained, tmp_path / "good.csv", tmp_path / "answers.csv").exit_code == 0
    assert good + "\n" == (tmp_path / "answers.csv").read_text(encoding="utf-8")


def test_no_cell_is_a_formula(trained: Project, tmp_path: Path) -> None:
    rows, keys = rows_of(trained), trained.config.datasets[0].entity_key
    if not keys:
        pytest.skip("the dataset has no entity key")
    rows.astype({keys[0]: object}).assign(**{keys[0]: ["=1+1", "-5", *"abcde"]}).to_csv(
        tmp_path / "rows.csv", index=False
    )
    assert score(trained, tmp_path / "rows.csv", tmp_path / "answers.csv").exit_code == 0
    assert [line[keys[0]] for line in read(tmp_path / "answers.csv")][:2] == ["'=1+1", "-5"]


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("in/a.csv", "in/a.csv", "is the file to score"),
        ("in/a.csv", "in/../in/a.csv", "is the file to score"),
        ("in/a.csv", "link.csv", "is the file to score"),
        ("in", "in/a.csv", "is in the folder to score"),
        ("in", "in/new.csv", "is in the folder to score"),
        ("in", "link.csv", "is one of the files to score"),
        ("in", "in", "is a folder"),
    ],
)
def test_no_input_is_written_over(
    trained: Project, tmp_path: Path, source: str, target: str, words: str
) -> None:
    (tmp_path / "in").mkdir()
    rows_of(trained).to_csv(tmp_path / "in" / "a.csv", index=False)
    (tmp_path / "link.csv").hardlink_to(tmp_path / "in" / "a.csv")
    before = (tmp_path / "in" / "a.csv").read_bytes()
    result = score(trained, tmp_path / source, tmp_path / target)
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert words in result.stderr
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.csv"]
    assert (tmp_path / "in" / "a.csv").read_bytes() == before
    with pytest.raises(ProjectError, match=words):  # before anything is uploaded
        batch.submit(trained, str(tmp_path / source), tmp_path / target)


def test_threads_and_processes_write_the_same_bytes(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiled model is shared by threads; where Python runs for each cell, processes score."""
    rows = rows_of(trained, 60)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_parquet(tmp_path / "rows.parquet", row_group_size=20)
    monkeypatch.setattr("seedling.scoring.tasks.PART_ROWS", 20)
    monkeypatch.setattr("seedling.serving.text_blocks.FIRST", 400)
    for kind in ("csv", "parquet"):
        written = set[bytes]()
        for workers, by_arrays in (("1", True), ("3", True), ("2", False)):
            monkeypatch.setattr(Scorer, "is_by_arrays", by_arrays)
            target = tmp_path / f"{workers}.csv"
            words = ("--workers", workers, "--restart")
            result = invoke(
                trained, "batch-score", *words, str(tmp_path / f"rows.{kind}"), str(target)
            )
            assert result.exit_code == 0, result.output
            written.add(target.read_bytes())
        assert len(written) == 1


@pytest.mark.parametrize(
    ("scored", "rejected", "words"),
    [
        (0, 1, "1 of 1 row has none"),
        (1, 1, "1 of 2 rows has none"),
        (0, 2, "2 of 2 rows have none"),
    ],
)
def test_the_summary_says_how_many_rows_have_none_in_plain_words(
    scored: int, rejected: int, words: str
) -> None:
    outcome = Outcome(scored, rejected, 0, 1.0, [], ["m 1"], "0")
    assert words in lines(outcome, Path("out.csv"), "out.csv")[1]


def test_a_run_that_finds_no_ray_leaves_nothing(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    rows_of(trained).to_csv(tmp_path / "rows.csv", index=False)
    words = ("--backend", "ray", str(tmp_path / "rows.csv"), str(tmp_path / "out.csv"))
    result = invoke(trained, "batch-score", *words)
    assert (result.exit_code, "Ray is not installed" in result.stderr) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_what_fails_in_a_thread_ends_the_run(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Scorer, "is_by_arrays", True)
    monkeypatch.setattr("seedling.scoring.durable.write_noted", fails)
    rows_of(trained).to_csv(tmp_path / "rows.csv", index=False)
    target = str(tmp_path / "answers.csv")
    result = invoke(trained, "batch-score", "--workers", "2", str(tmp_path / "rows.csv"), target)
    assert result.exit_code == 1
    assert "Make room, and run the verb again." in result.output
