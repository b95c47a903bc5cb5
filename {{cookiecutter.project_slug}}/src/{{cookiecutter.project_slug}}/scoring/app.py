"""The routes. Every one answers JSON, errors too, and says which field is wrong."""

import logging
from typing import Any
from uuid import uuid4

import msgspec
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from ..config import Project
from ..errors import InputError, NotFound, ProjectError, Unavailable
from .service import Service

log = logging.getLogger(__name__)

LARGEST_BODY = 16 * 1024 * 1024  # bytes
STATUS: dict[type[ProjectError], int] = {InputError: 400, NotFound: 404, Unavailable: 503}


def create_app(project: Project | None = None, environment: str | None = None) -> Flask:
    """The service of a project: of the one around this folder, unless another is given.

    Args:
        project: whose model.yaml names the models to load.
        environment: what the variable ENVIRONMENT says, unless given: `app-dev` answers in the
            real shape without models or a feature store.
    """
    service = Service(project or Project.find(), environment)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["service"] = service

    @app.get("/")
    def index() -> Response:
        config = service.config
        names = {"name": config.name, "description": config.description}
        return jsonify(names | {"api_version": config.api_version})

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="OK")

    @app.get("/ready")
    def ready() -> tuple[Response, int]:
        versions = {name: model.version for name, model in service.models.items()}
        status = 503 if service.problems else 200
        return jsonify(ready=status == 200, models=versions, problems=service.problems), status

    @app.route("/run", methods=["GET", "POST"])
    def run() -> Response:
        user_inputs = request.args.to_dict() if request.method == "GET" else _object()
        features, outputs = service.run(user_inputs)
        answer = {"id": str(uuid4()), "user_inputs": user_inputs}
        return jsonify(answer | {"features": features, "outputs": outputs})

    @app.post("/<model>/predict")
    def predict(model: str) -> Response:
        served = service.model(model)
        payload = _object().get("payload")
        if not isinstance(payload, dict) or "instances" not in payload:
            raise InputError('Expected {"payload": {"instances": [...]}}.')
        return jsonify(payload=served.answer(served.instances(payload["instances"])))

    @app.errorhandler(Exception)
    def refuse(error: Exception) -> tuple[Response, int]:
        status, words = _explained(error)
        if request.path.endswith("/predict"):
            return jsonify(payload={"success": False, "error": words}), status
        return jsonify(error=words), status

    return app


def _object() -> dict[str, Any]:
    """The request's JSON object."""
    try:
        value = msgspec.json.decode(request.get_data())
    except RecursionError:
        raise InputError("The body is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = str(error).partition(" - at ")[0]
        raise InputError(f"The body is not valid JSON: {reason}.") from None
    if not isinstance(value, dict):
        raise InputError("The body must be a JSON object.")
    return value


def _explained(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        return error.code or 500, error.description or error.name
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            return status, str(error)
    log.exception("%s %s failed", request.method, request.path)
    return 500, "The service failed to answer; its log tells more."
