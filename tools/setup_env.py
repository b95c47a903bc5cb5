"""Creates .venv with what requirements-dev.txt pins: run `python3 tools/setup_env.py`.

uv does the work where it is installed, venv and pip otherwise; nothing else is needed before.
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
    try:
        install()
    except subprocess.CalledProcessError as error:
        command = " ".join(str(word) for word in error.cmd[:4])
        sys.exit(f"Error: `{command} ...` failed; its lines above tell why.")
    STAMP.write_text(wanted)


def install() -> None:
    """Bring .venv to the pinned versions."""
    print("Installing the template's own tools into .venv", flush=True)
    python = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = shutil.which("uv")
    if uv:
        if not python.exists():
            run([uv, "venv", "--quiet", "--python", sys.executable, str(FOLDER)])
        run([uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(REQUIREMENTS)])
    else:
        if not python.exists():
            run([sys.executable, "-m", "venv", str(FOLDER)])
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        run([*pip, "--upgrade", "pip"])
        run([*pip, "-r", str(REQUIREMENTS)])
    show_plumbing(python)


def show_plumbing(python: Path) -> None:
    """Let this Python find the plumbing where it stands in the template: `-m seedling`."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)
    (Path(done.stdout.strip()) / "seedling-template.pth").write_text(f"{INTERNAL}\n")


def fingerprint() -> str:
    """What the environment follows from: the pinned versions, and where it stands."""
    return hashlib.sha256(REQUIREMENTS.read_bytes() + str(ROOT).encode()).hexdigest()


def run(command: list[str]) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
