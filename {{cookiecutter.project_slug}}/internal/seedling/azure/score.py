"""Azure ML's scoring script: a deployment's code folder is the project, its script this file.

It answers requests behind an online endpoint, and scores files behind a batch endpoint: `run` is
given the body of a request, or the paths of some files. SCORED of the deployment says which.
"""

import atexit
import logging
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

log = logging.getLogger(__name__)

service: Any = None
scorer: Any = None


def init() -> None:
    """Load the registered models, once, as the container or a process of the job starts.

    Raises:
        ProjectError: none of them can be served; the deployment then fails and says why.
    """
    global service, scorer
    sys.path[:0] = [str(ROOT), str(ROOT / "internal")]
    from seedling.config import Project
    from seedling.errors import ProjectError
    from seedling.settings import FILES, SCORED

    project = Project.find(ROOT)
    if SCORED.get() == FILES:
        from seedling.serving.score_files import Scorer

        scorer = Scorer(project)
        return
    from seedling.serving.service import Service

    service = Service(project)
    if not service.models:
        raise ProjectError(" ".join(service.model_problems.values()))
    service.start()
    service.open()
    atexit.register(service.stop)


def run(data: str | list[str]) -> Any:
    """Answer the body of a request, or score the files of a mini-batch.

    Args:
        data: a text of JSON, or paths.

    Returns:
        A response with the same status and bytes as that of `POST /score`; or a text for each
        file that could be scored, CSV lines.
    """
    return _answer(data) if isinstance(data, str) else _scored(data)


def _answer(body: str) -> Any:
    from seedling.serving.app import answer
    from seedling.serving.refusals import explained

    try:
        return answer(service.score(body.encode()))
    except Exception as error:
        status, words = explained(error)
        if status == 500:
            log.exception("Scoring failed")
        return answer({"error": words}, status)


def _scored(paths: list[str]) -> list[str]:
    """Score files; Azure ML counts the missing ones as failed, the log has the reason of each."""
    from seedling.errors import ProjectError

    answered = []
    for path in map(Path, paths):
        try:
            parts = []
            for part in scorer.scored(path):
                parts.append(part.text)
                for reject in part.rejects:
                    print(f"Rejected: {reject.error(path)}", file=sys.stderr, flush=True)
        except ProjectError as error:
            print(f"Error: {error}", file=sys.stderr, flush=True)
            continue
        answered.append("".join(parts).rstrip("\n"))
    return answered
