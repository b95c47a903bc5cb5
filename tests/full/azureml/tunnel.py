"""The way to Azure's hosts: a proxy on loopback that leads named ones to the emulator."""

import socket
import threading
from collections.abc import Collection
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Tunnel:
    """Answers CONNECT for hosts that the emulator stands for, and refuses all others.

    Attributes:
        refused: the hosts that were asked for besides.
    """

    def __init__(self, port: int, hosts: Collection[str]) -> None:
        """
        Args:
            port: the emulator's.
            hosts: names of Azure's that lead there.
        """
        self.refused: list[str] = []
        tunnel = self

        class Handler(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                host = self.path.partition(":")[0]
                if host not in hosts:
                    tunnel.refused.append(host)
                    self.send_error(403)
                    return
                with socket.create_connection(("127.0.0.1", port)) as there:
                    self.send_response(200)
                    self.end_headers()
                    back = threading.Thread(target=_pass, args=(there, self.connection))
                    back.start()
                    _pass(self.connection, there)
                    back.join()
                self.close_connection = True

            def log_message(self, *words: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def settings(self) -> dict[str, str]:
        """The variables of a process that is to go this way."""
        address = f"http://127.0.0.1:{self._server.server_port}"
        return {"HTTPS_PROXY": address, "NO_PROXY": "localhost,127.0.0.1"}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _pass(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until there is no more."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
