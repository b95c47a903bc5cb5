"""Shadows: versions that answer to the prediction log only."""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.serving import assets, models, selection
from seedling.serving.models import Version
from seedling.serving.records import ENCODER, records_of
from seedling.serving.stores import Record

log = logging.getLogger(__name__)

WATCHED = 2.0  # seconds between looks at model.yaml


class Shadows:
    """Gives what the shadows of model.yaml say to the rows of a line; true while there are any."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._versions: dict[str, list[Version]] = {}
        self._seen: tuple[int, ...] = ()
        self._look_at = 0.0

    def __bool__(self) -> bool:
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + WATCHED
            self._follow()
        return bool(self._versions)

    def __call__(self, line: Mapping[str, Any]) -> Iterator[Record]:
        given = line["rows"] if "rows" in line else [line["row"]]
        noted = {name: line[name] for name in line if name not in ("row", "versions")}
        for version in self._versions.get(line["model"], []):
            rows = [models.as_values(row, version.dataset) for row in given]
            outputs = version.answer(rows)
            noted |= {"version": version.version, "rows": given, "outputs": outputs}
            noted["by_row"] = version.task.by_row
            for record in records_of(ENCODER.encode(noted)):
                yield record._replace(id=f"{record.id}-{version.version}", role="shadow")

    def _follow(self) -> None:
        """Load the shadows again if model.yaml has changed."""
        now = selection.seen(self._project)
        if now == self._seen:
            return
        self._seen, self._versions = now, {}
        try:
            entries = selection.config(Project(self._project.root)).models
        except ProjectError as error:
            log.error("model.yaml names no shadows that can be read: %s", error)
            return
        for entry in entries:
            if entry.shadow:
                try:
                    assets.bring(self._project, entry, os.getenv("ENVIRONMENT", ""))
                    found = models.load(self._project, entry)
                except ProjectError as error:
                    log.error("The shadow %s is silent: %s", entry.model, error)
                else:
                    self._versions.setdefault(entry.model, []).append(found)
