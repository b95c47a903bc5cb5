"""What model.yaml says for Azure ML: of a model, of an environment, of a model in one."""

from pathlib import Path
from typing import Any

import pytest

from seedling.azure import command_job, online_code, workspace
from seedling.azure.automl_run import gate_of
from seedling.config import Project, keep_models
from seedling.errors import ProjectError
from seedling.scaffold import copy_model, remove_model
from seedling.testing import first_model, invoke
from seedling.training import pipeline
from seedling.training.outcomes import chosen_of

ALL = {
    "compute": {"cluster_name": "c", "cluster_size": "Standard_E4", "cluster_region": "uk"},
    "training": {"dataset_name": "rows:3", "aml_env_name": "ours@latest"},
    "automl": {"primary_metric": "r2_score", "max_trials": 3, "timeout_minutes": 30},
    "online": {
        "endpoint_name": "answers",
        "endpoint_desc": "Answers.",
        "deployment_name": "main",
        "deployment_vm_size": "Standard_F2",
        "deployment_instance_count": 2,
        "deployment_traffic_allocation": 20,
        "score_file_name": "serve/score.py",
        "test_file_path": "serve/rows.json",
    },
    "batch": {
        "endpoint_name": "files",
        "endpoint_desc": "Files.",
        "deployment_name": "nightly",
        "score_file_name": "serve/score.py",
        "test_file_path": "serve/rows.json",
        "mini_batch_size": 5,
        "max_concurrency_per_instance": 2,
        "output_file_name": "scores.csv",
        "max_retries": 1,
        "retry_timeout": 60,
    },
}


def say(project: Project, aml: dict[str, Any]) -> None:
    project.edit(lambda document: document.update(aml=aml))


def test_what_says_most_about_a_model_counts(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sizes = first_model(project), ("of the environment", "of the model", "of both")
    compute = [{"compute": {"cluster_size": size}} for size in sizes]
    aml: dict[str, Any] = {"environments": {"dev": {}, "prod": {}}}
    steps = [aml["environments"]["prod"], aml, aml["environments"]["prod"]]
    monkeypatch.setenv("ENVIRONMENT", "prod")
    assert workspace.settings(project, model).compute.cluster_size == "Standard_DS3_v2"
    for number, (place, size) in enumerate(zip(steps, sizes, strict=True)):
        place.update({"models": {model: compute[number]}} if number else compute[number])
        say(project, aml)
        assert workspace.settings(project, model).compute.cluster_size == size
        assert workspace.settings(project).compute.cluster_size == sizes[0]
    monkeypatch.setenv("ENVIRONMENT", "dev")
    assert workspace.settings(project, model).compute.cluster_size == sizes[1]


def test_a_key_that_one_place_has_leaves_the_others_as_they_are(project: Project) -> None:
    model = first_model(project)
    dev = {"online": {"deployment_instance_count": 3, "deployment_vm_size": "large"}}
    own = {"online": {"deployment_vm_size": "small"}, "training": {"conda_path": "env.yml"}}
    dev["training"] = {"aml_env_name": "ready:1"}
    say(project, {"environments": {"dev": dev}, "models": {model: own}})
    found = workspace.settings(project, model)
    assert (found.online.deployment_instance_count, found.online.deployment_vm_size) == (3, "small")
    # Of the two ways to an environment the nearer one counts, not both.
    assert (found.training.aml_env_name, found.training.conda_path) == (None, "env.yml")
    assert workspace.settings(project).training.aml_env_name == "ready:1"


@pytest.mark.parametrize("in_environment", [False, True])
def test_every_key_of_the_model_factory_is_taken_for_a_model_and_an_environment(
    project: Project, in_environment: bool
) -> None:
    model = first_model(project)
    own = {"models": {model: ALL}}
    say(project, {"environments": {"dev": own}} if in_environment else own)
    found = workspace.settings(project, model).model_dump(exclude_unset=True)
    assert found == ALL
    assert workspace.settings(project).model_dump(exclude_unset=True) == {}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"models": {"nobody": {}}}, "aml.models: training.models has no nobody; it has "),
        (
            {"environments": {"prod": {"models": {"nobody": {}}}}},
            "aml.environments.prod.models: training.models has no nobody",
        ),
        (
            {"environments": {"dev": {"training": {"conda_path": "a", "aml_env_name": "b"}}}},
            "give either aml_env_name, or conda_path",
        ),
        ({"models": {"MODEL": {"training": {"conda_path": "../a.yml"}}}}, "is no path from the"),
        ({"models": {"MODEL": {"online": {"score_file_name": "/a.py"}}}}, "is no path from the"),
        ({"models": {"MODEL": {"online": {"deployment_name": "1st"}}}}, "deployment_name"),
        ({"models": {"MODEL": {"online": {"deployment_traffic_allocation": 101}}}}, "100"),
        ({"models": {"MODEL": {"batch": {"output_file_name": "a/b.csv"}}}}, "output_file_name"),
        ({"models": {"MODEL": {"training": {"dataset_name": "a b"}}}}, "dataset_name"),
        ({"models": {"MODEL": {"web_app": {}}}}, "no such key here"),
    ],
)
def test_a_wrong_setting_is_one_line(project: Project, wrong: dict[str, Any], words: str) -> None:
    if "MODEL" in wrong.get("models", {}):
        wrong = {"models": {first_model(project): wrong["models"]["MODEL"]}}
    with pytest.raises(ProjectError) as refused:
        say(project, wrong)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_one_data_asset_is_not_for_several_datasets(project: Project) -> None:
    def add(document: Any) -> None:
        document["datasets"].append({**document["datasets"][0], "name": "another"})
        document["aml"] = {"environments": {"dev": {"training": {"dataset_name": "rows"}}}}

    with pytest.raises(ProjectError, match="there are 2 datasets; say it for a model"):
        project.edit(add)


