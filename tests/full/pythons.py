"""Other Pythons of this machine, for the tests that install a project by them."""

import os
import shutil
import sys
from pathlib import Path

from baking import call, run


def find_python(version: str) -> str | None:
    """Return Python of that version, where it is on PATH and starts."""
    python = shutil.which(f"python{version}")
    if python is None or call([python, "-c", ""], Path.cwd()).returncode:
        return None
    found = "import sys; print(sys._base_executable)"
    return run([python, "-c", found], Path.cwd()).strip()


def path_without_uv() -> str:
    """Return a PATH with this Python, make and the system's tools, and no uv."""
    path = os.pathsep.join([str(Path(sys.base_prefix) / "bin"), "/usr/bin", "/bin"])
    assert shutil.which("uv", path=path) is None
    assert shutil.which("make", path=path)
    return path
