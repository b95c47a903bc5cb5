"""The page of the project's life at /project, and the reports that it links to: files, if there."""

from pathlib import Path

from flask import Blueprint, Response, redirect, request, send_from_directory
from werkzeug import Response as WerkzeugResponse

from seedling.config import Project
from seedling.errors import NotFound
from seedling.serving.page import HEADERS

PAGE = "index.html"  # of the reports' folder; the verbs write it (seedling.home)
MISSING = "There is no page of the project here: make home writes it, where models are trained."
# The page has a stricter policy of its own. Reports may not ask the service: they are another
# site to it.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts"
)


def blueprint(project: Project) -> Blueprint:
    """Return the routes /project and /project/<report>, for those who may ask the service.

    Of the folder of reports only pages are shown: files beside them have rows of the data.
    """
    routes = Blueprint("project", __name__)
    folder = project.assets / "reports"

    @routes.get("/project")
    def show() -> Response | WerkzeugResponse:
        if not is_there(project):
            raise NotFound(MISSING)
        if not request.path.endswith("/"):  # the page's links are relative
            return redirect("project/")
        return _shown(folder, PAGE)

    @routes.get("/project/<path:name>")
    def report(name: str) -> Response:
        if Path(name).suffix != ".html" or any(part.startswith(".") for part in Path(name).parts):
            raise NotFound(f"Only pages are shown here; {name} is in local_assets/reports.")
        if not (folder / name).is_file():
            raise NotFound(f"There is no report {name} here.")
        return _shown(folder, name)

    return routes


def is_there(project: Project) -> bool:
    """Return whether this machine has the page; an image has none."""
    return (project.assets / "reports" / PAGE).is_file()


def _shown(folder: Path, name: str) -> Response:
    response = send_from_directory(folder, name)
    response.headers.update(HEADERS)
    response.headers["Content-Security-Policy"] = POLICY
    return response
