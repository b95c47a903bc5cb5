"""A step's process: a shell in the folder of its code, with a Python of the test's choice."""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import warm

# What says who the tests are, and where, is not for a job to know.
PRIVATE = ("AZURE", "MSI_", "IDENTITY_", "MLFLOW_", "PYTHON", "VIRTUAL_ENV", "UV_")


# A command without anything that only a shell understands.
SIMPLE = re.compile(r"python ([\w\s./:=,@%+'\"-]+)")


class Process:
    """A command that runs until it ends or is killed, with all that it has started."""

    def __init__(
        self, command: str, folder: Path, variables: Mapping[str, str], python: Path
    ) -> None:
        inherited = {key: one for key, one in os.environ.items() if not key.startswith(PRIVATE)}
        path = os.pathsep.join([str(python.parent), inherited["PATH"]])
        environment = inherited | {"PATH": path, "PYTHONUTF8": "1", **variables}
        simple = SIMPLE.fullmatch(command.strip())
        said, say = os.pipe()
        self._said = os.fdopen(said, encoding="utf-8", errors="replace")
        with open(os.devnull, "rb") as nothing, os.fdopen(say, "wb") as stream:
            if simple:  # its libraries are loaded already
                words, streams = shlex.split(simple[1]), [nothing.fileno(), say, say]
                process = warm.of(python).start(words, folder, environment, streams, python)
            else:
                process = subprocess.Popen(
                    ["bash", "-c", command],
                    cwd=folder,
                    env=environment,
                    stdin=nothing,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        self._process: warm.Process | subprocess.Popen[bytes] = process

    def lines(self) -> Iterator[str]:
        """What it prints, while it does."""
        with self._said as stream:
            yield from stream

    def wait(self) -> int:
        return self._process.wait()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


def last_words(log: str) -> str:
    """The last line that tells of an error, else the last line."""
    lines = [line for line in log.splitlines() if line.strip()]
    told = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return [*(lines or ["it said nothing"]), *told][-1]
