"""Creates .venv with what requirements-dev.txt pins: run `python3 tools/setup_env.py`.

checkov asks for older versions than the rest, and has an environment of its own inside it, of
requirements-infra.txt. uv does the work where it is installed, venv and pip otherwise; nothing else
is needed before.
"""

import hashlib
import os
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
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = shutil.which("uv")
    if uv:
        if not python.exists():
            run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        run([uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(requirements)])
    else:
        if not python.exists():
            run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        run([*pip, "--upgrade", "pip"])
        run([*pip, "-r", str(requirements)])
    return python


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
