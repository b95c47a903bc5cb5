"""Trouble on demand: what a client must bear, told before it happens."""

import re
from dataclasses import dataclass
from threading import Lock

from azureml.messages import Answer

CODES = {
    400: "UserError",
    401: "InvalidAuthenticationToken",
    403: "AuthorizationFailed",
    404: "ResourceNotFound",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServerBusy",
}


@dataclass
class Fault:
    """One trouble: which requests it befalls, how many of them, and what they see.

    Attributes:
        status: of the answer; 200 lets the request through, late or cut.
        delay: seconds before anything happens.
        cut: the connection ends without an answer.
        retry_after: seconds that a 429 asks the client to wait.
    """

    method: str
    path: str
    status: int
    times: int = 1
    delay: float = 0
    cut: bool = False
    retry_after: int = 1

    def befalls(self, method: str, path: str) -> bool:
        fits = self.method in ("*", method) and re.search(self.path, path, re.IGNORECASE)
        return self.times > 0 and bool(fits)

    def answer(self) -> Answer:
        code = CODES.get(self.status, "Error")
        headers = {"x-ms-error-code": code}
        if self.status == 429:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return Answer(
            self.status, {"error": {"code": code, "message": "as the test wants it"}}, headers
        )


class Faults:
    """The troubles that are still to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def next(self, method: str, path: str) -> Fault | None:
        """The first trouble for this request; it is used up by it."""
        with self._lock:
            for fault in self._faults:
                if fault.befalls(method, path):
                    fault.times -= 1
                    return fault
        return None
