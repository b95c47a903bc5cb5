"""A team's files import from the public face of the plumbing; its linter refuses what is deeper."""

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from baking import call

PUBLIC = {"azure_run", "credentials", "extending", "fitting", "gunicorn", "testing"}


def test_every_private_module_is_banned(bake: Callable[[dict[str, str]], Path]):
    project = bake({"vertical": "finance"})
    found = (project / "internal" / "seedling").iterdir()
    modules = {path.stem for path in found if path.is_dir() or path.suffix == ".py"}
    private = {name for name in modules - PUBLIC if not name.startswith("__")}
    lint = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    banned = lint["flake8-tidy-imports"]["banned-api"]
    assert banned.keys() == {f"seedling.{name}" for name in private}


@pytest.mark.parametrize(
    "line",
    [
        "from seedling.config import Project",
        "import seedling.serving.app",
        "from seedling import cli",
    ],
)
def test_a_deeper_import_is_refused(
    bake: Callable[[dict[str, str]], Path], tmp_path: Path, line: str
):
    project = bake({"vertical": "finance"})
    path = tmp_path / "mine.py"
    path.write_text(f"{line}\n")
    settings = ["--config", project / "pyproject.toml", "--no-cache", "--select", "TID251"]
    refused = call([sys.executable, "-m", "ruff", "check", *settings, path], tmp_path)
    assert refused.returncode == 1
    assert "import it from seedling" in refused.stdout
