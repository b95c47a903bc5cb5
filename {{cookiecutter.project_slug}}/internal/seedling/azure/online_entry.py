"""Azure ML's scoring script: a deployment's code folder is the project, its script this file.

`python -m seedling.azure.online_entry FILE...` does here what a deployment does: a line of JSON
for each file.
"""

import atexit
import json
import logging
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

log = logging.getLogger(__name__)

service: Any = None


def init() -> None:
    """Load the registered models, once, as the container starts.

    Raises:
        ProjectError: none of them can be served; the deployment then fails and says why.
    """
    global service
    sys.path[:0] = [str(ROOT), str(ROOT / "internal")]
    from seedling.config import Project
    from seedling.errors import ProjectError
    from seedling.serving.service import Service

    service = Service(Project.find(ROOT))
    if not service.models:
        raise ProjectError(" ".join(service.model_problems.values()))
    service.start()
    service.open()
    atexit.register(service.stop)


def run(raw_data: str) -> Any:
    """Answer this body as `POST /score` does: the same status, and the same bytes."""
    from seedling.serving.app import answer
    from seedling.serving.refusals import explained

    try:
        return answer(service.score(raw_data.encode()))
    except Exception as error:
        status, words = explained(error)
        if status == 500:
            log.exception("Scoring failed")
        return answer({"error": words}, status)


def main(paths: list[str]) -> None:
    """Answer the bodies in these files."""
    init()
    for path in paths:
        response = run(Path(path).read_text(encoding="utf-8"))
        print(json.dumps({"status": response.status_code, "answer": response.get_json()}))


if __name__ == "__main__":
    main(sys.argv[1:])
