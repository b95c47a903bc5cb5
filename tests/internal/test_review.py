"""Review compares a change's models and data with those of before, on the same rows."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from baking import call, generate
from msgspec.structs import replace
from repositories import git
from small import PETS, pets

from seedling.ci import output
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.lifecycle.review import base, data_changes, pages, samples
from seedling.lifecycle.review.notes import BASE, BETTER, WORSE, Compared, Measured, Review, Rows
from seedling.registry.traffic import champion_of
from seedling.testing import first_model, invoke

REVIEW = ["python", "-m", "seedling", "review"]
MARKDOWN = "local_assets/reports/review/review.md"


def commit(repository: Path) -> None:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "A state")


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_a_worse_model_other_rows_and_a_schema_are_seen_before_they_are_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """In a folder of a larger repository, as CI runs it: the page is on the run's page too."""
    answers = {"vertical": "hello_world", "parts": "none", "ci": "none"}
    project = generate(tmp_path / "ours" / "projects", answers)
    git(tmp_path / "ours", "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path / "ours")
    sample = project / "dataset_creation" / "sample_data.py"
    edit(sample, "RUNNERS = 400", "RUNNERS = 500")
    edit(sample, "1.5 + 0.5 * fitness", "0.5 + 0.5 * fitness")
    edit(project / "model.yaml", "maximum: 7", "maximum: 8")
    train = project / "models" / "linear_regression" / "train.py"
    edit(train, "    model.fit(X_train, y_train)\n", "    model.fit(X_train * 0 + 1, y_train)\n")
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = call([*REVIEW, "--base", "main", "--fail-on", "worse"], project)
    assert done.returncode == 3, done.stdout
    text = (project / MARKDOWN).read_text(encoding="utf-8")
    assert text.startswith(
        "<!-- seedling-review hello_world -->\n## Review of Hello world: 1 model worse"
    )
    assert "- treadmill: 500 rows, 100 of them held out from all models." in text
    assert "Worse than before: squared error" in text
    assert "| rmse (decides) |" in text
    assert "**treadmill**: 500 rows, 400 before (+100). 1 of 2 features moved." in text
    assert "\n- features: {name: usage, type: integer, minimum: 1, maximum: 7" in text
    assert "\n+ features: {name: usage, type: integer, minimum: 1, maximum: 8" in text
    assert "| usage | severe |" in text
    assert summary.read_text(encoding="utf-8") == text + "\n"
    page = (project / "local_assets" / "reports" / "review" / "review.html").read_text("utf-8")
    assert "1 model worse than before" in page
    left = {path.name for path in (project / "local_assets").iterdir()}
    assert left == {"datasets", "feature_store.db", "reports"}, "nothing is registered"


def test_the_champion_stands_for_the_model_of_before(trained: Project, tmp_path: Path):
    """Without git too. The same code on the same rows does as well as it."""
    copy = Project(Path(shutil.copytree(trained.root, tmp_path / "project")))
    model = first_model(copy)
    done = invoke(copy, "review", "--model", model, "--rows", "300")
    assert done.exit_code == 0, done.output
    version = champion_of(copy, model).version
    assert "Nothing to compare with" in done.output
    text = (copy.root / MARKDOWN).read_text(encoding="utf-8")
    assert f"| version {version}, the champion |" in text
    assert "the champion from all those of its training" in text
    assert [each.version for each in copy.config.models] == [version]


def test_a_ref_that_git_does_not_have_is_refused_with_what_gets_it(tmp_path: Path):
    with pytest.raises(ProjectError, match=r"no git repository.*leave BASE out"):
        base.take(tmp_path, "main", tmp_path / "before")
    assert "no git repository" in str(base.take(tmp_path, None, tmp_path / "before"))
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    with pytest.raises(ProjectError, match="git fetch origin main gets it"):
        base.take(tmp_path, "origin/main", tmp_path / "before")


def test_a_first_pull_request_has_nothing_to_compare_with(tmp_path: Path):
    (tmp_path / "readme.txt").write_text("not yet a project", encoding="utf-8")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path)
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "model.yaml").write_text("name: New\n", encoding="utf-8")
    found = base.take(tmp_path / "project", "main", tmp_path / "before")
    assert isinstance(found, base.Base)
    assert found.root is None
    assert not (tmp_path / "before").exists()


