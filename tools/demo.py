"""Grows a finance project in .demo/ and runs its whole life, to a prediction over HTTP."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".demo"
PROJECT = FOLDER / "income_bracket"
NOTE = FOLDER / "generated-from.txt"
TEMPLATE = (
    "cookiecutter.json",
    "seedling_answers.py",
    "hooks",
    "templates",
    "{{cookiecutter.project_slug}}",
)
STEPS = 3
START = time.monotonic()


def main() -> None:
    if noted() == fingerprint() and PROJECT.is_dir():
        shown(1, "The template has not changed: the project of the last demo is used again")
    else:
        shown(1, "Generate a finance project")
        generate()
    shown(2, "Install what it needs")
    call([sys.executable, "internal/seedling/init.py"], PROJECT)
    shown(3, "Run its life: data, training, a service, a prediction")
    python = ".venv/Scripts/python" if os.name == "nt" else ".venv/bin/python"
    call([str(PROJECT / python), "-m", "seedling", "demo"], PROJECT)
    reports = (PROJECT / "local_assets" / "reports").glob("*/*/report.html")
    newest = max(reports, key=lambda report: report.stat().st_mtime)
    print(f"\nDone after {elapsed()}. Open the newest report in a browser:")
    print(f"  {os.path.relpath(newest)}")


def generate() -> None:
    """A fresh project, beside the .venv of the one before: installed already, it is kept."""
    NOTE.unlink(missing_ok=True)
    environment, kept = PROJECT / ".venv", FOLDER / "kept.venv"
    if environment.exists():
        environment.rename(kept)
    shutil.rmtree(PROJECT, ignore_errors=True)
    FOLDER.mkdir(exist_ok=True)
    settings = FOLDER / "cookiecutter.yaml"  # nothing is read from the home folder, or written
    settings.write_text(json.dumps({"replay_dir": str(FOLDER / "replay")}), encoding="utf-8")
    options = ["--no-input", "--config-file", str(settings), "--output-dir", str(FOLDER)]
    call([sys.executable, "-m", "cookiecutter", *options, str(ROOT), "vertical=finance"], ROOT)
    if kept.exists():
        kept.rename(environment)
    NOTE.write_text(fingerprint(), encoding="utf-8")


def noted() -> str:
    return NOTE.read_text(encoding="utf-8") if NOTE.exists() else ""


def fingerprint() -> str:
    """A hash of everything that a project is generated from."""
    digest = hashlib.sha256()
    for name in TEMPLATE:
        path = ROOT / name
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def shown(step: int, what: str) -> None:
    print(f"\n[{step}/{STEPS}] {what} ({elapsed()})", flush=True)


def elapsed() -> str:
    return f"{time.monotonic() - START:.0f} s"


def call(command: list[str], folder: Path) -> None:
    """Run it with the template's own tools on PATH, uv among them; end as it ends."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    code = subprocess.call(command, cwd=folder, env=os.environ | {"PATH": path})
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
