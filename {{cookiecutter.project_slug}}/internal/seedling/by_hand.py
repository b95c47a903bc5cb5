"""Run one of the team's files as a script, or a verb from a notebook.

A script works from any folder, by its path or by an editor's run button. After an error its process
ends with one line and exit code 1.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seedling import implementations
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.masking import mask_output
from seedling.processes import interrupted, share_cores

_COLOURS = {"CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR"}


def run_here(file: str, verb: str, *options: str) -> None:
    """Run a verb in the project of a file, as `python -m seedling VERB` does there.

    Args:
        file: the path of the script, `__file__`.
        verb: such as `serve-local`.
        options: as on the command line.
    """
    with entered(file):
        main = implementations.find("command line")
        main([verb, *options], prog_name="seedling", standalone_mode=False)


def run_verb(verb: str, *options: str, project: Project | None = None) -> None:
    """Run a verb from a notebook, as `python -m seedling VERB` does; print its lines as they come.

    Args:
        verb: such as `train`.
        options: as on the command line.
        project: the one of this folder unless given.

    Raises:
        ProjectError: the verb has failed, with its last line.
    """
    root = (project or Project.find()).root
    # A kernel asks for colours and moving lines, which no page keeps.
    variables = {name: value for name, value in os.environ.items() if name not in _COLOURS}
    # A process of its own: a kernel keeps what it has imported, and its signals.
    process = subprocess.Popen(
        [sys.executable, "-m", "seedling", verb, *options],
        cwd=root,
        env=variables | {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    last = ""
    try:
        assert process.stdout
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    finally:
        if process.poll() is None:
            process.terminate()
        code = process.wait()
    if code:
        raise ProjectError(last.removeprefix("Error: ") or f"{verb} ended with {code}.")


def predict_here(file: str) -> None:
    """Print the answers of a model's registered version to the rows of its test instances.

    Args:
        file: the path of the model's predict.py, which stands in models/<name>/.
    """
    with entered(file) as project:
        import pandas as pd

        from seedling.data import instances
        from seedling.registry.loaded import load_model

        model = load_model(Path(file).resolve().parent.name, project=project)
        rows = instances.read(project, model.name)["payload"]["instances"]
        names = [column.name for column in model.dataset.raw]
        answers = model.predict(pd.DataFrame(rows, columns=names))
        print(f"{model.name}, version {model.version}, on its test instances:")
        print(answers.to_string())


@contextmanager
def entered(file: str) -> Iterator[Project]:
    """Go to the root of the project that a script is in; yield the project.

    Args:
        file: the path of the script.
    """
    folder = Path(file).resolve().parent
    with interrupted.one_line(quiet=False):
        mask_output()
        share_cores()
        try:
            project = Project.find(folder)
            os.chdir(project.root)
            # Python has put the script's folder first: the packages are found from the root.
            sys.path[:] = [str(project.root), *(path for path in sys.path if path != str(folder))]
            yield project
        except ProjectError as error:
            print(f"Error: {error}", file=sys.stderr)
            sys.exit(1)