def test_a_sample_has_the_share_of_each_class_and_is_the_same_each_time(tmp_path: Path):
    rows = pets(1000).assign(adopted=["yes" if at % 10 == 0 else "no" for at in range(1000)])
    rows.to_parquet(tmp_path / "pets.parquet", index=False)
    found, count = samples.draw(tmp_path / "pets.parquet", PETS, 200, 10_000)
    assert (len(found), count) == (200, 1000)
    assert (found["adopted"] == "yes").sum() == 20
    assert found["id"].tolist() == (found.index + 1).tolist(), "rows keep their numbers"
    again, _ = samples.draw(tmp_path / "pets.parquet", PETS, 200, 10_000)
    pd.testing.assert_frame_equal(found, again)
    large, count = samples.draw(tmp_path / "pets.parquet", PETS, 200, 500)
    assert (len(large), count) == (200, 1000)
    assert large["id"].tolist() == (large.index + 1).tolist()


def test_a_sample_of_groups_has_whole_groups(tmp_path: Path):
    rows = pets(1000).assign(shop=[f"shop {at % 50}" for at in range(1000)])
    rows.to_parquet(tmp_path / "pets.parquet", index=False)
    grouped = PETS.model_copy(update={"groups": ["shop"]})
    found, _ = samples.draw(tmp_path / "pets.parquet", grouped, 210, 10_000)
    assert found["shop"].value_counts().tolist() == [20] * 10


def test_lines_of_a_schema_say_which_column_changed():
    before: dict[str, Any] = {"name": "pets", "features": [{"name": "age", "maximum": 30}]}
    here = {"name": "pets", "features": [{"name": "age", "maximum": 40}, {"name": "a:b"}]}
    removed, added = data_changes.schema_changes(before, here)
    assert removed == ["features: {name: age, maximum: 30}"]
    assert added == ["features: {name: age, maximum: 40}", 'features: {name: "a:b"}']


def one(losses: list[float], **facts: Any) -> Measured:
    places = [*range(len(losses))]
    return Measured("cats", metric="rmse", metrics={"rmse": 1.5}, lower=["rmse"], losses=losses,
                    loss="squared error", places=places, **facts)  # fmt: skip


def test_the_comment_shows_names_as_they_are_and_calls_for_no_person():
    here = one([1.0] * 40)
    found = Compared(here, replace(here, metrics={"rmse": 2.0}), BASE, verdict=BETTER, difference=0)
    hostile = "a|b @team <img src=x> ``` # [x](y)"
    data = Rows("pets", removed=[hostile], rows=3, rows_before=2)
    text = pages.markdown(Review(hostile, "main", "", "", [], [found], [data]))
    head = text.splitlines()[1]
    assert "a\\|b @\u200bteam \\<img src=x\\>" in head
    assert text.count("```") == 2, "a line of the schema does not end its block"
    assert "| rmse (decides) | 1.5 | 2 | -0.5 |" in text
    assert "<img" not in pages.html(Review(hostile, "main", "", "", [], [found], [data]))


def test_a_model_that_is_worse_or_fails_is_named():
    here = one([1.0] * 40)
    models = [
        Compared(here, here, BASE, verdict=WORSE),
        Compared(replace(here, model="dogs", problem="train.py: ValueError"), here, BASE),
        Compared(replace(here, model="new", problem="train.py: ValueError")),
        Compared(replace(here, model="fine"), here, BASE, verdict=BETTER),
    ]
    assert Review("Pets", "main", "", "", [], models, []).worse == ["cats", "dogs"]


def test_azure_devops_gets_the_path_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    page = tmp_path / "review.md"
    page.write_text("## Review\n", encoding="utf-8")
    output.show(page)
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("TF_BUILD", "True")
    output.show(page)
    assert capsys.readouterr().out == f"##vso[task.uploadsummary]{page}\n"
