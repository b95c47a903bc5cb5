"""A listening socket that is to be closed: who has connected is answered, nobody else comes in."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a filter of Linux")
AT_ONCE = 12
PATIENCE = 60  # seconds
# An app that answers with the number of its master, and what gunicorn is told.
APP = """
import os

def app(environ, start_response):
    start_response("200 OK", [])
    return [str(os.getppid()).encode()]
"""
SETTINGS = """
from seedling.serving.gunicorn_hooks import on_starting

workers, pidfile = 1, "master"
"""


@pytest.fixture(params=[("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)], ids=["4", "6"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    host, family = request.param
    with socket.socket(family) as listener:
        try:
            listener.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        listener.listen(AT_ONCE)
        listener.settimeout(10)
        yield listener


def test_who_has_connected_stays_in_the_queue_and_nobody_joins(listener: socket.socket):
    from seedling.serving.gunicorn_hooks import close_queue

    address = listener.getsockname()[:2]

    def comes_in(_: int) -> bool:
        try:
            socket.create_connection(address, timeout=0.5).close()
        except TimeoutError:
            return False
        return True

    clients = [socket.create_connection(address) for _ in range(3)]
    close_queue(listener)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert not any(pool.map(comes_in, range(AT_ONCE)))
    accepted = {sock.getpeername()[:2]: sock for sock, _ in (listener.accept() for _ in clients)}
    for client in clients:
        client.sendall(b"asked")
        answering = accepted[client.getsockname()[:2]]
        assert answering.recv(5) == b"asked"
        answering.sendall(b"answered")
        assert client.recv(8) == b"answered"
        client.close()
        answering.close()
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=10)


def test_a_new_master_goes_on_with_the_sockets_of_the_old_one(tmp_path: Path):
    (tmp_path / "answering.py").write_text(APP, encoding="utf-8")
    (tmp_path / "gunicorn.conf.py").write_text(SETTINGS, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*free.getsockname())
    command = [Path(sys.executable).with_name("gunicorn"), "--bind", address, "answering:app"]

    def until_noted(name: str) -> int:
        deadline = time.monotonic() + PATIENCE
        while not (tmp_path / name).exists() or not (tmp_path / name).read_text():
            assert time.monotonic() < deadline, name
            time.sleep(0.05)
        return int((tmp_path / name).read_text())

    def master() -> int:
        with urlopen(f"http://{address}", timeout=10) as answer:
            return int(answer.read())

    with subprocess.Popen(command, cwd=tmp_path, start_new_session=True) as process:
        try:
            assert until_noted("master") == process.pid
            assert master() == process.pid
            process.send_signal(signal.SIGUSR2)
            new = until_noted("master.2")
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
            with ThreadPoolExecutor(AT_ONCE) as pool:
                found = [pool.submit(master) for _ in range(AT_ONCE)]
                assert {each.result() for each in found} == {new}
        finally:
            os.killpg(process.pid, signal.SIGKILL)
