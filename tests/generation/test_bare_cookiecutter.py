"""Projects are generated where nothing but cookiecutter is installed, as uvx has it."""

import sys
from collections.abc import Callable
from importlib.metadata import distribution
from itertools import cycle
from pathlib import Path
from venv import EnvBuilder

import pytest
from baking import ROOT, VERTICALS, configuration, models_of, run, texts
from packaging.requirements import Requirement

ANSWERS = {
    vertical: {"vertical": vertical, "models": ", ".join(models_of(vertical)), "ci": ci}
    for vertical, ci in zip(VERTICALS, cycle(["github", "azure_devops"]), strict=False)
}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that finds cookiecutter, what it requires, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    packages = folder / "packages"
    packages.mkdir()
    for name in required("cookiecutter"):
        found = distribution(name)
        for top in {path.parts[0] for path in found.files or [] if path.parts[0] != ".."}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(found.locate_file(top))))
    EnvBuilder(with_pip=False).create(folder / "venv")
    (site,) = folder.glob("venv/[Ll]ib/**/site-packages")
    (site / "packages.pth").write_text(str(packages), encoding="utf-8")
    return folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def required(name: str) -> set[str]:
    """Return the names of a package and of all that it requires, without extras."""
    found, left = set(), [name]
    while left:
        if (one := left.pop()) not in found:
            found.add(one)
            lines = map(Requirement, distribution(one).requires or [])
            left += [each.name for each in lines if not each.marker or each.marker.evaluate()]
    return found


@pytest.mark.parametrize("vertical", VERTICALS)
def test_it_is_the_same_project_where_only_cookiecutter_is_installed(
    bare: Path, bake: Callable[[dict[str, str]], Path], vertical: str, tmp_path: Path
):
    answers = ANSWERS[vertical]
    words = [f"{name}={answer}" for name, answer in answers.items()]
    options = ["--no-input", "--config-file", configuration(tmp_path), "--output-dir", tmp_path]
    run([bare, "-m", "cookiecutter", ROOT, *options, *words], tmp_path)
    ours = bake(answers)
    assert texts(tmp_path / ours.name) == texts(ours)


def test_nothing_else_is_installed_there(bare: Path, tmp_path: Path):
    finds = "import importlib.util as u; print(u.find_spec('msgspec'), u.find_spec('numpy'))"
    assert run([bare, "-c", finds], tmp_path) == "None None\n"
