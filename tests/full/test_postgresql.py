"""The feature store on a real PostgreSQL server, through the project's own commands."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from baking import call, run
from postgresql import PASSWORD, PostgreSQL
from serving import ask, free_port, predict, serving
from warm import verb

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "healthcare", "models": "logistic_regression"}
GROUPS = "train,serve,dev,postgres"
FILL = """
from dataset_creation.sample_data import sample_tables
from seedling.data import feature_store
from seedling.config import Project
feature_store.fill(feature_store.connect(Project.find()), sample_tables())
"""
ROWS = """
from seedling.data import datasets
from seedling.config import Project
project = Project.find()
print(datasets.load(project, project.config.datasets[0]).to_json(orient="values"))
"""
WRITE = """
from seedling.data import feature_store
from seedling.config import Project
store = feature_store.connect(Project.find(), read_only=True)
print(feature_store.query(store, "SELECT count(*) AS stays FROM stays")["stays"][0])
feature_store.query(store, "DELETE FROM stays")
"""
PATIENT = {
    **{"age": 40, "sex": "female", "admission_type": "elective", "on_oxygen": False},
    **{"hours_since_admission": 12.5},
}


class Ward(NamedTuple):
    """A project that trained on what PostgreSQL holds, and the rows that SQLite yielded before."""

    project: Path
    store: PostgreSQL
    rows_of_sqlite: list[list[object]]


@pytest.fixture(scope="module")
def ward(installed, postgresql: PostgreSQL) -> Ward:
    project = installed(ANSWERS | {"project_name": "Ward"}, GROUPS)
    verb(project, "create-local-datasets")
    rows_of_sqlite = json.loads(python(project, ROWS))
    settings = project / "model.yaml"
    url = postgresql.url.replace(PASSWORD, "${STORE_PASSWORD}")
    text = settings.read_text().replace("sqlite:///local_assets/feature_store.db", url)
    settings.write_text(text)
    (project / ".env").write_text(f"STORE_PASSWORD={PASSWORD}\n")
    (project / "local_assets" / "feature_store.db").unlink()
    python(project, FILL)
    for word in ("create-local-datasets", "validate-datasets", "train"):
        verb(project, word)
    return Ward(project, postgresql, rows_of_sqlite)


@pytest.fixture
def address(ward: Ward) -> Iterator[str]:
    with serving(ward.project) as address:
        yield address


@pytest.fixture(scope="module")
def newcomer(installed) -> Path:
    """A project that is yet to get a table of its own."""
    return installed(ANSWERS | {"project_name": "Newcomer"}, GROUPS)


def test_postgresql_yields_the_rows_that_sqlite_yields(ward: Ward):
    rows = json.loads(python(ward.project, ROWS))
    assert len(rows) == len(ward.rows_of_sqlite) == 4_000
    for row, row_of_sqlite in zip(rows, ward.rows_of_sqlite, strict=True):
        assert row == pytest.approx(row_of_sqlite)


def test_serving_connection_reads_and_refuses_writes(ward: Ward):
    done = call([ward.project / ".venv" / "bin" / "python", "-c", WRITE], ward.project)
    assert done.stdout.startswith("4000\n")
    assert "cannot execute DELETE in a read-only transaction" in done.stdout


def test_run_looks_a_patient_up_in_postgresql(address: str):
    status, answer = ask(f"{address}/run?csn=1001")
    assert status == 200
    assert set(PATIENT) < set(answer["features"])
    assert answer["outputs"]["predictions"][0] in (0, 1)
    assert ask(f"{address}/run?csn=999999")[0] == 404


def test_predictions_go_on_while_postgresql_is_away(ward: Ward, address: str):
    assert ask(f"{address}/run?csn=1001")[0] == 200
    with ward.store.away():
        status, answer = ask(f"{address}/run?csn=1001")
        assert status == 503
        assert answer["error"].startswith("Feature store postgresql")
        assert PASSWORD not in answer["error"]
        assert predict(address, "logistic_regression", [PATIENT])["predictions"]
    for _ in range(8):  # enough for every worker, each of which had lost its connection
        assert ask(f"{address}/run?csn=1001")[0] == 200


def test_service_can_start_before_postgresql(ward: Ward):
    with ExitStack() as stack:
        with ward.store.away():
            address = stack.enter_context(serving(ward.project))
            assert ask(f"{address}/run?csn=1001")[0] == 503
        assert ask(f"{address}/run?csn=1001")[0] == 200


def test_variable_for_the_feature_store_goes_before_model_yaml(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FEATURE_STORE_URL", f"postgresql://me:s3cret@127.0.0.1:{free_port()}/x")
    words = refusal(ward.project, "create-local-datasets")
    assert words.startswith("Error: Feature store postgresql+psycopg://me:***@127.0.0.1")
    assert "s3cret" not in words


def test_own_table_comes_from_postgresql_without_its_password_in_model_yaml(
    ward: Ward, newcomer: Path
):
    source = f"{ward.store.url}#stays"
    options = ["--key", "csn", "--target", "discharged_in_24h", "--yes"]
    verb(newcomer, "create-local-datasets", "--from", source, *options)
    settings = (newcomer / "model.yaml").read_text()
    assert PASSWORD not in settings
    assert "source: ${DATASET_URL}#stays" in settings
    assert f"DATASET_URL='{ward.store.url}'" in (newcomer / ".env").read_text()
    verb(newcomer, "validate-datasets")
    assert "4,000 rows" in verb(newcomer, "create-local-datasets")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"#stays": "#no_such_table"}, "no_such_table"),
        ({PASSWORD: "wr0ng"}, "password authentication failed"),
        ({"127.0.0.1": "127.0.0.2"}, "refused"),
        ({"/postgres": "/no_such_database"}, "no_such_database"),
        ({"#stays": ""}, "needs its table behind a #"),
    ],
)
def test_table_that_cannot_be_had_is_one_line_without_the_password(
    ward: Ward, newcomer: Path, wrong: dict[str, str], reason: str
):
    before = (newcomer / "model.yaml").read_text()
    source = f"{ward.store.url}#stays"
    for text, other in wrong.items():
        source = source.replace(text, other)
    words = refusal(newcomer, "create-local-datasets", "--from", source, "--yes")
    assert reason in words
    assert PASSWORD not in words
    assert "wr0ng" not in words
    assert (newcomer / "model.yaml").read_text() == before


def python(project: Path, code: str) -> str:
    return run([project / ".venv" / "bin" / "python", "-c", code], project)


def refusal(project: Path, *words: str) -> str:
    """The one line with which a verb refuses."""
    done = call([project / ".venv" / "bin" / "python", "-m", "seedling", *words], project)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1, done.stdout
    return done.stdout
