"""JSON files of a run folder, validated; a fault has its file, line and key, and never a value."""

from pathlib import Path
from typing import TypeVar

from pydantic import ConfigDict, Field, ValidationError

from seedling.config import Section, json_object
from seedling.config.document import problem_of
from seedling.errors import ProjectError


class JsonFile(Section):
    """The object of a JSON file; `$schema` is for editors. A number in quotes is a text."""

    model_config = ConfigDict(strict=True)

    for_editors: str | None = Field(default=None, alias="$schema", exclude=True)


S = TypeVar("S", bound=JsonFile)


def read(path: Path, kind: type[S]) -> S:
    """Read a JSON file, and validate its object.

    Raises:
        ProjectError: one line with file, line, key and what is expected there.
    """
    found = json_object.read(path)
    try:
        return kind.model_validate(found.values)
    except ValidationError as error:
        keys, problem = problem_of(error)
        where = found.place(str(keys[0])) if keys else path.name
        raise ProjectError(f"{where}: {problem}.") from None
