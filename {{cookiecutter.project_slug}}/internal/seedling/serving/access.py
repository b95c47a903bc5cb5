"""Check callers: by API key, by Entra ID token, or, where neither is set, by loopback address."""

import hashlib
import hmac
import ipaddress
import logging
import re
import time
from base64 import b64decode
from collections.abc import Iterable, Mapping
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Protocol
from urllib.parse import urlsplit

from seedling.errors import ProjectError, Unavailable
from seedling.settings import (
    API_KEY,
    API_KEY_FILE,
    AUTHENTICATION,
    AZURE_TENANT_ID,
    ENTRA_AUDIENCE,
    ENTRA_AUTHORITY,
    ENTRA_TENANT_ID,
    SERVICE_TOKEN,
)

log = logging.getLogger(__name__)

MIN_KEY_LENGTH = 16
MAX_TOKEN_LENGTH = 16_384
AUTHORITY = "https://login.microsoftonline.com"
CLOCK_SKEW_SECONDS = 60
KEY_SERVER_TIMEOUT_SECONDS = 5
RETRY_SECONDS = 10.0  # at least, between two requests to the key server
REFRESH_SECONDS = 3600.0  # until the keys are fetched again, in the background
KEEP_SECONDS = 24 * REFRESH_SECONDS  # that fetched keys stay valid while the server is down
VERIFIED_SECONDS = 300.0  # that a verified token is not verified again
MAX_VERIFIED_TOKENS = 1024
REMEDY = (
    "set API_KEY (or ENTRA_TENANT_ID and ENTRA_AUDIENCE) in .env, or AUTHENTICATION=off if "
    "something in front of the service checks callers"
)
PUBLISHED = "127.0.0.1:5111:5000"  # a container's port, on this machine alone
BASIC = 'Basic realm="scoring", charset="UTF-8"'  # a browser asks for name and password
BEARER = 'Bearer realm="scoring"'


class Headers(Protocol):
    """The headers of a request."""

    def get(self, name: str, /) -> str | None:
        """Return the value of a header, its name in any case."""


class Refused(ProjectError):
    """The caller is not authorised: HTTP 401 with its challenges, or 403."""

    def __init__(self, words: str, *challenges: str) -> None:
        super().__init__(words)
        self.status = 401 if challenges else 403
        self.headers = {"WWW-Authenticate": list(challenges)} if challenges else {}


