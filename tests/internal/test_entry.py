"""train(msg) and predict(msg): what a model's images call, and the names that they are given."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from seedling import team_code
from seedling.azure import snapshot
from seedling.config import Project, registrations
from seedling.containers import entry_points, images, s2i
from seedling.data import datasets, instances
from seedling.errors import ProjectError
from seedling.files import sha256, write_json, write_text
from seedling.registry import folder as named_models
from seedling.registry.folder import FolderRegistry
from seedling.scaffold import copy_model
from seedling.serving import selection
from seedling.serving.app import create_app
from seedling.testing import copy_project, first_model, invoke, root, run_verb, sample_rows

NAME = "my_model"
SHARED = {
    "common_utils/__init__.py": "",
    "common_utils/train_utils.py": "from common_utils.names import GREETING\n",
    "common_utils/names.py": "GREETING = 'shared by all models'\n",
}
IMPORTED = (
    "import pandas as pd",
    "import pandas as pd\nfrom common_utils.train_utils import GREETING",
)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with nothing registered, whose first model was trained under a name. Leave it.

    The model shares a function with others, and its table stands in the project's own data/.
    """
    project = copy_project(tmp_path_factory.mktemp("named") / "project")
    for path, text in SHARED.items():
        write_text(project.root / path, text)
    for script in ("train.py", "predict.py"):
        path = project.root / "models" / first_model(project) / script
        write_text(path, path.read_text(encoding="utf-8").replace(*IMPORTED, 1))
    for dataset in project.config.datasets:
        datasets.save(project, dataset, sample_rows(dataset))
    shutil.move(entry_points.data_folder(project), project.root / "data")
    done = run_verb(project, "model", first_model(project), "train-local", "--model-name", NAME)
    assert done.returncode == 0, done.stdout + done.stderr
    payload = json.loads(done.stdout[done.stdout.index("{\n") :])["payload"]
    assert (payload["model_name"], payload["version"]) == (NAME, "1")
    return project


def table_of(project: Project) -> str:
    name = project.config.trained_model(first_model(project)).dataset
    return f"data/{project.config.dataset(name).file_name}"


def client_of(project: Project) -> FlaskClient:
    app = create_app(project)
    client: FlaskClient = app.test_client()
    return client


def test_training_by_message_writes_a_version_and_notes_it(named: Project) -> None:
    folder = named.models_folder / NAME
    noted = named_models.champion(folder)
    assert noted is not None
    assert (noted.name, noted.model, noted.version) == (NAME, first_model(named), "1")
    assert sha256(folder / "1") == noted.sha256
    assert (folder / "report" / "report.html").is_file()
    assert named.config.models == []
    assert not (named.assets / "mlflow.db").exists()


def test_what_models_share_in_common_utils_goes_wherever_a_model_goes(
    named: Project, tmp_path: Path
) -> None:
    """Into the registered version's code, both kinds of images, and the code for Azure ML."""
    whole = Project(Path(shutil.copytree(named.root, tmp_path / "project")))
    shutil.copytree(root() / "internal", whole.root / "internal")
    for kind in ("train", "predict"):
        images.stage_source(whole, first_model(whole), kind, tmp_path / kind)
    images.stage(whole, tmp_path / "service")
    taken = snapshot.take(whole, tmp_path / "azure")
    version = whole.models_folder / NAME / "1" / "code"
    for folder in (version, tmp_path / "train", tmp_path / "predict", tmp_path / "service", taken):
        for path in ("common_utils/names.py", "common_utils/train_utils.py"):
            assert (folder / path).read_text(encoding="utf-8") == SHARED[path]


def test_a_table_of_the_projects_own_data_folder_is_trained_on(named: Project) -> None:
    """And one that is not there is looked for where create-local-datasets writes."""
    assert entry_points.data_folder(named, table_of(named)) == named.root / "data"
    assert entry_points.data_folder(named, "data/other.csv") == named.assets / "datasets"


