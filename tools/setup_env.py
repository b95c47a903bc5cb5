"""Creates .venv with what requirements-dev.txt pins: run `python3 tools/setup_env.py`.

checkov asks for older versions than the rest, and has an environment of its own inside it, of
requirements-infra.txt. venv and pip are all that is needed before: pip installs uv, which installs
the rest in a tenth of pip's time. Where uv finds no index, pip does all of it.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

SUPPORTED = ((3, 11), (3, 13))
ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements-dev.txt"
CHECKOV = FOLDER / "checkov"
CHECKOV_REQUIREMENTS = ROOT / "requirements-infra.txt"
INTERNAL = ROOT / "{{cookiecutter.project_slug}}" / "internal"
STAMP = FOLDER / ".installed"


def main() -> None:
    if not SUPPORTED[0] <= sys.version_info[:2] <= SUPPORTED[1]:
        version = "{}.{}".format(*sys.version_info)
        sys.exit(f"Error: Seedling needs Python 3.11 to 3.13, and this is {version}.")
    wanted = fingerprint()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        STAMP.touch()
        print("The environment .venv is up to date.")
        return
    print("Installing the template's own tools into .venv", flush=True)
    try:
        show_plumbing(install(FOLDER, REQUIREMENTS))
        install(CHECKOV, CHECKOV_REQUIREMENTS)
    except subprocess.CalledProcessError as error:
        command = " ".join(str(word) for word in error.cmd[:4])
        sys.exit(f"Error: `{command} ...` failed; its lines above tell why.")
    STAMP.write_text(wanted)


def install(folder: Path, requirements: Path) -> Path:
    """Bring an environment to the pinned versions; return its Python."""
    python = program(folder, "python")
    if not python.exists():
        run([sys.executable, "-m", "venv", str(folder)])
    wanted = ["install", "--quiet", "-r", str(requirements)]
    try:
        run([fetched_uv(), "pip", *wanted, "--python", str(python)])
    except subprocess.CalledProcessError:  # pip may be told of an index that uv does not know
        run([str(python), "-m", "pip", "--disable-pip-version-check", *wanted])
    return python


def fetched_uv() -> str:
    """Return the path of uv: of this machine's, or of the one that pip installs into .venv."""
    uv = shutil.which("uv") or program(FOLDER, "uv")
    if not Path(uv).exists():
        (pinned,) = re.findall(r"(?m)^uv==\S+", REQUIREMENTS.read_text(encoding="utf-8"))
        pip = [str(program(FOLDER, "python")), "-m", "pip", "--disable-pip-version-check"]
        run([*pip, "install", "--quiet", pinned])
    return str(uv)


def program(folder: Path, name: str) -> Path:
    """Return the path of a program of an environment."""
    return folder / "Scripts" / f"{name}.exe" if os.name == "nt" else folder / "bin" / name


def show_plumbing(python: Path) -> None:
    """Let this Python find the plumbing where it stands in the template: `-m seedling`."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)
    (Path(done.stdout.strip()) / "seedling-template.pth").write_text(f"{INTERNAL}\n")


def fingerprint() -> str:
    """What the environment follows from: the pinned versions, and where it stands."""
    pinned = REQUIREMENTS.read_bytes() + CHECKOV_REQUIREMENTS.read_bytes()
    return hashlib.sha256(pinned + str(ROOT).encode()).hexdigest()


def run(command: list[str]) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