class Access:
    """The authorisation of callers, as environment variables set it. Holds hashes of keys only."""

    def __init__(
        self,
        keys: "Keys | None" = None,
        tokens: "Tokens | None" = None,
        off: bool = False,
        own: str = "",
    ) -> None:
        """
        Args:
            keys, tokens: what callers need; nothing from this machine where both are None.
            off: everybody may call.
            own: a key for the verbs of this machine that started the service.
        """
        self._keys, self._tokens, self._off = keys, tokens, off
        self._own = Keys(frozenset([_digest(own)]), None) if own else None
        self._open = keys is None and tokens is None
        self._challenges = (*([BASIC] if keys else []), BEARER)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Access":
        """Read API_KEY, API_KEY_FILE, ENTRA_... and AUTHENTICATION; empty counts as not set.

        Raises:
            ProjectError: a setting that cannot be meant, a key that is too short, or no PyJWT.
        """
        keys, tokens = Keys.from_environment(environ), Tokens.from_environment(environ)
        switch = AUTHENTICATION.get(environ)
        if switch and (keys or tokens):
            raise ProjectError(
                "AUTHENTICATION=off contradicts the API key or ENTRA_... that is set: remove one."
            )
        return cls(keys, tokens, off=bool(switch), own=SERVICE_TOKEN.get(environ))

    def __str__(self) -> str:
        if self._open:
            return "off" if self._off else "this machine only"
        both = (("API key", self._keys), ("Entra ID token", self._tokens))
        return " or ".join(name for name, given in both if given)

    @property
    def keyed(self) -> bool:
        """Return whether callers need a key or a token."""
        return not self._open

    def __repr__(self) -> str:
        return f"<Access: {self}>"

    def refuse_exposed(self, hosts: Iterable[str]) -> None:
        """Refuse to listen where other machines can call without a key.

        Args:
            hosts: bind addresses; a Unix socket is a path, or starts with `unix:`.

        Raises:
            ProjectError: no key or token is required, and an address is not loopback.
        """
        if self._off or not self._open:
            return
        for host in hosts:
            if not host.startswith(("unix:", "/")) and not is_loopback(host):
                raise ProjectError(
                    f"On {host!r} anybody could call the service: {REMEDY}. A container that only "
                    f"this machine reaches: docker run -e AUTHENTICATION=off -p {PUBLISHED} ..."
                )

    def check(self, headers: Headers, remote_addr: str | None) -> str:
        """Return the caller: `off`, `loopback`, `key`, or the id of the token's user or app.

        Raises:
            Refused: 401 without a valid key or token, 403 where only this machine is allowed.
            Unavailable: the key server, or the file of the keys, cannot be reached.
        """
        if self._off:
            return "off"
        if self._open:
            return _local(headers, remote_addr)
        scheme, _, given = (headers.get("Authorization") or "").partition(" ")
        scheme, bearer = scheme.lower(), ""
        if scheme == "bearer":
            given = bearer = given.strip()
        elif scheme == "basic":
            given = _password(given)
        else:
            given = ""
        other = headers.get("X-API-Key") or ""
        if self._own and other and self._own.hold(other):
            return "key"
        keys = self._keys
        if keys and ((given and keys.hold(given)) or (other and keys.hold(other))):
            return "key"
        if self._tokens and bearer.count(".") == 2:
            return self._by_token(self._tokens, bearer)
        if keys and (given or other):
            keys.raise_problem()
            raise Refused("This API key is not known here.", *self._challenges)
        raise Refused(self._instruction(), *self._challenges)

    def _by_token(self, tokens: "Tokens", token: str) -> str:
        """Return the caller of a token; raises as `check` does."""
        try:
            return tokens.caller(token)
        except BadToken as error:
            challenges = [word for word in self._challenges if word != BEARER]
            wrong = f'{BEARER}, error="invalid_token"'
            raise Refused(f"The token is refused: {error}.", *challenges, wrong) from None

    def _instruction(self) -> str:
        """Return the sentence that asks the caller for a key or a token."""
        wanted = "`Authorization: Bearer <{}>`".format("token" if self._tokens else "key")
        if self._keys and self._tokens:
            return f"Give an Entra ID token as {wanted}, or an API key as `X-API-Key: <key>`."
        if self._tokens:
            return f"Give an Entra ID token as {wanted}."
        return f"Give the API key as {wanted}, or as `X-API-Key: <key>`."


class Keys:
    """The hashes of the API keys of API_KEY, and of the file API_KEY_FILE as it changes."""

    def __init__(self, given: frozenset[bytes], path: Path | None) -> None:
        self._given, self._path = given, path
        self._hashes = tuple(given)
        self._seen: object = None
        self._problem = ""
        self._next = 0.0
        if path:
            self._read(path)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Keys | None":
        """Read API_KEY and API_KEY_FILE; None where neither is set.

        Raises:
            ProjectError: a key is too short, or the file cannot be read.
        """
        listed, file = API_KEY.get(environ), API_KEY_FILE.get(environ)
        if not listed and not file:
            return None
        given = _hashes(listed.split(","), "API_KEY") if listed else frozenset()
        return cls(given, Path(file) if file else None)

    def hold(self, key: str) -> bool:
        """Return whether this is a known key, in a time that does not depend on the key."""
        if self._path and time.monotonic() >= self._next:
            self._follow(self._path)
        asked = _digest(key)
        found = False
        for known in self._hashes:
            found |= hmac.compare_digest(asked, known)
        return found

    def raise_problem(self) -> None:
        """Raise Unavailable while the file of the keys cannot be read."""
        if self._problem:
            raise Unavailable(
                "The service cannot read its API keys for now; its log has the details."
            )

    def _read(self, path: Path) -> None:
        """Read the keys of the file. ProjectError repeats nothing of its name or text."""
        self._next = time.monotonic() + 1
        try:
            stat = path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen == self._seen:
                return
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ProjectError(f"API_KEY_FILE cannot be read: {reason}.") from None
        self._hashes = tuple(self._given | _hashes(lines, "API_KEY_FILE"))
        self._seen = seen

    def _follow(self, path: Path) -> None:
        """Read the file again if it has changed. While it cannot be read, its keys are refused."""
        before, seen = self._problem, self._seen
        try:
            self._read(path)
        except ProjectError as error:
            self._hashes, self._seen, self._problem = tuple(self._given), None, str(error)
            if self._problem != before:
                log.error("No key of API_KEY_FILE is accepted for now: %s", error)
        else:
            self._problem = ""
            if self._seen != seen:
                log.info("API_KEY_FILE was read again.")


