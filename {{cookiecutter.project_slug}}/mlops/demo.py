"""The whole life once: data, validation, training, a server, and a prediction over HTTP."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from {{cookiecutter.project_slug}} import datasets
from {{cookiecutter.project_slug}}.config import Project
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.files import sha256, write_text
from {{cookiecutter.project_slug}}.processes import free_port
from {{cookiecutter.project_slug}}.values import as_json

PACKAGE = "{{cookiecutter.project_slug}}"
PATIENCE = 60  # seconds until the service must be ready


def demo(project: Project) -> None:
    """Run every verb from an empty folder to a prediction, and stop what was started.

    Where nothing has changed since the last demo, its dataset and its models are used again.
    """
    if _noted(project) == _fingerprint(project):
        print("[1-3/4] Nothing changed since the last demo: its dataset and models are good still.")
    else:
        _make(project)
    _heading(4, "serve-local")
    project = Project(project.root)
    with _serving(project) as address:
        registered = project.config.models[0]
        body = {"payload": {"instances": [_row(project, registered.model)]}}
        url = f"{address}/{registered.model}/predict"
        print(f"POST {url}\n{json.dumps(body)}")
        print(json.dumps(_ask(url, body), indent=2))
    reports = sorted((project.assets / "reports").glob("*/*/report.html"))
    print("\nThe service is stopped. The latest reports:")
    for report in reports[-len(project.config.training.models) :]:
        print(f"  {report.relative_to(project.root).as_posix()}")


def _make(project: Project) -> None:
    """The dataset and the models, and a note of what they were made from."""
    for number, verb in enumerate(("create-local-datasets", "validate-datasets", "train"), start=1):
        _heading(number, verb)
        if subprocess.call([sys.executable, "-m", PACKAGE, verb], cwd=project.root):
            raise ProjectError(f"The demo stopped at {verb}; its lines above tell why.")
    write_text(_note(project), _fingerprint(project))


def _note(project: Project) -> Path:
    return project.assets / "demo.txt"


def _noted(project: Project) -> str:
    return _note(project).read_text(encoding="utf-8") if _note(project).exists() else ""


def _fingerprint(project: Project) -> str:
    """A hash of everything that a dataset and its models are made from."""
    made_from = ("model.yaml", "constraints.txt", "dataset_creation", "models", "mlops", "src")
    return " ".join(sha256(project.root / name) for name in made_from)


def _heading(number: int, verb: str) -> None:
    print(f"\n[{number}/4] {verb}", flush=True)


def _row(project: Project, model: str) -> dict[str, Any]:
    """The features of the dataset's first row; SQLite keeps true and false as 1 and 0."""
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    row = datasets.load(project, dataset)[dataset.feature_names].head(1)
    values = as_json(json.loads(row.to_json(orient="records"))[0])
    for column in dataset.features:
        if column.type == "boolean" and values[column.name] is not None:
            values[column.name] = bool(values[column.name])
    return values


@contextmanager
def _serving(project: Project) -> Iterator[str]:
    """The project's service on a free port, once it is ready; stopped at the end."""
    port = free_port()
    verb = [sys.executable, "-m", PACKAGE, "serve-local", "--port", str(port)]
    log = project.assets / "serve.log"
    with log.open("w", encoding="utf-8") as stream:
        server = subprocess.Popen(verb, cwd=project.root, stdout=stream, stderr=subprocess.STDOUT)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_ready(server, address, str(log))
            yield address
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait_until_ready(server: "subprocess.Popen[bytes]", address: str, log: str) -> None:
    deadline, answer = time.monotonic() + PATIENCE, ""
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"{address}/ready", timeout=5):
                return
        except HTTPError as error:
            answer = f" It said: {error.read().decode()}"
        except (URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.1)
    raise ProjectError(f"The service is not ready; its log is {log}.{answer}")


def _ask(url: str, body: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json"}
    key = os.environ.get("API_KEY", "").partition(",")[0].strip()
    if key:
        headers["X-API-Key"] = key
    request = Request(url, json.dumps(body).encode(), headers)
    with urlopen(request, timeout=30) as response:
        return json.load(response)
