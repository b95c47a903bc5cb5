"""Azure ML's scoring script: a deployment's code folder is the project, its script this file."""

import atexit
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

service: Any = None


def init() -> None:
    """Load the registered models, once, as the container starts.

    Raises:
        ProjectError: none of them can be served; the deployment then fails and says why.
    """
    global service
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]
    from {{cookiecutter.project_slug}}.config import Project
    from {{cookiecutter.project_slug}}.errors import ProjectError
    from {{cookiecutter.project_slug}}.scoring.service import Service

    service = Service(Project.find(ROOT))
    if not service.models:
        raise ProjectError(" ".join(service.problems.values()))
    service.start()
    service.open()
    atexit.register(service.stop)


def run(raw_data: str) -> Any:
    """The answer of `POST /score` to this body; what is wrong with it, in a sentence, if it is."""
    from {{cookiecutter.project_slug}}.errors import ProjectError

    try:
        return service.score(raw_data.encode(), None)
    except ProjectError as error:
        return _refused(str(error), error.status)


def _refused(words: str, status: int) -> Any:
    try:
        from azureml_inference_server_http.api.aml_response import AMLResponse
    except ImportError:
        return {"error": words}
    return AMLResponse({"error": words}, status, json_str=True)
