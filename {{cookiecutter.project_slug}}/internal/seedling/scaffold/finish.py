"""Finishes a project that cookiecutter has written: its models, and the folder of its CI files.

It needs nothing but the standard library, since it runs before anything is installed. Cookiecutter
can do neither: a folder whose name follows from an answer cannot be left out of the tree.
"""

from pathlib import Path

from seedling.scaffold import add

# How the README's line for the case that no hook has run begins.
UNFINISHED = "> Generated without hooks"


def is_finished(root: Path) -> bool:
    """Tell whether the README has no line that asks for `finish`."""
    return UNFINISHED not in (root / "README.md").read_text(encoding="utf-8")


def finish(root: Path, models: list[str], ci_folder: str) -> None:
    """Add the models, move the CI files to their folder, and take the note out of the README.

    Where cookiecutter wrote over a project (-f), models and CI files are written over as well.
    Where it kept the files that were there (-f -s), the README is one of them: it has no note, and
    models and CI files that are there are kept too.

    Args:
        root: the project's folder.
        models: names of ready models.
        ci_folder: where CI looks for its files, relative to root; empty without CI.

    Raises:
        ProjectError: no ready model of that name fits the first dataset of model.yaml.
    """
    keep = is_finished(root)
    for model in models:
        if not (keep and (root / "models" / model).exists()):
            add.add(root, model, overwrite=True)
    if ci_folder:
        _move(sorted(root.glob("*.yml")), root / ci_folder, keep)
    if not keep:
        _remove_note(root / "README.md")


def _move(files: list[Path], folder: Path, keep: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        if keep and (folder / path.name).exists():
            path.unlink()
        else:
            path.replace(folder / path.name)


def _remove_note(readme: Path) -> None:
    """Remove the note's line and the empty line below it."""
    lines = readme.read_text(encoding="utf-8").splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.startswith(UNFINISHED))
    del lines[at : at + 2]
    readme.write_text("".join(lines), encoding="utf-8", newline="\n")
