"""What there is for Azure, with its real libraries and no Azure: all on this machine."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from baking import call, python_with, run
from serving import free_port

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Cloud"}
needs_odbc = pytest.mark.skipif(
    find_library("odbc") is None, reason="unixODBC is not installed (Debian's package `libodbc2`)"
)
SDK = "azure-ai-ml==1.35.2"
CONNECT = """
import json, pyodbc
from seedling.data import feature_store
from seedling.config import FeatureStore

seen = []
def connect(*arguments, **options):
    token = options["attrs_before"].pop(1256)
    seen.append({"arguments": arguments, "token": token.hex(), "others": options})
    raise pyodbc.OperationalError("08001", "[08001] nobody is there")

pyodbc.connect = connect
tokens = iter(["ab", "cd"])
settings = FeatureStore(server="beds.database.windows.net", database="beds")
engine = feature_store.azure_sql(settings, lambda: next(tokens), read_only=True)
for _ in range(2):
    try:
        feature_store.query(engine, "SELECT 1")
    except feature_store.FeatureStoreUnavailable as error:
        words = str(error)
print(json.dumps({"seen": seen, "words": words}))
"""
IDENTITY = """
from seedling.azure.identity import azure_sql_token
from seedling.errors import ProjectError
try:
    print(azure_sql_token())
except ProjectError as error:
    print(f"Error: {error}")
"""
LOGIN = """
import sys
from types import SimpleNamespace
from azure.core.credentials import AccessToken
from azure.identity import CredentialUnavailableError, DeviceCodeCredential
from azure.identity import InteractiveBrowserCredential
from seedling.azure import identity
from seedling.azure.identity import azure_sql_token
from seedling.errors import ProjectError

has_browser, at_terminal, may_ask = [word == "yes" for word in sys.argv[1:]]

def browser(self, *scopes, **options):
    if not has_browser:
        raise CredentialUnavailableError(message="Failed to open a browser")
    return AccessToken("by browser", 2**40)

InteractiveBrowserCredential.get_token = browser
DeviceCodeCredential.get_token = lambda *_, **__: AccessToken("by code", 2**40)
terminal = SimpleNamespace(isatty=lambda: at_terminal)
identity.sys = SimpleNamespace(stdin=terminal, stderr=terminal)
try:
    print(azure_sql_token(may_ask))
except ProjectError as error:
    print(f"Error: {error}")
"""
VALIDATE = """
import json, socket, sys

def refuse(*address):
    raise OSError("this is offline")

socket.socket.connect = socket.getaddrinfo = refuse
from azure.ai.ml import load_job
job = load_job(sys.argv[1])
result = job._validate()
steps = {name: step._component.command for name, step in job.jobs.items()}
print(json.dumps({"errors": result.error_messages, "steps": steps}))
"""


@pytest.fixture(scope="module")
def cloud(installed) -> Path:
    return installed(ANSWERS, "train,serve,dev,azure")


@pytest.fixture
def no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """No service principal, no machine's identity, and no developer's tools asked."""
    for name in os.environ:
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "prod")
    # Where a virtual machine would ask for its identity: a port on which nobody listens.
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{free_port()}")


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with Azure ML's own client, which the project does not need yet."""
    return python_with(tmp_path_factory.mktemp("sdk") / "venv", SDK)


@needs_odbc
def test_azure_sql_is_entered_with_a_fresh_token_each_time(cloud: Path):
    found = json.loads(run([cloud / ".venv" / "bin" / "python", "-c", CONNECT], cloud))
    # The ODBC driver's ACCESSTOKEN: four bytes of length, little end first, then UTF-16-LE.
    assert [one["token"] for one in found["seen"]] == ["0400000061006200", "0400000063006400"]
    for one in found["seen"]:
        (words,) = one["arguments"]
        settings = dict(part.split("=", 1) for part in words.lower().split(";"))
        assert settings["server"] == "beds.database.windows.net,1433"
        assert settings["database"] == "beds"
        assert settings["encrypt"] == "yes"
        assert settings["applicationintent"] == "readonly"
        assert settings.keys().isdisjoint({"trusted_connection", "uid", "pwd", "authentication"})
        assert one["others"] == {"attrs_before": {}}


