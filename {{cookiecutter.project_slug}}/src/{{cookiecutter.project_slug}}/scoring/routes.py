"""Routes of the team's own: ROUTES=route:module:function,... adds `POST /<route>` for each."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response

from .. import team
from ..errors import InputError, ProjectError
from .bodies import body
from .inputs import json_object
from .service import ENCODER, Service


def add(app: Flask, service: Service) -> None:
    """Add the routes that the variable ROUTES names.

    Raises:
        ProjectError: it is not of that form, or names what is not there.
    """
    for route, function in named(os.environ.get("ROUTES", "")).items():
        app.add_url_rule(f"/{route}", f"routes {route}", _view(service, function), methods=["POST"])


def named(text: str) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
    """The functions by their routes."""
    found = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        parts = entry.split(":")
        if len(parts) != 3 or not all(parts):
            raise ProjectError(f"ROUTES: {entry!r} is not of the form route:module:function.")
        route, module, function = parts
        found[route.strip("/")] = team.function(module, function)
    return found


def _view(service: Service, function: Callable[[Mapping[str, Any]], Any]) -> Callable[[], Response]:
    """The function is given the request's object and answers with its `payload`."""

    def view() -> Response:
        message = json_object(body())
        if not isinstance(message.get("payload"), dict):
            raise InputError('Expected {"payload": {...}}.')
        found = service.within_limit(function, message)
        payload = found.get("payload", found) if isinstance(found, dict) else found
        return Response(ENCODER.encode({"payload": payload}), mimetype="application/json")

    return view