def test_what_is_not_better_is_not_registered(named: Project, tmp_path: Path) -> None:
    again = Project(Path(shutil.copytree(named.root, tmp_path / "project")))
    payload = json.dumps({"payload": {"$ref": table_of(again), "model_name": NAME}})
    module = f"models.{first_model(again)}.entry"
    done = run_verb(again, "train-payload", "--payload", payload, "--module", module)
    assert done.returncode == 0, done.stderr
    assert "Model was not registered for this run." in done.stdout
    assert not (again.models_folder / NAME / "2").exists()


@pytest.mark.parametrize("variable", ["MODEL_NAME", "MODElNAME"])
def test_a_named_model_is_served(
    named: Project, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, NAME)
    model = first_model(named)
    body = instances.read(named, model)
    answer = client_of(named).post(f"/{model}/predict", json=body).get_json()["payload"]
    assert len(answer["predictions"]) == len(body["payload"]["instances"])
    assert (answer["model"], answer["version"]) == (model, "1")


def test_predict_answers_a_message_without_a_service(
    named: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_NAME", NAME)
    monkeypatch.setenv("PREDICTION_LOG", "off")
    monkeypatch.chdir(named.root)
    entry_points._service.cache_clear()
    model = first_model(named)
    body = instances.read(named, model)
    predict = team_code.function(f"models.{model}.entry", "predict")
    answer = predict(body)
    assert len(answer["payload"]["predictions"]) == len(body["payload"]["instances"])
    assert predict({"payload": {"instances": []}})["payload"]["predictions"] == []
    assert predict({"instances": []})["payload"]["predictions"] == []
    with pytest.raises(ProjectError, match="payload"):
        predict({"x1": []})
    entry_points._service.cache_clear()


def test_a_route_of_another_name_answers_as_the_models_own(
    named: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = first_model(named)
    own, other = f"{model}/predict", "some/where/else"
    function = f"models.{model}.entry:predict"
    monkeypatch.setenv("ROUTES", f"{own}:{function},{other}:{function}")
    monkeypatch.setenv("MODEL_NAME", NAME)
    client, body = client_of(named), instances.read(named, model)
    answers = [client.post(f"/{route}", json=body).get_json() for route in (own, other)]
    assert answers[0] == answers[1]
    refused = client.post(f"/{other}", json={"payload": {"instances": [{"no such feature": 1}]}})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("{", "PAYLOAD is not valid JSON"),
        ("[]", "PAYLOAD is no object"),
        ("", "PAYLOAD is not set"),
        ('{"payload": []}', "PAYLOAD: expected an object"),
        ("{}", "$ref: name a table"),
        ('{"$ref": 7}', "$ref: name a table"),
        ('{"$ref": "data/nothing.csv"}', "there is no 'data/nothing.csv'"),
        ('{"$ref": "data/../../model.yaml"}', "there is no 'data/../../model.yaml'"),
        ('{"$ref": "/etc/hostname"}', "there is no '/etc/hostname'"),
        ('{"$ref": "data/x.csv", "model_name": "../up"}', "MODEL_NAME: '../up' must be"),
        ('{"$ref": "data/x.csv", "model_name": ["x"]}', "model_name: expected text"),
    ],
)
def test_a_wrong_payload_is_one_line(project: Project, payload: str, said: str) -> None:
    words = ["--module", f"models.{first_model(project)}.entry", "--payload", payload]
    result = invoke(project, "train-payload", *words)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert said in result.stderr
    assert not project.models_folder.exists()


