"""The prediction log in the layout of Azure ML's data collector, which its own monitors read.

Below `<model>/model_inputs/` and `<model>/model_outputs/` stand folders by year, month, day and
hour, each with a file of JSON lines. An hour that is written again has the same name.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from seedling.config import Project, span
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.monitoring import logged
from seedling.monitoring.logged import Page

INPUTS, OUTPUTS = "model_inputs", "model_outputs"
TYPES = {INPUTS: "azureml.inference.inputs", OUTPUTS: "azureml.inference.outputs"}
FILE = "log.jsonl"


def write(project: Project, model: str, since: str, folder: Path) -> int:
    """Write the logged rows of a model below a folder; return how many.

    Args:
        project: of the log.
        model: a folder of models/.
        since: how long ago the first of them was, such as 30d; the hour of that is written whole.
        folder: made if it is missing.

    Raises:
        ProjectError: the log is off, its store does not answer, or `since` is no length of time.
    """
    try:
        end = datetime.now(UTC)
        start = (end - span(since)).replace(minute=0, second=0, microsecond=0)
    except ValueError as error:
        raise ProjectError(f"since: {error}.") from None
    count, hour, lines = 0, "", dict[str, list[str]]()
    for time, more in _lines(logged.logged(project, model, start, end), model):
        if time != hour:
            _put(folder / model, hour, lines)
            hour, lines = time, {name: [] for name in TYPES}
        for name, line in more.items():
            lines[name].append(line)
        count += 1
    _put(folder / model, hour, lines)
    return count


def _lines(pages: Iterator[Page], model: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the hour of each row, and the lines about what was sent and what was answered."""
    for page in pages:
        tables = {INPUTS: _rows(page.sent), OUTPUTS: _rows(page.answers)}
        for at, record in enumerate(page.records.to_dict("records")):
            moment = record["time"]
            facts = {
                "specversion": "1.0",
                "source": model,
                "datacontenttype": "application/json",
                "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
                "correlationid": f"{record['id']}_{record['row']}",
                "modelversion": record["version"],
            }
            lines = {
                name: json.dumps(
                    {
                        **facts,
                        "id": f"{facts['correlationid']}-{name}",
                        "type": TYPES[name],
                        "data": [rows[at]],
                    },
                    ensure_ascii=False,
                )
                for name, rows in tables.items()
            }
            yield f"{moment:%Y/%m/%d/%H}", lines


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON has them: a missing value is null."""
    rows: list[dict[str, Any]] = json.loads(
        table.to_json(orient="records", date_format="iso", force_ascii=False)
    )
    return rows


def _put(folder: Path, hour: str, lines: Mapping[str, list[str]]) -> None:
    """Write the lines of an hour."""
    for name, ones in lines.items():
        path = folder / name / hour / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, "".join(f"{line}\n" for line in ones))
