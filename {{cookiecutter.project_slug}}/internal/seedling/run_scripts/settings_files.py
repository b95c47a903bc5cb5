"""Changes of single values in the files of a run folder, whose comments and layout stay."""

import json
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from seedling.config import read_text, validated
from seedling.config.document import parse, round_trip
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.run_scripts import compute, experiment
from seedling.run_scripts.experiment import Experiment


class YamlConfig(Mapping[str, Any]):
    """The values of `<experiment>.yml`, those not written in it by their defaults.

    Attributes:
        path: of the file.
    """

    def __init__(self, folder: Path) -> None:
        """Read the file.

        Raises:
            ProjectError: there is none, or it is invalid: with line and key.
        """
        found = experiment.file(folder)
        if found is None:
            raise ProjectError(f"{folder.as_posix()} has no <experiment>.yml: the run has no name.")
        self.path = found
        self._values = experiment.read(found).model_dump()

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        lines = [f"{self.path.name}:", *(f"  {key}: {one!r}" for key, one in self.items())]
        return "\n".join(lines)

    def setkeyvalue(self, key: str, value: Any) -> None:
        """Set a value in the file; its other lines and its comments stay as they are.

        Args:
            key: of the file.
            value: as YAML takes it.

        Raises:
            ProjectError: there is no such key, or it cannot have this value; nothing is written.
        """
        if key not in self._values:
            known = ", ".join(Experiment.model_fields)
            raise ProjectError(f"{self.path.name} has no key {key!r}; it has {known}.")
        yaml, text = round_trip(), read_text(self.path)
        document = parse(yaml, text, self.path)
        document[key] = value
        written = StringIO()
        yaml.dump(document, written)
        self._values = validated(written.getvalue(), self.path, Experiment).model_dump()
        write_text(self.path, written.getvalue())


def set_dns_name(folder: Path, name: str | None) -> None:
    """Set deploy_dns_name of azure-compute-config.json; the rest of its text stays.

    Raises:
        ProjectError: the file is invalid, or cannot have this name.
    """
    path = folder / compute.FILE
    compute.read(folder)
    text = read_text(path)
    value = json.dumps(name)
    pair = re.compile(r'("deploy_dns_name"\s*:\s*)("[^"]*"|null)')
    if pair.search(text):
        changed = pair.sub(lambda match: match[1] + value, text, count=1)
    else:
        start, _, rest = text.partition("{")
        changed = f'{start}{{\n    "deploy_dns_name": {value},{rest}'
    write_text(path, changed)
    try:
        compute.read(folder)
    except ProjectError:
        write_text(path, text)
        raise
