"""The tasks: what a dataset's models predict, each behind the protocol of `tasks.protocol`.

A folder of this package is a task; a team adds one of its own as the project's file
`tasks/<name>.py`. Either has a `TASK`.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from seedling import team_code
from seedling.errors import ProjectError
from seedling.tasks.protocol import Task

if TYPE_CHECKING:  # config asks here whether there is such a task
    from seedling.config import Dataset

OWN_FOLDER = "tasks"  # of a project
# Not by pkgutil: it imports inspect, and each project that is generated would wait for that.
READY = tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/__init__.py")))


class UnknownTask(ProjectError):
    """Report that no task has this name."""


def find(name: str) -> Task:
    """Return the task of this name.

    Raises:
        UnknownTask: neither this package nor the project's `tasks/` has it.
        ProjectError: the project's file has no TASK, its class lacks a method, or a package that
            it imports is not installed.
    """
    if name in READY:
        found: Task = import_module(f"seedling.tasks.{name}").TASK
        return found
    if name in brought():
        try:
            return team_code.task(name)
        except TypeError as error:  # the class lacks an abstract method
            raise ProjectError(f"{OWN_FOLDER}/{name}.py: {error}.") from None
    raise UnknownTask(
        f"There is no task {name!r}; there are {', '.join(names())}: define another in "
        f"{OWN_FOLDER}/{name}.py."
    )


def of(dataset: "Dataset") -> Task:
    """Return the task of a dataset's models."""
    return find(dataset.task)


def names() -> list[str]:
    """List the names of all tasks, the project's own first: they are the more special ones."""
    return [*brought(), *READY]


def brought() -> list[str]:
    """List the names of the tasks that the project defines in tasks/."""
    return sorted({*team_code.modules(OWN_FOLDER)} - {*READY})
