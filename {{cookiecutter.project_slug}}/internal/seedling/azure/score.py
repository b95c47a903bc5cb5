"""Azure ML's scoring script: a deployment's code folder is the project, its script this file.

It answers requests behind an online endpoint, and scores files behind a batch endpoint: `run` is
given the body of a request, or the paths of some files. SCORED of the deployment says which.
"""

import atexit
import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

log = logging.getLogger(__name__)

service: Any = None
scorer: Any = None
scratch: Any = None  # the folder of the parts that this process has scored


def init() -> None:
    """Load the registered models, once, as the container or a process of the job starts.

    Raises:
        ProjectError: none of them can be served; the deployment then fails and says why.
    """
    global service, scorer, scratch
    sys.path[:0] = [str(ROOT), str(ROOT / "internal")]
    from seedling.config import Project
    from seedling.errors import ProjectError
    from seedling.settings import FILES, SCORED

    project = Project.find(ROOT)
    if SCORED.get() == FILES:
        from seedling.serving.score_files import Scorer

        scorer, scratch = Scorer(project), TemporaryDirectory(prefix="seedling-")
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
    """Score files; Azure ML counts the missing ones as failed, the log has the reason of each.

    A file that is delivered twice to this process is scored once; `batch-score-in-aml` knows the
    lines of one that two processes have scored, since they are the same.
    """
    from seedling.data import csv_lines
    from seedling.errors import ProjectError
    from seedling.scoring.chunk import score_part
    from seedling.scoring.formats import CSV
    from seedling.serving.score_files import PART_ROWS
    from seedling.serving.score_parts import parts

    answered = []
    for path in map(Path, paths):
        found = [csv_lines.text([scorer.columns]).encode()]
        try:
            for part in parts(path, scorer.reading, scorer.needed, PART_ROWS):
                done = score_part(scorer, part, Path(scratch.name))
                found.append((Path(scratch.name) / f"{done.name}{CSV.ending}").read_bytes())
                for reject in done.rejects:
                    print(f"Rejected: {reject.error(path)}", file=sys.stderr, flush=True)
        except ProjectError as error:
            print(f"Error: {error}", file=sys.stderr, flush=True)
            continue
        answered.append(b"".join(found).decode().rstrip("\n"))
    return answered
