"""A month that is simulated: rows of the dataset, shifted, sent to the service, with their truth.

None of it passes for real: the prediction log knows each request by an id that begins with
`simulated-`, and the truth belongs to keys that no entity has, or to these predictions alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from seedling import tasks
from seedling.config import Dataset, Project, Stage, stage
from seedling.errors import ProjectError
from seedling.files import read_json, write_json
from seedling.lifecycle import shifts, simulated_rows
from seedling.lifecycle.shifts import Shift
from seedling.monitoring.add_truth import Wanted, add_truth
from seedling.monitoring.truth import PREDICTION_ID, ROW
from seedling.serving.client import Client
from seedling.serving.run_features import typed
from seedling.serving.stores import LEARNED, SIMULATED, log_settings

DAYS = 30
LATE_DAYS = 7  # the last ones, whose truth has not arrived
REQUEST_ROWS = 100
TRUTH, LATE, NOTE = "truth.csv", "late.csv", "month.json"
LOCK = ".lock"


class Month(msgspec.Struct):
    """The note of a month that was simulated.

    Attributes:
        name: of its folder below local_assets/simulated/, and in the ids of its requests.
        shifts: as they are typed.
        unseen: whether the champion has learned from none of the rows.
        keys: the first and the last one, of the column `key`; empty where rows have no own key.
        with_truth: the rows whose truth was added.
    """

    name: str
    model: str
    dataset: str
    rows: int
    shifts: list[str]
    seed: int
    unseen: bool
    key: str = ""
    keys: list[str] = []
    with_truth: int = 0


def folder(project: Project) -> Path:
    """Return the folder of all months."""
    return project.assets / "simulated"


def months(project: Project) -> list[Month]:
    """Return the months that were simulated, the oldest first."""
    notes = sorted(folder(project).glob(f"*/{NOTE}"))
    return [msgspec.convert(read_json(note), Month) for note in notes]


def refuse_production(project: Project) -> None:
    """Refuse to write rows that are made up into the log of production, or into none.

    Raises:
        ProjectError: ENVIRONMENT is that of production or app-dev, or the prediction log is off.
    """
    if stage(project.config) is not Stage.LOCAL:
        raise ProjectError(
            "simulate-month makes rows up: it runs where ENVIRONMENT is unset or one of "
            "development."
        )
    if log_settings(project.config) is None:
        raise ProjectError(
            "The prediction log is off, so a month would leave nothing: set serving.prediction_log "
            "in model.yaml."
        )


@contextmanager
def one_at_a_time(project: Project) -> Iterator[None]:
    """Let no other process simulate a month within the block: it would give rows the same keys.

    Raises:
        ProjectError: another one does.
    """
    folder(project).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder(project) / LOCK, blocking=False):
            yield
    except Timeout:
        raise ProjectError("Another simulate-month runs: nothing was sent.") from None


class Simulation:
    """A month that is drawn and shifted, and not sent yet."""

    def __init__(
        self,
        project: Project,
        model: str,
        wanted: Sequence[Shift],
        count: int | None = None,
        seed: int | None = None,
    ) -> None:
        """
        Args:
            project: the project.
            model: the one that is asked.
            wanted: the shifts.
            count: of rows; as many as `simulated_rows.draw` finds unless given.
            seed: of what is drawn; the number of months so far unless given.

        Raises:
            ProjectError: there is no such model, version or dataset, or a shift does not fit.
        """
        before = months(project)
        self.project = project
        self.dataset: Dataset = project.config.dataset(project.config.trained_model(model).dataset)
        seed = len(before) if seed is None else seed
        generator = np.random.default_rng(seed)
        earlier = sum(month.rows for month in before)
        drawn = simulated_rows.draw(project, model, self.dataset, count, earlier, generator)
        own = simulated_rows.own_key(self.dataset)
        rows = drawn.rows.assign(**{own: drawn.keys}) if own else drawn.rows
        shifted = shifts.shifted(rows, wanted, generator)
        self.rows = tasks.of(self.dataset).training.true_after(shifted, rows, self.dataset)
        made = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")[:-3]
        self.month = Month(
            made if drawn.unseen else f"{made}{LEARNED}".removesuffix("-"),
            model,
            self.dataset.name,
            len(self.rows),
            [shift.text for shift in wanted],
            seed,
            drawn.unseen,
            own,
            [str(drawn.keys[0]), str(drawn.keys[-1])] if own else [],
        )

    def send(self, client: Client, sent: Callable[[int], object]) -> None:
        """Send the rows day by day, and add the truth of all days but the last ones.

        Args:
            client: of the service.
            sent: called with the number of rows after each request.

        Raises:
            ProjectError: the service does not answer, or refuses a row.
        """
        names = [column.name for column in self.dataset.raw]
        beside = [name for name in self.dataset.entity_key if name not in names]
        table = self.rows[[*beside, *names]].astype(object)
        bodies: list[dict[str, Any]] = table.where(table.notna(), None).to_dict("records")
        instances = typed(bodies, self.dataset.raw)
        days = np.arange(len(instances)) * DAYS // len(instances)
        ids: list[tuple[str, int]] = []  # of a prediction, and the row of its request
        for day in range(DAYS):
            of_day = np.flatnonzero(days == day).tolist()
            for start in range(0, len(of_day), REQUEST_ROWS):
                places = of_day[start : start + REQUEST_ROWS]
                body = {"payload": {"instances": [instances[place] for place in places]}}
                request = f"{SIMULATED}{self.month.name}-d{day + 1:02}"
                answer = client.asked(f"{self.month.model}/predict", body, request)
                ids += [(answer.prediction_id, row) for row in range(len(places))]
                sent(len(places))
        self._note(days < DAYS - LATE_DAYS, ids)

    def _note(self, arrived: "np.ndarray[Any, Any]", ids: Sequence[tuple[str, int]]) -> None:
        """Write the truth of the rows, add what has arrived, and write the month's note."""
        target = self.dataset.target.name
        if self.month.key:
            found = self.rows[[*self.dataset.entity_key, target]]
        else:
            found = pd.DataFrame(ids, columns=[PREDICTION_ID, ROW])
            found[target] = self.rows[target]
        here = folder(self.project) / self.month.name
        here.mkdir(parents=True)
        found[arrived].to_csv(here / TRUTH, index=False)
        found[~arrived].to_csv(here / LATE, index=False)
        self.month.with_truth = int(arrived.sum())
        write_json(here / NOTE, msgspec.to_builtins(self.month))
        if self.month.with_truth:
            add_truth(self.project, self.dataset, Wanted(str(here / TRUTH)))
