"""Who may ask the service: keys, Entra ID tokens from a stand-in key server, and this machine."""

import hmac
import json
import logging
import os
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, request
from werkzeug.datastructures import Headers

from seedling.errors import ProjectError, Unavailable
from seedling.serving import access
from seedling.serving.access import Access, Refused, is_loopback

KEY = "a-key-of-twenty-chars"
OTHER = "another-key-for-rotation"
WRONG = "wrong-key-of-twenty-chars"
TENANT = "11111111-2222-3333-4444-555555555555"
ELSEWHERE = "99999999-2222-3333-4444-555555555555"
AUDIENCE = "api://scoring"
OUTSIDE = "203.0.113.9"
NASTY = ["", " ", ".", "..", "Bearer", "Basic", "\x00", "\xff\xfe", "\udcff", "a.b.c", "=" * 99]
NASTY += ["é", "\r\n", "%00", "[" * 50_000, "e30.e30.", "bnVsbA.bnVsbA.bnVsbA", "." * 9999]
NASTY += ["eyJhbGciOiJSUzI1NiIsImtpZCI6WzFdfQ.e30.AA", "eyJhbGciOiJSUzI1NiJ9.e30.AA"]


class KeyServer(ThreadingHTTPServer):
    """Publishes public keys as Entra ID does; counts how often it is asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.asked, self.delay, self.body = 0, 0.0, b""

    @property
    def authority(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: Any) -> None:
        """Who asked has hung up: a test of patience."""

    def published(self) -> bytes:
        found = []
        for name, key in self.keys.items():
            public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
            found.append({"kty": "RSA", "use": "sig", "kid": name, "n": public["n"], "e": "AQAB"})
        return self.body or json.dumps({"keys": found}).encode()


class Answer(BaseHTTPRequestHandler):
    server: KeyServer

    def do_GET(self) -> None:
        self.server.asked += 1
        time.sleep(self.server.delay)
        wanted = f"/{TENANT}/discovery/v2.0/keys"
        self.send_response(200 if self.path == wanted else 404)
        self.end_headers()
        self.wfile.write(self.server.published())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def another() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def server(private: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with KeyServer() as running:
        running.keys["first"] = private
        Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def entra(server: KeyServer) -> dict[str, str]:
    names = {"ENTRA_TENANT_ID": TENANT, "ENTRA_AUDIENCE": f"{AUDIENCE}, the-app-id"}
    return names | {"ENTRA_AUTHORITY": server.authority}


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"aud": AUDIENCE, "iss": f"https://sts.windows.net/{TENANT}/", "oid": "the-caller"}
    found = usual | {"sub": "the-subject", "nbf": now, "iat": now, "exp": now + 3600} | changed
    return {name: value for name, value in found.items() if value is not None}


def token(key: Any, kid: str | None = "first", algorithm: str = "RS256", **changed: Any) -> str:
    headers = {"kid": kid} if kid else {}
    return jwt.encode(claims(**changed), key, algorithm=algorithm, headers=headers)


def settled(**environ: str) -> Access:
    return Access.from_environment(environ)


def ask(guard: Access, headers: Mapping[str, str], address: str | None = OUTSIDE) -> str:
    return guard.check(Headers(list(headers.items())), address)


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


def basic(value: str, name: str = "anyone") -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{name}:{value}".encode()).decode()}


def refusal(guard: Access, headers: Mapping[str, str], address: str | None = OUTSIDE) -> Refused:
    with pytest.raises(Refused) as caught:
        ask(guard, headers, address)
    words = str(caught.value)
    assert words.endswith(".")
    assert "\n" not in words
    return caught.value


# What is set.


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_on_loopback_nothing_needs_to_be_set(host: str) -> None:
    settled().refuse_exposed([host, "unix:/run/scoring.sock", "/run/scoring.sock"])
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "scoring.example.org"])  # noqa: S104
def test_elsewhere_it_must_be_settled_who_may_ask(host: str) -> None:
    with pytest.raises(ProjectError, match=r"^On .* set API_KEY .* in \.env, or AUTHENTICATION"):
        settled(API_KEY=" ", AUTHENTICATION="").refuse_exposed(["127.0.0.1", host])
    settled(API_KEY=KEY).refuse_exposed([host])
    settled(AUTHENTICATION="off").refuse_exposed([host])


@pytest.mark.parametrize(
    "environ",
    [
        {"AUTHENTICATION": "no"},
        {"AUTHENTICATION": "OFF"},
        {"AUTHENTICATION": KEY},
        {"AUTHENTICATION": "off", "API_KEY": KEY},
        {"API_KEY": "tooshort"},
        {"API_KEY": f"{KEY},tooshort"},
        {"API_KEY": ","},
        {"API_KEY": "a key with spaces in it"},
        {"API_KEY": "schlüsselwörterbuch"},
        {"API_KEY_FILE": f"/nowhere/{KEY}"},
        {"API_KEY_FILE": "\0"},
        {"API_KEY_FILE": "."},
        {"ENTRA_TENANT_ID": TENANT},
        {"ENTRA_AUDIENCE": AUDIENCE},
        {"ENTRA_AUTHORITY": "https://login.example.org"},
        {"ENTRA_TENANT_ID": TENANT, "ENTRA_AUDIENCE": ", ,"},
        {"ENTRA_TENANT_ID": "contoso.onmicrosoft.com", "ENTRA_AUDIENCE": AUDIENCE},
        {"ENTRA_TENANT_ID": "../common", "ENTRA_AUDIENCE": AUDIENCE},
        {"ENTRA_TENANT_ID": TENANT, "ENTRA_AUDIENCE": AUDIENCE, "AUTHENTICATION": "off"},
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line_without_the_key(environ: dict[str, str]) -> None:
    with pytest.raises(ProjectError) as caught:
        Access.from_environment(environ)
    words = str(caught.value)
    assert words.endswith(".")
    assert "\n" not in words
    assert KEY not in words
    assert "tooshort" not in words
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "authority",
    [
        "http://login.example.org",
        "ftp://127.0.0.1",
        "login.example.org",
        "https://",
        "http://[",
        "https://me:secret@login.example.org",
        "https://login.example.org?x",
    ],
)
def test_the_authority_is_https_or_this_machine(authority: str) -> None:
    environ = {"ENTRA_TENANT_ID": TENANT, "ENTRA_AUDIENCE": AUDIENCE}
    with pytest.raises(ProjectError, match="ENTRA_AUTHORITY must be") as caught:
        Access.from_environment(environ | {"ENTRA_AUTHORITY": authority})
    assert "secret" not in str(caught.value)
    Access.from_environment(environ)


def test_without_pyjwt_the_group_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwt.algorithms, "has_crypto", False)
    with pytest.raises(ProjectError, match="group `azure`"):
        settled(ENTRA_TENANT_ID=TENANT, ENTRA_AUDIENCE=AUDIENCE)


def test_off_answers_anybody() -> None:
    assert ask(settled(AUTHENTICATION="off"), bearer("nonsense")) == "off"


# This machine only.


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", ""])
def test_with_nothing_set_this_machine_is_answered(address: str) -> None:
    for host in ("localhost:5111", "127.0.0.1", "[::1]:5111"):
        assert ask(settled(), {"Host": host}, address) == "loopback"
    assert ask(settled(), {}, address) == "loopback"


@pytest.mark.parametrize("address", [None, OUTSIDE, "0.0.0.0", "::", "fe80::1", "nonsense"])  # noqa: S104
def test_with_nothing_set_nobody_else_is_answered(address: str | None) -> None:
    refused = refusal(settled(), bearer(KEY), address)
    assert (refused.status, refused.headers) == (403, {})


@pytest.mark.parametrize(
    "headers",
    [{"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"Host": "evil.example"}],
)
def test_with_nothing_set_a_proxy_or_a_foreign_name_is_not_this_machine(
    headers: dict[str, str],
) -> None:
    assert refusal(settled(), headers, "127.0.0.1").status == 403


# API keys.


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_each_key_opens_in_every_place(key: str) -> None:
    guard = settled(API_KEY=f"{KEY} , {OTHER},")
    places = [bearer(key), {"x-api-key": key}, basic(key), basic(key, ""), bearer(f" {key} ")]
    places.append({"authorization": f"bEaReR {key}"})
    places.append(basic(WRONG) | {"X-API-Key": key})
    assert [ask(guard, place) for place in places] == ["key"] * len(places)


def test_a_password_may_hold_a_colon() -> None:
    assert ask(settled(API_KEY="colons:in:this:key"), basic("colons:in:this:key")) == "key"


def test_no_key_or_a_wrong_one_is_401_and_a_browser_asks_for_it() -> None:
    guard = settled(API_KEY=KEY)
    for headers in ({}, bearer(WRONG), {"X-API-Key": WRONG}, basic(WRONG), bearer(KEY[:-1])):
        refused = refusal(guard, headers, "127.0.0.1")
        assert refused.status == 401
        basic_first, then_bearer = refused.headers["WWW-Authenticate"]
        assert basic_first.startswith('Basic realm="')
        assert then_bearer.startswith('Bearer realm="')
        assert WRONG not in str(refused)


def test_flask_sends_both_challenges_as_headers_of_their_own() -> None:
    app, guard = Flask(__name__), settled(API_KEY=KEY)

    @app.before_request
    def check() -> None:
        guard.check(request.headers, request.remote_addr)

    @app.errorhandler(Refused)
    def refuse(error: Refused) -> Any:
        return {"error": str(error)}, error.status, error.headers

    app.add_url_rule("/", view_func=lambda: "open")
    answer = app.test_client().get("/")
    assert answer.status_code == 401
    assert len(answer.headers.getlist("WWW-Authenticate")) == 2
    assert app.test_client().get("/", headers=bearer(KEY)).text == "open"


def test_every_key_is_compared_whichever_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    guard, compared = settled(API_KEY=f"{KEY},{OTHER}"), []
    real = access.hmac.compare_digest
    monkeypatch.setattr(
        access.hmac, "compare_digest", lambda *pair: compared.append(pair) or real(*pair)
    )
    for key in (KEY, OTHER):
        ask(guard, bearer(key))
    assert len(compared) == 4


def test_a_key_shows_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "keys"
    file.write_text(OTHER)
    guard = settled(API_KEY=KEY, API_KEY_FILE=str(file))
    ask(guard, bearer(KEY))
    refusal(guard, bearer(WRONG))
    shown = f"{guard!r} {guard} {vars(guard)} {vars(vars(guard)['_keys'])} {caplog.text}"
    assert [key for key in (KEY, OTHER, WRONG) if key in shown] == []


# Keys in a file.


def follow(guard: Access) -> None:
    """Let the second pass after which the file is looked at again."""
    vars(guard)["_keys"]._next = 0.0


def rewrite(file: Path, text: str) -> None:
    """Write, and see to it that the time of change differs, however coarse the clock."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(text)
    os.utime(file, ns=(before + 10**9, before + 10**9))


