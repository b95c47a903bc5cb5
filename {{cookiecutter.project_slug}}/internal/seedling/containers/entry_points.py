"""The entry points of a model's images, Predict and Train, which .s2i/environment names.

A message is an object with a `payload`: `{"payload": {"instances": [...]}}` to predict,
`{"payload": {"$ref": "data/table.csv", "model_name": "name"}}` to train.
"""

import atexit
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from seedling import implementations, team_code
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.registry import folder as named_models
from seedling.settings import DATA_FOLDER

TABLES = (".csv", ".parquet", ".tsv", ".txt")
SHAPE = 'A training container is given PAYLOAD={"$ref": "data/table.csv", "model_name": "name"}.'
DATA = "data"  # the first part of `$ref`: a folder of tables


class Predict:
    """Answers messages with the predictions of one model.

    A service recognises it and answers with its own `predict`, without this call.
    """

    def __init__(self, model: str) -> None:
        self.model = model

    def __call__(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return the `payload` with the predictions for the instances of a message.

        Raises:
            ProjectError: the message has another shape, or the model is not served.
        """
        body = json.dumps(message, ensure_ascii=False).encode(errors="surrogatepass")
        return {"payload": _service().predict(body, self.model)}


class Train:
    """Trains one model, compares it with the last of its name and registers it if it is better."""

    def __init__(self, model: str) -> None:
        self.model = model

    def __call__(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Train, and return a `payload` with model_name, version, metric, value and message.

        Raises:
            ProjectError: the message or the table is not valid, or training failed.
        """
        project = Project.find()
        payload = message.get("payload", message)
        if not isinstance(payload, Mapping):
            raise ProjectError("PAYLOAD: expected an object with `$ref` and `model_name`.")
        name = payload.get("model_name") or ",".join(named_models.names_given()) or self.model
        if not isinstance(name, str):
            raise ProjectError("PAYLOAD, model_name: expected text.")
        named_models.refuse_name(name)
        table = _table(project, payload.get("$ref"))
        train = implementations.find("training on a table")
        return {"payload": train(project, self.model, table, name)}


def train(module: str, function: str, payload: str) -> Any:
    """Call an entry point with the PAYLOAD of a training container.

    Args:
        module, function: the values of TRAIN_MODULE and TRAIN_FUNCTION.
        payload: JSON text.

    Raises:
        ProjectError: a value is missing, the payload is not JSON, there is no such function, or
            training failed.
    """
    if not payload or not module:
        missing = "TRAIN_MODULE" if payload else "PAYLOAD"
        raise ProjectError(f"{missing} is not set. {SHAPE}")
    try:
        message = json.loads(payload)
    except ValueError as error:
        raise ProjectError(f"PAYLOAD is not valid JSON: {error}.") from None
    if not isinstance(message, dict):
        raise ProjectError(f"PAYLOAD is no object. {SHAPE}")
    if "payload" not in message:
        message = {"payload": message}
    return team_code.function(module, function)(message)


def data_folder(project: Project, reference: str = "") -> Path:
    """Return the folder that `data/` of a `$ref` stands for.

    It is DATA_FOLDER where that is set; else a folder data/ of the project, where that has the
    table; else where model.yaml has a dataset of that file; else local_assets/datasets.
    """
    if DATA_FOLDER.is_set():
        return project.root / DATA_FOLDER.get()
    own = project.root / DATA
    if own.joinpath(*_below_data(reference)).exists():
        return own
    for dataset in project.config.datasets:
        if (dataset.file_name,) == _below_data(reference):
            return project.dataset_path(dataset).parent
    return project.assets / "datasets"


def _below_data(reference: str) -> tuple[str, ...]:
    parts = PurePosixPath(reference).parts
    return parts[1:] if parts[:1] == (DATA,) else parts


def _table(project: Project, reference: Any) -> Path:
    """Return the file that `$ref` names, in the folder of the datasets.

    Raises:
        ProjectError: it is not there, or lies outside that folder.
    """
    if not isinstance(reference, str) or not reference:
        raise ProjectError("PAYLOAD, $ref: name a table, such as data/table.csv.")
    folder = data_folder(project, reference)
    path = folder.joinpath(*_below_data(reference))
    is_there = path.is_file() or (path.is_dir() and path.suffix in TABLES)
    if not path.resolve().is_relative_to(folder.resolve()) or not is_there:
        files = sorted(file.name for file in folder.glob("*") if file.suffix in TABLES)
        there = ", ".join(files) or "no table"
        raise ProjectError(f"PAYLOAD, $ref: there is no {reference!r}; {folder} has {there}.")
    return path


@cache
def _service() -> Any:
    """Return a service in this process, for callers of Predict outside a service."""
    from seedling.serving.service import Service

    service = Service(Project.find())
    service.start()
    atexit.register(service.stop)
    return service
