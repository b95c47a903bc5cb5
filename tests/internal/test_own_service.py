"""This machine's own service is asked without proxies, and recognised by what it is."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from ending import until

from seedling.cli.doctor import examine
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.processes import free_port, marked
from seedling.serving import background_service
from seedling.serving.access import Access, Refused
from seedling.serving.client import Client
from seedling.testing import invoke, run_verb

KEY = "a-key-of-the-file-of-keys"


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths that a proxy was asked for, which HTTP_PROXY names and which refuses all."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(403)

        do_POST = do_CONNECT = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
    yield asked
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is Unix's")
def test_behind_a_proxy_with_keys_in_a_file_and_frozen_it_is_still_ours(
    project: Project, proxy: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = project.root / "keys.txt"
    keys.write_text(f"{KEY}\n", encoding="utf-8")
    monkeypatch.setenv("API_KEY_FILE", str(keys))
    monkeypatch.setenv("ENVIRONMENT", "app-dev")
    started = run_verb(project, "predict-all", "--port", str(free_port()))
    assert started.returncode == 0, started.stderr
    try:
        keys.write_text("another-key-than-this-shell-has\n", encoding="utf-8")
        monkeypatch.delenv("API_KEY_FILE")
        tried = run_verb(project, "test-all")
        assert tried.returncode == 0, tried.stdout + tried.stderr
        noted = background_service._noted(project)
        assert noted
        assert "runs at" in {each.subject: each for each in examine(project)}["service"].message
        frozen = noted.processes()
        assert len(frozen) >= 3
        for each in frozen:
            each.send_signal(signal.SIGSTOP)
        assert until(lambda: marked.frozen(frozen))
        for verb in ("test-all", "predict-all"):
            refused = invoke(project, verb)
            assert (refused.exit_code, "run stop" in refused.stderr) == (1, True)
        assert "by a signal" in {each.subject: each for each in examine(project)}["service"].message
    finally:
        stopped = run_verb(project, "stop")
    assert "Stopped http://127.0.0.1:" in stopped.stdout, stopped.stderr
    assert noted.processes() == []
    assert "Nothing runs" in run_verb(project, "stop").stdout
    assert proxy == []


def test_a_note_stays_while_a_process_of_the_service_is_left(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    here = [psutil.Process()]
    background_service._write(project, background_service.Noted(1, "a-token"))
    monkeypatch.setattr(marked, "find", lambda *_: here)
    monkeypatch.setattr(marked, "end", lambda *_: here)
    with pytest.raises(ProjectError, match=f"does not end .processes {os.getpid()}."):
        background_service.stop(project)
    assert background_service._noted(project)
    monkeypatch.setattr(marked, "find", lambda *_: [])
    assert background_service.stop(project) == ""
    assert background_service._noted(project) is None


def test_another_process_with_the_number_of_the_service_is_not_it(project: Project) -> None:
    background_service._write(project, background_service.Noted(free_port(), "of-an-ended-one"))
    assert invoke(project, "stop").output == "Nothing runs in the background.\n"
    result = invoke(project, "test-all")
    assert (result.exit_code, "No service runs" in result.stderr) == (1, True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1.2.3"])
def test_no_address_of_this_machine_is_asked_through_a_proxy(proxy: list[str], host: str) -> None:
    with pytest.raises(ProjectError, match="does not answer"):
        Client(f"http://{host}:{free_port()}").ask("m/predict", {})
    assert proxy == []


def test_an_address_elsewhere_is_asked_through_the_proxy(proxy: list[str]) -> None:
    with pytest.raises(ProjectError, match="answers 403"):
        Client("http://scoring.example").ask("m/predict", {})
    assert proxy == ["http://scoring.example/m/predict"]


def test_its_token_opens_a_service_whatever_else_its_callers_need() -> None:
    token = "t" * 32
    access = Access.from_environment({"API_KEY": KEY, "SERVICE_TOKEN": token})
    assert access.check({"X-API-Key": token}, "127.0.0.1") == "key"
    with pytest.raises(Refused):
        access.check({"X-API-Key": "another" * 4}, "127.0.0.1")
    assert not Access.from_environment({"SERVICE_TOKEN": token}).keyed


def test_the_first_key_of_a_file_is_sent_where_there_is_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").write_text(f"\n{KEY}\nolder-key-of-the-file\n", encoding="utf-8")
    monkeypatch.setenv("API_KEY_FILE", str(tmp_path / "keys"))
    assert Client("http://127.0.0.1:1")._headers["X-API-Key"] == KEY
