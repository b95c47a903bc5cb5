"""The routes of the Flask app. All answer JSON, and errors too, with the name of a wrong field."""

import logging
import os
import time
from contextlib import suppress
from typing import Any

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.serving import bodies, logs, page, project_page, protocols, routes
from seedling.serving.access import Access, Refused
from seedling.serving.bodies import body
from seedling.serving.encoding import ENCODER
from seedling.serving.inputs import json_object
from seedling.serving.metrics import OTHER
from seedling.serving.refusals import explained, shaped
from seedling.serving.service import Service

log = logging.getLogger(__name__)

STARTED, REQUEST_ID = "scoring.started", "scoring.request_id"  # in the WSGI environment
OPEN = {"health", "ready", "ping"}  # endpoints without authorisation: probes send no key


def create_app(
    project: Project | None = None, environment: str | None = None, start: bool = True
) -> Flask:
    """Return the Flask app of a project's service.

    Args:
        project: the project to serve; the one around the working folder unless given.
        environment: the value of the variable ENVIRONMENT, unless given: `app-dev` answers in the
            real shape without models or a feature store.
        start: whether this process answers; False where it is forked into workers that call
            `start` and `open` of `app.extensions["service"]` themselves.
    """
    service = Service(project or Project.find(), environment, forking=not start)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = bodies.MAX_BODY_BYTES
    app.extensions["service"] = service
    app.extensions["team_routes"] = frozenset()
    _answer_where_asked(app)
    access = Access.from_environment(os.environ)
    _guard(app, service, access)
    _probes(app, service, access)
    _predictions(app, service)
    _pages(app, service, access.keyed)
    app.extensions["team_routes"] = routes.add(app, service)
    service.metrics.add_routes(rule.rule for rule in app.url_map.iter_rules())
    if start:
        service.start()
        service.open()
    return app


def answer(value: Any, status: int = 200, mimetype: str = "application/json") -> Response:
    """Return a response with a value as JSON."""
    return Response(ENCODER.encode(value), status, mimetype=mimetype)


def _answer_where_asked(app: Flask) -> None:
    """Answer a path with a slash at its end too, and a request that offers another protocol.

    Nothing is redirected: not every client sends its body again. RFC 9110 lets a server ignore
    `Upgrade`, and werkzeug would look for routes of a websocket.
    """
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    inner = app.wsgi_app

    def wsgi_app(environ: Any, start_response: Any) -> Any:
        environ.pop("HTTP_UPGRADE", None)
        return inner(environ, start_response)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]


def _guard(app: Flask, service: Service, access: Access) -> None:
    """Authorise, time, count and log every request, and turn errors into answers."""

    @app.before_request
    def enter() -> None:
        environ = request.environ  # each access to `request` itself costs a microsecond
        environ[STARTED] = time.perf_counter()
        request_id = logs.new_request_id(environ.get("HTTP_X_REQUEST_ID"))
        environ[REQUEST_ID] = request_id
        logs.REQUEST_ID.set(request_id)
        logs.PREDICTION_ID.set(None)
        if request.endpoint not in OPEN:
            access.check(request.headers, environ.get("REMOTE_ADDR"))

    @app.after_request
    def leave(response: Response) -> Response:
        current: Request = request._get_current_object()  # type: ignore[attr-defined]
        request_id = current.environ[REQUEST_ID]
        seconds = time.perf_counter() - current.environ[STARTED]
        rule = current.url_rule.rule if current.url_rule else OTHER
        model = current.view_args.get("model", "") if current.view_args else ""
        response.headers["X-Request-ID"] = request_id
        prediction_id = logs.PREDICTION_ID.get()
        if prediction_id is not None:
            response.headers["X-Prediction-ID"] = prediction_id
        service.metrics.answered(rule, current.method, response.status_code, model, seconds)
        if service.telemetry:
            ended = time.time_ns()
            service.telemetry.request(
                rule,
                current.method,
                response.status_code,
                ended - int(seconds * 1e9),
                ended,
                request_id,
                {"model": model},
            )
        logs.REQUEST_ID.set(None)
        return response

    @app.errorhandler(Exception)
    def refuse(error: Exception) -> Response:
        status, message = explained(error)
        if status == ProjectError.status:
            log.exception("%s %s failed", request.method, request.path)
        bodies.discard()
        found = shaped(request.path, status, message, app.extensions["team_routes"])
        response = answer(found, status)
        if isinstance(error, HTTPException):
            allowed = error.get_response().headers.get("Allow")
            response.headers.update({"Allow": allowed} if allowed else {})
        if isinstance(error, Refused):
            response.headers.update(error.headers)
        return response


def _probes(app: Flask, service: Service, access: Access) -> None:
    @app.get("/health")
    @app.get("/healthcheck")
    def health() -> Response:
        return answer({"status": "OK"})

    @app.get("/ready")
    def ready() -> Response:
        problems = service.problems
        is_ready = not problems
        found: dict[str, Any] = {"ready": is_ready}
        with suppress(ProjectError):  # details only for authorised callers; probes send no key
            access.check(request.headers, request.remote_addr)
            found |= {**service.roles(), "problems": problems}
        return answer(found, 200 if is_ready else 503)

    @app.get("/ping")
    def ping() -> Response:
        return Response("\n", 503 if service.problems else 200, mimetype="application/json")

    @app.get("/version")
    def version() -> Response:
        return Response(service.mlflow_version(), mimetype="text/plain")

    @app.get("/metrics")
    def metrics() -> Response:
        text, content_type = service.metrics.text()
        return Response(text, content_type=content_type)


def _predictions(app: Flask, service: Service) -> None:
    @app.route("/run", methods=["GET", "POST"])
    def run() -> Response:
        user_inputs = request.args.to_dict() if request.method == "GET" else json_object(body())
        return answer(service.run(user_inputs))

    @app.post("/<model>/predict")
    def predict(model: str) -> Response:
        return answer({"payload": service.predict(body(), model)})

    @app.post("/score")
    @app.post("/<model>/score")
    def score(model: str | None = None) -> Response:
        return answer(service.score(body(), model))

    @app.post("/invocations")
    @app.post("/<model>/invocations")
    def invocations(model: str | None = None) -> Response:
        found = service.invocations(body(), request.content_type, model)
        response = answer(protocols.answer(found["predictions"]))
        versions = found.get("versions", [found["version"]])
        if versions:
            response.headers["X-Model-Version"] = ",".join(dict.fromkeys(versions))
        return response


def _pages(app: Flask, service: Service, keyed: bool) -> None:
    app.register_blueprint(page.blueprint(lambda: (service.config, service.facts())))
    app.register_blueprint(project_page.blueprint(service.project))

    @app.get("/")
    def index() -> Response:
        if page.wants_page(request):
            has_project = project_page.is_there(service.project)
            found = page.page(service.config, service.facts(), keyed, has_project)
            return page.secured(Response(found, mimetype="text/html"))
        config = service.config
        names = {"name": config.name, "description": config.description}
        return answer(names | {"api_version": config.api_version})
