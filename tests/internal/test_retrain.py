"""Training by rule: reasons with numbers, one at a time, a cool-down, and the gate."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from seedling.config import Project
from seedling.files import sha256
from seedling.lifecycle import attempts, retraining
from seedling.lifecycle.attempts import Busy
from seedling.lifecycle.retrain_rules import Rule
from seedling.monitoring import findings
from seedling.monitoring.drift import Drift
from seedling.monitoring.findings import Findings, Window
from seedling.monitoring.performance import Performance
from seedling.tasks.evidence import Interval
from seedling.testing import first_model, invoke

HOLD = """
import sys, time
from pathlib import Path
from seedling.config import Project
from seedling.lifecycle import attempts
project = Project(Path(sys.argv[1]))
with attempts.one_at_a_time(project):
    attempts.begin(project, ["logistic_regression"], {"logistic_regression": ["age: old"]}, "here")
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(project):
    """A process that trains by rule, as far as others see."""
    words = [sys.executable, "-c", HOLD, str(project.root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_of_two_retrainings_the_second_is_refused_with_the_number_of_the_first(project, holder):
    words = rf"process {holder.pid} of .*, since 20"
    with pytest.raises(Busy, match=words), attempts.one_at_a_time(project):
        pass


def test_a_killed_retraining_leaves_no_lock_and_is_noted_and_does_not_cool_down(project, holder):
    holder.kill()
    holder.wait()
    with attempts.one_at_a_time(project):
        (killed,) = attempts.read(project)
    assert killed.problem == attempts.KILLED
    assert killed.process.startswith(str(holder.pid))
    assert attempts.last_of(project, "logistic_regression") is None
    with attempts.one_at_a_time(project):  # and it is noted once
        assert len(attempts.read(project)) == 1


@pytest.fixture
def settled(trained, tmp_path) -> Project:
    """A copy with a champion, which a test may change."""
    ignored = shutil.ignore_patterns("runs", "reports")
    return Project(Path(shutil.copytree(trained.root, tmp_path / "project", ignore=ignored)))


def said(project: Project, window: Window, version: str = "1", made: str = "") -> None:
    """Write findings as `monitor` does."""
    model = first_model(project)
    found = Findings(
        project=project.config.slug,
        model=model,
        version=version,
        dataset="income",
        target="income",
        made=made or datetime.now(UTC).isoformat(timespec="seconds"),
        windows=[window],
        verdict=window.verdict,
    )
    folder = findings.folder_of(project, model)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / findings.LATEST).write_bytes(msgspec.json.encode(found))


def moved(verdict: str) -> Window:
    drift = Drift("age", "numbers", "feature", 900, 6000, status=verdict, effect=0.4)
    return Window("", "", 900, simulated=100, verdict=verdict, drifts=[drift])


def rules(project: Project, **later: float) -> dict[str, Rule]:
    moment = datetime.now(UTC) + timedelta(**later)
    (decision,) = retraining.decide(project, [first_model(project)], moment)
    return {rule.name: rule for rule in decision.rules}


def wish(project: Project, **wanted: object) -> None:
    """Write rules into model.yaml."""
    project.edit(lambda document: document.update(monitoring={"retrain": wanted}))


@pytest.mark.parametrize(
    ("verdict", "wanted", "fires"),
    [
        ("severe", "severe", True),
        ("moderate", "severe", False),
        ("moderate", "moderate", True),
        ("moved, harmless", "moderate", False),
        ("too few rows", "moderate", False),
        ("severe", None, False),
    ],
)
def test_drift_is_a_reason_from_the_verdict_on_that_model_yaml_names(
    settled, verdict, wanted, fires
):
    wish(settled, drift=wanted)
    said(settled, moved(verdict))
    rule = rules(settled)["drift"]
    assert rule.fires == fires
    if wanted:
        assert rule.words.startswith(verdict)
        assert "900 rows, 100 of them simulated" in rule.words


def test_a_verdict_about_another_version_or_from_before_the_last_training_is_no_reason(settled):
    said(settled, moved("severe"), version="0")
    assert "run monitor" in rules(settled)["drift"].words
    said(settled, moved("severe"), made="2020-01-01T00:00:00+00:00")
    found = rules(settled)
    assert not any(rule.fires for rule in found.values())
    assert "run monitor" in found["drift"].words


@pytest.mark.parametrize(
    ("low", "value", "fires"), [(0.01, 0.03, True), (-0.01, 0.03, False), (0.005, 0.01, False)]
)
def test_performance_is_a_reason_where_the_loss_is_sure_and_large_enough(
    settled, low, value, fires
):
    worse_by = Interval(value, low, 2 * value - low)
    measured = Performance(rows=500, metric="roc_auc", worse_by=worse_by, sentences=["It says so."])
    said(settled, Window("", "", 900, verdict="steady", performance=measured))
    assert rules(settled)["performance"].fires == fires


def test_age_is_a_reason_and_counts_from_the_last_training(settled):
    assert not rules(settled, days=89)["age"].fires
    assert rules(settled, days=91)["age"].fires
    wish(settled, age=None)
    assert not rules(settled, days=999)["age"].fires


def test_a_model_without_a_champion_is_trained(project):
    assert rules(project)["champion"].fires


def test_a_training_that_failed_is_noted_and_cools_down_unless_it_is_forced(settled):
    model = first_model(settled)
    said(settled, moved("severe"))
    settled.edit(lambda document: document["datasets"][0].update(source="gone.sql"))
    result = invoke(settled, "retrain", "--model", model)
    assert result.exit_code == 1
    assert "yes  drift" in result.stdout
    assert "gone.sql" in result.stderr
    (attempt,) = attempts.read(settled)
    assert "gone.sql" in attempt.problem
    assert attempt.why[model][0].startswith("drift: severe (age)")
    waiting = invoke(settled, "retrain", "--model", model)
    assert waiting.exit_code == 0
    assert "less than 1d ago; 24.0 h are left" in waiting.stdout
    assert "It waits, in spite of drift" in waiting.stdout
    assert len(attempts.read(settled)) == 1
    assert invoke(settled, "retrain", "--model", model, "--force").exit_code == 1
    assert len(attempts.read(settled)) == 2


def test_a_dry_run_says_the_same_and_changes_nothing(settled):
    said(settled, moved("severe"))
    before = [sha256(settled.assets / name) for name in ("datasets", "models")]
    result = invoke(settled, "retrain", "--dry-run", "--model", first_model(settled))
    assert result.exit_code == 0
    assert "It would be trained: drift." in result.stdout
    assert [sha256(settled.assets / name) for name in ("datasets", "models")] == before
    assert not attempts.read(settled)


def test_where_another_one_runs_the_verb_says_so_and_exits_with_4(project, holder):
    result = invoke(project, "retrain")
    assert result.exit_code == 4
    assert f"process {holder.pid}" in result.stderr
