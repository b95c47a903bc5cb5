"""The tasks: what a dataset's models predict, each behind the protocol of `tasks.protocol`.

A folder of this package is a task; a team adds one of its own as the project's file
`tasks/<name>.py`. Either has a `TASK`.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from seedling import team_code
from seedling.errors import ProjectError
from seedling.tasks.protocol import Task

if TYPE_CHECKING:  # config asks here whether there is such a task
    from seedling.config import Dataset
    from seedling.scaffold.ready_models import Ready

OWN_FOLDER = "tasks"  # of a project
# Not by pkgutil: it imports inspect, and each project that is generated would wait for that.
READY = tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/__init__.py")))


class UnknownTask(ProjectError):
    """Report that no task has this name."""


def find(name: str) -> Task:
    """Return the task of this name.

    Raises:
        UnknownTask: neither this package nor the project's `tasks/` has it.
        ProjectError: the project's file cannot be imported or has no TASK, or its class lacks
            something.
    """
    if name in READY:
        found: Task = import_module(f"seedling.tasks.{name}").TASK
        return found
    if name in brought():
        return _own(name)
    raise UnknownTask(
        f"There is no task {name!r}; there are {', '.join(names())}: define another in "
        f"{OWN_FOLDER}/{name}.py."
    )


def _own(name: str) -> Task:
    """Return the task of the project's file tasks/<name>.py."""
    where = f"{OWN_FOLDER}/{name}.py"
    try:
        task = team_code.task(name)
    except ProjectError:
        raise
    except (SyntaxError, TypeError) as error:  # the class lacks an abstract method
        raise ProjectError(f"{where}: {error}.") from None
    except Exception as error:  # whatever the file does when it is imported
        raise ProjectError(f"{where}: {type(error).__name__}: {error}.") from error
    if Task not in type(task).__mro__:
        raise ProjectError(
            f"{where}: TASK must be an object of a class of seedling.extending.Task."
        )
    for attribute in ("name", "target_types", "metrics"):
        if not hasattr(task, attribute):
            raise ProjectError(f"{where}: {type(task).__name__} must define {attribute}.")
    return task


def of(dataset: "Dataset") -> Task:
    """Return the task of a dataset's models."""
    return find(dataset.task)


def names() -> list[str]:
    """List the names of all tasks, the project's own first: they are the more special ones."""
    return [*brought(), *READY]


def ready_models(report: Callable[[str], None] | None = None) -> "dict[str, dict[str, Ready]]":
    """Return the ready models of each task, without the tasks whose files are unfinished.

    Args:
        report: called with the error message of each task that is left out.
    """
    found = {}
    for name in names():
        try:
            found[name] = dict(find(name).ready_models)
        except Exception as error:  # also of the property, which is the team's
            if name in READY:
                raise
            where = "" if isinstance(error, ProjectError) else f"{OWN_FOLDER}/{name}.py: "
            if report is not None:
                report(f"{where}{error}")
    return found


def brought() -> list[str]:
    """List the names of the tasks that the project defines in tasks/."""
    return sorted({*team_code.modules(OWN_FOLDER)} - {*READY})
