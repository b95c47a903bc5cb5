"""Azure ML's scoring script of a batch deployment: its code folder is the project."""

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

scorer: Any = None


def init() -> None:
    """Load the model that answers, once, as a process of the job starts.

    Raises:
        ProjectError: it cannot be loaded; the job then fails and says why.
    """
    global scorer
    sys.path[:0] = [str(ROOT), str(ROOT / "internal")]
    from seedling.config import Project
    from seedling.serving.score_files import Scorer

    scorer = Scorer(Project.find(ROOT))


def run(mini_batch: list[str]) -> list[str]:
    """Return CSV lines for each file that could be scored, one text a file.

    Azure ML counts the missing files as failed; the log has the reason of each, and of each row
    that could not be scored.
    """
    from seedling.errors import ProjectError

    answered = []
    for path in mini_batch:
        try:
            parts = []
            for part in scorer.scored(Path(path)):
                parts.append(part.text)
                for reject in part.rejects:
                    print(f"Rejected: {reject.error(Path(path))}", file=sys.stderr, flush=True)
        except ProjectError as error:
            print(f"Error: {error}", file=sys.stderr, flush=True)
            continue
        answered.append("".join(parts).rstrip("\n"))
    return answered
