"""The client of a service: of this machine's own one, or of one whose address a person gives.

What is on this machine is asked without the environment's proxies. It is given the token of the
verb that started it, so that neither keys nor Entra ID stand between them.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from seedling.errors import ProjectError
from seedling.serving.access import is_loopback
from seedling.settings import API_KEY, API_KEY_FILE

ASK_SECONDS = 30.0
LOOK_SECONDS = 5.0


class Answer(NamedTuple):
    """A decoded answer, and the prediction's id; empty where the service logs nothing."""

    value: Any
    prediction_id: str


class Client:
    """Asks one service."""

    def __init__(self, address: str, token: str = "") -> None:
        """
        Args:
            address: its URL, without a slash at the end.
            token: of the verb that started it; else the first key of API_KEY or API_KEY_FILE.
        """
        self.address = address
        key = token or _key()
        self._headers = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {})

    def ask(self, path: str, body: Any) -> Any:
        """Send a POST, and return the decoded answer; raises what `asked` does."""
        return self.asked(path, body).value

    def asked(self, path: str, body: Any, request_id: str = "") -> Answer:
        """Send a POST, and return the answer.

        Args:
            path: the route, without the slash before it.
            body: what JSON can hold.
            request_id: what the prediction log is to know the request by; else the service's own.

        Raises:
            ProjectError: the service does not answer, or answers with an error.
        """
        url = f"{self.address}/{path}"
        named = {"X-Request-ID": request_id} if request_id else {}
        request = Request(url, json.dumps(body).encode(), self._headers | named)
        try:
            with _opener(url).open(request, timeout=ASK_SECONDS) as response:
                return Answer(json.load(response), response.headers.get("X-Prediction-ID", ""))
        except HTTPError as error:
            text = error.read().decode(errors="replace")
            raise ProjectError(f"{url} answers {error.code}: {text}") from None
        except (OSError, ValueError) as error:
            raise ProjectError(
                f"{url} does not answer: {getattr(error, 'reason', error)}."
            ) from None

    def ready(self) -> tuple[bool, Mapping[str, Any], str]:
        """Ask /ready once.

        Returns:
            Whether the service is ready; what it said, decoded, empty if that is no JSON object;
            and its words, empty if it did not answer.
        """
        url = f"{self.address}/ready"
        try:
            with _opener(url).open(Request(url, headers=self._headers), None, LOOK_SECONDS) as got:
                text, is_ready = got.read().decode(errors="replace"), True
        except HTTPError as error:
            text, is_ready = error.read().decode(errors="replace"), False
        except (URLError, OSError):
            return False, {}, ""
        said: Any = None
        with suppress(ValueError):  # of another service
            said = json.loads(text)
        return is_ready, said if isinstance(said, dict) else {}, text


def _opener(url: str) -> OpenerDirector:
    """Return what opens a URL: by the environment's proxies, unless it is on this machine."""
    try:
        here = is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        here = False
    return build_opener(ProxyHandler({})) if here else build_opener()


def _key() -> str:
    """Return the first key of API_KEY, or of the file API_KEY_FILE; empty if there is none."""
    key = API_KEY.get().partition(",")[0].strip()
    if key or not API_KEY_FILE.is_set():
        return key
    with suppress(OSError, ValueError):
        lines = Path(API_KEY_FILE.get()).read_text(encoding="utf-8-sig").splitlines()
        return next((line.strip() for line in lines if line.strip()), "")
    return ""
