"""Mask secrets in any text from outside, before it is shown, logged, stored or answered.

What is left readable is what is known to be harmless, not the other way round: of a URL the scheme,
the host, the path and a few parameters; of a connection string a few names. The rest is `***`. A
second net takes the secrets of this process's own environment, and of the credentials that it has
read, out of the text, whatever stands around them. The standard library is enough: errors,
generation and serving use it.
"""

import logging
import os
import re
import sys
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import pairwise
from traceback import format_exception
from types import TracebackType
from typing import Any
from urllib.parse import quote, unquote

MASK = "***"
MAX_LENGTH = 50_000  # characters
# What the parameters of URLs and connection strings are called whose values are no secrets; letters
# and digits only, in lower case.
HARMLESS = re.compile(
    "accountendpoint|accountname|apiversion|applicationintent|authentication|"
    "blobendpoint|charset|connecttimeout|database|dbname|defaultendpointsprotocol|driver|dsn|"
    "encoding|encrypt|endpoint|endpointsuffix|format|host|hostaddr|ingestionendpoint|"
    "initialcatalog|limit|liveendpoint|mode|model|multisubnetfailover|offset|page|path|port|"
    "provider|schema|se|server|skoid|sp|spr|sr|ss|sslmode|st|sv|tid|timeout|trustedconnection|"
    "trustservercertificate|uri|version|wsid"
)
NAMED_SO = (
    r"pass(?:word|wd|phrase|code)?\d*|pwd|secret|token|sig(?:nature)?|credentials?|cookie|sas|"
    r"(?:api|access|account|shared|private|primary|secondary|master|storage|function|subscription|"
    r"instrumentation|encryption|signing|ssh|auth)[_. -]?key"
)
QUOTED = r"\{[^}\n]*\}|\"[^\"\n]*\"|'[^'\n]*'"
END = r"(?=[\"'`]?(?:\W*(?:\s|$)))"  # what may close a text that was quoted
# Variables that sound like secrets: folders of the shell, and which kinds of identity are tried.
HARMLESS_VARIABLES = ("PWD", "OLDPWD", "AZURE_TOKEN_CREDENTIALS")
VARIABLE = re.compile(r"\$\{\w+\}")  # names where a secret stands, and is none

_read: dict[tuple[str, str], None] = {}  # names and values of the credentials that were read

# Most errors have nothing of this in them, and are done with at once.
TRACES = re.findall(
    r"\S+",
    "= @ % // ----- q~ auth basic bearer cookie credential key pass pwd sas secret sig token",
)
_words = re.compile(r"(?:[A-Za-z]{1,20}[ _-]?){1,4}\d{0,2}|[\d.,+-]{1,8}\w{0,2}")
_long = re.compile(r"[\w+/\-]{16}")
_url = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,40}:)?//(?:[^\s\"'`<>]|[\"'`<>](?=\w))+")
_encoded_url = re.compile(r"\S{0,200}%(?:25)*3A%(?:25)*2F%(?:25)*2F\S*", re.I)
_host = re.compile(r"(?:[^:\[\]]*|\[[^\[\]]*\])(?::\d*)?(?:,[^:,\[\]]*(?::\d*)?)*")
_pair = re.compile(rf"(?<![\w.-])([A-Za-z][\w .\-]{{0,40}}?)(\s*=\s*)({QUOTED}|[^;\n]*)")
_next_pair = re.compile(r";\s*[A-Za-z][\w .\-]{0,40}?\s*=")
_pair_before = re.compile(rf"=\s*(?:{QUOTED}|[^;=\n]{{0,200}});\s*$")
_named = re.compile(
    rf"(?<![\w.\-])([\w.\-]{{0,40}}?(?:{NAMED_SO})|key)"
    rf"(=|%(?:25)*3D|[\"']\s*[:=,]\s*)({QUOTED}|[^\s;&,]+)",
    re.IGNORECASE,
)
_after_colon = re.compile(
    r"\b((?:pass(?:word|wd|phrase)?|pwd|secret) ?: ?)(\S+)(\s*$)?", re.I | re.M
)
_header = re.compile(
    r"(?<![\w-])((?:authorization|cookie|[\w-]{1,40}-(?:key|token|auth|signature))[\"']?\s*[:=]\s*[\"']?)"
    r"(?!\w* ?<)((?:\w+ )?[^\s\"',}]+)",
    re.IGNORECASE,
)
_scheme = re.compile(
    r"\b((?:Bearer|Basic|SharedKey|Token) +)(?!realm=)([A-Za-z0-9+/=._~:\-]{8,})", re.I
)
_account = re.compile(r"(?<![\w/])([\w.+\-]{1,40}:)([^\s/@]{1,200})@(?!latest|sha256:)(?=[\w(\[])")
_pem = re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)[^-]*(?:-----END [A-Z ]*-----)?")
_issued = re.compile(  # tokens that say themselves what they are
    r"(?<![\w~])[\w.~-]{3}\dQ~[\w.~-]{31,34}(?![\w~])|"  # a secret of Entra ID
    r"\b(?:eyJ[\w-]+\.[\w.-]+|gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|"
    r"(?:sk|pk|rk)[-_][\w-]{16,}|xox[a-z]-[\w-]{8,}|A[KS]IA[A-Z0-9]{12,}|AIza[\w-]{20,}|"
    r"dapi[0-9a-f]{16,}|hf_\w{16,}|pypi-[\w-]{16,}|npm_\w{16,}|dckr_pat_[\w-]{8,}|v1\.[\w-]{40,})"
)
_random = re.compile(r"(?<![A-Za-z0-9+/_=%\-])[A-Za-z0-9+/_\-]{32,}={0,2}")


