"""A project's online endpoint: the real SDK and inference server, on a stand-in for Azure."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import warm
from azure_project import ROW, ask, deployment_python, said_by, say, write_context
from azureml.emulator import AzureML
from baking import environment, python_of
from planted import Planted
from serving import free_port, serving
from warm import verb

pytestmark = pytest.mark.full

SCRIPT = "internal/seedling/azure/score.py"
ANSWERS = {"vertical": "finance", "project_name": "Answering", "models": "logistic_regression"}
ENDPOINT = "workspaces/workspace/onlineEndpoints/answering"
TAGS = {"project": "answering", "environment": "dev"}
INVOKE = """
import sys
from seedling.config import Project
from seedling.azure import workspace

client = workspace.client(Project.find())
print(client.online_endpoints.invoke("answering", request_file=sys.argv[1]))
"""
# These work on this machine, and not where a deployment runs.
NO_SCRIPT = """
import os

if "AML_APP_ROOT" in os.environ:
    raise RuntimeError("nobody is at home")
"""
NO_ANSWER = """
import os

here = predict


def predict(*given):
    if "AML_APP_ROOT" in os.environ:
        raise RuntimeError("nobody is at home")
    return here(*given)
"""
# A team's own: it asks the plumbing's, and could do anything else.
OWN_SCRIPT = """
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "internal"))

from seedling.azure.score import init, run  # noqa
"""
PREDICT = Path("models") / "logistic_regression" / "predict.py"
BODIES = {
    "rows": {"data": [ROW, ROW]},
    "table": {"input_data": {"columns": list(ROW), "index": [0], "data": [list(ROW.values())]}},
    "named": {"model": "logistic_regression", "payload": {"instances": [ROW]}},
    "unknown model": {"model": "nobody", "data": [ROW]},
    "model is no name": {"model": 1, "data": [ROW]},
    "wrong type": {"payload": {"instances": [ROW | {"age": "forty"}]}},
    "missing column": {"data": [{"age": 40}]},
    "too many rows": {"data": [ROW] * 10_001},
    "no format": {},
    "no object": [],
}
STATUSES = [200, 200, 200, 404, 400, 400, 400, 422, 400, 400]


@pytest.fixture(scope="module")
def answering(installed) -> Path:
    """A project with a registered model."""
    project = installed(ANSWERS, "train,serve,dev,aml")
    verb(project, "create-local-datasets")
    verb(project, "train")
    warm.lend(python_of(project))
    return project


@pytest.fixture(scope="module")
def server(answering: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of the environment that a deployment's image has: the same files, resolved."""
    folder = tmp_path_factory.mktemp("server")
    write_context(answering, folder)
    assert "pandas" not in (folder / "requirements.txt").read_text()
    with edited(answering / PREDICT, "\n# another\n"):  # its compiled form does not hold any more
        python = deployment_python(answering, folder)
    assert "pandas" in (folder / "requirements.txt").read_text()
    return python


@pytest.fixture
def emulator(answering: Path, server: Path) -> Iterator[AzureML]:
    with AzureML(python_of(answering), serving=server) as emulator:
        yield emulator
        assert emulator.unknown == []


def command(
    project: Path, settings: dict[str, str], *words: str
) -> tuple[list[str], dict[str, Any]]:
    own = {name: value for name, value in environment().items() if not name.startswith("AZURE")}
    line = [str(python_of(project).with_name("python3")), *words]  # as a person begins it
    return line, {"cwd": project, "env": own | settings, "text": True}