def test_a_file_holds_a_key_a_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_bytes(b"\xef\xbb\xbf" + f"{KEY}\r\n\r\n  {OTHER}  \r\n".encode())
    guard = settled(API_KEY_FILE=str(file), API_KEY=WRONG)
    assert [ask(guard, bearer(key)) for key in (KEY, OTHER, WRONG)] == ["key"] * 3


@pytest.mark.parametrize("text", [b"", b"\n \n", b"short\n", b"\xff\xfe\x00"])
def test_a_file_without_good_keys_is_refused_at_start(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "keys"
    file.write_bytes(text)
    with pytest.raises(ProjectError, match="API_KEY_FILE"):
        settled(API_KEY_FILE=str(file))


def test_a_changed_file_is_read_again_within_a_second(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    rewrite(file, KEY)
    guard = settled(API_KEY_FILE=str(file))
    rewrite(file, OTHER)
    assert ask(guard, bearer(KEY)) == "key"  # looked at less than a second ago
    follow(guard)
    assert ask(guard, bearer(OTHER)) == "key"
    assert refusal(guard, bearer(KEY)).status == 401


def test_a_file_that_goes_away_closes_its_keys_until_it_is_back(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    rewrite(file, KEY)
    guard = settled(API_KEY_FILE=str(file), API_KEY=OTHER)
    file.unlink()
    follow(guard)
    with pytest.raises(Unavailable):
        ask(guard, bearer(KEY))
    assert ask(guard, bearer(OTHER)) == "key"
    assert refusal(guard, {}).status == 401
    rewrite(file, KEY)
    follow(guard)
    assert ask(guard, bearer(KEY)) == "key"
    assert refusal(guard, bearer(WRONG)).status == 401


# Entra ID tokens.


def test_a_good_token_names_its_caller(
    entra: dict[str, str], server: KeyServer, private: rsa.RSAPrivateKey
) -> None:
    guard = Access.from_environment(entra)
    v2 = f"{server.authority}/{TENANT}/v2.0"
    now = int(time.time())
    assert ask(guard, bearer(token(private))) == "the-caller"
    assert ask(guard, bearer(token(private, iss=v2, aud="the-app-id"))) == "the-caller"
    assert ask(guard, bearer(token(private, oid=None, appid="the-app"))) == "the-app"
    assert ask(guard, bearer(token(private, oid=None))) == "the-subject"
    assert ask(guard, bearer(token(private, exp=now - 30, nbf=now - 90))) == "the-caller"
    assert server.asked == 1


def test_a_bad_token_is_refused_and_says_why(
    entra: dict[str, str],
    private: rsa.RSAPrivateKey,
    another: rsa.RSAPrivateKey,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    guard, now = Access.from_environment(entra), int(time.time())
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    other = f"https://sts.windows.net/{ELSEWHERE}/"
    signed = token(private)
    bad = {
        "it has expired": [token(private, exp=now - 120)],
        "it is not valid yet": [token(private, nbf=now + 120)],
        "it is for another audience": [token(private, aud="x"), token(private, aud=["x"])],
        "another tenant issued it": [token(private, iss=other), token(private, iss="x")],
        "it lacks the claim aud": [token(private, aud=None), token(private, aud=[])],
        "it lacks the claim exp": [token(private, exp=None)],
        "it lacks the claim nbf": [token(private, nbf=None)],
        "it lacks the claim iss": [token(private, iss=None)],
        "its signature is wrong": [token(another), signed[:-8] + "AAAAAAAA"],
        "it is not signed with RS256": [
            jwt.encode(claims(), None, algorithm="none", headers={"kid": "first"}),
            with_hs256(public),
            token(private, algorithm="RS512"),
            token(private, algorithm="PS256"),
        ],
        "the key that signed it is not the tenant's": [token(another, kid="unknown")],
        "it names no key": [token(private, kid=None)],
        "it names no caller": [token(private, oid=None, sub=None)],
        "it cannot be read": [token(private, exp="soon"), "a.b.c", signed.replace(".", "!.")],
        "it is too long": [token(private, roles=["x" * 20_000])],
    }
    for why, tokens in bad.items():
        for given in tokens:
            refused = refusal(guard, bearer(given))
            assert str(refused) == f"The token is refused: {why}."
            (challenge,) = refused.headers["WWW-Authenticate"]
            assert challenge == 'Bearer realm="scoring", error="invalid_token"'
            assert given not in str(refused) + caplog.text


def with_hs256(secret: bytes) -> str:
    """A token signed with a shared secret, made by hand: PyJWT declines a public key as one."""
    parts = ({"alg": "HS256", "typ": "JWT", "kid": "first"}, claims())
    signed = b".".join(jwt.utils.base64url_encode(json.dumps(part).encode()) for part in parts)
    signature = hmac.digest(secret, signed, "sha256")
    return (signed + b"." + jwt.utils.base64url_encode(signature)).decode()


def test_a_verified_token_is_remembered_but_not_beyond_its_end(
    entra: dict[str, str], private: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard, verified = Access.from_environment(entra), []
    real = jwt.decode
    monkeypatch.setattr(
        jwt, "decode", lambda *given, **how: verified.append(1) or real(*given, **how)
    )
    lasting, ending = bearer(token(private)), bearer(token(private, exp=int(time.time()) - 1))
    for good in (lasting, lasting, ending, ending):
        assert ask(guard, good) == "the-caller"
    assert len(verified) == 3
    later = time.time() + access.VERIFIED_SECONDS + 1
    monkeypatch.setattr(access.time, "time", lambda: later)
    ask(guard, lasting)
    assert len(verified) == 4


def test_a_rotated_key_is_fetched_but_nobody_makes_us_ask_often(
    entra: dict[str, str],
    server: KeyServer,
    private: rsa.RSAPrivateKey,
    another: rsa.RSAPrivateKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guard = Access.from_environment(entra)
    ask(guard, bearer(token(private)))
    for number in range(20):
        refusal(guard, bearer(token(another, kid=f"made-up-{number}")))
    assert server.asked == 1
    monkeypatch.setattr(access, "RETRY_SECONDS", 0.0)
    server.keys = {"second": another}
    assert ask(guard, bearer(token(another, kid="second"))) == "the-caller"
    assert server.asked == 2
    assert refusal(guard, bearer(token(private, oid="new"))).status == 401


def test_keys_that_are_old_are_renewed_behind_the_request(
    entra: dict[str, str],
    server: KeyServer,
    private: rsa.RSAPrivateKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guard = Access.from_environment(entra)
    ask(guard, bearer(token(private)))
    monkeypatch.setattr(access, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(access, "REFRESH_SECONDS", 0.0)
    assert ask(guard, bearer(token(private, oid="next"))) == "next"
    until = time.monotonic() + 5
    while server.asked < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert server.asked == 2


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"keys": []}', b'{"keys": [3]}'])
def test_a_key_server_that_talks_nonsense_is_away(
    entra: dict[str, str], server: KeyServer, private: rsa.RSAPrivateKey, body: bytes
) -> None:
    server.body = body or b"\xff"
    guard = Access.from_environment(entra)
    for _ in range(5):
        with pytest.raises(Unavailable, match="key server"):
            ask(guard, bearer(token(private)))
    assert server.asked == 1


def test_a_slow_key_server_is_away_and_keys_already_known_stay_good(
    entra: dict[str, str],
    server: KeyServer,
    private: rsa.RSAPrivateKey,
    another: rsa.RSAPrivateKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(access, "KEY_SERVER_TIMEOUT_SECONDS", 0.2)
    guard = Access.from_environment(entra | {"API_KEY": KEY})
    ask(guard, bearer(token(private)))
    monkeypatch.setattr(access, "RETRY_SECONDS", 0.0)
    server.delay = 0.5
    with pytest.raises(Unavailable, match="key server"):
        ask(guard, bearer(token(another, kid="second")))
    monkeypatch.setattr(access, "RETRY_SECONDS", 10.0)
    assert ask(guard, bearer(token(private, oid="next"))) == "next"
    assert ask(guard, bearer(KEY)) == "key"
    asked = server.asked
    with pytest.raises(Unavailable):
        ask(guard, bearer(token(another, kid="second")))
    assert server.asked == asked


def test_a_key_or_a_token_either_will_do(
    entra: dict[str, str], private: rsa.RSAPrivateKey, another: rsa.RSAPrivateKey
) -> None:
    guard = Access.from_environment(entra | {"API_KEY": KEY})
    assert str(guard) == "API key or Entra ID token"
    assert ask(guard, bearer(KEY)) == "key"
    assert ask(guard, bearer(token(private))) == "the-caller"
    assert ask(guard, bearer(token(another)) | {"X-API-Key": KEY}) == "key"
    refused = refusal(guard, bearer(token(another)))
    assert [words.split()[0] for words in refused.headers["WWW-Authenticate"]] == [
        "Basic",
        "Bearer",
    ]


# Whatever is sent.


@pytest.mark.parametrize("nasty", NASTY)
def test_no_bytes_in_a_header_do_worse_than_be_refused(entra: dict[str, str], nasty: str) -> None:
    guards = [settled(), settled(API_KEY=KEY), Access.from_environment(entra)]
    guards.append(Access.from_environment(entra | {"API_KEY": KEY}))
    shapes = [nasty, f"Bearer {nasty}", f"Basic {nasty}", f"bearer{nasty}.{nasty}.{nasty}"]
    shapes += [f"Bearer {nasty}.{nasty}.{nasty}", f"Basic {nasty}:{nasty}", f"{nasty} {WRONG}"]
    shapes.append("Basic " + b64encode(nasty.encode("utf-8", "replace")).decode())
    for guard in guards:
        for shape in shapes:
            for name in ("authorization", "x-api-key", "forwarded", "host"):
                assert refuses(guard, Raw({name: shape}))


class Raw(dict[str, str]):
    """Headers that hold what no server would let through."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


def refuses(guard: Access, headers: Raw) -> bool:
    try:
        guard.check(headers, OUTSIDE)
    except Refused as error:
        return error.status in (401, 403) and str(error).isascii()
    return False
