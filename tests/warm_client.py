"""Stands in for the Python of an environment: `lend` in warm.py writes four names before it.

A verb, a step or a server of a deployment goes to the process that has their libraries loaded,
with these streams; so does a script, or a file of unit tests, if `lend` says so. All else, and all
that serves a project by itself, goes to Python itself.
"""

import json
import os
import signal
import socket
import sys

OWN = ("serve", "init", "predict")  # verbs that begin as a person begins them
MODULES = (
    "seedling.steps.",
    "seedling.lifecycle.review.before",
    "seedling.training.mlflow_runs",
    "seedling.azure.try_script",
)
FILES = ("azmlinfsrv", "train_completed.py")  # of a deployment's image, of a run's job


def warmed(words: list[str], scripts: bool) -> bool:
    """Whether a call is of a verb, a step, a trial of a script or a server of a deployment.

    If scripts are asked for, also of one of those.
    """
    if words and os.path.basename(words[0]) in FILES:
        return True
    if scripts and (words[:2] == ["-m", "unittest"] or (words[:1] and words[0].endswith(".py"))):
        return "/seedling/" not in words[0]  # init is run by its file
    if words[:1] != ["-m"] or len(words) < 2:
        return False
    verbs = [word for word in words[2:] if word not in ("--make", "--attended")][:1]
    is_verb = words[1] == "seedling" and bool(verbs) and not verbs[0].startswith(OWN)
    return is_verb or words[1].startswith(MODULES)


def asked(address: str, itself: str, words: list[str]) -> int | None:
    """Return how the process has ended; None if there is nothing that starts one."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        link.connect(address)
    except OSError:
        return None
    wanted = {
        "words": words,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "python": itself,
    }
    socket.send_fds(link, [json.dumps(wanted).encode()], [0, 1, 2])
    process = int(link.recv(64))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.killpg(process, number))
    return int(link.recv(64))


def main(address: str, python: str, itself: str, scripts: bool) -> None:
    """
    Args:
        address: of the process that starts others.
        python: Python itself.
        itself: the path of this file.
        scripts: whether scripts go to that process too.
    """
    words = sys.argv[1:]
    code = asked(address, itself, words) if warmed(words, scripts) else None
    if code is None:
        os.execv(python, [python, *words])  # noqa: S606
    os._exit(code if code >= 0 else 128 - code)


main(ADDRESS, PYTHON, ITSELF, SCRIPTS)  # type: ignore[name-defined] # noqa: F821
