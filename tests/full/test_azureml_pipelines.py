"""CI's verbs on Azure ML: the pipeline published, the build's models found and tagged."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import warm
from azureml.emulator import AzureML
from baking import environment, python_of

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Published", "models": "logistic_regression"}
PUBLISH = "publish-training-pipeline"
HERE = "workspaces/workspace"
NAMES = [f"published_{name}" for name in ("prepare", "train", "evaluate", "register", "training")]
MODEL = "published-income-logistic_regression"
NAMES_OF_STEPS = ("train", "evaluate", "register")
CI = ("BUILD_ID", "GITHUB_OUTPUT", "TF_BUILD")


@pytest.fixture(scope="module")
def project(installed) -> Path:
    return installed(ANSWERS, "train,serve,dev,aml")


@pytest.fixture
def emulator(project: Path) -> Iterator[AzureML]:
    with AzureML(python_of(project)) as emulator:
        yield emulator
        assert emulator.unknown == []


@pytest.fixture
def ask(project: Path, emulator: AzureML) -> Any:
    """A verb of the project, told of no Azure but the stand-in, and of no CI but what is given."""

    def ask(*words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        own = {
            name: value
            for name, value in environment().items()
            if not name.startswith("AZURE") and name not in CI
        }
        command = ("-m", "seedling", *words)
        variables = own | emulator.settings() | settings
        return warm.call(python_of(project), command, project, variables, timeout=180)

    return ask


def puts(emulator: AzureML) -> list[str]:
    return [path for method, path in emulator.requests if method == "PUT"]


def component(emulator: AzureML, name: str, version: str) -> dict[str, Any]:
    found = emulator.documents.find(f"{HERE}/components/{name}/versions/{version}")
    assert found is not None, f"{name}, version {version}, is not there"
    return found["properties"]["componentSpec"]


def register(emulator: AzureML, version: str, **tags: str) -> None:
    uri = f"azureml://datastores/workspaceblobstore/paths/models/{version}"
    properties = {"modelType": "custom_model", "modelUri": uri, "flavors": {}, "tags": tags}
    key = f"{HERE}/models/{MODEL}/versions/{version}"
    emulator.documents.put(key, {"properties": properties})


def test_the_pipeline_is_published_as_its_yaml_says(ask: Any, emulator: AzureML):
    done = ask(PUBLISH, BUILD_ID="4711")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{name}, version 4711, is published" for name in NAMES]
    pipeline = component(emulator, "published_training", "4711")
    assert pipeline["inputs"] == {
        "config": {"type": "uri_file"},
        "datasets": {"type": "uri_folder"},
    }
    jobs = pipeline["jobs"]
    assert list(jobs) == ["prepare", *(f"{n}_logistic_regression" for n in NAMES_OF_STEPS)]
    for name, job in jobs.items():
        step = name.removesuffix("_logistic_regression")
        assert job["componentId"].endswith(f"/components/published_{step}/versions/4711")
    trained = jobs["train_logistic_regression"]["inputs"]
    assert trained["training"]["value"] == "${{parent.jobs.prepare.outputs.training}}"
    assert trained["model"]["value"] == "logistic_regression"
    train = component(emulator, "published_train", "4711")
    assert "seedling.steps.train" in train["command"]
    (made,) = emulator.documents.children(f"{HERE}/environments/published/versions")
    assert train["environment"].endswith(f"/environments/published/versions/{made['name']}")
    assert "/codes/" in train["code"]
    assert "Class " not in done.stderr  # the SDK's word on what is experimental in it


def test_a_second_time_nothing_is_sent(ask: Any, emulator: AzureML):
    first = ask(PUBLISH)
    assert first.returncode == 0, first.stderr
    sent = puts(emulator)
    again = ask(PUBLISH)
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout.replace("is published", "is published already")
    assert puts(emulator) == sent


def test_other_content_is_another_version(ask: Any, emulator: AzureML, project: Path):
    first = ask(PUBLISH)
    assert ask(PUBLISH, "--version", "1").returncode == 0
    step = project / "mlops" / "components" / "train.yml"
    text = step.read_text()
    step.write_text(text.replace("default: 20", "default: 21"))
    try:
        clash = ask(PUBLISH, "--version", "1")
        other = ask(PUBLISH)
    finally:
        step.write_text(text)
    assert clash.returncode == 1
    assert clash.stderr == (
        "Error: published_prepare, version 1, is published with other content: "
        "give another --version.\n"
    )
    assert other.returncode == 0, other.stderr
    assert set(other.stdout.splitlines()).isdisjoint(first.stdout.splitlines())
    hashed = other.stdout.split("version ")[1].split(",")[0]
    assert str(component(emulator, "published_train", hashed)["inputs"]["seed"]["default"]) == "21"


def test_what_was_half_published_is_completed(ask: Any, emulator: AzureML):
    emulator.fault("PUT", "/components/published_training/", 403, times=20)
    refused = ask(PUBLISH, BUILD_ID="5")
    assert refused.returncode == 1
    assert len(refused.stdout.splitlines()) == len(NAMES) - 1
    assert "Publishing published_training, version 5: the caller may not do that" in refused.stderr
    assert "Traceback" not in refused.stderr
    emulator.clear_faults()
    done = ask(PUBLISH, BUILD_ID="5")
    assert [line.split(", ")[-1] for line in done.stdout.splitlines()] == [
        *["is published already"] * (len(NAMES) - 1),
        "is published",
    ]


def test_a_version_is_one_word(ask: Any, emulator: AzureML):
    refused = ask(PUBLISH, "--version", "a/b")
    assert refused.returncode == 1
    assert "'a/b' cannot be a version" in refused.stderr
    assert puts(emulator) == []


def test_the_models_of_a_build_are_found(ask: Any, emulator: AzureML, tmp_path: Path):
    for version, build in (("2", "17"), ("9", "17"), ("10", "17"), ("11", "18")):
        register(emulator, version, build_id=build, metric=f"roc_auc=0.{version}")
    emulator.documents.page = 2  # a list has more than one page
    outputs = tmp_path / "outputs"
    found = ask("registered-models", "--build-id", "17", GITHUB_OUTPUT=str(outputs))
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines() == [
        f"{MODEL}, version {version}: roc_auc=0.{version}" for version in ("2", "9", "10")
    ]
    assert outputs.read_text() == "registered=true\n"
    here = ask("registered-models", BUILD_ID="18")
    assert here.stdout == f"{MODEL}, version 11: roc_auc=0.11\n"


@pytest.mark.parametrize("known", [True, False], ids=["other-builds", "no-model"])
def test_no_model_of_a_build_is_told(ask: Any, emulator: AzureML, known: bool):
    if known:
        register(emulator, "1", build_id="16")
    found = ask("registered-models", BUILD_ID="17")
    assert (found.returncode, found.stdout) == (0, "Model was not registered for this run.\n")
    assert ask("registered-models", "--fail", BUILD_ID="17").returncode == 1


def test_a_refusal_is_not_taken_for_no_model(ask: Any, emulator: AzureML):
    register(emulator, "1", build_id="17")
    emulator.fault("GET", f"/models/{MODEL}", 403, times=20)
    refused = ask("registered-models", BUILD_ID="17")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"Looking for {MODEL}: the caller may not do that" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_version_is_tagged_and_keeps_its_other_tags(ask: Any, emulator: AzureML):
    register(emulator, "1", build_id="17", metric="roc_auc=0.9")
    register(emulator, "2", build_id="18")
    words = ["tag-model", "stage=ready_for_production"]
    done = ask(*words, "--build-id", "17")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{MODEL}, version 1: stage=ready_for_production\n"
    tags = {
        version: emulator.documents.get(f"{HERE}/models/{MODEL}/versions/{version}")["properties"][
            "tags"
        ]
        for version in ("1", "2")
    }
    ready = {"stage": "ready_for_production"}
    assert tags["1"] == {"build_id": "17", "metric": "roc_auc=0.9"} | ready
    assert tags["2"] == {"build_id": "18"}
    assert ask(*words, "--model", MODEL, "--version", "2").returncode == 0
    unknown = ask(*words, "--model", MODEL, "--version", "3")
    assert unknown.returncode == 1
    assert f"The workspace has no {MODEL}, version 3" in unknown.stderr
    emulator.fault("PUT", f"/models/{MODEL}", 403, times=20)
    refused = ask(*words, "--model", MODEL, "--version", "2")
    assert refused.returncode == 1
    assert "the caller may not do that" in refused.stderr
