"""Pins versions: of the projects in constraints.txt, of the tools here in requirements-dev.txt.

checkov, whose own pins allow no others beside it, has requirements-infra.txt. The files keep the
versions that they have, as far as the requirements allow; `--upgrade` takes the newest. Needs uv,
which is among the tools.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / "{{cookiecutter.project_slug}}"
INTERNAL = TREE / "internal" / "pyproject.toml"
CONSTRAINTS = TREE / "constraints.txt"
REQUIREMENTS = ROOT / "requirements-dev.txt"
CHECKOV = ROOT / "requirements-infra.txt"
# The groups of the plumbing that its tests need; the others are tried in projects of their own.
TESTED = ("train", "serve", "plain", "dev", "notebooks", "build", "signing", "sbom")
COMPILE = ["uv", "pip", "compile", "--quiet", "--universal", "--no-header", "--no-annotate"]


def main(options: list[str]) -> None:
    """Write the files, the tools' from the versions of the projects, and MANIFEST."""
    groups = ["--group", "pyproject.toml:models"]
    with TemporaryDirectory() as folder:  # uv reads the pyproject.toml above as well, Jinja and all
        declared = shutil.copy(INTERNAL, folder)
        run([*COMPILE, *options, declared, *groups, "--all-extras"], CONSTRAINTS)
        extras = [word for name in TESTED for word in ("--extra", name)]
        pinned = ["--constraint", str(CONSTRAINTS), "--group", "pyproject.toml:dev"]
        run([*COMPILE, *options, declared, *groups, *pinned, *extras], REQUIREMENTS)
    run([*COMPILE, *options, "--group", "pyproject.toml:infra"], CHECKOV)
    subprocess.run([sys.executable, ROOT / "tools" / "release.py", "manifest"], check=True)


def run(command: list[str], output: Path) -> None:
    subprocess.run([*command, "--output-file", str(output)], cwd=ROOT, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