def test_a_table_without_the_target_is_one_line(project: Project) -> None:
    folder = entry_points.data_folder(project)
    folder.mkdir(parents=True)
    (folder / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    words = ["--dataset-name", "data/x.csv", "--model-name", NAME]
    result = invoke(project, "model", first_model(project), "train-local", *words)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: x.csv has no column")
    rows = sample_rows(project.config.datasets[0])
    for name, table, said in (
        ("empty.csv", rows.head(0), "has no row with a"),
        ("text.csv", rows.assign(**{rows.columns[-2]: "x"}), f"{rows.columns[-2]}"),
    ):
        table.to_csv(folder / name, index=False)
        words[1] = f"data/{name}"
        result = invoke(project, "model", first_model(project), "train-local", *words)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: {name}")
        assert said in result.stderr
        assert result.stderr.count("\n") == 1


def test_a_name_belongs_to_one_model_and_one_registry(project: Project) -> None:
    model, folder = first_model(project), project.models_folder / NAME
    named_models.note(folder, registered(model="another"))
    datasets.save(project, project.config.datasets[0], sample_rows(project.config.datasets[0]))
    words = ["model", model, "train-local", "--model-name"]
    result = invoke(project, *words, NAME)
    assert "was trained from models/another/: choose another MODEL_NAME" in result.stderr
    (project.models_folder / "registered" / "1").mkdir(parents=True)
    result = invoke(project, *words, "registered")
    assert "the project's own registry" in result.stderr


def test_the_folder_is_a_registry(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for number, folder in enumerate((first, second)):
        folder.mkdir()
        (folder / "model.txt").write_text(str(number), encoding="utf-8")
    registry = FolderRegistry(tmp_path / NAME)
    tags = {"model": "m", "description": "d"}
    assert registry.champion(NAME) is None
    assert [registry.register(NAME, one, tags).version for one in (first, second)] == ["1", "2"]
    assert registry.register(NAME, first, tags).version == "1"
    champion = registry.champion(NAME)
    assert champion is not None
    assert champion.sha256 == sha256(first)
    registry.set_champion(NAME, "2")
    champion = registry.champion(NAME)
    assert champion is not None
    assert (champion.version, champion.sha256) == ("2", sha256(second))
    with pytest.raises(ProjectError, match="no version '9'"):
        registry.find(NAME, "9")


def registered(model: str) -> Any:
    entry = {"name": NAME, "model": model, "version": "1", "sha256": "0" * 64}
    return named_models.RegisteredModel.model_validate(entry)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SERVED_MODELS": "nobody"}, "SERVED_MODELS: there is no model 'nobody'"),
        ({"MODEL_NAME": "nobody"}, "MODEL_NAME: nobody has no version"),
        ({"MODEL_NAME": "../up"}, "MODEL_NAME: '../up' must be"),
        ({"MODEL_NAME": "stranger"}, "stranger was trained from models/stranger/"),
        ({"MODEL_NAME": "one,two"}, "one and two are versions of"),
        ({"MODEL_NAME": "broken"}, "broken/champion.json is not what training wrote"),
    ],
)
def test_variables_that_name_nothing_are_one_line(
    project: Project, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    model = first_model(project)
    for name, of in (("one", model), ("two", model), ("stranger", "stranger")):
        named_models.note(project.models_folder / name, registered(of))
    write_json(project.models_folder / "broken" / named_models.NOTE, {})
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = invoke(project, "serve-local")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert said in result.stderr


def test_a_name_redirects_no_other_model(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = first_model(project)
    copy_model.copy(project, "second", first)
    entries = [registered(model) for model in ("second", first)]
    registrations.write(project.registrations_path, entries)
    named_models.note(project.models_folder / "other", registered(first))
    project = Project(project.root)
    assert selection.config(project) == project.config
    monkeypatch.setenv("MODEL_NAME", "other")
    names = {entry.model: entry.name for entry in selection.config(project).models}
    assert names == {"second": NAME, first: "other"}
    assert list(names) == ["second", first]
    monkeypatch.setenv("SERVED_MODELS", first)
    assert [entry.model for entry in selection.config(project).models] == [first]
    assert selection.left_out(project) >= {"second"}


def test_every_entry_point_is_its_own_models() -> None:
    for model in Project(root()).config.training.models:
        variables = s2i.environment(root() / "models" / model.name)
        for kind, own in (("TRAIN", entry_points.Train), ("PREDICT", entry_points.Predict)):
            found = team_code.function(variables[f"{kind}_MODULE"], variables[f"{kind}_FUNCTION"])
            if isinstance(found, own):
                assert found.model == model.name


def test_predict_local_serves_with_the_routes_of_the_image(named: Project) -> None:
    result = run_verb(named, "model", first_model(named), "predict-local", "--model-name", "none")
    assert result.returncode == 1
    assert result.stderr.startswith("Error: MODEL_NAME: none has no version")