def deployed(project: Path, emulator: AzureML, *words: str, managed: bool = False) -> str:
    """What `deploy-online` says once it has gone well."""
    done = ask(project, emulator.settings(managed), "deploy-online", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(project: Path, emulator: AzureML, *words: str) -> "subprocess.CompletedProcess[str]":
    """A verb that has ended with an error in words."""
    done = ask(project, emulator.settings(), *words)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: "), done.stderr
    assert "Traceback" not in done.stderr
    return done


def traffic(emulator: AzureML) -> dict[str, int]:
    return emulator.documents.get(ENDPOINT)["properties"]["traffic"]


def deployments(emulator: AzureML) -> set[str]:
    return {one["name"] for one in emulator.documents.children(f"{ENDPOINT}/deployments")}


def score(url: str, body: bytes, **headers: str) -> tuple[int, bytes, Any]:
    """The status, the body and the headers of an answer."""
    kind = {"Content-Type": "application/json"}
    try:
        with urlopen(Request(url, body, kind | headers, method="POST"), timeout=30) as answer:
            return answer.status, answer.read(), answer.headers
    except HTTPError as error:
        return error.code, error.read(), error.headers


@contextmanager
def edited(path: Path, text: str) -> Iterator[None]:
    """A file with something at its end, for a while."""
    before = path.read_text(encoding="utf-8")
    path.write_text(before + text, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")


def another(project: Path) -> Any:
    """Files that make another deployment, and answer the same."""
    return edited(project / "serve" / "serve.py", "\n# another\n")


@contextmanager
def inference_server(project: Path, server: Path) -> Iterator[str]:
    """The inference server with the project as it stands; where it answers."""
    port = free_port()
    folder = project / "local_assets"
    line = [
        server.parent / "azmlinfsrv",
        "--entry_script",
        project / SCRIPT,
    ]
    line += ["--port", str(port), "--health_port", str(port)]
    variables = environment() | {"AML_APP_ROOT": str(project), "PREDICTION_LOG": "off"}
    path = folder / "inference.log"
    with path.open("w") as log:
        process = subprocess.Popen(
            line, cwd=folder, env=variables, stdout=log, stderr=log, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, path.read_text()
            assert time.monotonic() < deadline, path.read_text()
            try:
                urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def test_the_inference_server_answers_as_the_service_does(answering: Path, server: Path):
    with inference_server(answering, server) as theirs, serving(answering) as ours:
        for (what, body), expected in zip(BODIES.items(), STATUSES, strict=True):
            status, answer, _ = score(f"{theirs}/score", json.dumps(body).encode())
            assert status == expected, what
            assert (status, answer) == score(f"{ours}/score", json.dumps(body).encode())[:2], what
            if status != 200:
                assert "\n" not in json.loads(answer)["error"]
        for body in (b"", b"{"):
            status, answer, _ = score(f"{theirs}/score", body)
            assert (status, answer) == score(f"{ours}/score", body)[:2]
            assert status == 400
        status, answer, _ = score(f"{theirs}/score", b"\xff")
        assert status == score(f"{ours}/score", b"\xff")[0] == 400
        assert "UTF-8" in json.loads(answer)["message"]  # the server's own words


def test_blue_then_green_then_back(answering: Path, emulator: AzureML, tmp_path: Path):
    planted = Planted(answering)
    first = deployed(answering, emulator)
    blobs = emulator.storage.blobs
    assert [str(name) for name, blob in blobs.items() if planted.shown_in(blob.data)] == []
    assert not planted.shown_in(repr(emulator.documents.state()) + first)
    assert planted.holders(answering) == []
    planted.remove()
    assert first.splitlines()[-1].endswith("/score/answering is answered by blue 100 %.")
    document = emulator.documents.get(f"{ENDPOINT}/deployments/blue")
    assert document["tags"].items() >= {"income-logistic_regression": "1"}.items()
    assert emulator.documents.get(ENDPOINT)["tags"].items() >= TAGS.items()
    instances = answering / "models/logistic_regression/test/test_instances.json"
    answered = said_by(answering, emulator.settings(), "-c", INVOKE, str(instances))
    assert answered.returncode == 0, answered.stderr
    with serving(answering) as local:
        ours = score(f"{local}/score", instances.read_bytes())
    assert json.loads(answered.stdout) == json.loads(ours[1])

    with another(answering):
        deployed(answering, emulator)
    assert traffic(emulator) == {"green": 100}
    assert deployments(emulator) == {"blue", "green"}
    tried = ask(answering, emulator.settings(), "test-online")
    assert tried.returncode == 0, tried.stderr
    assert emulator.online.asked[-1] == "green"

    back = ask(answering, emulator.settings(), "roll-back-online")
    assert back.stdout.endswith("answered by blue 100 %.\n"), back.stderr
    assert traffic(emulator) == {"blue": 100}
    nothing = refused(answering, emulator, "roll-back-online")
    assert "There is no deployment to go back to." in nothing.stderr


def test_a_share_of_the_requests_goes_to_the_new_one(answering: Path, emulator: AzureML):
    early = refused(answering, emulator, "deploy-online", "--traffic", "10")
    assert "deploy with --traffic 100" in early.stderr
    assert emulator.documents.find(ENDPOINT) is None
    deployed(answering, emulator)
    with another(answering):
        deployed(answering, emulator, "--traffic", "10")
        assert traffic(emulator) == {"blue": 90, "green": 10}
        url = emulator.documents.get(ENDPOINT)["properties"]["scoringUri"]
        emulator.online.asked.clear()
        for _ in range(100):
            emulator.answer(_request(url, json.dumps(BODIES["rows"]).encode()))
        assert Counter(emulator.online.asked) == {"blue": 90, "green": 10}
        more = deployed(answering, emulator)  # the same models: nothing is created again
        assert "green of answering has these models already" in more
        assert traffic(emulator) == {"green": 100}
    assert "blue 100 %" in ask(answering, emulator.settings(), "roll-back-online").stdout


def _request(url: str, body: bytes) -> Any:
    from azureml.messages import Request as Asked

    path = "/score/" + url.rsplit("/", 1)[1]
    return Asked("POST", path, {}, {"Authorization": "Bearer primary"}, body, path)


def test_what_fails_there_is_removed_and_the_old_one_answers(answering: Path, emulator: AzureML):
    deployed(answering, emulator)
    broken = {
        answering / SCRIPT: (
            NO_SCRIPT,
            "Creating green of answering: Azure says",
        ),
        answering / PREDICT: (NO_ANSWER, "answering answers 500: "),
    }
    for path, (text, told) in broken.items():
        with edited(path, text):
            failed = refused(answering, emulator, "deploy-online")
        assert "nobody is at home" in failed.stdout
        assert told in failed.stderr
        assert "green is deleted." in failed.stderr
        assert deployments(emulator) == {"blue"}
        assert traffic(emulator) == {"blue": 100}
    assert ask(answering, emulator.settings(), "test-online").returncode == 0


def test_what_fails_here_is_not_uploaded(answering: Path, emulator: AzureML):
    with edited(answering / SCRIPT, "\nraise RuntimeError('never')\n"):
        failed = refused(answering, emulator, "deploy-online")
    assert f"{SCRIPT} does not start on this machine: RuntimeError: never" in failed.stderr
    assert not [path for method, path in emulator.requests if method in ("PUT", "POST")][1:]


def test_the_requests_go_back_where_the_endpoint_fails(answering: Path, emulator: AzureML):
    deployed(answering, emulator)
    # The first request is for the deployment alone.
    emulator.fault("POST", "/score/answering", 200)
    emulator.fault("POST", "/score/answering", 403, times=20)
    with another(answering):
        failed = refused(answering, emulator, "deploy-online")
    assert "The requests go where they went before." in failed.stderr
    assert traffic(emulator) == {"blue": 100}
    assert deployments(emulator) == {"blue", "green"}


def test_a_taken_name_is_bumped(answering: Path, server: Path):
    with AzureML(python_of(answering), serving=server, taken=["answering"]) as emulator:
        theirs = {"authMode": "Key", "properties": {}}
        others = {"tags": {"project": "other"}, "properties": theirs}
        emulator.documents.put(f"{ENDPOINT}-2", others | {"location": "westeurope"})
        for managed in (True, False):
            done = ask(answering, emulator.settings(managed), "deploy-online")
            assert done.returncode == 0, done.stderr
            assert "/score/answering-3 is answered by blue 100 %." in done.stdout
            told = "The endpoint name answering-2 is taken."
            assert (told in done.stderr) == managed  # it was found by its tags the second time
        assert emulator.unknown == []


@pytest.mark.parametrize("path", ["/onlineEndpoints/answering$", "/deployments/"])
def test_a_refusal_is_told_in_words_and_nothing_is_left(
    answering: Path, emulator: AzureML, path: str
):
    emulator.fault("PUT", path, 403, times=20)
    done = refused(answering, emulator, "deploy-online")
    assert "the caller may not do that" in done.stderr
    assert emulator.documents.find(f"{ENDPOINT}/deployments/blue") is None


def test_who_stops_waiting_is_told_what_goes_on(answering: Path, emulator: AzureML):
    emulator.online.queue = 60
    line, options = command(answering, emulator.settings(), "-m", "seedling", "deploy-online")
    process = subprocess.Popen(line, stderr=subprocess.PIPE, start_new_session=True, **options)
    assert process.stderr
    for words in process.stderr:
        if "Creating blue of answering" in words:
            break
    deadline = time.monotonic() + 60
    while not deployments(emulator) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    left = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert "Creating blue of answering goes on in Azure" in left
    assert deployments(emulator) == {"blue"}
    again = refused(answering, emulator, "deploy-online")
    assert "Azure is still at work on blue of answering" in again.stderr


def test_one_model_has_an_endpoint_of_its_own_by_its_settings(answering: Path, emulator: AzureML):
    own = {
        "endpoint_name": "incomes",
        "endpoint_desc": "Says who earns more.",
        "deployment_name": "main",
        "deployment_vm_size": "Standard_F4s_v2",
        "deployment_instance_count": 2,
        "deployment_traffic_allocation": 100,
        "score_file_name": "serve/score.py",
        "test_file_path": "serve/rows.json",
    }
    script, rows = answering / "serve" / "score.py", answering / "serve" / "rows.json"
    script.write_text(OWN_SCRIPT, encoding="utf-8")
    rows.write_text(json.dumps({"payload": {"instances": [ROW] * 3}}), encoding="utf-8")
    before = (answering / "model.yaml").read_text(encoding="utf-8")
    say(answering, {"models": {"logistic_regression": {"online": own}}})
    try:
        said = deployed(answering, emulator, "--model", "logistic_regression")
    finally:
        (answering / "model.yaml").write_text(before, encoding="utf-8")
        script.unlink()
        rows.unlink()
    assert "3 rows" in said
    assert said.splitlines()[-1].endswith("/score/incomes is answered by main-blue 100 %.")
    key = "workspaces/workspace/onlineEndpoints/incomes"
    endpoint = emulator.documents.get(key)
    assert endpoint["properties"]["description"] == own["endpoint_desc"]
    assert endpoint["tags"]["model"] == "logistic_regression"
    document = emulator.documents.get(f"{key}/deployments/main-blue")
    properties = document["properties"]
    assert properties["instanceType"] == own["deployment_vm_size"]
    assert document["sku"]["capacity"] == 2
    assert properties["codeConfiguration"]["scoringScript"] == own["score_file_name"]
    assert properties["environmentVariables"]["SERVED_MODELS"] == "logistic_regression"
    assert emulator.documents.find(ENDPOINT) is None
