"""Training by rule: where a rule says so, the dataset is created anew, and the gate decides."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from seedling import implementations
from seedling.config import Project, span
from seedling.data import datasets
from seedling.errors import ProjectError
from seedling.lifecycle import attempts, labelled_rows, retrain_rules
from seedling.lifecycle.attempts import Attempt
from seedling.lifecycle.retrain_rules import Rule
from seedling.settings import AML_PIPELINE_EXEC_MODE
from seedling.training import runner, train
from seedling.training.outcomes import Outcome
from seedling.wording import counted

HERE, AZURE = "here", "azure"
TRIAL = (
    "A trial: rows of simulate-month are copies of rows that the gate measures on, "
    "which favours the new version."
)
MODES = {HERE: "DEV", AZURE: "PROD"}  # as AML_PIPELINE_EXEC_MODE has them
ASKED = "it was asked for"

Say = Callable[[str], object]


class Decision(NamedTuple):
    """The rules about one model.

    Attributes:
        model: a folder of models/.
        version: its champion; empty if none is registered.
        rules: with their numbers, also those that give no reason.
        waits: a sentence, where the cool-down is not over; else empty.
    """

    model: str
    version: str
    rules: list[Rule]
    waits: str

    @property
    def reasons(self) -> list[str]:
        """Return the names of the rules that fire, each with its reason in a few words."""
        return [f"{rule.name}: {rule.brief}" for rule in self.rules if rule.fires]

    @property
    def is_due(self) -> bool:
        return bool(self.reasons) and not self.waits


class Wishes(NamedTuple):
    """The wishes of a person about a training by rule.

    Attributes:
        where: `here` or `azure`; unless given, what AML_PIPELINE_EXEC_MODE says.
        force: train without a reason, and before the cool-down is over.
        logged_rows: add logged rows with truth that the source lacks; unless given, what model.yaml
            says.
        simulated: among them those of `simulate-month`.
    """

    where: str | None = None
    force: bool = False
    logged_rows: bool | None = None
    simulated: bool = False


def decide(
    project: Project, models: Sequence[str] = (), now: datetime | None = None
) -> list[Decision]:
    """Ask the rules about these models, or about all that model.yaml trains.

    Raises:
        ProjectError: there is no such model, or the prediction log does not answer.
    """
    now = now or datetime.now(UTC)
    project.config.refuse_untrainable()
    names = [*models] or [model.name for model in project.config.training.models]
    found = []
    for name in names:
        rules = retrain_rules.of_model(project, name, now)
        champion = retrain_rules.champion_of(project, name)
        version = champion.version if champion else ""
        found.append(Decision(name, version, rules, _waits(project, name, now)))
    return found


def retrain(
    project: Project,
    models: Sequence[str],
    wishes: Wishes,
    say: Say,
    decided: Callable[[list[Decision]], object],
) -> list[Outcome]:
    """Train the models that a rule gives a reason for; the gate decides what is registered.

    Args:
        project: the project of the models.
        models: folders of models/; all that model.yaml trains unless given.
        wishes: how to train.
        say: is called with a sentence about each step.
        decided: is called with what the rules say, before anything is trained.

    Raises:
        Busy: another process trains by rule.
        ProjectError: a dataset cannot be created, or a step of the training failed.
    """
    with attempts.one_at_a_time(project):
        decisions = decide(project, models)
        decided(decisions)
        due = [each for each in decisions if each.is_due or wishes.force]
        if not due:
            return []
        names = [each.model for each in due]
        where = wishes.where or _usual_place()
        why = {each.model: each.reasons or [ASKED] for each in due}
        attempt = attempts.begin(project, names, why, where)
        try:
            outcomes = _train(project, due, wishes, where, say)
        except ProjectError as error:
            attempt.problem = str(error)
            raise
        except BaseException:
            attempt.problem = attempts.KILLED
            raise
        else:
            registered = (outcome.registration for outcome in outcomes)
            attempt.registered = {one.model: one.version for one in registered if one.version}
        finally:
            attempts.end(project, attempt)
        return outcomes


def _train(
    project: Project, due: Sequence[Decision], wishes: Wishes, where: str, say: Say
) -> list[Outcome]:
    names = [each.model for each in due]
    of = list(dict.fromkeys(project.config.trained_model(name).dataset for name in names))
    for dataset in of:
        _create(project, dataset, wishes, say)
    if where == AZURE:
        implementations.find("datasets on azure ml")(project, of)
    trial = "; a trial with simulated rows" if wishes.simulated else ""
    why = {each.model: f"Retrained ({', '.join(each.reasons) or ASKED}{trial})." for each in due}
    return train.complete(project, runner.chosen(MODES[where]).start(project, names), why)


def _create(project: Project, name: str, wishes: Wishes, say: Say) -> None:
    """Create a dataset anew, since its source may have new rows; add logged ones if wished."""
    dataset = project.config.dataset(name)
    if dataset.source.endswith(".sql"):
        datasets.fill_sample_store(project)
    wanted = wishes.logged_rows
    if wanted is None:
        wanted = project.config.monitoring.retrain.logged_rows
    more = partial(labelled_rows.beside, project, dataset, wishes.simulated) if wanted else None
    note = datasets.create(project, dataset, more=more)
    added = f", {note['added_rows']:,} of them from the prediction log" if wanted else ""
    say(f"{name}: {counted(note['rows'], 'row')}{added}.")
    if wishes.simulated:
        say(TRIAL)


def _waits(project: Project, model: str, now: datetime) -> str:
    """Say until when the cool-down of a model lasts; empty where it is over."""
    last: Attempt | None = attempts.last_of(project, model)
    length = project.config.monitoring.retrain.cool_down
    until = datetime.fromisoformat(last.ended) + span(length) if last else now
    if until <= now:
        return ""
    hours = (until - now) / timedelta(hours=1)
    return f"trained by rule less than {length} ago; {hours:.1f} h are left"


def _usual_place() -> str:
    mode = AML_PIPELINE_EXEC_MODE.get()
    return next(where for where, name in MODES.items() if name == mode)
