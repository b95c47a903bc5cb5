"""Azure's credential chain: who is asked to log in."""

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest

from seedling.azure import identity


@pytest.mark.parametrize(
    ("terminal", "variables", "expected"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"CI": "true"}, False),
        (True, {"TF_BUILD": "True"}, False),
        (True, {"AZUREML_ARM_WORKSPACE_NAME": "workspace"}, False),
        (True, {"AZURE_CLIENT_SECRET": "a password"}, False),
    ],
    ids=["person", "no terminal", "CI", "Azure DevOps", "job", "principal"],
)
def test_a_person_is_asked_only_at_a_terminal_outside_ci_and_without_a_principal(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, variables: dict[str, str], expected: bool
) -> None:
    for name in identity.CI:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = SimpleNamespace(isatty=lambda: terminal)
    monkeypatch.setattr(identity, "sys", SimpleNamespace(stdin=stream, stderr=stream))
    assert identity.is_attended() is expected


class _GitHub(BaseHTTPRequestHandler):
    """Gives a job one token after the other, if it shows that it may ask."""

    given: list[str]

    def do_GET(self) -> None:
        if self.headers["Authorization"] != "Bearer of the job":
            self.send_error(403)
            return
        assert self.path == "/token?api-version=2&audience=api://AzureADTokenExchange"
        self.given.append(f"token {len(self.given)}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"value": self.given[-1]}).encode())

    def log_message(self, *_: object) -> None:
        pass


class _Refused(Exception):
    pass


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_GitHub]]:
    handler = type("GitHub", (_GitHub,), {"given": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/token?api-version=2"
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", address)
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of the job")
        made = SimpleNamespace(ClientAssertionCredential=lambda *words: words)
        made.DefaultAzureCredential = lambda: "the chain"
        refused = SimpleNamespace(ClientAuthenticationError=_Refused)
        for name, module in (("identity", made), ("core", made), ("core.exceptions", refused)):
            monkeypatch.setitem(sys.modules, f"azure.{name}", cast(ModuleType, module))
        monkeypatch.setitem(sys.modules, "azure", ModuleType("azure"))
        yield handler
        server.shutdown()


def test_a_job_of_github_proves_anew_who_it_is_however_long_it_takes(
    monkeypatch: pytest.MonkeyPatch, github: type[_GitHub]
) -> None:
    """The token that az has signed in with is refused after some minutes, for each new scope."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("AZURE_CLIENT_ID", "an identity")
    monkeypatch.setenv("AZURE_TENANT_ID", "a tenant")
    tenant, client, prove = identity.credential()
    assert (tenant, client) == ("a tenant", "an identity")
    assert [prove() for _ in range(2)] == ["token 0", "token 1"]
    monkeypatch.delenv("AZURE_CLIENT_ID")
    assert identity.credential() == "the chain"


def test_a_job_of_github_that_may_not_ask_says_so(
    monkeypatch: pytest.MonkeyPatch, github: type[_GitHub]
) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("AZURE_CLIENT_ID", "an identity")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of another")
    *_, prove = identity.credential()
    with pytest.raises(_Refused, match=r"GitHub gives this job no token: .*403"):
        prove()