class BadToken(Exception):
    """A token is not valid; the message is the end of a sentence."""


class Tokens:
    """Access tokens of one Entra ID tenant for one or several audiences."""

    def __init__(self, authority: str, tenant: str, audiences: list[str]) -> None:
        self._issuers = [f"{authority}/{tenant}/v2.0", f"https://sts.windows.net/{tenant}/"]
        self._audiences = audiences
        self._server = KeyServer(f"{authority}/{tenant}/discovery/v2.0/keys")
        self._verified: dict[bytes, tuple[str, float]] = {}  # by hash: caller, end of validity

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Tokens | None":
        """Read ENTRA_TENANT_ID, ENTRA_AUDIENCE and ENTRA_AUTHORITY; None where none is set.

        Raises:
            ProjectError: one is missing or malformed, or PyJWT is not installed.
        """
        tenant, audiences = ENTRA_TENANT_ID.get(environ), ENTRA_AUDIENCE.get(environ)
        authority = ENTRA_AUTHORITY.get(environ)
        if audiences:  # the project's own tenant, of model.yaml
            tenant = tenant or AZURE_TENANT_ID.get(environ)
        if not tenant and not audiences and not authority:
            return None
        if not tenant or not audiences:
            raise ProjectError("ENTRA_TENANT_ID and ENTRA_AUDIENCE go together: set both.")
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", tenant, re.IGNORECASE):
            raise ProjectError("ENTRA_TENANT_ID must be the tenant's id (a GUID), not its name.")
        try:
            import jwt.algorithms

            if not jwt.algorithms.has_crypto:
                raise ImportError
        except ImportError:
            raise ProjectError(
                "ENTRA_TENANT_ID needs PyJWT with cryptography: run init with the group `azure`."
            ) from None
        return cls(_authority(authority or AUTHORITY), tenant.lower(), audiences)

    def caller(self, token: str) -> str:
        """Return the `oid`, `appid`, `azp` or `sub` of a valid token.

        Raises:
            BadToken: the token is not valid now.
            Unavailable: its key is not known, and the key server does not answer.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise BadToken("it is too long")
        hashed, now = hashlib.sha256(token.encode("utf-8", "replace")).digest(), time.time()
        who, until = self._verified.get(hashed, ("", 0.0))
        if now < until:
            return who
        claims = self._claims(token)
        names = (claims.get(name) for name in ("oid", "appid", "azp", "sub"))
        who = next((name for name in names if isinstance(name, str) and name), "")
        if not who:
            raise BadToken("it names no caller")
        if len(self._verified) >= MAX_VERIFIED_TOKENS:
            self._verified.clear()
        self._verified[hashed] = who, min(int(claims["exp"]), now + VERIFIED_SECONDS)
        return who

    def _claims(self, token: str) -> dict[str, Any]:
        """Return the verified claims of a token; raises as `caller` does."""
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != "RS256":
                raise BadToken("it is not signed with RS256")
            claims: dict[str, Any] = jwt.decode(
                token,
                self._server.key(header.get("kid")),
                algorithms=["RS256"],
                audience=self._audiences,
                issuer=self._issuers,
                leeway=CLOCK_SKEW_SECONDS,
                options={"require": ["aud", "exp", "iss", "nbf"]},
            )
        except jwt.ExpiredSignatureError:
            raise BadToken("it has expired") from None
        except jwt.ImmatureSignatureError:
            raise BadToken("it is not valid yet") from None
        except jwt.InvalidAudienceError:
            raise BadToken("it is for another audience") from None
        except jwt.InvalidIssuerError:
            raise BadToken("another tenant issued it") from None
        except jwt.MissingRequiredClaimError as error:
            raise BadToken(f"it lacks the claim {error.claim}") from None
        except jwt.InvalidSignatureError:
            raise BadToken("its signature is wrong") from None
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise BadToken("it cannot be read") from None
        return claims


class KeyServer:
    """The public keys of a tenant, fetched before they are needed and never too often."""

    def __init__(self, url: str) -> None:
        from jwt import PyJWKClient

        self._client = PyJWKClient(url, cache_jwk_set=False, timeout=KEY_SERVER_TIMEOUT_SECONDS)
        self._keys: dict[str, Any] = {}
        self._fetched = self._asked = float("-inf")
        self._away = False
        self._lock = Lock()

    def key(self, name: Any) -> Any:
        """Return the public key of this name (`kid`); raises BadToken or Unavailable."""
        if not isinstance(name, str):
            raise BadToken("it names no key")
        key = self._known(name)
        if key is None:
            self._renew()
            key = self._known(name)
        elif self._due(self._fetched + REFRESH_SECONDS) and not self._lock.locked():
            Thread(target=self._renew, daemon=True).start()
        if key is None and (self._away or self._lock.locked()):
            raise Unavailable("The key server of Entra ID cannot be reached for now: try later.")
        if key is None:
            raise BadToken("the key that signed it is not the tenant's")
        return key

    def _known(self, name: str) -> Any:
        return self._keys.get(name) if time.monotonic() < self._fetched + KEEP_SECONDS else None

    def _due(self, moment: float) -> bool:
        return time.monotonic() >= max(moment, self._asked + RETRY_SECONDS)

    def _renew(self) -> None:
        """Fetch the keys, unless that was just tried. Wait a second at most for another thread."""
        from jwt import PyJWTError

        if not self._lock.acquire(timeout=1):
            return
        try:
            if not self._due(self._asked):
                return
            found = self._client.get_signing_keys()
            self._keys = {key.key_id: key.key for key in found if key.key_id}
            self._fetched, self._away = time.monotonic(), False
            self._asked = self._fetched
        except (PyJWTError, HTTPException, OSError, ValueError) as error:
            self._asked, self._away = time.monotonic(), True
            log.warning("Entra ID's key server: %s", error)
        finally:
            self._lock.release()


def is_loopback(address: str) -> bool:
    """Return whether an address, with or without a port, is loopback."""
    name = address.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    if name == "localhost":
        return True
    try:
        found = ipaddress.ip_address(name)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


_is_loopback = lru_cache(maxsize=256)(is_loopback)


def _local(headers: Headers, remote_addr: str | None) -> str:
    """Return `loopback`; refuse other machines, proxies and pages of other sites."""
    if remote_addr is None or not (remote_addr == "" or _is_loopback(remote_addr)):
        raise Refused(f"Only this machine may ask: {REMEDY}.")
    if headers.get("X-Forwarded-For") or headers.get("Forwarded"):
        raise Refused(f"What a proxy passes on is not answered: {REMEDY}.")
    origin = headers.get("Origin")
    if origin and not _is_loopback(urlsplit(origin).hostname or origin):
        raise Refused(f"A page of another site may not ask: {REMEDY}.")
    host = headers.get("Host")
    if host and not _is_loopback(host):
        raise Refused(f"Only a request to localhost is answered: {REMEDY}.")
    return "loopback"


def _password(encoded: str) -> str:
    """Return the password of HTTP Basic; empty where there is none."""
    try:
        return b64decode(encoded.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _hashes(keys: Iterable[str], where: str) -> frozenset[bytes]:
    """Return the hashes of the keys. ProjectError repeats none of them."""
    given = [key.strip() for key in keys if key.strip()]
    if not given:
        raise ProjectError(f"{where} holds no key.")
    if min(len(key) for key in given) < MIN_KEY_LENGTH:
        raise ProjectError(f"{where}: a key needs at least {MIN_KEY_LENGTH} characters.")
    if not all(re.fullmatch("[!-~]+", key) for key in given):
        raise ProjectError(f"{where}: a key has ASCII letters, digits and signs only, no space.")
    return frozenset(_digest(key) for key in given)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def _authority(url: str) -> str:
    """Return the authority without a slash at its end; http is allowed on loopback only."""
    try:
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (
            parts.scheme == "http" and is_loopback(parts.hostname or "")
        )
        plain = parts.hostname and not (parts.username or parts.query or parts.fragment)
    except ValueError:
        safe = plain = False
    if not safe or not plain:
        raise ProjectError("ENTRA_AUTHORITY must be an https:// address, as https://host.")
    return url.rstrip("/")
