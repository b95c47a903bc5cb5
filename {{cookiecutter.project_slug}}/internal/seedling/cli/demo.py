"""The whole life once: data, validation, training, a server, and a prediction over HTTP."""

import json
from typing import Any

from seedling import team_code
from seedling.config import Project
from seedling.data import datasets
from seedling.errors import ProjectError
from seedling.files import sha256, write_text
from seedling.processes import attended, free_port, interrupted
from seedling.serving import background_service, run_features, unnamed


def demo(project: Project) -> None:
    """Run every verb from an empty folder to a prediction, then stop the service.

    If nothing has changed since the last demo, its dataset and its models are used again.
    """
    note = project.assets / "demo.txt"
    if note.exists() and note.read_text(encoding="utf-8") == _fingerprint(project):
        print("[1-3/4] Nothing changed since the last demo: its dataset and models are used again.")
    else:
        _make(project)
        write_text(note, _fingerprint(project))
    _heading(4, "serve-local")
    project = Project(project.root)
    with background_service.serving(project, free_port()) as client:
        model = unnamed.here(project, project.config)
        if model is None:
            raise ProjectError("No model is registered: run train.")
        body = {"payload": {"instances": [_row(project, model)]}}
        path = f"{model}/predict"
        print(f"POST {client.address}/{path}\n{json.dumps(body)}")
        print(json.dumps(client.ask(path, body), indent=2))
    reports = sorted((project.assets / "reports").glob("*/*/report.html"))
    print("\nThe service is stopped. The latest reports:")
    for report in reports[-len(project.config.training.models) :]:
        print(f"  {report.relative_to(project.root).as_posix()}")


def _make(project: Project) -> None:
    """Create and validate the dataset, and train the models."""
    for number, verb in enumerate(("create-local-datasets", "validate-datasets", "train"), start=1):
        _heading(number, verb)
        code = attended.call([verb], project.root)
        if code == interrupted.CODE:
            interrupted.leave()
        if code:
            raise ProjectError(f"The demo stopped at {verb}; the lines above say why.")


def _fingerprint(project: Project) -> str:
    """Return the hashes of all files that the dataset and its models depend on."""
    made_from = ("model.yaml", "constraints.txt", "dataset_creation", "models", "mlops", "internal")
    names = (*made_from, *team_code.brought(project.root))
    paths = [*(project.root / name for name in names), project.registrations_path]
    return " ".join(sha256(path) for path in paths)


def _heading(number: int, verb: str) -> None:
    print(f"\n[{number}/4] {verb}", flush=True)


def _row(project: Project, model: str) -> dict[str, Any]:
    """Return the raw columns of the dataset's first row, as a caller sends them."""
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    names = [column.name for column in dataset.raw]
    row = datasets.load(project, dataset)[names].head(1).astype(object)
    cells = row.where(row.notna(), None).iloc[0].to_dict()
    found: dict[str, Any] = run_features.typed(cells, dataset.raw)
    return found
