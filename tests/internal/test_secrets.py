"""A secret that is given to a verb or to the environment ends in .env, and nowhere else."""

import os
import random
import shutil
import stat
import string
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine

from seedling.azure import snapshot
from seedling.config import Project, env_files
from seedling.containers import images
from seedling.data.secret_source import without_secret
from seedling.errors import ProjectError
from seedling.serving import logs
from seedling.serving.app import create_app
from seedling.testing import invoke, root, run_verb

RNG = random.SystemRandom()


def secret() -> str:
    return "Zq7" + "".join(RNG.choices(string.ascii_letters + string.digits, k=14))


def name() -> str:
    """The name of a parameter, which nobody can have listed."""
    return "".join(RNG.choices(string.ascii_lowercase, k=9))


@pytest.fixture
def store(project: Project) -> Path:
    """A database with a table `visits`, in the project's folder."""
    rows = pd.DataFrame({"visit": range(60), "age": np.arange(60) % 50})
    rows["cost"] = rows["age"] * 3 + rows["visit"] % 7
    path = project.root / "local_assets" / "visits.db"
    path.parent.mkdir(exist_ok=True)
    rows.to_sql("visits", create_engine(f"sqlite:///{path}"), index=False)
    return path


def holders(folder: Path, planted: str) -> list[str]:
    """The files below a folder that hold a text."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in files if planted.encode() in path.read_bytes()]


def test_a_secret_in_a_datasets_url_reaches_no_file_but_env(
    project: Project, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATASET_URL", raising=False)
    (project.root / ".env").write_text("LOG_LEVEL=info\n", encoding="utf-8")
    planted, second = secret(), secret()
    words = ("--key", "visit", "--target", "cost", "--yes")
    for number, value in enumerate((planted, second)):
        url = f"sqlite:///local_assets/visits.db?user=u&{name()}={value}\\'%23#visits"
        called = ("--name", f"visits_{number}")
        result = invoke(project, "add-dataset", "--from", url, *called, *words)
        assert result.exit_code == 0, result.output
        assert value not in result.output
        added = Project(project.root).config.datasets[-1]
        assert value in os.environ[added.source.partition("}")[0].removeprefix("${")]
    shutil.copytree(root() / "internal", project.root / "internal", dirs_exist_ok=True)
    images.copy(project.root, ["model.yaml", "mlops", "models", "serve"], tmp_path / "image")
    snapshot.take(project, tmp_path / "scratch")
    for value in (planted, second):
        assert holders(tmp_path, value) == [".env"]
    if os.name == "posix":
        assert stat.S_IMODE((project.root / ".env").stat().st_mode) == 0o600
    assert "LOG_LEVEL=info" in (project.root / ".env").read_text(encoding="utf-8")
    again = run_verb(project, "create-local-datasets", "--dataset", "visits_0")  # reads .env
    assert again.returncode == 0, again.stderr
    assert planted not in again.stdout + again.stderr


def test_a_secret_that_looks_like_a_variable_stands_in_env_as_it_is(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATASET_URL", raising=False)
    monkeypatch.setenv("HERE", "elsewhere")
    url = f"sqlite:///x.db?{name()}={secret()}${{HERE}}"
    assert without_secret(project, f"{url}#t") == "${DATASET_URL}#t"
    assert os.environ["DATASET_URL"] == url
    assert env_files.read(project.root / ".env") == {"DATASET_URL": url}


def test_what_is_wrong_in_env_is_said_before_a_url_is_written_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATASET_URL", raising=False)
    for content in ("A=ü\n".encode("latin-1"), b"A='open\n"):
        (project.root / ".env").write_bytes(content)
        with pytest.raises(ProjectError, match=r"\.env(, line 1| is not UTF-8 text)"):
            without_secret(project, f"sqlite:///x.db?{name()}={secret()}#t")
        assert (project.root / ".env").read_bytes() == content


def test_a_new_table_of_a_dataset_may_have_a_url_with_a_secret(
    project: Project, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATASET_URL", raising=False)
    planted = [secret(), secret()]
    url = "sqlite:///local_assets/visits.db?{}={}#visits"
    words = ("--key", "visit", "--target", "cost", "--name", "visits", "--yes")
    first = url.format(name(), planted[0])
    assert invoke(project, "add-dataset", "--from", first, *words).exit_code == 0
    second = ("--dataset", "visits", "--from", url.format(name(), planted[1]), "--yes")
    result = invoke(project, "update-schema", *second)
    assert result.exit_code == 0, result.output
    assert Project(project.root).config.dataset("visits").source == "${DATASET_URL}#visits"
    assert not holders(project.root, planted[0])
    assert holders(project.root, planted[1]) == [".env"]


def test_a_url_that_names_a_variable_stays_as_it_is(
    project: Project, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = secret()
    monkeypatch.setenv("WAREHOUSE_PASSWORD", planted)
    url = "sqlite:///local_assets/visits.db?pw=${WAREHOUSE_PASSWORD}#visits"
    words = ("--key", "visit", "--target", "cost", "--name", "visits", "--yes")
    result = invoke(project, "add-dataset", "--from", url, *words)
    assert result.exit_code == 0, result.output
    assert Project(project.root).config.dataset("visits").source == url
    assert not holders(project.root, planted)


@pytest.mark.parametrize(
    "words",
    [
        ("{0}",),
        ("train", "{0}"),
        ("train", "--model", "{0}"),
        ("train", "--{0}"),
        ("create-local-datasets", "--from", "{0}"),
        ("create-local-datasets", "--from", "{0}#visits"),
        ("add-dataset", "--from", "{0}#visits", "--yes"),
        ("predict", "{0}"),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        "postgresql://127.0.0.1:1/db?user=u&{}={}",
        "postgresql://u:a/{1}@127.0.0.1:1/db",
        "https://x.blob.core.windows.net/c/x.csv?sv=2024-11-04&{}={}",
        "Server=h;{}={};Database=d",
    ],
)
def test_a_refused_argument_is_shown_without_its_secret(
    project: Project, words: tuple[str, ...], form: str
) -> None:
    planted = secret()
    given = form.format(name(), planted)
    result = invoke(project, *(word.format(given) for word in words))
    assert result.exit_code != 0
    assert planted not in result.output + repr(result.exception)


@pytest.mark.parametrize("variable", ["ROUTES", "LOG_LEVEL", "SERVED_MODELS", "PREDICTION_LOG"])
def test_a_secret_in_the_wrong_variable_is_not_shown(
    project: Project, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for form in ("key={}", "postgresql://u:{}@h/db", "a:b:c,x={}", "{}"):
        planted = secret()
        monkeypatch.setenv(variable, form.format(planted))
        assert planted not in invoke(project, "doctor").output
    result = run_verb(project, "serve-local")
    assert planted not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_a_caller_learns_that_the_store_is_away_and_not_its_password(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planted, other = secret(), secret()
    url = f"postgresql+psycopg://127.0.0.1:1/db?user=u&password={planted}&application_name={other}"
    monkeypatch.setenv("FEATURE_STORE_URL", url)
    monkeypatch.setenv("PREDICTION_LOG", "off")
    (project.root / "serve" / "serve.py").write_text(
        "from seedling import feature_store\n\n\nclass Serve:\n"
        "    def __init__(self, sql_engine, **more):\n        self.engine = sql_engine\n\n"
        "    def run(self, user_inputs):\n"
        "        return feature_store.first_row(self.engine, 'SELECT 1', {})\n",
        encoding="utf-8",
    )
    logs.configure("debug")
    client = create_app(project).test_client()
    answers = [client.get("/run"), client.post("/run", json={"payload": {}}), client.get("/ready")]
    shown = "".join(each.text for each in answers) + invoke(project, "doctor").output
    shown += "".join(capsys.readouterr())
    assert answers[1].status_code == 503
    assert "127.0.0.1" in shown
    assert planted not in shown
    assert other not in shown


def test_a_tracking_server_that_is_away_is_one_line_without_its_password(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = secret()
    monkeypatch.setenv("MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", "1")
    monkeypatch.setenv(
        "MLFLOW_TRACKING_URI", f"https://u:{planted}@127.0.0.1:1/?{name()}={planted}"
    )
    assert run_verb(project, "create-local-datasets").returncode == 0
    result = run_verb(project, "train")
    shown = result.stdout + result.stderr
    assert planted not in shown
    assert "Error: The server of MLFLOW_TRACKING_URI does not answer" in shown
    assert "Traceback" not in shown
    assert result.returncode == 1


def test_doctor_names_the_key_of_a_secret_that_was_written_into_model_yaml(
    project: Project,
) -> None:
    planted = secret()
    assert "holds a secret" not in invoke(project, "doctor").output

    def change(document: Any) -> None:
        document["datasets"][0]["source"] = f"postgresql://h/db?{name()}={planted}#visits"

    project.edit(change)
    output = invoke(project, "doctor").output
    assert "datasets, item 1.source holds a secret, which git keeps" in output
    assert planted not in output
