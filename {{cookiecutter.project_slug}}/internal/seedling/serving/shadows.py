"""Shadows: versions that answer to the prediction log only."""

import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.serving import assets, log_texts, models, selection
from seedling.serving.models import Version
from seedling.serving.records import ENCODER, records_of
from seedling.serving.stores import Record
from seedling.serving.watch import WATCH_SECONDS

log = logging.getLogger(__name__)


class Shadows:
    """The shadow versions of model.yaml, loaded in the process that moves the log to its store."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._versions: dict[str, list[Version]] = {}  # by model
        self._modified: tuple[int, ...] = ()
        self._next_look = 0.0

    def refresh(self) -> bool:
        """Load the shadows that model.yaml names now; return whether there are any.

        Looks at model.yaml every WATCH_SECONDS at most.
        """
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + WATCH_SECONDS
            modified = selection.modified(self._project)
            if modified != self._modified:
                self._modified = modified
                self._load()
        return bool(self._versions)

    def records(self, line: Mapping[str, Any]) -> Iterator[Record]:
        """Yield the records of what the shadows of a line's model answer to its rows."""
        rows = line["rows"] if "rows" in line else [line["row"]]
        shared = {name: line[name] for name in line if name not in ("row", "versions")}
        for version in self._versions.get(line["model"], []):
            raw = [models.as_values(row, version.dataset.raw) for row in rows]
            own = {
                "version": version.version,
                "rows": rows,
                "outputs": version.answer(version.derivation.values(raw)),
                "by_row": version.task.by_row,
            }
            for record in records_of(ENCODER.encode(shared | own)):
                yield record._replace(id=f"{record.id}-shadow-{version.version}", role="shadow")

    def _refuse_without_texts(self, kept: str, version: Version) -> None:
        if not log_texts.are_kept(kept, version.dataset):
            raise ProjectError(
                f"the log keeps no texts (serving.logged_texts: {kept}), which it would answer."
            )

    def _load(self) -> None:
        self._versions = {}
        try:
            config = selection.config(Project(self._project.root))
        except ProjectError as error:
            log.error("model.yaml names no shadows that can be read: %s", error)
            return
        kept = config.serving.logged_texts
        for entry in config.models:
            if entry.shadow:
                try:
                    assets.fetch(self._project, entry)
                    version = models.load(self._project, entry)
                    self._refuse_without_texts(kept, version)
                except ProjectError as error:
                    log.error("The shadow %s is not loaded: %s", entry.model, error)
                else:
                    self._versions.setdefault(entry.model, []).append(version)
