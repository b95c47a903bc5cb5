"""Write the page anew: `refresh` where something has changed since, `write` in any case."""

import base64
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedling.config import Project

PAGE, NOTE = "index.html", ".index.json"  # in the reports' folder
REPORTS = Path("local_assets", "reports")
HERE = Path(__file__).parent


def refresh(folder: Path) -> None:
    """Update the page of the project around a folder, after a verb.

    Where nothing has changed since it was written, a few files are looked at, and no library is
    loaded. Nor is a tracking server asked by a verb that has not asked it itself. An error is none
    of the verb's: the page stays as it was, and `home` says what is wrong.
    """
    with suppress(Exception):
        for root in (folder, *folder.parents):
            if (root / "model.yaml").is_file():
                if (root / REPORTS.parent).is_dir() and _has_changed(root):
                    from seedling.config import Project
                    from seedling.training import mlflow_runs

                    project = Project.find(root)
                    if mlflow_runs.database_of(project) or "mlflow" in sys.modules:
                        write(project)
                return


def write(project: "Project") -> Path:
    """Write the page, and beside it a note of the files that it was made from; return its path.

    Raises:
        ProjectError: the runs or the registered versions cannot be read.
    """
    from seedling.files import write_json, write_text
    from seedling.home import content

    folder = project.root / REPORTS
    sources = _sources(project)
    seen = _state(sources)  # before they are read: what changes meanwhile is seen next time
    write_text(folder / PAGE, html(content.of(project)))
    write_json(folder / NOTE, {"sources": sources, "seen": seen})
    return folder / PAGE


def html(content: dict[str, Any]) -> str:
    """Return the page as one file: no other file, and no script but its own, has a part in it."""
    from markupsafe import Markup

    from seedling.templating import templates

    found = templates(HERE, {"day": day, "minute": minute, "iso": iso})
    style, script = (
        (HERE / "static" / name).read_text(encoding="utf-8") for name in ("home.css", "home.js")
    )
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    own = {"style": Markup(style), "script": Markup(script), "policy": policy}  # noqa: S704
    return found.get_template("home.html.j2").render({**content, **own, "now": time.time()})


def day(seconds: float | None) -> str:
    """Return the day of a time, in UTC; a dash for none."""
    return "-" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def minute(seconds: float | None) -> str:
    """Return a time to the minute, in UTC; a dash for none."""
    return "-" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def iso(seconds: float) -> str:
    """Return a time as ISO 8601 has it, for programs."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _has_changed(root: Path) -> bool:
    """Return whether the page is missing, or one of its sources is another than it was then."""
    try:
        noted = json.loads((root / REPORTS / NOTE).read_text(encoding="utf-8"))
        is_same = bool(_state(noted["sources"]) == noted["seen"])
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return not (is_same and (root / REPORTS / PAGE).is_file())


def _sources(project: "Project") -> list[str]:
    """Return the paths of the files that the page is made from, whether they are there or not."""
    from seedling.data.dataset_files import note_path
    from seedling.home import watched

    datasets = (
        note_path(project.dataset_path(dataset)) for dataset in project.config.named_datasets
    )
    found = [
        project.config_path,
        project.assets / "mlflow.db",
        project.registrations_path,
        *datasets,
        *watched.sources(project),
    ]
    return [str(path.absolute()) for path in found]


def _state(sources: Sequence[str]) -> list[list[int]]:
    """Return the time and the size of each file; zeros for one that is not there."""
    return [[*_time_and_size(path)] for path in sources]


def _time_and_size(path: str) -> Iterable[int]:
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
