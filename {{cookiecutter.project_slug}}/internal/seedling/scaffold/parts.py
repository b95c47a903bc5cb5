"""The parts that a project may have, and those that are on: the key `parts` of model.yaml.

The code of every part stands in internal/, whatever is on; a part decides only what a person sees:
files, keys, pages and verbs.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from seedling.errors import ProjectError
from seedling.scaffold import edit_text

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


def on(settings: str) -> list[str]:
    """Return the names of the parts that the text of model.yaml lists under `parts`."""
    listed = edit_text.words(settings, "parts")
    return [*DEFAULT] if listed is None else listed


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
    listed = edit_text.outline(settings).find("parts")
    if listed is None:
        above = "slug" if edit_text.outline(settings).find("slug") else "name"
        return edit_text.insert_after(settings, above, f"{line}\n", FILE)
    if listed.held.startswith("["):
        return re.sub(r"(?m)^parts:[ \t]*\[[^\]]*\]", line, settings, count=1)
    return edit_text.insert(settings, "parts", f"- {part}\n", FILE)