@needs_odbc
def test_azure_sql_that_does_not_answer_is_one_line(cloud: Path):
    found = json.loads(run([cloud / ".venv" / "bin" / "python", "-c", CONNECT], cloud))
    assert found["words"].startswith("Feature store mssql+pyodbc://beds.database.windows.net")
    assert "nobody is there" in found["words"]
    assert len(found["words"].splitlines()) == 1


@pytest.mark.parametrize(
    ("variables", "header"),
    [
        (("IDENTITY_ENDPOINT", "IDENTITY_HEADER"), "X-IDENTITY-HEADER"),
        (("MSI_ENDPOINT", "MSI_SECRET"), "secret"),
    ],
    ids=["App Service", "Azure ML"],
)
def test_managed_identity_gives_the_token(
    cloud: Path,
    no_identity: None,
    monkeypatch: pytest.MonkeyPatch,
    variables: tuple[str, str],
    header: str,
):
    with identity_endpoint(header) as (url, asked):
        monkeypatch.setenv(variables[0], url)
        monkeypatch.setenv(variables[1], "let me in")
        words = run([cloud / ".venv" / "bin" / "python", "-c", IDENTITY], cloud)
    assert words == "a token for https://database.windows.net\n"
    assert len(asked) == 1


def test_no_identity_is_one_line_and_quick(cloud: Path, no_identity: None):
    started = time.monotonic()
    words = run([cloud / ".venv" / "bin" / "python", "-c", IDENTITY], cloud)
    assert words.startswith("Error: No Azure credential could be used for Azure SQL: ")
    assert len(words.splitlines()) == 1
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("words", "variables", "expected"),
    [
        (("yes", "yes", "yes"), {}, "by browser"),
        (("no", "yes", "yes"), {}, "by code"),
        (("yes", "no", "yes"), {}, "Error"),
        (("yes", "yes", "no"), {}, "Error"),
        (("yes", "yes", "yes"), {"CI": "true"}, "Error"),
        (("yes", "yes", "yes"), {"TF_BUILD": "True"}, "Error"),
        (("yes", "yes", "yes"), {"AZURE_CLIENT_SECRET": "a password"}, "Error"),
    ],
    ids=["browser", "code", "no terminal", "service", "CI", "Azure DevOps", "principal"],
)
def test_a_person_at_a_terminal_is_asked_last_and_nobody_else(
    cloud: Path,
    no_identity: None,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    variables: dict[str, str],
    expected: str,
):
    for name in ("CI", "TF_BUILD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    said = run([cloud / ".venv" / "bin" / "python", "-c", LOGIN, *words], cloud)
    assert said.startswith(expected)


@needs_odbc
def test_azure_sql_without_a_credential_stops_a_verb_with_that_line(cloud: Path, no_identity: None):
    settings = cloud / "model.yaml"
    text = settings.read_text()
    azure = "  server: beds.database.windows.net\n  database: beds\n"
    settings.write_text(text.replace("  url: sqlite:///local_assets/feature_store.db\n", azure))
    command = [cloud / ".venv" / "bin" / "python", "-m", "seedling", "create-local-datasets"]
    done = call(command, cloud)
    settings.write_text(text)
    assert done.returncode == 1
    assert done.stdout.startswith("Error: No Azure credential could be used for Azure SQL")
    assert len(done.stdout.splitlines()) == 1


def test_azure_ml_accepts_the_training_pipeline(cloud: Path, sdk: Path):
    pipeline = cloud / "mlops" / "pipelines" / "training.yml"
    done = subprocess.run(
        [sdk, "-W", "ignore", "-c", VALIDATE, pipeline],
        cwd=cloud,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["errors"] == {}
    models = ("logistic_regression", "random_forest", "xgboost")
    steps = [f"{step}_{model}" for model in models for step in ("train", "evaluate", "register")]
    assert list(found["steps"]) == ["prepare", *steps]
    for command in found["steps"].values():
        assert len(command.splitlines()) == 1  # each further line would be a command of its own


@contextmanager
def identity_endpoint(header: str) -> Iterator[tuple[str, list[str]]]:
    """A machine's identity service: its URL, and the resources that it was asked tokens for."""
    asked: list[str] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (resource,) = parse_qs(urlsplit(self.path).query)["resource"]
            asked.append(resource)
            allowed = self.headers[header] == "let me in"
            token = {"access_token": f"a token for {resource}", "resource": resource}
            token |= {"token_type": "Bearer", "expires_on": str(int(time.time()) + 3_600)}
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(token).encode())

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
