"""Which parts a project may have, and which are on: the key `parts` of model.yaml.

The code of every part stands in internal/, whatever is on; a part decides only what a person sees:
files, keys, pages and verbs. It needs nothing but the standard library, as add_part.py does.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from seedling.errors import ProjectError

FILE = "model.yaml"
Part = Literal["containers", "azure", "github", "azure_devops"]
CONTAINERS: Part = "containers"
AZURE: Part = "azure"
# In the order in which model.yaml has them, with what add-part says of each.
PARTS: dict[Part, str] = {
    CONTAINERS: "images of the service and of each model, by docker or podman",
    AZURE: "training, deployment and a shared registry on Azure ML",
    "github": "checks, and with azure training, by GitHub Actions",
    "azure_devops": "checks, and with azure training, by Azure Pipelines",
}
DEFAULT: list[Part] = [CONTAINERS, AZURE]  # of a model.yaml without the key
LINE = re.compile(r"(?m)^parts:[ \t]*\[([^\]\n]*)\]")
LIST = re.compile(r"(?m)^parts:[ \t]*(?:#.*)?\n((?:[ \t]*- .*\n?)+)")


def on(settings: str) -> list[str]:
    """Return the names of the parts that the text of model.yaml lists under `parts`."""
    line, items = LINE.search(settings), LIST.search(settings)
    if line:
        return [name.strip(" \t'\"") for name in line[1].split(",") if name.strip()]
    if items:
        return re.findall(r"- *['\"]?(\w+)", items[1])
    return [*DEFAULT]


def is_on(root: Path, part: str) -> bool:
    """Return whether the project in `root` has the part."""
    return part in on((root / FILE).read_text(encoding="utf-8"))


def refuse(part: str, present: Iterable[str]) -> None:
    """Refuse a part that does not exist, or that is on.

    Raises:
        ProjectError: with the parts that could be added.
    """
    if part in present:
        raise ProjectError(f"The part {part} is on: model.yaml lists it under parts.")
    if part not in PARTS:
        others = ", ".join(name for name in PARTS if name not in present)
        raise ProjectError(f"There is no part {part!r:.80}; add-part takes {others or 'no other'}.")


def with_part(settings: str, part: str) -> str:
    """Return the text of model.yaml with one more name under `parts`."""
    names = {*on(settings), part}
    line = f"parts: [{', '.join(name for name in PARTS if name in names)}]"
    if LINE.search(settings):
        return LINE.sub(line, settings, count=1)
    items = LIST.search(settings)
    if items:
        indent = items[1].partition("-")[0]
        end = "" if items[1].endswith("\n") else "\n"
        return f"{settings[: items.end(1)]}{end}{indent}- {part}\n{settings[items.end(1) :]}"
    return re.sub(r"(?m)^(slug: .*\n)", rf"\1{line}\n", settings, count=1)
