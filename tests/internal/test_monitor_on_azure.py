"""Monitoring on Azure ML, without Azure: exit codes, the vault's secret, what asks the rules."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from large_findings import large

from seedling import implementations
from seedling.azure import identity, key_vault, monitoring
from seedling.azure.monitoring import RETRAIN, Watching
from seedling.cli import azure_monitoring
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.lifecycle import retraining
from seedling.monitoring import findings, sent_on
from seedling.monitoring.findings import Findings
from seedling.steps import monitor_retrain, watching
from seedling.testing import first_model, invoke

ADDRESS = "https://kv.vault.azure.net/secrets/insights"
VARIABLE = sent_on.CONNECTIONS[1].name


class Job(Watching):
    """A job that has ended, with these findings about a model."""

    def __init__(self, project: Project, found: Findings, folder: Path) -> None:
        super().__init__(project, None, "a-job", "drift")
        findings.write(folder / found.model, found)
        (folder / watching.MODELS).write_text(json.dumps([found.model]))
        self.of_job = folder

    def wait(self, again: str = "") -> None: ...

    def findings(self) -> dict[str, Path]:
        return {"drift": self.of_job}

    def remove(self) -> None: ...


@pytest.mark.parametrize(
    ("verdict", "fail_on", "code"),
    [
        ("severe", "severe", 3),
        ("severe", "moderate", 3),
        ("moderate", "severe", 0),
        ("too few rows", "moderate", 0),
        ("severe", None, 0),
    ],
)
def test_monitor_in_aml_ends_with_three_where_the_verdict_is_that_bad(
    project: Project, tmp_path: Path, verdict: str, fail_on: str | None, code: int
) -> None:
    found = large(3, 1)
    found.verdict, found.model = verdict, first_model(project)
    job = Job(project, found, tmp_path)
    assert azure_monitoring.show(project, [job], fail_on) == code
    latest = findings.latest(project, found.model)
    assert latest is not None
    assert latest.verdict == verdict


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The requests that reach a Key Vault, which has one secret."""
    asked: list[Any] = []

    def opened(request: Any, timeout: float) -> io.BytesIO:
        asked.append(request)
        if not request.full_url.startswith(ADDRESS):
            raise HTTPError(request.full_url, 403, "Forbidden", None, None)  # type: ignore[arg-type]
        return io.BytesIO(b'{"value": "InstrumentationKey=0;"}')

    monkeypatch.setattr(key_vault, "urlopen", opened)
    monkeypatch.setattr(identity, "token", lambda scope, _: f"for {scope}")
    return asked


def test_a_jobs_connection_string_is_a_secret_that_its_identity_reads(vault: list[Any]) -> None:
    assert key_vault.read(ADDRESS) == "InstrumentationKey=0;"
    (request,) = vault
    assert request.full_url == f"{ADDRESS}?api-version=7.4"
    assert request.headers["Authorization"] == f"Bearer for {key_vault.SCOPE}"
    with pytest.raises(ProjectError, match="answers 403: the caller needs the role Key Vault"):
        key_vault.read("https://other.vault.azure.net/secrets/insights")


@pytest.mark.parametrize(
    "address",
    [
        "InstrumentationKey=0;IngestionEndpoint=https://x",
        "http://kv.vault.azure.net/secrets/insights",
        "https://kv.vault.azure.net.example.com/secrets/insights",
        "https://example.com/.vault.azure.net/secrets/insights",
        "https://kv.vault.azure.net/keys/insights",
        "https://kv.vault.azure.net/secrets/../keys/x",
    ],
)
def test_no_token_goes_to_what_is_no_key_vault(vault: list[Any], address: str) -> None:
    with pytest.raises(ProjectError, match="is no secret of a Key Vault"):
        key_vault.read(address)
    assert vault == []


def test_the_address_of_a_secret_is_enough_to_send_metrics(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Findings] = []
    monkeypatch.setattr(implementations, "find", lambda name: sent.append)
    monkeypatch.setattr(sent_on, "_log", lambda *_: None)
    assert sent_on.send(project, large(3, 1)) == []
    assert sent == []
    monkeypatch.setenv(VARIABLE, ADDRESS)
    sent_on.send(project, large(3, 1))
    assert len(sent) == 1


def test_the_rules_are_asked_about_drift_and_performance_together(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    model = first_model(project)
    drift, performance = large(3, 2), large(3, 2)
    drift.model = performance.model = model
    known = performance.windows[0].performance
    for window in drift.windows:
        window.performance = None
    for number, found in enumerate((drift, performance)):
        findings.write(tmp_path / str(number) / model, found)
        (tmp_path / str(number) / watching.MODELS).write_text(json.dumps([model]))
    asked: list[Findings | None] = []
    monkeypatch.setattr(
        retraining, "retrain", lambda *_: asked.append(findings.latest(project, model))
    )
    words = ["--source", str(tmp_path / "0"), "--also", str(tmp_path / "1")]
    monitor_retrain.main([*words, "--output", str(tmp_path / "out")], standalone_mode=False)
    (found,) = asked
    assert found is not None
    assert found.drifts == drift.drifts
    assert found.performance is not None
    assert known is not None
    assert found.performance.metrics == known.metrics


def test_a_schedule_of_retraining_has_its_time_in_model_yaml(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, list[str]]] = []

    def schedule(_: Project, cron: str, kinds: Any, __: Any) -> list[str]:
        made.append((cron, [*kinds]))
        return ["one"]

    monkeypatch.setattr(monitoring, "schedule", schedule)
    refused = invoke(project, "schedule-monitoring", "--what", "retrain")
    assert (refused.exit_code, "monitoring.retrain.cron" in refused.stderr) == (2, True)
    project.edit(lambda document: document.update(monitoring={"retrain": {"cron": "0 5 * * 1"}}))
    assert invoke(project, "schedule-monitoring", "--what", "retrain").exit_code == 0
    words = ("schedule-monitoring", "--what", "retrain", "--cron", "0 6 * * *")
    assert invoke(project, *words).exit_code == 0
    assert made == [("0 5 * * 1", [RETRAIN]), ("0 6 * * *", [RETRAIN])]
    with pytest.raises(ProjectError, match=r"monitoring\.retrain\.cron: 'at five' is no time"):
        project.edit(lambda document: document.update(monitoring={"retrain": {"cron": "at five"}}))
