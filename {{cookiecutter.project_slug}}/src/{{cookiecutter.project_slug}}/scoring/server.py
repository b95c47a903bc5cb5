"""Starts the service: gunicorn, or waitress where gunicorn does not run (Windows)."""

import os
import sys

from ..config import Project
from ..errors import ProjectError
from ..processes import hand_over, refuse_taken
from . import APP_DEV

PACKAGE = __package__ or ""


def serve(project: Project, host: str, port: int) -> int:
    """Serve until stopped; returns the exit code, unless gunicorn took this process's place.

    Raises:
        ProjectError: nothing is registered to serve, or the port is taken.
    """
    if os.environ.get("ENVIRONMENT") != APP_DEV and not project.config.models:
        raise ProjectError("No model is registered in model.yaml yet: run train first.")
    refuse_taken(host, port)
    if sys.platform == "win32":
        from waitress import serve as waitress_serve

        from .app import create_app

        waitress_serve(create_app(project), host=host, port=port)
        return 0
    return hand_over(command(host, port), project.root)


def command(host: str, port: int) -> list[str]:
    """gunicorn's command line."""
    configuration = f"python:{PACKAGE}.gunicorn_conf"
    bind = f"{host}:{port}"
    app = f"{PACKAGE}.app:create_app()"
    return [sys.executable, "-m", "gunicorn", "-c", configuration, "--bind", bind, app]
