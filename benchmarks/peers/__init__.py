"""Who is measured: what each server's environment holds, how it starts, and how it is asked.

The applications beside this file are what a competent person would write in an afternoon. They run
in environments of their own, with this folder on their path.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]
WORKERS = 2

SEEDLING, MLFLOW, REPAIRED = "this service", "mlflow models serve", "mlflow, repaired"
BENTOML, FASTAPI, FLASK, FLOOR = "BentoML", "FastAPI", "Flask", "constant JSON in Flask (floor)"

MODEL_PACKAGES = (
    "pandas",
    "scikit-learn",
    "xgboost-cpu; sys_platform != 'darwin'",
    "xgboost; sys_platform == 'darwin'",
)
# Without these, uvicorn with several workers waits 44 ms in every request.
UVICORN_SPEED = ("uvloop==0.23.0", "httptools==0.9.0")


def rows_body(rows: list[Row]) -> str:
    return json.dumps({"rows": rows})


def scores(answer: Any) -> Any:
    return answer["scores"]


@dataclass(frozen=True)
class Peer:
    """A server to compare with.

    Attributes:
        packages: its environment, at the project's pinned versions unless pinned here.
        command: what starts it, `{bin}`, `{port}`, `{model}` (a folder) to be filled in.
        own: it is the project itself, and runs in its folder.
        pinned: the packages that are pinned as in the project; all of them unless given.
    """

    name: str
    folder: str
    packages: tuple[str, ...]
    command: tuple[str, ...]
    path: str = "/predict"
    body: Callable[[list[Row]], str] = rows_body
    read: Callable[[Any], Any] = scores
    variables: dict[str, str] = field(default_factory=dict)
    own: bool = False
    pinned: tuple[str, ...] = ()


def mlflow_body(rows: list[Row]) -> str:
    data = [list(row.values()) for row in rows]
    return json.dumps({"dataframe_split": {"columns": list(rows[0]), "data": data}})


def _mlflow(name: str, folder: str, more: tuple[str, ...]) -> Peer:
    words = "{bin}/mlflow models serve --env-manager local --host 127.0.0.1 --port {port}"
    return Peer(
        name,
        folder,
        ("mlflow", *MODEL_PACKAGES, *more),
        (*words.split(), "--workers", str(WORKERS), "--model-uri", "{mlflow_model}"),
        path="/invocations",
        body=mlflow_body,
        read=lambda answer: answer["predictions"],
        variables={"MLFLOW_DISABLE_TELEMETRY": "true"},
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.format(bin="{bin}", port="{port}", workers=WORKERS).split())


PEERS = (
    _mlflow(MLFLOW, "mlflow", ()),
    _mlflow(REPAIRED, "mlflow_repaired", UVICORN_SPEED),
    Peer(
        BENTOML,
        "bentoml",
        ("bentoml==1.4.39", *MODEL_PACKAGES),
        _words("{bin}/bentoml serve bento_app:Scorer --host 127.0.0.1 --port {port}"),
        variables={"BENTOML_DO_NOT_TRACK": "true"},
        pinned=("numpy", "pandas", "scikit-learn", "scipy", "xgboost", "xgboost-cpu"),
    ),
    Peer(
        FASTAPI,
        "fastapi",
        ("fastapi", "uvicorn", *UVICORN_SPEED, *MODEL_PACKAGES),
        _words(
            "{bin}/uvicorn fastapi_app:app --host 127.0.0.1 --port {port} --workers {workers}"
            " --no-access-log"
        ),
    ),
    Peer(
        FLASK,
        "flask",
        ("flask", "gunicorn", *MODEL_PACKAGES),
        _words(
            "{bin}/gunicorn flask_app:app --bind 127.0.0.1:{port} --workers {workers}"
            " --worker-class gthread --threads 4 --no-control-socket"
        ),
    ),
)


def seedling(model: str) -> Peer:
    """The service of a generated project, as its own serve-local starts it."""
    return Peer(
        SEEDLING,
        f"seedling_{model}",
        ("{project}[serve]",),
        ("{bin}/python", "-m", "seedling", "serve-local", "--port", "{port}"),
        path=f"/{model}/predict",
        body=lambda rows: json.dumps({"payload": {"instances": rows}}),
        read=lambda answer: answer["payload"]["scores"],
        own=True,
    )


def floor(model: str, settings: Path) -> Peer:
    """The least that Flask can do, in the service's environment with its gunicorn settings."""
    command = ("{bin}/gunicorn", "constant_app:app", "-c", str(settings))
    return Peer(
        FLOOR,
        f"seedling_{model}",
        ("{project}[serve]",),
        (*command, "--bind", "127.0.0.1:{port}"),
        read=lambda answer: None,
    )
