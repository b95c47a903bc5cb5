"""How gunicorn runs the service; WEB_CONCURRENCY sets the number of workers."""

import os

workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"  # a slow client holds a thread, not a worker
threads = 4
timeout = 60
graceful_timeout = 30
control_socket_disable = True  # it would stand in the home folder, shared by all services
