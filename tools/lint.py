"""Check style, formatting, types and imports of the template's own Python, and its plumbing.

`--fix` first mends what can be mended, and writes internal/MANIFEST.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INTERNAL = ROOT / "{{cookiecutter.project_slug}}" / "internal"
# Each by name: the tree and templates/ hold Jinja marks, and the tests check what comes of them.
PATHS = ["benchmarks", "hooks", "seedling_answers.py", "tests", "tools"]
IMPORTS = (
    "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
)

# What the checks remember stays outside the tree: a project is generated from all that is in it.
CHECKS = [
    (ROOT, ["-m", "ruff", "check", *PATHS]),
    (ROOT, ["-m", "ruff", "format", "--check", *PATHS]),
    (INTERNAL, ["-m", "ruff", "check", "--no-cache"]),
    (INTERNAL, ["-m", "ruff", "format", "--check", "--no-cache"]),
    (INTERNAL, ["-m", "mypy", "--cache-dir", str(ROOT / ".mypy_cache")]),
    (INTERNAL, ["-c", IMPORTS]),
]
FIXES = [
    (ROOT, ["-m", "ruff", "check", "--fix", *PATHS]),
    (ROOT, ["-m", "ruff", "format", *PATHS]),
    (INTERNAL, ["-m", "ruff", "check", "--fix", "--no-cache"]),
    (INTERNAL, ["-m", "ruff", "format", "--no-cache"]),
    (ROOT, ["tools/release.py", "manifest"]),
]


def main(options: list[str]) -> int:
    """Run every check, each even if one before it failed; the first exit code that is not 0."""
    environment = os.environ | {"PYTHONPATH": str(INTERNAL), "PYTHONDONTWRITEBYTECODE": "1"}
    codes = [
        subprocess.call([sys.executable, *command], cwd=folder, env=environment)
        for folder, command in ([*FIXES, *CHECKS] if "--fix" in options else CHECKS)
    ]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
