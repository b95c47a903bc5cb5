"""The models' requirements: in pyproject.toml for the project, in files of their images."""

import re
from collections.abc import Iterable
from pathlib import Path

from seedling import tasks
from seedling.errors import ProjectError
from seedling.scaffold import edit_array, edit_text, model_folder
from seedling.scaffold.ready_models import COMPILING, PLAIN, TREES, Ready

FILE = "pyproject.toml"
TABLE = "project.optional-dependencies"


def of_ready(ready: Ready) -> dict[str, list[str]]:
    """Return what a ready model requires, by group.

    Returns:
        `train`, `serve`, and `plain` for serving it without a compiled form.
    """
    return {
        "train": [*ready.requirements, *(COMPILING if ready.trees else ())],
        "serve": [*(TREES if ready.trees else ()), *ready.served],
        "plain": [] if _is_whole(ready) else list(ready.requirements),
    }


def of_images(used: list[Ready]) -> dict[str, str]:
    """Return the requirements files of a model's images, by their names.

    Args:
        used: the ready models whose estimators it trains. Where there is none, the model is the
            team's own, and may need pandas and scikit-learn to answer.
    """
    needs = [of_ready(ready) for ready in used]
    train = [line for need in needs for line in need["train"]]
    serve = [line for need in needs for line in need["serve"]]
    if not used or not all(ready.compiled or _is_whole(ready) for ready in used):
        serve = list(PLAIN)
        for ready, need in zip(used, needs, strict=True):
            serve += need["serve" if _is_whole(ready) else "plain"]
    return model_folder.requirements(list(dict.fromkeys(train)), list(dict.fromkeys(serve)))


def serve_alone(root: Path, model: str) -> bool:
    """Return whether the group `serve` has all that a model without a compiled form answers with.

    Where this is False, it may need pandas and scikit-learn: the group `plain`.
    """
    used = used_in([root / "models" / model])
    return bool(used) and all(map(_is_whole, used))


def used_in(folders: Iterable[Path]) -> list[Ready]:
    """Return the ready models whose estimators the code of these models names."""
    text = "\n".join(
        path.read_text(encoding="utf-8") for folder in folders for path in folder.glob("*.py")
    )
    known = [ready for models in tasks.ready_models().values() for ready in models.values()]
    named = {*re.findall(r"\w+", text)}
    return [ready for ready in known if ready.estimator in named]


def with_requirements(root: Path, ready: Ready) -> str:
    """Return the text of pyproject.toml with what a ready model requires in each group."""
    text = edit_text.read(root / FILE)
    for group, lines in of_ready(ready).items():
        if lines:
            text = edit_array.insert(text, TABLE, group, lines, FILE)
    return text


def without_unused(root: Path, removed: Path, kept: list[Path]) -> str:
    """Return the text of pyproject.toml without what only the removed model requires.

    Args:
        root: the project's folder.
        removed: the folder of the model.
        kept: the folders of the other models. What their code or their images' files require stays.
    """
    named = {
        line for folder in kept for path in folder.glob("requirements_*.txt") for line in read(path)
    }
    others = [of_ready(ready) for ready in used_in(kept)]
    text = edit_text.read(root / FILE)
    for ready in used_in([removed]):
        for group, lines in of_ready(ready).items():
            needed = named.union(*(other[group] for other in others))
            unused = {*lines} - needed
            if unused:
                text = edit_array.remove(text, TABLE, group, unused, FILE)
    return text


def read(path: Path) -> list[str]:
    """Return the requirements of a model's requirements file.

    Raises:
        ProjectError: it is missing.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ProjectError(f"models/{path.parent.name}/{path.name} is missing.") from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _is_whole(ready: Ready) -> bool:
    """Return whether a ready model answers with what it is `served` with alone."""
    return bool(ready.served) and not ready.compiled
