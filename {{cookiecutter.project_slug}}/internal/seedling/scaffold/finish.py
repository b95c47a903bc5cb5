"""Finishes a project that cookiecutter has written: adds its models and its parts."""

import os
from pathlib import Path

from seedling.errors import ProjectError
from seedling.scaffold import add_model, add_part, in_repository, part_files
from seedling.scaffold.parts import is_on

# How the README's line for the case that no hook has run begins.
UNFINISHED = "> Generated without hooks"


def is_finished(root: Path) -> bool:
    """Tell whether the README has no line that asks for `finish`."""
    return UNFINISHED not in (root / "README.md").read_text(encoding="utf-8")


def refuse_finished(root: Path, models: list[str], parts: list[str]) -> None:
    """Refuse to add what the project has: the command of its README is run again.

    Raises:
        ProjectError: it has all these models and parts.
    """
    has_models = all((root / "models" / model).is_dir() for model in models)
    if has_models and all(is_on(root, part) for part in parts):
        raise ProjectError(
            f"This project is finished already; it has {', '.join([*models, *parts])}. "
            "Another model is added by add-model."
        )


def finish(root: Path, models: list[str], parts: list[str], ci_root: str = ".") -> None:
    """Place scripts, add models, then parts, take the note out of the README, say what CI misses.

    Where cookiecutter wrote over a project (-f), models and parts are written over as well. Where
    it kept the files that were there (-f -s), the README is one of them: it has no note, and models
    and parts that are there are kept too.

    Args:
        root: the project's folder.
        models: names of ready models.
        parts: names of parts, the CI system among them.
        ci_root: the root of the repository from the project's folder, where CI files go.

    Raises:
        ProjectError: no ready model of that name fits the first dataset of model.yaml, or there is
            no such part.
    """
    keep = is_finished(root)
    _into_folders(root, keep)
    for model in models:
        if not (keep and (root / "models" / model).exists()):
            add_model.add(root, model, overwrite=True)
    for part in parts:
        if not (keep and is_on(root, part)):
            add_part.add(root, part, part_files.as_generated(root, ci_root), overwrite=not keep)
    if not keep:
        _remove_note(root / "README.md")
    slug = part_files.as_generated(root, ci_root).slug
    for words in filter(None, (in_repository.remark(root, part, slug) for part in parts)):
        print(words)


def _into_folders(root: Path, keep: bool) -> None:
    """Move each file whose name spells its folders, such as `src+train.py`, to its place.

    Args:
        root: where they are.
        keep: leave a file that is at its place as it is.
    """
    for path in root.glob("*+*"):
        place = root.joinpath(*path.name.split("+"))
        if keep and place.exists():
            path.unlink()
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, place)


def _remove_note(readme: Path) -> None:
    """Remove the note's line and the empty line below it."""
    lines = readme.read_text(encoding="utf-8").splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.startswith(UNFINISHED))
    del lines[at : at + 2]
    readme.write_text("".join(lines), encoding="utf-8", newline="\n")
