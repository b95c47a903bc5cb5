"""Add the team's own routes: `POST /<route>` for each route:module:function of ROUTES."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response

from seedling import team_code
from seedling.containers import s2i
from seedling.containers.entry_points import Predict
from seedling.errors import ProjectError
from seedling.serving.bodies import body
from seedling.serving.encoding import ENCODER
from seedling.serving.inputs import in_payload, json_value
from seedling.serving.service import Service
from seedling.settings import ROUTES


def add(app: Flask, service: Service) -> frozenset[str]:
    """Add the routes that the variable ROUTES names; return their paths.

    Raises:
        ProjectError: it is malformed, or names a function that is not there.
    """
    taken = {rule.rule for rule in app.url_map.iter_rules()}
    wanted = named(ROUTES.get())
    for route, function in wanted.items():
        if f"/{route}" in taken:
            raise ProjectError(f"ROUTES: the service itself has a route /{route}: name another.")
        if not isinstance(function, Predict):
            view = _view(service, function)
            app.add_url_rule(f"/{route}", f"routes {route}", view, methods=["POST"])
        elif route != f"{function.model}/predict":  # a route of the service
            about = {"model": function.model}
            view = _model_view(service)
            app.add_url_rule(f"/{route}", f"routes {route}", view, methods=["POST"], defaults=about)
    return frozenset(f"/{route}" for route in wanted)


def named(text: str) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
    """Return the functions of ROUTES by route.

    Raises:
        ProjectError: an entry is malformed, or names a function that is not there.
    """
    found = {}
    for route, module, name in s2i.parsed(text):
        found[route] = team_code.function(module, name)
        if not callable(found[route]):
            raise ProjectError(f"ROUTES: {module}.{name} is no function.")
    return found


def _model_view(service: Service) -> Callable[..., Response]:
    """Return the view of a model's own entry point: it answers as `/<model>/predict` does."""

    def view(model: str) -> Response:
        found = {"payload": service.predict(body(), model)}
        return Response(ENCODER.encode(found), mimetype="application/json")

    return view


def _view(
    service: Service, function: Callable[[Mapping[str, Any]], Any]
) -> Callable[..., Response]:
    """Return the view of a function that takes the request's object and returns the answer."""

    def view() -> Response:
        message = in_payload(json_value(body()))
        found = service.within_limit(function, message)
        payload = found.get("payload", found) if isinstance(found, dict) else found
        return Response(ENCODER.encode({"payload": payload}), mimetype="application/json")

    return view
