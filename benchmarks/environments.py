"""Projects to measure and environments to measure them in, made once per work folder."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from benchmarks.peers import Peer
from tools.demo import ROOT, fingerprint

PACKAGE = "income_bracket"
TOOLS = ("pip", "setuptools", "wheel", "_virtualenv", "_distutils_hack", "distutils-precedence")
ROWS = 100
NAMED = (
    "bentoml fastapi flask gunicorn mlflow msgspec numpy onnxruntime pandas scikit-learn uvicorn"
    " uvloop xgboost xgboost-cpu"
).split()

# Rows with gaps are left out: the peers answer one alone otherwise than in a batch.
FACTS = f"""
import json
from seedling.data import datasets
from seedling.config import Project
project = Project.find()
registered, dataset = project.config.models[0], project.config.datasets[0]
rows = datasets.load(project, dataset)[dataset.feature_names].dropna().head({ROWS})
rows = json.loads(rows.to_json(orient="records"))
print(json.dumps({{"folder": str(project.model_path(registered)), "rows": rows}}))
"""

# The values of a gunicorn configuration without its hooks, which are the service's own.
SETTINGS = """
import runpy, sys
for name, value in runpy.run_path(sys.argv[1]).items():
    if not name.startswith("_") and isinstance(value, (bool, int, float, str)):
        print(f"{name} = {value!r}")
"""


class FailedError(Exception):
    """A command that did not do its work; the message ends with what it said last."""


@dataclass(frozen=True)
class Project:
    """A finance project with one model, trained on its own sample data."""

    root: Path
    model: str

    @cached_property
    def facts(self) -> dict[str, Any]:
        """`folder` of the registered model, and `rows` of its dataset."""
        done = run([python_of(self.root / ".venv"), "-c", FACTS], self.root)
        found: dict[str, Any] = json.loads(done)
        return found

    @property
    def gunicorn_settings(self) -> Path:
        return self.root / "gunicorn.conf.py"


def project(work: Path, model: str, as_is: bool) -> Project:
    """The project of this model, generated and trained unless it is there and up to date."""
    root, note = work / model / PACKAGE, work / model / "generated-from.txt"
    if root.exists() and as_is:
        return Project(root, model)
    wanted = fingerprint()
    if not note.exists() or note.read_text(encoding="utf-8") != wanted:
        note.unlink(missing_ok=True)
        _generate(root, model)
        run([sys.executable, "internal/seedling/init.py"], root)
        for verb in ("create-local-datasets", "train"):
            run([python_of(root / ".venv"), "-m", "seedling", verb], root)
        note.write_text(wanted, encoding="utf-8")
    return Project(root, model)


def _generate(root: Path, model: str) -> None:
    """A fresh project, beside the .venv of the one before."""
    kept = root.parent / "kept.venv"
    if (root / ".venv").exists():
        (root / ".venv").rename(kept)
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    settings = root.parent / "cookiecutter.yaml"
    settings.write_text(json.dumps({"replay_dir": str(root.parent / "replay")}), encoding="utf-8")
    options = ["--no-input", "--config-file", settings, "--output-dir", root.parent]
    answers = ["vertical=finance", f"models={model}"]
    run([sys.executable, "-m", "cookiecutter", *options, ROOT, *answers], root.parent)
    if kept.exists():
        kept.rename(root / ".venv")


def environment(work: Path, peer: Peer, project: Project) -> Path:
    """The peer's virtual environment, with the project's pinned versions; bytecode included.

    Raises:
        FailedError: its packages could not be installed.
    """
    folder = work / "environments" / peer.folder
    plumbing = f"seedling[serve] @ {(project.root / 'internal').as_uri()}"
    own = [plumbing, f"{PACKAGE}[serve] @ {project.root.as_uri()}"]
    with_source = "{project}[serve]" in peer.packages
    others = [name for name in peer.packages if name != "{project}[serve]"]
    packages = [*own, *others] if with_source else others
    pins = (project.root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if peer.pinned:
        pins = [pin for pin in pins if pin.partition("==")[0] in peer.pinned]
    stamp, wanted = folder / ".installed", _digest([*packages, *pins], project, with_source)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        constraints = folder.with_suffix(".txt")
        constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
        _install(folder, [*packages, "-c", str(constraints)])
        stamp.write_text(wanted, encoding="utf-8")
    return folder


def _digest(words: list[str], project: Project, with_source: bool) -> str:
    digest = hashlib.sha256("\n".join(words).encode())
    sources = sorted((project.root / "internal").rglob("*.py")) if with_source else []
    for path in [*sources, project.root / "pyproject.toml"] if with_source else []:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _install(folder: Path, words: list[str]) -> None:
    uv = shutil.which("uv", path=search_path())
    if uv:
        run([uv, "venv", "--quiet", "--python", sys.executable, folder], folder.parent)
        options = ["--quiet", "--compile-bytecode", "--reinstall-package", PACKAGE]
        options += ["--reinstall-package", "seedling"]
        install = [uv, "pip", "install", *options, "--python", python_of(folder)]
    else:
        run([sys.executable, "-m", "venv", folder], folder.parent)
        pip = [python_of(folder), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        run([*pip, "--upgrade", "pip"], folder.parent)
        install = pip
    run([*install, *words], folder.parent)


def size(environment: Path, model: str) -> float:
    """MB of all installed files; xgboost counts where it is the model.

    Installers do not count, nor does bytecode, which some of them compile and others do not.
    """
    left_out = TOOLS if model == "xgboost" else (*TOOLS, "xgboost")
    (packages,) = (environment / "lib").glob("python*/site-packages")
    found = [path for path in packages.iterdir() if not path.name.startswith(left_out)]
    files = [file for path in found for file in ([path] if path.is_file() else path.rglob("*"))]
    sizes = (file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")
    return sum(sizes) / 1e6


def versions(work: Path) -> str:
    """The versions of what is compared, in all environments of a work folder."""
    folders = [str(path) for path in work.glob("environments/*/lib/python*/site-packages")]
    found = {f"{item.name.lower()} {item.version}" for item in distributions(path=folders)}
    return ", ".join(sorted(words for words in found if words.split()[0] in NAMED)) + "."


def plain_settings(environment: Path, project: Project) -> Path:
    """The service's gunicorn settings for a server that is not the service."""
    path = project.root.parent / "floor.conf.py"
    configuration = project.gunicorn_settings
    text = run([python_of(environment), "-c", SETTINGS, configuration], project.root)
    path.write_text(text, encoding="utf-8")
    return path


def for_mlflow(project: Project) -> Path:
    """The registered model, with its MLmodel asking for probabilities instead of labels."""
    copy = project.root.parent / "mlflow_model"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(project.facts["folder"], copy)
    path = copy / "MLmodel"
    text = path.read_text(encoding="utf-8")
    text = text.replace("predict_fn: predict\n", "predict_fn: predict_proba\n")
    path.write_text(text, encoding="utf-8")
    return copy


def python_of(environment: Path) -> Path:
    return environment / "bin" / "python"


def search_path() -> str:
    """PATH with the template's own tools, uv among them, in front."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def run(command: list[str | Path], folder: Path) -> str:
    """What a command prints.

    Raises:
        FailedError: it did not end well.
    """
    variables = os.environ | {"PATH": search_path(), "WEB_CONCURRENCY": "2"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=variables,
        text=True,
        encoding="utf-8",
        capture_output=True,
    )
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        words = " ".join(Path(str(word)).name for word in command[:4])
        raise FailedError(f"`{words} ...` failed: {said[-1] if said else 'it said nothing'}")
    return done.stdout
