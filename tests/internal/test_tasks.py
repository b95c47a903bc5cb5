"""The lookup of tasks by name, and that nothing else of the plumbing names one."""

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small import PETS

import seedling
from seedling import tasks
from seedling.config import Project, RegisteredModel
from seedling.errors import ProjectError
from seedling.files import write_json
from seedling.registry import model_files
from seedling.serving.models import ServedModel, Version, lineup
from seedling.testing import invoke

PLUMBING = Path(seedling.__file__).parent
NAMES = re.compile(
    r"\b(classification|grouped_regression|regression|spans|partial_f2|leak_rate|roc_auc|accuracy|f1|log_loss|brier|rmse|mae|r2)\b"
)
# The estimator of groups has a column `rmse` in its table.
ESTIMATORS = PLUMBING / "training" / "grouped"
MODULES = "seedling.serving.app", "seedling.serving.models", "seedling.compiled.forms"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The `tasks/` folder of a project whose root is importable."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "tasks"]:
        del sys.modules[name]


def test_no_other_module_names_a_task_or_a_metric() -> None:
    files = [path for kind in ("py", "j2", "js") for path in PLUMBING.rglob(f"*.{kind}")]
    apart = {PLUMBING / "scaffold" / "ready_models.py"}
    found = {
        path.relative_to(PLUMBING).as_posix(): words
        for path in files
        if path not in apart and not {PLUMBING / "tasks", ESTIMATORS} & {*path.parents}
        if (words := NAMES.findall(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_a_folder_is_a_task() -> None:
    assert set(tasks.READY) >= {"classification", "grouped_regression", "regression", "spans"}
    for name in tasks.READY:
        assert tasks.find(name).name == name
        assert tasks.find(name).lower_is_better & set(tasks.find(name).metrics)


def test_the_light_half_of_a_task_loads_no_library() -> None:
    heavy = {"numpy", "pandas", "sklearn", "mlflow"}
    script = f"""
import sys
from importlib import import_module
from seedling import tasks
for name in {MODULES!r}:
    import_module(name)
for name in tasks.READY:
    tasks.find(name)
print(sorted({heavy!r} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[]\n", done.stdout + done.stderr


def test_an_unknown_task_is_one_line_with_the_known_ones(project: Project) -> None:
    text = project.config_path.read_text(encoding="utf-8")
    other = re.sub(r"(?m)^    task: .*$", "    task: ranking", text)
    project.config_path.write_text(other, encoding="utf-8")
    result = invoke(project, "validate-datasets")
    (line,) = result.stderr.splitlines()
    assert re.search(r"model.yaml, line \d+, datasets.0.task: There is no task 'ranking'", line)
    assert "grouped_regression, regression, spans: define another in tasks/ranking.py" in line


def test_a_project_brings_its_own(own: Path) -> None:
    shutil.copy(Path(__file__).parent / "toys" / "count.py", own)
    assert tasks.names()[0] == "count"
    assert tasks.find("count").metrics[0] == "mae"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "tasks/ranking.py must define TASK"),
        ("import no_such_package", "tasks/ranking.py imports no_such_package"),
        (
            "from seedling.extending import Task\nclass Ranking(Task): ...\nTASK = Ranking()",
            "tasks/ranking.py: Can't instantiate abstract class Ranking.* answer_schema",
        ),
    ],
)
def test_a_file_that_brings_no_task_is_told(own: Path, text: str, words: str) -> None:
    (own / "ranking.py").write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=words):
        tasks.find("ranking")


def test_a_model_whose_task_is_gone_says_so(tmp_path: Path) -> None:
    noted = {"dataset": PETS.model_dump() | {"task": "ranking"}, "holdout": 0.2}
    write_json(tmp_path / "schema.json", noted)
    with pytest.raises(ProjectError, match=r"schema\.json: There is no task 'ranking'"):
        model_files.read_schema(tmp_path)


def test_the_answers_of_two_versions_are_put_together_in_the_champions_order() -> None:
    def version(name: str, labels: list[str], score: float, share: float | None) -> Version:
        fields = {"name": "pet", "model": "pet", "version": name, "sha256": "0" * 64}
        registered = RegisteredModel.model_validate({**fields, "share": share})
        return Version(
            registered,
            PETS,
            lambda rows: {
                "predictions": labels[:1] * len(rows),
                "scores": [[score, 1 - score]] * len(rows),
                "labels": labels,
            },
        )

    champion = version("1", ["no", "yes"], 0.9, None)
    challenger = version("2", ["yes", "no"], 0.8, 0.5)
    served = ServedModel("pet", lineup(champion, [challenger]))
    rows = [(age, 4.0, "cat", True) for age in range(20)]
    answer = served.answer_values(served.lineup, rows, [(age,) for age in range(20)])
    assert answer["labels"] == ["no", "yes"]
    by_version = {"1": ("no", 0.9), "2": ("yes", 0.2)}
    assert set(answer["versions"]) == {"1", "2"}
    for name, said, scores in zip(
        answer["versions"], answer["predictions"], answer["scores"], strict=True
    ):
        assert (said, scores[0]) == (by_version[name][0], pytest.approx(by_version[name][1]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("class Count(", "was never closed"),
        ("TASK = undefined", "NameError: name 'undefined' is not defined"),
        ("TASK = 3", "TASK must be an object of a class of seedling.extending.Task"),
        ("from seedling.extending import Task\nclass Count(Task): ...\nTASK = Count()", "abstract"),
        ("import not_here\nTASK = 3", "imports not_here, which is not installed"),
    ],
)
def test_an_unfinished_file_is_a_line_of_the_list(
    project: Project, own: Path, text: str, words: str
) -> None:
    (own / "count.py").write_text(text, encoding="utf-8")
    listed = invoke(project, "add-model")
    assert listed.exit_code == 0, listed.output
    (problem,) = listed.stderr.splitlines()
    assert problem.startswith("Left out: tasks/count.py")
    assert words in problem
    assert "For count:" not in listed.stdout
    assert {"For classification:", "For regression:"} <= {*listed.stdout.splitlines()}
    with pytest.raises(ProjectError, match=r"^tasks/count\.py"):
        tasks.find("count")


def test_ready_models_need_the_text_of_their_predict(own: Path) -> None:
    toy = Path(__file__).parent / "toys" / "count.py"
    text = toy.read_text(encoding="utf-8").replace("    predict_source = PREDICT\n", "")
    (own / "count.py").write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=r"^tasks/count\.py: .* must also have predict_source"):
        tasks.find("count").predict_source  # noqa: B018
