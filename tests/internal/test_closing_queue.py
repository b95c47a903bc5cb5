"""A listening socket that is to be closed: who has connected is answered, nobody else comes in."""

import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a filter of Linux")
AT_ONCE = 12


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
