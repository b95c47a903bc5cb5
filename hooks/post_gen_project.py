# A hook of the template: this line tells local_extensions.py that it is no answer.
"""Finishes a project with its own code: adds its models, as add-model does."""

import shutil
import sys
from pathlib import Path

MODELS = "{{ cookiecutter.__models }}".split()
CI_FOLDER, *CI_FILES = (
    "{{ cookiecutter.__ci_folder }}",
    "{{ cookiecutter.__ci_file }}",
    "{{ cookiecutter.__ci_train }}",
    "{{ cookiecutter.__ci_trained }}",
)
UNFINISHED = "> Generated without hooks"


def main(root: Path) -> None:
    finish(root)
    for cache in (root / "internal").rglob("__pycache__"):  # of those who test the plumbing there
        shutil.rmtree(cache)
    for name in filter(None, CI_FILES):
        # Here, not in the tree: a folder whose name follows from an answer cannot be left out.
        (root / CI_FOLDER).mkdir(parents=True, exist_ok=True)
        (root / name).rename(root / CI_FOLDER / name)
    remove_note(root / "README.md")


def finish(root: Path) -> None:
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(root / "internal"))
    from seedling.scaffold import add

    for model in MODELS:
        add.add(root, model)


def remove_note(readme: Path) -> None:
    """Take out what the README says for the case that this hook does not run."""
    lines = readme.read_text(encoding="utf-8").splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.startswith(UNFINISHED))
    del lines[at : at + 2]
    readme.write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path.cwd())
