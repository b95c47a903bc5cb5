"""Whatever ends a run of batch scoring, the same command goes on, and each row is there once."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from exactly_once import checksums, killed, lines_of, run_python
from pyarrow import parquet
from sqlalchemy import create_engine, text

from seedling import implementations
from seedling.config import Project
from seedling.scoring import chunk, plan, run, tasks
from seedling.testing import first_model, invoke, sample_rows

SIZE = 20  # rows of a part
ROWS = 90


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PART_ROWS", SIZE)


def rows_of(project: Project, count: int = ROWS, seed: int = 0) -> pd.DataFrame:
    dataset = project.config.dataset(project.config.trained_model(first_model(project)).dataset)
    return sample_rows(dataset, count, seed).drop(columns=dataset.target.name)


def numeric_of(project: Project) -> str:
    features = project.config.datasets[0].features
    return next(column.name for column in features if column.type in ("integer", "number"))


@pytest.fixture
def source(trained: Project, tmp_path: Path) -> Path:
    """Return a folder of a Parquet and a CSV file; the CSV has a faulty cell in row 33."""
    folder = tmp_path / "in"
    folder.mkdir()
    rows, numeric = rows_of(trained), numeric_of(trained)
    rows.to_parquet(folder / "a.parquet", row_group_size=SIZE, index=False)
    cells = rows[numeric].astype(object).tolist()
    cells[32] = "much"
    rows.astype({numeric: object}).assign(**{numeric: cells}).to_csv(folder / "b.csv", index=False)
    return folder


@pytest.fixture
def whole(trained: Project, source: Path, tmp_path: Path) -> Path:
    """Return the output of a run that nothing has disturbed."""
    out = tmp_path / "whole.csv"
    result = invoke(trained, "batch-score", str(source), str(out))
    assert result.exit_code == 1, result.output
    assert "1 of 180 rows has none" in result.stdout
    return out


def check(out: Path, whole: Path) -> None:
    """Check that an output is that of an undisturbed run, and nothing is left beside it."""
    assert lines_of(out) == lines_of(whole)
    rejects = [lines_of(each.with_suffix(".rejects.csv")) for each in (out, whole)]
    assert rejects[0] == rejects[1]
    assert checksums(out) == checksums(whole)
    assert not plan.folder_of(out).exists()
    assert not [*out.parent.glob(".aside*")]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is Unix's")
@pytest.mark.parametrize(
    ("place", "when", "number"),
    [
        ("seedling.scoring.plan.begin", "after", 1),
        ("os.replace", "before", 6),  # a part is written aside
        ("os.replace", "after", 6),  # it has its name, and no note yet
        ("seedling.scoring.assemble.verified", "before", 1),
        ("shutil.copyfileobj", "before", 4),  # in the midst of the output
        ("seedling.scoring.assemble.write", "after", 1),
        ("seedling.scoring.assemble.record", "before", 1),
        ("seedling.scoring.assemble.record", "after", 1),
        ("seedling.scoring.plan.clear", "before", 1),
    ],
)
def test_a_run_that_is_killed_anywhere_goes_on(
    trained: Project, source: Path, whole: Path, tmp_path: Path, place: str, when: str, number: int
) -> None:
    out = tmp_path / "out.csv"
    words = (str(source), str(out))
    assert killed(trained, place, when, number, SIZE, *words).returncode == -9
    there = {done.name for done in chunk.listed(plan.folder_of(out))}
    asked: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        scored = chunk.durable.write_noted

        def written(path: Path, *more: Any) -> None:
            asked.append(path.stem)
            scored(path, *more)

        patch.setattr(chunk.durable, "write_noted", written)
        result = invoke(trained, "batch-score", *words)
    assert result.exit_code == 1, result.output
    assert not there & {*asked}  # what is there is not scored again
    check(out, whole)


def test_a_run_after_a_whole_one_scores_all_rows_again(
    trained: Project, source: Path, whole: Path
) -> None:
    first = whole.read_bytes()
    assert invoke(trained, "batch-score", str(source), str(whole)).exit_code == 1
    assert whole.read_bytes() == first
    assert len(checksums(whole)) == 2


@pytest.fixture
def half(trained: Project, source: Path, tmp_path: Path) -> Path:
    """Return an output of which three parts are there."""
    out = tmp_path / "half.csv"
    stop_after(trained, 3, source, out)
    assert len([*chunk.listed(plan.folder_of(out))]) == 3
    return out


def stop_after(project: Project, parts: int, source: Any, out: Path, beside: bool = False) -> Any:
    """Press Ctrl-C after some parts; `beside`, when another thread has just ended the next one."""
    with pytest.MonkeyPatch.context() as patch:
        perform, done = run.perform, list[Any]()

        def counted(*arguments: Any) -> Any:
            if len(done) == parts:
                if beside:
                    perform(*arguments)
                raise KeyboardInterrupt
            done.append(perform(*arguments))
            return done[-1]

        patch.setattr(run, "perform", counted)
        result = invoke(project, "batch-score", str(source), str(out))
    assert result.exit_code == 130
    return result


def test_ctrl_c_says_that_the_same_command_goes_on(
    trained: Project, source: Path, tmp_path: Path
) -> None:
    result = stop_after(trained, 2, source, tmp_path / "out.csv")
    assert result.stderr.splitlines()[-1] == "Stopped after 40 rows: the same command goes on."
    assert not (tmp_path / "out.csv").exists()
    result = invoke(trained, "batch-score", str(source), str(tmp_path / "out.csv"))
    assert "Goes on after 40 rows." in result.stderr
    assert "180 rows, 40 of them before" in result.stdout


def test_ctrl_c_counts_parts_that_were_ended_beside_it(
    trained: Project, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    result = stop_after(trained, 2, source, out, beside=True)
    assert result.stderr.splitlines()[-1].startswith("Stopped after 60 rows")
    assert "Goes on after 60 rows." in invoke(trained, "batch-score", str(source), str(out)).stderr


def test_another_model_meanwhile_is_refused_with_both_versions(
    trained: Project, source: Path, half: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run.Scorer

    def newer(*arguments: Any) -> Any:
        scorer = made(*arguments)
        scorer.identity, scorer.versions = "another", [f"{first_model(trained)} 2"]
        return scorer

    monkeypatch.setattr(run, "Scorer", newer)
    result = invoke(trained, "batch-score", str(source), str(half))
    (line,) = result.stderr.splitlines()
    assert result.exit_code == 1
    assert f"{first_model(trained)} 1 has scored, and {first_model(trained)} 2 answers now" in line
    assert "--restart (RESTART=1)" in line
    assert invoke(trained, "batch-score", str(source), str(half), "--restart").exit_code == 1
    check(half, whole)


def test_a_file_that_has_changed_meanwhile_is_scored_again(
    trained: Project, source: Path, half: Path, tmp_path: Path
) -> None:
    rows_of(trained, 30, 1).to_parquet(source / "a.parquet", row_group_size=SIZE, index=False)
    result = invoke(trained, "batch-score", str(source), str(half))
    assert "a.parquet has changed since it was scored: it is scored again." in result.stderr
    assert "120 rows, in" in result.stdout
    fresh = tmp_path / "fresh.csv"
    invoke(trained, "batch-score", str(source), str(fresh))
    check(half, fresh)


def test_a_file_that_changes_while_it_is_scored_is_refused(
    trained: Project, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform, out = run.perform, tmp_path / "out.csv"

    def meddled(scorer: Any, task: Any, job: Any) -> Any:
        os.utime(source / "a.parquet", (1, 1))
        with (source / "b.csv").open("a", encoding="utf-8") as stream:
            stream.write("\n")
        return perform(scorer, task, job)

    monkeypatch.setattr(run, "perform", meddled)
    result = invoke(trained, "batch-score", str(source), str(out))
    assert (result.exit_code, out.exists()) == (1, False)
    assert "b.csv was changed while it was scored" in result.stderr
    monkeypatch.undo()
    monkeypatch.setattr(tasks, "PART_ROWS", SIZE)
    assert invoke(trained, "batch-score", str(source), str(out)).exit_code == 1
    assert len(lines_of(out)) == 2 * ROWS - 1


def test_of_two_runs_at_once_the_second_is_refused(
    trained: Project, source: Path, whole: Path
) -> None:
    before = whole.read_bytes()
    with plan.held(plan.folder_of(whole), whole):
        result = invoke(trained, "batch-score", str(source), str(whole))
        assert result.exit_code == 1
        assert f"Error: Another run is writing {whole}" in result.stderr
    assert invoke(trained, "batch-score", str(source), str(whole)).exit_code == 1
    assert whole.read_bytes() == before


def test_two_runs_without_a_lock_do_the_same_work_and_no_harm(
    trained: Project, source: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a file system that has no locks: a whole second run takes place within the first."""
    out, perform, words = tmp_path / "out.csv", run.perform, ("batch-score", str(source))
    once: list[Any] = []

    def second(*arguments: Any) -> Any:
        found = perform(*arguments)
        if not once:
            once.append(found)
            shutil.move(plan.folder_of(out) / plan.LOCK, tmp_path / "lock")
            once.append(invoke(trained, *words, str(out)))
        return found

    monkeypatch.setattr(run, "perform", second)
    result = invoke(trained, *words, str(out))
    assert once[1].exit_code == 1
    assert "1 of 180 rows has none" in once[1].stdout
    # The parts of the first are gone with the second's: it says so, or has written them anew.
    assert result.exit_code == 1
    invoke(trained, *words, str(out))
    assert lines_of(out) == lines_of(whole)
    assert {*checksums(out)} == {*checksums(whole)}


