"""Our service in the place of `mlflow models serve`: the same bodies, sent to both.

Where the two differ on purpose, `different` says how and why.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
import yaml
from baking import environment, python_of
from serving import PATIENCE, free_port, serving
from warm import call, verb

pytestmark = pytest.mark.full

MODELS = {"finance": "logistic_regression", "hello_world": "linear_regression"}
JSON, CSV = "application/json", "text/csv"

# Bodies as MLflow's own client code makes them, from the rows of the dataset that was trained on.
BODIES = """
import json, sys
import numpy as np
import pandas as pd
from mlflow.models import convert_input_example_to_serving_input
from mlflow.pyfunc.scoring_server.client import dump_input_data

path, *lists = sys.argv[1:]
names, categories, nullable = (json.loads(text) for text in lists)
table = pd.read_parquet(path)
rows = table[names].head(20)
numbers = [name for name in names if name not in categories]
gaps = rows.astype({name: float for name in numbers})
gaps.loc[1:3, [name for name in numbers if name in nullable]] = np.nan
unseen = rows.assign(**{name: "never seen" for name in categories})
floats = rows.astype({name: float for name in numbers})
columns = {name: rows[name].tolist() for name in names}
records = rows.to_dict(orient="records")
bodies = {
    "a table": dump_input_data(rows),
    "a whole table": dump_input_data(table.head(20)),
    "a row of a table": dump_input_data(rows.head(1)),
    "a table with parameters": dump_input_data(rows, params={"top": 3}),
    "columns in another order": dump_input_data(rows[names[::-1]]),
    "numbers as floats": dump_input_data(floats),
    "numbers that are missing": dump_input_data(gaps),
    "a category never seen": dump_input_data(unseen),
    "an example": convert_input_example_to_serving_input(rows),
    "an example of a row": convert_input_example_to_serving_input(rows.head(1)),
    "an example of records": convert_input_example_to_serving_input(records),
    "inputs of records": dump_input_data(records),
    "instances of records": dump_input_data(records, inputs_key="instances"),
    "records": json.dumps({"dataframe_records": records}),
    "columns": json.dumps({"inputs": columns}),
    "instances of columns": json.dumps({"instances": columns}),
    "single values": json.dumps({"inputs": records[0]}),
}
tables = {
    "a csv": rows.to_csv(index=False),
    "a csv with its index": rows.to_csv(),
    "a csv of a whole table": table.head(20).to_csv(index=False),
    "a csv with missing numbers": gaps.to_csv(index=False),
    "a csv from Windows": "\\ufeff" + rows.to_csv(index=False, lineterminator="\\r\\n"),
    "a csv in quotes": rows.to_csv(index=False, quoting=1),
    "a csv with a category never seen": unseen.to_csv(index=False),
}
found = {name: ["application/json", body] for name, body in bodies.items()}
print(json.dumps(found | {name: ["text/csv", body] for name, body in tables.items()}))
"""

# MLflow's clients, from its package, asking a server on each of these ports.
CLIENT = """
import json, sys
import pandas as pd
from mlflow.deployments import PredictionsResponse
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

path, names, *ports = sys.argv[1:]
names = json.loads(names)
told = []
for port in ports:
    client = ScoringServerClient("127.0.0.1", port)
    client.wait_server_ready(timeout=10)
    answer = client.invoke(pd.read_parquet(path)[names].head(20), params={"top": 3})
    assert isinstance(answer, PredictionsResponse)
    again = PredictionsResponse.from_json(answer.to_json())
    frame, array = again.get_predictions(), again.get_predictions("ndarray")
    assert frame.shape == (20, 1) and array.shape == (20,)
    told.append([client.get_version(), array.tolist(), str(array.dtype.kind)])
print(json.dumps(told))
"""


class Servers(NamedTuple):
    """MLflow's server and ours, of one project, and rows of what its model knows."""

    project: Path
    mlflow: str
    ours: str
    features: list[dict[str, Any]]
    bodies: dict[str, tuple[str, str]]

    def both(self, body: Any, content_type: str = JSON) -> tuple[Any, Any]:
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        data = text if isinstance(text, bytes) else text.encode()
        return post(self.mlflow, data, content_type), post(self.ours, data, content_type)


