"""Turn errors into answers: status, sentence, and the shape that the route's clients know."""

from collections.abc import Collection
from typing import Any

from flask import request
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
)

from seedling.errors import ProjectError
from seedling.masking import masked
from seedling.serving import bodies

MAX_ERROR_LENGTH = 500  # characters: an error may repeat what a caller sent
ERROR_CODES = {  # MLflow's names of statuses; of any other that is the caller's fault, BAD_REQUEST
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}


def explained(error: Exception) -> tuple[int, str]:
    """Return the HTTP status and the error message that answer a request with this error."""
    status, message = _explained(error)
    if len(message) > MAX_ERROR_LENGTH:
        message = f"{message[:MAX_ERROR_LENGTH]} ..."
    return status, message


def shaped(path: str, status: int, message: str, team_routes: Collection[str]) -> dict[str, Any]:
    """Return the body of an error, in the shape of the route that was asked for.

    Args:
        path: the path of the request.
        status, message: as `explained` returns them.
        team_routes: the paths of the routes of ROUTES, which answer in a payload.
    """
    route = f"/{path.strip('/')}"
    if route in team_routes or route.endswith("/predict"):
        return {"payload": {"success": False, "error": message}}
    if route.endswith("/invocations"):
        return {"error": message, "error_code": error_code(status), "message": message}
    return {"error": message}


def error_code(status: int) -> str:
    """Return MLflow's name of a status."""
    return ERROR_CODES.get(status, "BAD_REQUEST" if status < 500 else "INTERNAL_ERROR")


def _explained(error: Exception) -> tuple[int, str]:
    if isinstance(error, ProjectError) and error.status != ProjectError.status:
        # Cut first: to look for secrets in a megabyte takes seconds. What is cut is not shown.
        return error.status, masked(Exception.__str__(error)[: 4 * MAX_ERROR_LENGTH])
    if isinstance(error, RequestEntityTooLarge):
        most = f"{bodies.MAX_BODY_BYTES >> 20} MiB"
        return 413, f"The body is larger than the {most} that a request may have: send it in parts."
    if isinstance(error, HTTPException):
        return _of_http(error)
    return 500, "The service failed to answer; its log has the details."


def _of_http(error: HTTPException) -> tuple[int, str]:
    """Return status and message of an error of Flask or werkzeug."""
    if isinstance(error, NotFound):
        return 404, f"There is no {request.path} here: /docs lists what there is."
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or []))
        return 405, f"{request.method} is not for this route: it takes {allowed}."
    if isinstance(error, BadRequest):
        return 400, "The request is not valid HTTP, or its body did not arrive whole."
    return error.code or 500, error.description or error.name