def masked(text: str) -> str:
    """Return the text with `***` in place of every secret in it.

    Args:
        text: any text, such as the message of an error, a URL, or a line of a log.
    """
    lower = text.lower()
    shown = text
    if any(trace in lower for trace in TRACES) or _long.search(text):
        shown = _by_shape(text)
    for secret in _of_process():
        shown = shown.replace(secret, MASK)
    return f"{shown} ..." if len(text) > MAX_LENGTH else shown


def quoted(text: str) -> str:
    """Return the value of a variable that does not fit there, quoted; `***` if it may be a secret.

    A few words or a number are shown. Anything else may be a secret in the wrong variable.
    """
    return repr(text) if _words.fullmatch(text) else MASK


def mask_output() -> None:
    """Mask what this process says beside its messages: tracebacks, and the logs of libraries."""
    if sys.excepthook is not sys.__excepthook__:
        return  # done already, or another's
    factory = logging.getLogRecordFactory()

    def record(*args: Any, **more: Any) -> logging.LogRecord:
        made = factory(*args, **more)
        with suppress(TypeError, ValueError):  # its arguments do not fit: logging says so itself
            made.msg, made.args = masked(made.getMessage()), ()
        return made

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        print(masked("".join(format_exception(kind, error, trace))), end="", file=sys.stderr)

    logging.setLogRecordFactory(record)
    sys.excepthook = hook


def remember(name: str, value: str) -> None:
    """Mask the secret in a value from now on, as if it were a variable of the environment.

    Args:
        name: tells whether all of the value is a secret, or what looks like one in it.
        value: a credential that this process has read.
    """
    _read[name, value] = None


def has_secret(text: str) -> bool:
    """Return True if a text from outside holds something that must not stand in a file of git."""
    start = text[:MAX_LENGTH]
    return masked(start) != start


def _by_shape(text: str) -> str:
    """Mask what looks like a secret or stands where one may stand."""
    text = _pem.sub(rf"\1{MASK}", text)
    text = _joined(text)
    text = _url.sub(_masked_url, text)
    text = _account.sub(rf"\1{MASK}@", text)
    text = _encoded_url.sub(_masked_encoded, text)
    text = _pair.sub(_masked_pair, text)
    text = _header.sub(_after_name, text)
    text = _scheme.sub(_masked_scheme, text)
    text = _named.sub(_masked_named, text)
    text = _after_colon.sub(_masked_after_colon, text)
    text = _issued.sub(MASK, text)
    return _random.sub(lambda match: MASK if _is_random(match[0]) else match[0], text)


def _joined(text: str) -> str:
    """Mask a URL whose password has blanks or quotes in it, up to its last `@` of the line."""
    return re.sub(
        r"(://)([^\s/?#@:\[\]]{0,80}:(?!\d*(?:[/?#\s]|\W*$))[^\n@]{0,200}@[^\s/?#]*)",
        lambda match: match[1] + _masked_authority(match[2], "") if " " in match[2] else match[0],
        text,
    )


def _masked_url(match: re.Match[str]) -> str:
    """Mask a URL's user and password, its parameters, and what may be one of them."""
    scheme, _, rest = match[0].partition("//")
    if not scheme and "@" not in rest and "?" not in rest:
        return match[0]
    found = re.fullmatch(r"([^/?#;]*)([^?#]*)(\?[^#]*)?(#.*)?", rest, re.DOTALL)
    if found is None:
        return f"{scheme}//{MASK}"
    authority, path, query, fragment = found[1], found[2], found[3] or "", found[4] or ""
    tail = path + query + fragment
    host = authority.rpartition("@")[2]
    if not _host.fullmatch(host) or ("@" in tail and ("@" in authority or ":" in authority)):
        return f"{scheme}//{MASK}"
    shown = _masked_authority(authority, scheme)
    path = re.sub(r"(?<=;)[^;/]+", _masked_parameter, path)
    hidden = re.sub(r"[^?&;]+", _masked_parameter, query)
    if fragment and (hidden != query or not re.fullmatch(r"#[\w.\-/$]*", fragment)):
        fragment = f"#{MASK}"
    return f"{scheme}//{shown}{path}{hidden}{fragment}"


