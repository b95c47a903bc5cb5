"""The files of a run folder: read with line and key, completed by editors, sent with a run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seedling import testing
from seedling.config import Project, json_object
from seedling.errors import ProjectError
from seedling.run_scripts import (
    Origin,
    completed,
    compute,
    experiment,
    folder_files,
    json_file,
    shipping,
    write_schemas,
)
from seedling.run_scripts.azure_config import AzureConfigFile

NAMED = "name: forms\nmodel_name: forms-ner\n"
NODES = {"compute_node_name": "nodes"}
SCRIPT = """#=====set experiment and model name
experiment_name = "forms"
model_name = "forms-ner"
#=====import data
X_train = X_test = y_train = y_test = [[1]]
#=====custom training code
model = None
"""


def folder(project: Path, described: str = NAMED) -> Path:
    run = project / "run"
    run.mkdir(parents=True)
    (project / "model.yaml").write_text("name: x\n", encoding="utf-8")
    (run / "train.py").write_text(SCRIPT, encoding="utf-8")
    (run / "forms.yml").write_text(described, encoding="utf-8")
    (run / compute.FILE).write_text(json.dumps(NODES), encoding="utf-8")
    return run


def test_an_experiment_has_the_defaults_of_the_page(tmp_path: Path) -> None:
    found = experiment.read(folder(tmp_path))
    assert found.model_dump() == {
        "name": "forms",
        "model_name": "forms-ner",
        "env_name": "forms",
        "image": None,
        "service_name": "forms-service",
        "dependencies": [],
        "local": [],
        "exclude": [],
        "mlflow_model_type": "sklearn",
    }


@pytest.mark.parametrize(
    "line",
    [
        "spacy",
        "spacy[lookups]>=3.7,<4; python_version > '3.9'",
        "tool @ https://example.org/tool-1.0-py3-none-any.whl",
        "git+https://example.org/tool.git",
        "./wheels/tool-1.0-py3-none-any.whl",
        "wheels/tool-1.0-py3-none-any.whl",
        "--extra-index-url https://example.org/simple",
    ],
)
def test_a_dependency_is_what_pip_takes(line: str, tmp_path: Path) -> None:
    found = experiment.read(folder(tmp_path, f'{NAMED}dependencies: ["{line}"]\n'))
    assert found.dependencies == [line]


@pytest.mark.parametrize("spelled", ["spaCy", "spacy", "scikit-learn", "sklearn", "XGBoost"])
def test_a_kind_of_model_is_spelled_as_people_do(spelled: str, tmp_path: Path) -> None:
    found = experiment.read(folder(tmp_path, f"{NAMED}mlflow_model_type: {spelled}\n"))
    assert found.mlflow_model_type == {"scikit-learn": "sklearn"}.get(spelled, spelled.lower())


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ("name: forms\n", "forms.yml, line 1, model_name: this key is missing."),
        (f"{NAMED}modle: x\n", "forms.yml, line 3, modle: no such key here: correct its name"),
        (
            f"{NAMED}service_name: My_Service\n",
            "forms.yml, line 3, service_name: expected: 3 to 32 small",
        ),
        (
            f"{NAMED}local: ../models\n",
            "forms.yml, line 3, local: expected: a list, such as [a, b].",
        ),
        (f"{NAMED}mlflow_model_type: keras\n", "forms.yml, line 3, mlflow_model_type: expected: '"),
        (
            f"{NAMED}dependencies: [spacy, 'nump y>=1']\n",
            "forms.yml, line 3, dependencies.1: pip does not take 'nump y>=1': ",
        ),
        (f"{NAMED}local: [a, 3]\n", "forms.yml, line 3, local.1: this must be text"),
        ("name: [\n", "forms.yml, line 2: not valid YAML"),
        ("name: _CHANGE_ME_\n", "forms.yml, line 1, name: still _CHANGE_ME_"),
        (f"{NAMED}local: &a [*a]\n", "forms.yml: an alias (*) stands within what it names."),
    ],
)
def test_a_fault_of_an_experiment_has_its_line_and_key(
    described: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ProjectError) as raised:
        experiment.read(folder(tmp_path, described))
    assert str(raised.value).startswith(said)


def test_a_folder_has_one_experiment(tmp_path: Path) -> None:
    run = folder(tmp_path)
    (run / "other.yaml").write_text(NAMED, encoding="utf-8")
    with pytest.raises(ProjectError, match=r"has several experiments, forms.yml, other.yaml"):
        experiment.read(run)
    with pytest.raises(ProjectError, match=r"has no <experiment>.yml"):
        experiment.read(tmp_path / "none")


def test_compute_has_the_defaults_of_the_page(tmp_path: Path) -> None:
    assert compute.read(folder(tmp_path)).model_dump() == {
        "compute_node_name": "nodes",
        "max_nodes": 1,
        "vm_size": "Standard_DS11_v2",
        "idle_seconds_before_scaledown": 600,
        "deploy_cpu_cores": 0.2,
        "deploy_memory_gb": 1,
        "deploy_cluster_name": None,
        "deploy_dns_name": None,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n  "compute_node_name": "x",\n}', "line 2: no comma may stand before the closing }"),
        (
            '{\n  "compute_node_name": "x",\n  "max_nodes": 0\n}',
            "line 3, max_nodes: expected: a number of at least 1.",
        ),
        ('{\n  "compute_node_name": "x",\n  "maxnodes": 2\n}', "line 3, maxnodes: no such key"),
        ('{\n  "max_nodes": 1\n}', "line 1, compute_node_name: this key is missing"),
        (
            '{\n  "compute_node_name": "x"\n  "max_nodes": 1\n}',
            "line 3: not valid JSON: a comma or a closing bracket is missing before",
        ),
        ('{\n  "compute_node_name": "x",\n  "compute_node_name": "y"\n}', "line 2, compute_nod"),
        (
            '{\n  "compute_node_name": "x",\n  "max_nodes": "2"\n}',
            "line 3, max_nodes: expected: a whole number.",
        ),
        (
            '{\n  "compute_node_name": "x",\n  "max_nodes": true\n}',
            "line 3, max_nodes: expected: a whole number.",
        ),
        (
            '{\n  "compute_node_name": "x",\n  "deploy_cpu_cores": 1e999\n}',
            "line 3, deploy_cpu_cores: expected: ",
        ),
        ("[]", "line 1: "),
    ],
)
def test_a_fault_of_compute_has_its_line_and_key(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / compute.FILE
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError) as raised:
        compute.read(tmp_path)
    assert str(raised.value).startswith(f"{compute.FILE}, {said}")


def test_a_fault_of_a_secret_does_not_show_it(tmp_path: Path) -> None:
    path = tmp_path / "azure-config.json"
    path.write_text('{\n  "client_secret": ["hush-hush"]\n}', encoding="utf-8")
    with pytest.raises(ProjectError) as raised:
        json_file.read(path, AzureConfigFile)
    assert str(raised.value).startswith("azure-config.json, line 2, client_secret: ")
    assert "hush" not in str(raised.value)


def test_the_schemas_are_those_of_the_models() -> None:
    """If this fails: python -m seedling.run_scripts.write_schemas."""
    found = {path.name: path.read_text("utf-8") for path in write_schemas.FOLDER.glob("*.json")}
    assert found == write_schemas.texts()


def test_editors_find_the_schemas_of_a_projects_files(project: Project) -> None:
    run = testing.root() / "run"
    path = experiment.file(run)
    assert path is not None
    first = path.read_text(encoding="utf-8").splitlines()[0]
    schema = json.loads((run / compute.FILE).read_text(encoding="utf-8"))["$schema"]
    for named in (first.partition("$schema=")[2], schema):
        assert Path(os.path.normpath(run / named)).is_file()


@pytest.mark.every_vertical
def test_the_run_folder_of_a_project_is_good(project: Project) -> None:
    run = testing.root() / "run"
    folder_files.check(run)
    origins = completed(run / "train.py").origins.values()
    assert [*origins].count(Origin.YOURS) == 4
    assert experiment.read(run).name == f"{project.config.slug}_run"
    first = project.config.training.models[0].name
    assert f'rows_of("{first}")' in (run / "train.py").read_text(encoding="utf-8")


def test_check_reads_the_other_files_too(tmp_path: Path) -> None:
    run = folder(tmp_path)
    (run / "azure-config.json").write_text('{"subscription_id": "x",}', encoding="utf-8")
    done = said(tmp_path, "check", "run/train.py")
    assert done.stderr == (
        "Error: azure-config.json, line 1: no comma may stand before the closing }: remove it.\n"
    )


def test_the_names_of_script_and_experiment_are_the_same(tmp_path: Path) -> None:
    run = folder(tmp_path, NAMED.replace("forms-ner", "other"))
    done = said(tmp_path, "check", run / "train.py")
    assert done.stderr == (
        f"{(run / 'train.py').as_posix()}:3: model_name is 'forms-ner', and model_name of "
        "forms.yml is 'other': write the same name in both.\n"
    )


def said(here: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "seedling", "run-script", *map(str, words)]
    return subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)


def test_show_is_plain_in_a_pipe_and_build_writes_the_same(tmp_path: Path) -> None:
    folder(tmp_path)
    shown = said(tmp_path, "show", "run/train.py")
    built = said(tmp_path, "build", "run/train.py")
    assert built.stdout == ("Wrote run/train_completed.py: 3 sections yours, 15 filled in.\n"), (
        built.stderr
    )
    assert (tmp_path / "run" / "train_completed.py").read_text(encoding="utf-8") == shown.stdout
    named = said(tmp_path, "show", "--origins", "run/train.py").stdout
    assert "#=====import data                                yours\n" in named
    assert "#=====closing                                    filled in\n" in named


def test_a_base_script_is_never_written_over(tmp_path: Path) -> None:
    run = folder(tmp_path)
    done = said(tmp_path, "build", "run/train.py", "--output", "run/train.py")
    assert done.returncode == 1
    assert "is the base script: give --output another name." in done.stderr
    assert (run / "train.py").read_text(encoding="utf-8") == SCRIPT


@pytest.mark.parametrize("output", ["run", "."])
def test_a_folder_is_never_written_over(output: str, tmp_path: Path) -> None:
    run = folder(tmp_path)
    done = said(tmp_path, "build", "run/train.py", "--output", output)
    assert done.returncode == 1
    assert done.stderr == f"Error: {output} is a folder: give --output the name of a file.\n"
    assert (run / "train.py").read_text(encoding="utf-8") == SCRIPT


def test_a_run_goes_along_with_its_files_and_without_secrets(tmp_path: Path) -> None:
    """What local names keeps its place, so a path in the script means the same file there."""
    described = "local: [../models, ../notes.txt]\nexclude: [big.csv, ../models/old]\n"
    run = folder(tmp_path / "project", NAMED + described)
    project = run.parent
    secret = {
        *("run/.env", "run/azure-config.json", "run/azure-config-dev.json", "models/key.pem"),
        *("models/prod.env", "models/.netrc", "run/AZURE-config.json", "models/.azure/token"),
    }
    left = {"run/outputs/x", "models/__pycache__/x", "run/submit.ipynb", "models/old/x"}
    left |= {"run/big.csv", "models/one/big.csv", "other.txt"}
    kept = {"models/one/train.py", "notes.txt", "run/config.cfg"}
    for name in secret | left | kept:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("x", encoding="utf-8")
    (tmp_path / "outside").write_text("x", encoding="utf-8")
    (project / "models" / "link").symlink_to(tmp_path / "outside")
    shipped = shipping.copy(run, tmp_path / "code")
    found = {
        path.relative_to(shipped.code).as_posix()
        for path in shipped.code.rglob("*")
        if path.is_file()
    }
    own = {"train.py", "train_completed.py", "forms.yml", compute.FILE}
    assert found == kept | {f"run/{name}" for name in own}
    assert (shipped.folder.as_posix(), shipped.script) == ("run", "train_completed.py")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("../../outside", "../../outside is outside of project: copy it into it."),
        ("../none", "../none is not there, seen from run: correct or remove it."),
        ("../.env", "../.env may hold secrets, and never goes along: remove it."),
    ],
)
def test_what_cannot_go_along_is_refused(entry: str, said: str, tmp_path: Path) -> None:
    run = folder(tmp_path / "project", f"{NAMED}local: [{entry}]\n")
    (run.parent / ".env").write_text("x", encoding="utf-8")
    with pytest.raises(ProjectError) as raised:
        shipping.copy(run, tmp_path / "code")
    assert str(raised.value) == f"forms.yml, line 3, local.0: {said}"


def test_check_says_what_is_not_there_unless_a_verb_makes_it(project: Project) -> None:
    run = project.root / "run"
    run.mkdir(exist_ok=True)
    (run / "forms.yml").unlink(missing_ok=True)
    for other in run.glob("*.y*ml"):
        other.unlink()
    named = f"{NAMED}local:\n  - ../local_assets/later\n"
    for dataset in project.config.named_datasets:
        folder = project.dataset_path(dataset).parent
        shutil.rmtree(folder, ignore_errors=True)
        named += f"  - ../{folder.relative_to(project.root).as_posix()}\n"
    (run / "forms.yml").write_text(named, encoding="utf-8")
    folder_files.check(run)
    (run / "forms.yml").write_text(f"{named}  - ../modles\n", encoding="utf-8")
    with pytest.raises(ProjectError) as raised:
        folder_files.check(run)
    line = named.count("\n") + 1
    said = "../modles is not there, seen from run: correct or remove it."
    assert str(raised.value) == f"forms.yml, line {line}, local.{line - 4}: {said}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("9" * 5000, r"line 3: this number has 5,000 digits: write a shorter one\."),
        ("-" + "9" * 301, r"line 3: this number has 302 digits"),
        ("[" * 100_000 + "]" * 100_000, r"line 3: this stands within 100 brackets: nest it less"),
        ('{"a": ' * 200, r"line 3: this stands within 100 brackets: nest it less"),
    ],
    ids=["digits", "negative", "lists", "objects"],
)
def test_a_number_or_a_list_that_python_cannot_read_is_one_line(
    value: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / compute.FILE
    text = '{\n"compute_node_name": "[[\\"nodes",\n"max_nodes": '
    path.write_text(f"{text}{value}\n}}", encoding="utf-8")
    with pytest.raises(ProjectError, match=rf"^{compute.FILE}, {said}"):
        compute.read(tmp_path)


def test_a_long_number_and_a_deep_list_may_be_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "azure-config.json"
    path.write_text(f'{{"a": {"9" * 300}, "b": {"[" * 99}"[[["{"]" * 99}}}', encoding="utf-8")
    assert json_object.read(path).values["a"] == int("9" * 300)


def test_check_says_what_cannot_go_along_but_may_be_made_later(tmp_path: Path) -> None:
    run = folder(tmp_path / "project", f"{NAMED}local:\n  - ../datasets\n  - ../../outside\n")
    with pytest.raises(ProjectError, match=r"^forms.yml, line 5, local.1: ../../outside is outsi"):
        folder_files.check(run)
