"""Try the endpoints of models with their test instances."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

from seedling.config import Project
from seedling.data import instances
from seedling.errors import ProjectError
from seedling.serving.client import Client
from seedling.wording import counted


class Tried(NamedTuple):
    """The result for one model's endpoint: `problem` is empty if it answered every row."""

    model: str
    version: str
    rows: int
    milliseconds: float
    answer: Any
    problem: str


def attempt(project: Project, model: str, client: Client, route: str = "") -> Tried:
    """Send a model's test instances to its endpoint, and check that every row is answered.

    Args:
        project: the project of the model.
        model: its name.
        client: of the service.
        route: the endpoint, if it is not `<model>/predict`.
    """
    path = route or f"{model}/predict"
    return attempt_by(project, model, lambda body: client.ask(path, body)["payload"])


def attempt_by(
    project: Project, model: str, ask: Callable[[dict[str, Any]], Any], file: str | None = None
) -> Tried:
    """Send a model's test instances by a function, and check that every row is answered.

    Args:
        project: the project of the model.
        model: its name.
        ask: sends the body, and returns the payload of the answer.
        file: another file with test instances than the model's own, from the project's folder.
    """
    began = perf_counter()
    try:
        body = instances.read(project, model, file)
        payload = ask(body)
    except ProjectError as error:
        return Tried(model, "", 0, 0.0, None, str(error))
    except (KeyError, TypeError):
        return Tried(model, "", 0, 0.0, None, "the answer has no payload")
    if not isinstance(payload, dict) or not isinstance(payload.get("predictions"), list):
        return Tried(model, "", 0, 0.0, payload, "the answer's payload has no predictions")
    took = (perf_counter() - began) * 1000
    rows = body["payload"]["instances"]
    sent = len(rows) if not rows or isinstance(rows[0], list | dict) else 1
    answered = len(payload["predictions"])
    problem = "" if answered == sent else f"{counted(sent, 'row')} sent, {answered:,} answered"
    return Tried(model, str(payload.get("version", "-")), sent, took, payload, problem)


def lines(tried: Sequence[Tried]) -> list[str]:
    """Return a line for each model, with "good" or "wrong" first."""
    width = max(len(each.model) for each in tried)
    return [
        f"{'wrong' if each.problem else 'good':5}  {each.model:{width}}  "
        + (
            each.problem
            or f"version {each.version}, {counted(each.rows, 'row')}, {each.milliseconds:.0f} ms"
        )
        for each in tried
    ]
