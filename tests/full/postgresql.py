"""A real PostgreSQL server for the tests: a free loopback port, a folder of its own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from serving import Stoppable, free_port

USER, PASSWORD = "seedling", "5eeds"
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


class PostgreSQL(Stoppable):
    """A server that can be stopped and started again, keeping its data and its port."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        password = self.data.with_name("password")
        password.write_text(PASSWORD)
        words = ["--username", USER, "--pwfile", str(password), "--auth", "scram-sha-256"]
        _run("initdb", "--pgdata", str(self.data), "--no-sync", *words)

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off"
        options += " -c unix_socket_directories=''"
        log = str(self.data.with_name("log"))
        _run("pg_ctl", "start", "--wait", "-D", str(self.data), "-l", log, "-o", options)

    def stop(self) -> None:
        """Break off every connection and stop."""
        _run("pg_ctl", "stop", "--wait", "-D", str(self.data), "-m", "fast")


@contextmanager
def postgresql_server() -> Iterator[PostgreSQL]:
    if not BINARIES:
        pytest.skip("PostgreSQL is not installed (Debian's package `postgresql`)")
    # Not below pytest's own folder: only its owner may enter that, and this is `postgres`.
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = PostgreSQL(folder)
    try:
        server.create()
        server.start()
        yield server
    finally:
        if (server.data / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder)


def _run(program: str, *words: str) -> None:
    """Run one of PostgreSQL's programs, which refuse to run as root."""
    command = [str(BINARIES[-1] / program), *words]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    # pg_ctl's server inherits the streams: a pipe would stay open as long as it runs.
    subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)
