"""Folders of ready models, given to MLflow where there is neither a project nor its plumbing."""

import csv
import json
import os
import sys
from pathlib import Path

import pytest
import warm
from baking import VERTICALS, call, environment, generate, models_of, names, run, share_compiled

pytestmark = pytest.mark.full

PYTHON = Path(sys.executable)
# Every model of each task once, on the task's first vertical; on others those they begin with.
FIRST = {facts["task"]: vertical for vertical, facts in reversed(VERTICALS.items())}
MODELS = {
    vertical: models_of(vertical) if vertical in FIRST.values() else names(facts["models"])
    for vertical, facts in VERTICALS.items()
}
NAMES = [(vertical, model) for vertical, models in MODELS.items() for model in models]
# Saves each model as training does, from a few rows and small; then has the service's answers to
# the whole of the dataset's file, and to its first rows with gaps in all that is nullable.
SAVE = """
import json, sys
from pathlib import Path
import pandas as pd
from seedling import tasks, team_code
from seedling.compiled import compiling
from seedling.config import Project
from seedling.data import datasets
from seedling.data.held_out import HeldOut
from seedling.data.schema import model_frame
from seedling.files import sha256, write_text
from seedling.registry.model_files import Predictor
from seedling.data import csv_columns, csv_lines
from seedling.serving.score_files import PART_ROWS, Scorer
from seedling.serving.score_parts import parts
from seedling.training import fits, saving

SMALL = {"n_estimators": 20, "iterations": 20, "max_iter": 50}
project, scored = Project.find(), Path(sys.argv[1])
(dataset,) = project.config.datasets
rows = datasets.load(project, dataset)
few = rows.head(300)
X = model_frame(few, dataset.features)
y = tasks.of(dataset).training.values(few, dataset.target)
lines = ["models:"]
for settings in project.config.training.models:
    name = settings.name
    given = settings.arguments(dataset.target)
    given |= {key: value for key, value in SMALL.items() if key in given}
    train_model = team_code.train_model(name)
    given |= fits.of_dataset(train_model, dataset)
    model, _, _ = train_model(X, y, None, None, **given)
    predictor = Predictor(name, "1", dataset, HeldOut(0.2), model, team_code.predict(name))
    folder = project.models_folder / f"{dataset.name}-{name}" / "1"
    folder.parent.mkdir(parents=True)
    saving.save(predictor, few.head(), folder)
    compiling.add(folder, predictor, project.predict_path(name), few)
    facts = {"name": folder.parent.name, "model": name, "version": "1", "sha256": sha256(folder)}
    lines.append(f"  - {json.dumps(facts)}")
write_text(project.models_folder / "registered.yaml", "\\n".join(lines) + "\\n")
project = Project.find()
own = scored / "rows.parquet"  # one file, also of a dataset that is a folder
rows.to_parquet(own)
gaps = rows.head(60).copy()
for at, column in enumerate(dataset.features):
    if column.nullable:
        gaps.loc[gaps.index[at::4], column.name] = None
names = [column.name for column in dataset.raw]
text = gaps[names].to_json(orient="records", double_precision=15, date_format="iso")
records = json.loads(text)
for at in range(0, len(records), 2):  # a key that is missing is a gap too
    records[at] = {key: value for key, value in records[at].items() if value is not None}
(scored / "x.json").write_text(json.dumps({"dataframe_records": records}))
gaps[names].to_csv(scored / "x.csv", index=False)
for settings in project.config.training.models:
    scorer = Scorer(project, settings.name)
    for source in (own, scored / "x.csv"):
        found = parts(source, scorer.reading, scorer.needed, PART_ROWS)
        text = b"".join(csv_columns.text(scorer.scored(part)[0]) for part in found)
        path = scored / f"{settings.name}-{source.suffix[1:]}-service"
        path.write_bytes(csv_lines.text([scorer.columns]).encode() + text)
print(own)
"""
# Runs in an environment of the models' own requirements: each model in a process that has no other.
ANSWER = """
import importlib, json, os, sys
from pathlib import Path
import mlflow.pyfunc
import pandas, sklearn
from mlflow.pyfunc.scoring_server import _predict

for folder, name, source, scored in json.loads(sys.argv[1]):
    if (child := os.fork()):
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, folder
        continue
    try:
        _predict(folder, f"{scored}/x.json", f"{scored}/{name}-json", "json")
        _predict(folder, f"{scored}/x.csv", f"{scored}/{name}-csv", "csv")
        model = mlflow.pyfunc.load_model(folder)
        found = model.predict(pandas.read_parquet(source)).tolist()
        Path(f"{scored}/{name}-parquet").write_text(json.dumps({"predictions": found}))
        assert model.metadata.metadata["description"].startswith("Predicts ")
        assert len(model.predict(model.input_example)) == 1
        (native,) = model.metadata.flavors.keys() - {"python_function"}
        assert importlib.import_module(f"mlflow.{native}").load_model(folder)
        code = [each.__file__ for key, each in sys.modules.items() if key.startswith("seedling.")]
        assert all(each.startswith(folder) for each in code), code
    except BaseException as error:
        print(folder, repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """A folder for each model of MODELS, and what the service and MLflow answer by it."""
    home = tmp_path_factory.mktemp("folders")
    jobs, folders, requirements = [], {}, set()
    for vertical, models in MODELS.items():
        answers = {"vertical": vertical, "models": ", ".join(models)}
        project = generate(home / vertical, answers)
        scored = home / f"scored-{vertical}"
        scored.mkdir()
        warm.verb(project, "create-local-datasets", python=PYTHON)
        done = warm.call(PYTHON, ["-c", SAVE, str(scored)], project, environment())
        assert done.returncode == 0, done.stdout + done.stderr
        source = done.stdout.splitlines()[-1]
        for model in models:
            (folder,) = (project / "local_assets" / "models").glob(f"*-{model}/1")
            folders[vertical, model] = folder
            requirements.add(folder / "requirements.txt")
            jobs.append([str(folder), model, source, str(scored)])
    bare = home / "bare"
    run(["uv", "venv", "--quiet", "--python", PYTHON, bare], home)
    listed = [word for path in sorted(requirements) for word in ("-r", path)]
    run(["uv", "pip", "install", "--quiet", "--python", bare / "bin" / "python", *listed], home)
    share_compiled(bare)
    done = call([bare / "bin" / "python", "-c", ANSWER, json.dumps(jobs)], home)
    assert done.returncode == 0, done.stdout[-3000:]
    return folders


@pytest.mark.parametrize(("vertical", "model"), NAMES, ids=map("-".join, NAMES))
def test_mlflow_answers_as_the_service(
    saved: dict[tuple[str, str], Path], vertical: str, model: str
) -> None:
    home = saved[vertical, model].parents[4]
    scored = home.parent / f"scored-{vertical}"
    for kind, of_service in {"parquet": "parquet", "json": "csv", "csv": "csv"}.items():
        text = (scored / f"{model}-{of_service}-service").read_text()
        lines = list(csv.DictReader(text.splitlines()))
        expected = [line["prediction"] for line in lines]
        found = json.loads((scored / f"{model}-{kind}").read_text())["predictions"]
        assert len(found) == len(expected) >= 60
        if isinstance(found[0], float):
            assert found == pytest.approx([float(value) for value in expected], rel=1e-5)
        elif isinstance(found[0], list):
            assert found == [json.loads(text) for text in expected]
        else:
            differ = [at for at, label in enumerate(found) if str(label) != expected[at]]
            assert all(is_tie(lines[at]) for at in differ), (kind, differ)


def is_tie(line: dict[str, str]) -> bool:
    """Say whether two labels are as likely, up to what a compiled form may differ by."""
    scores = sorted(float(value) for name, value in line.items() if name.startswith("score_"))
    return scores[-1] - scores[-2] <= 1e-6


def test_command_line_of_mlflow_makes_an_environment_and_answers(
    saved: dict[tuple[str, str], Path], mlflow_python: Path, tmp_path: Path
) -> None:
    folder = saved["finance", "xgboost"]
    scored = folder.parents[5] / "scored-finance"
    command = [mlflow_python.parent / "mlflow", "models", "predict", "-m", folder]
    command += ["--env-manager", "uv", "-i", scored / "x.csv", "-t", "csv", "-o", tmp_path / "out"]
    path = os.pathsep.join([str(mlflow_python.parent), environment()["PATH"]])
    run(["env", f"PATH={path}", "DO_NOT_TRACK=true", *command], tmp_path)
    assert (tmp_path / "out").read_text() == (scored / "xgboost-csv").read_text()
