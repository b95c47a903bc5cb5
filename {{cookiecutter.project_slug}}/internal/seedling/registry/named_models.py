"""Models under a name of the caller's choice: what a container trains, and another one serves.

A folder of that name holds the versions, and a note of the champion in the form of an entry under
`models` of model.yaml.
"""

import re
from pathlib import Path

from pydantic import ValidationError

from seedling.config import RegisteredModel
from seedling.errors import ProjectError
from seedling.files import read_json, write_json
from seedling.settings import MODEL_NAME, MODEL_NAME_OF_THE_SEED

NOTE = "champion.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def given() -> list[str]:
    """The names in MODEL_NAME, commas between."""
    return list(dict.fromkeys([*MODEL_NAME.get(), *MODEL_NAME_OF_THE_SEED.get()]))


def champion(folder: Path) -> RegisteredModel | None:
    """The version of the folder that serves; None where nothing was trained yet.

    Raises:
        ProjectError: the note cannot be read.
    """
    path = folder / NOTE
    if not path.exists():
        return None
    try:
        return RegisteredModel.model_validate(read_json(path))
    except (ValueError, ValidationError):
        where = f"{folder.name}/{NOTE}"
        raise ProjectError(
            f"{where} is not what training wrote: restore it, or remove {folder} and train again."
        ) from None


def note(folder: Path, registered: RegisteredModel) -> None:
    """Let a version of the folder be the one that serves."""
    write_json(folder / NOTE, registered.model_dump(exclude_defaults=True))


def refuse_name(name: str) -> None:
    """Refuse what cannot be the name of a folder everywhere."""
    if not NAME.fullmatch(name):
        raise ProjectError(
            f"MODEL_NAME: {name!r:.80} must be letters, digits, _ and -, 64 at most, with a letter "
            "or a digit first."
        )
