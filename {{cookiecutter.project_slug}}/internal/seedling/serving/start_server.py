"""Start the server: gunicorn, or waitress on Windows, where gunicorn does not run."""

import os
import signal
import sys
from typing import Any

from seedling.config import Project, Stage, stage
from seedling.errors import ProjectError
from seedling.processes import attended, interrupted, refuse_taken
from seedling.serving import assets, logs, selection
from seedling.serving.access import Access
from seedling.serving.stores import log_settings, open_store
from seedling.settings import LOG_LEVEL

CONFIGURATION = "gunicorn.conf.py"


def serve(project: Project, host: str, port: int) -> int:
    """Serve until stopped; return the exit code, unless gunicorn ends this process.

    Args:
        project: the project to serve.
        host, port: the address to listen at.

    Raises:
        ProjectError: no model is registered, the port is taken, or other machines could call
            without a key.
    """
    config = selection.config(project)
    if stage(config) is not Stage.APP_DEV and not config.models:
        raise ProjectError(selection.NOTHING[assets.are_shared(config)])
    Access.from_environment(os.environ).refuse_exposed([host])
    _refuse_log_without_driver(project)
    refuse_taken(host, port)
    if sys.platform == "win32":
        from waitress import serve as waitress_serve

        from seedling.serving.app import create_app

        logs.configure(LOG_LEVEL.get())
        app = create_app(project)
        # A request through a proxy must not look like one of this machine.
        waitress_serve(app, host=host, port=port, clear_untrusted_proxy_headers=False)
        app.extensions["service"].stop()
        return 0
    os.chdir(project.root)
    _become_gunicorn(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    return 0


def _refuse_log_without_driver(project: Project) -> None:
    """Raise ProjectError if the driver of the prediction log is missing: that is no outage."""
    settings = log_settings(project.config)
    if settings and not (settings.url or "").startswith("sqlite"):
        open_store(project.root, settings)


def _become_gunicorn(address: str) -> None:
    """Replace this program by gunicorn: half of the service is imported already."""
    import gunicorn.__main__ as program
    from gunicorn.app.wsgiapp import run
    from gunicorn.arbiter import Arbiter

    _obey(Arbiter)
    # gunicorn reads sys.argv, and starts itself again with it on SIGUSR2.
    sys.argv = [str(program.__file__), "-c", CONFIGURATION, "--bind", address]
    try:
        run()
    finally:
        if interrupted.is_seen():
            interrupted.leave()


def _obey(master: Any) -> None:
    """Let gunicorn's master end by Ctrl-C as any verb does, and with its terminal.

    The end of a terminal is SIGHUP, at which gunicorn reads its configuration again and goes on:
    right for a service that stands alone, or where nohup has asked for it.
    """
    interrupt = master.handle_int

    def handle_int(self: Any) -> None:
        interrupted.note()
        interrupt(self)

    master.handle_int = handle_int
    streams = (sys.stdin, sys.stdout, sys.stderr)
    attends = attended.is_attended() or any(each and each.isatty() for each in streams)
    if attends and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        master.handle_hup = master.handle_term
