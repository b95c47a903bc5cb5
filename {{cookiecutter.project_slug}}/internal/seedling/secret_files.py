"""Find secrets in files that git keeps: those of this machine by value, others by their form."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from seedling.config import env_files, json_object
from seedling.errors import ProjectError
from seedling.masking import secrets_of

ALLOWED = "pragma: allowlist secret"  # on a line that holds none, as detect-secrets reads it
OTHERS = ("internal/", "constraints.txt")  # what came with Seedling, and is checked by its hash
LARGEST = 5 * 2**20  # bytes: larger files are data
# Plugins of detect-secrets that go by a form; those that go by chance would report every hash.
PLUGINS = (
    *("AWSKeyDetector", "AzureStorageKeyDetector", "GitHubTokenDetector", "JwtTokenDetector"),
    *("KeywordDetector", "NpmDetector", "SendGridDetector", "SlackDetector", "StripeDetector"),
    "TwilioKeyDetector",
)
KEYWORD = "Secret Keyword"  # the finding of a plugin that goes by the name alone
_signature = re.compile(r"\bsig=[\w%+/\-]{20,}")  # of a SAS token, which no plugin knows
_password = re.compile(r"://[^\s/:@\"'`]*:(?![$<{*])([^\s/@\"'`]{4,})@[\w\[]")
_example = re.compile(r"password|secret|pass|\.\.\.|\W*", re.IGNORECASE)


class Finding(NamedTuple):
    """A line that holds a secret, and what it is; never the secret."""

    path: str
    line: int
    what: str


def of_git(root: Path) -> list[Path]:
    """Return the files below a folder that git keeps, or would with the next `git add`.

    Raises:
        ProjectError: the folder is in no repository.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise ProjectError("This is no git repository: name the files to look into.") from None
    return [root / os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def find(root: Path, paths: Iterable[Path]) -> list[Finding]:
    """Look for secrets in files.

    Args:
        root: the project's folder, whose `.env` and `azure-config.json` say what is secret here.
        paths: the files; folders, data and what came with Seedling are left out.

    Raises:
        ProjectError: detect-secrets is not installed.
    """
    known = dict(_known(root))
    found: list[Finding] = []
    for path in sorted({*paths}):
        shown = Path(os.path.relpath(path, root)).as_posix()
        if shown.startswith(OTHERS) or not path.is_file() or path.stat().st_size > LARGEST:
            continue
        content = path.read_bytes()
        if b"\0" in content:
            continue
        lines = content.decode("utf-8", errors="replace").splitlines()
        by_line = {**_by_plugins(path), **dict(_by_form(lines)), **dict(_by_value(lines, known))}
        found += [
            Finding(shown, number, what)
            for number, what in sorted(by_line.items())
            if ALLOWED not in lines[number - 1]
        ]
    return found


def _known(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the secrets of this machine, each with the name of the variable that holds it."""
    for name, value in os.environ.items():
        yield from ((secret, f"the secret of {name}") for secret in secrets_of(name, value))
    for folder in (root, root / "run"):
        for path in env_files.in_folder(folder):
            for name, value in env_files.read(path).items():
                where = f"the secret of {name} in {path.name}"
                yield from ((secret, where) for secret in secrets_of(name, value))
        for path in folder.glob("azure*config*.json"):
            for name, value in json_object.read(path).values.items():
                where = f"the secret of {name} in {path.name}"
                yield from ((secret, where) for secret in secrets_of(name, str(value)))


def _by_value(lines: list[str], known: dict[str, str]) -> Iterator[tuple[int, str]]:
    text = "\n".join(lines)
    here = {secret: where for secret, where in known.items() if secret in text}
    for number, line in enumerate(lines, 1) if here else ():
        for secret, where in here.items():
            if secret in line:
                yield number, where


def _by_form(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        if "-----BEGIN" in line and "PRIVATE KEY" in line:
            yield number, "a private key"
        elif "sig=" in line and _signature.search(line):
            yield number, "the signature of a SAS token"
        elif "://" in line and any(
            not _example.fullmatch(password) for password in _password.findall(line)
        ):
            yield number, "a URL with a password"


def _by_plugins(path: Path) -> dict[int, str]:
    try:
        from detect_secrets.core.scan import scan_file
        from detect_secrets.settings import transient_settings
    except ImportError:
        raise ProjectError(
            "detect-secrets is not installed: run init with the group `dev`."
        ) from None
    with transient_settings({"plugins_used": [{"name": name} for name in PLUGINS]}):
        found = [
            (each.line_number, each.type, each.secret_value or "") for each in scan_file(str(path))
        ]
    by_name = {line for line, kind, value in found if kind == KEYWORD and re.search(r"\d", value)}
    return dict.fromkeys(by_name, KEYWORD) | {
        line: kind for line, kind, _ in found if kind != KEYWORD
    }
