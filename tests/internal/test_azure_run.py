"""A run folder seen from a notebook, before anything is asked of Azure."""

import shutil
from pathlib import Path

import pytest

from seedling import ProjectError, testing
from seedling.azure_run import AzureMLRun
from seedling.config import Project
from seedling.files import read_json
from seedling.run_scripts.compute import Compute
from seedling.run_scripts.settings_files import YamlConfig, set_dns_name


@pytest.fixture
def folder(project: Project) -> Path:
    """Return the run folder of the project, as it is generated."""
    return Path(shutil.copytree(testing.root() / "run", project.root / "run"))


def test_a_key_is_set_and_every_other_line_stays(folder: Path) -> None:
    config = YamlConfig(folder)
    before = config.path.read_text(encoding="utf-8").splitlines()
    config.setkeyvalue("service_name", f"{config['service_name'][:23]}-4")
    after = config.path.read_text(encoding="utf-8").splitlines()
    (changed,) = [new for old, new in zip(before, after, strict=True) if new != old]
    assert changed.startswith("service_name: ")
    assert changed.endswith("-4")
    assert YamlConfig(folder)["service_name"] == config["service_name"]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("servicename", "mine", "has no key 'servicename'; it has name, model_name"),
        ("service_name", "Two words", "service_name"),
        ("mlflow_model_type", "fortran", "mlflow_model_type"),
    ],
)
def test_a_wrong_key_or_value_changes_nothing(
    folder: Path, key: str, value: str, words: str
) -> None:
    config = YamlConfig(folder)
    before = config.path.read_bytes()
    with pytest.raises(ProjectError, match=words):
        config.setkeyvalue(key, value)
    assert config.path.read_bytes() == before
    assert config[key] != value if key in config else True


def test_a_dns_name_is_set_in_its_place_or_at_the_top(folder: Path) -> None:
    path = folder / "azure-compute-config.json"
    before = path.read_text(encoding="utf-8")
    set_dns_name(folder, "mine-4")
    assert path.read_text(encoding="utf-8") == before.replace(
        '"deploy_dns_name": null', '"deploy_dns_name": "mine-4"'
    )
    path.write_text('{\n    "compute_node_name": "nodes"\n}\n', encoding="utf-8")
    set_dns_name(folder, "mine-5")
    assert read_json(path) == {"deploy_dns_name": "mine-5", "compute_node_name": "nodes"}
    with pytest.raises(ProjectError, match="deploy_dns_name"):
        set_dns_name(folder, "two words")
    assert read_json(path)["deploy_dns_name"] == "mine-5"


def test_a_new_run_says_that_nothing_is_done_and_what_comes_first(folder: Path) -> None:
    run = AzureMLRun(folder)
    assert "not submitted yet" in repr(run)
    assert repr(run).endswith("setup_run()")
    assert "<td" in run._repr_html_()
    for step in (run.follow, run.deploy_locally, run.deploy_model):
        with pytest.raises(ProjectError, match="No job was submitted yet: call train_model"):
            step()
    with pytest.raises(ProjectError, match="Nothing is deployed yet: call deploy_model"):
        run.test()


def test_the_flavour_of_the_model_is_written_into_the_file(folder: Path) -> None:
    run = AzureMLRun(folder, register_model="spacy")
    assert run.yaml_config["mlflow_model_type"] == "spacy"
    assert "mlflow_model_type: spacy" in run.yaml_config.path.read_text(encoding="utf-8")


def test_a_noted_run_goes_on_in_another_kernel(folder: Path) -> None:
    AzureMLRun(folder)._note(environment="e:1", cluster="c", job="a_job", status="Completed")
    again = AzureMLRun(folder)
    assert "a_job: Completed" in repr(again)
    assert repr(again).endswith("deploy_locally()")


def test_a_missing_folder_is_one_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)
    with pytest.raises(ProjectError, match="There is no folder nowhere, here or in the project"):
        AzureMLRun("nowhere")


def test_the_smallest_machine_that_is_large_enough_is_taken() -> None:
    run_endpoint = pytest.importorskip("seedling.azure.run_endpoint")

    def machine(**given: float | str) -> str:
        return str(run_endpoint.machine(Compute(compute_node_name="nodes", **given)))

    assert machine() == "Standard_DS1_v2"
    assert machine(deploy_memory_gb=8) == "Standard_DS3_v2"
    with pytest.raises(ProjectError, match="the largest has 16 cores and 56 GB"):
        machine(deploy_cpu_cores=64)
    nodes = Compute(compute_node_name="nodes", deploy_cluster_name="ours")
    assert run_endpoint.made_on(nodes) == "0.2 cores, 1 GB of ours"


def test_a_smoke_check_is_not_deployed(folder: Path, tmp_path: Path) -> None:
    """A script marks the model that it saves, whatever its job is called."""
    from seedling.azure.ml_run import MlRun

    project = Project.find(folder)
    kept = project.assets / "azure_runs" / "job_1" / "kept"
    (kept / "model").mkdir(parents=True)
    (kept / "model" / "MLmodel").write_text("metadata:\n  smoke: 'true'\n", encoding="utf-8")
    (kept / "example_inputs.json").write_text('{"instances": [{"a": 1}]}', encoding="utf-8")
    with pytest.raises(ProjectError, match="job_1 was a smoke check, which is no result"):
        MlRun(project, folder, None).deploy("job_1", print)