@pytest.fixture(scope="module", params=MODELS)
def servers(request: pytest.FixtureRequest, installed: Callable[..., Path]) -> Iterator[Servers]:
    project = installed({"vertical": request.param}, "train,serve,dev,ui")
    verb(project, "create-local-datasets")
    verb(project, "train", "--model", MODELS[request.param])
    config = yaml.safe_load((project / "model.yaml").read_text(encoding="utf-8"))
    features = config["datasets"][0]["features"]
    models = project / "local_assets" / "models"
    (registered,) = yaml.safe_load((models / "registered.yaml").read_text(encoding="utf-8"))[
        "models"
    ]
    folder = models / registered["name"] / registered["version"]
    categories = [column["name"] for column in features if column["type"] == "category"]
    nullable = [column["name"] for column in features if column.get("nullable")]
    lists = (names_of(features), categories, nullable)
    bodies = said(project, BODIES, *(json.dumps(names) for names in lists))
    with mlflow_serving(project, folder) as mlflow, serving(project) as ours:
        yield Servers(project, mlflow, ours, features, bodies)


@contextmanager
def mlflow_serving(project: Path, model: Path) -> Iterator[str]:
    """The address of `mlflow models serve` on a free port; stopped at the end."""
    port = free_port()
    tools = project / ".venv" / "bin"
    path = os.pathsep.join([str(tools), os.environ["PATH"]])
    command = [tools / "mlflow", "models", "serve", "-m", model, "--env-manager", "local"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    log = project / "mlflow.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            command,
            cwd=project,
            env=environment() | {"PATH": path, "DO_NOT_TRACK": "true"},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(address):
            alive = server.poll() is None and time.monotonic() < deadline
            assert alive, f"mlflow did not start:\n{log.read_text()}"
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # its workers too
        server.wait(timeout=40)


def test_answers_are_those_of_mlflow(servers: Servers):
    for name, (content_type, body) in servers.bodies.items():
        theirs, ours = servers.both(body, content_type)
        assert theirs[0] == 200, (name, theirs)
        same(theirs, ours, name)


def test_clients_of_mlflow_work(servers: Servers):
    ports = [address.rpartition(":")[2] for address in (servers.mlflow, servers.ours)]
    told = said(servers.project, CLIENT, json.dumps(names_of(servers.features)), *ports)
    (version, theirs, kind), (our_version, ours, our_kind) = told
    assert (our_version, our_kind) == (version, kind)
    assert ours == (theirs if kind == "U" else pytest.approx(theirs))


def test_probes_are_those_of_mlflow(servers: Servers):
    for route in ("/ping", "/version"):
        assert get(servers.ours + route) == get(servers.mlflow + route)
    assert get(servers.ours + "/health")[0] == get(servers.mlflow + "/health")[0] == 200


def test_bad_requests_get_the_status_of_mlflow(servers: Servers):
    for name, (content_type, body) in bad(servers.features).items():
        theirs, ours = servers.both(body, content_type)
        assert ours[0] == theirs[0] >= 400, (name, theirs, ours)
        assert ours[1]["error"].endswith("."), (name, ours)
        assert ours[1]["message"] == ours[1]["error"]
        assert ours[1]["error_code"] == "BAD_REQUEST"
        if isinstance(theirs[1], dict):  # MLflow names what its signature refuses by another word
            assert theirs[1]["error_code"] in ("BAD_REQUEST", "INVALID_PARAMETER_VALUE")


def test_no_rows_have_no_predictions(servers: Servers):
    names = names_of(servers.features)
    for body, content_type in ((split(names, []), JSON), (",".join(names), CSV)):
        theirs, ours = servers.both(body, content_type)
        assert theirs == ours == (200, {"predictions": []})


def test_differences_to_mlflow_are_those_that_are_meant(servers: Servers):
    for name, (content_type, body, theirs, ours) in different(servers.features).items():
        got = servers.both(body, content_type)
        assert (got[0][0], got[1][0]) == (theirs, ours), (name, got)


def test_row_with_gaps_is_answered_alone_as_in_a_batch(servers: Servers):
    names, row = names_of(servers.features), example(servers.features)
    for gap in (column["name"] for column in servers.features if column.get("nullable")):
        gapped = [None if name == gap else value for name, value in zip(names, row, strict=True)]
        alone, batch = (servers.both(split(names, rows)) for rows in ([gapped], [row, gapped]))
        for one, both in zip(alone, batch, strict=True):
            assert both[1]["predictions"][1] == one[1]["predictions"][0]
        record = dict(zip(names, gapped, strict=True))
        for key in ("dataframe_records", "instances", "inputs"):
            assert servers.both({key: [record]}) == alone
        absent = {name: value for name, value in record.items() if name != gap}
        assert servers.both({"dataframe_records": [absent]})[0] == alone[0]


def bad(features: list[dict[str, Any]]) -> dict[str, tuple[str, str | bytes]]:
    """What both refuse, with its content type."""
    names, row = names_of(features), example(features)
    record = dict(zip(names, row, strict=True))
    infinite = split(names, [[float("inf"), *row[1:]]])
    number = names[0]
    bodies: dict[str, Any] = {
        "nothing": "",
        "half of it": "{",
        "null": None,
        "no format": {},
        "two formats": {"instances": [record], "inputs": [record]},
        "two formats, one null": split(names, [row]) | {"instances": None},
        "uneven instances": {"instances": [record, {number: 1}]},
        "a missing column": split(names[1:], [row[1:]]),
        "records without a column": {
            "dataframe_records": [{n: v for n, v in record.items() if n != number}]
        },
        "inputs without a column": {"inputs": {n: [v] for n, v in record.items() if n != number}},
        "too long a row": split(names, [row, [*row, 1]]),
        "too short rows": split(names, [row[:-1]]),
        "too short a row": split(names, [row, row[:-1]]),
        "a flat row": split(names, row),
        "more keys": {"dataframe_split": split(names, [row])["dataframe_split"] | {"a": 1}},
        "columns that are text": split("age", [row]),
        "a column twice": split([*names, number], [[*row, 1]]),
        "one object as records": {"dataframe_records": record},
        "a row that is no object": {"dataframe_records": [record, 3]},
        "columns of different length": {
            "inputs": {n: [v] for n, v in record.items()} | {number: [1, 2]}
        },
        "a number as inputs": {"inputs": 3},
        "null as instances": {"instances": None},
        "a list as a value": split(names, [[[1], *row[1:]]]),
        "text that is no number": split(names, [["abc", *row[1:]]]),
        "infinity": infinite,
        "a number beyond all": json.dumps(infinite).replace("Infinity", "1e400"),
    }
    header, line = ",".join(names), ",".join(str(value) for value in row[1:])
    tables = {
        "no csv": "",
        "a csv without a column": f"{','.join(names[1:])}\n{line}",
        "too short a row in a csv": f"{header}\n1,{line}\n1",
        "a csv with too long a row": f"{header}\n1,{line}\n1,{line},1",
        "a csv with an open quote": f'{header}\n"1,{line}',
        "a csv with text for a number": f"{header}\nabc,{line}",
        "a csv with a space for a number": f"{header}\n ,{line}",
        "a csv with infinity": f"{header}\ninf,{line}",
    }
    good = json.dumps(split(names, [row]))
    return (
        {
            name: (JSON, json.dumps(body) if not isinstance(body, str) else body)
            for name, body in bodies.items()
        }
        | {name: (CSV, text) for name, text in tables.items()}
        | {
            "a parquet file that is none": ("application/vnd.apache.parquet", b"PAR1"),
            "another content": ("text/plain", good),
            "another charset": (f"{JSON}; charset=latin-1", good),
            "the protocol of MLflow 1": (f"{JSON}; format=pandas-split", good),
        }
    )


def different(features: list[dict[str, Any]]) -> dict[str, tuple[str, str | bytes, int, int]]:
    """Content type and body, then what MLflow answers and what we do."""
    names, row = names_of(features), example(features)
    record = dict(zip(names, row, strict=True))
    good = json.dumps(split(names, [row])).encode()
    header, line = ",".join(names), ",".join(str(value) for value in row)
    return {
        # MLflow fails; we say what is wrong.
        "no UTF-8": (JSON, b"\xff", 500, 400),
        "deep nesting": (JSON, b"[" * 100_000, 500, 400),
        "a csv that is no UTF-8": (CSV, b"\xff", 500, 400),
        # No rows are no mistake: there is nothing to predict.
        "no records": (JSON, '{"dataframe_records": []}', 400, 200),
        "no instances": (JSON, '{"instances": []}', 400, 200),
        # Rows in the schema's order need no names.
        "a split without columns": (
            JSON,
            json.dumps({"dataframe_split": {"data": [row]}}),
            400,
            200,
        ),
        "lists": (JSON, json.dumps({"instances": [row]}), 400, 200),
        # Rows need no frame around them.
        "bare rows": (JSON, json.dumps([record]), 400, 200),
        # MLflow guesses what was meant, and can be wrong without saying so.
        "a column twice in a csv": (CSV, f"{header},{names[0]}\n{line},1", 200, 400),
        "an index for more rows": (
            JSON,
            json.dumps({"dataframe_split": {"columns": names, "data": [row], "index": [1, 2]}}),
            200,
            400,
        ),
        "true for a number": (JSON, json.dumps(split(names, [[True, *row[1:]]])), 200, 400),
        "a fraction for a whole number": (
            JSON,
            json.dumps(split(names, [[1.5, *row[1:]]])),
            200,
            400,
        ),
        # JSON is UTF-8.
        "UTF-16": (JSON, good.decode().encode("utf-16"), 200, 400),
        # RFC 9110: the case does not matter, and a value may stand in quotes.
        "an upper-case type": ("Application/JSON", good, 415, 200),
        "a charset in quotes": (f'{JSON}; charset="utf-8"', good, 415, 200),
    }


def split(names: Any, rows: list[Any]) -> dict[str, Any]:
    return {"dataframe_split": {"columns": names, "data": rows}}


def names_of(features: list[dict[str, Any]]) -> list[str]:
    return [column["name"] for column in features]


def example(features: list[dict[str, Any]]) -> list[Any]:
    """A row of first categories and lowest numbers; the first feature is a number."""
    assert features[0]["type"] == "integer"
    return [column.get("categories", [column.get("minimum", 0)])[0] for column in features]


def said(project: Path, script: str, *words: str) -> Any:
    """Return what a script prints as JSON at its end; the dataset is the first of its words."""
    (path,) = (project / "local_assets" / "datasets").glob("*.parquet")
    command = ["-c", script, str(path), *words]
    done = call(python_of(project), command, project, environment())
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def same(theirs: tuple[int, Any], ours: tuple[int, Any], name: str) -> None:
    assert ours[0] == theirs[0], (name, ours)
    assert ours[1].keys() == theirs[1].keys() == {"predictions"}
    expected = theirs[1]["predictions"]
    numbers = all(isinstance(value, float) for value in expected)
    assert ours[1]["predictions"] == (pytest.approx(expected) if numbers else expected), name
    assert [type(value) for value in ours[1]["predictions"]] == [type(v) for v in expected], name


def post(address: str, body: bytes, content_type: str = JSON) -> tuple[int, Any]:
    request = Request(f"{address}/invocations", body, {"Content-Type": content_type})
    try:
        with urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        text = error.read().decode()
        return error.code, json.loads(text) if text.startswith("{") else text


def get(url: str) -> tuple[int, str]:
    with urlopen(url, timeout=30) as response:
        return response.status, response.read().decode()


def answers(address: str) -> bool:
    try:
        return get(f"{address}/ping")[0] == 200
    except (URLError, ConnectionError, TimeoutError):
        return False
