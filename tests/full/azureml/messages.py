"""What comes in and what goes out: requests, answers, and which function answers which path."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    target: str  # the path with its query, as it came

    def json(self) -> Any:
        return json.loads(self.body or b"{}")


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: Any = None  # bytes go as they are, everything else as JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Refused(Exception):  # noqa: N818
    """A request that is answered with an error, in the words of Azure's resource manager."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"error": {"code": code, "message": message}})


Route = Callable[[Request, re.Match[str]], Answer]


class Routes:
    """Functions by method and path; the first that fits answers."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Route]] = []

    def add(self, methods: str, path: str, route: Route) -> None:
        self._routes.append((methods, re.compile(path, re.IGNORECASE), route))

    def answer(self, request: Request) -> Answer:
        for methods, pattern, route in self._routes:
            match = pattern.fullmatch(request.path)
            if match and request.method in methods.split():
                return route(request, match)
        raise Refused(404, "NotFound", f"{request.method} {request.path} is not emulated.")
