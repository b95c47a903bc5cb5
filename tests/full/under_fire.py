"""A trained project to be rough with: copies of it, clients that ask all the time, its log."""

import json
import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import yaml
from baking import few_trees
from warm import verb

ANSWERS = {
    "vertical": "finance",
    "project_name": "Robust",
    "models": "logistic_regression, random_forest",
}
GROUPS = "train,serve,dev,postgres"
PATIENCE = 60  # seconds after which an answer counts as a hang
PAUSE = 0.01  # seconds from an answer to the next request of a client, which leaves others a core
LINEAR, FOREST = "logistic_regression", "random_forest"
ROW = {
    "age": 39,
    "workclass": "Private",
    "education": "Bachelors",
    "education_num": 13,
    "marital_status": "Never-married",
    "occupation": "Sales",
    "relationship": "Not-in-family",
    "capital_gain": 0,
    "capital_loss": 0,
    "hours_per_week": 40,
}
ROWS = [ROW | {"person_id": number, "age": 20 + number} for number in range(40)]


def trained(installed: Callable[..., Path]) -> Path:
    """The project with two registered models; only its copies are harmed."""
    project = installed(ANSWERS, GROUPS)
    if not (project / "local_assets" / "models").is_dir():
        few_trees(project)
        verb(project, "create-local-datasets")
        verb(project, "train")
    return project


def copied(project: Path, folder: Path) -> Path:
    """A copy that runs in the same environment, with models and feature store of its own."""
    copy = folder / project.name
    reports = shutil.ignore_patterns(".venv", "__pycache__", "reports", "predictions.db*", "spool")
    shutil.copytree(project, copy, ignore=reports)
    (copy / ".venv").symlink_to(project / ".venv")
    return copy


REGISTERED = "local_assets/models/registered.yaml"


def change_settings(project: Path, change: Callable[[Any], None], file: str = "model.yaml") -> None:
    """Let `change` edit what a YAML file of the project holds; the file is replaced at once."""
    path = project / file
    document = yaml.safe_load(path.read_text())
    change(document)
    aside = path.with_suffix(".aside")
    aside.write_text(yaml.safe_dump(document, sort_keys=False))
    aside.replace(path)


def records(project: Path, role: str = "served") -> list[tuple[str, str, str, dict[str, Any]]]:
    """What the prediction log holds: request id, model, version and outputs."""
    path = project / "local_assets" / "predictions.db"
    if not path.exists():
        return []
    query = "SELECT request_id, model, version, outputs FROM predictions WHERE role = ?"
    with closing(sqlite3.connect(path)) as log:
        try:
            rows = log.execute(query, [role]).fetchall()
        except sqlite3.OperationalError:  # nothing was logged yet
            return []
    return [(*row[:3], json.loads(row[3])) for row in rows]


def logged(project: Path, role: str = "served") -> Counter[str]:
    """How many predictions of each request the log holds."""
    found: Counter[str] = Counter()
    for id, _, _, outputs in records(project, role):
        found[id] += len(outputs["predictions"])
    return found


def spooled(project: Path) -> list[str]:
    """What stands in the spool: files of predictions that are not in their store."""
    folder = project / "local_assets" / "spool"
    return [path.name for path in folder.rglob("*") if path.suffix in (".open", ".jsonl")]


def until(happened: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Whether it happens within these seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.1)
    return bool(happened())


class Client:
    """One connection, opened again where it broke."""

    def __init__(self, address: str) -> None:
        self._place = urlsplit(address).netloc
        self._connection: HTTPConnection | None = None

    def send(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, and body; underscores in names are hyphens."""
        if self._connection is None:
            self._connection = HTTPConnection(self._place, timeout=PATIENCE)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            with suppress(BrokenPipeError):  # it may have answered before it had read all
                self._connection.request(method, path, body, named)
            response = self._connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return response.status, found, response.read()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


class Load:
    """What clients asked for, and what came of it."""

    def __init__(self, address: str, model: str = LINEAR) -> None:
        self.address, self.model = address, model
        self.right = [self.ask(Client(address), row)[2] for row in ROWS]
        self.answered: dict[str, int] = {}  # which row, by request id
        self.versions: list[tuple[int, str]] = []  # which row, and who answered it
        self.wrong: list[Any] = []
        self.broken: list[Exception] = []  # connections that ended without an answer
        self.broken_new: list[Exception] = []  # those of them that had asked for nothing before
        self._enough = Event()

    def ask(self, client: Client, row: dict[str, Any]) -> tuple[str, int, Any, str]:
        """Request id, status, scores and version of one prediction."""
        id = uuid4().hex
        body = json.dumps({"payload": {"instances": [row]}}).encode()
        path = f"/{self.model}/predict"
        status, _, text = client.send("POST", path, body, X_Request_ID=id)
        payload = json.loads(text)["payload"]
        return id, status, payload.get("scores", payload), payload.get("version", "")

    @contextmanager
    def going_on(self, threads: int = 8) -> Iterator[None]:
        """Clients that ask until the block ends: half of them keep their connection."""
        clients = [Thread(target=self._run, args=[number]) for number in range(threads)]
        for client in clients:
            client.start()
        try:
            yield
        finally:
            self._enough.set()
            for client in clients:
                client.join()

    def _run(self, number: int) -> None:
        client, chosen = Client(self.address), random.Random(number)  # noqa: S311
        while not self._enough.is_set():
            at = chosen.randrange(len(ROWS))
            try:
                id, status, scores, version = self.ask(client, ROWS[at])
            except TimeoutError as error:
                self.wrong.append(error)
            except (OSError, HTTPException) as error:
                self.broken.append(error)
                if number % 2:
                    self.broken_new.append(error)
                time.sleep(0.02)
            else:
                if status == 200 and scores == self.right[at]:
                    self.answered[id] = at
                    self.versions.append((at, version))
                else:
                    self.wrong.append((status, scores))
            if number % 2:
                client.close()
            self._enough.wait(PAUSE)
