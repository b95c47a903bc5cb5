"""Write the lines that a service appends to the prediction log; `records` reads them."""

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seedling.serving import logs
from seedling.serving.encoding import ENCODER

FROM_ANSWER = ("model", "version", "versions")  # keys of an answer that the line has of its own


def answer_line(
    route: str,
    rows: Sequence[Any],
    features: Sequence[str] | None,
    answer: Mapping[str, Any],
    by_row: Sequence[str],
    id: str,
) -> bytes:
    """Return the line of a request with rows.

    Args:
        route: the route of the request, such as "/score".
        rows: the n rows as the reader returned them.
        features: the names of the features, where a row has other values beside them.
        answer: the task's answer, `model`, `version`, and `versions` where several versions
            answered.
        by_row: the keys of the answer that hold an item for each row.
        id: of the prediction.
    """
    line = _start(route, id)
    line["rows"] = rows
    line["by_row"] = by_row
    if features is not None:
        line["features"] = features
    line |= {name: answer[name] for name in FROM_ANSWER if name in answer}
    line["outputs"] = {name: answer[name] for name in answer if name not in FROM_ANSWER}
    return ENCODER.encode(line)


def run_line(
    user_inputs: Mapping[str, Any],
    features: Any,
    outputs: Any,
    versions: Iterable[tuple[str, str]],
    id: str,
) -> bytes:
    """Return the line of a call of the team's serve.py.

    Args:
        user_inputs: the inputs of the request to /run.
        features: the features that serve.py returned.
        outputs: the outputs that serve.py returned.
        versions: model and version of each answer that went into the outputs.
        id: of the prediction.
    """
    answered = list(versions) or [("", "")]
    line = _start("/run", id)
    line |= {
        "inputs": user_inputs,
        "row": features,
        "model": ",".join(dict.fromkeys(model for model, _ in answered)),
        "version": ",".join(dict.fromkeys(version for _, version in answered)),
        "outputs": outputs,
    }
    return ENCODER.encode(line)


def new_id() -> str:
    """Return an id for a prediction: ids sort by their time, which is good for indexes."""
    return f"{time.time_ns():016x}{random.getrandbits(64):016x}"


def _start(route: str, id: str) -> dict[str, Any]:
    return {
        "id": id,
        "request_id": logs.REQUEST_ID.get() or "",
        "time": time.time(),
        "route": route,
    }
