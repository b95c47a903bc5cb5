"""The life of a model: trained, gated, registered, verified, served."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest

from seedling import tasks
from seedling.config import Project
from seedling.data.example_rows import example
from seedling.data.schema import target_values
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.processes import free_port
from seedling.registry import model_files
from seedling.testing import first_model, invoke, run_verb, sample_rows

pytestmark = pytest.mark.every_vertical


def test_a_trained_model_is_registered_in_model_yaml(trained: Project) -> None:
    (registered,) = trained.config.models
    assert registered.model == first_model(trained)
    assert registered.version == "1"
    assert sha256(trained.model_path(registered)) == registered.sha256


def test_a_report_needs_nothing_but_itself(trained: Project) -> None:
    (page,) = trained.assets.glob("reports/*/*/report.html")
    text = page.read_text(encoding="utf-8")
    (dataset, *_) = trained.config.datasets
    training = tasks.of(dataset).training
    truth = target_values(sample_rows(dataset), dataset)
    plots = training.plots(truth, training.baseline(truth, dataset), dataset)
    assert text.count("<svg") >= len(plots) >= 1  # a task may add sections with its own
    assert not re.search(r"""(src|href)=["']?https?:|@import|url\(http""", text)
    assert (page.parent / "model_card.md").read_text(encoding="utf-8").startswith("# Model card")


def test_a_second_run_is_not_better_and_not_registered(trained: Project) -> None:
    before = trained.config_path.read_bytes()
    result = run_verb(trained, "train", "--model", first_model(trained))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Model was not registered for this run." in result.stdout
    assert trained.config_path.read_bytes() == before


def test_a_model_whose_files_changed_is_never_unpickled(
    trained: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (registered,) = trained.config.models
    monkeypatch.setattr(model_files.pickle, "load", lambda _: pytest.fail("it was unpickled"))
    folder = trained.model_path(registered)
    with pytest.raises(ProjectError, match="hash differs"):
        model_files.load(registered.model, registered.version, folder, "0" * 64)


def test_training_without_data_says_which_verb_comes_first(project: Project) -> None:
    result = invoke(project, "train")
    assert result.exit_code == 1
    assert "run create-local-datasets" in result.stderr


@pytest.fixture(scope="module")
def address(trained: Project) -> Iterator[str]:
    """The address of a real server on the trained project."""
    port = free_port()
    command = [sys.executable, "-m", "seedling", "serve-local", "--port", str(port)]
    server = subprocess.Popen(command, cwd=trained.root)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def test_a_real_server_answers_over_http(trained: Project, address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urlopen(f"{address}/ready", timeout=5) as response:
                assert json.load(response)["ready"]
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    (registered,) = trained.config.models
    row = example(model_files.read_schema(trained.model_path(registered))[0].features)
    body = json.dumps({"payload": {"instances": [row, row]}}).encode()
    request = Request(f"{address}/{registered.model}/predict", body)
    with urlopen(request, timeout=30) as response:
        payload = json.load(response)["payload"]
    assert len(payload["predictions"]) == 2
    assert (payload["model"], payload["version"]) == (registered.model, "1")
