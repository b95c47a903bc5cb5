"""The verb `train`, and `train_here`, by which a model's train.py runs as a script."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from seedling.by_hand import entered
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.training import outcomes, runner
from seedling.training.local_run import LocalRun
from seedling.training.outcomes import Outcome
from seedling.training.runner import Runner


def train(project: Project, models: Sequence[str]) -> list[Outcome]:
    """Run the pipeline for these models, or for all; return the outcome of each.

    Raises:
        ProjectError: the pipeline is invalid, or a step failed. Versions registered before the
            failure are noted all the same.
    """
    return complete(project, runner.chosen().start(project, models))


def complete(
    project: Project, runs: Iterable[Runner], why: Mapping[str, str] = MappingProxyType({})
) -> list[Outcome]:
    """Wait for runs that were started, and note the versions that they registered.

    Args:
        project: the project of the models.
        runs: the runs.
        why: sentences for the audit, by model.

    Raises:
        ProjectError: a run cannot be followed, or one of its steps failed.
    """
    found = []
    for run in runs:
        run.wait()
        of_run = outcomes.collect(project, run)
        outcomes.note(project, [outcome.registration for outcome in of_run], why)
        run.fetch(outcome.registration for outcome in of_run)
        problem = run.problem()
        if problem:
            raise ProjectError(problem)
        run.remove()
        found += of_run
    return found


def train_here(file: str) -> None:
    """Train, evaluate and register the model of a train.py on this machine, and print its outcome.

    Call it as the last line of a model's train.py, so that `python models/<name>/train.py` and an
    editor's run button train that model: `if __name__ == "__main__": train_here(__file__)`. It
    works from any folder. After an error the process ends with one line and exit code 1.

    Args:
        file: the path of the train.py, which stands in models/<name>/.
    """
    with entered(file) as project:
        model = Path(file).resolve().parent.name
        outcomes.show(complete(project, LocalRun.start(project, [model])))
