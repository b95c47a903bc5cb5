"""The program `az`: found, run, and its errors in one line."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from seedling.errors import ProjectError

# Of Azure's many codes and words for a name that another customer, or a deleted resource, has.
TAKEN = re.compile(
    r"already(taken|inuse|exists)|already (taken|in use|exists)|soft.?deleted|"
    r"name(is)?notavailable",
    re.IGNORECASE,
)
LONGEST = 300  # characters of Azure's own words


class Refused(ProjectError):
    """Report that az ended with an error."""


def run(*words: str, folder: Path | None = None) -> Any:
    """Run az, and return what it prints as JSON; None where it prints nothing.

    Args:
        words: of the command, without `az` and `--output`.
        folder: where it runs.

    Raises:
        ProjectError: it is not installed.
        Refused: it failed.
    """
    printed = _printed([*words, "--output", "json"], folder)
    try:
        return json.loads(printed) if printed else None
    except ValueError:
        raise ProjectError(f"az {' '.join(words[:3])} printed no JSON: {printed[:80]!r}.") from None


def account(subscription: str) -> Mapping[str, Any]:
    """Return the subscription that a person is signed in to.

    Args:
        subscription: its ID; the one that is chosen in az unless given.

    Raises:
        ProjectError: az is not signed in, or not to this one.
    """
    which = ["--subscription", subscription] if subscription else []
    try:
        found: Mapping[str, Any] = run("account", "show", *which)
    except Refused as error:
        where = f" to the subscription {subscription}" if subscription else ""
        raise ProjectError(f"az is not signed in{where}: run `az login`. ({error})") from None
    return found


def need_bicep() -> None:
    """Raise ProjectError unless az has Bicep's compiler."""
    try:
        _printed(["bicep", "version"], None)  # a sentence, whatever the output is to be
    except Refused as error:
        raise ProjectError(f"az has no Bicep: run `az bicep install`. ({error})") from None


def _printed(words: Sequence[str], folder: Path | None) -> str:
    """Run az, and return what it prints."""
    program = shutil.which("az")  # on Windows az.cmd, which only its whole path starts
    if program is None:
        raise ProjectError(
            "The program az is not installed: it is Azure's CLI, and its package is azure-cli."
        )
    done = subprocess.run(
        [program, *words], cwd=folder, capture_output=True, text=True, encoding="utf-8"
    )
    if done.returncode:
        raise Refused(f"az {' '.join(words[:3])}: {_reason(done.stderr)}")
    return done.stdout.strip()


def _reason(words: str) -> str:
    """Return one line of what az has written about its error, and what to do if that is known."""
    said = words[words.find("ERROR:") + len("ERROR:") :] if "ERROR:" in words else words
    code, message = "", next((line.strip() for line in said.splitlines() if line.strip()), "")
    start = said.find("{")
    if start >= 0:
        try:
            document, _ = json.JSONDecoder().raw_decode(said[start:])
            code, message = next(_errors(document), (code, message))
        except ValueError:  # braces of something else
            pass
    message = " ".join(message.split())[:LONGEST]
    if TAKEN.search(f"{code} {message}"):
        return (
            f"a name is taken: {message} Names end with suffix of infra/, or aml_suffix of "
            "model.yaml: choose another, of letters and digits, 12 at most."
        )
    if "AuthorizationFailed" in f"{code} {message}":
        return (
            f"{message} Making resources and giving roles takes Owner of the resource group, or "
            "Contributor and Role Based Access Control Administrator."
        )
    return message or "it failed, and does not say why."


def _errors(document: Any) -> Iterator[tuple[str, str]]:
    """Yield (code, message) of the errors in Azure's answer, the innermost first."""
    if isinstance(document, dict):
        if isinstance(document.get("error"), dict):
            yield from _errors(document["error"])
            return
        for detail in document.get("details") or []:
            yield from _errors(detail)
        message = str(document.get("message", ""))
        if message.lstrip().startswith("{"):  # an answer within the answer
            with suppress(ValueError):
                yield from _errors(json.loads(message))
        if message:
            yield str(document.get("code", "")), message
