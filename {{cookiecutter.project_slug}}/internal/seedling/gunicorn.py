"""gunicorn's hooks and settings, which the project's gunicorn.conf.py imports."""

from seedling.serving.gunicorn_hooks import (
    JsonLogger,
    child_exit,
    load_settings,
    on_exit,
    on_starting,
    post_worker_init,
    share_metrics,
    worker_exit,
)

__all__ = [
    "JsonLogger",
    "child_exit",
    "load_settings",
    "on_exit",
    "on_starting",
    "post_worker_init",
    "share_metrics",
    "worker_exit",
]
