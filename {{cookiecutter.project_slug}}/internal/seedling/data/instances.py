"""The request that a model's endpoint is tested with: models/<name>/test/test_instances.json."""

import json
from pathlib import Path
from typing import Any

from seedling.config import Project
from seedling.data.example_rows import example
from seedling.errors import ProjectError
from seedling.files import write_text

FILE = Path("test") / "test_instances.json"


def read(project: Project, model: str, file: str | None = None) -> dict[str, Any]:
    """Read the body of the test request: `{"payload": {"instances": [rows by feature name]}}`.

    Args:
        project: the project of the model.
        model: its name.
        file: another file than the model's own, from the project's folder.

    Raises:
        ProjectError: the file is missing, or is not of that shape.
    """
    path = project.root / file if file else _path(project, model)
    where = path.relative_to(project.root).as_posix()
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(f'{where} is missing: {{"payload": {{"instances": [...]}}}}.') from None
    except ValueError as error:
        raise ProjectError(f"{where} is not valid JSON: {error}.") from None
    payload = body.get("payload") if isinstance(body, dict) else None
    if not isinstance(payload, dict) or not isinstance(payload.get("instances"), list):
        raise ProjectError(f'{where}: expected {{"payload": {{"instances": [...]}}}}.')
    return body


def exists(project: Project, model: str) -> bool:
    """Return whether the model has that file."""
    return _path(project, model).exists()


def write_example(project: Project, model: str) -> None:
    """Write a test request with one row that fits the schema of the model's dataset."""
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    path = _path(project, model)
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {"payload": {"instances": [example(dataset.raw)]}}
    write_text(path, json.dumps(body, indent=2, ensure_ascii=False) + "\n")


def _path(project: Project, model: str) -> Path:
    return project.root / "models" / model / FILE
