"""Six kinds of secrets, in .env files, azure-config.json, the environment and a notebook's output.

They are found nowhere else after all that a project does on this machine, in nothing that leaves
it, and in no log of the service; what Azure ML is given is in tests/full.
"""

import logging
import os
import shutil
from pathlib import Path

import pytest
from planted import Planted

from seedling.azure import environment, online_code, snapshot
from seedling.config import Project
from seedling.containers import images
from seedling.credentials import AzureConfig, EnvConfig
from seedling.registry import signatures
from seedling.serving import logs
from seedling.serving.app import create_app
from seedling.testing import invoke, models, root, run_verb, sent_to

FAILING = """
import logging, os
from seedling.credentials import EnvConfig
env = EnvConfig("team.env")
held = " ".join(value for name, value in os.environ.items() if name.startswith("TEAM_"))
logging.getLogger("team").warning("env is %r, and %s", env, held)
raise RuntimeError(f"refused: {held}")
"""


@pytest.fixture
def planted(project: Project, monkeypatch: pytest.MonkeyPatch) -> Planted:
    found = Planted(project.root)
    found.in_remote()
    for name, value in found.variables.items():
        monkeypatch.setenv(name, value)
    return found


def test_what_runs_on_this_machine_keeps_no_secret(
    project: Project, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "".join(
        invoke(project, *words).output for words in (["create-local-datasets"], ["doctor"])
    )
    signatures.new_key(project.root / "key.pem", project.root / "signing.pub")
    monkeypatch.setenv("SIGNING_KEY", "key.pem")
    done = run_verb(project, "train", "--model", models()[0])
    assert done.returncode == 0, done.stdout + done.stderr
    (version,) = Project(project.root).registered_here
    folder, public = project.model_path(version), project.root / "signing.pub"
    signatures.refuse_unsigned(folder, public, version.name, version.version)
    train = project.root / "models" / models()[0] / "train.py"
    before = train.read_text(encoding="utf-8")
    train.write_text(before + FAILING, encoding="utf-8")
    failed = run_verb(project, "train", "--model", models()[0])
    train.write_text(before, encoding="utf-8")
    assert failed.returncode == 1
    assert "refused: " in failed.stdout + failed.stderr
    said += done.stdout + done.stderr + failed.stdout + failed.stderr
    said += "".join(invoke(project, verb).output for verb in ("runs", "audit", "home", "doctor"))
    assert not planted.shown_in(said)
    assert planted.holders(project.root) == []


def test_what_leaves_this_machine_has_no_secret(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored = shutil.ignore_patterns("spool")
    project = Project(Path(shutil.copytree(trained.root, tmp_path / "project", ignore=ignored)))
    shutil.copytree(root() / "internal", project.root / "internal", dirs_exist_ok=True)
    shutil.copytree(root() / "s2i", project.root / "s2i", dirs_exist_ok=True)
    for name in ("constraints.txt", "pyproject.toml", "gunicorn.conf.py"):
        shutil.copy(root() / name, project.root / name)
    planted = Planted(project.root)
    for name, value in planted.variables.items():
        monkeypatch.setenv(name, value)
    away = tmp_path / "away"
    snapshot.take(project, away / "snapshot")
    images.stage(project, away / "image")
    for kind in ("train", "predict"):
        images.stage_source(project, models()[0], kind, away / kind / "source")
        images.stage_builder(project, models()[0], kind, away / kind / "builder")
    (away / "deployment").mkdir()
    online_code.write_context(project, away / "deployment")
    text = environment.dockerfile(project) + "\n".join(environment.requirements(project, ["train"]))
    assert not planted.shown_in(text)
    assert (away / "snapshot" / "code").is_dir()
    assert planted.holders(away) == []


def test_the_service_logs_no_secret(
    trained: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = Project(Path(shutil.copytree(trained.root, tmp_path / "project")))
    planted = Planted(project.root)
    for name, value in planted.variables.items():
        monkeypatch.setenv(name, value)
    held = " ".join(planted.variables.values())

    def refuse() -> str:
        raise RuntimeError(f"refused: {' '.join(os.environ.values())}")

    logs.configure("debug")
    app = create_app(project)
    app.add_url_rule("/refuse", view_func=refuse)
    client = app.test_client()
    answers = [client.get("/refuse")]
    answers.append(
        client.post(
            f"/{models()[0]}/predict", json={"payload": {"instances": sent_to(models()[0])}}
        )
    )
    logging.getLogger("team").error("lost: %s", held)
    app.extensions["service"].stop()
    assert answers[0].status_code == 500, answers[0].text
    shown = "".join(each.text for each in answers) + "".join(capsys.readouterr())
    assert "lost: " in shown
    assert not planted.shown_in(shown)
    assert planted.holders(project.root) == []


def test_configurations_of_the_seed_are_read_and_not_kept(
    project: Project, planted: Planted
) -> None:
    env = EnvConfig([project.root / "team.env"], prefix="TEAM_")
    assert env["PASSWORD"] == planted.variables["TEAM_PASSWORD"] == os.environ["TEAM_PASSWORD"]
    place = {"subscription_id": "s", "resource_group": "g", "workspace_name": "w"}
    lines = "".join(f"TEAM_{name}={value}\n" for name, value in place.items())
    with (project.root / "team.env").open("a") as stream:
        stream.write(lines)
    found = AzureConfig(project.root, prefix="TEAM_")
    assert found["client_secret"] == planted.variables["TEAM_CLIENT_SECRET"]
    assert not planted.shown_in(f"{env!r}{env}{found!r}{list(found.items())}")
