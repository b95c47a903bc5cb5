"""Reads and edits MODEL_DIRS of models/all/Makefile: the folders of the models served together."""

import re
from pathlib import Path

from seedling import settings
from seedling.errors import ProjectError

ALL = "all"
# What make takes for it: `MODEL_DIRS += a b # why`, over several lines too.
MODEL_DIRS = re.compile(r"^MODEL_DIRS[ \t]*[:+?]?=((?:[^\n#\\]|\\\n)*)(?:#.*)?\n", re.MULTILINE)


def models(root: Path) -> list[str]:
    """Return the folders that MODEL_DIRS names: of make's command line, else of the Makefile.

    Raises:
        ProjectError: the file is missing, or a folder that is named is not there.
    """
    found = [name for line in MODEL_DIRS.findall(_makefile(root)) for name in _words(line)]
    found = settings.MODEL_DIRS.get() or found
    for name in found:
        if not (root / "models" / name).is_dir():
            where = "" if settings.MODEL_DIRS.is_set() else "models/all/Makefile, "
            raise ProjectError(f"{where}MODEL_DIRS: there is no models/{name}/.")
    if not found:
        raise ProjectError("models/all/Makefile: MODEL_DIRS names no model.")
    return list(dict.fromkeys(found))


def with_model(root: Path, model: str) -> str:
    """Return the Makefile's text with one more folder, unless it names that already.

    Raises:
        ProjectError: the file is missing, or has no line of MODEL_DIRS.
    """
    text = _makefile(root)
    if any(model in _words(line) for line in MODEL_DIRS.findall(text)):
        return text
    end = max((match.end() for match in MODEL_DIRS.finditer(text)), default=None)
    if end is None:
        raise ProjectError("models/all/Makefile has no line `MODEL_DIRS += ...` to add one below.")
    return f"{text[:end]}MODEL_DIRS += {model}\n{text[end:]}"


def without_model(root: Path, model: str) -> str:
    """Return the Makefile's text without a folder, and without a line that named only this one."""

    def without(match: re.Match[str]) -> str:
        if _words(match[1]) == [model]:
            return ""
        return re.sub(rf"[ \t]+{model}(?=[ \t\n\\#])", "", match[0])

    return MODEL_DIRS.sub(without, _makefile(root))


def _words(line: str) -> list[str]:
    """Return the folders that a value of MODEL_DIRS names, over several lines too."""
    return line.replace("\\\n", " ").split()


def _makefile(root: Path) -> str:
    """Return the text of models/all/Makefile."""
    try:
        return (root / "models" / ALL / "Makefile").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProjectError("models/all/Makefile is missing.") from None