def _masked_authority(authority: str, scheme: str) -> str:
    """Mask the password before a host; the user too, where it may be a token."""
    account, at, host = authority.rpartition("@")
    if not at:
        return authority
    user, colon, password = account.partition(":")
    plain = re.fullmatch(r"[\w.\-]{0,32}|\$\{\w+\}", user) and not scheme.lower().startswith("http")
    if plain and (not colon or VARIABLE.fullmatch(password)):
        return authority
    return f"{user if plain else MASK}{f':{MASK}' if plain else ''}@{host}"


def _masked_parameter(match: re.Match[str]) -> str:
    name, equals, value = match[0].partition("=")
    plain = re.sub(r"[\W_]", "", unquote(name)).lower()
    if (equals and HARMLESS.fullmatch(plain) and len(value) <= 64) or VARIABLE.fullmatch(value):
        return match[0]
    return f"{name}={MASK}" if equals else MASK


def _masked_encoded(match: re.Match[str]) -> str:
    """Mask a URL that is percent-encoded, once or more."""
    text = match[0]
    for _ in range(5):
        text = unquote(text)
    return match[0] if _by_shape(text) == text else _by_shape(text)


def _masked_pair(match: re.Match[str]) -> str:
    """Mask a value of a connection string, which has semicolons between its pairs."""
    text, start, end = match.string, match.start(), match.end()
    if not _next_pair.match(text, end) and not _pair_before.search(text, 0, start):
        return match[0]
    name, equals, value = match.groups()
    plain = re.sub(r"[\W_]", "", name).lower()
    if HARMLESS.fullmatch(plain) or VARIABLE.fullmatch(value) or not value:
        return match[0]
    return f"{name}{equals}{MASK}"


def _masked_named(match: re.Match[str]) -> str:
    name, between, value = match.groups()
    bare = value.strip("\"'{}.)")
    if VARIABLE.match(bare) or not bare or bare.startswith(MASK):
        return match[0]
    if name.lower() == "key" and (name == "KEY" or len(bare) < 8 or not between.startswith("=")):
        return match[0]
    closing = value[-1] if value[0] in "\"'{" else ""
    return f"{name}{between}{value[0] if closing else ''}{MASK}{closing}"


def _masked_after_colon(match: re.Match[str]) -> str:
    """Mask what stands behind `password:`, unless it is a word of a sentence."""
    if _is_word(match[2]) and match[3] is None:
        return match[0]
    return f"{match[1]}{MASK}{match[3] or ''}"


def _after_name(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}"


def _masked_scheme(match: re.Match[str]) -> str:
    """Mask the credential after `Bearer` or `Basic`, unless it is a word of a sentence."""
    if _is_word(match[2]) and not _is_basic(match[2]):
        return match[0]
    return f"{match[1]}{MASK}"


def _is_word(text: str) -> bool:
    word = text.strip(".,:;!?()\"'")
    return word.isalpha() and (word.islower() or word.istitle())


def _is_basic(word: str) -> bool:
    try:
        return b":" in b64decode(word + "=" * (-len(word) % 4), validate=True)
    except Error:
        return False


def _is_random(word: str) -> bool:
    """Return True if letters of both cases and digits alternate as in a key, not as in a name."""
    kinds = [
        "U" if c.isupper() else "l" if c.islower() else "0" if c.isdigit() else "-" for c in word
    ]
    if min(kinds.count("U"), kinds.count("l"), 2 * kinds.count("0")) < len(word) / 10:
        return False
    return sum(one != two for one, two in pairwise(kinds)) > 0.45 * len(word)


def _of_process() -> Iterator[str]:
    """Yield the secrets that this process knows, each in every form that is usual."""
    for name, value in [*os.environ.items(), *_read]:
        yield from secrets_of(name, value)


_SECRET_VARIABLE = re.compile(rf"(?:{NAMED_SO}|KEY|CONNECTION_STRING|AUTHENTICATION)$", re.I)
_CUTS = (r"[\s:/?#&=@;,]+", r"[\s:/@]+")  # a password may have those of a URL's parameters in it


@lru_cache(maxsize=1024)
def secrets_of(name: str, value: str) -> tuple[str, ...]:
    """Return the secrets in an environment variable in every form that is usual, longest first.

    A short one, or one of letters only, stands in too many other words to be replaced in them.
    """
    shown = _by_shape(value)
    parts = {part for cut in _CUTS for part in {*re.split(cut, value)} - {*re.split(cut, shown)}}
    if _SECRET_VARIABLE.search(name) and name not in HARMLESS_VARIABLES:
        parts |= {value, *re.split(r"[\s,;]+", value)}
    forms = {form for part in parts for form in (part, unquote(part), quote(part, safe=""))}
    found = [each for each in forms if len(each) >= 8 and not (each.isalpha() and each.islower())]
    return tuple(sorted(found, key=len, reverse=True))
