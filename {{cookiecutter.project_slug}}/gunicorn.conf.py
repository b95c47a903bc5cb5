"""How gunicorn runs the service; it reads this file by itself where it is started in this folder.

The numbers were chosen by measuring on two cores (docs/serving.md says how to measure again).
"""

import os

from seedling.gunicorn import (  # noqa: F401 - gunicorn calls them
    JsonLogger,
    child_exit,
    load_settings,
    on_exit,
    on_starting,
    post_worker_init,
    share_metrics,
    worker_exit,
)

load_settings()  # of .env

wsgi_app = "seedling.serving.gunicorn_hooks:app()"
bind = os.environ.get("BIND") or "127.0.0.1:5111"

# As many as there are cores: an answer costs only CPU, and Python runs on one core at a time.
workers = int(os.environ.get("WEB_CONCURRENCY") or "2")
# Threads, so that a slow client or feature store holds one of them and not the whole worker.
worker_class = "seedling.serving.gunicorn_hooks.Worker"
threads = 4
# The models are loaded once, before the workers are forked: they share that memory.
preload_app = True
# scikit-learn's and XGBoost's own threads would fight over the cores with the other workers.
os.environ.setdefault("OMP_NUM_THREADS", "1")

timeout = 60
graceful_timeout = 30  # seconds that requests in flight have to finish after SIGTERM
control_socket_disable = True  # it would stand in the home folder, shared by all services
logger_class = JsonLogger
loglevel = os.environ.get("LOG_LEVEL") or "info"
share_metrics()
