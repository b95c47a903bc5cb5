"""The try-it page and /docs: HTML without inline scripts or styles, and without other hosts."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Request, Response, abort, redirect, request, send_from_directory
from jinja2 import Environment
from werkzeug import Response as WerkzeugResponse

from seedling import tasks
from seedling.columns.protocol import Column
from seedling.config import Config
from seedling.serving import openapi_schemas
from seedling.serving.model_info import ModelFacts, by_name
from seedling.serving.openapi import document
from seedling.templating import templates

HERE = Path(__file__).parent
SWAGGER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")
POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
PAGE_POLICY = f"{POLICY}; require-trusted-types-for 'script'"
DOCS_POLICY = f"{POLICY}; img-src 'self' data:"  # Swagger UI has its icons in its style sheet
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}

Served = Callable[[], tuple[Config, Sequence[ModelFacts]]]


def page(
    config: Config, models: Sequence[ModelFacts], keyed: bool = False, has_project: bool = False
) -> str:
    """Return the HTML of the try-it page: a form for each served model, made from its schema.

    Args:
        config: name, description and organisation.
        models: the served versions, each champion before its challengers; the first is selected.
        keyed: whether callers need a key, which the curl command then sends.
        has_project: whether /project has the page of the project's life.
    """
    shown = [_Shown(at, versions) for at, versions in enumerate(by_name(models).values())]
    facts = {"config": config, "models": shown, "keyed": keyed, "has_project": has_project}
    return _templates().get_template("page.html.j2").render(facts)


def docs(config: Config) -> str:
    """Return the HTML of /docs: Swagger UI for /openapi.json."""
    return _templates().get_template("docs.html.j2").render(config=config)


def wants_page(request: Request) -> bool:
    """Return whether the client prefers HTML to JSON: browsers do, curl and programs do not."""
    offered = ["application/json", "text/html"]
    return request.accept_mimetypes.best_match(offered) == "text/html"


def secured(response: Response, policy: str = PAGE_POLICY) -> Response:
    """Add the headers that keep a browser from running or framing anything else."""
    response.headers.update(HEADERS)
    response.headers["Content-Security-Policy"] = policy
    response.vary.add("Accept")
    return response


def blueprint(served: Served) -> Blueprint:
    """Return the routes /docs, /openapi.json and those of the files of both pages.

    Args:
        served: returns the config and the served versions at the time of the request.
    """
    routes = Blueprint("page", __name__)

    @routes.get("/docs")
    def show_docs() -> Response | WerkzeugResponse:
        if request.path.endswith("/"):  # the page's links are relative
            return redirect("../docs")
        return secured(Response(docs(served()[0]), mimetype="text/html"), DOCS_POLICY)

    @routes.get("/openapi.json")
    def openapi() -> Response:
        text = json.dumps(document(*served()), ensure_ascii=False)  # in this order
        return Response(text, mimetype="application/json")

    @routes.get("/static/<path:name>")
    def static_file(name: str) -> Response:
        return _file(HERE / "static", name)

    @routes.get("/static/swagger/<name>")
    def swagger_file(name: str) -> Response:
        if name not in SWAGGER_FILES:
            abort(404, f"There is no file {name!r} here.")
        return _file(_swagger(), name)

    return routes


def _file(folder: Path, name: str) -> Response:
    """Return a file that a browser may cache, and revalidates by its hash."""
    response = send_from_directory(folder, name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _swagger() -> Path:
    spec = find_spec("flask_swagger_ui")
    if spec is None or spec.origin is None:
        abort(404, "flask-swagger-ui is not installed: run init.")
    return Path(spec.origin).parent / "dist"


@cache
def _templates() -> Environment:
    return templates(HERE)


class _Shown:
    """A model on the page: its facts, its fields, and an id that does not depend on its name."""

    def __init__(self, at: int, versions: Sequence[ModelFacts]) -> None:
        self.facts = versions[0]
        self.id = f"m{at}"
        self.versions = [facts.version for facts in versions]
        task = tasks.of(self.facts.dataset)
        self.answers = task.facts(self.facts.dataset.target)
        self.shown = json.dumps(task.shown)
        self.computed = openapi_schemas.computed(self.facts.dataset)
        self.fields = [
            _Field(f"{self.id}-f{number}", column)
            for number, column in enumerate(self.facts.dataset.raw)
        ]

    @property
    def gate(self) -> str:
        """Return the metric that a new version has to beat, and its value, if measured."""
        dataset = self.facts.dataset
        value = self.facts.metrics.get(dataset.metric)
        return "" if value is None else f"{dataset.metric} {value:.4g}"

    @property
    def metrics(self) -> dict[str, str]:
        """Return the metrics that were measured, the gate's first."""
        gate = self.facts.dataset.metric
        known = {name: value for name, value in self.facts.metrics.items() if value is not None}
        names = sorted(known, key=lambda name: name != gate)
        return {name: f"{known[name]:.4g}" for name in names}


class _Field:
    """A field of the form, for one feature; `hint` is the text below it."""

    def __init__(self, where: str, column: Column) -> None:
        self.id, self.name, self.nullable = where, column.name, column.nullable
        self.asks = column.field()
        gaps = "may be empty" if column.nullable and self.asks.control in ("input", "area") else ""
        self.hint = ", ".join(filter(None, [self.asks.hint, column.description, gaps]))
