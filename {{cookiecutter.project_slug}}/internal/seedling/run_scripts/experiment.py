"""`<experiment>.yml` of a run folder: the names of a run, and what goes along with it."""

import re
from pathlib import Path
from typing import Annotated, Any

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from seedling.config import Section, read_text, validated
from seedling.errors import ProjectError
from seedling.run_scripts.texts import ModelType
from seedling.wording import in_words

ENDINGS = (".yml", ".yaml")
SPELLED = {"scikit-learn": "sklearn", "scikit_learn": "sklearn"}
AssetName = Annotated[
    str,
    StringConstraints(
        pattern=in_words(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "letters, digits, . _ and -"),
        max_length=255,
    ),
]
ServiceName = Annotated[
    str,
    StringConstraints(
        pattern=in_words(
            r"^[a-z]([a-z0-9-]{1,30})[a-z0-9]$",
            "3 to 32 small letters, digits and -, from a letter on",
        )
    ),
]


def _flavour(value: Any) -> Any:
    """Return the name of a flavour of MLflow as MLflow spells it."""
    lower = value.casefold() if isinstance(value, str) else value
    return SPELLED.get(lower, lower)


def _for_pip(line: str) -> str:
    """Return a line of a requirements file if it is an option, a path, an address or a package.

    Raises:
        ValueError: pip would refuse it.
    """
    line = line.strip()
    if not line.startswith(("-", ".", "/")) and not re.match(r"[a-z+]+://|[^@ ]+\.(whl|gz)$", line):
        try:
            Requirement(line)
        except InvalidRequirement as error:
            why = str(error).splitlines()[0]
            raise ValueError(f"pip does not take {line!r}: {why}") from None
    return line


class Experiment(Section):
    """The content of `<experiment>.yml`."""

    name: AssetName = Field(description="The experiment's name.")
    model_name: AssetName = Field(description="The name that the model is registered under.")
    env_name: AssetName = Field(
        default="", description="The environment's name; the experiment's unless given."
    )
    image: str | None = Field(
        default=None,
        min_length=1,
        description="The image below the environment; that of the project's jobs unless given.",
    )
    service_name: ServiceName = Field(
        default="", description="The endpoint's name; of the experiment's unless given."
    )
    dependencies: list[
        Annotated[str, StringConstraints(min_length=1), AfterValidator(_for_pip)]
    ] = Field(
        default=[],
        description="Packages as pip takes them, beside those of the project's groups train, aml.",
    )
    local: list[Annotated[str, StringConstraints(min_length=1)]] = Field(
        default=[],
        description="Folders and files that go along, relative to the run folder.",
    )
    exclude: list[Annotated[str, StringConstraints(min_length=1)]] = Field(
        default=[],
        description="Names and paths of files that stay here; * stands for any letters.",
    )
    mlflow_model_type: Annotated[ModelType, BeforeValidator(_flavour)] = Field(
        default="sklearn", description="The flavour of MLflow that the model is saved in."
    )

    @model_validator(mode="before")
    @classmethod
    def _names(cls, found: Any) -> Any:
        """Derive the names that are not given from the experiment's."""
        name = found.get("name") if isinstance(found, dict) else None
        if not isinstance(name, str):
            return found
        stem = re.sub("[^a-z0-9]+", "-", name.casefold()).strip("-0123456789")[:24].rstrip("-")
        return {"env_name": name, "service_name": f"{stem or 'run'}-service", **found}


def file(folder: Path) -> Path | None:
    """Return the experiment's file of a run folder; None if it has none.

    Raises:
        ProjectError: there are several.
    """
    found = sorted(path for path in folder.glob("*") if path.suffix in ENDINGS and path.is_file())
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ProjectError(f"{folder.as_posix()} has several experiments, {names}: keep one.")
    return found[0] if found else None


def read(folder: Path) -> Experiment:
    """Read `<experiment>.yml` of a run folder, or the file itself.

    Raises:
        ProjectError: there is none, there are several, or it is invalid: with line and key.
    """
    path = folder if folder.is_file() else file(folder)
    if path is None:
        raise ProjectError(f"{folder.as_posix()} has no <experiment>.yml: the run has no name.")
    return validated(read_text(path), path, Experiment)
