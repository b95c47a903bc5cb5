"""Starts Python processes with their libraries loaded: each is a fork of this one.

It runs in the environment whose Python is asked for, and imports nothing of a project: the code of
each process is its own. `warm.py` asks it, by a socket that is its stdin; it ends with that. So do
the stand-ins of Python that `warm.py` writes, by a socket with a name.
"""

import _imp
import contextlib
import gc
import hashlib
import importlib
import inspect
import json
import marshal
import multiprocessing
import os
import runpy
import select
import signal
import site
import socket
import stat
import sys
import sysconfig
import types
import warnings
from importlib.machinery import SourceFileLoader

# What verbs and steps spend most of their start on. mlflow reads these variables as it is loaded.
LIBRARIES = """
    pandas pyarrow.parquet scipy.stats sklearn.pipeline sklearn.tree sklearn.compose
    sklearn.ensemble sklearn.linear_model sklearn.model_selection sklearn.inspection sqlalchemy
    pandera.pandas click rich.progress rich.table ruamel.yaml pydantic jinja2 requests
    sklearn.impute sklearn.feature_extraction.text matplotlib.backends.backend_svg
    matplotlib.pyplot mlflow.pyfunc mlflow.sklearn mlflow.store.tracking.rest_store
    mlflow.store.tracking.sqlalchemy_store azure.identity azure.ai.ml azure.ai.ml.entities
""".split()
LATE = {"azureml"}  # mlflow loads it, and it asks for the cloud of its variables as it is loaded
QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "OMP_WAIT_POLICY": "PASSIVE",
}
STREAMS, MOST_BYTES = 3, 2**20
LOOK_SECONDS = 0.02  # between two looks at those that may have ended


def main() -> tuple[list[str], str]:
    """Serve until the socket is closed; return, in a new process, its words and its folder."""
    os.environ.update(QUIET)
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with contextlib.suppress(ImportError, AttributeError):  # what saves a model asks for it
        importlib.import_module("mlflow.utils.requirements_utils")._init_modules_to_packages_map()
    inspect.stack()  # Azure's SDK asks for it; it then knows the file of each module
    gc.collect()
    gc.freeze()
    running: dict[int, int] = {}
    asked, is_open = socket.socket(fileno=os.dup(0)), True
    named = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    named.bind(sys.argv[1])
    named.listen()
    while is_open or running:
        wait = LOOK_SECONDS if running else None
        ready = select.select([asked, named] if is_open else [], [], [], wait)[0]
        if not ready:
            for process in [one for one in running if ended(one, running[one])]:
                os.close(running.pop(process))
            continue
        if asked in ready:
            message, given, _, _ = socket.recv_fds(asked, MOST_BYTES, STREAMS + 1)
            is_open = bool(message)
            if not is_open:
                named.close()  # who asks later begins by itself
        else:
            link, _ = named.accept()
            message, given, _, _ = socket.recv_fds(link, MOST_BYTES, STREAMS)
            given.append(link.detach())
        process = os.fork() if message else -1
        if process == 0:
            for number in (asked.fileno(), named.fileno(), *running.values()):
                os.close(number)
            asked.detach()
            named.detach()
            return become(json.loads(message), given)
        if process > 0:
            running[process] = given[STREAMS]
            for number in given[:STREAMS]:
                os.close(number)
    os._exit(0)


def ended(process: int, told: int) -> bool:
    """Say how a process has ended, if it has; end it where whoever began it is gone."""
    done, status = os.waitpid(process, os.WNOHANG)
    if not done and stat.S_ISSOCK(os.fstat(told).st_mode) and select.select([told], [], [], 0)[0]:
        os.killpg(process, signal.SIGKILL)
    if done:
        with contextlib.suppress(BrokenPipeError):
            os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
    return bool(done)


def share_compiled(folder: str) -> None:
    """Let processes take what one of them has compiled of the same text, wherever its file is.

    Checkouts and jobs have the project's code in folders of their own, where nothing is compiled.
    Packages have their compiled files beside them.
    """
    own = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, name: str) -> types.CodeType | None:
        path = loader.get_filename(name)
        if path.startswith((sys.base_prefix, sys.prefix)) or "site-packages" in path:
            return own(loader, name)
        text = loader.get_data(path)
        place = os.path.join(folder, hashlib.sha256(text).hexdigest())
        with contextlib.suppress(OSError), open(place, "rb") as kept:
            code = marshal.load(kept)  # noqa: S302 - of one of these processes
            _imp._fix_co_filename(code, path)
            return code
        code = loader.source_to_code(text, path)
        with contextlib.suppress(OSError):
            with open(f"{place}-{os.getpid()}", "wb") as new:
                marshal.dump(code, new)
            os.replace(new.name, place)
        return code

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def become(wanted: dict, given: list[int]) -> tuple[list[str], str]:
    """Take the place of the process that was asked for, in a session of its own."""
    os.setsid()
    os.write(given[STREAMS], b"%d\n" % os.getpid())
    os.close(given[STREAMS])
    for number, stream in enumerate(given[:STREAMS]):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    os.chdir(wanted["folder"])
    take(wanted["python"])
    share_compiled(os.path.dirname(sys.argv[1]))
    if wanted["environment"].get("PYTHONUNBUFFERED"):  # which was read before as Python began
        sys.stdout.reconfigure(write_through=True)
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] in LATE]:
        del sys.modules[name]
    return wanted["words"], wanted["folder"]


def take(python: str) -> None:
    """Be this Python: of the same environment, or of one that borrows its packages (tests/ci)."""
    sys.executable, before = python, sys.prefix
    folder = os.path.dirname(os.path.dirname(python))
    if folder == before:
        return
    multiprocessing.set_executable(os.path.join(folder, "bin", "python3"))
    sys.prefix = sys.exec_prefix = folder
    project = os.path.dirname(before)
    sys.path[:] = [one for one in sys.path if not f"{one}{os.sep}".startswith(project + os.sep)]
    site.addsitedir(sysconfig.get_path("purelib", vars={"base": folder}))


def run(words: list[str], folder: str) -> None:
    """Do what Python does with these arguments: `-m NAME`, `-c CODE` or a file, after `-W WHAT`."""
    paths = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]
    while words[0] == "-W":
        warnings.simplefilter(words[1])
        words = words[2:]
    verbs = [word for word in words[2:] if not word.startswith("--")]
    verb = verbs[0] if words[:2] == ["-m", "seedling"] and verbs else ""
    if verb.startswith(("train", "retrain")) or os.path.basename(words[0]) == "train.py":
        # Nor do the workers of its pool load them again.
        own = multiprocessing.get_context
        multiprocessing.get_context = lambda how=None: own("fork" if how == "spawn" else how)
    if words[0] == "-m":
        sys.path[:0] = [folder, *paths]
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words[0] == "-c":
        sys.path[:0] = ["", *paths]
        sys.argv = ["-c", *words[2:]]
        sys.modules["__main__"] = module = types.ModuleType("__main__")
        exec(compile(words[1], "<string>", "exec"), module.__dict__)  # noqa: S102
    else:
        sys.path[:0] = [os.path.dirname(os.path.abspath(words[0])), *paths]
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    del sys.path[0]
    run(*main())
