"""Log lines: one JSON object each, with the request's id; plain ones on a terminal."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from seedling.processes import free_port
from seedling.serving import logs

log = logging.getLogger("seedling.serving.app")


@pytest.fixture(autouse=True)
def own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logging is the process's: leave it as it was."""
    monkeypatch.setenv("LOG_FORMAT", "json")
    ours = [logging.getLogger(name) for name in logs.PROJECT_PACKAGES]
    levels = [logger.level for logger in ours]
    yield
    for logger, level in zip(ours, levels, strict=True):
        logger.setLevel(level)
    root = logging.getLogger()
    for handler in [one for one in root.handlers if one.get_name() == logs.HANDLER]:
        root.removeHandler(handler)
    logging.captureWarnings(False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    log.info("two\nlines of %s", "Ärger \ud800")
    (line,) = lines(capsys)
    time = datetime.fromisoformat(line.pop("time"))
    assert line == {
        "level": "INFO",
        "logger": "seedling.serving.app",
        "message": "two\nlines of Ärger \ud800",
    }
    assert time.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - time) < timedelta(seconds=10)


def test_a_request_is_named_while_it_lasts(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    token = logs.REQUEST_ID.set("r-1")
    log.info("within")
    logs.REQUEST_ID.reset(token)
    log.info("after")
    within, after = lines(capsys)
    assert within["request_id"] == "r-1"
    assert "request_id" not in after


def test_an_exception_is_one_field(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    try:
        raise ValueError("of\nsome kind")
    except ValueError:
        log.exception("It failed")
    (line,) = lines(capsys)
    assert line["exception"].startswith("Traceback (most recent call last)")
    assert line["exception"].endswith("ValueError: of\nsome kind")
    assert line["level"] == "ERROR"


def test_libraries_speak_up_from_warning_on(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug")
    log.debug("ours")
    logging.getLogger("urllib3").info("theirs")
    logging.getLogger("urllib3").warning("theirs, and serious")
    assert [line["message"] for line in lines(capsys)] == ["ours", "theirs, and serious"]


def test_configuring_twice_does_not_log_twice(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    logs.configure("info")
    log.info("once")
    assert len(lines(capsys)) == 1


@pytest.mark.parametrize(
    ("form", "terminal", "is_json"),
    [("", True, False), ("", False, True), ("json", True, True), ("text", False, False)],
)
def test_a_terminal_gets_plain_lines_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    form: str,
    terminal: bool,
    is_json: bool,
) -> None:
    monkeypatch.setenv("LOG_FORMAT", form)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    logs.configure("info")
    log.info("hello")
    line = capsys.readouterr().err
    assert line.startswith("{") == is_json
    if not is_json:
        assert re.fullmatch(r"\d\d:\d\d:\d\d INFO    hello\n", line)


@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn does not run here")
def test_gunicorn_writes_the_same_lines_and_no_access_log(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "gunicorn", "--bind", address, "--no-control-socket"]
    command += ["--logger-class", "seedling.serving.gunicorn_hooks.JsonLogger"]
    command += ["wsgiref.simple_server:demo_app"]
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, **streams) as server:
        assert server.stderr is not None
        found = []
        for line in server.stderr:
            found.append(json.loads(line))
            if found[-1]["message"].startswith("Booting worker"):
                urlopen(f"http://{address}/", timeout=30).close()
                server.terminate()
        assert server.stdout is not None
        assert server.stdout.read() == ""
    assert server.returncode == 0
    assert {line["logger"] for line in found} == {"gunicorn.error"}
    assert not [line for line in found if "GET" in line["message"]]


@pytest.mark.parametrize("word", ["", "loud"])
def test_a_level_that_nobody_knows_is_info(word: str) -> None:
    logs.configure(word)
    assert log.getEffectiveLevel() == logging.INFO


@pytest.mark.parametrize("header", ["a", "x" * 128, "0af7651916cd43dd-8448.eb_C"])
def test_a_callers_request_id_is_taken_over(header: str) -> None:
    assert logs.new_request_id(header) == header


@pytest.mark.parametrize(
    "header", [None, "", "x" * 129, "a b", "a\n", "a\n{}", "é", '"', "<script>", "\u0661"]
)
def test_any_other_request_gets_a_new_id(header: str | None) -> None:
    first, second = logs.new_request_id(header), logs.new_request_id(header)
    assert first != second
    assert re.fullmatch("[0-9a-f]{32}", first)