@pytest.mark.skipif(sys.platform == "win32", reason="limits are Unix's")
def test_a_full_disk_is_one_line_and_the_run_goes_on_where_there_is_room(
    trained: Project, source: Path, whole: Path, tmp_path: Path
) -> None:
    """The output is larger than any part: so the parts are there, and the output is not."""
    import resource

    out, words = tmp_path / "out.csv", ("batch-score", str(source))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole.stat().st_size // 2, limits[1]))
    try:
        result = invoke(trained, *words, str(out))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert result.exit_code == 1
    assert "Make room, and run the verb again." in result.stderr
    assert not out.exists()
    result = invoke(trained, *words, str(out))
    assert "180 rows, 180 of them before" in result.stdout
    check(out, whole)


@pytest.mark.parametrize("name", ["out.parquet", "out.arrow", "out/"])
def test_every_form_of_the_output_has_the_same_rows(
    trained: Project, source: Path, whole: Path, tmp_path: Path, name: str
) -> None:
    out = f"{tmp_path}{os.sep}{name}"
    for _ in range(2):  # and replaces what is there
        result = invoke(trained, "batch-score", str(source), out)
        assert result.exit_code == 1, result.output
    if name == "out.arrow":
        found = pa.ipc.open_file(out).read_all().to_pandas()
    else:
        found = parquet.read_table(out).to_pandas()
    expected = pd.read_csv(whole, dtype={"version": str})
    expected = expected.astype({key: str for key in trained.config.datasets[0].entity_key})
    pd.testing.assert_frame_equal(
        found.sort_values(["file", "row"], ignore_index=True), expected, check_dtype=False
    )
    assert checksums(Path(out))[0] == checksums(whole)[0]