def test_a_model_that_goes_takes_its_settings_with_it(project: Project) -> None:
    first = first_model(project)
    copy_model.copy(project, "mine", first)
    project = Project(project.root)
    own = {"models": {first: {}, "mine": {"compute": {"cluster_name": "c"}}}}
    say(project, own | {"environments": {"prod": {"models": {"mine": {}}}}})
    remove_model.remove(Project(project.root), "mine")
    aml = Project(project.root).config.aml
    assert aml is not None
    assert [*aml.models] == [first]
    assert aml.environments["prod"].models == {}


def test_a_document_without_settings_of_models_stays() -> None:
    document = {"aml": {"environments": {"dev": None}}}
    keep_models(document, ["a"])
    assert document == {"aml": {"environments": {"dev": None}}}


def test_one_command_has_all_steps_each_after_those_it_needs(project: Project) -> None:
    chosen = chosen_of(project, [first_model(project)])
    line, model = command_job.line(chosen), first_model(project)
    parts = line.split(" && ")
    assert [part.split()[2] for part in parts] == [
        f"seedling.steps.{name}" for name in ("prepare", "train", "evaluate", "register")
    ]
    assert "--datasets ${{inputs.datasets}}" in parts[0]
    assert "--training ${{outputs.prepare__training}}" in parts[0]
    assert "--training ${{outputs.prepare__training}}" in parts[1]
    assert f"--trained ${{{{outputs.train_{model}__trained}}}}" in parts[2]
    assert "parent" not in line


def test_several_models_of_one_command_have_runs_of_their_own(project: Project) -> None:
    copy_model.copy(project, "mine", first_model(project))
    line = command_job.line(chosen_of(Project(project.root), ["mine", first_model(project)]))
    assert line.startswith("export MLFLOW_RUN_ID= && ")


def test_a_model_that_is_there_takes_the_place_of_training_one(project: Project) -> None:
    model = first_model(project)
    changed = gate_of(chosen_of(project, [model]), model, Path("found"), "hash")
    component = changed.jobs[f"train_{model}"].component
    assert "seedling.steps.adopt" in component.command
    assert pipeline.problems(changed) == []
    assert set(changed.jobs) == set(chosen_of(project, [model]).jobs)


def test_automl_searches_for_one_model_and_takes_no_other_data(project: Project) -> None:
    copy_model.copy(project, "mine", first_model(project))
    both = invoke(project, "train-model-in-aml", "--job", "automl")
    assert both.exit_code == 1
    assert "name the one whose champion it is to beat" in both.stderr
    given = ("--model", "mine", "--data", "azureml://datastores/a/paths/b/")
    data = invoke(project, "train-model-in-aml", "--job", "automl", *given)
    assert data.stderr == (
        "Error: AutoML learns from the dataset here, without its held-out rows.\n"
    )


def test_a_scoring_script_that_is_not_deployed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"online\.score_file_name .* docs/a\.py is not among"):
        online_code.refuse_missing(tmp_path, "docs/a.py", "online")