def test_a_folder_of_other_files_is_not_replaced(trained: Project, source: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    result = invoke(trained, "batch-score", str(source), f"{tmp_path / 'out'}/")
    assert result.exit_code == 1
    assert "has a file notes.txt in it: name an empty folder" in result.stderr


def test_a_pattern_finds_files_in_folders_by_their_paths(trained: Project, tmp_path: Path) -> None:
    rows, base, out = rows_of(trained, 3), tmp_path / "in", tmp_path / "out.csv"
    for name in ("one/x.csv", "two/x.csv", "two/deep/ü ,[1].csv", "two/deep/left.txt"):
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(base / name, index=False)
    assert invoke(trained, "batch-score", f"{base}/**/*.csv", str(out)).exit_code == 0
    files = [line["file"] for line in lines_of(out)]
    assert files == [*["one/x.csv"] * 3, *["two/deep/ü ,[1].csv"] * 3, *["two/x.csv"] * 3]
    path = base / "two" / "deep" / "ü ,[1].csv"  # a file of that name, and no pattern
    assert invoke(trained, "batch-score", str(path), str(out)).exit_code == 0
    refused = invoke(trained, "batch-score", f"{base}/**/*.csv", str(base / "out"))
    assert "is a file that" in refused.stderr
    nothing = invoke(trained, "batch-score", f"{base}/*.parquet", str(out))
    assert "Error: No file is called" in nothing.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is Unix's")
def test_the_task_of_a_killed_worker_is_scored_by_another(
    trained: Project, source: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    script = [
        "import os, signal, sys, threading, time",
        "from seedling.scoring import tasks, workers",
        "from seedling.serving.score_files import Scorer",
        "Scorer.is_by_arrays = False  # processes, not threads",
        f"tasks.PART_ROWS = {SIZE}",
        "give = workers.Pool.give",
        "deaths = []",
        "def giving(pool, task):",
        "    while not any(each.is_ready for each in pool._workers): answered = pool.collect(None)",
        "    given = give(pool, task)",
        "    if given and not deaths:",
        "        deaths.append(os.kill(pool._workers[0].process.pid, signal.SIGKILL))",
        "    return given",
        "workers.Pool.give = giving",
        "from seedling.cli.main import main",
        "main(sys.argv[1:])",
    ]
    words = ["batch-score", str(source), str(out), "--workers", "2"]
    done = run_python(trained, ["-c", "\n".join(script), *words])
    assert done.returncode == 1, done.stderr
    check(out, whole)


@pytest.mark.parametrize("by_arrays", [True, False], ids=["threads", "processes"])
def test_workers_write_the_same_output(
    trained: Project, source: Path, whole: Path, tmp_path: Path, by_arrays: bool
) -> None:
    out = tmp_path / "out.csv"
    script = [
        "import sys",
        "from seedling.cli.main import main",
        "from seedling.scoring import tasks",
        "from seedling.serving.score_files import Scorer",
        f"tasks.PART_ROWS, Scorer.is_by_arrays = {SIZE}, {by_arrays}",
        "main(sys.argv[1:])",
    ]
    words = ["batch-score", str(source), str(out), "--workers", "2"]
    done = run_python(trained, ["-c", "\n".join(script), *words])
    assert done.returncode == 1, done.stderr
    check(out, whole)


ALONE = """
import sys
from seedling.cli.main import main
main(["batch-score", *sys.argv[1:]], prog_name="seedling", standalone_mode=False)
"""


def test_a_compiled_model_scores_files_without_pandas_and_flask(
    trained: Project, tmp_path: Path
) -> None:
    rows_of(trained).to_csv(tmp_path / "in.csv", index=False)
    words = [str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), "--model", first_model(trained)]
    found = run_python(trained, ["-X", "importtime", "-c", ALONE, *words])
    assert found.returncode == 0, found.stderr
    imported = {line.rpartition("|")[2].strip() for line in found.stderr.splitlines()}
    assert "pyarrow.compute" in imported
    assert not imported & {"pandas.core.api", "flask", "sklearn", "mlflow"}


def test_rows_of_a_database_are_those_that_were_read_at_first(
    trained: Project, tmp_path: Path
) -> None:
    """A run that goes on scores the same rows, whatever was done to the table meanwhile."""
    rows, store = rows_of(trained), create_engine(f"sqlite:///{tmp_path / 'store.db'}")
    rows.to_sql("visits", store, index=False)
    rows.to_parquet(tmp_path / "visits", index=False)
    url, out = f"sqlite:///{tmp_path / 'store.db'}#visits", tmp_path / "out.csv"
    stop_after(trained, 2, url, out)
    with store.begin() as connection:
        connection.execute(text("DELETE FROM visits"))
    result = invoke(trained, "batch-score", url, str(out))
    assert result.exit_code == 0, result.output
    assert "Goes on with the rows of visits that were read at" in result.stderr
    whole = tmp_path / "whole.csv"
    rows.to_parquet(tmp_path / "visits.parquet", index=False)
    invoke(trained, "batch-score", str(tmp_path / "visits.parquet"), str(whole))
    assert [line | {"file": ""} for line in lines_of(out)] == [
        line | {"file": ""} for line in lines_of(whole)
    ]
    empty = invoke(trained, "batch-score", url, str(out))
    assert "0 rows, in" in empty.stdout
    assert lines_of(out) == []


def test_a_blob_is_scored_as_the_file_that_it_is(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "rows.parquet"
    rows_of(trained).to_parquet(here, row_group_size=SIZE, index=False)

    def download(url: str, folder: Path) -> Path:
        return Path(shutil.copy(here, folder / url.rpartition("/")[2]))

    monkeypatch.setattr(implementations, "find", {"blob storage": download}.__getitem__)
    url, out = "az://tables/of may/rows.parquet", tmp_path / "out.csv"
    stop_after(trained, 2, url, out)
    result = invoke(trained, "batch-score", url, str(out))
    assert "Goes on after 40 rows." in result.stderr, result.output
    whole = tmp_path / "whole.csv"
    assert invoke(trained, "batch-score", str(here), str(whole)).exit_code == 0
    assert (out.read_bytes(), checksums(out)) == (whole.read_bytes(), checksums(whole))
    assert not plan.folder_of(out).exists()
    result = invoke(trained, "batch-score", str(here), url)
    assert (result.exit_code, "upload it" in result.stderr) == (1, True)


def test_predictions_are_in_a_table_once_however_often_they_are_written(
    trained: Project, source: Path, whole: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'out.db'}"
    for _ in range(2):
        result = invoke(trained, "batch-score", str(source), f"{url}#predicted")
        assert result.exit_code == 1, result.output
        assert "1 of 180 rows has none" in result.stdout
    engine = create_engine(url)
    found = pd.read_sql('SELECT * FROM predicted ORDER BY file, "row"', engine)
    assert found.pop("part").nunique() > 2
    expected = pd.read_csv(whole, dtype={"version": str})
    expected = expected.astype({key: str for key in trained.config.datasets[0].entity_key})
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_a_file_that_was_corrected_replaces_its_rows_in_a_table(
    trained: Project, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'out.db'}"
    rows = rows_of(trained)
    for name, count in (("a.csv", 30), ("b.csv", 10), ("a.csv", 20)):
        rows.head(count).to_csv(tmp_path / name, index=False)
        assert not invoke(
            trained, "batch-score", str(tmp_path / name), f"{url}#predicted"
        ).exit_code
    found = pd.read_sql(
        "SELECT file, count(*) AS n FROM predicted GROUP BY file", create_engine(url)
    )
    assert dict(zip(found["file"], found["n"], strict=True)) == {"a.csv": 20, "b.csv": 10}


def test_a_table_of_something_else_is_left_alone(trained: Project, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'out.db'}"
    pd.DataFrame({"name": ["Ann"]}).to_sql("customers", create_engine(url), index=False)
    rows_of(trained).head(3).to_csv(tmp_path / "a.csv", index=False)
    result = invoke(trained, "batch-score", str(tmp_path / "a.csv"), f"{url}#customers")
    assert result.exit_code == 1
    assert "customers of" in result.stderr
    assert "it is another table, or another model's" in result.stderr
    assert len(pd.read_sql("SELECT * FROM customers", create_engine(url))) == 1


@pytest.mark.parametrize("name", ["out.csv.gz", "out.xlsx", "out.json"])
def test_an_ending_that_no_output_has_is_refused(
    trained: Project, tmp_path: Path, name: str
) -> None:
    rows_of(trained).head(3).to_csv(tmp_path / "a.csv", index=False)
    result = invoke(trained, "batch-score", str(tmp_path / "a.csv"), str(tmp_path / name))
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "written as .csv, .parquet or .arrow" in result.stderr
    assert not (tmp_path / name).exists()


def test_a_query_that_writes_is_refused(trained: Project, tmp_path: Path) -> None:
    create_engine(f"sqlite:///{tmp_path / 'store.db'}").connect().close()
    (tmp_path / "q.sql").write_text("CREATE TABLE mine (x int)", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEATURE_STORE_URL", f"sqlite:///{tmp_path / 'store.db'}")
        result = invoke(trained, "batch-score", str(tmp_path / "q.sql"), str(tmp_path / "out.csv"))
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "The database store.db" in result.stderr
